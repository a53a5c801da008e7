// SPDX-License-Identifier: Apache-2.0
// What a delegate says of itself: the form is there for the account of the page alone, which signs the text's hash.

import { keccak256, stringToBytes } from "viem";

import { act } from "./acting";
import { getJson, postJson, signDocument } from "./chain";
import { current } from "./connection";
import { Problem } from "./providers";
import { words } from "./words";

/** Shows the form where the connected account is the page's. */
export function showStatement(): void {
  const box = document.getElementById("statement");
  const form = box?.querySelector("form");
  if (box && form) form.hidden = current()?.account !== box.dataset.account;
}

/** Makes the form work. */
export function wireStatement(): void {
  const box = document.getElementById("statement");
  const form = box?.querySelector("form");
  if (!box || !form) return;
  const status = box.querySelector(".status");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button") as HTMLButtonElement;
    void act(button, status, async (held, _site, tell) => {
      if (held.account !== box.dataset.account) throw new Problem(words.notYourPage);
      const text = (form.querySelector("textarea") as HTMLTextAreaElement).value.trim();
      const at = Math.floor(Date.now() / 1000);
      const hash = keccak256(stringToBytes(text));
      const url = box.dataset.url ?? "";
      const document_ = await getJson<{ primaryType: string; message: { textHash: string } }>(`${url}?text_hash=${hash}&signed_at_s=${at}`);
      if (document_.primaryType !== "Statement" || document_.message.textHash !== hash) throw new Problem(words.otherText);
      tell(words.waitingForSignature);
      const signature = await signDocument(held, document_);
      await postJson(url, { text, signed_at_s: at, signature });
      tell(words.published, "good");
      window.setTimeout(() => window.location.reload(), 1000);
    });
  });
}
