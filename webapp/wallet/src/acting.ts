// SPDX-License-Identifier: Apache-2.0
// What every button of the page does around its own deed: the account is held, what happens is told, failures too.

import { explain, getJson } from "./chain";
import { current, lookAgain, type Shown } from "./connection";
import type { Site } from "./providers";
import { words } from "./words";

function site(): Site | null {
  const { chainId, chainName, slug, csrf, local } = document.body.dataset;
  if (!chainId || !slug) return null;
  return { chainId: Number(chainId), chainName: chainName ?? words.itsChain, slug, csrf: csrf ?? "", local: local === "yes" };
}

/** The DAO that this page is about; null on pages of none. */
export const here = site();

export function element<K extends keyof HTMLElementTagNameMap>(name: K, text = "", classes = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

let settled: () => void = () => undefined; // what brings the page's buttons up to date

/** Has `update` called whenever something that a button did has ended. */
export function afterwards(update: () => void): void {
  settled = update;
}

export function teller(box: Element | null): (text: string, kind?: "" | "good" | "bad") => void {
  return (text, kind = "") => {
    if (!box) return;
    box.className = `status ${kind}`;
    box.textContent = text;
  };
}

export type Tell = (text: string, kind?: "" | "good" | "bad") => void;

/** Does something for the account shown when a button was pressed, and tells of it beside the button. */
export async function act(button: HTMLButtonElement, status: Element | null, what: (held: Shown, site: Site, tell: Tell) => Promise<void>): Promise<void> {
  const held = current();
  if (!held || !here) {
    teller(status)(words.connectFirstToAct, "bad");
    return;
  }
  // What goes on for an account that the page no longer shows is told under its name.
  const tell: Tell = (text, kind) => teller(status)(current()?.account === held.account ? text : words.ofAccount(held.account, text), kind);
  button.disabled = true;
  button.dataset.busy = "yes";
  try {
    await what(held, here, tell);
  } catch (error) {
    teller(status)(explain(error), "bad");
    await lookAgain(); // a wallet that did something else than was asked may be on another account
    teller(status)(explain(error), "bad");
  } finally {
    delete button.dataset.busy;
    settled();
  }
}

/** Shows the page anew, or the page at `then`, once the mirror has read the block that holds what was sent. */
export async function whenRead(block: bigint, site: Site, tell: Tell, done: string, then = ""): Promise<void> {
  tell(`${done} ${words.mined(block)}`, "good");
  for (let tries = 0; tries < 60; tries++) {
    const seen = await getJson<{ mirror: { block: number } }>(`/api/v1/daos/${site.slug}`).catch(() => null);
    if (seen && BigInt(seen.mirror.block) >= block) {
      if (then) window.location.assign(then);
      else window.location.reload();
      return;
    }
    await new Promise((resolve) => window.setTimeout(resolve, 500));
  }
  tell(`${done} ${words.minedNotRead(block)}`, "good");
}
