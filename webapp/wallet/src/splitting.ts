// SPDX-License-Identifier: Apache-2.0
// The part of the page's delegation where votes are split among several delegates, where the votes token takes that.

import { getAddress, type Address } from "viem";

import { act, whenRead } from "./acting";
import { explain, readDelegation, send, splitCall, type Delegation } from "./chain";
import { isSame, percent, real, sum, WHOLE_BPS, written, type Part, type Row } from "./parts";
import { Problem } from "./providers";
import { words } from "./words";

const FEWEST_ROWS = 2;

function box(of: HTMLElement): HTMLElement | null {
  return of.querySelector<HTMLElement>("[data-split]");
}

function inputOf(row: Element, name: string): HTMLInputElement {
  return row.querySelector<HTMLInputElement>(`input[name=${name}]`) as HTMLInputElement;
}

function add(split: HTMLElement, part?: { to: Address; bps?: number }): HTMLElement | null {
  const [list, form] = [split.querySelector("[data-parts]"), split.querySelector<HTMLTemplateElement>("template")];
  const row = (form?.content.cloneNode(true) as DocumentFragment | undefined)?.querySelector<HTMLElement>("li");
  if (!list || !row) return null;
  // What is written has a point in every language.
  inputOf(row, "part-account").value = part?.to ?? "";
  if (part?.bps) inputOf(row, "part-percent").value = String(part.bps / 100);
  row.querySelector("[data-remove]")?.addEventListener("click", () => {
    row.remove();
    split.querySelector<HTMLElement>("[data-another]")?.focus();
    tell(split);
  });
  list.append(row);
  return row;
}

function partsOf(split: HTMLElement): Part[] {
  const rows = [...(split.querySelector("[data-parts]")?.children ?? [])];
  const texts: Row[] = rows.map((row) => ({ account: inputOf(row, "part-account").value, percent: inputOf(row, "part-percent").value }));
  return written(texts, Number(split.dataset.most));
}

/** Says what the parts written so far come to, and shows the calldata that another wallet would send. */
function tell(split: HTMLElement): void {
  const [said, by, data] = ["sum", "by-hand", "calldata"].map((name) => split.querySelector<HTMLElement>(`[data-${name}]`));
  if (!said || !by || !data) return;
  by.hidden = true;
  data.textContent = "";
  try {
    const parts = partsOf(split);
    const all = sum(parts);
    said.textContent = all < WHOLE_BPS ? words.partsSum(percent(all), percent(WHOLE_BPS - all)) : words.partsWhole(percent(all));
    data.textContent = splitCall(tokenOf(split), parts).data;
    by.hidden = false;
  } catch (error) {
    said.textContent = explain(error);
  }
}

function tokenOf(split: HTMLElement): Address {
  return getAddress((split.closest("[data-token]") as HTMLElement).dataset.token ?? "");
}

/** Offers it where the token takes it. `isNew`: what was written before was another account's. */
export function showSplitting(of: HTMLElement, told: Delegation, isNew: boolean): void {
  const split = box(of);
  if (!split) return;
  split.hidden = told.most === null;
  split.dataset.most = String(told.most ?? 0);
  const free = of.querySelector<HTMLInputElement>("input[name=free]");
  const signing = free?.closest("p");
  if (free && signing) {
    signing.hidden = told.parts !== null; // the relayer knows tokens of one delegate an account alone
    if (signing.hidden) free.checked = false;
  }
  if (told.most === null || !(isNew || !split.querySelector("[data-parts]")?.childElementCount)) return;
  split.querySelector("[data-parts]")?.replaceChildren();
  const now = real(told.parts ?? []);
  const page = of.dataset.delegate as Address | undefined;
  const shown: { to: Address; bps?: number }[] = now.length || !page ? now : [{ to: page }];
  for (const part of shown) add(split, part);
  for (let n = shown.length; n < FEWEST_ROWS; n++) add(split);
  if (now.length) tell(split); // of empty rows there is nothing to say yet
}

/** Makes its buttons work. */
export function wireSplitting(of: HTMLElement, status: HTMLElement | null): void {
  const split = box(of);
  if (!split) return;
  split.addEventListener("input", () => tell(split));
  split.querySelector("[data-another]")?.addEventListener("click", () => {
    const row = add(split);
    if (row) inputOf(row, "part-account").focus();
    tell(split);
  });
  const button = split.querySelector<HTMLButtonElement>("[data-to-parts]");
  button?.addEventListener("click", () => {
    void act(button, status, async (held, site, say) => {
      const [token, parts] = [tokenOf(split), partsOf(split)];
      const now = await readDelegation(held, token);
      if (now.parts && isSame(now.parts, parts)) throw new Problem(words.alreadySo);
      await whenRead(await send(held, splitCall(token, parts), say), site, say, words.delegated);
    });
  });
}
