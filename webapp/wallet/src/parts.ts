// SPDX-License-Identifier: Apache-2.0
// Votes split among several delegates, where the votes token takes that (ERC20VotesPartialDelegation): what it answers,
// the call that splits them, and what a person wrote about it.

import { decodeAbiParameters, encodeAbiParameters, encodeFunctionData, getAddress, isAddress, parseAbi, zeroAddress, type Address, type Hex } from "viem";

import { Problem } from "./providers";
import { words } from "./words";

/** One delegate and its share of an account's votes, in basis points. */
export interface Part {
  to: Address;
  bps: number;
}

export const WHOLE_BPS = 10_000;

export const SPLITTING = parseAbi([
  "function delegate((address _delegatee, uint96 _numerator)[] _partialDelegations)",
  "function DENOMINATOR() view returns (uint96)",
  "function MAX_PARTIAL_DELEGATIONS() view returns (uint256)",
]);

const ANSWER = [{ type: "tuple[]", components: [{ type: "address" }, { type: "uint96" }] }] as const;

/** The delegates and their shares that `delegates()` answered; null where the answer is no such list. */
export function partsIn(data: Hex): Part[] | null {
  let pairs;
  try {
    [pairs] = decodeAbiParameters(ANSWER, data);
    if (encodeAbiParameters(ANSWER, [pairs]) !== data.toLowerCase()) return null;
  } catch {
    return null;
  }
  if (pairs.reduce((sum, [, share]) => sum + share, 0n) > BigInt(WHOLE_BPS)) return null;
  return pairs.map(([to, share]) => ({ to: getAddress(to), bps: Number(share) }));
}

/** The parts that somebody gets, without those of nobody. */
export function real(parts: readonly Part[]): Part[] {
  return parts.filter((part) => part.to !== zeroAddress && part.bps > 0);
}

export function sum(parts: readonly Part[]): number {
  return parts.reduce((all, part) => all + part.bps, 0);
}

/** The one account that votes with everything (the zero address: nobody); null where several do, or one with a part. */
export function whole(parts: readonly Part[]): Address | null {
  const [first, ...more] = real(parts);
  if (!first) return zeroAddress;
  return more.length === 0 && first.bps === WHOLE_BPS ? first.to : null;
}

export function isSame(some: readonly Part[], others: readonly Part[]): boolean {
  const text = (parts: readonly Part[]): string => JSON.stringify(inOrder(real(parts)).map((part) => [part.to, part.bps]));
  return text(some) === text(others);
}

/** By address, as the token wants them. */
function inOrder(parts: readonly Part[]): Part[] {
  return [...parts].sort((a, b) => (BigInt(a.to) < BigInt(b.to) ? -1 : 1));
}

/** The calldata that delegates the votes of whoever sends it in these parts. */
export function splitData(parts: readonly Part[]): Hex {
  const delegations = inOrder(parts).map((part) => ({ _delegatee: part.to, _numerator: BigInt(part.bps) }));
  return encodeFunctionData({ abi: SPLITTING, functionName: "delegate", args: [delegations] });
}

/** A share as people read it: 33.33 %. */
export function percent(bps: number): string {
  const cents = String(bps % 100).padStart(2, "0").replace(/0+$/, "");
  return `${Math.floor(bps / 100)}${cents ? `${words.decimals}${cents}` : ""} %`;
}

export interface Row {
  account: string;
  percent: string;
}

/** The parts that were written, in the order of the rows; rows of nothing are left out. Throws a Problem that says which
 * row is wrong, or that they are too many or too much. */
export function written(rows: readonly Row[], most: number): Part[] {
  const parts: Part[] = [];
  for (const [index, row] of rows.entries()) {
    const [account, share] = [row.account.trim(), row.percent.trim().replace(/ ?%$/, "")];
    if (!account && !share) continue;
    if (!isAddress(account) || getAddress(account) === zeroAddress) throw new Problem(words.partNeedsAddress(index + 1));
    const to = getAddress(account);
    if (parts.some((part) => part.to === to)) throw new Problem(words.partTwice(index + 1));
    const bps = basisPoints(share);
    if (bps === null) throw new Problem(words.partNeedsPercent(index + 1));
    parts.push({ to, bps });
  }
  if (parts.length === 0) throw new Problem(words.partNeedsAddress(1));
  if (parts.length > most) throw new Problem(words.partsTooMany(most));
  if (sum(parts) > WHOLE_BPS) throw new Problem(words.partsTooMuch(percent(sum(parts))));
  return parts;
}

function basisPoints(share: string): number | null {
  const found = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(share);
  if (!found) return null;
  const bps = Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
  return bps > 0 && bps <= WHOLE_BPS ? bps : null;
}
