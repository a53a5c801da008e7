// SPDX-License-Identifier: Apache-2.0
import { ponder } from "ponder:registry";
import { delegation, powerCheckpoint, proposal, vote } from "ponder:schema";

ponder.on("Governor:ProposalCreated", async ({ event, context }) => {
  const a = event.args;
  await context.db.insert(proposal).values({
    id: a.proposalId, proposer: a.proposer, description: a.description, snapshot: a.voteStart, deadline: a.voteEnd,
    executed: false, canceled: false, againstVotes: 0n, forVotes: 0n, abstainVotes: 0n,
  });
});

type Ballot = { voter: `0x${string}`; proposalId: bigint; support: number; weight: bigint; reason: string };

// biome-ignore lint: the context's type is made by Ponder
async function cast(context: any, id: string, a: Ballot, params?: `0x${string}`) {
  await context.db.insert(vote).values({
    id, proposalId: a.proposalId, voter: a.voter, support: a.support, weight: a.weight, reason: a.reason, params,
  });
  await context.db.update(proposal, { id: a.proposalId }).set((row: typeof proposal.$inferSelect) => ({
    againstVotes: row.againstVotes + (a.support === 0 ? a.weight : 0n),
    forVotes: row.forVotes + (a.support === 1 ? a.weight : 0n),
    abstainVotes: row.abstainVotes + (a.support === 2 ? a.weight : 0n),
  }));
}

ponder.on("Governor:VoteCast", ({ event, context }) => cast(context, event.id, event.args));
ponder.on("Governor:VoteCastWithParams", ({ event, context }) =>
  cast(context, event.id, event.args, event.args.params),
);
ponder.on("Governor:ProposalQueued", async ({ event, context }) => {
  await context.db.update(proposal, { id: event.args.proposalId }).set({ etaChainS: event.args.eta });
});
ponder.on("Governor:ProposalExecuted", async ({ event, context }) => {
  await context.db.update(proposal, { id: event.args.proposalId }).set({ executed: true });
});
ponder.on("Governor:ProposalCanceled", async ({ event, context }) => {
  await context.db.update(proposal, { id: event.args.proposalId }).set({ canceled: true });
});
ponder.on("Token:DelegateChanged", async ({ event, context }) => {
  const a = event.args;
  await context.db.insert(delegation).values({
    id: event.id, delegator: a.delegator, fromDelegate: a.fromDelegate, toDelegate: a.toDelegate,
  });
});
ponder.on("Token:DelegateVotesChanged", async ({ event, context }) => {
  const a = event.args;
  await context.db.insert(powerCheckpoint).values({
    id: event.id, account: a.delegate, timepoint: event.block.number, previousPower: a.previousVotes,
    power: a.newVotes,
  });
});
