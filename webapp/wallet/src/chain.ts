// SPDX-License-Identifier: Apache-2.0
// What the page asks of the chain and of the person, through the chosen wallet.

import {
  BaseError,
  createClient,
  custom,
  decodeErrorResult,
  getAddress,
  numberToHex,
  parseAbi,
  type Address,
  type Hex,
} from "viem";
import {
  call as callChain,
  readContract,
  sendTransaction,
  signMessage,
  signTypedData,
  waitForTransactionReceipt,
} from "viem/actions";

import { ProviderError, type Wallet } from "./providers";

export const GOVERNOR = parseAbi([
  "function castVoteWithReason(uint256 proposalId, uint8 support, string reason) returns (uint256)",
  "function castVote(uint256 proposalId, uint8 support) returns (uint256)",
  "function nonces(address owner) view returns (uint256)",
  "function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)",
]);

// The errors that a person can do something about; others are shown by their selector.
const ERRORS = parseAbi([
  "error Error(string)",
  "error GovernorUnexpectedProposalState(uint256 proposalId, uint8 current, bytes32 expectedStates)",
  "error GovernorAlreadyCastVote(address voter)",
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

const IN_WORDS: Record<string, string> = {
  GovernorUnexpectedProposalState: "the proposal is not in a state that allows this now",
  GovernorAlreadyCastVote: "this account has voted already",
  GovernorInvalidSignature: "the signature does not fit",
  TimelockUnexpectedOperationState: "the timelock is not over yet, or this was done already",
  NotOwner: "only the owner (a vote) may do this",
  NotGuardian: "only the guardian may do this",
  NotPending: "the act is not waiting any more",
  NotYet: "the objection window is not over yet",
  Expired: "the time to release it is over",
  Voided: "the act was voided: the policy changed, or everything was paused",
  AlreadyObjected: "this account has objected already",
  NoPower: "this account had no voting power when the act was scheduled",
  NotPaused: "the policy module is not paused",
  IsPaused: "the policy module is paused",
};

/** Something went wrong, in words for the person. */
export class Problem extends Error {}

/** What a wallet's or the node's error means for a person. */
export function explain(error: unknown): string {
  if (error instanceof Problem) return error.message;
  for (let at: unknown = error, depth = 0; at && depth < 8; at = (at as { cause?: unknown }).cause, depth++) {
    const { code, data, message } = at as { code?: unknown; data?: unknown; message?: unknown };
    if (code === 4001) return "You rejected this in your wallet. Nothing was sent.";
    if (code === 4901 || code === 4100) return String(message);
    const hex = typeof data === "string" ? data : (data as { data?: unknown } | undefined)?.data;
    if (typeof hex === "string" && hex.startsWith("0x") && hex.length >= 10) return `The chain would refuse this: ${reason(hex as Hex)}.`;
  }
  if (error instanceof BaseError) return error.shortMessage;
  if (error instanceof Error) return error.message;
  return String((error as { message?: unknown })?.message ?? error).slice(0, 300);
}

function reason(data: Hex): string {
  try {
    const decoded = decodeErrorResult({ abi: ERRORS, data });
    if (decoded.errorName === "Error") return String(decoded.args?.[0]).slice(0, 200);
    return IN_WORDS[decoded.errorName] ?? decoded.errorName;
  } catch {
    return `error ${data.slice(0, 10)}`;
  }
}

export interface Site {
  chainId: number;
  chainName: string;
  slug: string;
  csrf: string;
  local: boolean;
}

/** The account of a wallet, on the right chain; asks the wallet to change its network where it must. */
export async function connect(wallet: Wallet, site: Site): Promise<Address> {
  const accounts = (await wallet.provider.request({ method: "eth_requestAccounts" })) as string[];
  const first = accounts[0];
  if (!first) throw new Problem("The wallet gave no account.");
  const chainId = Number((await wallet.provider.request({ method: "eth_chainId" })) as string);
  if (chainId !== site.chainId) {
    const wanted = `${site.chainName} (chain ${site.chainId})`;
    try {
      await wallet.provider.request({
        method: "wallet_switchEthereumChain",
        params: [{ chainId: numberToHex(site.chainId) }],
      });
    } catch (error) {
      const why = (error as { code?: number }).code === 4001 ? "you kept it there" : "it could not be switched";
      throw new Problem(`Your wallet is on the wrong network: this DAO lives on ${wanted}, the wallet is on chain ${chainId}, and ${why}. Nothing was sent.`);
    }
    const now = Number((await wallet.provider.request({ method: "eth_chainId" })) as string);
    if (now !== site.chainId) throw new Problem(`Your wallet is still on the wrong network: this DAO lives on ${wanted}. Nothing was sent.`);
  }
  return getAddress(first);
}

function client(wallet: Wallet) {
  return createClient({ transport: custom(wallet.provider as never, { retryCount: 0 }) });
}

/** Sends one transaction after the node has tried it; tells of each step. Resolves with the block it was mined in. */
export async function send(
  wallet: Wallet,
  site: Site,
  call: { to: Address; data: Hex; value: bigint },
  tell: (text: string) => void,
): Promise<bigint> {
  tell("Waiting for your wallet …");
  const account = await connect(wallet, site);
  const through = client(wallet);
  // Tried first, so that a refusal is read here and costs nothing.
  await callChain(through, { account, ...call });
  const hash = await sendTransaction(through, { account, chain: null, ...call });
  tell(`Sent: ${hash}. Waiting to be mined …`);
  const receipt = await waitForTransactionReceipt(through, { hash, pollingInterval: 500, timeout: 180_000 });
  if (receipt.status !== "success") throw new Problem(`Mined in block ${receipt.blockNumber}, but the chain refused it: ${hash}`);
  tell(`Mined in block ${receipt.blockNumber}: ${hash}`);
  return receipt.blockNumber;
}

/** Signs OpenZeppelin's Ballot (governor v5). Domain and nonce are asked of the governor itself, not of this site. */
export async function signBallot(
  wallet: Wallet,
  site: Site,
  governor: Address,
  proposalId: bigint,
  support: number,
): Promise<{ voter: Address; signature: Hex }> {
  const voter = await connect(wallet, site);
  const through = client(wallet);
  const [domain, nonce] = await Promise.all([
    readContract(through, { address: governor, abi: GOVERNOR, functionName: "eip712Domain" }),
    readContract(through, { address: governor, abi: GOVERNOR, functionName: "nonces", args: [voter] }),
  ]);
  const [, name, version, chainId, verifyingContract] = domain;
  if (chainId !== BigInt(site.chainId) || verifyingContract.toLowerCase() !== governor.toLowerCase()) {
    throw new Problem("The governor's signing domain names another chain or contract. Nothing was signed.");
  }
  const signature = await signTypedData(through, {
    account: voter,
    domain: { name, version, chainId: site.chainId, verifyingContract },
    types: {
      Ballot: [
        { name: "proposalId", type: "uint256" },
        { name: "support", type: "uint8" },
        { name: "voter", type: "address" },
        { name: "nonce", type: "uint256" },
      ],
    },
    primaryType: "Ballot",
    message: { proposalId, support, voter, nonce },
  });
  return { voter, signature };
}

/** Signs typed data that the site composed (an approval); the wallet shows what it says. */
export async function signDocument(wallet: Wallet, site: Site, document: unknown): Promise<Hex> {
  const account = await connect(wallet, site);
  return (await wallet.provider.request({
    method: "eth_signTypedData_v4",
    params: [account, JSON.stringify(document)],
  })) as Hex;
}

/** Waits for a mined transaction and says its block. */
export async function mined(wallet: Wallet, hash: Hex): Promise<bigint> {
  const through = client(wallet);
  const receipt = await waitForTransactionReceipt(through, { hash, pollingInterval: 500, timeout: 180_000 });
  if (receipt.status !== "success") throw new Problem(`Mined in block ${receipt.blockNumber}, but the chain refused it: ${hash}`);
  return receipt.blockNumber;
}

/** Sign-in with Ethereum (EIP-4361). */
export async function signIn(wallet: Wallet, site: Site): Promise<Address> {
  const address = await connect(wallet, site);
  const begun = await getJson<{ nonce: string; domain: string; uri: string }>("/auth/nonce");
  const now = new Date();
  const message = [
    `${begun.domain} wants you to sign in with your Ethereum account:`,
    address,
    "",
    "Sign in to Mandate. This costs nothing and sends nothing.",
    "",
    `URI: ${begun.uri}`,
    "Version: 1",
    `Chain ID: ${site.chainId}`,
    `Nonce: ${begun.nonce}`,
    `Issued At: ${now.toISOString()}`,
    `Expiration Time: ${new Date(now.getTime() + 600_000).toISOString()}`,
  ].join("\n");
  const through = client(wallet);
  const signature = await signMessage(through, { account: address, message });
  await postJson("/auth/verify", { message, signature });
  return address;
}

export async function getJson<T>(url: string): Promise<T> {
  return read<T>(await fetch(url, { headers: { accept: "application/json" } }));
}

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  return read<T>(await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));
}

async function read<T>(answer: Response): Promise<T> {
  let body: { error?: unknown };
  try {
    body = (await answer.json()) as { error?: unknown };
  } catch {
    throw new Problem(`This site answered with status ${answer.status}. Try again.`);
  }
  if (!answer.ok) throw new Problem(String(body.error ?? `This site answered with status ${answer.status}.`));
  return body as T;
}

export { ProviderError };
