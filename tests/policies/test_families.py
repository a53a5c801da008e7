# SPDX-License-Identifier: Apache-2.0
"""Functions whose effect goes on after the act are refused by family: by name, by arguments, by selector."""

from pathlib import Path

import pytest

from agent.understanding.functions import table
from agent.understanding.functions.make import standing
from agent.understanding.functions.make.packages import PACKAGES
from agent.understanding.functions.table import candidates
from policies.code.families import Family, family_of
from policies.code.signatures import Function, known_unbounded, parse_function, why_unbounded
from policies.code.standing_effects import UNBOUNDED
from policies.notation.primitives import selector

JUDGED = Path(__file__).with_name("judged_functions.tsv")
OLD = {selector(signature) for signature in UNBOUNDED}


def family(text: str) -> Family | None:
    """The family that the function is refused by; other reasons (names that were always refused) count as none."""
    why = why_unbounded(parse_function(text))
    return next((one for one in Family if one.value == why), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("setFlowrate(address token, address receiver, int96 flowrate)", Family.STREAM),
        ("beginPayments(address to, uint128 ratePerSecond)", Family.STREAM),
        ("harmless(address a, address b, int96 c)", Family.STREAM),
        ("harmless(address a, uint216 b)", Family.STREAM),
        ("harmless((address to, uint128 amountPerSec) plan)", Family.STREAM),
        ("openAnyStream(uint256 total)", Family.STREAM),
        ("grantPermissions(address token, address flowOperator)", Family.PERMISSION),
        ("authorizeWhoever(address who)", Family.PERMISSION),
        ("setNewOperator(address who)", Family.PERMISSION),
        ("setUserPositionManager(address manager, bool approved)", Family.PERMISSION),
        ("setDelegate(bytes32 id, address delegate)", Family.DELEGATION),
        ("delegateEverything(address to)", Family.DELEGATION),
        ("create_boost(address to, uint256 amount, uint256 end)", Family.DELEGATION),
        ("borrowMore(uint256 amount)", Family.CREDIT),
        ("enterMarkets(uint256 a)", Family.CREDIT),
        ("frob(uint256 cdp, int256 dink, int256 dart)", Family.CREDIT),
        ("letSpend(address who, uint8 v, bytes32 r, bytes32 s)", Family.SIGNED),
        ("allowanceWithSignature(address who, uint256 amount)", Family.SIGNED),
        ("setRecord(bytes32 node, address owner, address resolver, uint64 ttl)", Family.CONTROL),
        ("setTreasuryGuardian(address who)", Family.CONTROL),
        ("removeOwnerAnd(address who)", Family.CONTROL),
        ("setPendingAdmin(address who)", Family.CONTROL),
        ("addMinter(address who)", Family.MINTER),
        ("configureMinter(address who, uint256 amount)", Family.MINTER),
        ("upgradeAll(address proxy)", Family.UPGRADE),
        ("setImplementation(address code)", Family.UPGRADE),
        ("batchCall(uint256 a)", Family.ANYTHING),
        ("runScriptWithIO(bytes script, bytes input, address[] blacklist)", Family.ANYTHING),
        ("sendMessage(address target, bytes message, uint32 gasLimit)", Family.ANYTHING),
        ("createRetryableTicketNow(address to, uint256 value, bytes data)", Family.ANYTHING),
        ("relayMessage(address target, uint256 chain, bytes message)", Family.ANYTHING),
        ("bridgeMessage(uint32 network, address to, bytes data)", Family.ANYTHING),
        ("forward(address to, bytes data)", Family.ANYTHING),
        ("forward(address to, uint256 amount)", None),
        ("setIsSequencer(address who, bool is)", Family.PERMISSION),
        ("setIsPaused(bool paused)", None),
        ("insertSigners(address[] signers)", Family.PERMISSION),
        ("setConfig(address[] _signers, uint8 f, bytes rest)", Family.PERMISSION),
        ("setConfig(address[] targets, uint8 f)", None),
        ("setTransferor(address transferor)", Family.PERMISSION),
        ("enqueue(address target, uint256 gas, bytes data)", Family.ANYTHING),
        ("enqueue(uint256 number)", None),
        ("anyExec(address from, address to, bytes data)", Family.ANYTHING),
        ("executeExternalCall(bytes message)", Family.ANYTHING),
        ("syncState(address receiver, bytes data)", Family.ANYTHING),
        ("createVestingSchedule(address beneficiary, uint256 start, uint256 amount)", Family.STREAM),
        ("revokeVestingSchedule(uint256 number)", None),
        ("updateContractMap(bytes32 key, address code)", Family.UPGRADE),
        ("applyInstallation(address dao, address plugin)", Family.CONTROL),
        ("changeMPC(address mpc)", Family.CONTROL),
        ("depositTransaction(address to, uint256 value, uint64 gas, bool creates, bytes data)", Family.ANYTHING),
        ("initiateWithdrawal(address target, uint256 gas, bytes data)", Family.ANYTHING),
        ("initiateWithdrawal(uint256 amount)", None),
        ("sendL2Message(address chain, bytes data)", Family.ANYTHING),
        ("requestL2TransactionDirect(uint256 chain, bytes data)", Family.ANYTHING),
        ("attemptCalls(uint256 a)", Family.ANYTHING),
        ("sendRawAction(uint256 a)", Family.ANYTHING),
        ("setTemplates(address a, address b)", Family.UPGRADE),
        ("transferOwnableContracts(address[] contracts, address to)", Family.CONTROL),
        ("acceptAuthorizedReceivers(address[] a, address[] b)", Family.PERMISSION),
        ("setBurner(address who)", Family.CONTROL),
        ("setNameForAddr(address addr, address owner, address resolver, string name)", Family.CONTROL),
        ("sendMessage(uint256 count)", None),
        ("addConsumer(uint64 subscriptionId, address consumer)", Family.PERMISSION),
        ("removeConsumer(uint64 subscriptionId, address consumer)", None),
        ("updateRescuer(address newRescuer)", Family.CONTROL),
        ("addErc20Predicate(address predicate)", Family.CONTROL),
        ("sendLimitOrder(uint256 amount, uint256 price, address to)", Family.ORDER),
        ("cancelLimitOrder(uint256 number)", None),
        ("transfer(address to, uint256 amount)", None),
        ("castVote(uint256 proposalId, uint8 support)", None),
        ("castVoteBySig(uint256 proposalId, uint8 support, uint8 v, bytes32 r, bytes32 s)", None),
        ("deposit(uint256 assets, address receiver)", None),
        ("withdraw(uint256 assets, address receiver, address owner)", None),
        ("supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode)", None),
        ("repay(address asset, uint256 amount, uint256 rateMode, address onBehalfOf)", None),
        ("repayBorrow(uint256 amount)", None),
        ("submit(address referral)", None),
        ("renew(string name, uint256 duration)", None),
        ("cancelStream(uint256 streamId)", None),
        ("revokeOperator(address operator)", None),
        ("cancelAndApprove(address who, uint256 amount)", Family.PERMISSION),
        ("clearAndSetApproval(address who)", Family.PERMISSION),
        ("revokeAndGrantOperator(address old, address new)", Family.PERMISSION),
        ("revokeOldApproveNew(address old, address new)", Family.PERMISSION),
        ("withdrawAndDelegate(address to, uint256 amount)", Family.DELEGATION),
        ("burnAndApproveFee(uint256 amount)", Family.PERMISSION),
        ("claimAndApproveFees(address who)", Family.PERMISSION),
        ("collectThenOpenStreamFee(address who)", Family.STREAM),
        ("stopAndCreateStream(address to)", Family.STREAM),
        ("withdrawDelegationFee(uint256 amount)", None),
        ("removeDelegate(address who)", None),
        ("cancelApproval(address who)", None),
        ("withdrawBorrowFee(uint256 amount)", None),
        ("claimAdminFees(address pool)", None),
        ("updateBorrowCap(address asset, uint256 cap)", None),
        ("setWorkflow(uint256 id)", None),
        ("createWithDurations(address recipient, uint128 total, uint40 cliff, uint40 duration)", None),
        ("upgrade(uint256 amount)", None),
        ("upgradeByETH()", None),
        ("subdelegateBatched(address[] to, bytes32[] rules)", Family.DELEGATION),
        ("transferControl(address split, address newController)", Family.CONTROL),
        ("setDrips(uint256 account, address token)", Family.STREAM),
        ("createRecurringPayment(address to, uint256 amount)", Family.STREAM),
        ("adjustTrove(uint256 id, uint256 amount)", Family.CREDIT),
        ("issueMaxSynths()", Family.CREDIT),
        ("issueSynths(uint256 amount)", Family.CREDIT),
        ("generateDebt(address safe, uint256 amount)", Family.CREDIT),
        ("openCreditAccount(address onBehalfOf, uint256 code)", Family.CREDIT),
        ("setTrustedRemoteAddress(uint16 chain, bytes remote)", Family.CONTROL),
        ("installPlugin(address plugin, uint256 code)", Family.CONTROL),
        ("addSessionKey(address key, uint256 until)", Family.PERMISSION),
        ("setSpendLimit(address who, uint256 amount)", Family.PERMISSION),
        ("setAppointee(address account, address appointee, address target, bytes4 selector)", Family.PERMISSION),
        ("setClaimerFor(address claimer)", Family.PERMISSION),
        ("withdrawLUSD(uint256 fee, uint256 amount, address upper, address lower)", Family.CREDIT),
        ("withdrawBold(uint256 id, uint256 amount, uint256 fee)", Family.CREDIT),
        ("setWithdrawalAddress(address node, address to, bool confirm)", Family.CONTROL),
        ("mintHat(uint256 hat, address wearer)", Family.CONTROL),
        ("set_rewards_receiver(address receiver)", Family.CONTROL),
        ("createStream(address to, uint256 deposit, address token, uint256 startTime, uint256 stopTime)", None),
    ],
)
def test_families(text: str, expected: Family | None) -> None:
    assert family(text) is expected
    assert (why_unbounded(parse_function(text)) is None) is (expected is None)


