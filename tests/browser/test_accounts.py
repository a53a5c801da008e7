# SPDX-License-Identifier: Apache-2.0
"""Given a wallet that changes while the page is open, the account that the page shows signs, or none does."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Injected
from tests.browser.test_votes import connect, vote_row

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

HOWS = ["Vote", "Vote by signature"]


@pytest.fixture
def number(demo, request):
    return demo.propose(f"# {request.node.name}\n\nA wallet that changes.")


@pytest.fixture
def dana(demo, page, number):
    """dana's wallet, connected to the page of a proposal that is open for votes."""
    injected = Injected(demo.node, demo.wallets["dana"])
    injected.install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "Signing wallet")
    return injected


def silent(demo, page, number):
    """As `dana`, but the wallet never says that anything changed."""
    injected = Injected(demo.node, demo.wallets["dana"], speaks=False)
    injected.install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "Signing wallet")
    return injected


def shows(page, wallet):
    """Expect the page to show this account, its voting power among it."""
    expect(page.locator("#wallet [data-account]")).to_have_attribute("data-account", wallet.address)
    expect(page.locator("#voter")).to_have_attribute("data-account", wallet.address)


def calm(page, wallet):
    """Wait until the page has asked the wallet all that it asks by itself."""
    before = None
    while before != len(wallet.asked):
        before = len(wallet.asked)
        page.wait_for_timeout(1000)


def press(page, how, choice="For"):
    page.get_by_label(choice, exact=True).check()
    page.get_by_role("button", name=how, exact=True).click()


def nobody_voted(demo, number, *names):
    return not any(demo.has_voted(number, name) for name in names)


@pytest.mark.parametrize("reloaded", [False, True])
@pytest.mark.parametrize("how", HOWS)
def test_the_page_follows_the_wallet_and_its_account_votes(demo, page, quiet, number, dana, how, reloaded):
    if reloaded:
        page.reload()
        expect(page.locator("#wallet [data-account]")).to_be_visible()
    shows(page, demo.wallets["dana"])
    page.get_by_label("Against", exact=True).check()
    page.get_by_label("Reason").fill("dana's words")
    dana.change(page, demo.wallets["ada"])
    shows(page, demo.wallets["ada"])
    expect(page.locator("#wallet-status")).to_contain_text(demo.wallets["ada"].address)
    expect(page.locator("#voter")).to_contain_text("300,000 MAND")
    expect(page.get_by_label("Against", exact=True)).not_to_be_checked()
    expect(page.get_by_label("Reason")).to_have_value("")
    press(page, how)
    expect(vote_row(page, demo.wallets["ada"].address)).to_contain_text("For")
    assert demo.has_voted(number, "ada")
    assert not demo.has_voted(number, "dana")


@pytest.mark.parametrize("reloaded", [False, True])
@pytest.mark.parametrize("how", HOWS)
def test_a_silent_wallet_that_changed_is_refused_and_then_followed(demo, page, quiet, number, how, reloaded):
    wallet = silent(demo, page, number)
    if reloaded:
        page.reload()
    shows(page, demo.wallets["dana"])
    calm(page, wallet)
    wallet.change(page, demo.wallets["ada"])
    press(page, how)
    status = page.locator("#vote-status")
    expect(status).to_contain_text(f"Your wallet is now on {demo.wallets['ada'].address}")
    expect(status).to_contain_text(f"this page showed {demo.wallets['dana'].address}")
    shows(page, demo.wallets["ada"])
    assert nobody_voted(demo, number, "ada", "dana")
    assert not {"eth_sendTransaction", "eth_signTypedData_v4"} & set(wallet.asked)
    press(page, how, "Abstain")
    expect(vote_row(page, demo.wallets["ada"].address)).to_contain_text("Abstain")
    assert nobody_voted(demo, number, "dana")


@pytest.mark.parametrize("how", HOWS)
def test_a_change_between_the_press_and_the_wallets_window_is_refused(demo, page, quiet, number, how):
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)

    def meanwhile(method):
        if method == "eth_call":  # the page has the chain try the vote just before it asks the wallet
            wallet.wallet = demo.wallets["ada"]

    wallet.meanwhile = meanwhile
    press(page, how)
    expect(page.locator("#vote-status")).to_contain_text("Your wallet is now on")
    assert not {"eth_sendTransaction", "eth_signTypedData_v4"} & set(wallet.asked)
    assert nobody_voted(demo, number, "ada", "dana")


