// SPDX-License-Identifier: Apache-2.0
// What on a page somebody could not read, name or press: sentences, for a test.
() => {
  const found = [];
  const shown = (el) => el.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const what = (el) => el.tagName.toLowerCase() + (el.className && el.className.baseVal === undefined ? "." + el.className : "")
    + " " + (el.textContent || "").trim().slice(0, 40);
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return text.startsWith("color(srgb")
    ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat([1]);
  const ground = (el) => {
    const layers = [];
    for (let at = el; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) { layers.push(colour); if (colour[3] === 1) break; }
    }
    return layers.reduceRight((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const name = (el) => (el.getAttribute("aria-label") || "").trim()
    || (el.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join("").trim()
    || [...(el.labels || [])].map((label) => label.textContent).join("").trim()
    || (el.tagName === "INPUT" || el.tagName === "SELECT" || el.tagName === "TEXTAREA" ? "" : (el.textContent || "").trim())
    || (el.title || "").trim();
  const page = document.scrollingElement;
  if (page.scrollWidth > window.innerWidth) {
    const wide = [...document.querySelectorAll("body *")].find((el) => shown(el) && el.getBoundingClientRect().right > window.innerWidth + 1
      && !el.closest(".scroll, pre, table, nav"));
    found.push("wider than the window: " + page.scrollWidth + " " + (wide ? what(wide) : ""));
  }
  if (!document.documentElement.lang) found.push("no language");
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
  for (const id of new Set(ids.filter((one, i) => ids.indexOf(one) !== i))) found.push("id twice: " + id);
  let last = 1;
  for (const el of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    if (!shown(el)) continue;
    const level = Number(el.tagName[1]);
    if (level > last + 1 && !el.closest(".prose")) found.push("heading skips a level: " + what(el));
    last = level;
  }
  for (const el of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=img], iframe")) {
    if (shown(el) && !name(el)) found.push("no name: " + what(el) + " " + (el.id || el.name || ""));
  }
  for (const el of document.querySelectorAll("button, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select, textarea, summary")) {
    const box = el.getBoundingClientRect();
    if (shown(el) && box.width && box.height < 24) found.push("lower than 24 px: " + what(el) + " " + box.height);
  }
  for (const el of document.querySelectorAll("img:not([alt])")) found.push("picture without alt: " + what(el));
  for (const el of document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls]"))
    for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls"])
      for (const id of (el.getAttribute(attribute) || "").split(" ").filter(Boolean))
        if (!document.getElementById(id)) found.push(attribute + " points nowhere: " + id);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const el = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(el) || !shown(el) || el.closest("svg, script, style, option, [disabled], .skip")) continue;
    seen.add(el);
    const box = el.getBoundingClientRect(), letter = parseFloat(getComputedStyle(el).fontSize);
    if (el.textContent.trim().length > 5 && box.width < 2 * letter && box.height > 4 * letter) found.push("squeezed: " + what(el));
    const style = getComputedStyle(el), under = ground(el);
    const a = light(over(parse(style.color), under)), b = light(under);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5) - 0.01) found.push("contrast " + contrast.toFixed(2) + ": " + what(el));
  }
  return found;
}
