# SPDX-License-Identifier: Apache-2.0
"""Of every function outside a short list it is said, wherever a rule or a number is shown, that its end isn't known."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.code.document_model import Sources
from policies.code.encoding import decode, encode
from policies.code.policy_code import Budget, Charge, Income, Rule, Scope, Source
from policies.code.signatures import parse_function
from policies.code.standing_effects import UNBOUNDED
from policies.code.understood import APPROVAL, UNDERSTOOD
from policies.document.document import PolicyDocument, load
from policies.notation.amounts import Token
from policies.notation.primitives import selector
from policies.notation.problems import PolicyError
from policies.words.diff import diff
from policies.words.explain import caveat, explain, not_known_to_end
from policies.words.wording import Vocabulary
from tests.policies.maker import Maker
from tests.policies.targets import compiled_targets

SENTENCE = "it is not known whether its effect ends with the act"
TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
DOCUMENT = """
version: 1
name: kinds
agent: "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4"
operator: "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"
valid: {from: 2026-12-01T00:00Z, until: 2027-06-01T00:00Z}
cooldown: 1 hour
objection: {delay: 2 days, release within: 5 days, threshold: 3 %}
tokens:
  USDCx: {address: "0x1BA8603DA702602A8657980e825A6DAa03Dee93a", decimals: 18}
addresses:
  target: "0xcfA132E353cB4E398080B9700609bb008eceB125"
  one: "0xb8c2C29ee19D8307cb7255e1Cd9CbDE883A267d5"
budgets:
  payroll: {limit: 1 USDCx, period: 6 days, without objection: 1 USDCx, measured: yes}
  gas: {limit: 1 ETH, period: 6 days, without objection: 1 ETH, measured: yes}
