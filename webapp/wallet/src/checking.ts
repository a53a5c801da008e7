// SPDX-License-Identifier: Apache-2.0
// While a policy is written, what the site says of it stands below: what is wrong, or what members would vote on.

const QUIET_MS = 1500;
const PATIENCE_MS = 20_000;

/** Makes each policy of a draft's form be checked as it is written. */
export function wireChecking(): void {
  for (const box of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const [form, section] = [box.closest("form"), box.closest("section")];
    if (form && section) follow(form, section, box);
  }
}

function follow(form: HTMLFormElement, section: HTMLElement, box: HTMLElement): void {
  let timer = 0;
  let asked = new AbortController();
  section.addEventListener("input", () => {
    window.clearTimeout(timer);
    asked.abort(); // of what was written before, nothing is shown any more
    box.replaceChildren();
    timer = window.setTimeout(() => {
      asked = new AbortController();
      void ask(form, box, asked.signal);
    }, QUIET_MS);
  });
}

async function ask(form: HTMLFormElement, box: HTMLElement, isOld: AbortSignal): Promise<void> {
  const body = new FormData(form);
  body.set("live", box.dataset.live ?? "");
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let page: string | null = null;
  try {
    const answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.any([isOld, patience]) });
    if (answer.ok) page = await answer.text();
  } catch {
    // That it was not checked is said below.
  }
  if (isOld.aborted) return;
  if (page === null) box.textContent = box.dataset.unchecked ?? "";
  else box.replaceChildren(...new DOMParser().parseFromString(page, "text/html").body.childNodes);
}
