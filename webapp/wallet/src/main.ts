// SPDX-License-Identifier: Apache-2.0
// Wires the page: the wallet's corner, vote form, transaction buttons, requests and approvals. All else works without.

import { encodeFunctionData, getAddress, type Address, type Hex } from "viem";

import { connect, explain, getJson, GOVERNOR, mined, postJson, Problem, send, signBallot, signDocument, signIn, type Site } from "./chain";
import { discover, people, testWallet, type Wallet } from "./providers";

const REMEMBERED = "mandate-wallet";

function site(): Site | null {
  const { chainId, chainName, slug, csrf, local } = document.body.dataset;
  if (!chainId || !slug) return null;
  return { chainId: Number(chainId), chainName: chainName ?? "its chain", slug, csrf: csrf ?? "", local: local === "yes" };
}

const here = site();
const wallets = new Map<string, Wallet>();
let chosen: Wallet | null = null;
let account: Address | null = null;

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

function element<K extends keyof HTMLElementTagNameMap>(name: K, text = "", classes = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

// --- the wallet's corner

function draw(): void {
  const corner = document.getElementById("wallet");
  if (!corner || !here) return;
  if (chosen && account) {
    const shown = element("span", "", "small");
    shown.append(element("strong", chosen.name), " ");
    const code = element("code", `${account.slice(0, 6)}…${account.slice(-4)}`);
    code.title = account;
    shown.append(code);
    shown.dataset.account = account;
    const out = element("button", "Change", "second slim");
    out.type = "button";
    out.addEventListener("click", () => void leave());
    corner.replaceChildren(shown, out);
  } else {
    const picker = element("select");
    picker.setAttribute("aria-label", "Wallet");
    for (const wallet of wallets.values()) {
      const option = element("option", wallet.name);
      option.value = wallet.id;
      picker.append(option);
    }
    const go = element("button", "Connect", "slim");
    go.type = "button";
    go.addEventListener("click", () => void choose(picker.value));
    const line = element("span", "", "status small");
    line.id = "wallet-status";
    if (wallets.size) corner.replaceChildren(picker, go, line);
    else corner.replaceChildren(element("span", "No wallet found in this browser", "small quiet"));
  }
  for (const hint of document.querySelectorAll<HTMLElement>("[data-away]")) hint.hidden = chosen !== null;
  for (const button of document.querySelectorAll<HTMLButtonElement>(".vote button")) {
    if (button.dataset.busy) continue;
    button.disabled = !chosen;
    button.title = chosen ? "" : "Connect a wallet first";
  }
}

async function choose(id: string): Promise<void> {
  const wallet = wallets.get(id);
  if (!wallet || !here) return;
  const line = document.getElementById("wallet-status");
  try {
    account = await connect(wallet, here);
    chosen = wallet;
    remember(id);
    wallet.provider.on?.("accountsChanged", () => void leave());
    draw();
  } catch (error) {
    if (line) {
      line.className = "status small bad";
      line.textContent = explain(error);
    }
  }
}

async function leave(): Promise<void> {
  chosen = null;
  account = null;
  remember(null);
  draw();
}

async function reconnect(wallet: Wallet): Promise<void> {
  if (chosen || !here || remembered() !== wallet.id) return;
  try {
    // eth_accounts asks nobody: it answers only where the person had allowed it before.
    const accounts = (await wallet.provider.request({ method: "eth_accounts" })) as string[];
    if (accounts[0] && !chosen) {
      chosen = wallet;
      account = getAddress(accounts[0]);
    }
  } catch {
    remember(null); // the wallet is there no more, or is another one: the person connects again
  }
  draw();
}

// --- doing something

function teller(box: Element | null): (text: string, kind?: "" | "good" | "bad") => void {
  return (text, kind = "") => {
    if (!box) return;
    box.className = `status ${kind}`;
    box.textContent = text;
  };
}

async function act(button: HTMLButtonElement, status: Element | null, what: (wallet: Wallet, site: Site) => Promise<void>): Promise<void> {
  const tell = teller(status);
  if (!chosen || !here) {
    tell("Connect a wallet first.", "bad");
    return;
  }
  button.disabled = true;
  button.dataset.busy = "yes";
  try {
    await what(chosen, here);
  } catch (error) {
    tell(explain(error), "bad");
  } finally {
    delete button.dataset.busy;
    button.disabled = false;
  }
}

/** Shows the page anew once the mirror has read the block that holds what was sent. */
async function whenRead(block: bigint, site: Site, tell: (text: string, kind?: "" | "good" | "bad") => void, words: string): Promise<void> {
  tell(`${words} Mined in block ${block}; the page follows in a moment.`, "good");
  for (let tries = 0; tries < 60; tries++) {
    const seen = await getJson<{ mirror: { block: number } }>(`/api/v1/daos/${site.slug}`);
    if (BigInt(seen.mirror.block) >= block) {
      window.location.reload();
      return;
    }
    await new Promise((resolve) => window.setTimeout(resolve, 500));
  }
  tell(`${words} Mined in block ${block}. The mirror has not read it yet; reload later.`, "good");
}

function wireVote(form: HTMLFormElement): void {
  const status = form.querySelector(".status");
  const tell = teller(status);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = (event.submitter ?? form.querySelector("button")) as HTMLButtonElement;
    const fields = new FormData(form);
    const support = Number(fields.get("support"));
    const reason = String(fields.get("reason") ?? "").trim();
    const governor = getAddress(form.dataset.governor ?? "");
    const proposal = BigInt(form.dataset.proposal ?? "0");
    void act(button, status, async (wallet, site) => {
      if (button.value === "signature") {
        if (reason) throw new Problem("A signed ballot carries no reason: vote by transaction, or remove the reason.");
        tell("Waiting for your signature …");
        const signed = await signBallot(wallet, site, governor, proposal, support);
        tell("Signed. Handing it to the relayer …");
        const sent = await postJson<{ transaction_hash: Hex }>(form.dataset.relay ?? "", {
          voter: signed.voter,
          support,
          signature: signed.signature,
        });
        tell(`The relayer sent it: ${sent.transaction_hash}. Waiting to be mined …`);
        await whenRead(await mined(wallet, sent.transaction_hash), site, tell, "Voted.");
        return;
      }
      const data = reason
        ? encodeFunctionData({ abi: GOVERNOR, functionName: "castVoteWithReason", args: [proposal, support, reason] })
        : encodeFunctionData({ abi: GOVERNOR, functionName: "castVote", args: [proposal, support] });
      await whenRead(await send(wallet, site, { to: governor, data, value: 0n }, tell), site, tell, "Voted.");
    });
  });
}

