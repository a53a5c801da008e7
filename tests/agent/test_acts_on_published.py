# SPDX-License-Identifier: Apache-2.0
"""Templates acted out on contracts as others published them: a form filled in, signed, executed, and what it brought.

Uniswap's v3 and Sablier's Lockup 1.2 come as compiled in their npm packages; OpenZeppelin's vault and governor are
abstract there, and compiled from the package's sources with nothing but their settings (TemplateTargets.sol). The plain
payments of the other templates are of OpenZeppelin's ERC-20, in test_acts_by_form.py.
"""

import json

import pytest
from eth_abi import encode
from eth_utils import keccak

from agent.models import DecisionRecord, Request
from governance.chain.address import checksum
from policies.code.encoding import policy_id
from tests.agent.acting import USDC, World, work_errors, world  # noqa: F401
from tests.agent.published import put_pool, put_streams, swap_away
from tests.agent.test_acts_by_form import ENDED, ETHER, ask, named, put_in_force, settle, verified
from tests.conftest import ROOT
from tests.policies.targets import put
from tests.policies.test_templates import (
    LENDING,
    ROUTER,
    STREAMING,
    TOKEN,
    TREASURY,
    WETH,
    person,
    text_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
DAY_S = 86_400
NAMING = bytes.fromhex("9b" + "00" * 18 + "02")


def executed(world: World, request: Request) -> dict:  # noqa: F811
    """The decision record of a request, once its act is paid; the operator signs, and announced ones wait."""
    settle(world, {"it": request}, {*ENDED, Request.Status.SCHEDULED})
    if request.status == Request.Status.SCHEDULED:
        world.wind(4 * DAY_S)
        settle(world, {"it": request}, ENDED)
    assert request.status == Request.Status.EXECUTED, (request.status, request.reason, work_errors())
    assert verified(request) == []
    return json.loads(DecisionRecord.objects.get(request=request).body)


def test_a_swap_on_uniswaps_own_pool(world: World) -> None:  # noqa: F811
    suite = world.suite
    usdc, treasury = suite.address("usdc"), suite.address("treasury")
    weth = put(suite, "weth", "TestWeth")
    router = put_pool(suite, weth, ETHER // 3_900, 390_000 * USDC, 100 * ETHER)
    found = put_in_force(world, "swaps", {TOKEN: usdc, TREASURY: treasury, WETH: weth, ROUTER: router})
    world.sync()

    def swap(usdc_in: str, slippage: str) -> dict:
        return found.act(
            *named(found, "approve", "exactInputSingle"), amount=usdc_in, params_amountIn=usdc_in,
            params_amountOutMinimum=slippage, params_deadline=str(suite.anvil.now + 10**7),
        )  # fmt: skip

    before = suite.read("usdc", "balanceOf", checksum(treasury))
    record = executed(world, ask(world, "swaps", swap("390 USDC", "0.5 %"), "swap"))
    (quote,) = record["inputs"]["quotes"]
    got = suite.read("weth", "balanceOf", checksum(treasury))
    assert quote["pool"] == checksum(suite.address("pool"))
    assert int(quote["minimum"]) == int(quote["expected"]) * 9_950 // 10_000
    # The swap itself moves a pool of 390,000 USDC by a thousandth: it brings less than the price, and within the share.
    assert int(quote["minimum"]) <= got < int(quote["expected"])
    assert suite.read("usdc", "balanceOf", checksum(treasury)) == before - 390 * USDC
    assert suite.read("usdc", "allowance", checksum(treasury), checksum(router)) == 0

    world.wind(3_600)
    late = world.rest(ask(world, "swaps", swap("390 USDC", "0.5 %"), "late"), 1)
    assert late.status == Request.Status.NEEDS_APPROVAL, late.reason
    swap_away(suite, 20_000 * USDC)  # between the price that was signed for and the act
    world.approve(late)
    late = world.rest(late, 3)
    assert late.status == Request.Status.REFUSED
    assert 'Call 2 fails in the contract that it calls, which answers "Too little received"' in late.reason
    assert suite.read("weth", "balanceOf", checksum(treasury)) == got
    assert suite.read("usdc", "balanceOf", checksum(treasury)) == before - 390 * USDC

    # A share that allows for the move is refused all the same: members voted no ether above 4,000 USDC.
    wide = world.rest(ask(world, "swaps", swap("390 USDC", "20 %"), "wide"), 2)
    if wide.status == Request.Status.NEEDS_APPROVAL:
        world.approve(wide)
        wide = world.rest(wide, 3)
    assert wide.status == Request.Status.REFUSED, wide.reason
    assert suite.read("weth", "balanceOf", checksum(treasury)) == got


def lockup_streams() -> str:
    """The template with the rule that its comments have for Sablier's Lockup 1.2, as they say to put it in."""
    text = text_of("streams")
    kept, rest = text[: text.index("  - call: createStream")], text[text.index("\n# For Sablier's Lockup 1.2") + 1 :]
    lockup = "".join(line.removeprefix("#") + "\n" for line in rest.splitlines()[1:])
    return kept.replace("addresses:\n", f'addresses:\n  treasury: "{checksum(TREASURY)}"\n') + lockup


def test_a_stream_by_sablier(world: World) -> None:  # noqa: F811
    suite = world.suite
    usdc, treasury, streams = suite.address("usdc"), suite.address("treasury"), put_streams(suite)
    found = put_in_force(world, "streams", {TOKEN: usdc, TREASURY: treasury, STREAMING: streams}, lockup_streams())
    world.sync()
    begins_s = suite.anvil.now + 10 * DAY_S

    def stream(to: bytes, amount: str) -> dict:
        return found.act(
            *named(found, "approve", "createWithTimestamps"), amount=amount, params_totalAmount=amount,
            params_recipient=checksum(to), params_timestamps_start=str(begins_s),
            params_timestamps_end=str(begins_s + 100 * DAY_S),
        )  # fmt: skip

    for to, amount, problem in (
        (person(3), "3,000", "none of those that the policy names"),
        (person(1), "30,000.01", "not permitted"),
    ):
        with pytest.raises(Exception, match=problem):
            ask(world, "streams", stream(to, amount), "outside")
    before = suite.read("usdc", "balanceOf", checksum(treasury))
    executed(world, ask(world, "streams", stream(person(1), "3,000"), "stream"))
    assert suite.read("streams", "nextStreamId") == 2
    made = suite.read("streams", "getStream", 1)
    assert made[:3] == ("0x" + treasury.hex(), "0x" + person(1).hex(), begins_s)
    assert suite.read("streams", "getDepositedAmount", 1) == 3_000 * USDC
    assert suite.read("usdc", "balanceOf", checksum(treasury)) == before - 3_000 * USDC
    assert suite.read("usdc", "allowance", checksum(treasury), checksum(streams)) == 0
    suite.anvil.wind(begins_s + 50 * DAY_S - suite.anvil.now)
    suite.send("mallory", "streams", "withdrawMax", 1, checksum(person(1)))
    streamed = suite.read("usdc", "balanceOf", checksum(person(1)))
    assert 1_500 * USDC <= streamed < 1_501 * USDC, "half of its time, and the moment until it was withdrawn"


def put_votes(world: World) -> bytes:  # noqa: F811
    """Another DAO's votes token, of which the treasury holds some and mallory the rest."""
    holders = [world.address("treasury"), world.address("mallory")]
    built = json.loads((ROOT / ".build" / "contracts" / "VotesToken.json").read_text())
    given = encode(["string", "string", "address[]", "uint256[]"], ["Other", "OTH", holders, [40 * ETHER, 60 * ETHER]])
    receipt = world.suite.send_raw("deployer", None, bytes.fromhex(built["bytecode"].removeprefix("0x")) + given)
    world.suite.abis["other_votes"] = built["abi"]
    world.suite.addresses["other_votes"] = bytes.fromhex(receipt["contractAddress"][2:])
    return world.suite.addresses["other_votes"]


def test_votes_in_a_governor_of_openzeppelin(world: World) -> None:  # noqa: F811
    suite = world.suite
    treasury, votes = suite.address("treasury"), put_votes(world)
    governor = put(suite, "other_governor", "TestGovernor", checksum(votes))
    suite.send_as("treasury", "other_votes", "delegate", checksum(treasury))  # as a vote of its own decided
    found = put_in_force(world, "metagovernance", {LENDING: governor, NAMING: votes})
    world.sync()
    ids = []
    for text in ("Lend more", "Lend less"):
        call = [checksum(votes)], [0], [b""], text
        suite.send("mallory", "other_governor", "propose", *call)
        ids.append(suite.read("other_governor", "getProposalId", *call[:3], keccak(text.encode())))
    suite.anvil.wind(60)
    rules = found.policy.rules
    (reasoned,) = named(found, "castVoteWithReason")
    plain = next(number for number, rule in enumerate(rules) if rule.target == governor and number != reasoned)
    first, second = {"proposalId": str(ids[0]), "support": "1"}, {"proposalId": str(ids[1]), "support": "0"}
    values = {f"{key}_{plain}": value for key, value in first.items()}
    values |= {f"{key}_{reasoned}": value for key, value in second.items()}
    act = found.act(plain, reasoned, **values, reason="as our members said")
    executed(world, ask(world, "metagovernance", act, "votes"))
    assert [suite.read("other_governor", "hasVoted", one, checksum(treasury)) for one in ids] == [True, True]
    power = suite.read("other_votes", "getVotes", checksum(treasury))
    assert suite.read("other_governor", "proposalVotes", ids[0]) == (0, power, 0)
    assert suite.read("other_governor", "proposalVotes", ids[1]) == (power, 0, 0)
    # A second vote on the same proposal: the other DAO's governor says no, and nothing is sent.
    number = suite.read("module", "policyState", policy_id("metagovernance"))[2]
    world.wind(300)
    again = found.act(plain, proposalId=str(ids[0]), support="0")
    request = ask(world, "metagovernance", again, "again")
    settle(world, {"it": request}, ENDED)
    assert request.status == Request.Status.REFUSED, request.reason
    assert "Call 1 fails in the contract that it calls, which answers 0x71c6af49" in request.reason  # AlreadyCastVote
    assert suite.read("module", "policyState", policy_id("metagovernance"))[2] == number
