# SPDX-License-Identifier: Apache-2.0
"""Given a policy's operator with a wallet, a roster is composed and signed on its page; another wallet signs none."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Injected
from tests.browser.test_votes import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)


def test_the_operator_composes_and_signs_a_roster_on_its_page(demo, page, quiet, screenshots):
    (policy,) = [
        row["policy_id"]
        for row in httpx.get(f"{demo.stack.web_url}/api/v1/daos/{demo.slug}/operations", timeout=60).json()["rosters"]
        if row["serial"]
    ]
    told = f"{demo.stack.web_url}/api/v1/daos/{demo.slug}/policies/{policy}/roster"
    before = httpx.get(told, timeout=60).json()
    injected = Injected(demo.node, demo.wallets["dana"])
    injected.install(page)
    page.goto(f"{demo.url}/agent/roster/{policy}/")
    connect(page, "Signing wallet")
    page.get_by_label("Whom, one a line").fill(f"kim of the test {demo.wallets['kim'].address} 1,000 USDC")
    page.get_by_role("button", name="Look at what is signed").click()
    card = page.locator("section", has=page.get_by_role("heading", name="What the operator signs"))
    expect(card).to_contain_text("kim of the test")
    expect(card).to_contain_text("Names are shown to the operator who signs")
    # Another account than the operator's is not offered to sign.
    sign = page.get_by_role("button", name="Sign with the connected wallet")
    expect(card).to_contain_text("only the operator's own signature counts")
    expect(sign).to_be_hidden()
    injected.change(page, demo.wallets["olga"])
    expect(sign).to_be_enabled()
    if screenshots:
        page.screenshot(path=screenshots / "roster-sign.png", full_page=True)
    sign.click()
    expect(page.get_by_text("The roster is signed and in use.")).to_be_visible()
    now = httpx.get(told, timeout=60).json()
    assert (now["serial"], now["addresses"]) == (before["serial"] + 1, [demo.wallets["kim"].address])
    assert injected.asked.count("eth_signTypedData_v4") == 1
    assert "kim of the test" not in page.content()  # nobody is signed in here
    if screenshots:
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=screenshots / "roster-dark.png", full_page=True)
        page.set_viewport_size({"width": 390, "height": 800})
        page.emulate_media(color_scheme="light")
        page.screenshot(path=screenshots / "roster-390.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
