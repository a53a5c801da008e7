# SPDX-License-Identifier: Apache-2.0
"""Given every page of the site and every kind of visitor, axe finds nothing against WCAG 2.2 AA, in light and dark, on
a wide screen, a phone and at 320 px; nothing sticks out, the keyboard reaches all, nothing moves for who wants that.

In CI each kind of page once, in turns light and dark and of the three widths, as who may do most; the keyboard on each
sixth. MANDATE_AXE=whole: each kind in all six with Tab through all of it, and every other address once; to strangers
and members too.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from tests.browser import pages_shown
from tests.browser.pages_shown import Shown
from tests.browser.test_reading import FOCUSED, LOOK, REACHABLE
from tests.webapp.conftest import made  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# axe leaves out WCAG 2.2's rules unless asked for each.
RUN = """
async (standards) => (await axe.run(document, {
  runOnly: standards, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"],
})).violations.flatMap((rule) => rule.nodes.map((node) => rule.id + ": " + node.target.join(" ") + " | " +
  node.html.slice(0, 160) + " | " + [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ")))
"""
LOOKS = [*itertools.product(("light", "dark"), (1280, 390, 320))]
WHOLE = os.environ.get("MANDATE_AXE") == "whole"


MOVES = """
() => [...document.querySelectorAll("*")].filter((el) => {
  const style = getComputedStyle(el), lasts = (times) => times.split(",").some((time) => parseFloat(time) > 0);
  return lasts(style.transitionDuration) || lasts(style.animationDuration) || style.scrollBehavior === "smooth";
}).map((el) => "moves: " + el.tagName.toLowerCase() + " " + el.className).slice(0, 3)
"""


@pytest.fixture
def shown(made, live_server, settings) -> list[Shown]:  # noqa: F811
    """All pages; in CI one of each kind, as who may do most sees it."""
    settings.SECRET_KEY, settings.ORIGIN = "a key of this test, long enough", live_server.url
    links = pages_shown.fill(made)
    cookie, found = settings.SESSION_COOKIE_NAME, []
    everybody = pages_shown.visitors(made, settings)
    for who in everybody if WHOLE else everybody[-1:]:
        found += pages_shown.of_routes(made, links, who, cookie, whole=WHOLE)
        found += pages_shown.answers(who, cookie)
    return found


class Reader:
    """A browser that goes from page to page as one visitor after the other."""

    def __init__(self, page, site: str, cookie: str) -> None:
        self.page, self._site, self._cookie = page, site, cookie

    def opens(self, one: Shown, scheme: str, width: int) -> None:
        self.page.context.clear_cookies()
        if one.visitor.session:
            self.page.context.add_cookies([{"name": self._cookie, "value": one.visitor.session, "url": self._site}])
        self.looks(scheme, width)
        self.page.unroute_all()
        if one.html:
            self.page.route(
                lambda address: address == self._site + one.path,
                lambda route: route.fulfill(body=one.html, content_type="text/html; charset=utf-8"),
            )
        self.page.goto(self._site + one.path)
        self.page.evaluate(AXE)  # not by a script tag: the site's security policy lets none in

    def looks(self, scheme: str, width: int) -> None:
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour on its way to another
        self.page.set_viewport_size({"width": width, "height": 900})

    def wrong(self) -> list[str]:
        """Return what axe and our own look at the page find."""
        return [*self.page.evaluate(RUN, STANDARDS), *self.page.evaluate(LOOK), *self.page.evaluate(MOVES)]

    def unreached(self) -> list[str]:
        """Return what is wrong for who has a keyboard alone."""
        self.page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        wanted, reached, wrong = self.page.evaluate(REACHABLE), set(), []
        for n in range(wanted + 5):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(FOCUSED)
            if not at["at"] or at["at"] in reached:
                break
            if not (at["shown"] and at["inside"]):
                wrong.append(f"the focus is not seen: {at}")
            if at["skip"] != (n == 0):
                wrong.append(f"the first stop skips the navigation: {at}")
            reached.add(at["at"])
        if len(reached) < wanted:
            wrong.append(f"the keyboard reaches {len(reached)} of {wanted}")
        return wrong


@pytest.fixture
def reader(page, live_server, settings) -> Reader:
    return Reader(page, live_server.url, settings.SESSION_COOKIE_NAME)


def test_axe_finds_nothing_on_any_page(shown, reader):
    wrong = {}
    for one, turn in zip(shown, itertools.cycle(LOOKS), strict=False):
        for look in LOOKS if WHOLE and one.is_first else [turn]:
            reader.opens(one, *look)
            found = reader.wrong()
            if look == LOOKS[0]:
                found += reader.unreached()
            if found:
                wrong[f"{one} {look}"] = found
                print(f"{one} {look}", *found, sep="\n  ", flush=True)
    assert len(shown) > 40
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def test_what_axe_finds_is_found(made, live_server, reader):  # noqa: F811
    """Against a test that finds nothing because it looks at nothing."""
    reader.opens(Shown("/", pages_shown.Visitor("stranger")), "light", 320)
    assert reader.wrong() == []
    reader.page.emulate_media(reduced_motion="no-preference")
    assert any(text.startswith("moves: ") for text in reader.page.evaluate(MOVES))
    reader.page.evaluate(
        """() => {
          const main = document.querySelector("main");
          main.insertAdjacentHTML("beforeend", "<p><img src='/x.png'><input><a href='/'></a></p>" +
            "<p><button class='a'>1</button></p>");
          main.lastChild.style.width = "400px";
        }"""
    )
    found = " ".join(reader.wrong())
    for rule in ("image-alt", "label", "link-name", "wider than the window"):
        assert rule in found
