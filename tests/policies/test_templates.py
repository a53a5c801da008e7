# SPDX-License-Identifier: Apache-2.0
"""Every template compiles, says in its explanation what its comments say, and does on chain what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode as abi_encode

from governance.chain.address import checksum
from policies.answer.evaluate import Mode, PolicyState, Refused, evaluate
from policies.code.call import Call
from policies.code.encoding import codehash, decode, encode, policy_id
from policies.code.policy_code import PolicyCode
from policies.document.document import PolicyDocument, load
from policies.notation.amounts import format_time
from policies.notation.primitives import selector
from policies.trial.stolen_key import simulate
from policies.words.explain import explain
from tests.conftest import ChainError, Deployed
from tests.policies.targets import put

FOLDER = Path(__file__).resolve().parents[2] / "policies" / "templates"
NAMES = ("bounties", "grants", "metagovernance", "operations", "payroll", "streams", "swaps", "yield")
DAY_S = 86_400
USDC = 10**6
ETHER = 10**18
TOKEN = bytes.fromhex("5c0000000000000000000000000000000000dead")


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text()


def document_of(name: str) -> PolicyDocument:
    return load(text_of(name), source=f"{name}.yaml")


def sentences_of(document: PolicyDocument) -> str:
    return "\n".join(
        explain(
            decode(encode(document)),
            {address: name for name, address in document.addresses},
            {token.address: token for token in document.tokens},
            {rule.function.selector: rule.function for rule in document.rules if rule.function},
        )
    )


def person(number: int) -> bytes:
    """The example addresses of the templates: 0x1000...0001 and so on."""
    return bytes([16 * number]) + bytes(18) + bytes([number])


def call(to: bytes, signature: str, *values: Any, wei: int = 0) -> Call:
    types = signature[signature.index("(") + 1 : -1]
    return Call(to, wei, selector(signature) + abi_encode(_split(types), values))


def _split(types: str) -> list[str]:
    found, depth = [""], 0
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [part for part in found if part]


def transfer(to: bytes, usdc: int, token: bytes = TOKEN) -> Call:
    return call(token, "transfer(address,uint256)", "0x" + to.hex(), usdc * USDC)


def answer(name: str, *calls: Call, mode: Mode = Mode.EXECUTE) -> str:
    """What the policy says to an act in its first hours: "at once", "announce", or the first error."""
    policy = decode(encode(document_of(name)))
    state = PolicyState(policy_id(name), 1, 0, 0, policy.end_s, paused=False)
    found = evaluate(policy, state, calls, policy.start_s + DAY_S, mode)
    if isinstance(found, Refused):
        return found.reasons[0].error
    return "at once" if found.band == "instant" else "announce"


# --------------------------------------------------------------------------------------------- what all have in common


def test_the_folder_holds_these_templates() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_compiles_to_code_that_decodes(name: str) -> None:
    document = document_of(name)
    code = encode(document)
    assert decode(code).document_hash == document.document_hash
    assert len(code) < 1500
    assert document.name == name


@pytest.mark.parametrize("name", NAMES)
def test_is_commented_for_who_adapts_it(name: str) -> None:
    text = text_of(name)
    assert "SPDX-License-Identifier" in text.splitlines()[0]
    assert f"policy check {name}.yaml" in text
    assert sum("#" in line for line in text.splitlines()) >= 6


def not_known(function: str) -> str:
    return (
        f"of `{function}` it is not known whether its effect ends with the act: what goes on after it counts against "
        "no budget"
    )


@pytest.mark.parametrize("name", NAMES)
def test_warns_of_nothing_that_its_comments_leave_unsaid(name: str) -> None:
    expected = {
        "bounties": ["to may be anything"],
        "metagovernance": [
            *(not_known("castVote"), "proposalId may be anything", not_known("castVoteWithReason")),
            *(
                "proposalId may be anything",
                "reason may be any text",
                not_known("castVote"),
                "proposalId may be anything",
            ),
        ],
        "streams": [not_known("createStream"), "startTime may be anything", "stopTime may be anything"],
        "swaps": [not_known("exactInputSingle"), "params.deadline may be anything"],
    }
    assert [warning.problem for warning in document_of(name).warnings] == expected.get(name, [])


@pytest.mark.parametrize("name", NAMES)
def test_the_adversary_stays_below_what_the_explanation_says(name: str) -> None:
    policy = decode(encode(document_of(name)))
    for reached in simulate(policy, 30, most_acts=100):
        assert 0 < reached.in_all <= reached.bound
        assert reached.unopposed <= reached.unopposed_bound


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "payroll",
            [
                "12,000 USDC in any 24 days",
                "take 6,000 USDC right away without an announcement",
                "to these 5 only, in any shares",
            ],
        ),
        ("operations", ["the amount is at most 1,500 USDC in each call", "all of which must be announced"]),
        (
            "grants",
            [
                "nothing without an announcement; in all its time (182 days) at most 40,000 USDC in all",
                "to this one address only: “docs team”",
            ],
        ),
        (
            "bounties",
            [
                "a stolen key can take 500 USDC right away without an announcement",
                "NOT BOUNDED IN RECIPIENT, under rule 3",
            ],
        ),
        ("yield", ["at least 0.9 vUSDC for each 1 USDC", "nothing may be left of what the spender was allowed"]),
        ("swaps", ["at least 0.00025 WETH for each 1 USDC", "BOUNDED IN PRICE BY THE RATIO ALONE"]),
        ("metagovernance", ["no budget counts anything", "`support` (argument 2) is at most 2"]),
        ("streams", ["all of which must be announced", "`deposit` (argument 2) counts against the budget “deposits”"]),
    ],
)
def test_the_explanation_says_what_the_comments_say(name: str, says: list[str]) -> None:
    document = document_of(name)
    text = sentences_of(document)
    for said in [*says, format_time(document.end_s)]:
        assert said in text


# ----------------------------------------------------------------------------------------------- acts, good and bad


CAST_VOTE = "castVote(uint256,uint8)"
WITH_REASON = "castVoteWithReason(uint256,uint8,string)"
APPROVE = "approve(address,uint256)"
SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
STREAM = "createStream(address,uint256,address,uint256,uint256)"
HOSTING, AUDITOR, SOFTWARE = person(1), person(2), person(3)
STRANGER = b"\x99" * 20
TREASURY = person(4)
VAULT = bytes.fromhex("7a00000000000000000000000000000000000001")
ROUTER = bytes.fromhex("8b00000000000000000000000000000000000001")
WETH = bytes.fromhex("6e00000000000000000000000000000000000001")
STREAMING = bytes.fromhex("ab00000000000000000000000000000000000001")
LENDING = bytes.fromhex("9a00000000000000000000000000000000000001")


def swap(**changes: Any) -> Call:
    values = {
        "tokenIn": TOKEN, "tokenOut": WETH, "fee": 500, "recipient": TREASURY, "deadline": 2**40,
        "amountIn": 4_000 * USDC, "amountOutMinimum": ETHER, "limit": 0, **changes,
    }  # fmt: skip
    return call(ROUTER, SWAP, tuple("0x" + v.hex() if isinstance(v, bytes) else v for v in values.values()))


def hexed(address: bytes) -> str:
    return "0x" + address.hex()


@pytest.mark.parametrize(
    ("name", "calls", "expected"),
    [
        ("payroll", [transfer(person(1), 2_500), transfer(person(2), 2_500)], "at once"),
        ("payroll", [transfer(person(1), 2_500), transfer(person(2), 2_501)], "OverCap"),
        ("payroll", [transfer(STRANGER, 1)], "ClauseFailed"),
        ("payroll", [call(TOKEN, APPROVE, hexed(person(1)), 1)], "NoRule"),
        ("payroll", [Call(person(1), 1, b"")], "NoRule"),
        ("operations", [transfer(HOSTING, 1_500), transfer(SOFTWARE, 1_500)], "at once"),
        ("operations", [transfer(HOSTING, 1_501)], "ClauseFailed"),
        ("operations", [transfer(HOSTING, 1_500)] * 3, "OverBudget"),
        ("operations", [transfer(AUDITOR, 20_000)], "OverInstant"),
        ("grants", [transfer(person(1), 10_000)], "OverInstant"),
        ("grants", [transfer(person(2), 4_001)], "OverCap"),
        ("bounties", [transfer(STRANGER, 500)], "at once"),
        ("bounties", [transfer(STRANGER, 501)], "OverInstant"),
        ("bounties", [transfer(STRANGER, 2_501)], "ClauseFailed"),
        ("bounties", [Call(person(1), ETHER // 5, b"")], "at once"),
        ("bounties", [Call(person(1), ETHER // 5 + 1, b"")], "OverBudget"),
        ("bounties", [Call(STRANGER, 1, b"")], "NoRule"),
        ("metagovernance", [call(LENDING, CAST_VOTE, 7, 2), call(LENDING, WITH_REASON, 8, 0, "no")], "at once"),
        ("metagovernance", [call(LENDING, CAST_VOTE, 7, 3)], "ClauseFailed"),
        ("metagovernance", [call(LENDING, "propose(address[])", [])], "NoRule"),
        ("yield", [call(TOKEN, APPROVE, hexed(VAULT), 20_000 * USDC)], "at once"),
        ("yield", [call(TOKEN, APPROVE, hexed(STRANGER), 1)], "ClauseFailed"),
        ("yield", [call(VAULT, "deposit(uint256,address)", 20_000 * USDC, hexed(TREASURY))], "at once"),
        ("yield", [call(VAULT, "deposit(uint256,address)", 20_001 * USDC, hexed(TREASURY))], "OverInstant"),
        ("yield", [call(VAULT, "deposit(uint256,address)", 1, hexed(STRANGER))], "ClauseFailed"),
        (
            "yield",
            [call(VAULT, "redeem(uint256,address,address)", 1, hexed(STRANGER), hexed(TREASURY))],
            "ClauseFailed",
        ),
        ("yield", [transfer(STRANGER, 1)], "NoRule"),
        ("swaps", [call(TOKEN, APPROVE, hexed(ROUTER), 4_000 * USDC), swap()], "at once"),
        ("swaps", [swap(recipient=STRANGER)], "ClauseFailed"),
        ("swaps", [swap(tokenOut=STRANGER)], "ClauseFailed"),
        ("swaps", [swap(amountIn=5_001 * USDC)], "ClauseFailed"),
        ("swaps", [swap(amountOutMinimum=0)], "ClauseFailed"),
        ("swaps", [swap(), swap(), swap()], "OverInstant"),
        ("streams", [call(STREAMING, STREAM, hexed(person(1)), 30_000 * USDC, hexed(TOKEN), 1, 2)], "OverInstant"),
        ("streams", [call(STREAMING, STREAM, hexed(person(1)), 30_001 * USDC, hexed(TOKEN), 1, 2)], "ClauseFailed"),
        ("streams", [call(STREAMING, STREAM, hexed(STRANGER), 1, hexed(TOKEN), 1, 2)], "ClauseFailed"),
    ],
)
def test_acts(name: str, calls: Sequence[Call], expected: str) -> None:
    assert answer(name, *calls) == expected
    if expected == "OverInstant":
        assert answer(name, *calls, mode=Mode.SCHEDULE) == "announce"


@pytest.mark.parametrize(
    "function", ["createStream(address recipient, uint216 rate)", "setApprovalForAll(address to, bool yes)"]
)
def test_streams_without_an_end_are_refused(function: str) -> None:
    from policies.notation.problems import PolicyError

    bounded = (
        "createStream(address recipient, uint256 deposit, address tokenAddress, uint256 startTime, uint256 stopTime)"
    )
    open_ended = text_of("streams").replace(bounded, function)
    assert open_ended != text_of("streams")
    with pytest.raises(PolicyError, match="no budget bounds it"):
        load(open_ended)


# ----------------------------------------------------------------------------------------------- on the real module


@dataclass
class Play:
    """A template in force on the real module of a suite, with its addresses replaced by those of the suite."""

    deployed: Deployed
    policy: PolicyCode
    raw: bytes
    id: bytes
    number: int = 0

    def execute(self, *calls: Call) -> None:
        """Raises ChainError with the module's error."""
        self.number += 1
        acts = [(hexed(call_.to), call_.value_wei, call_.data) for call_ in calls]
        try:
            self.deployed.send("agent", "module", "execute", self.id, codehash(self.raw), acts, self.number, b"\1" * 32)
        except ChainError:
            self.number -= 1
            raise
        self.deployed.anvil.wind(self.policy.cooldown_s)

    def refused(self, *calls: Call) -> str | None:
        with pytest.raises(ChainError) as error:
            self.execute(*calls)
        return self.deployed.error_name(error.value.data)

    def balance(self, token: str, who: str = "treasury") -> int:
        return int(self.deployed.read(token, "balanceOf", hexed(self.deployed.address(who))))


