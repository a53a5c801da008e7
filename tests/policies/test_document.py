# SPDX-License-Identifier: Apache-2.0
"""Documents: the story's policy becomes its code; what is unclear, unsafe or useless is refused where it stands."""

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.code import schedules, units
from policies.code.encoding import decode, encode, pack
from policies.code.policy_code import Charge, Clause, Dynamic, Income, Kind, PolicyCode, Scope, Source
from policies.code.signatures import Argument, Function, why_unbounded
from policies.document.document import PolicyDocument, PolicyError, Sources, load, references
from policies.document.from_code import document_of
from policies.notation import amounts
from policies.notation.amounts import ETHER, Token, Unclear
from policies.notation.primitives import checksum, keccak, selector
from policies.words.worst_case import worst_case
from tests.policies.strategies import policies

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
CHARGE = "charge: {payroll: amount}"
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
    ("2026-11-01T00:00Z", "1969-01-01T00:00Z", "earlier than a chain's clock", "from 1970 to 2105"),
    ("2026-11-01T00:00Z", "1969-12-31T23:59:59Z", "earlier than a chain's clock", "from 1970 to 2105"),
    ("2026-11-01T00:00Z", "0001-01-01T00:00Z", "earlier than a chain's clock", "from 1970 to 2105"),
    ("2026-11-01T00:00Z", "9999-12-31T23:59Z", "later than a chain's clock", "from 1970 to 2105"),
    ("2027-11-01T00:00Z", "2106-02-07T07:00Z", "later than a chain's clock", "from 1970 to 2105"),
    ("2026-11-01T00:00Z", "0000-01-01T00:00Z", "no calendar", "2026-11-01T00:00Z"),
    ("2026-11-01T00:00Z", "2016-12-31T23:59:60Z", "no calendar", "2026-11-01T00:00Z"),
    ("2026-11-01T00:00Z", "10000-01-01T00:00Z", "not a time in UTC", "2026-11-01T00:00Z"),
    ("cooldown: 10 minutes", 'cooldown: "\\U00110000"', "makes no character", "the character itself"),
    ("cooldown: 10 minutes", 'cooldown: "\\UFFFFFFFF"', "makes no character", "the character itself"),
    ("jon: ", '"\\U7fffffff": ', "makes no character", "the character itself"),
    (CALL, "approve(address spender, uint256 amount)", "spend later", "transfer"),
    (CALL, "permit(address to, uint256 amount)", "spend later", "transfer"),
    (CALL, "transferFrom(address from, address to, uint256 amount)", "another account", "transfer"),
    (CALL, "transfer(address to, uint256[][] amounts)", "nests values", "fixed size"),
    (CALL, "transfer(address to, (bytes data, uint256 x) amount)", "nests values", "fixed size"),
    (CALL, "safeTransferFrom(address from, address to, uint256 amount)", "one NFT", "transfer"),
    (CALL, "createFlow(address to, uint256 amount)", "stream", "transfer"),
    (CALL, "0xa9059cbb(word to, word amount)", "selector alone", "signature"),
    (CALL, "bid(address to, uint256 tokenId, uint256 amount)", "only `transfer`", "measured"),
    ("charge: {payroll: amount}", "charge: {payroll: to.count}", "could be an amount", "write one of: amount"),
    ("charge: {payroll: amount}", "charge: {payroll: amount}\n    allowance: back to zero", "no allowance", "remove"),
    (CHARGE, CHARGE + '\n    income: {payroll: "0.9 ETH"}', "ratio", "at least"),
    (CHARGE, CHARGE + '\n    income: {payroll: "at least 1 ETH per ETH"}', "counts USDC", "per USDC"),
    (CHARGE, CHARGE + '\n    income: {payroll: "at least 1 USDC per USDC"}', "what comes in", "another"),
    ("12,000 USDC", "12,000.123456 USDC", "can't be held exactly", "12,000.123"),
    ("period: 24 days", "period: 24 days\n    unit: 0.000002 USDC", "no unit", "0.1"),
    ("period: 24 days", "period: 24 days\n    unit: 0.000001 USDC", "more units than", "unit: 0.0001"),
    ("period: 24 days", "period: 24 days\n    due: fortnightly", "no schedule", "monthly"),
    ("delay: 2 days", "delay: none", "no time for it", "write a delay"),
    ("name: payroll", "name: payroll\nfound hash: 0x00", "hash of its content", "remove"),
    ("one of: contributors", "equals: contributors.eth", "was not resolved", "resolve"),
    ("one of: contributors", "equals: c\u043entributors.eth", "look like others", "address"),
    ("[ines, jon, kim, lea, max]", "{file: people.csv}", "was not read", "write the items"),
    (f"call: {CALL}", "call: transfer\n    abi: token", "no ABI", "none was given"),
    (CALL, "transfer(address, uint256)", "type and a name", "address to"),
    (CALL, "transfer(address to, uint amount)", "two spellings", "uint256"),
    (CALL, "transfer(address to, uint064 amount)", "is not a type", "uint256"),
    (CALL, "transfer(address to, uint300 amount)", "not a type", "uint256"),
    (CALL, "mint(address to, uint256 amount)", "only `transfer`", "transfer"),
    ("decimals: 6", "decimals: six", "number of decimals", "6"),
    ("version: 1", "version: 2", "version", "write 1"),
    ("one of: contributors", "one of: contributers", "there is no list", "contributors"),
    ("one of: contributors", "one off: contributors", "no key", "one of"),
    ("one of: contributors", "at most: ines", "no order", "equals"),
    ("one of: contributors", "not: ines", "keeps nothing out of to", "write `one of`"),
    ('cap: "5,000 USDC"', "cap: 5", "no token", "5 USDC"),
    ("charge: {payroll: amount}", "charge: {payrol: amount}", "no budget", "payroll"),
    ("charge: {payroll: amount}", "charge: {payroll: amounts}", "no argument", "amount"),
    ("charge: {payroll: amount}", "charge: {payroll: to}", "type address", "unsigned"),
    ("charge: {payroll: amount}", "charge: {payroll: value}", "a call's value is ether", "amount"),
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
    ("name: payroll", "name: [payroll]", "one value", "single value"),
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
    line = position(old)[0]
    assert line <= found[0].place.line <= line + new.count("\n") or "nothing bounds" in problem, str(found[0])
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


