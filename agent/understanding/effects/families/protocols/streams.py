# SPDX-License-Identifier: Apache-2.0
"""Money that flows over time: Superfluid, Sablier, Aave's collector, vesting contracts; and merkle distributors.

A stream of Superfluid has a rate, in base units a second; the amount of a Sablier stream is what goes into it at once.
"""

from django.utils.translation import gettext_noop

from agent.understanding.effects.effect import Kind
from agent.understanding.effects.families.protocols.meaning import Case, Meaning


def _flow(function: str, rate: str, says: str, ends: str, sender: str = "") -> Meaning:
    return Meaning(
        function,
        Kind.STREAM,
        says,
        asset="token",
        amount=rate,
        recipient="receiver",
        sender=sender,
        subject="stream",
        new_value=rate,
        forms={rate: "money"},
        cases=(Case(rate, 0, ends, moves="money"),),
    )


_STARTS = gettext_noop("Streams {flowRate} a second to {receiver}, by {target}.")
_STARTS_FROM = gettext_noop("Streams {flowrate} a second from {sender} to {receiver}, by {target}.")
_SETS = gettext_noop("Streams {flowrate} a second to {receiver} from now on, by {target}.")
_SETS_FROM = gettext_noop("Streams {flowrate} a second from {sender} to {receiver} from now on, by {target}.")
_CHANGES = gettext_noop("Changes the stream to {receiver} to {flowRate} a second, by {target}.")
_CHANGES_FROM = gettext_noop("Changes the stream from {sender} to {receiver} to {flowrate} a second, by {target}.")
_ENDS = gettext_noop("Ends the stream of {token} to {receiver}, by {target}.")
_ENDS_FROM = gettext_noop("Ends the stream of {token} from {sender} to {receiver}, by {target}.")

_SUPERFLUID = [
    _flow("setFlowrate(address token,address receiver,int96 flowrate)", "flowrate", _SETS, _ENDS),
    _flow(
        "setFlowrateFrom(address token,address sender,address receiver,int96 flowrate)",
        "flowrate",
        _SETS_FROM,
        _ENDS_FROM,
        "sender",
    ),
    _flow("createFlow(address token,address receiver,int96 flowRate,bytes ctx)", "flowRate", _STARTS, _ENDS),
    _flow(
        "createFlow(address token,address sender,address receiver,int96 flowrate,bytes userData)",
        "flowrate",
        _STARTS_FROM,
        _ENDS_FROM,
        "sender",
    ),
    _flow("updateFlow(address token,address receiver,int96 flowRate,bytes ctx)", "flowRate", _CHANGES, _ENDS),
    _flow(
        "updateFlow(address token,address sender,address receiver,int96 flowrate,bytes userData)",
        "flowrate",
        _CHANGES_FROM,
        _ENDS_FROM,
        "sender",
    ),
    Meaning(
        "deleteFlow(address token,address sender,address receiver,bytes ctx)",
        Kind.STREAM,
        _ENDS_FROM,
        asset="token",
        recipient="receiver",
        sender="sender",
        subject="stream",
    ),
    Meaning(
        "upgrade(uint256 amount)",
        Kind.CALL,
        gettext_noop("Wraps {amount}, where {target} is a wrapped token: as much of the token under it goes into it."),
        asset="target",
        amount="amount",
        moves="money",
        forms={"amount": "money"},
    ),
    Meaning(
        "upgradeTo(address to,uint256 amount,bytes userData)",
        Kind.TRANSFER,
        gettext_noop("Wraps {amount} for {to}: as much of the token under it goes into {target}."),
        asset="target",
        amount="amount",
        recipient="to",
        forms={"amount": "money"},
    ),
    Meaning(
        "downgrade(uint256 amount)",
        Kind.CALL,
        gettext_noop(
            "Unwraps {amount}, where {target} is a wrapped token: as much of the token under it comes out of it."
        ),
        asset="target",
        amount="amount",
        moves="money",
        forms={"amount": "money"},
    ),
    Meaning(
        "downgradeTo(address to,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Unwraps {amount} for {to}: as much of the token under it comes out of {target}."),
        asset="target",
        amount="amount",
        recipient="to",
        forms={"amount": "money"},
    ),
    Meaning(
        "transferAll(address recipient)",
        Kind.TRANSFER,
        gettext_noop("Transfers everything that whoever makes this call has of {target} to {recipient}."),
        asset="target",
        recipient="recipient",
    ),
    Meaning(
        "grantPermissions(address token,address flowOperator)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Lets {flowOperator} start, change and end streams of {token} in the name of whoever makes this call, by "
            "{target}."
        ),
        recipient="flowOperator",
        subject="stream operator",
        moves="money",
    ),
    Meaning(
        "updateFlowOperatorPermissions(address token,address flowOperator,uint8 permissions,int96 flowrateAllowance)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Lets {flowOperator} manage streams of {token} in the name of whoever makes this call, with permissions "
            "{permissions} and up to {flowrateAllowance} a second, by {target}."
        ),
        asset="token",
        amount="flowrateAllowance",
        recipient="flowOperator",
        subject="stream operator",
        new_value="permissions",
        moves="money",
        forms={"flowrateAllowance": "money"},
    ),
    Meaning(
        "updateMemberUnits(address memberAddr,uint128 newUnits)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets the share of {memberAddr} in the distribution pool {target} to {newUnits} units."),
        recipient="memberAddr",
        subject="units",
        new_value="newUnits",
        moves="money",
    ),
]


