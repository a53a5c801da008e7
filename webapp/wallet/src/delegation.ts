// SPDX-License-Identifier: Apache-2.0
// With whom the tokens of the shown account vote, and the buttons that change it. The chain is asked through the wallet.

import { formatUnits, getAddress, isAddress, zeroAddress, type Address, type Hex } from "viem";

import { act, element, whenRead, type Tell } from "./acting";
import { delegateCall, getJson, mined, postJson, readDelegation, send, signDelegation, type Delegation } from "./chain";
import { current, wrongNetwork, type Shown } from "./connection";
import { percent, real, sum, WHOLE_BPS, type Part } from "./parts";
import { Problem, type Site } from "./providers";
import { showSplitting, wireSplitting } from "./splitting";
import { words } from "./words";

function box(): HTMLElement | null {
  return document.getElementById("delegation");
}

/** An amount as people read it: 1,234.5 MAND, cut at two decimals. */
function amount(units: bigint, of: HTMLElement): string {
  const [whole = "0", part = ""] = formatUnits(units, Number(of.dataset.decimals ?? "18")).split(".");
  const cut = part.slice(0, 2).replace(/0+$/, "");
  const more = part.slice(2).replace(/0+$/, "") !== "";
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, words.thousands);
  return `${grouped}${cut ? `${words.decimals}${cut}` : ""}${more ? "…" : ""} ${of.dataset.symbol ?? ""}`.trim();
}

async function nameOf(account: Address, of: HTMLElement): Promise<string> {
  const short = `${account.slice(0, 6)}…${account.slice(-4)}`;
  const slug = document.body.dataset.slug ?? "";
  const told = await getJson<{ name: string | null }>(`/api/v1/daos/${slug}/delegates/${account}`).catch(() => null);
  return told?.name ? words.namedAddress(told.name, short) : of.dataset.delegate === account ? short : account;
}

const MOST_NAMED = 10; // delegates whose names this site is asked for; the others are shown by their addresses

/** Who gets which part, one line each, and what is left for nobody. */
async function linesOf(parts: readonly Part[], held: Shown, of: HTMLElement): Promise<string[]> {
  const named = real(parts).map(async ({ to, bps }, index) => {
    const name = to === held.account ? words.yourself : index < MOST_NAMED ? await nameOf(to, of) : to;
    return words.partTo(percent(bps), name);
  });
  const rest = WHOLE_BPS - sum(real(parts));
  return [...(await Promise.all(named)), ...(rest > 0 ? [words.partToNobody(percent(rest))] : [])];
}

async function sentences(held: Shown, told: Delegation, of: HTMLElement): Promise<string[]> {
  const { held: units, delegate, parts } = told;
  if (units !== null && delegate === null && parts) {
    const lead = units === 0n ? [words.holdsNothing, words.holdsNothingInParts] : [words.holdsInParts(amount(units, of))];
    return [...lead, ...(await linesOf(parts, held, of))];
  }
  if (units === null || delegate === null) return [words.delegationUnknown];
  const isNobody = delegate === zeroAddress;
  const name = isNobody ? words.nobody : delegate === held.account ? words.yourself : await nameOf(delegate, of);
  if (units === 0n) return [words.holdsNothing, isNobody ? words.holdsNothingAndNobody : words.holdsNothingButMay(name)];
  const tokens = amount(units, of);
  if (isNobody) return [words.holdsAndNobody(tokens), words.delegateNow];
  return [delegate === held.account ? words.holdsAndSelf(tokens) : words.holdsAndOther(tokens, name)];
}

/** Shows with whom the tokens of the shown account vote now. */
export async function showDelegation(): Promise<void> {
  const of = box();
  if (!of) return;
  const [seen, shown, choices] = [current(), of.querySelector("[data-standing]"), of.querySelector<HTMLElement>("[data-choices]")];
  if (!shown || !choices) return;
  shown.replaceChildren();
  choices.hidden = true;
  delete of.dataset.now;
  if (of.dataset.account !== seen?.account) {
    // What was written for the account before is not this one's wish.
    delete of.dataset.account;
    for (const field of of.querySelectorAll<HTMLInputElement>("input")) {
      field.checked = false;
      if (field.type === "text") field.value = "";
    }
  }
  if (!seen || wrongNetwork(seen)) return;
  shown.append(element("p", words.readingDelegation, "small quiet"));
  const told = await readDelegation(seen, tokenOf(of));
  const [lead = "", ...more] = await sentences(seen, told, of);
  if (told.isSplit) more.push(told.most === null ? words.splitsElsewhere : words.splitsHere);
  else if (told.delegate !== null) more.push(words.oneDelegate);
  if (current() !== seen) return; // an answer about another account
  shown.replaceChildren(element("p", lead, "lead"), ...more.map((text) => element("p", text, "small quiet")));
  showSplitting(of, told, of.dataset.account !== seen.account);
  of.dataset.account = seen.account;
  if (told.delegate) of.dataset.now = told.delegate;
  const hide = (name: string, to: Address | undefined): void => {
    const button = of.querySelector<HTMLElement>(`[data-to-${name}]`);
    if (button) button.hidden = to !== undefined && told.delegate === to;
  };
  hide("page", of.dataset.delegate as Address | undefined);
  const toPage = of.querySelector<HTMLElement>("[data-to-page]");
  if (toPage && of.dataset.delegate === seen.account) toPage.hidden = true; // the button for oneself stands beside it
  hide("self", seen.account);
  hide("nobody", zeroAddress);
  choices.hidden = false;
}

function tokenOf(of: HTMLElement): Address {
  return getAddress(of.dataset.token ?? "");
}

function chosen(of: HTMLElement): Address {
  const written = of.dataset.delegate ?? of.querySelector<HTMLInputElement>("input[name=delegate]")?.value.trim() ?? "";
  if (!isAddress(written)) throw new Problem(words.noAddress);
  return getAddress(written);
}

async function delegate(of: HTMLElement, to: Address, held: Shown, site: Site, tell: Tell): Promise<void> {
  const token = tokenOf(of);
  if ((await readDelegation(held, token)).delegate === to) throw new Problem(words.alreadySo);
  const { relay } = of.dataset;
  if (relay && of.querySelector<HTMLInputElement>("input[name=free]")?.checked) {
    tell(words.waitingForSignature);
    const signed = await signDelegation(held, site, token, to);
    tell(words.signed);
    const sent = await postJson<{ transaction_hash: Hex }>(relay, signed);
    tell(words.relayed(sent.transaction_hash));
    await whenRead(await mined(held, sent.transaction_hash), site, tell, words.delegated);
    return;
  }
  await whenRead(await send(held, delegateCall(token, to), tell), site, tell, words.delegated);
}

/** Makes the buttons of the page's delegation work. */
export function wireDelegation(): void {
  const of = box();
  if (!of) return;
  const status = document.getElementById("delegation-status");
  const wire = (selector: string, to: (held: Shown) => Address): void => {
    const button = of.querySelector<HTMLButtonElement>(selector);
    button?.addEventListener("click", () => {
      void act(button, status, (held, site, tell) => delegate(of, to(held), held, site, tell));
    });
  };
  wireSplitting(of, status);
  wire("[data-to-page]", () => chosen(of));
  wire("[data-to-self]", (held) => held.account);
  wire("[data-to-nobody]", () => zeroAddress);
}
