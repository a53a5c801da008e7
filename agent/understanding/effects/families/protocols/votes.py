# SPDX-License-Identifier: Apache-2.0
"""Votes and proposals in other DAOs, rules of governors and timelocks, and the roles of access managers."""

from django.utils.translation import gettext_noop

from agent.understanding.effects.effect import Kind
from agent.understanding.effects.families.protocols.meaning import Case, Meaning
from governance.chain.address import ZERO

_AGAINST = gettext_noop("Votes against proposal {proposalId} of {target}.")
_FOR = gettext_noop("Votes for proposal {proposalId} of {target}.")
_ABSTAIN = gettext_noop("Abstains on proposal {proposalId} of {target}.")
_OTHER = gettext_noop("Votes on proposal {proposalId} of {target} with choice {support}.")
_SUPPORT = (Case("support", 0, _AGAINST), Case("support", 1, _FOR), Case("support", 2, _ABSTAIN))
_PLAIN_ID = {"proposalId": "plain"}


def _vote(function: str) -> Meaning:
    return Meaning(
        function, Kind.VOTE, _OTHER, subject="vote", new_value="support", moves="power", forms=_PLAIN_ID, cases=_SUPPORT
    )


ROWS = [
    _vote("castVote(uint256 proposalId,uint8 support)"),
    _vote("castVoteWithReason(uint256 proposalId,uint8 support,string reason)"),
    _vote("castVoteWithReasonAndParams(uint256 proposalId,uint8 support,string reason,bytes params)"),
    Meaning(
        "castVote(uint256 proposalId,bool support)",
        Kind.VOTE,
        _FOR,
        subject="vote",
        new_value="support",
        moves="power",
        forms=_PLAIN_ID,
        cases=(Case("support", False, _AGAINST),),
    ),
    Meaning(
        "propose(address[] targets,uint256[] values,bytes[] calldatas,string description)",
        Kind.VOTE,
        gettext_noop("Makes a proposal in {target} with calls to {targets}: “{description}”"),
        subject="proposal",
        new_value="description",
        moves="power",
    ),
    Meaning(
        "propose(address[] targets,uint256[] values,string[] signatures,bytes[] calldatas,string description)",
        Kind.VOTE,
        gettext_noop("Makes a proposal in {target} with calls to {targets}: “{description}”"),
        subject="proposal",
        new_value="description",
        moves="power",
    ),
    Meaning(
        "execute(uint256 proposalId)",
        Kind.VOTE,
        gettext_noop("Executes proposal {proposalId} of {target}, if it has passed."),
        subject="execution",
        new_value="proposalId",
        moves="power",
        forms=_PLAIN_ID,
    ),
    Meaning(
        "queue(uint256 proposalId)",
        Kind.VOTE,
        gettext_noop("Queues proposal {proposalId} of {target}, if it has passed."),
        subject="queue",
        new_value="proposalId",
        moves="power",
        forms=_PLAIN_ID,
    ),
    Meaning(
        "cancel(uint256 proposalId)",
        Kind.VOTE,
        gettext_noop("Cancels number {proposalId} in {target}: a proposal, or a stream."),
        subject="cancellation",
        new_value="proposalId",
        moves="power",
        forms=_PLAIN_ID,
    ),
    Meaning(
        "cancel(bytes32 id)",
        Kind.VOTE,
        gettext_noop("Cancels the scheduled operation {id} in {target}."),
        subject="cancellation",
        new_value="id",
        moves="power",
    ),
    Meaning(
        "cancelTransaction(address to,uint256 value,string signature,bytes data,uint256 eta)",
        Kind.VOTE,
        gettext_noop("Cancels the queued call “{signature}” to {to} in {target}."),
        subject="cancellation",
        new_value="signature",
        moves="power",
        forms={"value": "ether", "eta": "time"},
    ),
    Meaning(
        "delegateByType(address delegatee,uint8 delegationType)",
        Kind.DELEGATE,
        gettext_noop("Delegates power of type {delegationType} on {target} to {delegatee}."),
        recipient="delegatee",
        new_value="delegationType",
        cases=(
            Case("delegationType", 0, gettext_noop("Delegates the voting power on {target} to {delegatee}.")),
            Case("delegationType", 1, gettext_noop("Delegates the proposing power on {target} to {delegatee}.")),
        ),
    ),
    Meaning(
        "setDelegation(address delegation)",
        Kind.DELEGATE,
        gettext_noop("Sets {delegation} as the delegate in {target}."),
        recipient="delegation",
    ),
    # Governors.
    Meaning(
        "_initiate(address governorAlpha)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Starts the governor {target} where {governorAlpha} ended."),
        subject="governor",
        new_value="governorAlpha",
    ),
    Meaning(
        "_setWhitelistAccountExpiration(address account,uint256 expiration)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {account} make proposals in {target} without votes until {expiration}."),
        recipient="account",
        subject="whitelist",
        new_value="expiration",
        forms={"expiration": "time"},
        cases=(
            Case(
                "expiration",
                0,
                gettext_noop("Ends the right of {account} to make proposals in {target} without votes."),
            ),
        ),
    ),
    Meaning(
        "_setWhitelistGuardian(address account)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {account} cancel proposals of whitelisted accounts in {target}."),
        recipient="account",
        subject="whitelist guardian",
    ),
    Meaning(
        "setProposalGuardian(address newProposalGuardian)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {newProposalGuardian} cancel any proposal of {target}."),
        recipient="newProposalGuardian",
        subject="proposal guardian",
        cases=(Case("newProposalGuardian", ZERO, gettext_noop("Leaves {target} without a proposal guardian.")),),
    ),
    Meaning(
        "setGovernor(address newGovernor)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {newGovernor} the governor of {target}."),
        recipient="newGovernor",
        subject="governor",
    ),
    Meaning(
        "setGovernance(address newGovernance)",
        Kind.ROLE_CHANGE,
        gettext_noop("Gives the governance of {target} to {newGovernance}."),
        recipient="newGovernance",
        subject="governance",
    ),
    Meaning(
        "setAuthority(address newAuthority)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {newAuthority} decide who may call {target}."),
        recipient="newAuthority",
        subject="authority",
    ),
    Meaning(
        "updateAuthority(address managed,address newAuthority)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {newAuthority} decide who may call {managed}."),
        recipient="newAuthority",
        subject="authority",
    ),
    # Access manager and default admin rules of OpenZeppelin.
    Meaning(
        "grantRole(uint64 roleId,address account,uint32 executionDelay)",
        Kind.ROLE_CHANGE,
        gettext_noop("Gives role {roleId} of {target} to {account}, whose calls wait for {executionDelay}."),
        recipient="account",
        subject="{roleId}",
        new_value="executionDelay",
        forms={"roleId": "plain", "executionDelay": "seconds"},
    ),
    Meaning(
        "revokeRole(uint64 roleId,address account)",
        Kind.ROLE_CHANGE,
        gettext_noop("Takes role {roleId} of {target} from {account}."),
        recipient="account",
        subject="{roleId}",
        forms={"roleId": "plain"},
    ),
    Meaning(
        "setRoleAdmin(bytes32 role,bytes32 adminRole)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets members of role {adminRole} give and take role {role} of {target}."),
        subject="{role}",
        new_value="adminRole",
    ),
    Meaning(
        "setRoleAdmin(uint64 roleId,uint64 admin)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets members of role {admin} give and take role {roleId} of {target}."),
        subject="{roleId}",
        new_value="admin",
        forms={"roleId": "plain", "admin": "plain"},
    ),
    Meaning(
        "setRoleGuardian(uint64 roleId,uint64 guardian)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets members of role {guardian} cancel what members of role {roleId} of {target} schedule."),
        subject="{roleId}",
        new_value="guardian",
        forms={"roleId": "plain", "guardian": "plain"},
    ),
    Meaning(
        "setGrantDelay(uint64 roleId,uint32 newDelay)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets the wait before role {roleId} of {target} takes effect to {newDelay}."),
        subject="grant delay",
        new_value="newDelay",
        forms={"roleId": "plain", "newDelay": "seconds"},
    ),
    Meaning(
        "setTargetClosed(address managed,bool closed)",
        Kind.ROLE_CHANGE,
        gettext_noop("Forbids every call to {managed} that needs a role of {target}."),
        subject="closed",
        new_value="closed",
        cases=(
            Case("closed", False, gettext_noop("Allows calls to {managed} again, for those with a role of {target}.")),
        ),
    ),
    Meaning(
        "beginDefaultAdminTransfer(address newAdmin)",
        Kind.ROLE_CHANGE,
        gettext_noop("Names {newAdmin} as the next default admin of {target}."),
        recipient="newAdmin",
        subject="admin",
    ),
    Meaning(
        "acceptDefaultAdminTransfer()",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes whoever makes this call the default admin of {target}."),
        subject="admin",
    ),
    Meaning(
        "changeDefaultAdminDelay(uint48 newDelay)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets the wait before a new default admin of {target} to {newDelay}."),
        subject="admin delay",
        new_value="newDelay",
        forms={"newDelay": "seconds"},
    ),
    # Maker's way of giving rights.
    Meaning(
        "rely(address usr)",
        Kind.ROLE_CHANGE,
        gettext_noop("Gives {usr} every right over {target}."),
        recipient="usr",
        subject="ward",
    ),
    Meaning(
        "deny(address usr)",
        Kind.ROLE_CHANGE,
        gettext_noop("Takes every right over {target} from {usr}."),
        recipient="usr",
        subject="ward",
    ),
    Meaning(
        "kiss(address a)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {a} read {target}."),
        recipient="a",
        subject="reader",
    ),
    Meaning(
        "diss(address a)",
        Kind.ROLE_CHANGE,
        gettext_noop("Ends the right of {a} to read {target}."),
        recipient="a",
        subject="reader",
    ),
    Meaning(
        "file(bytes32 what,uint256 data)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets {what} of {target} to {data}."),
        subject="{what}",
        new_value="data",
        forms={"what": "ascii"},
    ),
    Meaning(
        "file(bytes32 what,address data)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets {what} of {target} to {data}."),
        subject="{what}",
        new_value="data",
        forms={"what": "ascii"},
    ),
    Meaning(
        "file(bytes32 ilk,bytes32 what,uint256 data)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets {what} of {ilk} in {target} to {data}."),
        subject="{what}",
        new_value="data",
        forms={"what": "ascii", "ilk": "ascii"},
    ),
    Meaning(
        "post(string content,string tag)",
        Kind.CALL,
        gettext_noop("Writes on chain, by {target}, under the tag “{tag}”: “{content}”"),
        subject="post",
        new_value="content",
        moves="",
    ),
]