def play(deployed: Deployed, name: str, replacements: dict[str, bytes], text: str = "") -> Play:
    """Puts the template in force, with addresses of this chain and a time around its clock's; `text` is the template
    where somebody adapted it."""
    text = text or text_of(name)
    fixed = {"0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4": deployed.address("agent"), **replacements}
    for old, new in fixed.items():
        assert old in text
        text = text.replace(old, checksum(new))
    document = load(text)
    now_s = deployed.anvil.now
    begin_s = now_s // 3600 * 3600 - 3600
    dates = {format_time(document.start_s): begin_s, format_time(document.end_s): begin_s + 180 * DAY_S}
    for old, new_s in dates.items():
        written = old.replace(" UTC", "Z").replace(" ", "T")
        assert written in text
        text = text.replace(written, format_time(new_s).replace(" UTC", "Z").replace(" ", "T"))
    raw = encode(load(text))
    deployed.set_policy(policy_id(name), raw)
    return Play(deployed, decode(raw), raw, policy_id(name))


@pytest.fixture
def targets(deployed: Deployed) -> Deployed:
    """The suite with everything that templates call."""
    usdc = hexed(deployed.address("usdc"))
    put(deployed, "vault", "TestVault", usdc)
    put(deployed, "weth", "TestWeth")
    put(deployed, "router", "TestRouter")
    put(deployed, "streams", "TestStreams", usdc)
    put(deployed, "votes", "TestVotes")
    deployed.abis["IPolicyModule"] = json.loads(
        (Path(__file__).resolve().parents[2] / ".build" / "abi" / "IPolicyModule.json").read_text()
    )
    return deployed