function wireTransaction(button: HTMLButtonElement): void {
  const status = button.parentElement?.querySelector(".status") ?? null;
  const tell = teller(status);
  button.addEventListener("click", () => {
    void act(button, status, async (wallet, site) => {
      const call = {
        to: getAddress(button.dataset.to ?? ""),
        data: (button.dataset.calldata ?? "0x") as Hex,
        value: BigInt(button.dataset.value ?? "0"),
      };
      await whenRead(await send(wallet, site, call, tell), site, tell, "Done.");
    });
  });
}

function wireRequest(form: HTMLFormElement): void {
  const status = form.querySelector(".status");
  const tell = teller(status);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button") as HTMLButtonElement;
    const fields = new FormData(form);
    void act(button, status, async (wallet, site) => {
      if (document.body.dataset.signedIn !== account) {
        tell("Waiting for your signature, to sign in …");
        document.body.dataset.signedIn = await signIn(wallet, site);
      }
      const made = await postJson<{ id: number; status: string }>(form.dataset.url ?? "", {
        text: String(fields.get("text") ?? ""),
        policy_id: String(fields.get("policy_id") ?? ""),
        key: window.crypto.randomUUID(),
      });
      tell(`Asked: request ${made.id}. The page follows in a moment.`, "good");
      window.setTimeout(() => window.location.reload(), 1500);
    });
  });
}

function wireApproval(button: HTMLButtonElement): void {
  const status = button.parentElement?.querySelector(".status") ?? null;
  const tell = teller(status);
  button.addEventListener("click", () => {
    void act(button, status, async (wallet, site) => {
      const candidate = button.dataset.candidate ?? "";
      const url = button.dataset.approve ?? "";
      const document_ = await getJson<unknown>(`${url.replace(/approve$/, "approval")}?candidate=${encodeURIComponent(candidate)}`);
      tell("Waiting for your signature …");
      const signature = await signDocument(wallet, site, document_);
      await postJson(url, { candidate, signature });
      tell("Approved. The page follows in a moment.", "good");
      window.setTimeout(() => window.location.reload(), 1500);
    });
  });
}

async function start(): Promise<void> {
  if (!here) return;
  const add = (wallet: Wallet): void => {
    wallets.set(wallet.id, wallet);
    draw();
    void reconnect(wallet);
  };
  draw();
  discover(add);
  const vote = document.getElementById("vote");
  if (vote instanceof HTMLFormElement) wireVote(vote);
  const request = document.getElementById("request");
  if (request instanceof HTMLFormElement) wireRequest(request);
  document.querySelectorAll<HTMLButtonElement>("button[data-transaction]").forEach(wireTransaction);
  document.querySelectorAll<HTMLButtonElement>("button[data-approve]").forEach(wireApproval);
  if (here.local) for (const person of await people()) add(testWallet(person, here.csrf));
}

void start();
