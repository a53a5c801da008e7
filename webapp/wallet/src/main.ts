// SPDX-License-Identifier: Apache-2.0
// Wires the page: the wallet's corner, vote form, transaction buttons, requests and approvals. All else works without.

import { encodeFunctionData, getAddress, type Hex } from "viem";

import { act, afterwards, element, here, teller, whenRead } from "./acting";
import {
  deniedTo,
  explain,
  getJson,
  GOVERNOR,
  mined,
  postJson,
  refuseWorthless,
  Refused,
  send,
  signBallot,
  signDocument,
  signIn,
  type Ballot,
  type Call,
} from "./chain";
import { wireChecking } from "./checking";
import { begin, confirm, connect, current, leave, reconnect, switchNetwork, wrongNetwork, type Shown } from "./connection";
import { showDelegation, wireDelegation } from "./delegation";
import { discover, people, Problem, testWallet, type Wallet } from "./providers";
import { showStatement, wireStatement } from "./statement";
import { words } from "./words";

const REMEMBERED = "mandate-wallet";

const wallets = new Map<string, Wallet>();
let before: Shown | null = null; // what the page showed before the last change
let voting: "reading" | "open" | "closed" = "reading"; // what is known of the shown account's vote

function remember(id: string | null): void {
  try {
    if (id) window.localStorage.setItem(REMEMBERED, id);
    else window.localStorage.removeItem(REMEMBERED);
  } catch {
    // Storage may be forbidden; then the choice lasts for this page only.
  }
}

