// SPDX-License-Identifier: Apache-2.0
// What the page asks of the chain and of the person, through the chosen wallet.

import {
  BaseError,
  createClient,
  custom,
  decodeErrorResult,
  domainSeparator,
  encodeFunctionData,
  getAddress,
  getTypesForEIP712Domain,
  hashMessage,
  hashTypedData,
  isHex,
  numberToHex,
  parseAbi,
  recoverAddress,
  serializeTypedData,
  size,
  slice,
  stringToHex,
  type Address,
  type Hex,
} from "viem";
import { call as callChain, getBlock, getCode, readContract, waitForTransactionReceipt } from "viem/actions";

import { confirm, minedElsewhere, type Shown } from "./connection";
import { partsIn, splitData, SPLITTING, whole, WHOLE_BPS, type Part } from "./parts";
import { Problem, type Site, type Wallet } from "./providers";
import { words } from "./words";

export const GOVERNOR = parseAbi([
  "function castVoteWithReason(uint256 proposalId, uint8 support, string reason) returns (uint256)",
  "function castVote(uint256 proposalId, uint8 support) returns (uint256)",
  "function getVotes(address account, uint256 timepoint) view returns (uint256)",
  "function nonces(address owner) view returns (uint256)",
  "function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)",
]);

// The errors that a person can do something about; others are shown by their selector.
const ERRORS = parseAbi([
  "error Error(string)",
  "error GovernorUnexpectedProposalState(uint256 proposalId, uint8 current, bytes32 expectedStates)",
  "error GovernorAlreadyCastVote(address voter)",
  "error GovernorInsufficientProposerVotes(address proposer, uint256 votes, uint256 threshold)",
  "error GovernorRestrictedProposer(address proposer)",
  "error GovernorUnableToCancel(uint256 proposalId, address account)",
  "error GovernorInvalidVoteType()",
  "error GovernorInvalidSignature(address voter)",
  "error TimelockUnexpectedOperationState(bytes32 operationId, bytes32 expectedStates)",
  "error NotOwner()",
  "error NotGuardian()",
  "error NotPending()",
  "error NotYet(uint40 releasableAt)",
  "error Expired(uint40 expiresAt)",
  "error Voided()",
  "error AlreadyObjected()",
  "error NoPower()",
  "error IsPaused()",
  "error NotPaused()",
]);

// Refusals that are about who asks, not about when: they hold for as long as the page shows this account.
const ABOUT_WHO = new Set(["NotOwner", "NotGuardian", "NoPower", "AlreadyObjected", "GovernorInsufficientProposerVotes", "GovernorUnableToCancel"]);

const REJECTED = 4001; // EIP-1193

/** What a wallet's or the node's error means for a person. */
export function explain(error: unknown): string {
  let known = "";
  let said = "";
  let ofWallet = false;
  for (let at: unknown = error, depth = 0; at && depth < 8; at = (at as { cause?: unknown }).cause, depth++) {
    if (at instanceof Problem) return at.message;
    const { code, data, message } = at as { code?: unknown; data?: unknown; message?: unknown };
    if (code === REJECTED) return words.rejected;
    const hex = revertData(data);
    if (hex) return words.chainWouldRefuse(reason(hex));
    known ||= words.walletErrors[Number(code)] ?? "";
    ofWallet ||= typeof code === "number"; // EIP-1193 gives each error of a wallet one
    // The innermost message is the wallet's own; those around it are this page's library's.
    if (typeof message === "string" && message) said = at instanceof BaseError ? at.shortMessage : message;
  }
  if (known) return known;
  if (!said) return words.walletFailed;
  return (ofWallet ? words.walletAnswered : words.failed)(said.trim().slice(0, 300));
}

/** Whether an error says that the person rejected the request: `explain` then says that nothing was sent. */
function isRejection(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at && depth < 8; at = (at as { cause?: unknown }).cause, depth++) {
    if (at instanceof Problem) return false;
    const { code, data } = at as { code?: unknown; data?: unknown };
    if (code === REJECTED) return true;
    if (revertData(data)) return false;
  }
  return false;
}

