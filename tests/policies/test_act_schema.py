# SPDX-License-Identifier: Apache-2.0
"""Whatever the schema lets a model write, the policy's clauses permit; and what it does not, the reader refuses."""

import copy
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.llm.answer_schema import problems
from policies.answer.act_schema import NotAnAct, act_schema, read_act
from policies.answer.evaluate import Mode, PolicyState, Refused, evaluate
from policies.answer.filled import filled, input_name
from policies.answer.form import form, gauges
from policies.answer.state_after import performed
from policies.code.policy_code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.code.signatures import parse_function
from policies.notation.amounts import Token
from policies.notation.number_pattern import numbers_pattern
from policies.notation.primitives import checksum
from tests.policies.strategies import AGENT, OPERATOR, START_S, policies

TOKEN = Token("USDC", b"\x70" * 20, 6)
PEOPLE = (b"\x11" * 20, b"\x22" * 20)
TRANSFER = parse_function("transfer(address to, uint256 amount)")
MANY = parse_function("payMany((address to, uint256 amount)[] payments, bytes memo, bool urgent)")
FUNCTIONS = {TRANSFER.selector: TRANSFER, MANY.selector: MANY}
# Whether there is room, and when: all that the schema can't know.
LEFT_OPEN = {"OverBudget", "OverInstant", "OverCap", "Cooling", "NotStarted", "Ended", "BadTime"}