rules:
"""
# What the function is called, with all its arguments; where it is called; and what a budget counts of it.
OUTSIDE = [
    ("beginPlan(address token, address receiver, int128 much)", "target", ""),
    ("push(address reporter, uint256 points)", "target", ""),
    ("setText(bytes32 node, address about, uint64 ttl)", "target", ""),
    ("depositAndBegin(uint256 amount, address to, uint208 each)", "target", "payroll: amount"),
    ("submit(address referral)", "USDCx", "gas: value"),
    ("renew(string name, uint256 duration)", "target", "gas: value"),
    ("castVote(uint256 proposalId, uint8 support)", "target", ""),
    ("open(uint256 amount)", "target", "payroll: amount"),
    ("upgrade(uint256 amount)", "USDCx", "payroll: amount"),
    ("push(address usr, uint256 wad)", "USDCx", "payroll: wad"),
    ("deposit(uint256 assets, address receiver)", "target", "payroll: assets"),
    ("deposit()", "target", "gas: value"),
    ("withdraw(uint256 amount)", "target", ""),
    ("deposit(uint256 assets, address receiver, uint256 lock)", "USDCx", "payroll: assets"),
    ("redeem(uint256 shares)", "USDCx", "payroll: shares"),
]  # fmt: skip
INSIDE = [
    ("transfer(address to, uint256 amount)", "payroll: amount"),
    ("deposit(uint256 assets, address receiver)", "payroll: assets"),
    ("mint(uint256 shares, address receiver)", ""),
    ("withdraw(uint256 assets, address receiver, address owner)", ""),
    ("redeem(uint256 shares, address receiver, address owner)", "payroll: shares"),
    ("deposit()", "gas: value"),
    ("withdraw(uint256 amount)", ""),
]


def rule(call: str, target: str, charge: str) -> str:
    leaves = [leaf.path.removesuffix(".hash") for leaf in parse_function(call).leaves if ".length" not in leaf.path]
    charged = charge.partition(": ")[2]
    where = ", ".join(f"{path}: anything" for path in leaves if path != charged)
    return (
        f'  - call: "{call}"\n    on: {target}\n'
        + (f"    where: {{{where}}}\n" if where else "")
        + (f"    charge: {{{charge}}}\n" if charge else "    charges: nothing\n")
    )


def document(*rules: str) -> PolicyDocument:
    return load(DOCUMENT + "".join(rules))


def sentences(policy: PolicyDocument) -> list[str]:
    return explain(decode(encode(policy)), {}, {}, document=policy)


def worst(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("Worst case for")]


@pytest.mark.parametrize(("call", "target", "charge"), OUTSIDE)
def test_of_a_function_outside_the_list_it_is_said_everywhere(call: str, target: str, charge: str) -> None:
    policy = document(rule(call, target, charge))
    lines = sentences(policy)
    assert next(line for line in lines if line.startswith("It may ")).endswith(f"{SENTENCE}.")
    assert sum(line.startswith("NOT KNOWN TO END, under the rule above: ") and SENTENCE in line for line in lines) == 1
    assert len(worst(lines)) == 2
    assert all(", true only if the effect of the only rule ends with the act" in line for line in worst(lines))
    beyond = "but what calls under the only rule begin, or allow others to do (as a subscription goes on taking money)"
    assert any(
        line.startswith(f"Every other call is impossible for the agent, whatever anybody tells it; {beyond}")
        for line in lines
    )
    assert [warning.problem for warning in policy.warnings if SENTENCE in warning.problem] == [
        f"of `{parse_function(call).name}` {SENTENCE}: what goes on after it counts against no budget"
    ]


@pytest.mark.parametrize(
    ("call", "charge"),
    [
        ("setFlowrate(address token, address receiver, int96 flowrate)", ""),
        ("setDelegate(bytes32 id, address delegate)", ""),
        ("setRecord(bytes32 node, address owner, address resolver, uint64 ttl)", ""),
        ("create(address sender, address recipient, uint128 ratePerSecond, address token, bool transferable)", ""),
        ("depositAndCreate(uint256 amount, address to, uint216 amountPerSec)", "payroll: amount"),
    ],
)
def test_what_is_known_to_go_on_is_refused_and_no_number_is_said_of_it(call: str, charge: str) -> None:
    with pytest.raises(PolicyError, match="no budget bounds it"):
        document(rule(call, "target", charge))


@pytest.mark.parametrize(("call", "charge"), INSIDE)
def test_of_a_function_in_the_list_it_is_not_said(call: str, charge: str) -> None:
    policy = document(rule(call, "USDCx", charge))
    assert not any("not known" in line.lower() or "true only if" in line for line in sentences(policy))
    assert not any("not known" in warning.problem for warning in policy.warnings)
    for_shares = call.startswith(("deposit(uint256", "mint"))  # of a token that no budget here counts
    assert (
        any(line.startswith("NOT COUNTED, under the rule above: the call takes another") for line in sentences(policy))
        is for_shares
    )
    assert (
        "Everything else is impossible for the agent, whatever anybody tells it." in sentences(policy)
    ) is not for_shares


@pytest.mark.parametrize(("call", "charge"), INSIDE)
def test_the_list_counts_for_known_tokens_alone(call: str, charge: str) -> None:
    """The same code, read by somebody who doesn't know the token: the contract may be anything."""
    code = decode(encode(document(rule(call, "USDCx", charge))))
    lines = explain(code, {}, {})
    assert sum(SENTENCE in line for line in lines) == 2
    assert all("true only if" in line for line in worst(lines))


