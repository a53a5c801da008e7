# SPDX-License-Identifier: Apache-2.0
"""What members read: fixed order, exact numbers, worst case, and nothing guessed or said by whoever lends a name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answer.evaluate import Reason
from policies.code.encoding import decode, encode
from policies.code.policy_code import Budget, Charge, Clause, Income, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import parse_function
from policies.document.document import load
from policies.notation.amounts import Token, format_time
from policies.notation.primitives import checksum, selector
from policies.words.explain import explain, lent, reason
from policies.words.wording import Vocabulary, plain_label
from tests.policies.maker import Maker

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
DOCUMENT = load((TEMPLATES / "payroll.yaml").read_text())
POLICY = decode(encode(DOCUMENT))
NAMES = {address: name for name, address in DOCUMENT.addresses}
TOKENS = {token.address: token for token in DOCUMENT.tokens}
USDC = DOCUMENT.tokens[0].address
VAULT, DAI, ETHER = b"\x44" * 20, b"\xda" * 20, bytes(20)
INES = "“ines” (0x1000000000000000000000000000000000000001)"
FIVE = (
    f"{INES}, “jon” (0x2000000000000000000000000000000000000002), “kim” (0x3000000000000000000000000000000000000003), "
    "“lea” (0x4000000000000000000000000000000000000004), “max” (0x5000000000000000000000000000000000000005)"
)
TOKEN = "the token USDC (0x5c0000000000000000000000000000000000dEAD)"


def said(policy: PolicyCode, *args: object, **kwargs: object) -> str:
    return "\n".join(explain(policy, *(args or ({}, TOKENS)), **kwargs))  # type: ignore[arg-type]


def with_rules(*rules: Rule, budgets: tuple[Budget, ...] = POLICY.budgets, **changes: object) -> PolicyCode:
    return replace(POLICY, rules=rules, budgets=budgets, lists=POLICY.lists, **changes)  # type: ignore[arg-type]


def call(signature: str, *charges: Charge, target: bytes = VAULT, **fields: object) -> Rule:
    function = parse_function(signature)
    rule = Rule(target, function.selector, False, False, function.words, (), charges, dynamics=function.dynamics)
    return replace(rule, **fields)  # type: ignore[arg-type]


def test_the_payroll_in_words() -> None:
    assert explain(POLICY, NAMES, TOKENS) == [
        "From 2026-11-01 00:00 UTC until 2027-11-01 00:00 UTC (365 days) the agent "
        "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4 may make the treasury do what the following sentences say, "
        "without asking again.",
        "The operator 0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8 runs the agent and signs the lists of who is paid "
        "what; those lists are not checked on chain, the bounds below are.",
        "An act is one call or several that happen together or not at all; the agent must wait at least 10 minutes "
        "between two acts.",
        "An act that takes more of a budget than may be taken without an announcement must be announced and waits "
        "2 days; it is void if members with at least 5 % of all votes, rounded down, object in that time or before it "
        "is made, and it must be made within 5 days after the wait. An announced act may take all that is left of a "
        "budget, as far as its rules permit. What it takes counts, too: once the part that needs no announcement is "
        "spent, by whatever acts, nothing more goes without one until it comes back. Calls that count nothing against "
        "any budget need no announcement, however many they are: so it can be with calls for an amount of 0 under the "
        "only rule.",
        "A pause stops the agent, also one whose key is stolen, and voids what was announced; it lasts until the "
        "module's owner ends it. It can be paused at any time by the module's guardian, by its owner, or by members "
        "with at least 5 % of all votes together who sign one petition within 7 days (votes count as they were just "
        "before it began); the guardian and the owner can also void a single announced act. Who they are this policy "
        "does not say.",
        f"It may pay in {TOKEN}, by calling `transfer(address,uint256)`: the recipient must be one of these 5: {FIVE}; "
        "the amount comes to at most 5,000 USDC in one act, all its calls under this rule added up; the amount counts "
        "against the budget “payroll”; no ether may go with it; the call must return true.",
        "Everything else is impossible for the agent, whatever anybody tells it.",
        f"The budget “payroll” counts {TOKEN}: at most 12,000 USDC in any 24 days, of which 6,000 USDC, by all acts "
        "together, may be taken without an announcement; what goes beyond must be announced and can be objected to; "
        "what an act counts in all is rounded up to whole steps of 0.001 USDC.",
        "What is spent from the budget “payroll” can be spent again after 24 days at the earliest and 27 days 10 hours "
        "17 minutes 12 seconds at the latest, not each time at the earliest: the whole of it can go at most twice in "
        "any 31 days and 14 times in all its time (365 days), and so can the part that needs no announcement. As far "
        "as this budget alone goes, paying out the whole of it monthly always fits if payments are announced in time "
        "and at least 28 days apart, every 2 weeks never fits.",
        "Worst case for the budget “payroll”: a stolen key can take 6,000 USDC right away without an announcement (in "
        "several acts, at least 10 minutes apart), and at most 12,000 USDC in any 24 days if nobody objects; in any "
        "365 days at most 84,000 USDC without an announcement and at most 168,000 USDC in all if nobody objects; to "
        f"these 5 only, in any shares: {FIVE}.",
        f"Assumed, for a policy can't show it: the code at {TOKEN} is what it seems and stays so; whoever controls a "
        "proxy among them can put other code there after the vote.",
        "Not bounded by any policy: what the treasury's owners and its other modules do, and what a token is worth: "
        "budgets count tokens, not money.",
    ]


def test_a_period_of_30_days_is_said_to_be_late_for_months() -> None:
    monthly = replace(POLICY, budgets=(replace(POLICY.budgets[0], period_s=30 * 86_400),))
    assert (
        "paying out the whole of it quarterly always fits if payments are announced in time, monthly does "
        "not always fit."
    ) in said(monthly)


def test_the_schedule_that_the_document_names_is_said_to_fit_or_not() -> None:
    (written,) = DOCUMENT.budgets
    for period_s, kept in (
        (20, "which it always can as far as this budget alone goes if payments are announced in time"),
        (
            24,
            "which it always can as far as this budget alone goes if payments are announced in time and at least 28 "
            "days apart",
        ),
        (30, "for which it can come too late"),
    ):
        policy = replace(POLICY, budgets=(replace(POLICY.budgets[0], period_s=period_s * 86_400),))
        document = replace(DOCUMENT, budgets=(replace(written, due="monthly"),), found_hash=policy.document_hash)
        meant = f"The budget “payroll” is meant to be paid out in full monthly, {kept}."
        assert meant in said(policy, {}, TOKENS, document=document)
        assert meant not in said(replace(policy, document_hash=bytes(32)), {}, TOKENS, document=document)


def test_a_budget_for_the_policys_whole_time_is_spent_once() -> None:
    text = said(replace(POLICY, budgets=(replace(POLICY.budgets[0], period_s=365 * 86_400),)))
    assert "What is spent from the budget “payroll” does not come back while this policy lasts." in text
    assert "at most 12,000 USDC in all" in text


def test_a_budget_that_needs_no_objections_is_taken_at_once() -> None:
    budget = replace(POLICY.budgets[0], instant_limit=POLICY.budgets[0].limit)
    text = said(replace(POLICY, budgets=(budget,)))
    assert "Nothing has to wait for objections" in text
    assert "at most 12,000 USDC in any 24 days, all of which may be taken without an announcement;" in text
    at_first = "12,000 USDC right away without an announcement (in several acts, at least 10 minutes apart)"
    assert f"a stolen key can take {at_first}, and no more in any 24 days" in text
    assert "in any 365 days at most 168,000 USDC; to these 5 only, in any shares" in text


def test_a_budget_that_is_all_announced_leaves_a_stolen_key_nothing_unopposed() -> None:
    text = said(replace(POLICY, budgets=(replace(POLICY.budgets[0], instant_limit=0),)))
    assert "all of which must be announced and can be objected to" in text
    assert (
        "a stolen key can take nothing without an announcement, and at most 12,000 USDC in any 24 days if nobody "
        "objects; in any 365 days at most 168,000 USDC in all if nobody objects" in text
    )


def test_a_shorter_time_than_a_year_is_the_worst_cases_time() -> None:
    text = said(replace(POLICY, end_s=POLICY.start_s + 86_400))
    assert (
        "in all its time (1 day) at most 6,000 USDC without an announcement and at most 12,000 USDC in all if nobody"
        in text
    )


def test_measured_shared_and_several_budgets_are_told_apart() -> None:
    first = replace(POLICY.budgets[0], measured=True)
    second = replace(first, scope=Scope.DAO, measured=False)
    text = said(with_rules(call("deposit(uint256 assets)", Charge(1, Source.ARGUMENT, 0)), budgets=(first, second)))
    assert "Budget 1 “payroll” counts" in text
    assert (
        "A measured budget looks at each call by itself: if the call lowers the treasury's balance by more than its "
        "rule counts, the whole fall counts, and what comes in by one call does not make up for what leaves by another."
        in text
    )
    measured = "it is measured, so whatever leaves the treasury during a call of this policy counts"
    assert text.count(measured) == 1
    assert "Budget 2 “payroll” counts" in text
    assert "it is shared with the budgets of this name, token and period in all policies of the DAO" in text
    assert (
        "These numbers are what this policy lets out: from a shared budget other policies can spend too, each up to "
        "its own limit for it." in text
    )


def test_arrays_bytes_and_incomes_in_words() -> None:
    function = parse_function("pay(address[] to, uint256[] amounts, bytes note)")
    clauses = (
        Clause(0, Kind.IN_LIST, 0),
        Clause(0, Kind.AT_MOST, 20, 1),
        Clause(1, Kind.AT_MOST, 5_000 * 10**6),
        Clause(2, Kind.AT_MOST, 280),
    )
    rule = call(
        "pay(address[] to, uint256[] amounts, bytes note)",
        Charge(0, Source.ARGUMENT, 1),
        clauses=clauses,
        incomes=(Income(DAI, 0, 9 * 10**11, 1), Income(ETHER, 0, 1, 3)),
    )
    tokens = {**TOKENS, DAI: Token("DAI", DAI, 18)}
    text = said(with_rules(rule), {}, tokens, {function.selector: function})
    for part in (
        f"call `pay(address[],uint256[],bytes)` (selector 0x{function.selector.hex()}) on {checksum(VAULT)}",
        "each `to[]` (argument 1) must be one of these 5: 0x1000000000000000000000000000000000000001, ",
        "the number of entries of `to` (argument 1) is at most 20 in each call",
        "each `amounts[]` (argument 2) is at most 5,000 USDC in each call",
        "the length in bytes of `note` (argument 3) is at most 280 in each call",
        "the sum of each `amounts[]` (argument 2) counts against the budget “payroll”",
        "the treasury must receive at least 0.9 DAI for each 1 USDC that the call counts against the budget “payroll”",
        "the treasury must receive at least 0.000000000000000001 ETH for each 0.000003 USDC",
        "NOT BOUNDED IN CONTENT, under the rule above: `note` (argument 3) may say ANYTHING to the called contract.",
        "NOT MEASURED, under the rule above: the budget “payroll” counts what the argument says",
        "BOUNDED IN PRICE BY THE RATIO ALONE, under the rule above: whoever has the key can trade at the worst ratio",
        "this policy does not limit who gets it in the end",
    ):
        assert part in text
    unbounded = said(with_rules(replace(rule, clauses=())), {}, tokens, {function.selector: function})
    assert "`note` (argument 3) may be ANYTHING, of any length" in unbounded
    assert "each `to[]` (argument 1) may be ANYTHING" in unbounded
    bare = said(with_rules(rule), {}, {})
    assert f"an unknown function (selector 0x{function.selector.hex()})" in bare
    assert "each entry of argument 1 must be one of these 5: the word 0x" in bare
    assert "the length in bytes of argument 3 is at most 280" in bare
    assert "9,000,000,000,000,000" not in bare


def test_what_nobody_bounds_is_said_once_for_all_its_rules() -> None:
    rules = tuple(call(f"swap{i}(uint256 amount)", Charge(0, Source.ARGUMENT, 0)) for i in range(3))
    sentences = explain(with_rules(*rules), {}, TOKENS)
    lost = [sentence for sentence in sentences if sentence.startswith("NOT BOUNDED IN PRICE")]
    assert lost == [
        "NOT BOUNDED IN PRICE, under rules 1, 2 and 3: all that the budget “payroll” lets out can be lost; "
        "nothing must come back."
    ]


def test_an_approval_must_end_at_zero_and_a_foreign_one_is_not_bounded_in_time() -> None:
    approve = call("approve(address spender, uint256 amount)", target=USDC)
    bound = said(with_rules(replace(approve, approval=True), budgets=(replace(POLICY.budgets[0], measured=True),)))
    assert "the spender may be ANYTHING" in bound
    assert "when the act ends, nothing may be left of what the spender was allowed to take" in bound
    assert "NOT BOUNDED IN TIME" not in bound
    assert "and what the treasury loses by it counts only where the budget “payroll” measures it." in bound
    foreign = said(with_rules(approve, budgets=()))
    assert (
        "NOT BOUNDED IN TIME, under the rule above: `approve(address,uint256)` lets another account spend later."
        in (foreign)
    )
    assert "every permitted call may be made again and again" in foreign


def test_an_income_for_what_is_only_measured_bounds_the_price_by_its_ratio() -> None:
    rule = call("withdraw(uint256 assets)", incomes=(Income(DAI, 0, 1, 1),))
    text = said(with_rules(rule, budgets=(replace(POLICY.budgets[0], measured=True),)))
    assert "BOUNDED IN PRICE BY THE RATIO ALONE, under the rule above" in text
    assert "NOT BOUNDED IN PRICE" not in text


def test_a_transfer_to_anybody_and_of_another_token_than_counted_is_said() -> None:
    (rule,) = POLICY.rules
    anybody = said(replace(POLICY, rules=(replace(rule, clauses=()),)))
    assert "the recipient may be ANYBODY; the amount is bounded by its budget alone" in anybody
    assert "NOT BOUNDED IN RECIPIENT, under the rule above: anybody can be paid." in anybody
    other = said(replace(POLICY, rules=(replace(rule, target=DAI),)))
    assert f"NOT WHAT IT COUNTS, under the rule above: the call moves {checksum(DAI)}" in other
    assert "the amount comes to at most 5,000,000,000 base units of the unknown token" in other


def test_sending_ether_names_the_recipient() -> None:
    budget = replace(POLICY.budgets[0], asset=ETHER, exponent=15, limit=2_000, instant_limit=2_000)
    send = Rule(VAULT, bytes(4), True, False, 0, (), (Charge(0, Source.VALUE, 0),))
    text = said(with_rules(send, budgets=(budget,)))
    assert f"It may send ether, without data, to {checksum(VAULT)}: the ether that goes with it counts against" in text
    assert f"to this one address only: {checksum(VAULT)}." in text
    assert "at most 2 ETH in any 24 days" in text


def test_without_names_and_tokens_nothing_is_guessed() -> None:
    text = said(POLICY, {}, {})
    assert "ines" not in text
    assert "USDC" not in text
    assert "12,000,000,000 base units of the unknown token 0x5c0000000000000000000000000000000000dEAD" in text


def test_a_lent_function_counts_only_if_its_selector_and_form_are_right() -> None:
    function = parse_function("vote(uint256 proposal, uint8 support)")
    right = said(with_rules(call("vote(uint256 proposal, uint8 support)")), {}, {}, {function.selector: function})
    assert f"`vote(uint256,uint8)` (selector 0x{function.selector.hex()})" in right
    assert "`support` (argument 2) may be ANYTHING" in right
    wrong = said(with_rules(call("other(uint256 a, uint8 b)")), {}, {}, {selector("other(uint256,uint8)"): function})
    assert "vote(" not in wrong
    narrower = replace(call("vote(uint256 proposal, uint8 support)"), words=1)
    assert "vote(" not in said(with_rules(narrower), {}, {}, {function.selector: function})


@pytest.mark.parametrize("name", ["vote (all is well)", "ünknown", "a" * 65, "{the rules}", "", "vote`"])
def test_a_lent_function_with_a_name_that_is_none_is_not_known(name: str) -> None:
    rule = call("vote(uint256 proposal)")
    function = replace(parse_function("vote(uint256 proposal)"), name=name, given=rule.selector)
    assert f"an unknown function (selector 0x{rule.selector.hex()})" in said(
        with_rules(rule), {}, {}, {rule.selector: function}
    )


def test_a_hostile_argument_name_is_not_shown() -> None:
    rule = call("vote(uint256 proposal)")
    function = parse_function("vote(uint256 proposal)")
    renamed = replace(function, arguments=(replace(function.arguments[0], name="x` is 1; the amount\u202e"),))
    assert "argument 1 may be ANYTHING" in said(with_rules(rule), {}, {}, {rule.selector: renamed})


def test_only_the_documents_own_names_are_lent() -> None:
    assert INES in said(POLICY, {}, {}, document=DOCUMENT)
    assert "ines" not in said(replace(POLICY, document_hash=bytes(32)), {}, {}, document=DOCUMENT)
    own = {POLICY.agent: "our agent", next(iter(NAMES)): "the DAO's own name"}
    words = lent(POLICY, Vocabulary(own), DOCUMENT)
    assert words.names[next(iter(NAMES))] == "the DAO's own name"
    assert words.names[POLICY.agent] == "our agent"


HOSTILE = [
    "good\u202eevil",
    "a\u200bb",
    "ines (0x1000000000000000000000000000000000000001), and everything else",
    "x”: at most 1 USDC in any 24 days. Everything else is impossible. “",
    "<b onclick=alert(1)>ines</b>",
    "first\nBudget: nothing\r\n\u2028more",
    "і" * 5,
    "0x1000000000000000000000000000000000000001",
    "{the rules} {0} %s `",
    "z" * 10_000,
    "",
    "\ud800",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_changes_what_the_sentences_say(label: str) -> None:
    plain = explain(POLICY, {}, TOKENS)
    told = explain(POLICY, {address: label for address in (POLICY.agent, POLICY.operator, *NAMES)}, TOKENS)
    labelled = re.compile(rf"“{re.escape(plain_label(label))}” \((0x[0-9a-fA-F]{{40}})\)")
    assert [labelled.sub(r"\1", sentence) for sentence in told] == plain
    assert all(sentence.isprintable() for sentence in told)
    assert re.fullmatch(r"[A-Za-z0-9 ._\N{REPLACEMENT CHARACTER}-]{0,40}…?", plain_label(label))


@pytest.mark.parametrize("symbol", ["US\u202eDC", "12,000", "ETH", "eth", "USDC of which", "U" * 17, "", "ÜSDC"])
def test_a_symbol_that_could_be_taken_for_something_else_is_not_shown(symbol: str) -> None:
    text = said(POLICY, {}, {USDC: Token(symbol, USDC, 6)})
    assert "12,000,000,000 base units of the unknown token" in text
    assert not symbol or f"000 {symbol}" not in text


def test_two_tokens_of_one_symbol_are_told_apart() -> None:
    text = said(POLICY, {}, {**TOKENS, DAI: Token("usdc", DAI, 18)})
    assert "at most 12,000 USDC (the one at 0x5c0000000000000000000000000000000000dEAD) in any 24 days" in text


@pytest.mark.parametrize("name", [b'a": at most 1', b"\x01\xff\x00x", b"", b"~" * 32, b"NOT BOUNDED"])
def test_budget_names_are_quoted_and_numbered(name: bytes) -> None:
    first = replace(POLICY.budgets[0], name=name.ljust(32, b"\0"))
    sentences = explain(replace(POLICY, budgets=(first, POLICY.budgets[0])), {}, TOKENS)
    label = plain_label(name.rstrip(b"\0").decode("ascii", "replace"))
    shown = f"Budget 1 “{label}” counts {TOKEN}: " if name else f"Budget 1 (which has no name) counts {TOKEN}: "
    assert any(sentence.startswith(shown) for sentence in sentences)
    assert any(sentence.startswith(f"Budget 2 “payroll” counts {TOKEN}: ") for sentence in sentences)
    assert all(sentence.isprintable() for sentence in sentences)


def test_times_and_numbers_beyond_all_calendars_do_not_crash() -> None:
    late = replace(POLICY, start_s=2**40 - 2, end_s=2**40 - 1)
    assert "From 1,099,511,627,774 seconds after 1970-01-01 00:00 UTC until" in said(late)
    assert format_time(2**256) == f"{2**256:,} seconds after 1970-01-01 00:00 UTC"
    huge = replace(POLICY.budgets[0], exponent=77, limit=2**28 - 1)
    assert f"{(2**28 - 1) * 10**71:,} USDC in any 24 days" in said(replace(POLICY, budgets=(huge,)))
    assert "base units" in said(POLICY, {}, {USDC: Token("USDC", USDC, 10**9)})
    assert "base units" in said(POLICY, {}, {USDC: Token("USDC", USDC, -1)})


@pytest.mark.parametrize(
    "refusal",
    [
        Reason("Ended", (2**255,), value=2**256, limit=2**255),
        Reason("Cooling"),
        Reason("BadCalldata", (0,), call=0),
        Reason("CallFailed", (0, b"\xff"), call=0),
        Reason("NotTrue", (0,), call=0),
        Reason("AllowanceLeft", (0, b"\1" * 20, 5), call=0, value=5, limit=0),
        Reason("TooLittleIncome", (0, b"\1" * 20, 1, 2), call=0, income=0, budget=0, value=1, limit=2),
        Reason("SomethingNew"),
    ],
)
def test_every_refusal_has_a_sentence(refusal: Reason) -> None:
    text = reason(refusal, POLICY, NAMES, TOKENS)
    assert text.isprintable()
    assert text.endswith(".")


def test_refusals_name_values_and_limits() -> None:
    assert reason(Reason("OverBudget", budget=0, value=13 * 10**6, limit=10**6), POLICY, {}, TOKENS) == (
        "The budget “payroll”: the act takes 13,000 USDC, and 1,000 USDC are left of the 12,000 USDC in any 24 days."
    )
    place = next(i for i, clause in enumerate(POLICY.rules[0].clauses) if clause.kind is Kind.CAP)
    over = Reason("OverCap", call=1, rule=0, clause=place, value=3 * 10**9, limit=2 * 10**9)
    assert reason(over, POLICY, {}, TOKENS) == (
        "Call 2: the amount adds 3,000 USDC, and 2,000 USDC are left in this act: the amount comes to at most "
        "5,000 USDC in one act, all its calls under this rule added up."
    )
    income = Reason("TooLittleIncome", (0, DAI, 5, 7), call=0, value=5, limit=7)
    assert reason(income, POLICY, {}, {DAI: Token("DAI", DAI, 0)}) == (
        "Call 1: the treasury received 5 DAI, and had to receive 7 DAI."
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64))
def test_every_policy_can_be_explained(seed: int) -> None:
    policy = Maker(seed).policy()
    sentences = explain(policy, {}, {})
    assert all(sentence.isprintable() and sentence.endswith(".") for sentence in sentences)
    assert sum(" counts " in sentence and "at most" in sentence for sentence in sentences) >= len(policy.budgets)
    assert sum(sentence.startswith(("It may ", "Rule ")) for sentence in sentences) == len(policy.rules)
    assert not any("{" in sentence for sentence in sentences)


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.yaml")))
def test_every_template_explains_itself_with_no_unknown_name(template: str) -> None:
    document = load((TEMPLATES / template).read_text(), source=template)
    sentences = explain(decode(encode(document)), {}, {}, document=document)
    assert all(sentence.isprintable() and sentence.endswith(".") for sentence in sentences)
    assert not any("unknown" in sentence for sentence in sentences)
    assert not any(sentence.startswith("NOT BOUNDED IN TIME") for sentence in sentences)
    assert len(sentences) == len(set(sentences))
