// SPDX-License-Identifier: Apache-2.0
// The one place that knows which account of which wallet this page shows, and that asks the wallet whether it still is.
//
// Every way to an account (connect, reconnect after a reload, sign-in) goes through here. A wallet says by events that
// its account or network changed, or says nothing: so it is asked again before each transaction and each signature,
// and whenever the person comes back to the page.

import { getAddress, numberToHex, type Address, type Hex } from "viem";

import { Problem, type Site, type Wallet } from "./providers";
import { words } from "./words";

/** What the page shows: an account of a wallet, and the network that the wallet is on. */
export interface Shown {
  readonly wallet: Wallet;
  readonly account: Address;
  readonly chainId: number;
}

type Listener = (shown: Shown | null, why: string) => void;

const subscribed = new WeakSet<object>();
let shown: Shown | null = null;
let here: Site | null = null;
let changed: Listener = () => undefined;
let heard = 0; // events of the wallet shown: an answer from before one says nothing any more

/** Says which site this is and who draws it; `listener` is called at each change, with the reason in words. */
export function begin(site: Site, listener: Listener): void {
  here = site;
  changed = listener;
  // A wallet may change while another window is in front, and not say so.
  const look = (): void => {
    if (document.visibilityState === "visible") void lookAgain();
  };
  window.addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
}

/** Asks the wallet where it is and shows that. A wallet that does not answer is asked again before anything is sent. */
export async function lookAgain(): Promise<void> {
  if (shown) await follow(shown.wallet).catch(() => undefined);
}

export function current(): Shown | null {
  return shown;
}

function show(next: Shown | null, why: string): void {
  const same =
    next && shown && next.wallet === shown.wallet && next.account === shown.account && next.chainId === shown.chainId;
  if (same || (!next && !shown)) return;
  shown = next;
  changed(shown, why);
}

/** Asks the person for an account, and the wallet to change its network where it must. */
export async function connect(wallet: Wallet): Promise<void> {
  const site = here as Site;
  const first = firstOf(await wallet.provider.request({ method: "eth_requestAccounts" }));
  if (!first) throw new Problem(words.noAccount);
  await toTheRightNetwork(wallet, site);
  await take(wallet, first, site.chainId);
}

/** Takes up a connection that the person allowed before, if the wallet still gives an account. Asks nobody. */
export async function reconnect(wallet: Wallet): Promise<void> {
  const account = await accountOf(wallet);
  if (!account || shown) return;
  const chainId = await chainOf(wallet);
  if (!shown) await take(wallet, account, chainId); // else another wallet was connected meanwhile
}

async function take(wallet: Wallet, account: Address, chainId: number): Promise<void> {
  subscribe(wallet);
  show({ wallet, account, chainId }, "");
  // Asked again: what changed since it answered, and before this page listened, was told to nobody.
  await lookAgain();
}

/** Forgets the account. The wallet may still allow this site; it is not asked. */
export function leave(why = ""): void {
  show(null, why);
}

/**
 * Resolves if the wallet is on the account and network that the page shows, asked of it now.
 *
 * Throws a Problem otherwise; the page then follows the wallet.
 */
export async function confirm(held: Shown): Promise<void> {
  if (shown !== held) throw new Problem(`${moved(held)} ${words.nothingSentLookAgain}`);
  const before = heard;
  const [account, chainId] = [await accountOf(held.wallet), await chainOf(held.wallet)];
  if (account === held.account && chainId === held.chainId && chainId === here?.chainId && shown === held) return;
  if (before === heard) settle(held.wallet, account, chainId);
  throw new Problem(`${moved(held)} ${words.nothingSentLookAgain}`);
}

/** Why it is not known on which chain `hash` was mined, as the wallet is on another one now; null where it is not. */
export async function minedElsewhere(held: Shown, hash: Hex): Promise<string | null> {
  const chainId = await chainOf(held.wallet).catch(() => null);
  if (chainId === held.chainId) return null;
  const name = (here as Site).chainName;
  if (chainId === null) return words.minedNobodyKnowsWhere(hash, name, held.chainId);
  return words.minedElsewhere(hash, chainId, name, held.chainId);
}