@pytest.mark.parametrize(
    ("call", "charge"),
    [
        ("mint(uint256 shares, address receiver)", ""),
        ("mint(uint256 shares, address receiver)", "payroll: shares"),
        ("mint(uint256 shares, address receiver)", "usd: shares"),
        ("deposit(uint256 assets, address receiver)", ""),
        ("deposit(uint256 assets, address receiver)", "payroll: assets"),
    ],
)
def test_what_a_vault_takes_of_a_token_that_is_not_measured_is_left_out_of_no_number_in_silence(call, charge):
    """The vault's own token is measured; what it takes may be USD, of which a budget counts transfers only."""
    text = DOCUMENT.replace(
        "addresses:", '  USD: {address: "0x2222222222222222222222222222222222222223", decimals: 6}\naddresses:'
    )
    text = text.replace("  gas: ", "  usd: {limit: 9 USD, period: 6 days, without objection: 9 USD}\n  gas: ")
    vault, pay = rule(call, "USDCx", charge), rule("transfer(address to, uint256 amount)", "USD", "usd: amount")
    lines = sentences(load(text + vault + pay))
    which = next(line.partition(":")[0].lower() for line in lines if "on the token USDCx" in line)
    assert len(worst(lines)) == 3
    assert all(f"leaving out what {which} lets happen, which no budget bounds" in line for line in worst(lines))
    assert sum(line.startswith(f"NOT COUNTED, under {which}: the call takes another token") for line in lines) == 1
    measured = load(text.replace("9 USD}", "9 USD, measured: yes}") + vault + pay)
    assert not any("leaving out" in line for line in sentences(measured))
    assert all("true only if what is taken for shares by" in line for line in worst(sentences(measured)))


def test_a_deposit_that_counts_what_it_takes_leaves_nothing_out():
    text = DOCUMENT.replace(
        "addresses:", '  USD: {address: "0x2222222222222222222222222222222222222223", decimals: 6}\naddresses:'
    )
    text = text.replace("  gas: ", "  usd: {limit: 9 USD, period: 6 days, without objection: 9 USD}\n  gas: ")
    vault = rule("deposit(uint256 assets, address receiver)", "USDCx", "usd: assets")
    lines = sentences(load(text + vault))
    assert not any("leaving out" in line for line in lines)
    assert all(
        "true only if what is taken for shares by the only rule is the token USD" in line for line in worst(lines)
    )


def test_a_transfer_beside_a_vote_is_as_uncertain_as_the_vote() -> None:
    """One rule pays and is understood; what the other begins could take from the very same budget's token."""
    policy = document(
        rule("transfer(address to, uint256 amount)", "USDCx", "payroll: amount"),
        rule("castVote(uint256 proposalId, uint8 support)", "target", ""),
    )
    lines = sentences(policy)
    assert [line.endswith(f"{SENTENCE}.") for line in lines if line.startswith("Rule ")] == [False, True]
    assert all(
        "the effect of rule 2 ends with the act and takes no more than is counted" in line for line in worst(lines)
    )
    assert sum("NOT KNOWN TO END, under rule 2: " in line for line in lines) == 1


def test_many_rules_share_one_sentence() -> None:
    three = (f"vote{number}(uint256 proposalId)" for number in range(3))
    lines = sentences(document(*(rule(call, "target", "") for call in three)))
    assert sum(line.startswith("NOT KNOWN TO END, under rules 1, 2 and 3: ") for line in lines) == 1
    assert sum("NOT KNOWN" in line for line in lines) == 1


def test_whoever_lends_the_signature() -> None:
    call = "beginPlan(address token, address receiver, int128 much)"
    function = parse_function(call)
    inputs = [{"name": one.name, "type": one.type} for one in function.arguments]
    abi = [{"type": "function", "name": "beginPlan", "inputs": inputs}]
    by_abi = DOCUMENT + rule(call, "target", "").replace(f'"{call}"', "beginPlan\n    abi: flows")
    policies = (document(rule(call, "target", "")), load(by_abi, sources=Sources(abis={"flows": abi})))
    tokens = {token.address: token for token in policies[0].tokens}
    for policy in policies:
        code = decode(encode(policy))
        for functions in ({}, {function.selector: function}):
            lines = explain(code, {}, tokens, functions)
            assert sum(SENTENCE in line for line in lines) == 2
            assert all("true only if" in line for line in worst(lines))


