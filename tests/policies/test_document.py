# SPDX-License-Identifier: Apache-2.0
"""Documents: the story's policy becomes its code; what is unclear, unsafe or useless is refused where it stands."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies import amounts, units
from policies.amounts import ETHER, Token, Unclear
from policies.code import Charge, Clause, Kind, Scope, Source
from policies.document import PolicyDocument, PolicyError, load
from policies.encoding import decode, encode
from policies.primitives import checksum, keccak
from policies.signatures import Argument, Function, why_unbounded

PAYROLL = (Path(__file__).resolve().parents[2] / "policies" / "templates" / "payroll.yaml").read_text()
USDC = Token("USDC", bytes.fromhex("5C" + "00" * 17 + "dEaD"), 6)


def refused(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as error:
        load(text, source="pay.yaml")
    return error.value


def changed(old: str, new: str) -> str:
    assert PAYROLL.count(old) == 1, old
    return PAYROLL.replace(old, new)


def position(old: str) -> tuple[int, int]:
    before = PAYROLL[: PAYROLL.index(old)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_the_payroll_template_says_what_the_story_asks() -> None:
    policy = load(PAYROLL)
    code = decode(encode(policy))
    (budget,), (rule,), (recipients,) = code.budgets, code.rules, code.lists
    assert budget.base_units(budget.limit) == 12_000 * 10**6
    assert budget.base_units(budget.instant_limit) == 6_000 * 10**6
    assert (budget.period_s, budget.scope, budget.label, budget.asset) == (
        24 * 86_400,
        Scope.POLICY,
        "payroll",
        USDC.address,
    )
    assert budget.limit <= 2**24
    assert (rule.target, rule.selector.hex(), rule.words, rule.must_return_true) == (USDC.address, "a9059cbb", 2, True)
    assert rule.clauses == (Clause(0, Kind.IN_LIST, 0), Clause(1, Kind.CAP, 5_000 * 10**6))
    assert rule.charges == (Charge(0, Source.ARGUMENT, 1),)
    assert len(recipients) == 5
    assert (code.cooldown_s, code.objection_delay_s, code.release_window_s) == (600, 172_800, 432_000)
    assert code.objection_threshold_bps == 500
    assert code.document_hash == keccak(policy.content)
    assert policy.warnings == ()


def test_comments_and_layout_do_not_change_the_document_hash() -> None:
    plain = "\n".join(line.split("  #")[0] for line in PAYROLL.splitlines() if not line.startswith("#"))
    assert load(plain).document_hash == load(PAYROLL).document_hash
    assert load(changed("five", "5")).document_hash != load(PAYROLL).document_hash


CALL = "transfer(address to, uint256 amount)"
WRONG = [
    ("12,000 USDC", "12.000 USDC", "can be read as", "12,000 USDC"),
    ("6,000 USDC", "1,5 USDC", "ambiguous", "1.5 USDC"),
    ("12,000 USDC", "12.000.000 USDC", "decimal point", "12,000,000 USDC"),
    ("12,000 USDC", "12000", "no token", "12000 USDC"),
    ("12,000 USDC", "12,000 USDT", 'token "USDT" is not known', "USDC"),
    ("12,000 USDC", "0.1234567 USDC", "has 7 decimals", "at most 6"),
    ("12,000 USDC", "-5 USDC", "not an amount", "12,000"),
    ("12,000 USDC", "1e3 USDC", "not an amount", "12,000"),
    ("12,000 USDC", "012 USDC", "begins with a zero", "12 USDC"),
    ("12,000 USDC", "０12 USDC", "not an amount", "12,000"),
    ("12,000 USDC", "unlimited", "unlimited", "the most"),
    ("12,000 USDC", "0 USDC", "permits nothing", "remove"),
    ("period: 24 days", "period: 1 month", "no fixed length", "24 days"),
    ("period: 24 days", "period: 1.5 days", "not a duration", "24 days"),
    ("period: 24 days", "period: 6 seconds", "at least 7", "longer"),
    ("2 days", "0 days", "lets nobody object", "2 days"),
    ("5 %", "0 %", "not a share", "5 %"),
    ("5 %", "0.05", "not a share", "5 %"),
    ("2026-11-01T00:00Z", "2026-11-01", "not a time in UTC", "2026-11-01T00:00Z"),
    ("2026-11-01T00:00Z", "2026-11-31T00:00Z", "no calendar", "2026-11-01T00:00Z"),
    ("2027-11-01T00:00Z", "2027-11-01T00:30Z", "whole hour", "2027-11-01 00:00 UTC"),
    (CALL, "approve(address spender, uint256 amount)", "spend later", "transfer"),
    (CALL, "permit(address to, uint256 amount)", "spend later", "transfer"),
    (CALL, "transferFrom(address from, address to, uint256 amount)", "another account", "transfer"),
    (CALL, "transfer(address to, bytes data)", "no fixed size", "single words"),
    (CALL, "transfer(address to, uint256[] amounts)", "no fixed size", "single words"),
    (CALL, "transfer(address, uint256)", "type and a name", "address to"),
    (CALL, "transfer(address to, uint amount)", "two spellings", "uint256"),
    (CALL, "transfer(address to, uint300 amount)", "not a type", "uint256"),
    (CALL, "mint(address to, uint256 amount)", "only `transfer`", "transfer"),
    ("decimals: 6", "decimals: six", "number of decimals", "6"),
    ("version: 1", "version: 2", "version", "write 1"),
    ("one of: contributors", "one of: contributers", "there is no list", "contributors"),
    ("one of: contributors", "one off: contributors", "no key", "one of"),
    ("one of: contributors", "at most: 5", "no order", "equals"),
    ('cap: "5,000 USDC"', "cap: 5", "no token", "5 USDC"),
    ("charge: {payroll: amount}", "charge: {payrol: amount}", "no budget", "payroll"),
    ("charge: {payroll: amount}", "charge: {payroll: amounts}", "no argument", "amount"),
    ("charge: {payroll: amount}", "charge: {payroll: to}", "type address", "unsigned"),
    ("charge: {payroll: amount}", "charge: {payroll: value}", "a call's value is ether", "ETH"),
    ("charge: {payroll: amount}", "charges: nothing", "nothing bounds how much USDC", "charge a budget"),
    ("lea, max]", "lea]", None, None),
    ("lea, max]", "lea, lea]", "twice", "remove"),
    ("  jon: ", "  ines: ", "twice", "keep one"),
    ("  jon: ", "  Ines: ", "taken", "own name"),
    ("  jon: ", "  usdc: ", "taken", "own name"),
    ("  jon: ", "  jоn: ", "not a name", "letters"),  # the o is Cyrillic
    ("summary: Monthly", "summary: &x Monthly", "anchors", "write the value out"),
    ("summary: Monthly", "summary: !!str Monthly", "tags", "without it"),
    ("summary: Monthly pay of the five contributors.", "summary: *x", "anchors", "quote"),
    ("name: payroll", "name: pay\u200broll", "invisible", "remove"),
    ("name: payroll", "name: [payroll]", "one value", "one line"),
    ("objection:\n  delay", "objektion:\n  delay", "no key", "objection"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "problem", "suggestion"), WRONG)
def test_what_is_wrong_is_said_where_it_stands(old: str, new: str, problem: str | None, suggestion: str | None) -> None:
    text = changed(old, new)
    if problem is None:
        assert load(text)
        return
    error = refused(text)
    found = [one for one in error.problems if problem in one.problem]
    assert found, str(error)
    assert suggestion is not None
    assert suggestion in found[0].suggestion, str(found[0])
    assert found[0].place.line == position(old)[0] or "nothing bounds" in problem, str(found[0])
    assert str(error).startswith(f"pay.yaml:{error.line}:{error.column}: ")


def test_line_and_column_point_at_the_value() -> None:
    error = refused(changed("12,000 USDC", "12.000 USDC"))
    assert (error.line, error.column) == position("12,000 USDC")
    assert error.source == "pay.yaml"
    assert "12.000" in error.problem
    assert error.suggestion.startswith("write ")


def test_all_problems_are_reported_at_once_in_order() -> None:
    text = changed("12,000 USDC", "12.000 USDC").replace("5 %", "5").replace("10 minutes", "soon")
    error = refused(text)
    assert [one.place.line for one in error.problems] == sorted(
        position(text)[0] for text in ("10 minutes", "5 %", "12,000 USDC")
    )


def test_an_address_needs_its_checksum() -> None:
    address = checksum(bytes.fromhex("e3e5ba07da92ad9c5f6ecc7d9b29ac5bb0c9a1d4"))
    error = refused(PAYROLL.replace(address, address.lower()))
    assert "checksum" in error.problem
    assert address in error.suggestion
    assert "zero address" in refused(PAYROLL.replace(address, "0x" + "00" * 20)).problem


def test_one_address_has_one_name() -> None:
    error = refused(
        changed(
            'jon: "0x2000000000000000000000000000000000000002"', 'jon: "0x1000000000000000000000000000000000000001"'
        )
    )
    assert "already called ines" in error.problem


def test_look_alike_addresses_are_refused() -> None:
    poison = checksum(bytes.fromhex("1000" + "ab" * 16 + "0001"))
    error = refused(changed('"0x2000000000000000000000000000000000000002"', f'"{poison}"'))
    assert "looks like ines" in error.problem


def test_the_operator_is_not_the_agent() -> None:
    agent = checksum(bytes.fromhex("e3e5ba07da92ad9c5f6ecc7d9b29ac5bb0c9a1d4"))
    operator = next(line.split('"')[1] for line in PAYROLL.splitlines() if line.startswith("operator"))
    assert "operator is the agent" in refused(PAYROLL.replace(operator, agent)).problem


def test_a_budget_and_a_list_must_be_used() -> None:
    spare = changed(
        "rules:\n", "  spare:\n    limit: 5 USDC\n    period: 7 days\n    without objection: 5 USDC\n\nrules:\n"
    )
    assert "no rule charges the budget spare" in refused(spare).problem
    assert "no rule uses the list spare" in refused(changed("lists:\n", "lists:\n  spare: [ines]\n")).problem


def test_more_without_objection_than_the_limit_is_refused() -> None:
    error = refused(changed("6,000 USDC", "12,000.01 USDC"))
    assert "12,000 USDC" in error.suggestion


def test_an_argument_that_nothing_bounds_must_say_so() -> None:
    where = "      to: {one of: contributors}\n"
    unused = "lists:\n  contributors: [ines, jon, kim, lea, max]\n"
    assert "nothing bounds the argument to" in refused(PAYROLL.replace(where, "").replace(unused, "")).problem
    anyone = load(PAYROLL.replace(where, "      to: anyone\n").replace(unused, ""))
    assert [one.problem for one in anyone.warnings] == ["to may be anything"]


def test_an_agent_among_the_paid_is_a_warning() -> None:
    agent = checksum(load(PAYROLL).agent)
    policy = load(changed("lea, max]", f'lea, "{agent}"]'))
    assert [one.problem for one in policy.warnings] == ["the agent may pay itself"]


def test_a_function_with_another_ones_selector_is_refused() -> None:
    twin = Function("gasprice_bit_ether", (Argument("int128", "x"),))  # found by others, for transferFrom
    assert twin.selector.hex() == "23b872dd"
    assert "under another name" in (why_unbounded(twin) or "")


def test_ether_is_sent_to_each_of_a_list() -> None:
    policy = _ether_policy("send: ETH\n    to: contributors\n    charge: {grants: value}")
    code = decode(encode(policy))
    assert [rule.no_selector for rule in code.rules] == [True] * 5
    assert all(rule.charges == (Charge(0, Source.VALUE, 0),) for rule in code.rules)


def _ether_policy(rule: str) -> PolicyDocument:
    text = PAYROLL[: PAYROLL.index("budgets:")]
    return load(
        f"{text}budgets:\n  grants:\n    limit: 0.000000001 ETH\n    period: 7 days\n"
        f"    without objection: 0 ETH\n\nrules:\n  - {rule}\n"
    )


def test_ether_that_nothing_counts_is_refused() -> None:
    with pytest.raises(PolicyError, match="no budget is charged with"):
        _ether_policy("send: ETH\n    to: contributors")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "- 1",
        "a",
        "{" * 10_000,
        "[" * 10_000,
        "a: " * 5_000,
        "? [x]\n: 1\n",
        "&a [*a, *a]",
        "a: &a [x]\nb: [*a, *a]",
        "%YAML 1.1\n---\na: 1\n",
        "a: 1\n---\nb: 2\n",
        "!!python/object/apply:os.system ['true']",
        "a: |\n\t x",
        "\x00",
        "\ud800",
        "a: 'x",
        "<<: {a: 1}",
        "x" * 300_000,
        "- a\n" * 30_000,
    ],
)
def test_hostile_yaml_is_refused_in_one_line(text: str) -> None:
    error = refused(text)
    assert all("\n" not in str(one) and len(str(one)) < 500 for one in error.problems)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
@example("version: 1\nrules: []\n")
@example("version: 1\nrules: [{call: 5}, 7, {send: x}]\nbudgets: {a: {}}\nlists: {a: {}}\ntokens: []\n")
def test_any_text_is_read_or_refused(text: str) -> None:
    assert refused(text).problems


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_cut_or_repeated_part_of_a_policy_is_read_or_refused(data: st.DataObject) -> None:
    lines = PAYROLL.splitlines(keepends=True)
    begin = data.draw(st.integers(0, len(lines)))
    end = data.draw(st.integers(begin, len(lines)))
    text = "".join(lines[:begin] + data.draw(st.sampled_from([[], lines[begin:end] * 2])) + lines[end:])
    try:
        policy = load(text)
    except PolicyError as error:
        assert error.problems  # noqa: PT017 either outcome is right
    else:
        decode(encode(policy))


# Amounts and units


@given(st.integers(0, 10**15), st.sampled_from([USDC, ETHER, Token("Z", bytes(20), 0)]))
def test_amounts_read_back(amount: int, token: Token) -> None:
    text = amounts.format_amount(amount, token)
    try:
        assert amounts.parse_amount(text, {token.symbol: token}) == (amount, token)
    except Unclear as unclear:
        assert "can be read as" in unclear.problem  # noqa: PT017 exactly three decimals are ambiguous by design


@given(st.integers(1, 2**200), st.data())
def test_units_hold_limits_exactly_or_name_the_nearest_that_they_hold(limit: int, data: st.DataObject) -> None:
    instant = data.draw(st.integers(0, limit))
    for _ in range(3):
        try:
            exponent = units.choose_exponent(limit, instant)
        except units.InexactLimit as inexact:
            assert inexact.below < inexact.amount < inexact.above  # noqa: PT017
            if inexact.amount == limit:
                limit, instant = inexact.above, min(instant, inexact.above)
            else:
                instant = inexact.below
        else:
            break
    else:
        pytest.fail("the nearest amounts are no better")
    assert limit % 2**exponent == instant % 2**exponent == 0
    assert limit >> exponent <= 2**28 - 1


@pytest.mark.parametrize(
    ("limit", "exponent"),
    [(1, 0), (2**24, 0), (2**24 + 1, 0), (2**24 + 2, 1), (2**28 - 1, 0), (2**28, 4), (12 * 10**9, 10)],
)
def test_the_smallest_unit_with_room_is_chosen(limit: int, exponent: int) -> None:
    assert units.choose_exponent(limit, 0) == exponent


def test_a_limit_that_no_unit_holds_names_the_nearest_two() -> None:
    text = PAYROLL.replace("decimals: 6", "decimals: 18")
    error = refused(text)
    below, above = (part.split(" USDC")[0] for part in error.suggestion.removeprefix("write ").split(" or "))
    assert below.startswith("11,999.9999")
    assert above.startswith("12,000.0000")
    better = text.replace("12,000 USDC", f"{below} USDC").replace("6,000 USDC", "0 USDC")
    assert load(better).budgets[0].limit < 12_000 * 10**18