function revertData(data: unknown): Hex | null {
  const hex = typeof data === "string" ? data : (data as { data?: unknown } | null | undefined)?.data;
  return typeof hex === "string" && isHex(hex) && hex.length >= 10 ? hex : null;
}

function nameOf(data: Hex): string {
  try {
    return decodeErrorResult({ abi: ERRORS, data }).errorName;
  } catch {
    return ""; // an error that this page does not know
  }
}

function reason(data: Hex): string {
  try {
    const decoded = decodeErrorResult({ abi: ERRORS, data });
    if (decoded.errorName === "Error") return String(decoded.args?.[0]).slice(0, 200);
    return words.refusals[decoded.errorName] ?? decoded.errorName;
  } catch {
    return words.unknownError(data.slice(0, 10));
  }
}

/** A reader of the chain through a wallet. */
export function client(wallet: Wallet) {
  return createClient({ transport: custom(wallet.provider as never, { retryCount: 0 }) });
}

/** Asks the wallet to send or sign as the account that the page shows, once it has said that it is on it. */
async function ask(held: Shown, method: string, params: readonly unknown[]): Promise<unknown> {
  await confirm(held);
  return held.wallet.provider.request({ method, params });
}

export interface Call {
  to: Address;
  data: Hex;
  value: bigint;
}

/** Has the node try a call as the account shown, so that a refusal is read here and costs nothing. Returns its answer. */
async function attempt(held: Shown, call: Call): Promise<Hex | undefined> {
  return (await callChain(client(held.wallet), { account: held.account, ...call })).data;
}

/** Why the chain takes this call from nobody like the account shown; null where it may, or where it is not known. */
export async function deniedTo(held: Shown, call: Call): Promise<string | null> {
  try {
    await attempt(held, call);
  } catch (error) {
    for (let at: unknown = error, depth = 0; at && depth < 8; at = (at as { cause?: unknown }).cause, depth++) {
      const hex = revertData((at as { data?: unknown }).data);
      if (hex) return ABOUT_WHO.has(nameOf(hex)) ? reason(hex) : null;
    }
  }
  return null;
}

/** Sends one transaction after the node has tried it; tells of each step. Resolves with the block it was mined in. */
export async function send(held: Shown, call: Call, tell: (text: string) => void, check?: (answer?: Hex) => Promise<void>): Promise<bigint> {
  tell(words.waitingForWallet);
  await confirm(held);
  const answer = await attempt(held, call);
  await check?.(answer);
  await confirm(held);
  let hash: unknown;
  try {
    const { to, data, value } = call;
    hash = await held.wallet.provider.request({
      method: "eth_sendTransaction",
      params: [{ from: held.account, to, data, value: numberToHex(value), chainId: numberToHex(held.chainId) }],
    });
  } catch (error) {
    // Once asked, a wallet that fails may have sent it all the same; only a rejection says that it did not.
    throw new Problem(isRejection(error) ? explain(error) : `${explain(error)} ${words.lookFirst}`);
  }
  if (!isHex(hash) || size(hash) !== 32) throw new Problem(`${words.noTransaction} ${words.lookFirst}`);
  tell(words.sent(hash));
  return mined(held, hash, held.account);
}

/** Waits for a transaction and returns its block. `sender`: who must have sent it, where that is the wallet's to choose. */
export async function mined(held: Shown, hash: Hex, sender?: Address): Promise<bigint> {
  let receipt;
  try {
    receipt = await waitForTransactionReceipt(client(held.wallet), { hash, pollingInterval: 500, timeout: 180_000 });
  } catch {
    throw new Problem(words.notSeenMined(hash));
  }
  // The receipt came through the wallet: from the network that it is on now.
  const elsewhere = await minedElsewhere(held, hash);
  if (elsewhere) throw new Problem(elsewhere);
  const from = receipt.from ? getAddress(receipt.from) : sender; // some wallets' nodes leave it out
  if (sender && from !== sender && (await hasNoCode(held))) {
    throw new Problem(words.minedFromAnother(receipt.blockNumber, from as Address, sender, hash));
  }
  if (receipt.status !== "success") throw new Problem(words.minedAndRefused(receipt.blockNumber, hash));
  return receipt.blockNumber;
}

