// SPDX-License-Identifier: Apache-2.0
import { createConfig } from "ponder";
import { parseAbi } from "viem";

const abi = parseAbi([
  "event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)",
  "event VoteCastWithParams(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason, bytes params)",
  "event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description)",
  "event ProposalQueued(uint256 proposalId, uint256 eta)",
  "event ProposalExecuted(uint256 proposalId)",
  "event ProposalCanceled(uint256 proposalId)",
]);
const tokenAbi = parseAbi([
  "event DelegateChanged(address indexed delegator, address indexed fromDelegate, address indexed toDelegate)",
  "event DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes)",
]);
const env = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const blocks = { startBlock: Number(env("BENCH_FIRST_BLOCK")), endBlock: Number(env("BENCH_LAST_BLOCK")) };
// Its limiter counts by endpoint: the same node, listed many times, is asked as fast as it answers.
const listed = Number(process.env.BENCH_NODE_LISTED ?? "1");

export default createConfig({
  database: { kind: "postgres", connectionString: env("DATABASE_URL") },
  chains: {
    bench: { id: 1, rpc: listed > 1 ? Array<string>(listed).fill(env("BENCH_NODE")) : env("BENCH_NODE") },
  },
  contracts: {
    Governor: { chain: "bench", abi, address: env("BENCH_GOVERNOR") as `0x${string}`, ...blocks },
    Token: { chain: "bench", abi: tokenAbi, address: env("BENCH_TOKEN") as `0x${string}`, ...blocks },
  },
});
