// SPDX-License-Identifier: Apache-2.0
// Wallets: what the browser announces (EIP-6963), window.ethereum, and on the local chain the built-in test wallet.

import { words } from "./words";

/** EIP-1193. */
export interface Provider {
  request(args: { method: string; params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (...args: unknown[]) => void): void;
}

export interface Wallet {
  id: string;
  name: string;
  provider: Provider;
}

/** The DAO's page: which chain it lives on, and what this site needs to be asked. */
export interface Site {
  chainId: number;
  chainName: string;
  slug: string;
  csrf: string;
  local: boolean;
}

/** Something went wrong, in words for the person. */
export class Problem extends Error {}

/** EIP-1193's error, with the codes that wallets and this page give a meaning. */
export class ProviderError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** Calls `found` for each wallet that is there or announces itself, once. */
export function discover(found: (wallet: Wallet) => void): void {
  const seen = new Set<unknown>();
  const add = (wallet: Wallet): void => {
    if (!seen.has(wallet.provider)) {
      seen.add(wallet.provider);
      found(wallet);
    }
  };
  window.addEventListener("eip6963:announceProvider", (event) => {
    const detail = (event as CustomEvent).detail as { info?: { uuid?: string; name?: string }; provider?: Provider };
    if (detail?.provider && typeof detail.provider.request === "function") {
      const name = String(detail.info?.name ?? words.wallet).slice(0, 40);
      add({ id: `6963:${detail.info?.uuid ?? name}`, name, provider: detail.provider });
    }
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  // A wallet that speaks only the old way; one that announced itself is not listed twice.
  window.setTimeout(() => {
    const injected = (window as unknown as { ethereum?: Provider }).ethereum;
    if (injected && typeof injected.request === "function") {
      add({ id: "injected", name: words.browserWallet, provider: injected });
    }
  }, 150);
}

export interface Person {
  name: string;
  address: `0x${string}`;
  role: string;
}

/**
 * The test wallet: an EIP-1193 provider that asks this site, which asks the local chain's node, which holds the
 * accounts. It exists on the local chain only; anywhere else the site answers 403 with the reason.
 */
export function testWallet(person: Person, csrf: string): Wallet {
  const request: Provider["request"] = async ({ method, params }) => {
    if (method === "wallet_switchEthereumChain") {
      throw new ProviderError(4902, words.testWalletLocalOnly);
    }
    let answer: Response;
    try {
      answer = await fetch("/local/wallet", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrftoken": csrf },
        body: JSON.stringify({ method, params: params ?? [], persona: person.address }),
      });
    } catch {
      throw new Problem(words.testWalletUnreachable);
    }
    let body: { result?: unknown; error?: { code: number; message: string; data?: unknown } };
    try {
      body = await answer.json();
    } catch {
      throw new ProviderError(-32603, words.testWalletRefused(answer.status));
    }
    if (body.error) throw new ProviderError(body.error.code, body.error.message, body.error.data);
    return body.result;
  };
  return { id: `test:${person.address}`, name: words.testWallet(person.name), provider: { request } };
}

/** The people of the local chain; none on any other. */
export async function people(): Promise<Person[]> {
  const answer = await fetch("/local/people");
  if (!answer.ok) return [];
  return ((await answer.json()) as { people: Person[] }).people;
}
