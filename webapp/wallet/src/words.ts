// SPDX-License-Identifier: Apache-2.0
// Every sentence that the wallet's script shows, in one place. A language is one more object like `english`; the page's
// own language chooses it. What others said (a wallet, a contract, this site's server) is put in as it came.

import type { Address, Hex } from "viem";

import { german } from "./german";

const english = {
  // the wallet's corner
  wallet: "Wallet",
  browserWallet: "Browser wallet",
  testWallet: (person: string) => `${person} (test wallet)`,
  itsChain: "its chain",
  change: "Change",
  connect: "Connect",
  switchNetwork: "Switch network",
  noWallet: "No wallet found in this browser",

  // what an account may do
  connectFirst: "Connect a wallet first",
  connectFirstToAct: "Connect a wallet first.",
  readingYou: "Reading what you have and did …",
  powerIsRead: "Your voting power is being read",
  readingPower: "Reading your voting power from the chain …",
  powerUnknown: "Your voting power is not known.",
  mayVote: "You may vote: your wallet tries the vote first.",
  onlyTheOperator: "Not from this account: only the operator may approve.",
  onlyTheOperatorSigns: "Not from this account: only the operator's own signature counts.",
  deniedTo: (why: string) => `Not from this account: ${why}.`,

  // with whom the account's tokens vote
  readingDelegation: "Reading your tokens from the chain …",
  delegationUnknown: "The votes token does not tell your wallet with whom you vote. You may send a delegation all the same.",
  holdsAndNobody: (tokens: string) => `You hold ${tokens} and have delegated to nobody: they count in no new vote.`,
  oneDelegate:
    "This token's delegates() answers one address for your account. This page knows no way to split your votes among several; whether there is one elsewhere is not known here.",
  splitsElsewhere: "This token lets an account split its votes among several delegates. This page can't do that: what you send here gives them all to one.",
  splitsHere: "This token lets an account split its votes among several delegates: that is offered below.",
  holdsInParts: (tokens: string) => `You delegate your ${tokens} in parts:`,
  holdsNothingInParts: "What it gets later would be delegated in parts:",
  partTo: (share: string, name: string) => `${share} to ${name}`,
  partToNobody: (share: string) => `${share} to nobody: it counts in no new vote.`,
  partsSum: (share: string, rest: string) => `${share} in all. ${rest} would go to nobody and count in no new vote.`,
  partsWhole: (share: string) => `${share} in all.`,
  partNeedsAddress: (row: number) => `Account ${row}: write an address first: 0x and 40 hexadecimal digits, without a mistyped one.`,
  partNeedsPercent: (row: number) =>
    `Account ${row}: write a share above 0 and up to 100 percent, with a point and at most two digits behind it, such as 33.33.`,
  partTwice: (row: number) => `Account ${row} is there twice.`,
  partsTooMuch: (share: string) => `These shares come to ${share}, which is more than all your votes.`,
  partsTooMany: (most: number) => `These are too many accounts: at most ${most} here.`,
  delegateNow: "Delegate now, to yourself or to somebody else, for the next vote.",
  holdsAndSelf: (tokens: string) => `Your ${tokens} vote with you.`,
  holdsAndOther: (tokens: string, name: string) => `Your ${tokens} vote with ${name}.`,
  holdsNothing: "This account holds no tokens of this DAO now.",
  holdsNothingButMay: (name: string) => `What it gets later would vote with ${name}.`,
  holdsNothingAndNobody: "What it gets later would count in no new vote, unless you delegate.",
  nobody: "nobody",
  thousands: ",",
  decimals: ".",
  yourself: "you",
  namedAddress: (name: string, short: string) => `${name} (${short})`,
  noAddress: "Write an address first: 0x and 40 hexadecimal digits, without a mistyped one.",
  alreadySo: "Your tokens vote so already. Nothing was sent.",
  delegated: "Done: this counts from the next snapshot on.",
  noSignedDelegations: "This votes token does not say how a delegation is signed: send a transaction. Nothing was signed.",
  otherTokenDomain: "The votes token's signing domain names another chain or contract. Nothing was signed.",

  // doing something
  ofAccount: (account: Address, text: string) => `${account}: ${text}`,
  waitingForWallet: "Waiting for your wallet …",
  waitingForSignature: "Waiting for your signature …",
  waitingToSignIn: "Waiting for your signature, to sign in …",
  // EIP-4361 allows ASCII alone here.
  signIn: "Sign in to Mandate. This costs nothing and sends nothing.",
  sent: (hash: Hex) => `Sent: ${hash}. Waiting to be mined …`,
  signed: "Signed. Handing it to the relayer …",
  relayed: (hash: Hex) => `The relayer sent it: ${hash}. Waiting to be mined …`,
  voted: "Voted.",
  done: "Done.",
  mined: (block: bigint) => `Mined in block ${block}; the page follows in a moment.`,
  minedNotRead: (block: bigint) => `Mined in block ${block}. The mirror has not read it yet; reload later.`,
  asked: (request: number) => `Asked: request ${request}. The page follows in a moment.`,
  approved: "Approved. The page follows in a moment.",
  published: "Published. The page follows in a moment.",
  notYourPage: "This page is about another account than the connected one. Nothing was signed.",
  otherText: "This site asked for a signature over another text. Nothing was signed.",
  noReasonInBallot: "A signed ballot carries no reason: vote by transaction, or remove the reason.",

  // the wallet and its network
  noAccount: "The wallet gave no account.",
  noAccountAnyMore: "Your wallet gives this site no account any more. Connect again.",
  changedToUnknown: "Your wallet changed and does not say to what. Connect again.",
  connectionLost: "Your wallet has lost its connection to the network. Connect again.",
  changedTo: (account: Address) => `Your wallet changed to ${account}. This page follows.`,
  notConnected: "Your wallet is not connected to this page any more.",
  onAnotherAccount: (now: Address, shown: Address) => `Your wallet is now on ${now}; this page showed ${shown}.`,
  changedMeanwhile: "Your wallet changed while you were asked.",
  nothingSentLookAgain: "Nothing was sent. Look at this page again, then repeat it.",
  wrongNetwork: (wallet: number, name: string, chain: number) =>
    `Your wallet is on another network (chain ${wallet}): this DAO lives on ${name} (chain ${chain}).`,
  networkKept: (wallet: number, name: string, chain: number) =>
    `Your wallet is on the wrong network: this DAO lives on ${name} (chain ${chain}), the wallet is on chain ${wallet}, and you kept it there. Nothing was sent.`,
  networkUnknown: (wallet: number, name: string, chain: number) =>
    `Your wallet is on the wrong network: this DAO lives on ${name} (chain ${chain}), the wallet is on chain ${wallet} and does not know this one: add it in the wallet. Nothing was sent.`,
  networkNotSwitched: (wallet: number, name: string, chain: number) =>
    `Your wallet is on the wrong network: this DAO lives on ${name} (chain ${chain}), the wallet is on chain ${wallet}, and it could not be switched. Nothing was sent.`,
  stillWrongNetwork: (name: string, chain: number) =>
    `Your wallet is still on the wrong network: this DAO lives on ${name} (chain ${chain}). Nothing was sent.`,
  networkNotSaid: "Your wallet does not say which network it is on. Nothing was sent.",

  // what wallets answer
  rejected: "You rejected this in your wallet. Nothing was sent.",
  walletErrors: {
    4100: "Your wallet does not let this site use this account.",
    4200: "Your wallet can't do this.",
    4900: "Your wallet has lost its connection to the network.",
    4901: "Your wallet is not connected to this DAO's network.",
    4902: "Your wallet does not know this DAO's network: add it in the wallet.",
    [-32002]: "Your wallet still waits for your answer to an earlier request: open it.",
  } as Record<number, string>, // EIP-1193's codes, and those that wallets share
  walletFailed: "Your wallet failed and did not say why.",
  walletAnswered: (said: string) => ended(`Your wallet answered: ${said}`),
  failed: (said: string) => ended(`This did not work: ${said}`),
  noTransaction: "Your wallet named no transaction.",
  lookFirst: "Look in your wallet whether it was sent before you try again.",
  noSignature: "Your wallet gave no signature. Nothing was sent.",
  signedByAnother: (signer: Address, shown: Address) =>
    `Your wallet signed with ${signer}, not with ${shown} that this page shows. The signature is not used and nothing was sent.`,
  signedByNoKey: "Your wallet signed with no key. The signature is not used and nothing was sent.",
  notSeenMined: (hash: Hex) => `Sent as ${hash}, but this page could not see it mined. Look for it before you try again.`,
  minedElsewhere: (hash: Hex, wallet: number, name: string, chain: number) =>
    `Your wallet says that ${hash} was mined, but it is on another network now (chain ${wallet}). So it is not known whether this was sent on ${name} (chain ${chain}). Look for it before you try again.`,
  minedNobodyKnowsWhere: (hash: Hex, name: string, chain: number) =>
    `Your wallet says that ${hash} was mined, but it does not say on which network. So it is not known whether this was sent on ${name} (chain ${chain}). Look for it before you try again.`,
  minedFromAnother: (block: bigint, from: Address, sender: Address, hash: Hex) =>
    `Mined in block ${block}, but your wallet sent it from ${from}, not from ${sender} that this page showed: ${hash}`,
  minedAndRefused: (block: bigint, hash: Hex) => `Mined in block ${block}, but the chain refused it: ${hash}`,

  // what the chain answers
  chainWouldRefuse: (why: string) => `The chain would refuse this: ${why}.`,
  refusals: {
    GovernorUnexpectedProposalState: "the proposal is not in a state that allows this now",
    GovernorAlreadyCastVote: "this account has voted already",
    GovernorInsufficientProposerVotes: "it has fewer votes than a proposal takes",
    GovernorRestrictedProposer: "the text names another account as the one who may propose it",
    GovernorUnableToCancel: "only who proposed it may cancel it, and only before the vote begins",
    GovernorInvalidSignature: "the signature does not fit",
    TimelockUnexpectedOperationState: "the timelock is not over yet, or this was done already",
    NotOwner: "only the owner (a vote) may do this",
    NotGuardian: "only the guardian or the owner may do this",
    NotPending: "the act is not waiting any more",
    NotYet: "the objection window is not over yet",
    Expired: "the time to release it is over",
    Voided: "the act was voided: the policy changed, or everything was paused",
    AlreadyObjected: "this account has objected already",
    NoPower: "this account has no voting power that counts for this act",
    NotPaused: "the policy module is not paused",
    IsPaused: "the policy module is paused",
  } as Record<string, string>,
  unknownError: (selector: string) => `error ${selector}`,
  worthless: "This vote would count 0: your account had no voting power at the snapshot. Nothing was sent.",
  otherDomain: "The governor's signing domain names another chain or contract. Nothing was signed.",

  // what this site answers
  signedInAnother: (address: string, account: Address) => `This site signed ${address} in, not ${account}. Nothing else was sent.`,
  unreachable: "This site could not be reached. Try again in a moment.",
  unreachableAfterSending:
    "This site could not be reached, so it is not known whether it got this. Reload the page before you try again.",
  statusNoAnswer: (status: number) => `This site answered with status ${status}. Try again.`,
  status: (status: number) => `This site answered with status ${status}.`,
  testWalletLocalOnly: "The test wallet exists on the local chain only.",
  testWalletUnreachable: "The test wallet is part of this site, which could not be reached.",
  testWalletRefused: (status: number) => `The test wallet was refused (${status}). Reload the page.`,
};

/** The wallet's sentences: each language has all of them, with the same values. */
export type Words = typeof english;

export function ended(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

const LANGUAGES: Record<string, Words> = { en: english, de: german };

export const words = LANGUAGES[document.documentElement.lang] ?? english;