def pay_policy() -> PolicyCode:
    """At most 5,000 USDC a call, 12,000 in a day, to one of two people; or to many of them at once."""
    budget = Budget(Scope.POLICY, TOKEN.address, 6, 86_400, 6_000, 12_000, b"pay".ljust(32, b"\0"))
    one = Rule(
        TOKEN.address, TRANSFER.selector, False, True, 2,
        (Clause(0, Kind.IN_LIST, 0), Clause(1, Kind.AT_MOST, 5_000 * 10**6)), (Charge(0, Source.ARGUMENT, 1),),
    )  # fmt: skip
    many = Rule(
        TOKEN.address, MANY.selector, False, False, 3,
        (Clause(0, Kind.IN_LIST, 0), Clause(0, Kind.AT_MOST, 3, 2), Clause(1, Kind.AT_MOST, 8)),
        (Charge(0, Source.ARGUMENT, 0, 1),), False, MANY.dynamics,
    )  # fmt: skip
    people = tuple(int.from_bytes(person, "big") for person in PEOPLE)
    return PolicyCode(
        AGENT, OPERATOR, START_S, (START_S // 3600 + 1000) * 3600, 0, 1, 1, 500, bytes(32), (budget,), (people,),
        tuple(sorted((one, many), key=lambda rule: rule.key)),
    )  # fmt: skip


def written(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """JSON in the schema, as a server that obeys it would let a model write."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([written(option) for option in schema["anyOf"]])
    if schema["type"] == "object":
        return st.fixed_dictionaries({name: written(part) for name, part in schema["properties"].items()})
    if schema["type"] == "array":
        most = min(schema["maxItems"], schema["minItems"] + 3)
        return st.lists(written(schema["items"]), min_size=schema["minItems"], max_size=most)
    return matching(schema["pattern"])


def matching(pattern: str) -> st.SearchStrategy[str]:
    """Text that an anchored pattern of numbers, or of so many bytes, matches (Hypothesis' own takes minutes)."""
    if of_bytes := re.fullmatch(r"\^0x\(\[0-9a-f\]\{2\}\)\{(\d+),(\d+)\}\$", pattern):
        least, most = map(int, of_bytes.groups())
        return st.integers(least, min(most, least + 3)).map(lambda size: "0x" + "ab" * size)
    return st.sampled_from(pattern.removeprefix("^(").removesuffix(")$").split("|")).flatmap(_number)


def _number(part: str) -> st.SearchStrategy[str]:
    digits = []
    for low, high, literal, least, most in re.findall(r"(?:\[(\d)-(\d)\]|(\d))(?:\{(\d+)(?:,(\d+))?\})?", part):
        one = st.integers(int(low or literal), int(high or literal)).map(str)
        count = int(least or 1)
        digits.append(st.lists(one, min_size=count, max_size=int(most or count)).map("".join))
    return st.tuples(*digits).map("".join)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies(), st.data())
def test_what_is_written_in_the_schema_the_clauses_permit(policy: PolicyCode, data: st.DataObject) -> None:
    schema = act_schema(policy, {}, most_calls=2)
    assume(schema["properties"]["calls"]["items"]["anyOf"])
    act = data.draw(written(schema))
    assert problems(act, schema) == []
    try:
        calls = read_act(policy, {}, act, most_calls=2)
    except (
        NotAnAct
    ) as error:  # what no schema can say: a hash, a number of rows or bytes between two that are permitted
        known = ("the rule names the hash", "bytes are not permitted", "a list of")
        if not any(text in error.problem for text in known):
            raise
        return
    state = PolicyState(bytes(32), 1, 0, 0, policy.end_s, paused=False)
    answer = evaluate(policy, state, calls, policy.start_s, Mode.EXECUTE)
    if isinstance(answer, Refused):
        assert {reason.error for reason in answer.reasons} <= LEFT_OPEN


def test_says_recipients_amounts_and_nothing_else() -> None:
    schema = act_schema(pay_policy(), FUNCTIONS)
    options = schema["properties"]["calls"]["items"]["anyOf"]
    arguments = next(o for o in options if "transfer" in o["properties"]["rule"]["const"])["properties"]["arguments"]
    assert arguments["properties"]["to"] == {"enum": [checksum(person) for person in PEOPLE]}
    pattern = re.compile(arguments["properties"]["amount"]["pattern"])
    assert pattern.search("5000000000")
    for wrong in ("5000000001", "05", "-1", "1e3", "5000000000 ", "", "1.5"):
        assert pattern.search(wrong) is None
    payments = next(o for o in options if "payMany" in o["properties"]["rule"]["const"])["properties"]["arguments"]
    assert payments["properties"]["payments"]["maxItems"] == 3
    assert set(payments["properties"]["payments"]["items"]["properties"]) == {"to", "amount"}


GOOD = {
    "calls": [
        {
            "rule": f"1: transfer on {checksum(TOKEN.address)}",
            "arguments": {"to": checksum(PEOPLE[0]), "amount": "1000000"},
        },
        {
            "rule": f"2: payMany on {checksum(TOKEN.address)}",
            "arguments": {
                "payments": [{"to": checksum(PEOPLE[1]), "amount": "5"}],
                "memo": "0x6869",
                "urgent": True,
            },
        },
    ]
}


def in_order() -> dict[str, Any]:
    """GOOD with the labels of the policy's own order."""
    labels = {
        option["properties"]["rule"]["const"].partition(": ")[2]: option["properties"]["rule"]["const"]
        for option in act_schema(pay_policy(), FUNCTIONS)["properties"]["calls"]["items"]["anyOf"]
    }
    act = copy.deepcopy(GOOD)
    for call in act["calls"]:
        call["rule"] = labels[call["rule"].partition(": ")[2]]
    return act


def test_reads_an_act_into_the_calls_it_means() -> None:
    from eth_abi import encode

    one, many = read_act(pay_policy(), FUNCTIONS, in_order())
    to = checksum(PEOPLE[0])
    assert one.data == TRANSFER.selector + encode(["address", "uint256"], [to, 10**6])
    types = ["(address,uint256)[]", "bytes", "bool"]
    assert many.data == MANY.selector + encode(types, [[(checksum(PEOPLE[1]), 5)], b"hi", True])
    assert (one.value_wei, one.to) == (0, TOKEN.address)


def change(path: str, value: Any) -> dict[str, Any]:
    act = in_order()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    here: Any = act
    for part in parents:
        here = here[part]
    here[last] = value
    return act


@pytest.mark.parametrize(
    ("act", "path"),
    [
        (None, "$"),
        ({"calls": []}, "$.calls"),
        ({"calls": [{}]}, "$.calls[0].rule"),
        (change("more", 1), "$"),
        (change("calls/0/rule", "9: anything"), "$.calls[0].rule"),
        (change("calls/0/value_wei", "1"), "$.calls[0]"),
        (change("calls/0/arguments/to", checksum(b"\x33" * 20)), "$.calls[0].arguments.to"),
        (change("calls/0/arguments/to", checksum(PEOPLE[0]).lower() + "0"), "$.calls[0].arguments.to"),
        (change("calls/0/arguments/amount", 1_000_000), "$.calls[0].arguments.amount"),
        (change("calls/0/arguments/amount", "5000000001"), "$.calls[0].arguments.amount"),
        (change("calls/0/arguments/amount", "1e3"), "$.calls[0].arguments.amount"),
        (change("calls/1/arguments/payments", []), "$.calls[1].arguments.payments"),
        (change("calls/1/arguments/payments/0/amount", "-1"), "$.calls[1].arguments.payments[0].amount"),
        (change("calls/1/arguments/payments/0/more", "1"), "$.calls[1].arguments.payments[0]"),
        (change("calls/1/arguments/memo", "0x" + "00" * 9), "$.calls[1].arguments.memo"),
        (change("calls/1/arguments/memo", "hi"), "$.calls[1].arguments.memo"),
        (change("calls/1/arguments/urgent", 1), "$.calls[1].arguments.urgent"),
    ],
)
def test_refuses_what_no_schema_lets_through(act: Any, path: str) -> None:
    with pytest.raises(NotAnAct) as error:
        read_act(pay_policy(), FUNCTIONS, act)
    assert error.value.path == path
    assert problems(act, act_schema(pay_policy(), FUNCTIONS)) != []


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)).map(sorted), min_size=1, max_size=3))
def test_a_pattern_matches_exactly_its_numbers(intervals: list[list[int]]) -> None:
    pattern = re.compile(numbers_pattern([(low, high) for low, high in intervals]))
    for number in range(3_100):
        assert bool(pattern.search(str(number))) == any(low <= number <= high for low, high in intervals)
    assert pattern.search("00") is None


