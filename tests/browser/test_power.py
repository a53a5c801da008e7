# SPDX-License-Identifier: Apache-2.0
"""Given an account that connects, it reads beside the vote what its vote counts, and whether it voted."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Injected
from tests.browser.test_accounts import shows
from tests.browser.test_votes import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)


def vote_button(page):
    return page.get_by_role("button", name="Vote", exact=True)


def test_power_at_the_snapshot_stands_beside_the_form(demo, page, quiet):
    number = demo.propose("# Who votes with what\n\nThey read it.")
    page.goto(f"{demo.url}/proposals/{number}/")
    expect(vote_button(page)).to_be_disabled()
    expect(page.locator("#voter")).to_be_empty()
    connect(page, "dana (test wallet)")
    box = page.locator("#voter")
    expect(box).to_contain_text("You vote with 150,000 MAND.")
    expect(box).to_contain_text("You have not voted.")
    expect(box).to_contain_text("Asked of the chain at block")
    expect(vote_button(page)).to_be_enabled()


@pytest.mark.parametrize(("who", "holds"), [("mallory", False), ("chloe", True)])
def test_nobody_is_sent_to_pay_for_a_vote_of_nothing(demo, page, quiet, who, holds):
    """chloe's tokens are delegated to dana."""
    number = demo.propose(f"# {who} has no power\n\nNone at all.")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{demo.url}/proposals/{number}/")
    expect(page.locator(".jump")).to_be_visible()
    connect(page, f"{who} (test wallet)")
    box = page.locator("#voter")
    expect(box).to_contain_text("You had no voting power at the snapshot")
    expect(page.locator(".jump")).to_be_hidden()
    expect(box).to_contain_text("so no vote is offered")
    assert ("Your tokens are delegated to dana" in box.inner_text()) is holds
    expect(vote_button(page)).to_have_count(0)  # hidden buttons have no role
    expect(page.get_by_label("Reason")).to_be_hidden()


def test_who_voted_reads_how_and_is_not_asked_again(demo, page, quiet):
    number = demo.propose("# Vote once\n\nNot twice.")
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "dana (test wallet)")
    page.get_by_label("Abstain", exact=True).check()
    vote_button(page).click()
    box = page.locator("#voter")
    expect(box).to_contain_text("You voted Abstain with 150,000 MAND")
    expect(box).to_contain_text(re.compile("transaction 0x[0-9a-f]{4}…"))
    expect(box).to_contain_text("This governor takes one vote from each account.")
    expect(vote_button(page)).to_have_count(0)
    # Another account's vote is its own.
    page.get_by_role("button", name="Change").click()
    expect(box).to_be_empty()
    connect(page, "ben (test wallet)")
    expect(box).to_contain_text("You vote with 250,000 MAND.")
    expect(vote_button(page)).to_be_enabled()


def test_before_the_snapshot_the_page_says_when_power_is_fixed(demo, page, quiet):
    token = demo.node.call(demo.governor, "token()", [], ["address"])
    call = bytes.fromhex("5c19a95c") + bytes.fromhex(demo.wallets["ben"].address[2:]).rjust(32, b"\0")
    text = "# Not yet\n\nIt waits."
    demo.wallets["ben"].invoke(
        demo.governor, "propose(address[],uint256[],bytes[],string)", [[token], [0], [call], text]
    )
    api = f"{demo.stack.web_url}/api/v1/daos/{demo.slug}/proposals"
    page.wait_for_timeout(500)
    for _ in range(100):
        rows = httpx.get(api).json()["proposals"]
        if number := next((row["id"] for row in rows if row["title"] == "Not yet"), None):
            break
        page.wait_for_timeout(200)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "dana (test wallet)")
    expect(page.locator("#voter")).to_contain_text("Your power is fixed at the snapshot")
    expect(page.locator("#voter")).to_contain_text("You have 150,000 MAND of voting power now")
    expect(vote_button(page)).to_have_count(0)