def test_a_signature_of_another_account_is_not_used(demo, page, quiet, number, dana):
    shows(page, demo.wallets["dana"])
    calm(page, dana)

    def meanwhile(method):
        if method == "eth_signTypedData_v4":
            dana.wallet = demo.wallets["ada"]

    dana.meanwhile = meanwhile
    relayed = []
    page.on("request", lambda request: relayed.append(request.url) if "vote-by-signature" in request.url else None)
    press(page, "Vote by signature")
    expect(page.locator("#vote-status")).to_contain_text(f"Your wallet signed with {demo.wallets['ada'].address}")
    assert relayed == []
    assert nobody_voted(demo, number, "ada", "dana")


def test_a_transaction_of_another_account_is_told(demo, page, quiet, number, dana):
    shows(page, demo.wallets["dana"])
    calm(page, dana)

    def meanwhile(method):
        if method == "eth_sendTransaction":
            dana.wallet = demo.wallets["ada"]

    dana.meanwhile = meanwhile
    press(page, "Vote")
    status = page.locator("#vote-status")
    expect(status).to_contain_text(f"your wallet sent it from {demo.wallets['ada'].address}")
    expect(status).to_contain_text(f"not from {demo.wallets['dana'].address}")
    shows(page, demo.wallets["ada"])


def test_a_transaction_on_another_network_is_no_vote(demo, page, quiet, number):
    """A wallet that goes to another network, without a word, after it was asked to send."""
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)

    def meanwhile(method):
        if method == "eth_sendTransaction":
            wallet.chain_id = "0x1"

    wallet.meanwhile = meanwhile
    press(page, "Vote")
    status = page.locator("#vote-status")
    expect(status).to_contain_text("it is on another network now (chain 1)")
    expect(status).to_contain_text("it is not known whether this was sent on")
    expect(status).not_to_contain_text("Voted.")
    expect(page.locator("#wallet-status")).to_contain_text("another network (chain 1)")