_BROKER = "(address account,uint256 fee) broker"
_INTO = gettext_noop("Puts {totalAmount} into a stream for {recipient}, which {sender} may manage, by {target}.")
_INTO_BY_DEPOSIT = gettext_noop(
    "Puts {depositAmount} into a stream for {recipient}, which {sender} may manage, by {target}."
)


_INTO_WITH_BROKER = gettext_noop(
    "Puts {totalAmount} into a stream for {recipient}, which {sender} may manage, by {target}. Of it {account} gets "
    "{fee} as its broker."
)


def _locked(function: str, amount: str = "totalAmount", asset: str = "asset", sender: str = "sender") -> Meaning:
    """A stream that is paid in at once. `sender` in Sablier may cancel it; the caller pays. A broker gets a part."""
    has_broker = _BROKER in function
    says = _INTO_WITH_BROKER if has_broker else _INTO if amount == "totalAmount" else _INTO_BY_DEPOSIT
    return Meaning(
        function,
        Kind.TRANSFER,
        says,
        asset=asset,
        amount=amount,
        recipient="recipient",
        subject="stream",
        new_value=sender,
        forms={amount: "money", **({"fee": "percent18"} if has_broker else {})},
        cases=(Case("fee", 0, _INTO),) if has_broker else (),
    )


_SABLIER_HEAD = "(address sender,address recipient,uint128 totalAmount,address asset,bool cancelable,bool transferable,"
_LOCKUP_2 = "(address sender,address recipient,uint128 totalAmount,address token,bool cancelable,bool transferable,"
_LOCKUP_3 = "(address sender,address recipient,uint128 depositAmount,address token,bool cancelable,bool transferable,"
_TIMES = "(uint40 start,uint40 end) timestamps,string shape"
_LINEAR = "(uint128 start,uint128 cliff) unlockAmounts"
_DURATIONS = "(uint40 cliff,uint40 total) durations"
_STEPS_BY_DURATION = "(uint128 amount,uint40 duration)[]"
_STEPS_BY_TIME = "(uint128 amount,uint40 timestamp)[]"
_CURVES_BY_DURATION = "(uint128 amount,uint64 exponent,uint40 duration)[]"
_CURVES_BY_TIME = "(uint128 amount,uint64 exponent,uint40 timestamp)[]"

