# SPDX-License-Identifier: Apache-2.0
"""Sentences about putting a policy module onto a DAO, by their codes, and the error that has one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_noop

from governance.sentences import Sentence, Table

# Why something can't be done.
_REFUSALS = {
    "no_contract": gettext_noop("there is no contract at {address} on chain {chain}: check address and chain"),
    "no_governor": gettext_noop(
        "the contract at {address} is neither a governor that is understood nor a Safe: name the governor's own "
        "address (the proxy's, where it has one)"
    ),
    "no_treasury_named": gettext_noop(
        "it is not known what holds the money of the governor {governor}: name it with --treasury, our Treasury's or "
        "the Safe's address"
    ),
    "no_token_named": gettext_noop("the governor {governor} names no votes token: name it with --token"),
    "treasury_without_code": gettext_noop("there is no contract at {address}, which is named as the treasury"),
    "token_without_code": gettext_noop("there is no contract at {address}, which is named as the votes token"),
    "not_compiled": gettext_noop("{contract} is not compiled here: run `make install`"),
    "money_in_timelock": gettext_noop(
        "{holder}, through which votes act, holds the money itself and lets no module act. Deploy our Treasury or a "
        "Safe that it owns, move to it by vote what the agent may ever spend, and name it with --treasury"
    ),
    "holder_unknown": gettext_noop(
        "{holder} is neither our Treasury nor a Safe, so it is not known how a module would act for it. Name with "
        "--treasury what holds the money the agent may spend"
    ),
    "no_past_votes": gettext_noop(
        "the votes token {token} answers neither getPastVotes and getPastTotalSupply nor getPriorVotes: nobody could "
        "object to an act, so no module serves it. Name another token with --token"
    ),
    "no_record": gettext_noop(
        "there is no record at {path}: run `module deploy` first, or name the record with --record"
    ),
    "record_unusable": gettext_noop("{path} is no record of a module's deployment: {reason}"),
    "record_of_another": gettext_noop(
        "{path} is the record of another deployment: parties or guardian differ. Name another file with --record"
    ),
    "record_of_other_code": gettext_noop(
        "{path} was begun with other code or another salt: go on from the commit and with the options that it was "
        "begun with, or name another file with --record"
    ),
    "not_compiling": gettext_noop("the contracts can't be compiled: {reason}"),
    "chain_lacks": gettext_noop("chain {chain} lacks {features}: the module can't run there"),
    "factory_not_there": gettext_noop(
        "the CREATE2 factory {factory} is not on chain {chain}: deploy it first (`module plan` says how)"
    ),
    "created_nothing": gettext_noop(
        "the transaction {hash} was mined and {contract} is not there: the node may be behind; run again"
    ),
    "begun_by_another": gettext_noop(
        "{sender} has sent a transaction for this already: go on with its keystore, or wait until it is mined and run"
        " again"
    ),
    "would_fail": gettext_noop("it would fail: {reason}"),
    "failed": gettext_noop("the transaction {hash} was mined and failed; run again to send another one"),
    "not_mined": gettext_noop("the transaction {hash} is not mined yet: run again, it goes on and sends nothing twice"),
    "constructor_refuses": gettext_noop("{contract} can't be created with these parties: {reason}"),
}

# What was found, or is to be known, in the order in which a plan says it.
_FOUND = {
    "block": gettext_noop("chain {chain}, asked at block {block:,}"),
    "governor": gettext_noop("{governor} {name} ({family})"),
    "no_votes": gettext_noop(
        "there is none: {safe} is a Safe. Its owners rule the module, and each owner's one vote counts as an objection"
    ),
    "owner_is_governor": gettext_noop("the governor {owner} acts by itself: what carries is executed at once"),
    "control": gettext_noop("{timelock} is OpenZeppelin's, with a delay of {delay}"),
    "control_governor": gettext_noop("the governor may propose to it"),
    "control_no_governor": gettext_noop(
        "the governor may not propose to it: votes can't make it act, and so can't rule the module. Mend this first"
    ),
    "control_roles": gettext_noop("{role}: {holders}"),
    "control_other_proposers": gettext_noop(
        "besides the governor these may propose to it, and so may change the module's policies, after the delay and "
        "without a vote: {holders}"
    ),
    "control_admins": gettext_noop("besides itself these may hand out its roles, without a vote: {holders}"),
    "control_open": gettext_noop("anybody may execute what is due, which is usual"),
    "roles_unknown": gettext_noop(
        "who else may propose to it or hand out its roles is not known: the node does not give the logs of the whole "
        "past, or not all answers. Ask an archive node with --rpc"
    ),
    "compound": gettext_noop("{timelock} is Compound's, with a delay of {delay}"),
    "compound_admin": gettext_noop("its admin is the governor"),
    "compound_other_admin": gettext_noop(
        "its admin is {admin} and not the governor: votes can't make it act, and so can't rule the module. Mend this "
        "first"
    ),
    "compound_pending": gettext_noop("its admin may become {pending}, who then acts through it without this governor"),
    "timelock_other": gettext_noop(
        "{timelock} is of no kind that is understood: who can make it act, and so can change the module's policies, is "
        "not known, and `module propose` makes no vote for it"
    ),
    "treasury_ours": gettext_noop("{holder} is our Treasury, by its code"),
    "treasury_owned": gettext_noop("its owner is {owner}, through which votes act: a vote enables the module"),
    "treasury_other_owner": gettext_noop(
        "its owner is {owner}, and votes act through {expected}: no vote can enable the module, and the owner can take "
        "everything without the module. Mend this first"
    ),
    "safe": gettext_noop("{holder} is a Safe by its own answers, version {version}; its code is not compared here"),
    "safe_owners": gettext_noop("{threshold} of {count} owners sign: {owners}"),
    "safe_of_vote": gettext_noop("its one owner is {owner}, through which votes act: a vote enables the module"),
    "safe_of_vote_and_others": gettext_noop(
        "{owner}, through which votes act, is an owner and one signature is enough: a vote enables the module. "
        "But these owners can take everything alone, past the module and past every vote: {others}"
    ),
    "safe_of_owners": gettext_noop(
        "votes can't make it act: its owners must enable the module themselves, with the file of `module propose`. "
        "Its owners can bypass the module: {threshold} of them take everything, whatever the policy says, and can "
        "switch the module off. The policy binds the agent alone"
    ),
    "safe_alone": gettext_noop(
        "its owners enable the module and set its policies, {threshold} of them each time. They can bypass the module: "
        "the policy binds the agent alone"
    ),
    "safe_no_modules": gettext_noop("no module is enabled"),
    "safe_modules": gettext_noop(
        "these modules are enabled, and each can take everything unless its own code says otherwise: {modules}"
    ),
    "safe_more_modules": gettext_noop("more modules are enabled than are listed here"),
    "safe_modules_unknown": gettext_noop("which modules are enabled is not known: it does not list them"),
    "safe_no_guard": gettext_noop("no guard is set"),
    "safe_guard": gettext_noop("the guard {guard} may forbid the transaction that enables the module, or any other"),
    "safe_module_guard": gettext_noop("the module guard {guard} may forbid what the agent does"),
    "safe_guard_unknown": gettext_noop("whether a guard is set is not known: the node does not tell its storage"),
    "votes_past": gettext_noop("{token} {symbol} answers past votes and past supply: members object with their votes"),
    "votes_prior": gettext_noop(
        "{token} {symbol} answers past votes by getPriorVotes alone: our PriorVotesAdapter is deployed beside the "
        "module. Votes count as of the block of the announcement, the supply as of now: what is minted later raises "
        "the power that stops an act"
    ),
    "votes_safe": gettext_noop(
        "the owners of {token} object, by our SafeOwnersAdapter: one vote each. Owners count as of now: one that was "
        "removed can't object any more, and a new one can, also to acts that were announced before"
    ),
    "votes_none": gettext_noop(
        "{token} {symbol} answers neither past votes nor getPriorVotes: nobody could object to an act"
    ),
    "features": gettext_noop("the chain has {features}"),
    "features_missing": gettext_noop("the chain lacks {features}: the module can't run there"),
    "features_unknown": gettext_noop(
        "whether the chain has {features} is not known: the node runs no code that nobody deployed"
    ),
    "factory": gettext_noop("the CREATE2 factory {factory} is there"),
    "factory_missing": gettext_noop(
        "the CREATE2 factory {factory} is not there, and what it costs can't be estimated. Deploy it first: "
        "github.com/Arachnid/deterministic-deployment-proxy has the one signed transaction for every chain"
    ),
    "explorer": gettext_noop(
        "whether an explorer shows the source is unknown: none is asked. `module deploy` keeps the compiler's input "
        "beside the record, which explorers take as standard JSON"
    ),
    "guardian": gettext_noop(
        "{guardian} may pause the agent, veto its acts and shorten its policies, and nothing else"
    ),
    "guardian_none": gettext_noop(
        "there is none: nobody alone can pause the agent or veto an act, which a vote through the timelock may be too"
        " slow for. Members object to acts that wait, and petition for a pause. Name one with --guardian"
    ),
    "mirror_unknown": gettext_noop(
        "whether a site's mirror follows a module for this treasury already is not known: no database answers. It is "
        "needed for nothing else here"
    ),
    "module_known": gettext_noop(
        "the mirror follows a module for this treasury already, {module}: another one gives the agent of its policies"
        " a second set of budgets"
    ),
    "part": gettext_noop("{contract} at {address}, gas {gas}"),
    "part_there": gettext_noop("{contract} at {address} is there already"),
    "cost": gettext_noop(
        "{gas} gas: {least} {symbol} at the newest block's base fee, at most {most} {symbol} at what `module deploy` "
        "would offer now. On a rollup the fee for data on the chain below comes on top and is not in it"
    ),
    "cost_none": gettext_noop("nothing is left to create"),
    "cost_unknown": gettext_noop("not known: the node does not estimate it before the adapter is there"),
    "cost_vote": gettext_noop("proposing, voting and executing cost gas of their own, which is not in it"),
    "way_back_deploy": gettext_noop("a deployed module that nobody enabled can do nothing: leave it where it is"),
    "way_back_treasury": gettext_noop(
        "a vote calls disableModule({module}) on the treasury; `module propose` prints the call"
    ),
    "way_back_safe_vote": gettext_noop("a vote makes the Safe disable the module; `module propose` prints the call"),
    "way_back_safe_owners": gettext_noop("the Safe's owners disable the module; `module propose` prints the call"),
}

# What a run says while it works.
_STEPS = {
    "creates": gettext_noop("creating {contract} at {address}"),
    "created": gettext_noop("{contract} is at {address}"),
}

# The record beside the chain.
_CHECKED = {
    "record_of_other": gettext_noop(
        "the {party} that is asked about is {named}, and the record is of {recorded}: name the record's own (with "
        "--treasury for a treasury), or another record with --record"
    ),
    "not_there": gettext_noop("{contract} is not at {address}: `module deploy` goes on where it ended"),
    "other_code": gettext_noop("the code at {address} is not what was recorded of {contract}"),
    "made_of_this": gettext_noop("{contract} at {address} was made of this checkout's code, with the recorded parties"),
    "made_of_other": gettext_noop(
        "{contract} at {address} was made of other code than this checkout's, or the DAO's contracts have changed "
        "since: whether it is sound is not known. Check out the commit that it was deployed from"
    ),
    "party": gettext_noop("its {party} is {address}"),
    "other_party": gettext_noop("its {party} is {address} and not {expected}, as recorded"),
    "guardian_as_recorded": gettext_noop("its guardian is {guardian}, as recorded"),
    "guardian_changed": gettext_noop("its guardian is {guardian}; {recorded} when it was deployed"),
    "is_paused": gettext_noop("it is paused: its agents can do nothing until a vote lifts the pause"),
    "votes_act_elsewhere": gettext_noop(
        "votes act through {owner} now, which is not the module's owner: no vote rules the module"
    ),
    "is_enabled": gettext_noop("{holder} lets the module act"),
    "is_not_enabled": gettext_noop(
        "{holder} does not let the module act: `module propose` makes the vote or the batch for it"
    ),
    "enabled_unknown": gettext_noop("whether {holder} lets the module act is not known"),
    "owners_bypass": gettext_noop(
        "these can take everything past the module and past every vote, {threshold} of them together: {owners}"
    ),
    "votes_move": gettext_noop("a vote, through {owner}"),
    "owner_moves": gettext_noop("the treasury's owner {owner}"),
    "treasury_modules_unknown": gettext_noop(
        "whether other modules are enabled is not known: the node may not give the logs of the whole past, or not all "
        "answers. Ask an archive node with --rpc"
    ),
}

# The policies that the module holds.
_POLICIES = {
    "policies_unknown": gettext_noop(
        "which policies are set is not known: the node does not give the logs of the whole past. Name a policy with "
        "--policy, or ask an archive node with --rpc"
    ),
    "policies_none_logged": gettext_noop(
        "the node's logs name none: none is set, or the node does not have the whole past"
    ),
    "policies_more": gettext_noop("{count} more are not asked about here"),
    "policy_unknown": gettext_noop("{policy} was set, and what it is now is not known: the node does not tell"),
    "policy_runs": gettext_noop("{policy}, version {version}, runs from {start} until {end}; its agent is {agent}"),
    "policy_later": gettext_noop(
        "{policy}, version {version}, begins only at {start} and ends at {end}; its agent is {agent}"
    ),
    "policy_ended": gettext_noop("{policy}, version {version}, has ended, at {end}: its agent {agent} can do nothing"),
    "policy_time_unknown": gettext_noop(
        "{policy}, version {version}, is from {start} until {end}; whether it runs is not known, for the node does not "
        "tell the time of its block. Its agent is {agent}"
    ),
    "policy_as_file": gettext_noop("{policy} is set with the very code of {file}"),
    "policy_not_set": gettext_noop("{policy} of {file} is not set: no vote on it has been executed"),
    "policy_other_code": gettext_noop("{policy} is set with other code than that of {file}"),
    "policy_file_unknown": gettext_noop(
        "whether {policy} of {file} is set is not known: the node does not tell, or not all of it"
    ),
    "policy_file_not_running": gettext_noop("so {policy} of {file} does not run, by what is known here"),
}

# The vote that puts it to use.
_PROPOSED = {
    "several_treasuries": gettext_noop(
        "the mirror follows several treasuries of {dao}: name with --treasury the one that the module is for, of "
        "{treasuries}"
    ),
    "sent_already": gettext_noop(
        "sent already by transaction {hash}; nothing was sent now. To propose again, change the text (--text)"
    ),
    "proposed": gettext_noop(
        "proposed by {sender}: transaction {hash}. Members vote on it with the governor's own delays; once it is "
        "executed, `module check` with the same --policy says whether the policy runs"
    ),
    "set_already": gettext_noop(
        "the policy {policy} is set with this very code already: setting it again gives no new bounds, makes acts void "
        "that wait, and takes an end back that was brought forward"
    ),
    "nothing_to_propose": gettext_noop(
        "the module {module} is enabled already: name a policy with --policy, or --unpause"
    ),
    "treasury_of_another": gettext_noop(
        "the treasury belongs to {owner}, through which no vote acts: no vote can enable the module"
    ),
    "unsound": gettext_noop("{path}: {reason}"),
    "no_votes_to_send": gettext_noop("there is no governor to propose to: the Safe's owners sign the batch (--batch)"),
    "nothing_voted": gettext_noop(
        "nothing is left for a vote: the Safe's owners sign the batch (--batch). Name a policy with --policy to "
        "propose it"
    ),
    "propose_unknown": gettext_noop(
        "how this governor takes proposals is not known here: propose the printed calls by hand"
    ),
    "tried_fails": gettext_noop("tried at block {block:,}: not all calls would go through"),
    "tried_alone": gettext_noop(
        "tried at block {block:,}, each call alone: all would go through. The node runs no calls together, so what "
        "they do after each other is not known"
    ),
    "tried_together": gettext_noop("tried at block {block:,}, one after the other: all would go through"),
    "trial_fails": gettext_noop("nothing was sent: tried at block {block:,}, the call {number} would fail: {reason}"),
}

SENTENCES: Mapping[str, str] = {**_REFUSALS, **_FOUND, **_STEPS, **_CHECKED, **_POLICIES, **_PROPOSED}
TABLE = Table("installing", SENTENCES)
say = TABLE.say


class NotInstalled(Exception):
    """A module can't be planned, deployed or proposed; `sentence` says why and what to do, in one line."""

    def __init__(self, code: str, **values: Any) -> None:
        self.sentence = say(code, **values)
        super().__init__(str(self.sentence))


class Level(StrEnum):
    """How a finding matters to who decides."""

    GOOD = "good"
    CAREFUL = "careful"  # true, and worth knowing before the vote
    UNKNOWN = "not known"
    PROBLEM = "problem"  # nothing can go on, or it would be of no use


@dataclass(frozen=True)
class Told:
    """One finding: how it matters, what it is about, and its sentence."""

    level: Level
    subject: str
    sentence: Sentence

    def __str__(self) -> str:
        return f"{self.level:<10} {self.subject}: {self.sentence}"

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "level": self.level.value,
            "subject": self.subject,
            "text": str(self.sentence),
            **self.sentence.as_json(),
        }
