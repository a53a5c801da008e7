# SPDX-License-Identifier: Apache-2.0
"""Rules of the governance itself: delays, periods, thresholds, quorums; and pauses."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE

SENTENCES = {
    "voting_delay": gettext_noop("Sets the voting delay of {target} to {value}."),
    "voting_period": gettext_noop("Sets the voting period of {target} to {value}."),
    "late_quorum": gettext_noop("Sets the late-quorum extension of {target} to {value}."),
    "proposal_threshold": gettext_noop("Sets the proposal threshold of {target} to {value} votes (base units)."),
    "quorum": gettext_noop("Sets the quorum of {target} to {value} (the numerator of a fraction)."),
    "timelock_delay": gettext_noop("Sets the timelock delay of {target} to {value}."),
    "signatures_needed": gettext_noop("Sets the number of signatures that {target} needs to {value}."),
    "of_the_clock": gettext_noop("{value} (by its own clock: blocks or seconds)"),
    "pause": gettext_noop("Pauses {target}."),
    "unpause": gettext_noop("Ends the pause of {target}."),
}
say = TABLE.add(SENTENCES)


def _parameter(code: str, subject: str, unit: str = "") -> Handler:
    """A setter of one number. `unit`: "seconds", "clock" (what the target's clock counts), or "" for a bare number."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
        number, clock = a[0], book.clock(act.target)
        value: Any = f"{number:,}"
        if unit == "seconds" or (unit == "clock" and clock == "time"):
            value = {"seconds": str(number)}
        elif unit == "clock":
            value = {"blocks": str(number)} if clock == "block" else say("of_the_clock", value=value)
        sentence = say(code, target=book.party(act.target), value=value)
        return make(act, Kind.PARAMETER_CHANGE, sentence, function, subject=subject, new_value=str(number))

    return handler


def _pause(code: str) -> Handler:
    def handler(act: Act, book: Book, function: str, _a: tuple[Any, ...]) -> Effect:
        return make(act, Kind.PAUSE, say(code, target=book.party(act.target)), function)

    return handler


_VOTING_DELAY = _parameter("voting_delay", "voting delay", "clock")
_VOTING_PERIOD = _parameter("voting_period", "voting period", "clock")
_THRESHOLD = _parameter("proposal_threshold", "proposal threshold")
_TIMELOCK_DELAY = _parameter("timelock_delay", "timelock delay", "seconds")

MEANINGS: dict[str, Handler] = {
    "setVotingDelay(uint48)": _VOTING_DELAY,
    "setVotingDelay(uint256)": _VOTING_DELAY,
    "_setVotingDelay(uint256)": _VOTING_DELAY,
    "setVotingPeriod(uint32)": _VOTING_PERIOD,
    "setVotingPeriod(uint256)": _VOTING_PERIOD,
    "_setVotingPeriod(uint256)": _VOTING_PERIOD,
    "setLateQuorumVoteExtension(uint48)": _parameter("late_quorum", "late-quorum extension", "clock"),
    "setProposalThreshold(uint256)": _THRESHOLD,
    "_setProposalThreshold(uint256)": _THRESHOLD,
    "updateQuorumNumerator(uint256)": _parameter("quorum", "quorum"),
    "updateDelay(uint256)": _TIMELOCK_DELAY,
    "setDelay(uint256)": _TIMELOCK_DELAY,
    "changeThreshold(uint256)": _parameter("signatures_needed", "number of signatures needed"),
    "pause()": _pause("pause"),
    "unpause()": _pause("unpause"),
}