@pytest.mark.parametrize("name", ["ines.eth", "Ines.ETH"])
def test_a_name_of_the_authors_own_does_not_pass_for_an_ens_name(name: str) -> None:
    text = changed("ines:", f"{name}:").replace("[ines,", f"[{name},")
    assert refused(text).problems[0].problem == f"members would take {name} for an ENS name that was resolved"


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


@pytest.mark.parametrize("odd", ["\u3164", "\u2800", "\ufe0f", "a\u200db", "\u034f", "\u00ad", "\ufeff"])
def test_what_nobody_sees_stands_in_no_policy(odd: str) -> None:
    error = refused(changed("summary: Monthly pay", f"summary: Monthly {odd} pay"))
    assert "an invisible character" in str(error.problems)


@pytest.mark.parametrize("plain", ["❤️", "👩‍💻", "می‌خواهم"])
def test_joiners_that_belong_to_a_spelling_may_stand_in_a_policy(plain: str) -> None:
    assert plain in load(changed("summary: Monthly pay", f"summary: Monthly {plain} pay")).summary


@pytest.mark.parametrize("escape", ["\\u202e", "\\x1b[2J", "\\0", "\\t", "\\r", "\\u200b", "\\ud800", "\\U000e0041"])
def test_escapes_bring_in_no_characters_that_the_text_may_not_hold(escape: str) -> None:
    summary = "summary: Monthly pay of the five contributors."
    error = refused(changed(summary, f'summary: "Monthly {escape} pay"'))
    assert "an escape here makes an invisible character" in str(error.problems)
    assert (error.problems[0].place.line, error.problems[0].place.column) == (8, 10)
    assert load(changed(summary, 'summary: "Monthly\\n\\u00e9 pay"')).summary == "Monthly\né pay"


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


# Format 2: arrays, bytes, incomes, approvals, what stands outside the file

