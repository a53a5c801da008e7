# SPDX-License-Identifier: Apache-2.0
"""Acts that are asked for in a form of the policy's rules: every template, from the inputs to the money and the record.

The vault is OpenZeppelin's own; router, streams and votes are stand-ins of ours (tests/contracts/support).
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest

from agent.acts import provenance, submitting
from agent.acts.calls import calls_json
from agent.models import DecisionRecord, Request
from governance.chain.address import checksum
from policies.answer.filled import NotFilled, filled, input_name
from policies.answer.form import form
from policies.code.call import Call
from policies.code.encoding import policy_id
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function
from policies.document.document import load
from policies.notation.amounts import Token
from tests.agent.acting import POLICY_ID, USDC, World, work_errors, world  # noqa: F401
from tests.policies.targets import put
from tests.policies.test_templates import (
    LENDING,
    ROUTER,
    STREAMING,
    TOKEN,
    TREASURY,
    VAULT,
    WETH,
    document_of,
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


def put_in_force(world: World, name: str, replaced: dict[bytes, bytes]) -> Form:  # noqa: F811
    suite = world.suite
    changes = {checksum(old): new for old, new in replaced.items()} | {OPERATOR: suite.address("olga")}
    game = play(suite, name, changes)
    document = document_of(name)
    found = {rule.function.selector: rule.function for rule in load(text_of(name)).rules if rule.function}
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


def verified(request: Request) -> list[str]:
    """What `verify_record` says no to in the request's record."""
    record = json.loads(DecisionRecord.objects.get(request=request).body)
    checks = [*provenance.verify_document(record), *provenance.verify_against_mirror(record)]
    assert {"act asked for", "approval", "act"} <= {check.name for check in checks}
    return [f"{check.name}: {check.detail}" for check in checks if check.ok is False]


def square_root_price(token_in: bytes, token_out: bytes, out_per_million: int) -> int:
    up, down = (out_per_million, 10**6) if token_in < token_out else (10**6, out_per_million)
    return math.isqrt(up * 2**192 // down)


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
            startTime=str(now), stopTime=str(now + 10**7),
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


def test_exact_calls_are_the_operators_and_take_the_same_path(world: World) -> None:  # noqa: F811
    pays = Call(world.address("usdc"), 0, bytes.fromhex("a9059cbb") + world.address("kim").rjust(32, b"\0")
                + (250 * USDC).to_bytes(32, "big"))  # fmt: skip
    act = {"raw": calls_json([pays]), "functions": ["transfer(address to, uint256 value)"]}

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
    failed = {check.name for check in provenance.verify_document(record) if check.ok is False}
    assert {"inputs", "act asked for"} <= failed