def test_another_network_is_told_and_nothing_is_offered_on_it(demo, page, quiet, number, dana):
    shows(page, demo.wallets["dana"])
    dana.chain_id = "0x1"
    dana.emit(page, "chainChanged", "0x1")
    expect(page.locator("#wallet-status")).to_contain_text("another network (chain 1)")
    expect(page.get_by_role("button", name="Vote", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Switch network").click()
    expect(page.get_by_role("button", name="Vote", exact=True)).to_be_enabled()
    assert dana.chain_id == "0x7a69"
    press(page, "Vote")
    expect(vote_row(page, demo.wallets["dana"].address)).to_contain_text("For")


@pytest.mark.parametrize("how", HOWS)
def test_a_silent_wallet_on_another_network_is_refused(demo, page, quiet, number, how):
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)
    wallet.chain_id = "0x1"
    press(page, how)
    expect(page.locator("#vote-status")).to_contain_text("another network (chain 1)")
    expect(page.get_by_role("button", name=how, exact=True)).to_be_disabled()
    assert nobody_voted(demo, number, "dana")


def test_a_wallet_on_another_network_after_a_reload_is_told(demo, page, quiet, number, dana):
    dana.chain_id = "0x1"
    page.reload()
    expect(page.locator("#wallet-status")).to_contain_text("another network (chain 1)")
    expect(page.get_by_role("button", name="Vote", exact=True)).to_be_disabled()


def test_a_change_while_the_page_reconnects_is_followed(demo, page, quiet, number, dana):
    """The wallet gives dana's account and then goes to another before anybody listens."""
    shows(page, demo.wallets["dana"])

    def meanwhile(method):
        if method == "eth_chainId":
            dana.wallet = demo.wallets["ada"]

    dana.meanwhile = meanwhile
    page.reload()
    shows(page, demo.wallets["ada"])


@pytest.mark.parametrize("reloaded", [False, True])
@pytest.mark.parametrize("event", ["disconnect", "accountsChanged"])
def test_a_wallet_that_leaves_is_forgotten(demo, page, quiet, number, dana, event, reloaded):
    if reloaded:
        page.reload()
    shows(page, demo.wallets["dana"])
    if event == "disconnect":
        dana.emit(page, "disconnect", {"code": 4900, "message": "gone"})
    else:
        dana.change(page, None)
    expect(page.locator("#wallet [data-account]")).to_have_count(0)
    expect(page.locator("#wallet-status")).to_contain_text("Connect again.")
    expect(page.locator("#voter")).to_be_empty()
    expect(page.get_by_role("button", name="Vote", exact=True)).to_be_disabled()


@pytest.mark.parametrize("told", ["same", "nothing", "number", "later"])
def test_events_that_change_nothing_leave_the_form_as_it_is(demo, page, quiet, number, dana, told):
    shows(page, demo.wallets["dana"])
    page.get_by_label("Reason").fill("as it was")
    if told == "same":
        dana.emit(page, "accountsChanged", [demo.wallets["dana"].address, demo.wallets["ada"].address])
    elif told == "nothing":
        dana.emit(page, "accountsChanged", None)
    elif told == "number":
        dana.emit(page, "chainChanged", 31337)
    else:
        dana.emit(page, "chainChanged", "soon")
    page.wait_for_timeout(300)
    shows(page, demo.wallets["dana"])
    expect(page.get_by_label("Reason")).to_have_value("as it was")
    expect(page.get_by_role("button", name="Vote", exact=True)).to_be_enabled()


def test_of_several_accounts_the_first_is_the_wallets(demo, page, quiet, number):
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)
    wallet.answers["eth_accounts"] = {"result": [demo.wallets["ada"].address, demo.wallets["dana"].address]}
    press(page, "Vote")
    expect(page.locator("#vote-status")).to_contain_text(f"Your wallet is now on {demo.wallets['ada'].address}")
    assert nobody_voted(demo, number, "ada", "dana")


def test_a_wallet_that_cannot_be_listened_to_is_asked_all_the_same(demo, page, quiet, number):
    page.add_init_script("window.listeningFails = true;")
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)
    wallet.wallet = demo.wallets["ada"]
    press(page, "Vote")
    expect(page.locator("#vote-status")).to_contain_text(f"Your wallet is now on {demo.wallets['ada'].address}")


def test_a_silent_wallet_that_left_is_refused(demo, page, quiet, number):
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)
    wallet.change(page, None)
    press(page, "Vote")
    expect(page.locator("#vote-status")).to_contain_text("not connected to this page any more")
    expect(page.locator("#wallet [data-account]")).to_have_count(0)
    assert nobody_voted(demo, number, "dana")


def test_the_page_looks_again_when_one_comes_back_to_it(demo, page, quiet, number):
    wallet = silent(demo, page, number)
    shows(page, demo.wallets["dana"])
    calm(page, wallet)
    wallet.change(page, demo.wallets["ada"])
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    shows(page, demo.wallets["ada"])


def test_a_wallet_that_is_not_shown_any_more_changes_nothing(demo, page, quiet, number, dana):
    page.get_by_role("button", name="Change").click()
    connect(page, "ben (test wallet)")
    shows(page, demo.wallets["ben"])
    dana.change(page, demo.wallets["ada"])
    page.wait_for_timeout(500)
    shows(page, demo.wallets["ben"])


def test_an_answer_about_the_account_before_is_not_shown(demo, page, quiet, number, dana):
    shows(page, demo.wallets["dana"])
    held = []
    page.route(f"**/voters/{demo.wallets['ada'].address}", lambda route: held.append(route))
    dana.change(page, demo.wallets["ada"])
    expect(page.locator("#voter")).to_contain_text("Reading your voting power")
    dana.change(page, demo.wallets["ben"])
    shows(page, demo.wallets["ben"])
    held[0].continue_()
    page.wait_for_timeout(1000)
    shows(page, demo.wallets["ben"])
    expect(page.locator("#voter")).to_contain_text("250,000 MAND")


