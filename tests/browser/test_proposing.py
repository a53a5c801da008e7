# SPDX-License-Identifier: Apache-2.0
"""Given a member with enough votes, a proposal is written, looked at and sent from the page; so is a policy."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_delegating import picture
from tests.browser.test_votes import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)


def test_a_payment_is_written_looked_at_and_proposed(demo, page, quiet, screenshots):
    ines = demo.wallets["ines"].address if "ines" in demo.wallets else demo.wallets["ben"].address
    page.goto(f"{demo.url}/proposals/")
    page.get_by_role("link", name="Write a proposal").click()
    page.get_by_label("Text (Markdown").fill(f"# Pay for the handbook\n\nPay 5 USDC from the treasury to {ines}.")
    page.get_by_role("button", name="Payment from the treasury").click()
    page.get_by_label("What", exact=True).select_option("USDC")
    page.get_by_label("How much").fill("5")
    page.get_by_label("To which address").fill("0x12")
    page.get_by_label("To which address").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("40 hexadecimal digits")
    page.get_by_label("To which address").fill(ines)
    page.get_by_role("button", name="Look at it").last.click()
    expect(page.locator("#trial + *")).to_contain_text("at block")
    expect(page.get_by_text("would not fail")).to_be_visible()
    connect(page, "ada (test wallet)")
    picture(page, screenshots, "draft")
    page.get_by_role("button", name="Propose", exact=True).click()
    expect(page.get_by_role("link", name="Pay for the handbook")).to_be_visible()
    assert page.url.endswith("/proposals/")


def test_who_has_too_few_votes_is_told_before_paying(demo, page, quiet):
    page.goto(f"{demo.url}/propose/?kind=unpause")
    page.get_by_label("Text (Markdown").fill("# Go on\n\nLift the pause.")
    page.get_by_role("button", name="Look at it").last.click()
    connect(page, "mallory (test wallet)")
    expect(page.locator("[data-denial]")).to_contain_text("it has fewer votes than a proposal takes")
    expect(page.get_by_role("button", name="Propose", exact=True)).to_have_count(0)  # hidden buttons have no role


def test_a_policy_is_checked_while_it_is_written(demo, page, quiet, screenshots):
    page.goto(f"{demo.url}/propose/?kind=policy")
    page.get_by_role("button", name="Payroll", exact=True).click()
    yaml = page.get_by_label("The policy, in YAML")
    good = yaml.input_value()
    yaml.fill(good.replace("budgets:", "budgest:"))
    live = page.locator("[data-live]")
    expect(live).to_contain_text('"budgest"')
    yaml.fill(good)
    expect(live).to_contain_text("The policy is in order.")
    expect(live).to_contain_text(
        "A stolen key of the agent can take at most: without an announcement 6,000 USDC right away"
    )
    picture(page, screenshots, "policy-checked")