/** Whether a key alone speaks for the account shown: where it is a contract, others may sign and send for it. */
async function hasNoCode(held: Shown): Promise<boolean> {
  try {
    const code = await getCode(client(held.wallet), { address: held.account });
    return code === undefined || code === "0x";
  } catch {
    return false; // not known: whoever gets the signature checks it again
  }
}

/** The wallet's signature over `hash`, checked to be the shown account's wherever a key alone speaks for it. */
async function signature(held: Shown, hash: Hex, method: string, params: readonly unknown[]): Promise<Hex> {
  const given = await ask(held, method, params);
  if (!isHex(given) || size(given) === 0) throw new Problem(words.noSignature);
  if (size(given) !== 65) return given;
  const signer = await recoverAddress({ hash, signature: given }).catch(() => null);
  if (signer !== held.account && (await hasNoCode(held))) {
    throw new Problem(signer ? words.signedByAnother(signer, held.account) : words.signedByNoKey);
  }
  return given;
}

export interface Ballot {
  governor: Address;
  proposal: bigint;
  snapshot: bigint;
  support: number;
}

/** Throws a Problem where a vote that was tried would count 0. `answer` is what the governor answered to the trial. */
export async function refuseWorthless(held: Shown, ballot: Ballot, answer: Hex | undefined): Promise<void> {
  if (!answer || size(answer) !== 32 || BigInt(answer) !== 0n) return; // Compound's answer nothing
  let power: bigint;
  try {
    power = await readContract(client(held.wallet), {
      address: ballot.governor,
      abi: GOVERNOR,
      functionName: "getVotes",
      args: [held.account, ballot.snapshot],
    });
  } catch {
    return; // a power that is not known is not 0
  }
  if (power === 0n) throw new Problem(words.worthless);
}

/** Signs OpenZeppelin's Ballot (governor v5). Domain and nonce are asked of the governor itself, not of this site. */
export async function signBallot(held: Shown, site: Site, ballot: Ballot): Promise<Hex> {
  await confirm(held);
  const { governor, proposal, support } = ballot;
  const data = encodeFunctionData({ abi: GOVERNOR, functionName: "castVote", args: [proposal, support] });
  await refuseWorthless(held, ballot, await attempt(held, { to: governor, data, value: 0n }));
  const through = client(held.wallet);
  const [told, nonce] = await Promise.all([
    readContract(through, { address: governor, abi: GOVERNOR, functionName: "eip712Domain" }),
    readContract(through, { address: governor, abi: GOVERNOR, functionName: "nonces", args: [held.account] }),
  ]);
  const [, name, version, chainId, verifyingContract] = told;
  if (chainId !== BigInt(site.chainId) || verifyingContract.toLowerCase() !== governor.toLowerCase()) {
    throw new Problem(words.otherDomain);
  }
  const domain = { name, version, chainId: site.chainId, verifyingContract };
  const typed = {
    domain,
    types: {
      Ballot: [
        { name: "proposalId", type: "uint256" },
        { name: "support", type: "uint8" },
        { name: "voter", type: "address" },
        { name: "nonce", type: "uint256" },
      ],
    },
    primaryType: "Ballot",
    message: { proposalId: proposal, support, voter: held.account, nonce },
  } as const;
  // Wallets want the domain's own type spelled out.
  const types = { EIP712Domain: getTypesForEIP712Domain({ domain }), ...typed.types };
  const document = serializeTypedData({ ...typed, types } as Parameters<typeof serializeTypedData>[0]);
  return signature(held, hashTypedData(typed), "eth_signTypedData_v4", [held.account, document]);
}

const TOKEN = parseAbi([
  "function balanceOf(address account) view returns (uint256)",
  "function delegates(address account) view returns (address)",
  "function nonces(address owner) view returns (uint256)",
  "function name() view returns (string)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "function delegate(address delegatee)",
]);

