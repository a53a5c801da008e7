// SPDX-License-Identifier: Apache-2.0
import { onchainTable } from "ponder";

export const proposal = onchainTable("proposal", (t) => ({
  id: t.bigint().primaryKey(),
  proposer: t.hex().notNull(),
  description: t.text().notNull(),
  snapshot: t.bigint().notNull(),
  deadline: t.bigint().notNull(),
  etaChainS: t.bigint(),
  executed: t.boolean().notNull(),
  canceled: t.boolean().notNull(),
  againstVotes: t.bigint().notNull(),
  forVotes: t.bigint().notNull(),
  abstainVotes: t.bigint().notNull(),
}));

export const vote = onchainTable("vote", (t) => ({
  id: t.text().primaryKey(),
  proposalId: t.bigint().notNull(),
  voter: t.hex().notNull(),
  support: t.integer().notNull(),
  weight: t.bigint().notNull(),
  reason: t.text().notNull(),
  params: t.hex(),
}));

export const delegation = onchainTable("delegation", (t) => ({
  id: t.text().primaryKey(),
  delegator: t.hex().notNull(),
  fromDelegate: t.hex().notNull(),
  toDelegate: t.hex().notNull(),
}));

export const powerCheckpoint = onchainTable("power_checkpoint", (t) => ({
  id: t.text().primaryKey(),
  account: t.hex().notNull(),
  timepoint: t.bigint().notNull(),
  previousPower: t.bigint().notNull(),
  power: t.bigint().notNull(),
}));
