# SPDX-License-Identifier: Apache-2.0
"""Given any page, on a phone and in the dark: nothing sticks out, text has contrast, everything has a name, and the
keyboard reaches it and shows where it is. And a delegate's statement, from the wallet to everybody's page.

The rules of WCAG 2.2 AA that a program can check by itself (1.4.3, 1.4.10, 2.4.1, 2.4.7, 2.5.8, 3.1.1, 4.1.2).
"""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Injected
from tests.browser.test_delegating import picture
from tests.browser.test_votes import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

LOOK = (Path(__file__).parent / "readable.js").read_text()


PLACES = (
    "/", "/proposals/", "/proposals/?q=nothing-of-this", "/proposals/?by=0x12", "/propose/?kind=transfer",
    "/delegates/", "/treasury/", "/policies/", "/agent/", "/agent/requests/", "/operations/", "/info/", "/subscribe/",
)  # fmt: skip


def test_every_page_is_readable_in_light_and_dark_on_a_phone_and_by_everybody(demo, page, quiet, screenshots):
    number = demo.propose(
        "# " + "Averylongwordwithoutabreak" * 8 + "\n\n" + "x" * 400 + "\n\n| a | b |\n|-|-|\n| 1 | 2 |"
    )
    paths = [*(f"{demo.url}{path}" for path in PLACES), f"{demo.url}/proposals/{number}/"]
    paths.append(f"{demo.url}/delegates/{demo.wallets['ben'].address}/")
    paths += [f"{demo.stack.web_url}/subscriptions/own/"]
    wrong = {}
    for path in paths:
        page.set_viewport_size({"width": 1200, "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")  # no colour on its way to another
        page.goto(path)
        page.wait_for_load_state("networkidle")
        for scheme, width in (("light", 1200), ("dark", 1200), ("light", 390), ("dark", 320)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            if found := page.evaluate(LOOK):
                wrong[f"{path} {scheme} {width}"] = found
        picture(page, screenshots, path.rstrip("/").rpartition("/")[2].partition("?")[0] or "home")
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


FOCUSED = """
() => {
  const el = document.activeElement, style = getComputedStyle(el), box = el.getBoundingClientRect();
  return { at: el === document.body ? "" : [...document.querySelectorAll("*")].indexOf(el) + " " + el.tagName,
    shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none",
    inside: box.bottom > 0 && box.top < window.innerHeight, skip: el.className === "skip" };
}
"""
REACHABLE = """
() => [...document.querySelectorAll("a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), " +
  "select, textarea, summary")].filter((el) => el.checkVisibility() && el.tabIndex >= 0 && el.type !== "radio").length
"""


@pytest.mark.parametrize("path", ["/", "/proposals/", "/subscribe/"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(demo, page, quiet, path):
    page.goto(f"{demo.url}{path}")
    page.wait_for_load_state("networkidle")
    wanted, reached = page.evaluate(REACHABLE), []
    for n in range(wanted + 5):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if not at["at"] or at["at"] in reached:
            break
        assert at["shown"], at
        assert at["inside"], at
        assert at["skip"] == (n == 0), "the first stop skips the navigation"
        reached.append(at["at"])
    assert len(reached) >= wanted, (len(reached), wanted)
    page.goto(f"{demo.url}{path}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_delegate_signs_a_statement_and_everybody_reads_it(demo, page, quiet, screenshots):
    ben = demo.wallets["ben"]
    injected = Injected(demo.node, ben)
    injected.install(page)
    page.goto(f"{demo.url}/delegates/{ben.address}/")
    box = page.locator("#statement")
    expect(box).to_contain_text("It has published no statement here.")
    expect(box.locator("form")).to_be_hidden()
    connect(page, "Signing wallet")
    text = box.get_by_label("What you stand for")
    expect(text).to_be_visible()
    text.fill("**No** vote for what its text hides. <script>alert(1)</script>")
    injected.refuses = ("eth_signTypedData_v4",)
    box.get_by_role("button", name="Sign and publish").click()
    expect(box.locator(".status")).to_contain_text("You rejected this in your wallet.")
    injected.refuses = ()
    box.get_by_role("button", name="Sign and publish").click()
    expect(box).to_contain_text("Signed by this account")
    expect(box.locator(".prose strong")).to_have_text("No")
    picture(page, screenshots, "statement")
    injected.change(page, demo.wallets["dana"])
    expect(box.locator("form")).to_be_hidden()
    injected.change(page, ben)
    text.fill("")
    box.get_by_role("button", name="Sign and publish").click()
    expect(box).to_contain_text("It has published no statement here.")
    assert injected.asked.count("eth_signTypedData_v4") == 3