TREASURER = """\
version: 1
name: treasurer
agent: "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4"
operator: "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"
valid: {from: 2026-11-01T00:00Z, until: 2027-11-01T00:00Z}
cooldown: none
objection: {delay: none, release within: none, threshold: 5 %}
tokens:
  USDC: {address: "0x5c0000000000000000000000000000000000dEAD", decimals: 6}
  USDS: {address: "0x5D0000000000000000000000000000000000BEEF", decimals: 18}
addresses:
  batcher: "0x1000000000000000000000000000000000000001"
  ines: "0x2000000000000000000000000000000000000002"
  router: "0x3000000000000000000000000000000000000003"
budgets:
  pay: {limit: "5,000 USDC", period: 24 days, without objection: "5,000 USDC", measured: yes}
  tips: {limit: 2 ETH, period: 24 days, without objection: 2 ETH, shared by: dao}
rules:
  - call: payMany((address to, uint256 amount)[] payments, bytes note, string reason)
    on: batcher
    where:
      payments[].to: {one of: [ines, router]}
      payments[].amount: [{at most: "100 USDC"}, {cap: "1,000 USDC"}]
      payments.count: {at most: 20}
      note: empty
      reason: {equals: pay}
    charge: {pay: "payments[].amount"}
  - call: approve(address spender, uint256 amount)
    on: USDC
    where: {spender: {equals: router}, amount: anything}
    allowance: back to zero
  - call: swap((address from, address to, uint256[2] amounts) order)
    on: router
    where:
      order.from: {equals: USDC}
      order.to: {equals: USDS}
      order.amounts[1]: anything
    charge: {pay: "order.amounts[0]"}
    income: {pay: "at least 0.995 USDS per USDC"}
  - send: ETH
    to: ines
    charge: {tips: value}
"""


def treasurer(old: str, new: str) -> str:
    assert TREASURER.count(old) == 1, old
    return TREASURER.replace(old, new)


def test_everything_that_format_2_holds_can_be_written() -> None:
    code = decode(encode(load(TREASURER)))
    tips, pay = (code.budgets[index] for index in (1, 0)) if code.budgets[0].measured else code.budgets
    assert (pay.measured, pay.label, tips.scope) == (True, "pay", Scope.DAO)
    by_selector = {rule.selector: rule for rule in code.rules}
    batch = by_selector[selector("payMany((address,uint256)[],bytes,string)")]
    index = code.budgets.index(pay)
    assert (batch.words, batch.dynamics) == (3, (Dynamic(0, 2), Dynamic(1, 0), Dynamic(2, 0)))
    assert batch.clauses == (
        Clause(0, Kind.IN_LIST, 0, 0),
        Clause(0, Kind.AT_MOST, 100 * 10**6, 1),
        Clause(0, Kind.CAP, 1000 * 10**6, 1),
        Clause(0, Kind.AT_MOST, 20, 2),
        Clause(1, Kind.EQUAL, 0, 0),
        Clause(2, Kind.EQUAL, int.from_bytes(keccak(b"pay"), "big"), 1),
    )
    assert batch.charges == (Charge(index, Source.ARGUMENT, 0, 1),)
    approve = by_selector[selector("approve(address,uint256)")]
    assert approve.approval
    assert approve.must_return_true
    swap = by_selector[selector("swap((address,address,uint256[2]))")]
    assert swap.words == 4
    assert swap.incomes == (Income(load(TREASURER).tokens[1].address, index, 995 * 10**9, 1),)
    assert swap.charges == (Charge(index, Source.ARGUMENT, 2),)
    assert by_selector[bytes(4)].no_selector


@pytest.mark.parametrize(
    ("old", "new", "problem", "suggestion"),
    [
        ("note: empty", "note: anything", "nothing bounds the bytes note", "`note: empty`"),
        ("      note: empty\n", "", "nothing bounds the argument note", "note: anything"),
        ("note: empty", "note.length: {at most: 4}", "nothing bounds the argument note", "note"),
        ("      payments[].to: {one of: [ines, router]}\n", "", "nothing bounds the argument payments[].to", ": any"),
        ("payments[].to: {one of", "payments: {one of", "payments has several parts", "payments[].to"),
        ("payments.count: {at most: 20}", "payments.count: {at most: 20 USDC}", "not a whole number", "digits"),
        ("spender: {equals: router}", "spender: anything", "anybody may be given", "name the contract"),
        ("    allowance: back to zero\n", "", "lets another account spend later", "allowance: back to zero"),
        ("allowance: back to zero", "allowance: any", "not `back to zero`", "back to zero"),
        ("    on: USDC\n", "    on: USDS\n", "nothing counts what is taken", "measured: yes"),
        ('{pay: "at least 0.995 USDS per USDC"}', '{tips: "at least 1 USDS per ETH"}', "doesn't charge tips", "charge"),
        ('charge: {pay: "order.amounts[0]"}', 'charge: {pay: "order.amounts"}', "no argument", "order.amounts[0]"),
        ("charge: {tips: value}", "charge: {pay: value}", "a call's value is ether", "budget in ETH"),
    ],
)  # fmt: skip
def test_what_format_2_adds_is_checked(old: str, new: str, problem: str, suggestion: str) -> None:
    error = refused(treasurer(old, new))
    found = [one for one in error.problems if problem in one.problem]
    assert found, str(error)
    assert suggestion in found[0].suggestion


