# SPDX-License-Identifier: Apache-2.0
"""Acts that are asked for in a form of the policy's rules: every template, from the inputs to the money and the record.

The vault is OpenZeppelin's own; router, streams and votes are stand-ins of ours (tests/contracts/support), which do
what a test needs. Acts on the contracts that others published are in test_acts_on_published.py.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from agent.acts import quotes, submitting, verifying, verifying_links
from agent.acts.calls import calls_json
from agent.models import DecisionRecord, Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import checksum
from policies.answer.filled import NotFilled, filled, input_name
from policies.answer.form import form
from policies.code.call import Call
from policies.code.encoding import encode, policy_id
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function
from policies.document.document import load
from policies.notation.amounts import Token
from tests.agent.acting import POLICY_ID, USDC, World, payroll_text, work_errors, world  # noqa: F401
from tests.agent.published import square_root_price
from tests.policies.targets import put
from tests.policies.test_templates import (
    LENDING,
    ROUTER,
    STREAMING,
    TOKEN,
    TREASURY,
    VAULT,
    WETH,
    person,
    play,
    text_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"
ETHER = 10**18
ENDED = {Request.Status.EXECUTED, Request.Status.REFUSED, Request.Status.ABSTAINED, Request.Status.FAILED}


@dataclass
class Form:
    """A template in force on the world's module, and its form."""

    name: str
    policy: PolicyCode
    functions: dict[bytes, Function]
    tokens: dict[bytes, Token]

    def act(self, *rules: int, **values: str) -> dict[str, Any]:
        """The act of these rules; a value is named by its input's key, the dots as underscores."""
        named = {}
        for rule in form(self.policy, self.functions, self.tokens, {}):
            for field in rule.fields:
                key = field.key.replace(".", "_")
                for given in (key, f"{key}_{rule.number}"):
                    if given in values:
                        named[input_name(rule.number, field.key)] = values[given]
        answer = filled(self.policy, self.functions, self.tokens, rules, named)
        return answer | {"functions": sorted(function.text for function in self.functions.values())}


def put_in_force(world: World, name: str, replaced: dict[bytes, bytes], text: str = "") -> Form:  # noqa: F811
    """A template in force with other addresses; `text` is the template where somebody adapted it."""
    suite = world.suite
    changes = {checksum(old): new for old, new in replaced.items()} | {OPERATOR: suite.address("olga")}
    document = load(text or text_of(name))
    game = play(suite, name, changes, text or text_of(name))
    found = {rule.function.selector: rule.function for rule in document.rules if rule.function}
    moved = {replaced.get(token.address, token.address): token for token in document.tokens}
    tokens = {address: Token(token.symbol, address, token.decimals) for address, token in moved.items()}
    return Form(name, game.policy, found, tokens)


def ask(world: World, name: str, act: dict[str, Any], key: str, by: str = "ada") -> Request:  # noqa: F811
    return submitting.submit(
        world.dao, policy_id(name), f"what {name} is for", world.address(by), key, signed_in=True, act=act
    )


def settle(world: World, requests: dict[str, Request], until: set[str]) -> None:  # noqa: F811
    """The agent works on all of them, and the operator signs each, until each stands in one of `until`."""
    for _ in range(40):
        world.step()
        for request in requests.values():
            request.refresh_from_db()
            if request.status == Request.Status.NEEDS_APPROVAL:
                world.approve(request)
        if {request.status for request in requests.values()} <= until:
            return


def verified(request: Request, needed: frozenset[str] = frozenset({"act asked for"})) -> list[str]:
    """What `verify_record` says no to in the request's record."""
    record = json.loads(DecisionRecord.objects.get(request=request).body)
    checks = [*verifying.verify_document(record), *verifying_links.verify_against_mirror(record)]
    assert {"approval", "act"} | needed <= {check.name for check in checks}
    return [f"{check.name}: {check.detail}" for check in checks if check.ok is False]


