# SPDX-License-Identifier: Apache-2.0
"""Given a holder, the pages tell with whom its tokens vote, and change that by transaction and by signature."""

import pytest
from eth_utils import to_checksum_address
from playwright.sync_api import expect

from tests.browser.conftest import Injected
from tests.browser.test_votes import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)


def token_of(demo):
    return to_checksum_address(demo.node.call(demo.governor, "token()", [], ["address"]))


def delegate_of(demo, who):
    found = demo.node.call(token_of(demo), "delegates(address)", [demo.wallets[who].address], ["address"])
    return next((name for name, wallet in demo.wallets.items() if wallet.address.lower() == found.lower()), None)


@pytest.fixture
def chloe(demo):
    """chloe, whose tokens vote with dana before and after the test."""
    wallet, dana = demo.wallets["chloe"], demo.wallets["dana"].address
    assert delegate_of(demo, "chloe") == "dana"
    yield wallet
    if delegate_of(demo, "chloe") != "dana":
        wallet.invoke(token_of(demo), "delegate(address)", [dana])


def picture(page, screenshots, name):
    """Light, dark and phone, where screenshots are wanted."""
    if screenshots is None:
        return
    for scheme, width in (("light", 1200), ("dark", 1200), ("light", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=screenshots / f"{name}-{scheme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1200, "height": 900})


def test_a_holder_takes_its_tokens_to_another_delegate_and_back(demo, page, quiet, chloe, screenshots):
    page.goto(f"{demo.url}/delegates/{demo.wallets['ben'].address}/")
    box = page.locator("#delegation")
    expect(box).to_contain_text("Connect a wallet to read with whom your tokens vote")
    connect(page, "chloe (test wallet)")
    expect(box).to_contain_text("Your 150,000 MAND vote with dana (0x")
    expect(box).to_contain_text("delegates() answers one address for your account")
    picture(page, screenshots, "delegate")
    page.get_by_role("button", name="Delegate to this account").click()
    expect(box).to_contain_text("Your 150,000 MAND vote with ben (0x")
    assert delegate_of(demo, "chloe") == "ben"
    expect(page.locator(".gist")).to_contain_text("Votes with 400,000 MAND")
    expect(page.get_by_role("button", name="Delegate to this account")).to_have_count(0)
    page.get_by_role("button", name="Take back: to nobody").click()
    expect(box).to_contain_text("You hold 150,000 MAND and have delegated to nobody: they count in no new vote.")
    assert delegate_of(demo, "chloe") is None


def test_a_holder_signs_and_the_site_pays(demo, page, quiet, chloe, screenshots):
    before = demo.node.request("eth_getTransactionCount", chloe.address, "latest")
    page.goto(f"{demo.url}/delegates/")
    connect(page, "chloe (test wallet)")
    box = page.locator("#delegation")
    expect(box).to_contain_text("vote with dana")
    picture(page, screenshots, "delegates")
    page.get_by_label("By signature").check()
    page.get_by_label("Address of the account").fill(demo.wallets["ada"].address)
    page.get_by_role("button", name="Delegate to this address").click()
    expect(box).to_contain_text("Your 150,000 MAND vote with ada (0x")
    assert delegate_of(demo, "chloe") == "ada"
    assert demo.node.request("eth_getTransactionCount", chloe.address, "latest") == before


@pytest.mark.parametrize("written", ["", "0x12", "ada", "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266"])
def test_what_is_no_address_is_told_before_the_wallet_is_asked(demo, page, quiet, chloe, written):
    injected = Injected(demo.node, chloe)
    injected.install(page)
    page.goto(f"{demo.url}/delegates/")
    connect(page, "Signing wallet")
    expect(page.locator("#delegation")).to_contain_text("vote with dana")
    page.get_by_label("Address of the account").fill(written)
    page.get_by_role("button", name="Delegate to this address").click()
    expect(page.locator("#delegation > .status")).to_contain_text("Write an address first")
    assert "eth_sendTransaction" not in injected.asked


def test_who_rejects_in_the_wallet_has_sent_nothing(demo, page, quiet, chloe):
    Injected(demo.node, chloe, refuses=("eth_sendTransaction", "eth_signTypedData_v4")).install(page)
    page.goto(f"{demo.url}/delegates/{demo.wallets['ada'].address}/")
    connect(page, "Signing wallet")
    expect(page.locator("#delegation")).to_contain_text("vote with dana")
    page.get_by_role("button", name="Delegate to this account").click()
    expect(page.locator("#delegation > .status")).to_contain_text("You rejected this in your wallet. Nothing was sent.")
    page.get_by_label("By signature").check()
    page.get_by_role("button", name="Vote with them yourself").click()
    expect(page.locator("#delegation > .status")).to_contain_text("You rejected this in your wallet. Nothing was sent.")
    assert delegate_of(demo, "chloe") == "dana"


def test_who_holds_nothing_is_told_so(demo, page, quiet):
    page.goto(f"{demo.url}/delegates/")
    connect(page, "mallory (test wallet)")
    expect(page.locator("#delegation")).to_contain_text("This account holds no tokens of this DAO now.")


def test_another_account_reads_of_itself(demo, page, quiet, chloe):
    injected = Injected(demo.node, chloe)
    injected.install(page)
    page.goto(f"{demo.url}/delegates/")
    connect(page, "Signing wallet")
    box = page.locator("#delegation")
    expect(box).to_contain_text("vote with dana")
    injected.change(page, demo.wallets["ben"])
    expect(box).to_contain_text("Your 250,000 MAND vote with you.")


def test_a_token_that_splits_votes_is_said_to_and_that_the_page_does_not(demo, page, quiet):
    wallet = Injected(demo.node, demo.wallets["chloe"])
    share = "00" * 12 + demo.wallets["ben"].address[2:].lower() + f"{10_000:064x}"
    wallet.answers["eth_call"] = {"result": "0x" + f"{32:064x}{1:064x}" + share}
    wallet.install(page)
    page.goto(f"{demo.url}/delegates/{demo.wallets['ben'].address}/")
    connect(page, "Signing wallet")
    box = page.locator("#delegation")
    expect(box).to_contain_text("This token lets an account split its votes among several delegates. This page can't")
    expect(box).not_to_contain_text("delegates() answers")
    expect(box).to_contain_text("The votes token does not tell your wallet with whom you vote")