def test_the_number_of_an_nft_is_no_amount() -> None:
    text = treasurer("uint256 amount)[] payments", "uint256 tokenId)[] payments").replace(
        "payments[].amount", "payments[].tokenId"
    )
    assert "the number of a thing" in str(refused(text))


def test_an_unlimited_call_that_moves_value_is_a_warning() -> None:
    extra = "  - call: withdraw(uint256 shares)\n    on: batcher\n    where: {shares: anything}\n    charges: nothing\n"
    assert not any("seems to move value" in one.problem for one in load(TREASURER + extra).warnings)
    unmeasured = PAYROLL + extra.replace("batcher", "ines")
    assert any("seems to move value" in one.problem for one in load(unmeasured).warnings)


def test_a_late_budget_is_a_warning_that_says_what_to_write() -> None:
    for old, new in (
        ("period: 24 days", "period: 30 days"),
        ("period: 24 days", "period: 25 days\n    due: monthly"),
    ):
        (warning,) = load(changed(old, new)).warnings
        assert "monthly payments would come late" in warning.problem
        assert warning.suggestion == "write `period: 24 days`"
        assert warning.place.line == position(old)[0]
    assert load(changed("period: 24 days", "period: 24 days\n    due: monthly")).warnings == ()
    assert load(changed("period: 24 days", "period: 6 days\n    due: weekly")).budgets[0].due == "weekly"


TWICE = "this budget can be spent twice: its period"


@pytest.mark.parametrize(
    ("until", "period", "is_twice"),
    [
        ("2027-11-01T00:00Z", "365 days", False),
        ("2027-11-01T00:00Z", "366 days", False),
        ("2027-11-01T00:00Z", "364 days", True),
        ("2027-11-01T00:00Z", "8759 hours", True),
        ("2027-11-01T00:00Z", "274 days", True),
        ("2027-11-01T00:00Z", "273 days", False),  # less than three quarters: nobody means a total by it
        ("2027-05-02T00:00Z", "182 days", False),
        ("2027-05-02T00:00Z", "181 days", True),
        ("2026-11-08T00:00Z", "6 days", True),
        ("2026-11-01T01:00Z", "59 minutes", True),
        ("2026-11-01T01:00Z", "60 minutes", False),
        ("2027-11-01T01:00Z", "365 days", True),
        ("2027-11-01T00:00Z", "whole policy", False),
        ("2027-11-01T01:00Z", "whole policy", False),
    ],
)
def test_a_total_that_can_be_spent_twice_is_a_warning(until: str, period: str, is_twice: bool) -> None:
    text = changed("until: 2027-11-01T00:00Z", f"until: {until}").replace("period: 24 days", f"period: {period}")
    text = at_once(text)
    policy = load(text)
    (case,) = worst_case(decode(encode(policy)), 365 * 2)
    found = [warning for warning in policy.warnings if TWICE in warning.problem]
    assert bool(found) == is_twice
    if is_twice:
        assert case.in_all == 2 * case.in_a_period
        assert found[0].suggestion.startswith("to make it a total, set the period to at least ")
        least = found[0].suggestion.removeprefix("to make it a total, set the period to at least ").partition(", or")[0]
        mended = load(text.replace(f"period: {period}", f"period: {least}"))
        assert not any(TWICE in warning.problem for warning in mended.warnings)
        assert worst_case(decode(encode(mended)), 365 * 2)[0].in_all == case.in_a_period
    assert not any("would come late" in warning.problem for warning in policy.warnings)


def at_once(text: str) -> str:
    """The payroll of any length: nothing in it is announced, and acts follow each other at will."""
    return text.replace("without objection: 6,000", "without objection: 12,000").replace("10 minutes", "none")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3599), st.integers(0, 9_000), st.data())