LOOK = "Look in your wallet whether it was sent before you try again."


@pytest.mark.parametrize(
    ("how", "method", "answer", "words"),
    [
        ("Vote", "eth_sendTransaction", {"result": None}, f"Your wallet named no transaction. {LOOK}"),
        ("Vote", "eth_sendTransaction", {"result": "0x12"}, f"Your wallet named no transaction. {LOOK}"),
        (
            "Vote",
            "eth_sendTransaction",
            {"error": {"code": 4900, "message": "Disconnected from all chains"}},
            f"Your wallet has lost its connection to the network. {LOOK}",
        ),
        (
            "Vote",
            "eth_sendTransaction",
            {"error": {"code": -32603, "message": "Internal JSON-RPC error."}},
            f"Your wallet answered: Internal JSON-RPC error. {LOOK}",
        ),
        (
            "Vote",
            "eth_sendTransaction",
            {"error": {"code": -32002, "message": "Request already pending."}},
            f"Your wallet still waits for your answer to an earlier request: open it. {LOOK}",
        ),
        ("Vote", "eth_chainId", {"error": {"code": 4901, "message": "x"}}, "not connected to this DAO's network"),
        ("Vote", "eth_chainId", {"result": None}, "does not say which network it is on"),
        ("Vote", "eth_accounts", {"error": {"code": 4100, "message": "x"}}, "does not let this site use this account"),
        ("Vote", "eth_accounts", {"result": None}, "not connected to this page any more"),
        ("Vote", "eth_accounts", {"result": ["nonsense"]}, "not connected to this page any more"),
        ("Vote by signature", "eth_signTypedData_v4", {"result": None}, "Your wallet gave no signature."),
        ("Vote by signature", "eth_signTypedData_v4", {"result": "0x" + "00" * 65}, "Your wallet signed with no key."),
        (
            "Vote by signature",
            "eth_signTypedData_v4",
            {"error": {"code": 4200, "message": "The method is not supported"}},
            "Your wallet can't do this.",
        ),
    ],
)
def test_what_a_wallet_answers_is_told_in_words(demo, page, quiet, number, dana, how, method, answer, words):
    shows(page, demo.wallets["dana"])
    calm(page, dana)
    dana.answers[method] = answer
    press(page, how)
    expect(page.locator("#vote-status")).to_contain_text(words)
    assert nobody_voted(demo, number, "dana")


@pytest.mark.parametrize(
    ("method", "answer", "words"),
    [
        ("eth_requestAccounts", {"result": None}, "The wallet gave no account."),
        ("eth_requestAccounts", {"result": []}, "The wallet gave no account."),
        ("eth_requestAccounts", {"error": {"code": 4001, "message": "no"}}, "You rejected this in your wallet."),
        ("eth_requestAccounts", {"error": {"code": -32002, "message": "no"}}, "earlier request: open it."),
        ("eth_chainId", {"result": "what"}, "does not say which network it is on"),
        ("eth_chainId", {"error": {"code": 4900, "message": "no"}}, "lost its connection to the network"),
    ],
)
def test_connecting_fails_in_words(demo, page, quiet, number, method, answer, words):
    Injected(demo.node, demo.wallets["dana"], answers={method: answer}).install(page)
    page.goto(f"{demo.url}/proposals/{number}/")
    page.get_by_label("Wallet", exact=True).select_option(label="Signing wallet")
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("#wallet-status")).to_contain_text(words)
    expect(page.locator("#wallet [data-account]")).to_have_count(0)


def test_a_site_that_does_not_answer_is_told(demo, page, number):
    page.goto(f"{demo.url}/proposals/{number}/")
    connect(page, "ada (test wallet)")
    shows(page, demo.wallets["ada"])
    page.get_by_label("For", exact=True).check()
    page.route("**/local/wallet", lambda route: route.abort())
    page.get_by_role("button", name="Vote", exact=True).click()
    expect(page.locator("#vote-status")).to_contain_text("this site, which could not be reached")
    page.unroute("**/local/wallet")
    page.route("**/vote-by-signature", lambda route: route.abort())
    page.get_by_role("button", name="Vote by signature").click()
    expect(page.locator("#vote-status")).to_contain_text("it is not known whether it got this")
    assert nobody_voted(demo, number, "ada")


