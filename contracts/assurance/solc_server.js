#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// One compiler, many compilations: a line of standard JSON in, a line of its output out. Mutation testing compiles the
// same contracts hundreds of times, and loading and warming the WebAssembly compiler each time would cost more than that.
const path = require("path");
const readline = require("readline");

const solc = require(path.join(path.resolve(__dirname, "..", ".."), "node_modules", "solc"));

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on("line", (line) => {
  process.stdout.write(JSON.stringify(JSON.parse(solc.compile(line))) + "\n");
});
