# SPDX-License-Identifier: Apache-2.0
"""The agent in a real browser: asked in words and in a form, approved in the wallet, objected to, vetoed and paused."""

import json
import time

import httpx
import pytest
from playwright.sync_api import Error, expect

from dao.local.wallet import calldata
from tests.browser.conftest import Injected
from tests.browser.test_accounts import ask
from tests.browser.test_votes import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)
A_WHILE_S = 43_200  # once an act was stopped, the module lets none be announced for two days
USDC = 10**6


class Agent:
    """The demo's agent as one person after another sees it, with one wallet that changes hands."""

    def __init__(self, demo, page):
        self.demo, self.page = demo, page
        self.wallet = Injected(demo.node, demo.wallets["dana"])
        self.wallet.install(page)
        page.goto(f"{demo.url}/agent/")
        connect(page, "Signing wallet")
        self.contracts = json.loads((demo.stack.state_dir / f"deployment-{demo.slug}.json").read_text())["contracts"]

    def goes(self, path):
        """Go to a page of the DAO. One that comes again by itself just now cuts the visit off: once more, then."""
        try:
            self.page.goto(f"{self.demo.url}{path}")
        except Error as error:
            if "ERR_ABORTED" not in error.message:
                raise
            self.page.wait_for_load_state("load")
            self.page.goto(f"{self.demo.url}{path}")

    def held(self, who):
        """USDC that somebody holds, in base units."""
        address = self.demo.wallets[who].address
        return self.demo.node.call(self.contracts["usdc"], "balanceOf(address)", [address], ["uint256"])

    def becomes(self, who):
        self.wallet.change(self.page, self.demo.wallets[who])
        expect(self.page.locator("#wallet [data-account]")).to_have_attribute(
            "data-account", self.demo.wallets[who].address
        )

    def asks(self, words):
        """Ask in words on the agent's page; the request's number."""
        self.goes("/agent/")
        self.becomes("dana")
        known = self.newest()
        ask(self.page, words)
        give_up = time.monotonic() + 60
        while (number := self.newest()) == known:
            assert time.monotonic() < give_up, "nothing was asked for"
            self.page.wait_for_timeout(500)
        expect(self.page.locator(f'a[href$="/agent/requests/{number}/"]')).to_have_text(words)
        return number

    def newest(self):
        """The number of the newest request; 0 before the first."""
        found = httpx.get(f"{self.demo.stack.web_url}/api/v1/daos/{self.demo.slug}/requests", timeout=60).json()
        return max((row["id"] for row in found), default=0)

    def until(self, number, *statuses, may_be_approved=False):
        """Wait until the site says that a request stands so; the chain's clock goes on where it waits."""
        give_up, seen = time.monotonic() + 180, {}
        place = f"{self.demo.stack.web_url}/api/v1/daos/{self.demo.slug}/requests/{number}"
        while time.monotonic() < give_up:
            seen = httpx.get(place, timeout=60).json()
            if seen["status"] in statuses or (may_be_approved and seen["may"]):
                return
            if seen["status"] == "waiting":
                self.demo.node.advance(A_WHILE_S)
            self.page.wait_for_timeout(1_000)  # no sleep: the wallet answers the page from this process
        raise AssertionError(f"request {number} did not come to {statuses}, but to {seen.get('status')}: {seen}")

    def approved(self, number, *then):
        """The operator signs the request's candidate on its page; another account is told that it can't."""
        self.until(number, may_be_approved=True)  # a demo without a model waits for it, and the operator need not
        self.goes(f"/agent/requests/{number}/")
        button = self.page.get_by_role("button", name="Approve c1 (operator)")
        expect(button).to_have_count(0)  # hidden buttons have no role
        self.becomes("olga")
        expect(button).to_be_enabled()
        button.click()
        expect(button).to_have_count(0)  # the page comes again by itself, and there is nothing to sign any more
        self.until(number, *then)
        self.becomes("dana")

    def stopped(self, number, button, who, sure):
        """Somebody presses a button of the request's act on the agent's page, and says yes."""
        self.goes("/agent/")
        self.becomes(who)
        row = self.page.locator("li[id^=act-]", has=self.page.locator(f'a[href$="/requests/{number}/"]'))
        expect(row.get_by_role("button", name=button)).to_be_enabled()
        row.get_by_role("button", name=button).click()
        row.get_by_role("button", name=sure).click()
        self.until(number, "stopped")
        self.goes(f"/agent/requests/{number}/")
        expect(self.page.locator(".head .tag")).to_have_text("Stopped")


@pytest.fixture
def agent(demo, page, quiet):
    return Agent(demo, page)


def test_acts_are_asked_for_approved_objected_to_vetoed_and_paused(demo, agent, screenshots):
    page, before = agent.page, agent.held("kim")
    # In words: the operator signs, and it is paid.
    number = agent.asks("pay kim 5,000 USDC for the browser test")
    agent.approved(number, "executed")
    assert agent.held("kim") == before + 5_000 * USDC
    agent.goes(f"/agent/requests/{number}/")
    expect(page.locator(".head .tag")).to_have_text("Executed")
    expect(page.locator("#life + ol")).to_contain_text("by the operator")
    expect(page.get_by_role("link", name="The signed record, as JSON")).to_be_visible()
    if screenshots:
        page.screenshot(path=screenshots / "request-paid.png", full_page=True)
    # In a form of the policy's only rule. That is over what may be paid without an announcement: members may object.
    agent.goes("/agent/")
    page.locator("a[href*='/agent/act/']").first.click()
    page.get_by_label("In your words").fill("a form in the browser")
    page.get_by_role("checkbox").first.check()
    page.locator("fieldset select").first.select_option(demo.wallets["kim"].address)
    page.locator("fieldset input[type=text]").first.fill("2,000 USDC")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator(".head .tag")).to_be_visible()
    form = int(page.url.rstrip("/").rpartition("/")[2])
    agent.approved(form, "scheduled")
    agent.goes(f"/agent/requests/{form}/")
    expect(page.locator(".head .tag")).to_have_text("Scheduled")
    if screenshots:
        page.screenshot(path=screenshots / "request-announced.png", full_page=True)
    agent.stopped(form, "Object", "ada", "Yes: Object")
    # Announced again, and stopped by the guardian.
    again = agent.asks("pay kim 2,500 USDC for the browser test")
    agent.approved(again, "scheduled")
    agent.stopped(again, "Veto (guardian)", "gus", "Yes: Veto (guardian)")
    assert agent.held("kim") == before + 5_000 * USDC
    # And everything at once.
    agent.goes("/agent/")
    page.get_by_role("button", name="Pause (guardian)").first.click()
    page.get_by_role("button", name="Yes: Pause (guardian)").first.click()
    try:
        give_up = time.monotonic() + 60
        while "The agent is paused." not in page.content():
            assert time.monotonic() < give_up, "no page says that the agent is paused"
            page.wait_for_timeout(500)
            agent.goes("/agent/")
        expect(page.get_by_text("Only the owner, by a vote, lifts the pause.").first).to_be_visible()
        expect(page.get_by_role("button", name="Pause (guardian)")).to_have_count(0)
    finally:  # the demo is other tests' too: lifted as a vote would lift it
        owner, unpause = agent.contracts["timelock"], calldata("unpause()", [])
        demo.node.request("anvil_setBalance", owner, hex(10**18))
        demo.node.request("anvil_impersonateAccount", owner)
        demo.node.request("eth_sendTransaction", {"from": owner, "to": agent.contracts["module"], "data": unpause})
        demo.node.request("anvil_stopImpersonatingAccount", owner)