_SABLIER = [
    _locked(f"createWithDurations({_SABLIER_HEAD}{_DURATIONS},{_BROKER}) params)"),
    _locked(f"createWithDurations({_SABLIER_HEAD}{_STEPS_BY_DURATION} tranches,{_BROKER}) params)"),
    _locked(f"createWithDurations({_SABLIER_HEAD}{_CURVES_BY_DURATION} segments,{_BROKER}) params)"),
    _locked(
        f"createWithTimestamps({_SABLIER_HEAD}(uint40 start,uint40 cliff,uint40 end) timestamps,{_BROKER}) params)"
    ),
    _locked(f"createWithTimestamps({_SABLIER_HEAD}uint40 startTime,{_STEPS_BY_TIME} tranches,{_BROKER}) params)"),
    _locked(f"createWithTimestamps({_SABLIER_HEAD}uint40 startTime,{_CURVES_BY_TIME} segments,{_BROKER}) params)"),
    _locked(f"createWithRange({_SABLIER_HEAD}(uint40 start,uint40 cliff,uint40 end) range,{_BROKER}) params)"),
    _locked(f"createWithDurationsLL({_LOCKUP_2}string shape,{_BROKER}) params,{_LINEAR},{_DURATIONS})", asset="token"),
    _locked(f"createWithTimestampsLL({_LOCKUP_2}{_TIMES},{_BROKER}) params,{_LINEAR},uint40 cliffTime)", asset="token"),
    _locked(
        f"createWithDurationsLT({_LOCKUP_2}string shape,{_BROKER}) params,{_STEPS_BY_DURATION} tranchesWithDuration)",
        asset="token",
    ),
    _locked(
        f"createWithTimestampsLT({_LOCKUP_2}{_TIMES},{_BROKER}) params,{_STEPS_BY_TIME} tranches)",
        asset="token",
    ),
    _locked(f"createWithDurationsLL({_LOCKUP_3}string shape) params,{_LINEAR},{_DURATIONS})", "depositAmount", "token"),
    _locked(
        f"createWithTimestampsLL({_LOCKUP_3}{_TIMES}) params,{_LINEAR},uint40 cliffTime)", "depositAmount", "token"
    ),
    _locked(
        f"createWithDurationsLT({_LOCKUP_3}string shape) params,{_STEPS_BY_DURATION} tranchesWithDuration)",
        "depositAmount",
        "token",
    ),
    _locked(
        f"createWithTimestampsLT({_LOCKUP_3}{_TIMES}) params,{_STEPS_BY_TIME} tranches)",
        "depositAmount",
        "token",
    ),
    Meaning(
        "createStream(address recipient,uint256 deposit,address tokenAddress,uint256 startTime,uint256 stopTime)",
        Kind.TRANSFER,
        gettext_noop("Puts {deposit} into a stream for {recipient} from {startTime} to {stopTime}, by {target}."),
        asset="tokenAddress",
        amount="deposit",
        recipient="recipient",
        subject="stream",
        new_value="stopTime",
        forms={"deposit": "money", "startTime": "time", "stopTime": "time"},
        # Sablier takes the tokens from the caller; Aave's collector has the same function and pays itself.
        pays_itself=("aave_collector",),
        says_itself=gettext_noop("Streams {deposit} out of {target} to {recipient} from {startTime} to {stopTime}."),
    ),
    Meaning(
        "createStream(address collector,address recipient,uint256 deposit,address tokenAddress,uint256 "
        "startTime,uint256 stopTime)",
        Kind.TRANSFER,
        gettext_noop(
            "Streams {deposit} out of {collector} to {recipient} from {startTime} to {stopTime}, by {target}."
        ),
        asset="tokenAddress",
        amount="deposit",
        recipient="recipient",
        sender="collector",
        subject="stream",
        new_value="stopTime",
        forms={"deposit": "money", "startTime": "time", "stopTime": "time"},
    ),
    Meaning(
        "create(address sender,address recipient,uint128 ratePerSecond,address token,bool transferable)",
        Kind.STREAM,
        gettext_noop(
            "Opens a stream of {token} to {recipient} at {ratePerSecond} (18 decimals) a second, which {sender} may "
            "manage, by {target}."
        ),
        recipient="recipient",
        subject="stream",
        new_value="ratePerSecond",
    ),
    Meaning(
        "createAndDeposit(address sender,address recipient,uint128 ratePerSecond,address token,bool "
        "transferable,uint128 amount)",
        Kind.TRANSFER,
        gettext_noop(
            "Opens a stream to {recipient} at {ratePerSecond} (18 decimals) a second and puts {amount} into it; "
            "{sender} may "
            "manage it, by {target}."
        ),
        asset="token",
        amount="amount",
        recipient="recipient",
        subject="stream",
        new_value="ratePerSecond",
        forms={"amount": "money"},
    ),
    Meaning(
        "adjustRatePerSecond(uint256 streamId,uint128 newRatePerSecond)",
        Kind.STREAM,
        gettext_noop("Sets the rate of stream {streamId} in {target} to {newRatePerSecond} (18 decimals) a second."),
        subject="stream",
        new_value="newRatePerSecond",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "deposit(uint256 streamId,uint128 amount,address sender,address recipient)",
        Kind.TRANSFER,
        gettext_noop("Puts {amount} base units of its token into stream {streamId} of {target}, for {recipient}."),
        amount="amount",
        recipient="recipient",
        subject="stream",
        new_value="streamId",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "refund(uint256 streamId,uint128 amount)",
        Kind.CALL,
        gettext_noop("Takes {amount} base units back out of stream {streamId} in {target}."),
        amount="amount",
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "withdraw(uint256 streamId,address to,uint128 amount)",
        Kind.CALL,
        gettext_noop("Pays {amount} base units out of stream {streamId} in {target} to {to}."),
        amount="amount",
        recipient="to",
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "withdrawMax(uint256 streamId,address to)",
        Kind.CALL,
        gettext_noop("Pays all that is due from stream {streamId} in {target} to {to}."),
        recipient="to",
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "withdrawFromStream(uint256 streamId,uint256 amount)",
        Kind.CALL,
        gettext_noop("Pays {amount} base units out of stream {streamId} in {target} to its recipient."),
        amount="amount",
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "cancelStream(uint256 streamId)",
        Kind.STREAM,
        gettext_noop("Ends stream {streamId} in {target}; what is not yet due goes back."),
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "cancelStream(address collector,uint256 streamId)",
        Kind.STREAM,
        gettext_noop("Ends stream {streamId} out of {collector}, by {target}; what is not yet due stays there."),
        sender="collector",
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "cancelMultiple(uint256[] streamIds)",
        Kind.STREAM,
        gettext_noop("Ends these streams in {target}; what is not yet due goes back: {streamIds}."),
        subject="stream",
        new_value="streamIds",
        moves="money",
    ),
    Meaning(
        "renounce(uint256 streamId)",
        Kind.ROLE_CHANGE,
        gettext_noop("Gives up the right to cancel stream {streamId} in {target}."),
        subject="stream",
        new_value="streamId",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "void(uint256 streamId)",
        Kind.STREAM,
        gettext_noop("Ends stream {streamId} in {target} for good, and what it owes beyond its deposit."),
        subject="stream",
        new_value="streamId",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "restart(uint256 streamId,uint128 ratePerSecond)",
        Kind.STREAM,
        gettext_noop("Starts stream {streamId} in {target} again, at {ratePerSecond} (18 decimals) a second."),
        subject="stream",
        new_value="ratePerSecond",
        moves="money",
        forms={"streamId": "plain"},
    ),
    Meaning(
        "transferAdmin(address newAdmin)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {newAdmin} the admin of {target}."),
        recipient="newAdmin",
        subject="admin",
    ),
    Meaning(
        "clawback(address to,uint128 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} base units of its token out of {target} to {to}."),
        amount="amount",
        recipient="to",
        sender="target",
    ),
]