/** How the wallet differs from what the page showed when a button was pressed. */
function moved(held: Shown): string {
  if (!shown || shown.wallet !== held.wallet) return words.notConnected;
  if (shown.account !== held.account) return words.onAnotherAccount(shown.account, held.account);
  return wrongNetwork(shown) ?? words.changedMeanwhile;
}

/** Why nothing can be done on the network that the wallet is on; null where it is the right one. */
export function wrongNetwork(seen: Shown): string | null {
  if (!here || seen.chainId === here.chainId) return null;
  return words.wrongNetwork(seen.chainId, here.chainName, here.chainId);
}

/** Asks the wallet to go to this DAO's network. */
export async function switchNetwork(held: Shown): Promise<void> {
  await toTheRightNetwork(held.wallet, here as Site);
  await follow(held.wallet);
}

/** Shows what the wallet says it is on. */
async function follow(wallet: Wallet): Promise<void> {
  const before = heard;
  const [account, chainId] = [await accountOf(wallet), await chainOf(wallet)];
  if (before === heard) settle(wallet, account, chainId);
  else await follow(wallet);
}

function settle(wallet: Wallet, account: Address | null, chainId: number): void {
  if (shown?.wallet !== wallet) return; // the person has gone on to another wallet
  if (!account) leave(words.noAccountAnyMore);
  else if (account !== shown.account) show({ wallet, account, chainId }, words.changedTo(account));
  else show({ wallet, account, chainId }, "");
}

/** Listens to a wallet, once for as long as the page lives. */
function subscribe(wallet: Wallet): void {
  if (subscribed.has(wallet.provider)) return;
  subscribed.add(wallet.provider);
  const on = (event: string, listener: (...told: unknown[]) => void): void => {
    try {
      wallet.provider.on?.(event, (...told) => {
        if (shown?.wallet !== wallet) return;
        heard++;
        listener(...told);
      });
    } catch {
      // A wallet that can't be listened to is asked before each transaction and signature all the same.
    }
  };
  // What makes no sense is asked for.
  const again = (): void => void follow(wallet).catch(() => leave(words.changedToUnknown));
  on("accountsChanged", (accounts) => {
    if (Array.isArray(accounts)) settle(wallet, firstOf(accounts), (shown as Shown).chainId);
    else again();
  });
  on("chainChanged", (told) => {
    const chainId = chainNumber(told);
    if (chainId !== null) settle(wallet, (shown as Shown).account, chainId);
    else again();
  });
  on("disconnect", () => {
    leave(words.connectionLost);
  });
}

async function toTheRightNetwork(wallet: Wallet, site: Site): Promise<void> {
  const before = await chainOf(wallet);
  if (before === site.chainId) return;
  try {
    await wallet.provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: numberToHex(site.chainId) }] });
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code === 4001) throw new Problem(words.networkKept(before, site.chainName, site.chainId));
    if (code === 4902) throw new Problem(words.networkUnknown(before, site.chainName, site.chainId));
    throw new Problem(words.networkNotSwitched(before, site.chainName, site.chainId));
  }
  if ((await chainOf(wallet)) !== site.chainId) {
    throw new Problem(words.stillWrongNetwork(site.chainName, site.chainId));
  }
}

// --- what wallets answer: anything

async function accountOf(wallet: Wallet): Promise<Address | null> {
  return firstOf(await wallet.provider.request({ method: "eth_accounts" }));
}

function firstOf(accounts: unknown): Address | null {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : null;
  try {
    return typeof first === "string" ? getAddress(first.toLowerCase()) : null;
  } catch {
    return null; // no address
  }
}

async function chainOf(wallet: Wallet): Promise<number> {
  const chainId = chainNumber(await wallet.provider.request({ method: "eth_chainId" }));
  if (chainId === null) throw new Problem(words.networkNotSaid);
  return chainId;
}

function chainNumber(told: unknown): number | null {
  const number = typeof told === "string" || typeof told === "number" ? Number(told) : NaN;
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}