def test_yield_on_chain(targets: Deployed) -> None:
    usdc, vault, treasury = (targets.address(name) for name in ("usdc", "vault", "treasury"))
    game = play(targets, "yield", {checksum(TOKEN): usdc, checksum(VAULT): vault, checksum(TREASURY): treasury})
    before = game.balance("usdc")

    def deposit(usdc_in: int, approved: int | None = None) -> list[Call]:
        approval = call(usdc, APPROVE, hexed(vault), (approved or usdc_in) * USDC)
        return [approval, call(vault, "deposit(uint256,address)", usdc_in * USDC, hexed(treasury))]

    game.execute(*deposit(15_000))
    assert (game.balance("usdc"), game.balance("vault")) == (before - 15_000 * USDC, 15_000 * USDC)
    assert targets.read("usdc", "allowance", hexed(treasury), hexed(vault)) == 0
    assert game.refused(*deposit(1_000, approved=2_000)) == "AllowanceLeft"
    assert game.refused(*deposit(5_001)) == "OverInstant"
    game.execute(call(vault, "redeem(uint256,address,address)", 5_000 * USDC, hexed(treasury), hexed(treasury)))
    game.execute(call(vault, "withdraw(uint256,address,address)", 10_000 * USDC, hexed(treasury), hexed(treasury)))
    assert (game.balance("usdc"), game.balance("vault")) == (before, 0)
    # The vault is robbed: what comes back per share is less than the voted ratio, so the treasury keeps its shares.
    game.execute(*deposit(5_000))
    targets.anvil.call("anvil_impersonateAccount", hexed(vault))
    targets.anvil.call("anvil_setBalance", hexed(vault), hex(ETHER))
    targets.send(vault, "usdc", "transfer", hexed(STRANGER), 500 * USDC)
    redeem = call(vault, "redeem(uint256,address,address)", 5_000 * USDC, hexed(treasury), hexed(treasury))
    assert game.refused(redeem) == "TooLittleIncome"