function remembered(): string | null {
  try {
    return window.localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

// --- the wallet's corner

function draw(why = ""): void {
  const corner = document.getElementById("wallet");
  if (!corner || !here) return;
  const seen = current();
  const wrong = seen ? wrongNetwork(seen) : null;
  const line = element("span", why, "status small");
  line.id = "wallet-status";
  if (seen) {
    const shown = element("span", "", "small");
    shown.append(element("strong", seen.wallet.name), " ");
    const code = element("code", `${seen.account.slice(0, 6)}…${seen.account.slice(-4)}`);
    code.title = seen.account;
    shown.append(code);
    shown.dataset.account = seen.account;
    const out = element("button", words.change, "second slim");
    out.type = "button";
    out.addEventListener("click", () => {
      remember(null);
      leave();
    });
    corner.replaceChildren(shown, out);
    if (wrong) {
      line.className = "status small bad";
      line.textContent = wrong;
      const over = element("button", words.switchNetwork, "slim");
      over.type = "button";
      over.addEventListener("click", () => void attemptIn(line, () => switchNetwork(seen)));
      corner.append(over);
    }
    corner.append(line);
  } else {
    const picker = element("select");
    picker.setAttribute("aria-label", words.wallet);
    for (const wallet of wallets.values()) {
      const option = element("option", wallet.name);
      option.value = wallet.id;
      picker.append(option);
    }
    const go = element("button", words.connect, "slim");
    go.type = "button";
    go.addEventListener("click", () => void attemptIn(line, () => choose(picker.value)));
    if (wallets.size) corner.replaceChildren(picker, go, line);
    else corner.replaceChildren(element("span", words.noWallet, "small quiet"));
  }
  for (const hint of document.querySelectorAll<HTMLElement>("[data-away]")) hint.hidden = seen !== null;
  enable();
}

/** Buttons work for an account on the right network that may do what they do; the others say why not. */
function enable(): void {
  const seen = current();
  const wrong = seen ? wrongNetwork(seen) : null;
  for (const button of document.querySelectorAll<HTMLButtonElement>(".vote button:not([data-hand-in])")) {
    if (button.dataset.busy) continue;
    const ballot = button.form?.id === "vote";
    const why = !seen
      ? words.connectFirst
      : (wrong ?? (ballot && voting === "reading" ? words.powerIsRead : (button.dataset.denied ?? "")));
    button.disabled = why !== "" || (ballot && voting === "closed");
    button.title = why;
  }
}

async function attemptIn(line: HTMLElement, what: () => Promise<unknown>): Promise<void> {
  try {
    await what();
  } catch (error) {
    line.className = "status small bad";
    line.textContent = explain(error);
  }
}

async function choose(id: string): Promise<void> {
  const wallet = wallets.get(id);
  if (!wallet) return;
  await connect(wallet);
}

async function comeBack(wallet: Wallet): Promise<void> {
  if (current() || remembered() !== wallet.id) return;
  try {
    await reconnect(wallet);
  } catch {
    remember(null); // the wallet is there no more, or is another one: the person connects again
  }
}

/** The account or its network changed: nothing of the one before stays on the page. */
function follow(seen: Shown | null, why: string): void {
  const another = before?.account !== seen?.account || before?.wallet !== seen?.wallet;
  if (another) {
    for (const status of document.querySelectorAll(".vote .status")) teller(status)("");
    if (before) for (const form of document.querySelectorAll<HTMLFormElement>("form#vote, form#request")) form.reset();
  }
  const networkChanged = before?.chainId !== seen?.chainId;
  before = seen;
  if (seen) remember(seen.wallet.id);
  if (another) voting = "reading";
  draw(why);
  if (another) void showVoter();
  if (another) void showMine();
  if (another) showStatement();
  if (another || networkChanged) void showDelegation();
  if (another || networkChanged) void showWhoMay();
}

// --- what the shown account may do

interface Voter {
  account: string;
  may_vote: boolean;
  lead: string;
  sentences: string[];
}

/** Shows the account's power at the snapshot and its votes, and the form where a vote of it would count. */
async function showVoter(): Promise<void> {
  const box = document.getElementById("voter");
  if (!box) return;
  const form = document.getElementById("vote") as HTMLFormElement | null;
  const seen = current();
  const jump = document.querySelector<HTMLElement>(".jump"); // a small screen's way down to the form
  box.replaceChildren();
  if (form) form.hidden = false;
  if (jump) jump.hidden = false;
  if (!seen) return;
  box.append(element("p", words.readingPower, "small quiet"));
  let voter: Voter;
  try {
    voter = await getJson<Voter>(`${box.dataset.url}${seen.account}`);
  } catch (error) {
    voter = { account: seen.account, may_vote: true, lead: words.powerUnknown, sentences: [form ? `${explain(error)} ${words.mayVote}` : explain(error)] };
  }
  if (current()?.account !== seen.account || voter.account !== seen.account) return; // an answer about another account
  box.replaceChildren(element("p", voter.lead, "lead"), ...voter.sentences.map((text) => element("p", text, "small quiet")));
  box.dataset.account = voter.account;
  voting = voter.may_vote ? "open" : "closed";
  if (form) form.hidden = !voter.may_vote;
  if (jump) jump.hidden = !voter.may_vote;
  enable();
}

interface Member {
  account: string;
  lead: string;
  delegation: string;
  sentences: string[];
  proposals: { id: string; words: string }[];
}

/** Shows the account's own state before everything else, and beside each proposal of a list what it did about it. */
async function showMine(): Promise<void> {
  const [box, lines] = [document.querySelector<HTMLElement>("[data-mine-lead]"), [...document.querySelectorAll<HTMLElement>("[data-mine]")]];
  const seen = current();
  for (const line of lines) line.textContent = "";
  box?.replaceChildren();
  if (!seen || !here || (!box && !lines.length)) return;
  box?.append(element("p", words.readingYou, "small quiet"));
  const numbers = [...new Set(lines.map((line) => line.dataset.mine ?? ""))].slice(0, 100);
  let told: Member | null = null;
  let problem = "";
  try {
    told = await getJson<Member>(`/api/v1/daos/${here.slug}/members/${seen.account}?proposals=${numbers.join(",")}`);
  } catch (error) {
    problem = explain(error);
  }
  if (current()?.account !== seen.account) return; // an answer about another account
  if (!told) {
    box?.replaceChildren(element("p", problem, "small quiet"));
    return;
  }
  // With whom its tokens vote is asked of the chain where the page has room for it.
  const sentences = document.getElementById("delegation") ? told.sentences : [told.delegation, ...told.sentences];
  box?.replaceChildren(element("p", told.lead, "lead"), ...sentences.map((text) => element("p", text, "small quiet")));
  const done = new Map(told.proposals.map((one) => [one.id, one.words]));
  for (const line of lines) line.textContent = done.get(line.dataset.mine ?? "") ?? "";
}

/** Asks the chain, through the wallet, which transactions it takes from the shown account; the others' buttons rest. */
async function showWhoMay(): Promise<void> {
  const seen = current();
  const note = (button: HTMLButtonElement, why: string | null): void => {
    if (why) button.dataset.denied = why;
    else delete button.dataset.denied;
    button.hidden = why !== null; // the sentence beside it says who may
    const ask = button.parentElement?.querySelector<HTMLElement>("[data-ask]");
    if (ask) ask.hidden = true;
    const line = button.parentElement?.querySelector<HTMLElement>("[data-denial]");
    if (line) line.textContent = why ?? "";
    const rule = button.parentElement?.querySelector<HTMLElement>("[data-may]");
    if (rule) rule.hidden = why !== null;
  };
  const transactions = [...document.querySelectorAll<HTMLButtonElement>("button[data-transaction]")];
  const approvals = [
    ...document.querySelectorAll<HTMLButtonElement>("button[data-approve]"),
    ...document.querySelectorAll<HTMLButtonElement>("button[data-sign-roster]"),
  ];
  for (const button of [...transactions, ...approvals]) note(button, null);
  if (seen && !wrongNetwork(seen)) {
    for (const button of approvals) {
      const operator = button.dataset.operator;
      if (operator && operator !== seen.account) note(button, "signRoster" in button.dataset ? words.onlyTheOperatorSigns : words.onlyTheOperator);
    }
    for (const button of transactions) {
      const denied = await deniedTo(seen, callOf(button));
      if (current() !== seen) return;
      if (denied) note(button, words.deniedTo(denied));
    }
  }
  enable();
}

function callOf(button: HTMLButtonElement): Call {
  return {
    to: getAddress(button.dataset.to ?? ""),
    data: (button.dataset.calldata ?? "0x") as Hex,
    value: BigInt(button.dataset.value ?? "0"),
  };
}

// --- doing something

function wireVote(form: HTMLFormElement): void {
  const status = document.getElementById("vote-status");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = (event.submitter ?? form.querySelector("button")) as HTMLButtonElement;
    const fields = new FormData(form);
    const reason = String(fields.get("reason") ?? "").trim();
    const ballot: Ballot = {
      governor: getAddress(form.dataset.governor ?? ""),
      proposal: BigInt(form.dataset.proposal ?? "0"),
      snapshot: BigInt(form.dataset.snapshot ?? "0"),
      support: Number(fields.get("support")),
    };
    void act(button, status, async (held, site, tell) => {
      if (button.value === "signature") {
        if (reason) throw new Problem(words.noReasonInBallot);
        tell(words.waitingForSignature);
        const signature = await signBallot(held, site, ballot);
        tell(words.signed);
        const sent = await postJson<{ transaction_hash: Hex }>(form.dataset.relay ?? "", {
          voter: held.account,
          support: ballot.support,
          signature,
        });
        tell(words.relayed(sent.transaction_hash));
        await whenRead(await mined(held, sent.transaction_hash), site, tell, words.voted);
        return;
      }
      const { proposal, support } = ballot;
      const data = reason
        ? encodeFunctionData({ abi: GOVERNOR, functionName: "castVoteWithReason", args: [proposal, support, reason] })
        : encodeFunctionData({ abi: GOVERNOR, functionName: "castVote", args: [proposal, support] });
      const call = { to: ballot.governor, data, value: 0n };
      await whenRead(await send(held, call, tell, (answer) => refuseWorthless(held, ballot, answer)), site, tell, words.voted);
    });
  });
}