def test_an_exception_is_one_by_selector_and_not_by_name() -> None:
    assert why_unbounded(parse_function("upgrade(uint128 amount)")) == Family.UPGRADE.value
    assert known_unbounded(selector("upgrade(uint256)")) is None
    colliding = Function(
        "wrapMore", parse_function("f(uint256 a)").arguments, given=selector("setFlowrate(address,address,int96)")
    )
    assert why_unbounded(colliding) == (
        f"is setFlowrate(address,address,int96) under another name, which {Family.STREAM.value}"
    )


def test_the_list_of_selectors_is_made_of_the_function_table() -> None:
    assert standing.main(["--check"]) == 0
    rows = [line.split("\t") for line in standing.lines()]
    assert len(rows) == len({row[0] for row in rows}) > 1000
    for code, name, signature, source in rows:
        assert code == selector(signature).hex()
        assert source == "hand" or source in PACKAGES
        assert (known_unbounded(bytes.fromhex(code)) is None) is (name == "-")
    assert all(why for _, _, why in standing.by_hand())


def judged() -> list[tuple[bytes, str, str, str]]:
    """Selector, name, family as judged (`-`: none), package."""
    lines = JUDGED.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(bytes.fromhex(code), name, expected, source) for code, name, expected, source in rows]


def test_what_was_judged_to_go_on_is_refused_and_nothing_else() -> None:
    """Every function was judged by reading it. What the list has by name alone, the rules for names must find too."""
    protocols, missed, refused = set(), [], []
    by_hand = {signature for signature, _, _ in standing.by_hand()}
    for code, name, expected, source in judged():
        function = next(one for one in candidates(code) if one.name == name)
        protocols.add(source.partition("-")[0].rstrip("0123456789u"))
        listed = known_unbounded(code) is not None
        by_name = family_of(name, list(standing.flat(function.inputs))) is not None
        if expected != "-" and not (listed and (by_name or function.signature in by_hand or code in OLD)):
            missed.append(function.signature)
        if expected == "-" and listed:
            refused.append(function.signature)
    assert len(protocols) >= 15
    read = {code for code, *_ in judged()}
    assert [code.hex() for code in table._lines() if code not in read and known_unbounded(code) is None] == []
    assert missed == []
    assert refused == []