def test_every_template_is_acted_out(world: World) -> None:  # noqa: F811
    suite = world.suite
    usdc, treasury = suite.address("usdc"), suite.address("treasury")
    vault, weth = put(suite, "vault", "TestVault", checksum(usdc)), put(suite, "weth", "TestWeth")
    router, streams = put(suite, "router", "TestRouter"), put(suite, "streams", "TestStreams", checksum(usdc))
    votes = put(suite, "votes", "TestVotes")
    suite.send("deployer", "weth", "mint", checksum(router), 100 * ETHER)
    suite.send("deployer", "router", "setPrice", ETHER // 3_900, 1000)
    suite.send("deployer", "router", "setPool", square_root_price(usdc, weth, ETHER // 3_900))
    money = {TOKEN: usdc, TREASURY: treasury}

    def only(name: str) -> dict[bytes, bytes]:
        return {old: new for old, new in money.items() if checksum(old) in text_of(name)}

    now = suite.anvil.now
    made = {
        "payroll": lambda f: f.act(0, to=checksum(person(1)), amount="1,200"),
        "operations": lambda f: f.act(0, to=checksum(person(3)), amount="99.50 USDC"),
        "grants": lambda f: f.act(0, amount="5,000 USDC"),
        "bounties": lambda f: f.act(*named(f, "transfer"), ether_to(f, person(1)), **bounty(f)),
        "yield": lambda f: f.act(*named(f, "approve", "deposit"), amount="1,000 USDC", assets="1,000 USDC"),
        "swaps": lambda f: f.act(
            *named(f, "approve", "exactInputSingle"), amount="390 USDC", params_amountIn="390 USDC",
            params_amountOutMinimum="0.5 %", params_deadline=str(now + 10**7),
        ),
        "streams": lambda f: f.act(
            *named(f, "approve", "createStream"), amount="3,000", deposit="3,000", recipient=checksum(person(1)),
            startTime=str(now + 10**6), stopTime=str(now + 10**6 + 10**7),
        ),
        "metagovernance": lambda f: f.act(
            *named(f, "castVoteWithReason"), proposalId="7", support="1", reason="as our members said"
        ),
    }  # fmt: skip
    more = {"yield": {VAULT: vault}, "swaps": {WETH: weth, ROUTER: router}, "streams": {STREAMING: streams},
            "metagovernance": {LENDING: votes, bytes.fromhex("9b" + "00" * 18 + "02"): weth}}  # fmt: skip
    forms = {name: put_in_force(world, name, only(name) | more.get(name, {})) for name in made}
    world.sync()
    before = {who: suite.read("usdc", "balanceOf", checksum(who)) for who in (person(1), person(3), treasury)}
    requests = {name: ask(world, name, made[name](forms[name]), name) for name in made}
    settle(world, requests, {*ENDED, Request.Status.SCHEDULED})
    world.wind(5 * 86_400)
    settle(world, requests, ENDED)
    for name, request in requests.items():
        assert request.status == Request.Status.EXECUTED, (name, request.status, request.reason, work_errors())
        assert verified(request) == [], name
    gained = {who: suite.read("usdc", "balanceOf", checksum(who)) - amount for who, amount in before.items()}
    assert gained[person(1)] == (1_200 + 5_000 + 100) * USDC
    assert gained[person(3)] == 99_500_000
    assert gained[treasury] == -(1_200 + 5_000 + 100 + 1_000 + 390 + 3_000) * USDC - 99_500_000
    assert suite.read("vault", "balanceOf", checksum(treasury)) == 1_000 * USDC
    assert suite.read("weth", "balanceOf", checksum(treasury)) == 390 * USDC * (ETHER // 3_900) // 10**6
    assert suite.read("votes", "reason") == "as our members said"
    assert suite.read("streams", "streams", 0)[1] == 3_000 * USDC
    record = json.loads(DecisionRecord.objects.get(request=requests["swaps"]).body)
    (quote,) = record["inputs"]["quotes"]
    assert int(quote["minimum"]) == int(quote["expected"]) * 9_950 // 10_000
    expected = 390 * USDC * 999_500 // 10**6 * (ETHER // 3_900) // 10**6
    assert abs(int(quote["expected"]) - expected) <= expected // 10**6
    back = quotes.Wanted(0, "", router, weth, usdc, 500, ETHER, 50)
    expected = ETHER * 999_500 // 10**6 * 10**6 // (ETHER // 3_900)
    assert abs(int(quotes.read(world.rpc, back, "latest", 0)["expected"]) - expected) <= expected // 10**6
    home = {}
    for name, key, amount in (("redeem", "shares", "400 vUSDC"), ("withdraw", "assets", f"{100 * USDC}")):
        home[name] = ask(world, "yield", forms["yield"].act(*named(forms["yield"], name), **{key: amount}), name)
        settle(world, {name: home[name]}, ENDED)
        world.wind(86_400)
        assert home[name].status == Request.Status.EXECUTED, (home[name].reason, work_errors())
        assert verified(home[name]) == []
    assert suite.read("vault", "balanceOf", checksum(treasury)) == 500 * USDC
    assert not world.model.asked, "no model is asked about a form"


def named(found: Form, *functions: str) -> list[int]:
    """The first rule of each function's name."""
    names = [getattr(found.functions.get(rule.selector), "name", "") for rule in found.policy.rules]
    return [names.index(name) for name in functions]


def ether_to(found: Form, who: bytes) -> int:
    return next(n for n, rule in enumerate(found.policy.rules) if rule.no_selector and rule.target == who)


def bounty(found: Form) -> dict[str, str]:
    return {"to": checksum(person(1)), "amount": "100 USDC", f"value_wei_{ether_to(found, person(1))}": "0.01 ETH"}


def test_what_the_policy_does_not_leave_open_is_not_taken(world: World) -> None:  # noqa: F811
    found = put_in_force(world, "payroll", {TOKEN: world.address("usdc")})
    world.sync()
    act = found.act(0, to=checksum(person(1)), amount="1")
    for change, problem in (
        ({"to": checksum(b"\x99" * 20)}, "is not permitted by the rule"),
        ({"amount": str(10**18)}, "is not permitted by the rule"),
        ({"amount": {"slippage_bps": "50"}}, "is not the minimum of a swap"),
        ({"amount": "1", "more": "1"}, "exactly to, amount"),
    ):
        wrong = json.loads(json.dumps(act))
        wrong["calls"][0]["arguments"] |= change
        with pytest.raises(submitting.RequestError, match=problem):
            ask(world, "payroll", wrong, "wrong")
    with pytest.raises(NotFilled, match="is none of those that the policy names"):
        found.act(0, to="everybody", amount="1")
    with pytest.raises(NotFilled, match="not an amount"):
        found.act(0, to=checksum(person(1)), amount="-1")
    assert not Request.objects.exists()


def exactly(world: World, who: str, amount: int) -> dict[str, Any]:  # noqa: F811
    """Exact calls: a transfer of USDC."""
    pays = Call(world.address("usdc"), 0, bytes.fromhex("a9059cbb") + world.address(who).rjust(32, b"\0")
                + amount.to_bytes(32, "big"))  # fmt: skip
    return {"raw": calls_json([pays]), "functions": ["transfer(address to, uint256 value)"]}


def filled_in(world: World, who: str, amount: int) -> dict[str, Any]:  # noqa: F811
    """The form of the payroll's only rule, filled in."""
    pays = {"to": checksum(world.address(who)), "amount": str(amount)}
    return {"calls": [{"rule": f"1: transfer on {checksum(world.address('usdc'))}", "arguments": pays}],
            "functions": ["transfer(address to, uint256 amount)"]}  # fmt: skip


def test_who_was_paid_by_a_form_is_paid_by_the_roster_only_with_the_operators_signature(world: World) -> None:  # noqa: F811
    world.sign_roster()
    before = world.balance("kim")
    roster = world.ask(world.november())
    work.run_due(PLAN_WORK)
    roster.refresh_from_db()
    assert roster.status == Request.Status.PLANNED
    form_ = world.ask("kim, by hand", by="olga", act=exactly(world, "kim", 1000 * USDC))
    work.run_due(PLAN_WORK)
    assert "counts for no month" in " ".join(form_.candidates.get().differences)
    world.approve(form_)
    roster = world.rest(roster)  # planned before the form, and carried out after it was signed
    assert (roster.status, roster.reason_code) == (Request.Status.NEEDS_APPROVAL, "paid_by_form")
    form_.refresh_from_db()
    assert form_.status == Request.Status.EXECUTED, (form_.reason, work_errors())
    assert world.balance("kim") == before + 1000 * USDC
    world.wind(120)
    later = world.rest(world.ask(world.november()), 2)  # planned after the form
    assert later.status == Request.Status.NEEDS_APPROVAL
    assert f"request {form_.pk}" in later.reason
    assert world.balance("kim") == before + 1000 * USDC
    world.approve(roster)
    assert world.rest(roster).status == Request.Status.EXECUTED, "who knows of it may sign it"
    assert verified(roster, frozenset()) == []
    own = world.rest(world.ask("my trip", by="jon", act=filled_in(world, "jon", 200 * USDC)), 1)
    codes = [one["code"] for one in own.candidates.get().difference_codes]
    assert not {"asked_by_stranger", "asked_by_unknown"} & set(codes), "who is on the roster has a say"


def test_a_swap_whose_price_moved_after_it_was_signed_for_is_not_made(world: World) -> None:  # noqa: F811
    suite = world.suite
    usdc, treasury = suite.address("usdc"), suite.address("treasury")
    weth, router = put(suite, "weth", "TestWeth"), put(suite, "router", "TestRouter")
    suite.send("deployer", "weth", "mint", checksum(router), 100 * ETHER)
    suite.send("deployer", "router", "setPrice", ETHER // 3_600, 1000)  # better than what any of the pool's prices asks

    def price(per_cent: int) -> None:
        rate = ETHER // 3_900 * per_cent // 100
        suite.send("deployer", "router", "setPool", square_root_price(usdc, weth, rate))

    announced = text_of("swaps").replace("without objection: 10,000 USDC", "without objection: 0 USDC")
    found = put_in_force(world, "swaps", {TOKEN: usdc, TREASURY: treasury, WETH: weth, ROUTER: router}, announced)
    world.sync()
    act = found.act(
        *named(found, "approve", "exactInputSingle"), amount="390 USDC", params_amountIn="390 USDC",
        params_amountOutMinimum="0.5 %", params_deadline=str(suite.anvil.now + 10**7),
    )  # fmt: skip
    price(100)
    suite.send("deployer", "router", "setLiquidity", 0)
    empty = world.rest(ask(world, "swaps", act, "empty"), 1)
    assert (empty.status, empty.reason_code) == (Request.Status.ABSTAINED, "no_quote")
    suite.send("deployer", "router", "setLiquidity", 1)
    one = world.rest(ask(world, "swaps", act, "one"), 1)
    told = " ".join(one.candidates.get().differences)
    assert "minimum is 0.09945" in told or "minimum is 0.09944" in told  # the pool's root is rounded
    assert f" WETH ({checksum(weth)})" in told
    price(102)
    world.approve(one)
    one = world.rest(one, 2)
    assert (one.status, one.reason_code) == (Request.Status.REFUSED, "ask_again_as")
    assert "the price of the swap moved" in one.reason
    two = world.rest(ask(world, "swaps", act, "two"), 1)
    world.approve(two)
    two = world.rest(two, 2)
    assert two.status == Request.Status.SCHEDULED, two.reason
    price(104)
    world.wind(86_400)
    two = world.rest(two, 3)
    assert two.status == Request.Status.SCHEDULED
    assert "the price of the swap moved" in two.reason
    assert suite.read("weth", "balanceOf", checksum(treasury)) == 0
    price(102)
    two = world.rest(two, 3)
    assert two.status == Request.Status.EXECUTED, (two.reason, work_errors())
    assert verified(two) == []


def test_what_a_replaced_policy_means_otherwise_is_asked_for_again(world: World) -> None:  # noqa: F811
    asked = [
        world.rest(world.ask("jon's trip", by="ada", act=filled_in(world, "jon", 200 * USDC)), 1),
        world.rest(world.ask("kim's trip", by="olga", act=exactly(world, "kim", 200 * USDC)), 1),
    ]
    before = world.balances()
    text = payroll_text(world.suite)
    first = text[text.index("  - call:") :].replace("{one of: contributors}", "{equals: max}")
    text = text.replace("rules:\n", f"rules:\n{first}").replace(
        checksum(world.address("olga")), checksum(world.address("ben"))
    )
    world.suite.set_policy(POLICY_ID, encode(load(text)))
    world.sync()
    for request in asked:
        world.approve(request, by="ben")
        request = world.rest(request, 2)
        assert (request.status, request.reason_code) == (Request.Status.REFUSED, "policy_changed_ask_again")
    assert world.balances() == before


def test_exact_calls_are_the_operators_and_take_the_same_path(world: World) -> None:  # noqa: F811
    act = exactly(world, "kim", 250 * USDC)

    def by(who: str) -> Request:
        return submitting.submit(
            world.dao, POLICY_ID, "a batch of the Safe", world.address(who), who, signed_in=True, act=act
        )

    with pytest.raises(submitting.RequestError, match="only the policy's operator"):
        by("ada")
    request = world.rest(by("olga"))
    assert request.status == Request.Status.NEEDS_APPROVAL, "the operator's own request is signed as any other"
    assert "as asked: transfer on" in request.candidates.get().label
    before = world.balance("kim")
    request = world.settle(request)
    assert request.status == Request.Status.EXECUTED, (request.reason, work_errors())
    assert world.balance("kim") == before + 250 * USDC
    assert verified(request) == []
    record = json.loads(DecisionRecord.objects.get().body)
    record["inputs"]["request"]["act"]["raw"][0]["to"] = checksum(world.address("kim"))
    failed = {check.name for check in verifying.verify_document(record) if check.ok is False}
    assert {"inputs", "act asked for"} <= failed