function wireTransaction(button: HTMLButtonElement): void {
  const status = button.parentElement?.querySelector(".status") ?? null;
  const ask = button.parentElement?.querySelector<HTMLElement>("[data-ask]") ?? null;
  const perform = (): void => {
    void act(button, status, async (held, site, tell) => {
      await whenRead(await send(held, callOf(button), tell), site, tell, words.done, button.dataset.then);
    });
  };
  if (!ask) {
    button.addEventListener("click", perform);
    return;
  }
  // What it does is said before it is done, and asked once.
  const sure = ask.querySelector<HTMLButtonElement>("[data-sure]");
  const leave_ = ask.querySelector<HTMLButtonElement>("[data-leave]");
  const close = (): void => {
    ask.hidden = true;
    button.hidden = Boolean(button.dataset.denied);
  };
  button.addEventListener("click", () => {
    ask.hidden = false;
    button.hidden = true;
    sure?.focus();
  });
  sure?.addEventListener("click", () => {
    close();
    perform();
  });
  leave_?.addEventListener("click", () => {
    close();
    button.focus();
  });
}

function wireRequest(form: HTMLFormElement): void {
  const status = form.querySelector(".status");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button") as HTMLButtonElement;
    const fields = new FormData(form);
    void act(button, status, async (held, site, tell) => {
      if (document.body.dataset.signedIn !== held.account) {
        tell(words.waitingToSignIn);
        await signIn(held, site);
        document.body.dataset.signedIn = held.account;
      }
      await confirm(held);
      let made: { id: number; status: string };
      try {
        made = await postJson(form.dataset.url ?? "", {
          text: String(fields.get("text") ?? ""),
          policy_id: String(fields.get("policy_id") ?? ""),
          key: window.crypto.randomUUID(),
          account: held.account,
        });
      } catch (error) {
        // Signed out, or signed in as another account in another window: the next attempt signs in anew.
        if (error instanceof Refused && (error.status === 401 || error.status === 403)) document.body.dataset.signedIn = "";
        throw error;
      }
      tell(words.asked(made.id), "good");
      window.setTimeout(() => window.location.reload(), 1500);
    });
  });
}