def ask(page, words):
    page.get_by_label("Ask the agent").fill(words)
    page.get_by_role("button", name="Sign in and ask").click()


def test_a_request_is_asked_by_the_account_that_is_shown(demo, page, quiet):
    wallet = Injected(demo.node, demo.wallets["dana"])
    wallet.install(page)
    page.goto(f"{demo.url}/agent/")
    connect(page, "Signing wallet")
    ask(page, "pay the contributors, says dana")
    expect(page.locator("#request .status")).to_contain_text("Asked")
    page.wait_for_load_state("load")
    row = page.locator("li", has_text="pay the contributors, says dana").last
    expect(row).to_contain_text("by dana")
    wallet.change(page, demo.wallets["ada"])
    expect(page.locator("#wallet [data-account]")).to_have_attribute("data-account", demo.wallets["ada"].address)
    ask(page, "pay the contributors, says ada")
    row = page.locator("li", has_text="pay the contributors, says ada").last
    expect(row).to_contain_text("by ada")


def test_a_session_of_another_account_asks_for_nothing(demo, page, context):
    """Two windows of one browser: who is signed in last is signed in, in both."""
    wallet = Injected(demo.node, demo.wallets["dana"])
    wallet.install(page)
    page.goto(f"{demo.url}/agent/")
    connect(page, "Signing wallet")
    ask(page, "pay jon, says dana")
    expect(page.locator("li", has_text="pay jon, says dana").last).to_contain_text("by dana")
    other = context.new_page()
    other.goto(f"{demo.url}/agent/")
    connect(other, "ada (test wallet)")
    ask(other, "pay jon, says ada")
    expect(other.locator("li", has_text="pay jon, says ada").last).to_contain_text("by ada")
    ask(page, "pay jon again, says dana")
    expect(page.locator("#request .status")).to_contain_text(f"{demo.wallets['ada'].address} is signed in here")
    expect(page.locator("li", has_text="pay jon again, says dana")).to_have_count(0)
    page.get_by_role("button", name="Sign in and ask").click()
    expect(page.locator("li", has_text="pay jon again, says dana").last).to_contain_text("by dana")


def test_a_sign_in_by_another_account_is_refused(demo, page, quiet):
    wallet = Injected(demo.node, demo.wallets["dana"])
    wallet.install(page)
    page.goto(f"{demo.url}/agent/")
    connect(page, "Signing wallet")

    def meanwhile(method):
        if method == "personal_sign":
            wallet.wallet = demo.wallets["ada"]

    wallet.meanwhile = meanwhile
    ask(page, "pay nobody, says nobody")
    expect(page.locator("#request .status")).to_contain_text(f"Your wallet signed with {demo.wallets['ada'].address}")
    page.reload()
    expect(page.locator("body")).to_have_attribute("data-signed-in", "")


def test_stops_are_offered_to_whom_the_chain_lets_stop(demo, page, quiet):
    wallet = Injected(demo.node, demo.wallets["dana"])
    wallet.install(page)
    page.goto(f"{demo.url}/agent/")
    pause = page.get_by_role("button", name="Pause (guardian)").first
    rule = page.get_by_text("Only the guardian or the owner may pause.").first
    expect(rule).to_be_visible()
    connect(page, "Signing wallet")
    expect(page.get_by_text("Not from this account: only the guardian or the owner may do this.").first).to_be_visible()
    expect(pause).to_have_count(0)  # hidden buttons have no role
    expect(rule).to_be_hidden()
    wallet.change(page, demo.wallets["gus"])
    expect(pause).to_be_enabled()
    expect(page.get_by_text("Not from this account")).to_have_count(0)
    # What a pause does is said, and asked once, before anything is sent.
    pause.click()
    expect(page.get_by_text("A pause stops this policy module").first).to_be_visible()
    page.get_by_role("button", name="Leave it").first.click()
    expect(page.get_by_text("A pause stops this policy module").first).to_be_hidden()
    expect(pause).to_be_enabled()
    assert "eth_sendTransaction" not in wallet.asked
