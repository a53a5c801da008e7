# SPDX-License-Identifier: Apache-2.0
"""Given a holder, the pages tell with whom its tokens vote, and change that by transaction and by signature."""

import pytest
from eth_abi import encode
from eth_utils import to_checksum_address
from playwright.sync_api import expect

from dao.local.wallet import calldata
from tests.browser.conftest import Injected
from tests.browser.test_votes import connect
from tests.governance.governors import compiled

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


@pytest.fixture(scope="module")
def split(demo):
    """A DAO on the demo's chain whose votes token (ours, tests/governance/governors/Split.sol) takes delegations in
    parts, in the site's mirror: the token's address."""
    contracts, wallet = compiled(), demo.wallets["chloe"]

    def deploy(name, types=(), values=()):
        code = contracts[name]["bytecode"].removeprefix("0x") + encode(list(types), list(values)).hex()
        return to_checksum_address(wallet.send("", "0x" + code)["contractAddress"])

    token = deploy("SplitVotes")
    timelock = deploy(
        "TimelockController", ["uint256", "address[]", "address[]", "address"], [0, [], [], wallet.address]
    )
    governor = deploy("Simple5", ["address", "address"], [token, timelock])
    wallet.invoke(token, "mint(address,uint256)", [wallet.address, 1_000 * 10**18])
    demo.stack.manage("add_dao", governor, "--slug", "split", "--name", "Split", "--rpc", demo.stack.rpc_url)
    return token


def parts_of(demo, token, account):
    return [
        (to.lower(), share)
        for to, share in demo.node.call(token, "delegates(address)", [account], ["(address,uint96)[]"])
    ]


def write_parts(box, *rows):
    """Write accounts and shares, one a row."""
    while box.locator("[data-parts] > li").count() < len(rows):
        box.get_by_role("button", name="Add an account").click()
    for row, (account, share) in zip(box.locator("[data-parts] > li").all(), rows, strict=False):
        row.get_by_label("Account").fill(account)
        row.get_by_label("Share of your votes").fill(share)


def test_a_holder_splits_its_votes_and_the_mirror_shows_the_parts(demo, page, quiet, split, screenshots):
    chloe, ben, dana = (demo.wallets[who] for who in ("chloe", "ben", "dana"))
    Injected(demo.node, chloe).install(page)
    page.goto(f"{demo.stack.web_url}/split/delegates/{ben.address}/")
    connect(page, "Signing wallet")
    box = page.locator("#delegation")
    expect(box).to_contain_text("You hold 1,000 SPLIT and have delegated to nobody")
    expect(box).to_contain_text("This token lets an account split its votes among several delegates: that is offered")
    expect(box.get_by_label("By signature")).to_be_hidden()
    box.get_by_text("Split your votes among several accounts").click()
    assert box.locator("[data-parts] > li").first.get_by_label("Account").input_value() == ben.address
    write_parts(box, (ben.address, "60"), (dana.address, "33.33"))
    expect(box).to_contain_text("93.33 % in all. 6.67 % would go to nobody and count in no new vote.")
    picture(page, screenshots, "split")
    box.locator("[data-by-hand] summary").click()
    wanted = sorted([(ben.address.lower(), 6_000), (dana.address.lower(), 3_333)], key=lambda part: int(part[0], 16))
    by_hand = calldata("delegate((address,uint96)[])", [wanted])
    expect(box.locator("[data-calldata]")).to_have_text(by_hand)
    box.get_by_role("button", name="Delegate in these shares").click()
    expect(box).to_contain_text("You delegate your 1,000 SPLIT in parts:")
    expect(box).to_contain_text("60 % to ben (0x")
    expect(box).to_contain_text("6.67 % to nobody: it counts in no new vote.")
    assert parts_of(demo, split, chloe.address) == wanted
    # the mirror: power by what the token logged, the shares on the holder's page, and whose they are on a delegate's
    expect(page.locator(".gist")).to_contain_text("Votes with 600 SPLIT")
    page.goto(f"{demo.stack.web_url}/split/delegates/{chloe.address}/")
    shown = page.locator("section[aria-labelledby=to]")
    expect(shown).to_contain_text("60 %")
    expect(shown).to_contain_text("33.33 %")
    page.goto(f"{demo.stack.web_url}/split/delegates/{dana.address}/")
    expect(page.locator("section[aria-labelledby=from]")).to_contain_text("33.33 %")
    expect(page.locator(".gist")).to_contain_text("Votes with 333.3 SPLIT")
    # all to one again, by the button, and what another account wrote is not this one's
    page.get_by_role("button", name="Delegate to this account").click()
    expect(box).to_contain_text("Your 1,000 SPLIT vote with")
    assert parts_of(demo, split, chloe.address) == [(dana.address.lower(), 10_000)]
    # the same again is not sent
    box.get_by_text("Split your votes among several accounts").click()
    write_parts(box, (dana.address, "100"), ("", ""))
    box.get_by_role("button", name="Delegate in these shares").click()
    expect(box.locator("> .status")).to_contain_text("Your tokens vote so already. Nothing was sent.")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("ben", ""), ("dana", "40")], "Account 1: write a share above 0 and up to 100 percent"),
        ([("ben", "60"), ("ben", "40")], "Account 2 is there twice."),
        ([("ben", "60"), ("", "40")], "Account 2: write an address first"),
        ([("ben", "60"), ("0x" + "00" * 20, "40")], "Account 2: write an address first"),
        ([("ben", "60"), ("dana", "40.01")], "These shares come to 100.01 %, which is more than all your votes."),
        ([("ben", "33,33"), ("dana", "40")], "Account 1: write a share"),
        ([("ben", "0"), ("dana", "40")], "Account 1: write a share"),
        ([("ben", "1"), ("dana", "1"), ("ada", "1"), ("chloe", "1")], "These are too many accounts: at most 3 here."),
    ],
)
def test_shares_that_make_no_sense_are_told_before_the_wallet_is_asked(demo, page, quiet, split, rows, told):
    injected = Injected(demo.node, demo.wallets["chloe"])
    injected.install(page)
    page.goto(f"{demo.stack.web_url}/split/delegates/")
    connect(page, "Signing wallet")
    box = page.locator("#delegation")
    box.get_by_text("Split your votes among several accounts").click()
    write_parts(box, *((demo.wallets[who].address if who in demo.wallets else who, share) for who, share in rows))
    expect(box.locator("[data-sum]")).to_contain_text(told)
    expect(box.locator("[data-by-hand]")).to_be_hidden()
    box.get_by_role("button", name="Delegate in these shares").click()
    expect(box.locator("> .status")).to_contain_text(told)
    assert "eth_sendTransaction" not in injected.asked