/** Signs the shown account in, and shows the page anew as this site shows it to that account. */
function wireSignIn(button: HTMLButtonElement): void {
  const status = button.parentElement?.querySelector(".status") ?? null;
  button.addEventListener("click", () => {
    void act(button, status, async (held, site, tell) => {
      tell(words.waitingToSignIn);
      await signIn(held, site);
      window.location.reload();
    });
  });
}

function wireApproval(button: HTMLButtonElement): void {
  const status = button.parentElement?.querySelector(".status") ?? null;
  button.addEventListener("click", () => {
    void act(button, status, async (held, _site, tell) => {
      const candidate = button.dataset.candidate ?? "";
      const url = button.dataset.approve ?? "";
      const document_ = await getJson<unknown>(`${url.replace(/approve$/, "approval")}?candidate=${encodeURIComponent(candidate)}`);
      tell(words.waitingForSignature);
      const signature = await signDocument(held, document_);
      await postJson(url, { candidate, signature });
      tell(words.approved, "good");
      window.setTimeout(() => window.location.reload(), 1500);
    });
  });
}

/** Has the operator's wallet sign the roster that the page shows, and hands it in as the form does without a wallet. */
function wireRoster(button: HTMLButtonElement): void {
  const form = button.form;
  const [text, given] = [form?.querySelector<HTMLTextAreaElement>("#roster-document"), form?.querySelector<HTMLTextAreaElement>("#roster-signature")];
  if (!form || !text || !given) return;
  button.addEventListener("click", () => {
    void act(button, form.querySelector(".status"), async (held, _site, tell) => {
      tell(words.waitingForSignature);
      given.value = await signDocument(held, JSON.parse(text.value));
      form.submit();
    });
  });
}

async function start(): Promise<void> {
  if (!here) return;
  const add = (wallet: Wallet): void => {
    wallets.set(wallet.id, wallet);
    if (!current()) draw();
    void comeBack(wallet);
  };
  afterwards(enable);
  begin(here, follow);
  draw();
  discover(add);
  const vote = document.getElementById("vote");
  if (vote instanceof HTMLFormElement) wireVote(vote);
  wireDelegation();
  wireStatement();
  wireChecking();
  const request = document.getElementById("request");
  if (request instanceof HTMLFormElement) wireRequest(request);
  document.querySelectorAll<HTMLButtonElement>("button[data-transaction]").forEach(wireTransaction);
  document.querySelectorAll<HTMLButtonElement>("button[data-approve]").forEach(wireApproval);
  document.querySelectorAll<HTMLButtonElement>("button[data-sign-roster]").forEach(wireRoster);
  document.querySelectorAll<HTMLButtonElement>("button[data-sign-in]").forEach(wireSignIn);
  if (here.local) for (const person of await people()) add(testWallet(person, here.csrf));
}

void start();