def test_a_power_that_is_not_known_keeps_nobody_from_voting(demo, page):
    number = demo.propose("# The site is silent\n\nThe wallet knows.")
    page.route("**/voters/*", lambda route: route.abort())
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "dana (test wallet)")
    expect(page.locator("#voter")).to_contain_text("Your voting power is not known.")
    page.get_by_label("For", exact=True).check()
    page.unroute("**/voters/*")
    vote_button(page).click()
    expect(page.locator("#voter")).to_contain_text("You voted For with 150,000 MAND")


@pytest.mark.parametrize("how", ["Vote", "Vote by signature"])
def test_without_the_sites_word_the_wallet_finds_the_vote_worthless(demo, page, how):
    number = demo.propose(f"# The site is silent, {how}\n\nThe chain knows.")
    page.route("**/voters/*", lambda route: route.abort())
    injected = Injected(demo.node, demo.wallets["mallory"])
    injected.install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "Signing wallet")
    expect(page.locator("#voter")).to_contain_text("is not known")
    page.get_by_label("For", exact=True).check()
    page.get_by_role("button", name=how, exact=True).click()
    expect(page.locator("#vote-status")).to_contain_text("This vote would count 0")
    assert not {"eth_sendTransaction", "eth_signTypedData_v4"} & set(injected.asked)
    assert not demo.has_voted(number, "mallory")


def test_without_javascript_ones_power_can_be_asked_for(demo, browser):
    number = demo.propose("# Ask for it\n\nWithout scripts.")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.url}/proposals/{number}/")
    page.get_by_label("Your address").fill(demo.wallets["dana"].address)
    page.get_by_role("button", name="Show my voting power").click()
    expect(page.locator("#voter")).to_contain_text("You vote with 150,000 MAND.")
    context.close()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_the_box_fits_in_every_state(demo, browser, screenshots, look):
    """No state of the vote's box is wider than the screen; with MANDATE_SCREENSHOTS set, each is photographed."""
    size = {"width": 390, "height": 844} if look == "phone" else {"width": 1200, "height": 900}
    context = browser.new_context(viewport=size, color_scheme="dark" if look == "dark" else "light")
    page = context.new_page()
    number = demo.propose(f"# Look at the box in {look}\n\nIn every state.")
    wallet = Injected(demo.node, demo.wallets["dana"])
    wallet.install(page)

    def take(name):
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} is {width} wide"
        if screenshots:
            page.locator("section.vote").screenshot(path=screenshots / f"vote-{name}-{look}.png")
            page.evaluate("window.scrollTo(0, 0)")
            page.screenshot(path=screenshots / f"page-{name}-{look}.png")

    page.goto(f"{demo.url}/proposals/{number}/")
    expect(page.get_by_label("Wallet", exact=True)).to_be_visible()
    take("nobody")
    connect(page, "Signing wallet")
    shows(page, demo.wallets["dana"])
    take("power")
    wallet.change(page, demo.wallets["mallory"])
    shows(page, demo.wallets["mallory"])
    take("none")
    demo.wallets["ada"].invoke(demo.governor, "castVote(uint256,uint8)", [int(number), 1])
    demo.until_mirrored(number, "Active")
    wallet.change(page, demo.wallets["ada"])
    expect(page.locator("#voter")).to_contain_text("voted")
    take("voted")
    wallet.chain_id = "0x1"
    wallet.emit(page, "chainChanged", "0x1")
    expect(page.get_by_role("button", name="Switch network")).to_be_visible()
    take("network")
    page.goto(f"{demo.url}/agent/")
    expect(page.get_by_role("button", name="Switch network")).to_be_visible()
    page.get_by_role("button", name="Switch network").click()
    expect(page.get_by_text("Not from this account").first).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], f"the agent's page is {width} wide"
    if screenshots:
        page.screenshot(path=screenshots / f"agent-{look}.png", full_page=True)
    context.close()
