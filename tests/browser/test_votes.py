# SPDX-License-Identifier: Apache-2.0
"""Given a running demo, a person votes in a real browser and sees the vote on the page."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Injected

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)  # a mirror on a busy machine takes its time


def connect(page, name):
    page.get_by_label("Wallet", exact=True).select_option(label=name)
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("#wallet [data-account]")).to_be_visible()


def vote_row(page, address):
    return page.locator(f'[data-voter="{address}"]')


def test_ada_votes_with_the_test_wallet(demo, page, quiet):
    number = demo.propose("# Publish the figures each month\n\nA vote by transaction.")
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "ada (test wallet)")
    page.get_by_label("For", exact=True).check()
    page.get_by_label("Reason").fill("Good for everybody.")
    page.get_by_role("button", name="Vote", exact=True).click()
    row = vote_row(page, demo.wallets["ada"].address)
    expect(row).to_contain_text("For")
    expect(row).to_contain_text("Good for everybody.")
    expect(page.locator('[data-tally="for"]')).to_contain_text("300,000 MAND")
    assert demo.has_voted(number, "ada")


def test_ben_votes_by_signature(demo, page, quiet):
    number = demo.propose("# Publish the minutes\n\nA vote by signature.")
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "ben (test wallet)")
    page.get_by_label("Against", exact=True).check()
    page.get_by_role("button", name="Vote by signature").click()
    expect(vote_row(page, demo.wallets["ben"].address)).to_contain_text("Against")
    assert demo.has_voted(number, "ben")
    sent = demo.node.request("eth_getTransactionCount", demo.wallets["relayer"].address, "latest")
    assert int(sent, 16) >= 1


@pytest.mark.parametrize("how", ["Vote", "Vote by signature"])
def test_a_wallet_of_ones_own_votes(demo, page, quiet, how):
    number = demo.propose(f"# Any wallet can {how.lower()}\n\nAnnounced by EIP-6963.")
    Injected(demo.node, demo.wallets["dana"]).install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "Signing wallet")
    page.get_by_label("Abstain", exact=True).check()
    page.get_by_role("button", name=how, exact=True).click()
    expect(vote_row(page, demo.wallets["dana"].address)).to_contain_text("Abstain")
    assert demo.has_voted(number, "dana")


@pytest.mark.parametrize(
    ("refused", "how"), [("eth_sendTransaction", "Vote"), ("eth_signTypedData_v4", "Vote by signature")]
)
def test_a_rejection_in_the_wallet_is_told(demo, page, quiet, refused, how):
    number = demo.propose(f"# Rejected {refused}\n\nNothing happens.")
    Injected(demo.node, demo.wallets["dana"], refuses=(refused,)).install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "Signing wallet")
    page.get_by_label("For", exact=True).check()
    page.get_by_role("button", name=how, exact=True).click()
    expect(page.locator("#vote-status")).to_have_text("You rejected this in your wallet. Nothing was sent.")
    assert not demo.has_voted(number, "dana")


def test_a_wallet_on_another_network_is_switched(demo, page, quiet):
    number = demo.propose("# Switch the network\n\nThe wallet begins elsewhere.")
    injected = Injected(demo.node, demo.wallets["dana"], chain_id="0x1")
    injected.install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "Signing wallet")
    assert injected.chain_id == "0x7a69"


def test_a_wallet_that_stays_on_another_network_is_refused(demo, page, quiet):
    number = demo.propose("# Stay elsewhere\n\nThe wallet does not follow.")
    Injected(demo.node, demo.wallets["dana"], chain_id="0x1", switches=False).install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    page.get_by_label("Wallet", exact=True).select_option(label="Signing wallet")
    page.get_by_role("button", name="Connect").click()
    status = page.locator("#wallet-status")
    expect(status).to_contain_text("wrong network")
    expect(status).to_contain_text("chain 31337")
    assert not demo.has_voted(number, "dana")


def test_the_site_can_be_read_without_javascript(demo, browser):
    number = demo.propose("# Read without scripts\n\nAll of it.")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.url}/proposals/{number}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Read without scripts")
    expect(page.locator("#tally")).to_be_visible()
    page.get_by_role("link", name="Delegates").click()
    expect(page.get_by_text(demo.wallets["ada"].address[:6])).to_be_visible()
    context.close()


def test_the_clock_ends_a_vote(demo, page, quiet):
    number = demo.propose("# End it by the clock\n\nNobody votes.")
    page.goto(f"{demo.url}/proposals/{number}/")
    expect(page.locator(".head .tag")).to_have_text("Active")
    page.goto(f"{demo.stack.web_url}/local/")
    given_up = time.monotonic() + 90
    # Each click goes to the end of the vote that ends next: other tests' proposals may come before ours.
    while demo.node.call(demo.governor, "state(uint256)", [int(number)], ["uint8"]) == 1:
        assert time.monotonic() < given_up, "the clock's button did not end the vote"
        page.goto(f"{demo.stack.web_url}/local/")
        button = page.get_by_role("button", name="End of voting")
        if button.count():
            button.click()
            expect(page.get_by_role("status").first).to_be_visible()
    demo.until_mirrored(number, "Defeated")
    page.goto(f"{demo.url}/proposals/{number}/")
    expect(page.locator(".head .tag")).to_have_text("Defeated")


PAGES = ("", "proposals/", "delegates/", "policies/", "agent/", "subscribe/")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_pages_fit_and_are_quiet(demo, browser, screenshots, look):
    """No page scrolls sideways or complains; with MANDATE_SCREENSHOTS set, each is photographed."""
    number = demo.propose(f"# Look at it in {look}\n\nA **text** with a [link](https://example.org).\n\n- one")
    demo.wallets["ada"].invoke(
        demo.governor, "castVoteWithReason(uint256,uint8,string)", [int(number), 1, "Looks fine to me."]
    )
    size = {"width": 390, "height": 844} if look == "phone" else {"width": 1200, "height": 900}
    context = browser.new_context(viewport=size, color_scheme="dark" if look == "dark" else "light")
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    paths = [
        *(f"{demo.url}/{path}" for path in PAGES),
        f"{demo.url}/proposals/{number}/",
        f"{demo.stack.web_url}/local/",
    ]
    for path in paths:
        page.goto(path)
        expect(page.get_by_label("Wallet", exact=True)).to_be_visible()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{path} is {width} wide"
        if screenshots:
            name = path.removeprefix(demo.stack.web_url).strip("/").replace("/", "-") or "first"
            name = name.replace(number, "one")
            page.screenshot(path=screenshots / f"{name}-{look}.png", full_page=True)
    assert said == []
    context.close()