def test_swaps_on_chain(targets: Deployed) -> None:
    usdc, weth, router, treasury = (targets.address(name) for name in ("usdc", "weth", "router", "treasury"))
    game = play(
        targets, "swaps",
        {checksum(TOKEN): usdc, checksum(WETH): weth, checksum(ROUTER): router, checksum(TREASURY): treasury},
    )  # fmt: skip
    targets.send("deployer", "weth", "mint", hexed(router), 100 * ETHER)

    def exchange(usdc_in: int, least: int = 1) -> list[Call]:
        params = (hexed(usdc), hexed(weth), 500, hexed(treasury), 2**40, usdc_in * USDC, least, 0)
        return [call(usdc, APPROVE, hexed(router), usdc_in * USDC), call(router, SWAP, params)]

    targets.send("deployer", "router", "setPrice", ETHER // 3_900, 1000)
    game.execute(*exchange(3_900))
    assert game.balance("weth") >= ETHER - 10**6
    # The price falls below what members voted: whatever minimum the agent writes, the act is undone.
    targets.send("deployer", "router", "setPrice", ETHER // 4_100, 1000)
    assert game.refused(*exchange(100)) == "TooLittleIncome"
    # A router that takes less than it was allowed leaves an allowance behind: undone too.
    targets.send("deployer", "router", "setPrice", ETHER // 2_000, 900)
    assert game.refused(*exchange(100)) == "AllowanceLeft"
    targets.send("deployer", "router", "setPrice", ETHER // 3_900, 1000)
    game.execute(*exchange(5_000))
    assert game.refused(*exchange(1_101)) == "OverInstant"


def test_streams_on_chain(targets: Deployed) -> None:
    usdc, streams = targets.address("usdc"), targets.address("streams")
    game = play(targets, "streams", {checksum(TOKEN): usdc, checksum(STREAMING): streams})
    begins_s = targets.anvil.now + game.policy.objection_delay_s + DAY_S
    opened = call(streams, STREAM, hexed(person(1)), 30_000 * USDC, hexed(usdc), begins_s, begins_s + 7_500_000)
    act = [call(usdc, APPROVE, hexed(streams), 30_000 * USDC), opened]
    assert game.refused(*act) == "OverInstant"
    calls = [(hexed(one.to), one.value_wei, one.data) for one in act]
    targets.send("agent", "module", "schedule", game.id, codehash(game.raw), calls, 1, b"\1" * 32)
    targets.anvil.wind(game.policy.objection_delay_s)
    before = game.balance("usdc")
    targets.send("agent", "module", "release", game.id, 1, calls, b"\1" * 32)
    assert game.balance("usdc") == before - 30_000 * USDC
    assert targets.read("streams", "streams", 0)[1] == 30_000 * USDC
    assert targets.read("usdc", "allowance", hexed(targets.address("treasury")), hexed(streams)) == 0


def test_metagovernance_on_chain(targets: Deployed) -> None:
    votes = targets.address("votes")
    naming = "0x9b00000000000000000000000000000000000002"
    game = play(targets, "metagovernance", {checksum(LENDING): votes, naming: targets.address("weth")})
    game.execute(call(votes, WITH_REASON, 2**200, 1, "as our members said in their forum"))
    assert targets.read("votes", "voter") == hexed(targets.address("treasury"))
    assert targets.read("votes", "reason") == "as our members said in their forum"
    assert game.refused(call(votes, CAST_VOTE, 1, 3)) == "ClauseFailed"


def test_bounties_on_chain(targets: Deployed) -> None:
    usdc = targets.address("usdc")
    game = play(targets, "bounties", {checksum(TOKEN): usdc})
    game.execute(transfer(STRANGER, 400, usdc), Call(person(1), ETHER // 10, b""))
    assert game.refused(transfer(STRANGER, 101, usdc)) == "OverInstant"
    game.execute(transfer(STRANGER, 100, usdc))
    assert targets.read("usdc", "balanceOf", hexed(STRANGER)) == 500 * USDC
    assert game.refused(Call(person(2), ETHER // 5, b"")) == "OverBudget"


@pytest.mark.parametrize(("name", "good"), [("payroll", 4_000), ("operations", 1_000)])
def test_plain_payments_on_chain(targets: Deployed, name: str, good: int) -> None:
    usdc = targets.address("usdc")
    game = play(targets, name, {checksum(TOKEN): usdc})
    game.execute(transfer(person(1), good, usdc))
    assert targets.read("usdc", "balanceOf", hexed(person(1))) == good * USDC
    assert game.refused(transfer(STRANGER, 1, usdc)) == "ClauseFailed"


def test_grants_on_chain(targets: Deployed) -> None:
    game = play(targets, "grants", {checksum(TOKEN): targets.address("usdc")})
    assert game.refused(transfer(person(1), 10_000, targets.address("usdc"))) == "OverInstant"