def test_llama_cpp_makes_a_grammar_of_it() -> None:
    """The embedded server is asked in this schema; a keyword that it does not know would raise here."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="the embedded model server is not installed")
    grammar = xllamacpp.json_schema_to_grammar(json.dumps(act_schema(pay_policy(), FUNCTIONS)))
    assert checksum(PEOPLE[0]) in str(grammar)


def test_the_form_asks_for_what_the_rules_leave_open() -> None:
    rules = form(pay_policy(), FUNCTIONS, {TOKEN.address: TOKEN}, {PEOPLE[0]: "ines"})
    to, amount = next(rule for rule in rules if "transfer" in rule.rule).fields
    assert (to.kind, to.choices[0]) == ("choice", (checksum(PEOPLE[0]), f"ines ({checksum(PEOPLE[0])})"))
    assert (amount.kind, amount.least, amount.most_text) == ("amount", 0, "5,000 USDC")
    payments = next(rule for rule in rules if "payMany" in rule.rule).fields
    assert [(field.label, field.kind, field.rows) for field in payments] == [
        ("payments: to", "choice", (1, 3)),
        ("payments: amount", "amount", (1, 3)),
        ("memo", "bytes", (1, 1)),
        ("urgent", "yes or no", (1, 1)),
    ]


def test_gauges_follow_what_is_spent() -> None:
    policy = pay_policy()
    state = PolicyState(bytes(32), 1, 0, 0, policy.end_s, paused=False)
    (full,) = gauges(policy, state, START_S)
    assert (full.spent, full.level, full.next_return_s) == (0, "at once", None)
    (some,) = gauges(policy, performed(policy, state, {0: 6_000}, START_S), START_S + 1)
    assert (some.spent, some.left_at_once, some.left) == (6_000 * 10**6, 0, 6_000 * 10**6)
    assert some.level == "after an objection window"
    assert some.next_return_s is not None
    assert START_S + 86_400 <= some.next_return_s <= START_S + 86_400 * 8 // 7 + 8
    (empty,) = gauges(policy, performed(policy, state, {0: 12_000}, START_S), START_S + 1)
    assert empty.level == "empty"
    (back,) = gauges(policy, replace(state, rings={}), some.next_return_s)
    assert back.level == "at once"


def test_a_fixed_value_in_a_list_of_exactly_one_row_is_filled_in_without_being_asked_for() -> None:
    code = pay_policy()
    many = next(rule for rule in code.rules if rule.selector == MANY.selector)
    one_row = replace(many, clauses=(many.clauses[0], Clause(0, Kind.EQUAL, 1, 2), many.clauses[2]))
    only = replace(code, rules=(one_row,), lists=(code.lists[0][:1],))
    (shape,) = form(only, FUNCTIONS, {TOKEN.address: TOKEN}, {})
    (to,) = [field for field in shape.fields if field.is_fixed]
    given = {
        field.key: {"amount": "5 USDC", "bytes": "0x", "choice": "True"}.get(field.kind, "True")
        for field in shape.fields
    }
    values = {input_name(0, key): text for key, text in given.items() if key != to.key}
    act = filled(only, FUNCTIONS, {TOKEN.address: TOKEN}, [0], values)
    assert act["calls"][0]["arguments"]["payments"] == [{"to": checksum(PEOPLE[0]), "amount": "5000000"}]
    assert read_act(only, FUNCTIONS, act)