_VESTING = [
    Meaning(
        "release(address token)",
        Kind.CALL,
        gettext_noop(
            "Releases what is due out of {target}: of the token {token}, or to {token} where that is a payee."
        ),
        sender="target",
        subject="vesting",
        moves="money",
    ),
    Meaning(
        "release()",
        Kind.CALL,
        gettext_noop("Releases what is due out of {target}, to whom its code says."),
        sender="target",
        subject="vesting",
        moves="money",
    ),
    Meaning(
        "claim(uint256 index,address account,uint256 amount,bytes32[] merkleProof)",
        Kind.CALL,
        gettext_noop("Pays {amount} base units out of {target} to {account}, if entry {index} of its list says so."),
        amount="amount",
        recipient="account",
        sender="target",
        subject="claim",
        moves="money",
    ),
    Meaning(
        "claim(uint256 index,address recipient,uint128 amount,bytes32[] merkleProof)",
        Kind.CALL,
        gettext_noop("Pays {amount} base units out of {target} to {recipient}, if entry {index} of its list says so."),
        amount="amount",
        recipient="recipient",
        sender="target",
        subject="claim",
        moves="money",
    ),
    Meaning(
        "setWindow(uint256 rewardsToDeposit,address rewardToken,bytes32 merkleRoot,string ipfsHash)",
        Kind.TRANSFER,
        gettext_noop("Pays {rewardsToDeposit} into {target}, for those on the list with root {merkleRoot} to claim."),
        asset="rewardToken",
        amount="rewardsToDeposit",
        recipient="target",
        subject="claims",
        new_value="merkleRoot",
        forms={"rewardsToDeposit": "money"},
    ),
    Meaning(
        "createPlan(address recipient,address token,uint256 amount,uint256 start,uint256 cliff,uint256 rate,uint256 "
        "period)",
        Kind.TRANSFER,
        gettext_noop("Puts {amount} into a vesting plan for {recipient}, from {start}, by {target}."),
        asset="token",
        amount="amount",
        recipient="recipient",
        subject="vesting",
        new_value="start",
        forms={"amount": "money", "start": "time"},
    ),
    Meaning(
        "createPlan(address recipient,address token,uint256 amount,uint256 start,uint256 cliff,uint256 rate,uint256 "
        "period,"
        "address vestingAdmin,bool adminTransferOBO)",
        Kind.TRANSFER,
        gettext_noop(
            "Puts {amount} into a vesting plan for {recipient}, from {start}, which {vestingAdmin} may end, by "
            "{target}."
        ),
        asset="token",
        amount="amount",
        recipient="recipient",
        subject="vesting",
        new_value="vestingAdmin",
        forms={"amount": "money", "start": "time"},
    ),
    Meaning(
        "revokePlans(uint256[] planIds)",
        Kind.CALL,
        gettext_noop("Ends these vesting plans in {target}; what has not vested goes to their admin: {planIds}."),
        subject="vesting",
        new_value="planIds",
        moves="money",
    ),
    Meaning(
        "createVestingSchedule(address _beneficiary,uint256 _start,uint256 _cliff,uint256 _duration,uint256 "
        "_slicePeriodSeconds,bool _revocable,uint256 _amount)",
        Kind.CALL,
        gettext_noop(
            "Sets {_amount} base units of the token that {target} holds aside for {_beneficiary}, to vest from "
            "{_start} over "
            "{_duration}."
        ),
        amount="_amount",
        recipient="_beneficiary",
        sender="target",
        subject="vesting",
        moves="money",
        forms={"_start": "time", "_duration": "seconds"},
    ),
]

ROWS = [*_SUPERFLUID, *_SABLIER, *_VESTING]