def test_every_act_without_data_sends_ether_or_is_not_known() -> None:
    ether = Budget(Scope.POLICY, bytes(20), 15, 86_400, 1, 1, b"tips".ljust(32, b"\0"))
    code = replace(
        decode(encode(document(rule("castVote(uint256 proposalId, uint8 support)", "target", "")))), budgets=(ether,)
    )
    send = Rule(b"\1" * 20, bytes(4), True, False, 0, (), (Charge(0, Source.VALUE, 0),))
    assert not_known_to_end(replace(code, rules=(send,)), Vocabulary()) == ()
    assert not_known_to_end(replace(code, rules=(send, replace(send, charges=()))), Vocabulary()) == (2,)


def test_what_no_budget_bounds_is_left_out_of_no_worst_case_in_silence() -> None:
    """Code that nobody can write here: an allowance that stays, and a transfer that charges nothing."""
    paid = rule("transfer(address to, uint256 amount)", "USDCx", "payroll: amount")
    code = decode(encode(document(paid)))
    (pay,) = code.rules
    words = Vocabulary({}, {pay.target: Token("USDCx", pay.target, 18)})
    plain = replace(code, budgets=tuple(replace(budget, measured=False) for budget in code.budgets))
    approve = replace(pay, selector=selector("approve(address,uint256)"), charges=())
    assert caveat(plain, words) == ""
    for rules in ((pay, approve), (pay, replace(pay, charges=()))):
        assert caveat(replace(plain, rules=rules), words) == (
            "leaving out what rule 2 lets happen, which no budget bounds"
        )
    assert caveat(replace(code, rules=(pay, replace(pay, charges=()))), words) == ""  # measured: it counts
    stranger = replace(pay, selector=b"\1\2\3\4")
    assert caveat(replace(code, rules=(approve, stranger)), words) == (
        "true only if the effect of rule 2 ends with the act and takes no more than is counted, which is not known, "
        "leaving out what rule 1 lets happen, which no budget bounds"
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_no_worst_case_is_said_without_its_condition(seed: int) -> None:
    policy = Maker(seed).policy()
    lines = explain(policy, {}, {})
    numbers = not_known_to_end(policy, Vocabulary())
    assert all(("true only if" in line) == bool(numbers) for line in worst(lines))
    rules = [line for line in lines if line.startswith(("It may", "Rule "))]
    assert [number for number, line in enumerate(rules, 1) if line.endswith(f"{SENTENCE}.")] == list(numbers)


def test_the_list_is_made_of_standards_as_they_are_compiled() -> None:
    abis = [*compiled_targets()["TestVault"]["abi"], *compiled_targets()["TestWeth"]["abi"]]
    signatures = {
        f"{entry['name']}({','.join(one['type'] for one in entry['inputs'])})": len(entry["inputs"])
        for entry in abis
        if entry["type"] == "function"
    }
    weth9 = {"deposit()": 0, "withdraw(uint256)": 1}  # of the contract at the source; none is compiled here
    for one in (*UNDERSTOOD, APPROVAL):
        assert {**signatures, **weth9}[one.signature] == one.words
        assert one.why
        assert one.source
    known = {keccak(text=signature)[:4] for signature in UNBOUNDED}
    assert not known & {keccak(text=one.signature)[:4] for one in UNDERSTOOD}


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.yaml")))
def test_templates_say_it_where_they_call_what_is_not_in_the_list(template: str) -> None:
    said = {"metagovernance.yaml": [1, 2, 3], "streams.yaml": [2], "swaps.yaml": [2]}
    file = TEMPLATES / template
    policy = load(file.read_text())
    answer = StringIO()
    call_command("policy", "explain", str(file), "--json", stdout=answer)
    assert json.loads(answer.getvalue())["rules_not_known_to_end"] == said.get(template, [])
    lines = sentences(policy)
    assert sum(SENTENCE in line for line in json.loads(answer.getvalue())["sentences"]) == sum(
        SENTENCE in line for line in lines
    )
    assert sum(SENTENCE in line for line in lines) == len(said.get(template, [])) + bool(template in said)


def test_each_number_of_a_simulation_has_its_condition() -> None:
    for template, condition in (
        ("swaps.yaml", "true only if the effect of rule 2 ends with the act"),
        ("yield.yaml", "true only if what is taken for shares by rule 2 is the token USDC"),
        ("payroll.yaml", ""),
    ):
        plain, machine = StringIO(), StringIO()
        call_command("policy", "simulate", str(TEMPLATES / template), "--days", "2", stdout=plain)
        call_command("policy", "simulate", str(TEMPLATES / template), "--days", "2", "--json", stdout=machine)
        assert all(("true only if" in line) == bool(condition) for line in plain.getvalue().splitlines())
        assert all(condition in line for line in plain.getvalue().splitlines())
        budgets = json.loads(machine.getvalue())["budgets"]
        assert all(budget["caveat"].startswith(condition) for budget in budgets)
        assert all(bool(budget["caveat"]) == bool(condition) for budget in budgets)


def test_a_difference_ends_with_the_rules_of_which_it_is_not_known() -> None:
    pay = rule("transfer(address to, uint256 amount)", "USDCx", "payroll: amount")
    stream = rule("beginPlan(address token, address receiver, int128 much)", "target", "")
    before, after = document(pay), document(pay, stream)
    tokens = {token.address: token for token in before.tokens}
    functions = {one.function.selector: one.function for one in after.rules if one.function}
    changes = [str(change) for change in diff(decode(encode(before)), decode(encode(after)), {}, tokens, functions)]
    assert changes[-1] == (
        f"other: Of a call under rule 2 of the new policy {SENTENCE}: if it does not, more may leave the treasury than "
        "any limit says."
    )
    assert any(change.startswith("wider: Not permitted") and change.endswith(f"{SENTENCE}.") for change in changes)
    backwards = diff(decode(encode(after)), decode(encode(before)), {}, tokens, functions)
    assert not any(SENTENCE in change.text for change in backwards)
    assert diff(decode(encode(after)), decode(encode(after)), {}, tokens, functions) == []


def test_an_income_makes_no_function_understood() -> None:
    code = decode(encode(document(rule("swap(uint256 amount)", "target", "payroll: amount"))))
    (swap,) = code.rules
    asset = code.budgets[swap.charges[0].budget].asset
    demanding = replace(swap, incomes=(Income(b"\3" * 20, swap.charges[0].budget, 1, 1),))
    assert not_known_to_end(replace(code, rules=(demanding,)), Vocabulary({}, {asset: Token("A", asset, 18)})) == (1,)


def test_an_income_does_not_bound_what_leaves_where_nothing_is_charged() -> None:
    """So a function that only brings a token in needs a measured budget in it: with no ether sent the least is 0."""
    lido = (
        "version: 1\nname: stake\n"
        'agent: "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4"\noperator: "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"\n'
        "valid: {from: 2026-12-01T00:00Z, until: 2027-06-01T00:00Z}\ncooldown: 1 hour\n"
        "objection: {delay: 2 days, release within: 5 days, threshold: 3 %}\n"
        'tokens: {stETH: {address: "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", decimals: 18}}\n'
        'addresses: {treasury: "0xFe89cc7aBB2C4183683ab71653C4cdc9B02D44b7"}\n'
        "budgets:\n  stake: {limit: 100 ETH, period: 6 days, without objection: 10 ETH, measured: yes}\n"
        "rules:\n  - {call: submit(address referral), on: stETH, where: {referral: {equals: treasury}},\n"
        "     charge: {stake: value}, income: {stake: at least 0.999 stETH per ETH}}\n"
    )
    with pytest.raises(PolicyError, match="give a budget in stETH `measured: yes`"):
        load(lido)
    small = "  out: {limit: 0.01 stETH, period: 6 days, without objection: 0.01 stETH, measured: yes}\n"
    policy = load(lido.replace("rules:\n", f"{small}rules:\n"))
    (income,) = decode(encode(policy)).rules[0].incomes
    assert income.least(0) == 0
    assert income.least(10**18) == 999 * 10**15