def test_the_whole_policy_is_a_period_that_is_spent_once(early_s: int, hours: int, data: st.DataObject) -> None:
    """Whatever the policy's length; a period of at least three quarters of it warns where it can be spent twice."""
    start_s = 1_800_000_000 - early_s
    end_s = 1_800_000_000 + hours * 3600
    text = changed("2026-11-01T00:00Z", amounts.write_time(start_s))
    text = at_once(text.replace("2027-11-01T00:00Z", amounts.write_time(end_s)))
    whole = load(text.replace("period: 24 days", "period: whole policy"))
    (case,) = worst_case(decode(encode(whole)), 3650)
    assert case.in_all == case.in_a_period
    assert whole.warnings == ()
    shortest_s = max(7, -(-3 * (end_s - start_s) // 4))
    period_s = data.draw(st.integers(shortest_s, max(shortest_s, end_s - start_s)))
    almost = load(text.replace("period: 24 days", f"period: {period_s} seconds"))
    (case,) = worst_case(decode(encode(almost)), 3650)
    assert case.in_all in (case.in_a_period, 2 * case.in_a_period)
    assert [TWICE in warning.problem for warning in almost.warnings] == [True] * (case.in_all > case.in_a_period)


def test_a_period_of_the_whole_policy_needs_times_that_can_be_read() -> None:
    text = changed("period: 24 days", "period: whole policy")
    (problem,) = refused(text.replace("until: 2027-11-01T00:00Z", "until: soon")).problems
    assert "not a time in UTC" in problem.problem


def test_who_says_the_schedule_is_told_both() -> None:
    yearly = load(changed("period: 24 days", "period: 319 days\n    due: yearly"))
    assert [TWICE in warning.problem for warning in yearly.warnings] == [True]


@pytest.mark.parametrize("schedule", list(schedules.SHORTEST_GAP_S))
def test_the_period_that_is_suggested_is_never_late(schedule: str) -> None:
    assert schedules.in_time(schedules.longest_period_s(schedule), schedule)
    assert schedules.longest_period_s(schedule) * 8 / 7 > schedules.SHORTEST_GAP_S[schedule] * 0.9


NARROW = f"""
  - call: {CALL}
    on: USDC
    where: {{to: {{equals: ines}}, amount: {{at most: "5 USDC"}}}}
    charge: {{payroll: amount}}
"""


def test_alternatives_that_are_never_reached_are_refused() -> None:
    assert "never reached" in refused(PAYROLL.rstrip() + NARROW).problem
    first = PAYROLL.replace("rules:\n", "rules:" + NARROW)
    assert [one.problem.partition(":")[0] for one in load(first).warnings] == [
        "this rule permits more than an earlier one for the same function, whose bounds a call can so avoid"
    ]
    apart = NARROW.replace("equals: ines", f'equals: "{checksum(bytes.fromhex("77" * 20))}"')
    assert load(PAYROLL.rstrip() + apart).warnings == ()  # no call fits both
    both = "one of: [ines, jon]", "one of: [jon, kim]"
    first, second = (NARROW.replace("equals: ines", one) for one in both)
    alone = PAYROLL[: PAYROLL.index("rules:")].replace("contributors: [ines, jon, kim, lea, max]", "a: [lea, max]")
    third = NARROW.replace("equals: ines", "one of: a")
    assert [one.problem for one in load(f"{alone}rules:{first}{second}{third}").warnings] == [
        "several rules permit the same function"
    ]
    assert "is written twice" in refused(PAYROLL.rstrip() + apart + apart[1:]).problem


PAYMENT = [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}]
ABI = [
    {"type": "function", "name": "transfer", "inputs": PAYMENT},
    {"type": "function", "name": "two", "inputs": PAYMENT[1:]},
    {"type": "function", "name": "two", "inputs": PAYMENT[:1]},
    {"type": "event", "name": "transfer", "inputs": []},
]


def test_a_function_can_come_from_an_abi_and_is_frozen() -> None:
    text = changed(f"call: {CALL}", "call: transfer\n    abi: token")
    policy = load(text, sources=Sources(abis={"token": ABI}))
    assert policy.rules == load(PAYROLL).rules
    assert policy.content == load(PAYROLL).content
    for wanted, problem in (("two", "several functions"), ("three", "no function"), ("two(bool)", "no function")):
        with pytest.raises(PolicyError, match=problem):
            load(text.replace("call: transfer", f"call: {wanted}"), sources=Sources(abis={"token": ABI}))


INES, JON = (bytes.fromhex(f"{digit}0" + "00" * 18 + f"0{digit}") for digit in "12")


def test_names_are_resolved_by_the_caller_and_frozen() -> None:
    text = changed('ines: "0x1000000000000000000000000000000000000001"', "ines: ines.eth")
    assert references(text).ens == ("ines.eth",)
    policy = load(text, sources=Sources(ens={"ines.eth": INES}))
    assert policy.rules == load(PAYROLL).rules
    frozen = policy.content.decode()
    assert f"ines.eth is {checksum(INES)}" in frozen
    # The frozen document needs no resolver, has the same hash, and says so when the name has moved.
    assert load(frozen).document_hash == policy.document_hash
    with pytest.raises(PolicyError, match="is now"):
        load(frozen, sources=Sources(ens={"ines.eth": JON}))


def test_names_that_look_alike_are_refused() -> None:
    text = changed('ines: "0x1000000000000000000000000000000000000001"', "ines: pau1.eth").replace(
        'jon: "0x2000000000000000000000000000000000000002"', "jon: paul.eth"
    )
    with pytest.raises(PolicyError, match="looks like"):
        load(text, sources=Sources(ens={"pau1.eth": INES, "paul.eth": JON}))


def test_an_address_book_gives_names_and_guards_them() -> None:
    book = {"nora": bytes.fromhex("66" * 20)}
    policy = load(changed("lea, max]", "lea, max, nora]"), sources=Sources(book=book))
    assert int.from_bytes(book["nora"], "big") in policy.lists[0][1]
    assert f"nora is {checksum(book['nora'])}" in policy.content.decode()
    with pytest.raises(PolicyError, match="in the address book"):
        load(PAYROLL, sources=Sources(book={"ines": JON}))
    poison = {"payee": INES[:2] + b"\xab" * 16 + INES[-2:]}
    with pytest.raises(PolicyError, match="looks like payee"):
        load(PAYROLL, sources=Sources(book=poison))


def test_lists_come_from_files_that_the_caller_reads() -> None:
    text = changed("[ines, jon, kim, lea, max]", "{file: people.csv}")
    assert references(text).files == ("people.csv",)
    policy = load(text, sources=Sources(read_list={"people.csv": ["ines", "jon", "kim", "lea", "max"]}.__getitem__))
    assert (policy.rules, policy.content) == (load(PAYROLL).rules, load(PAYROLL).content)
    with pytest.raises(PolicyError, match=r"item 2: .*nobody"):
        load(text, sources=Sources(read_list=lambda _: ["ines", "nobody"]))
    with pytest.raises(PolicyError, match="no items"):
        load(text, sources=Sources(read_list=lambda _: []))

    def gone(name: str) -> list[str]:
        raise FileNotFoundError(name)

    with pytest.raises(PolicyError, match="can't be read"):
        load(text, sources=Sources(read_list=gone))


def test_decimals_that_are_known_to_be_others_are_refused() -> None:
    known = {USDC.address: Token("USDC", USDC.address, 18)}
    with pytest.raises(PolicyError, match="has 18 decimals, not 6"):
        load(PAYROLL, sources=Sources(tokens=known))


def test_a_policy_that_no_contract_can_hold_is_refused() -> None:
    people = ", ".join(f'"{checksum(keccak(bytes([n // 256, n % 256]))[:20])}"' for n in range(800))
    error = refused(changed("[ines, jon, kim, lea, max]", f"[{people}]"))
    assert "no policy code can hold" in error.problem


@pytest.mark.parametrize("text", [PAYROLL, TREASURER], ids=["payroll", "treasurer"])
def test_the_frozen_document_reads_the_same(text: str) -> None:
    policy = load(text)
    again = load(policy.content.decode())
    assert again.document_hash == policy.document_hash
    assert encode(again) == encode(policy)


WORDS = [
    *("name", "valid", "budgets", "rules", "call", "on", "where", "charge", "income", "equals", "cap", "one of"),
    *("at most", "empty", "anything", "yes", "no", "0", "-1", "ETH", "USDC", "ines", "value", "[]", "{}", "[[]]"),
    *("{a: b}", "~", "0x", "1e9", "f()", "f((uint256 a)[] b)", "f(bytes x)", "1 day", "everything else"),
]


def _damaged(random: Random, text: str) -> str:
    """A document with a line moved, a word changed or a letter replaced."""
    lines = text.split("\n")
    at = random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, random.choice(lines))
        case 2:
            words = lines[at].split(" ")
            words[random.randrange(len(words))] = random.choice(WORDS)
            lines[at] = " ".join(words)
        case 3:
            lines[at] = f"{lines[at].partition(': ')[0]}: {random.choice(WORDS)}"
        case _:
            place = random.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + random.choice("{}[]:,'\"&*!|>%@`-?0\u202e ") + lines[at][place + 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize("read_back", [False, True])
def test_damaged_documents_are_refused_or_compile(read_back: bool) -> None:
    random, compiled = Random(4), 0
    for _ in range(int(os.environ.get("MANDATE_DOCUMENT_CASES", "150"))):
        text = _damaged(random, random.choice([PAYROLL, TREASURER]))
        policy, refusal = _loaded(text, read_back)
        if refusal is not None:
            assert all("\n" not in str(problem) for problem in refusal.problems)
        if policy is not None:
            compiled += 1
            assert pack(decode(encode(policy))) == encode(policy)
            assert read_back or encode(load(policy.content.decode())) == encode(policy)
    assert compiled


def _loaded(text: str, read_back: bool) -> tuple[PolicyDocument | None, PolicyError | None]:
    try:
        return load(text, read_back=read_back), None
    except PolicyError as refusal:
        return None, refusal


# Read back from the chain


def _bare(policy: PolicyDocument) -> PolicyDocument:
    """Without what the code doesn't hold: labels, comments and text."""
    code = decode(encode(policy))
    return load(document_of(code), read_back=True)


@settings(max_examples=int(os.environ.get("MANDATE_DOCUMENT_CASES", "150")), deadline=None)
@given(policies())
def test_any_code_reads_back_as_a_document_with_the_same_code(code: PolicyCode) -> None:
    assert encode(load(document_of(code), read_back=True)) == pack(code)


@pytest.mark.parametrize("text", [PAYROLL, TREASURER], ids=["payroll", "treasurer"])
def test_a_document_comes_back_from_its_code_without_labels_and_comments(text: str) -> None:
    policy = load(text)
    functions = {rule.function.selector: rule.function for rule in policy.rules if rule.function}
    tokens = {token.address: token for token in policy.tokens}
    names = {address: name for name, address in policy.addresses}
    written = document_of(decode(encode(policy)), name=policy.name, names=names, tokens=tokens, functions=functions)
    again = load(written, read_back=True)
    assert encode(again) == encode(policy)
    assert again.name == policy.name
    assert sorted(again.budgets, key=lambda one: one.name) == sorted(policy.budgets, key=lambda one: one.name)
    assert {rule.function for rule in again.rules} == {rule.function for rule in policy.rules}
    assert again.tokens == policy.tokens
    assert set(again.addresses) <= set(policy.addresses)
    assert _bare(again).rules == _bare(policy).rules


def test_foreign_code_is_not_written_by_hand() -> None:
    code = decode(encode(load(TREASURER)))
    error = refused(document_of(code))
    assert any("hash of its content" in one.problem for one in error.problems)
    assert any("selector alone" in one.problem for one in error.problems)
    warned = load(document_of(code), read_back=True).warnings
    assert any("selector alone" in one.problem for one in warned)


@settings(max_examples=50, deadline=None)
@given(policies(), st.text(max_size=40), st.text(max_size=20))
def test_lent_names_can_not_change_what_is_read(code: PolicyCode, name: str, symbol: str) -> None:
    names = {code.agent: name, code.operator: name, **{rule.target: name for rule in code.rules}}
    tokens = {budget.asset: Token(symbol, budget.asset, 6) for budget in code.budgets}
    assert encode(load(document_of(code, name=name, names=names, tokens=tokens), read_back=True)) == pack(code)


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
    assert limit % 10**exponent == instant % 10**exponent == 0
    assert 16 * (limit // 10**exponent) <= 2**28 - 1
    assert exponent == 0 or 16 * (limit // 10 ** (exponent - 1)) > 2**28 - 1
    units.check_exponent(limit, instant, exponent)


@pytest.mark.parametrize(
    ("limit", "exponent"), [(1, 0), (16_777_215, 0), (16_777_220, 1), (12 * 10**9, 3), (5 * 10**18, 12), (10**77, 70)]
)
def test_the_smallest_unit_with_room_is_chosen(limit: int, exponent: int) -> None:
    assert units.choose_exponent(limit, 0) == exponent


def test_a_unit_that_is_too_small_names_the_least_that_is_not() -> None:
    units.check_exponent(2**28 - 1, 0, 0)
    with pytest.raises(units.UnitTooSmall) as small:
        units.check_exponent(2**28, 0, 0)
    assert small.value.least == 1
    with pytest.raises(units.InexactLimit):
        units.check_exponent(15, 0, 1)


def test_what_people_write_is_what_the_chain_holds() -> None:
    for amount, decimals in ((12_000, 6), (5, 18), (1, 0), (999, 18), (10_000_000, 18)):
        assert units.choose_exponent(amount * 10**decimals, 0) <= decimals


def test_a_limit_that_the_unit_does_not_hold_names_the_nearest_two_and_a_finer_unit() -> None:
    assert refused(changed("12,000 USDC", "26,000.00012 USDC")).suggestion == "write 26,000 USDC or 26,000.01 USDC"
    finer = changed("limit: 12,000 USDC", "limit: 26,000.0001 USDC\n    unit: 0.0001 USDC")
    assert load(finer).budgets[0].exponent == 2
    inexact = refused(changed("limit: 12,000 USDC", "limit: 26,000.0001 USDC"))
    assert "or write `unit: 0.0001 USDC`" in inexact.suggestion


# Two demands that one rise of a token answers

TWO_DEMANDS = """\
version: 1
name: two demands
agent: "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4"
operator: "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"
valid: {from: 2026-11-01T00:00Z, until: 2027-11-01T00:00Z}
cooldown: none
objection: {delay: none, release within: none, threshold: 5 %}
tokens:
  USDC: {address: "0x5c0000000000000000000000000000000000dEAD", decimals: 6}
  EURC: {address: "0x6D00000000000000000000000000000000000001", decimals: 6}
  WETH: {address: "0x6e00000000000000000000000000000000000001", decimals: 18}
addresses: {pool: "0x8B00000000000000000000000000000000000001"}
budgets:
  dollars: {limit: "100 USDC", period: 6 days, without objection: "100 USDC", measured: yes}
  second: {limit: "100 EURC", period: 6 days, without objection: "100 EURC", measured: yes}
rules:
  - call: swapBoth(uint256 first, uint256 other)
    on: pool
    charge: {dollars: first, second: other}
    income: {dollars: at least 0.0003 WETH per USDC, second: at least 0.0003 WETH per EURC}
"""
ANSWERS_BOTH = "the WETH that comes in answers this demand and that of dollars at once"


def demands(text: str) -> list[str]:
    return [one.problem for one in load(text).warnings if "answers this demand" in one.problem]


def test_one_rise_that_answers_two_demands_is_a_warning() -> None:
    """The module compares each demand with the whole rise: 0.03 WETH for 100 USDC and 100 EURC, not 0.06."""
    (said,) = demands(TWO_DEMANDS)
    assert said.startswith(ANSWERS_BOTH)
    policy = decode(encode(load(TWO_DEMANDS)))
    assert [income.least(100_000_000) for income in policy.rules[0].incomes] == [3 * 10**16] * 2
    apart = TWO_DEMANDS.replace("second: at least 0.0003 WETH per EURC", "second: at least 0.9 USDC per EURC")
    assert apart != TWO_DEMANDS
    assert demands(apart) == []


def test_two_budgets_that_count_the_same_outflow_need_no_such_warning() -> None:
    same = TWO_DEMANDS.replace('"100 EURC"', '"100 USDC"').replace("per EURC", "per USDC")
    assert demands(same) == []  # whatever leaves counts against both
    claimed = same.replace(", measured: yes", "")
    assert [said.startswith(ANSWERS_BOTH) for said in demands(claimed)] == [True]  # each counts its own argument
    both = claimed.replace("second: other}", "second: first}").replace(
        "    income", "    where: {other: {at most: 1}}\n    income"
    )
    assert both.count("first") == 3
    assert demands(both) == []


def test_a_token_that_is_demanded_twice_for_one_budget_is_refused() -> None:
    twice = TWO_DEMANDS.replace(
        "at least 0.0003 WETH per USDC", "[at least 0.0003 WETH per USDC, at least 0.0002 WETH per USDC]"
    )
    assert refused(twice).problem == "dollars demands WETH twice, and only the higher counts"