/** What the votes token says of the account shown; null where it does not say. */
export interface Delegation {
  held: bigint | null;
  delegate: Address | null;
  /** Whether it answers with a list of delegates and their shares (ERC20VotesPartialDelegation). */
  isSplit: boolean;
  /** That list, where its shares are in basis points. */
  parts: Part[] | null;
  /** Among how many delegates this page can split the votes; null: it can't. */
  most: number | null;
}

const MOST_PARTS = 100; // that this page offers, whatever the token takes

function askSplitting(held: Shown, token: Address, functionName: "DENOMINATOR" | "MAX_PARTIAL_DELEGATIONS"): Promise<bigint> {
  return readContract(client(held.wallet), { address: token, abi: SPLITTING, functionName });
}

/** Whether the token counts shares in basis points; false where it does not say. */
async function countsBasisPoints(held: Shown, token: Address): Promise<boolean> {
  return askSplitting(held, token, "DENOMINATOR").then(
    (denominator) => denominator === BigInt(WHOLE_BPS),
    () => false,
  );
}

/** Among how many delegates the token lets the account split its votes, as a trial of what is so already shows; null
 * where it does not. */
async function mostParts(held: Shown, token: Address, now: readonly Part[]): Promise<number | null> {
  try {
    const [most] = await Promise.all([askSplitting(held, token, "MAX_PARTIAL_DELEGATIONS"), attempt(held, splitCall(token, now))]);
    if (most < 2n) return null;
    return most < BigInt(MOST_PARTS) ? Number(most) : MOST_PARTS;
  } catch {
    return null; // what is not known to work is not offered
  }
}

/** Asks the votes token, through the wallet, what the account shown holds and with whom it votes. */
export async function readDelegation(held: Shown, token: Address): Promise<Delegation> {
  const ask = (functionName: "balanceOf" | "delegates"): Promise<Hex | null> =>
    callChain(client(held.wallet), { to: token, data: encodeFunctionData({ abi: TOKEN, functionName, args: [held.account] }) }).then(
      ({ data }) => data ?? null,
      () => null,
    );
  const [balance, delegate] = await Promise.all([ask("balanceOf"), ask("delegates")]);
  const isAddress = delegate !== null && size(delegate) === 32 && BigInt(slice(delegate, 0, 12)) === 0n;
  const list = delegate === null ? null : partsIn(delegate);
  const parts = list && (await countsBasisPoints(held, token)) ? list : null;
  return {
    held: balance !== null && size(balance) === 32 ? BigInt(balance) : null,
    delegate: isAddress ? getAddress(slice(delegate, 12)) : parts && whole(parts),
    isSplit: list !== null,
    parts,
    most: parts && (await mostParts(held, token, parts)),
  };
}

/** The call that delegates the tokens of whoever sends it in these parts. */
export function splitCall(token: Address, parts: readonly Part[]): Call {
  return { to: token, data: splitData(parts), value: 0n };
}

/** The call that delegates all tokens of whoever sends it. */
export function delegateCall(token: Address, to: Address): Call {
  return { to: token, data: encodeFunctionData({ abi: TOKEN, functionName: "delegate", args: [to] }), value: 0n };
}

export interface SignedDelegation {
  delegator: Address;
  delegate: Address;
  nonce: string;
  expiry_chain_s: string;
  signature: Hex;
}

const HOUR_S = 3600n;

/** Signs OpenZeppelin's Delegation (Votes). Domain, nonce and time are asked of the chain, not of this site. */
export async function signDelegation(held: Shown, site: Site, token: Address, to: Address): Promise<SignedDelegation> {
  await confirm(held);
  const through = client(held.wallet);
  const domain = await domainOf(held, site, token);
  const [nonce, newest] = await Promise.all([
    readContract(through, { address: token, abi: TOKEN, functionName: "nonces", args: [held.account] }),
    getBlock(through),
  ]);
  const expiry = newest.timestamp + HOUR_S;
  const typed = {
    domain,
    types: {
      Delegation: [
        { name: "delegatee", type: "address" },
        { name: "nonce", type: "uint256" },
        { name: "expiry", type: "uint256" },
      ],
    },
    primaryType: "Delegation",
    message: { delegatee: to, nonce, expiry },
  } as const;
  const types = { EIP712Domain: getTypesForEIP712Domain({ domain }), ...typed.types };
  const document = serializeTypedData({ ...typed, types } as Parameters<typeof serializeTypedData>[0]);
  const given = await signature(held, hashTypedData(typed), "eth_signTypedData_v4", [held.account, document]);
  return { delegator: held.account, delegate: to, nonce: String(nonce), expiry_chain_s: String(expiry), signature: given };
}

