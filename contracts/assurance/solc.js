#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Speaks the two options of the native solc that Ape (py-solc-x) and forge use, over npm's solc (WebAssembly).
// No native compiler can be had from the package registries alone.
const fs = require("fs");
const path = require("path");

const root = path.resolve(__dirname, "..", "..");
const versionOf = () => require(path.join(root, "node_modules", "solc", "package.json")).version;

if (process.argv.includes("--version")) {
  // Ape and forge ask for the version many times; loading the 9 MB compiler for it would cost 300 ms each.
  const { version, commit } = compilerVersion();
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}+commit.${commit}.Emscripten.clang\n`);
} else if (process.argv.includes("--standard-json")) {
  const solc = require(path.join(root, "node_modules", "solc"));
  process.stdout.write(solc.compile(fs.readFileSync(0, "utf8")));
} else {
  process.stderr.write("solc.js: only --version and --standard-json are supported\n");
  process.exit(2);
}

function compilerVersion() {
  const cache = path.join(root, ".build", "solc", "version.json");
  const version = versionOf();
  try {
    const known = JSON.parse(fs.readFileSync(cache, "utf8"));
    if (known.version === version) return known;
  } catch (error) {
    if (error.code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
  }
  const full = require(path.join(root, "node_modules", "solc")).version(); // 0.8.37+commit.abcdef12.Emscripten.clang
  const found = { version, commit: full.split("commit.")[1].split(".")[0] };
  fs.mkdirSync(path.dirname(cache), { recursive: true });
  const half = `${cache}.${process.pid}`; // several forge processes may write at once
  fs.writeFileSync(half, JSON.stringify(found));
  fs.renameSync(half, cache);
  return found;
}
