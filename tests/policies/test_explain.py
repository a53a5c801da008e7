# SPDX-License-Identifier: Apache-2.0
"""What members read: fixed order, worst case, and nothing guessed about what is unknown."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings

from policies.amounts import Token
from policies.code import PolicyCode, Rule
from policies.document import load
from policies.encoding import decode, encode
from policies.explain import explain, worst_case_units
from policies.primitives import selector
from policies.ring import segment_seconds
from policies.signatures import parse_function
from tests.policies.strategies import TARGETS, policies

DOCUMENT = load((Path(__file__).resolve().parents[2] / "policies" / "templates" / "payroll.yaml").read_text())
POLICY = decode(encode(DOCUMENT))
NAMES = {address: name for name, address in DOCUMENT.addresses}
TOKENS = {token.address: token for token in DOCUMENT.tokens}


def test_the_payroll_in_words() -> None:
    sentences = explain(POLICY, NAMES, TOKENS)
    assert [sentence.split(" ")[0] for sentence in sentences] == [
        "The", "The", "Between", "An", "It", "Everything", "Budget", "Worst", "Not",
    ]  # fmt: skip
    text = " ".join(sentences)
    for part in (
        "until 2027-11-01 00:00 UTC (365 days)",
        "waits 2 days; it is void when members with 5 % of all votes object, and must then be made within 5 days",
        "`to` must be one of these 5: ines (0x1000000000000000000000000000000000000001), jon",
        "`amount` is at most 5,000 USDC an act",
        "at most 12,000 USDC in any 24 days, of which 6,000 USDC without an objection window; more is impossible",
        "amounts count in steps of 0.001024 USDC, each call rounded up",
        "a stolen key can take 6,000 USDC unopposed",
        "168,000 USDC in all",
        "Everything else is impossible",
    ):
        assert part in text


def test_the_worst_case_is_the_papers_formula() -> None:
    year_s, s = 365 * 86_400, segment_seconds(24 * 86_400)
    assert worst_case_units(12_000, s, year_s) == 12_000 * -(-((year_s - 2) // s + 2) // 8) == 168_000
    assert worst_case_units(5, 10, 1) == 5
    assert worst_case_units(5, 10, 0) == 0


def test_without_names_and_tokens_nothing_is_guessed() -> None:
    text = " ".join(explain(POLICY, {}, {}))
    assert "ines" not in text
    assert "USDC" not in text
    assert "12,000,000,000 base units of the unknown token 0x5c0000000000000000000000000000000000dEAD" in text


def test_hostile_names_can_not_turn_the_text_round() -> None:
    token = Token("US\u202eDC", DOCUMENT.tokens[0].address, 6)
    text = " ".join(explain(POLICY, {POLICY.agent: "good\nBudget: nothing\u200b"}, {token.address: token}))
    assert text.isprintable()


def _foreign(function: bytes, words: int = 2) -> PolicyCode:
    rule = Rule(TARGETS[0], function, False, False, words, (), ())
    return replace(POLICY, budgets=(), lists=(), rules=(rule,))


def test_foreign_code_is_said_to_be_unbounded_or_unknown() -> None:
    approve = " ".join(explain(_foreign(selector("approve(address,uint256)")), {}, {}))
    assert "NOT BOUNDED IN TIME" in approve
    assert "lets another account spend later" in approve
    unknown = " ".join(explain(_foreign(b"\1\2\3\4"), {}, {}))
    assert "NOT KNOWN" in unknown
    assert "NOT COUNTED" in unknown
    assert "argument 1 may be ANYTHING; argument 2 may be ANYTHING" in unknown
    assert "every permitted call may be made again and again" in unknown


def test_a_lent_function_counts_only_if_its_selector_is_right() -> None:
    function = parse_function("vote(uint256 proposal, uint8 support)")
    right = " ".join(explain(_foreign(function.selector), {}, {}, {function.selector: function}))
    assert "vote(uint256,uint8)" in right
    assert "`support` may be ANYTHING" in right
    wrong = " ".join(explain(_foreign(b"\1\2\3\4"), {}, {}, {b"\1\2\3\4": function}))
    assert "vote(" not in wrong


@settings(max_examples=200, deadline=None)
@given(policies())
def test_every_policy_can_be_explained(policy: PolicyCode) -> None:
    sentences = explain(policy, {}, {})
    assert all(sentence.isprintable() and sentence.endswith(".") for sentence in sentences)
    assert sum(sentence.startswith("Budget ") for sentence in sentences) == len(policy.budgets)
    assert sum(sentence.startswith("It may ") for sentence in sentences) == len(policy.rules)