/** The domain in which the votes token has delegations signed: what it says itself (ERC-5267), or its name and version
 * 1 where it confirms that by its separator. Throws a Problem for any other. */
async function domainOf(held: Shown, site: Site, token: Address) {
  const through = client(held.wallet);
  const told = await readContract(through, { address: token, abi: GOVERNOR, functionName: "eip712Domain" }).catch(() => null);
  if (told) {
    const [, name, version, chainId, verifyingContract] = told;
    if (chainId !== BigInt(site.chainId) || verifyingContract.toLowerCase() !== token.toLowerCase()) {
      throw new Problem(words.otherTokenDomain);
    }
    return { name, version, chainId: site.chainId, verifyingContract };
  }
  const [name, separator] = await Promise.all([
    readContract(through, { address: token, abi: TOKEN, functionName: "name" }).catch(() => null),
    readContract(through, { address: token, abi: TOKEN, functionName: "DOMAIN_SEPARATOR" }).catch(() => null),
  ]);
  const domain = { name: name ?? "", version: "1", chainId: site.chainId, verifyingContract: token };
  if (separator === null || domainSeparator({ domain }) !== separator) throw new Problem(words.noSignedDelegations);
  return domain;
}

/** Signs typed data that the site composed (an approval); the wallet shows what it says. */
export async function signDocument(held: Shown, document: unknown): Promise<Hex> {
  const hash = hashTypedData(document as Parameters<typeof hashTypedData>[0]);
  return signature(held, hash, "eth_signTypedData_v4", [held.account, JSON.stringify(document)]);
}

/** Sign-in with Ethereum (EIP-4361), as the account that the page shows. */
export async function signIn(held: Shown, site: Site): Promise<void> {
  await confirm(held);
  const begun = await getJson<{ nonce: string; domain: string; uri: string }>("/auth/nonce");
  const now = new Date();
  const message = [
    `${begun.domain} wants you to sign in with your Ethereum account:`,
    held.account,
    "",
    words.signIn,
    "",
    `URI: ${begun.uri}`,
    "Version: 1",
    `Chain ID: ${site.chainId}`,
    `Nonce: ${begun.nonce}`,
    `Issued At: ${now.toISOString()}`,
    `Expiration Time: ${new Date(now.getTime() + 600_000).toISOString()}`,
  ].join("\n");
  const signed = await signature(held, hashMessage(message), "personal_sign", [stringToHex(message), held.account]);
  const { address } = await postJson<{ address: string }>("/auth/verify", { message, signature: signed });
  if (address !== held.account) throw new Problem(words.signedInAnother(address, held.account));
}

/** This site refused, in its words; `status` is HTTP's. */
export class Refused extends Problem {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const PATIENCE_MS = 30_000;

/** What this site answers. Throws a Problem in words, also where it can't be reached. */
export async function getJson<T>(url: string): Promise<T> {
  return read<T>(url, { headers: { accept: "application/json" }, cache: "no-store" }, words.unreachable);
}

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  return read<T>(
    url,
    { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
    words.unreachableAfterSending,
  );
}

async function read<T>(url: string, request: RequestInit, unreachable: string): Promise<T> {
  let answer: Response;
  try {
    // The API speaks English unless it is asked for another language.
    const headers = { ...request.headers, "mandate-language": document.documentElement.lang };
    answer = await fetch(url, { ...request, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Problem(unreachable);
  }
  let body: { error?: unknown };
  try {
    body = (await answer.json()) as { error?: unknown };
  } catch {
    throw new Problem(words.statusNoAnswer(answer.status));
  }
  if (!answer.ok) throw new Refused(answer.status, String(body.error ?? words.status(answer.status)));
  return body as T;
}
