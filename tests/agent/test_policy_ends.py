# SPDX-License-Identifier: Apache-2.0
"""The end of a policy that is brought forward: what is said of the call, and which words tell it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.effects import Kind
from agent.understanding.judging import Outcome, Status
from governance.chain.call import ProposedCall
from policies.code.encoding import policy_id
from tests.agent.proposals import PROXY, call, effects, text_of, verdict

P = text_of(PROXY)
PAYROLL = "0x" + policy_id("payroll").hex()
ENDS_S = 1_798_675_200  # 2026-12-31 00:00 UTC


OTHER_ZONES = (
    "UTC+5", "UTC +5", "UTC+05:30", "UTC-3", "UTC\u22123", "UTC\u20133", "UTC\uff0b5", "utc+5", "UTC (+5)", "UTC, +5",
    "UTC plus 5", "UTC minus three hours", "UTC5", "UTC 5", "UTC\u00b15", "Z+5", "CET", "GMT+5", "+05:00", "in Berlin",
    "UTC\u00a0+5", "UTC5pm",
)  # fmt: skip


def shortens(end_s: int = ENDS_S) -> ProposedCall:
    return call(PROXY, "shorten(bytes32,uint40)", policy_id("payroll"), end_s)


def test_it_is_said_with_the_hour_that_the_module_keeps() -> None:
    (effect,) = effects(shortens(ENDS_S + 3_599))
    assert (effect.kind, effect.moves, effect.new_value) == (Kind.POLICY_ENDED, "power", "2026-12-31 00:00 UTC")
    assert str(effect.sentence) == (
        f"Brings the end of policy {PAYROLL} on {P} forward, to 2026-12-31 00:00 UTC: from then on its agent can do "
        "nothing under it."
    )


def lacks(text: str, end_s: int = ENDS_S) -> tuple[str, ...]:
    """What the words leave out or in doubt. None of them is taken for the whole: that a verb such as "end" is meant of
    the policy and of nothing else, the gate does not say."""
    (found,) = verdict(text, shortens(end_s)).findings
    assert found.status is Status.IN_PART
    return found.codes


@given(st.integers(0, 2**40 - 1))
def test_any_end_is_read_and_another_one_is_not_taken_for_it(end_s: int) -> None:
    codes = lacks(f"End the payroll policy of {P} at 2026-12-31 00:00 UTC.", end_s)
    assert ("arguments" in codes) is (end_s // 3600 != ENDS_S // 3600)


@pytest.mark.parametrize(
    ("text", "names_all"),
    [
        (f"End the policy {PAYROLL} on {P} at 2026-12-31 00:00 UTC.", True),
        (f"End the payroll policy of {P} at 2026-12-31T00:00Z.", True),
        (f"End the payroll policy of {P} early.", False),  # when?
        (f"End the payroll policy of {P} on 2026-12-31.", False),  # at which hour?
        (f"End the payroll policy of {P} at 2026-12-31 00:00.", False),  # of which zone?
        (f"End the payroll policy of {P} at 2027-12-31 00:00 UTC.", False),
        (f"End the payroll policy of {P} at 2026-12-31 00:00 UTC or 2027-12-31 00:00 UTC.", False),
        *((f"End the payroll policy of {P} at 2026-12-31 00:00 {zone}.", False) for zone in OTHER_ZONES),
        (f"End the payroll policy of {P} at 2026-12-31 00:00 UTC - the last day of the year.", False),  # or a shift?
        (f"End the payroll policy of {P} at 2026-12-31 00:00 UTC, which is 2026-12-31 05:00 in Tashkent.", False),
        (f"End the payroll policy of {P} at 2026-12-31 00:00 UTC (as asked).", True),
        (f"End the grants policy of {P} at 2026-12-31 00:00 UTC.", False),
    ],
)
def test_which_words_name_all_of_it(text: str, names_all: bool) -> None:
    assert ("arguments" not in lacks(text)) is names_all


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (f"Extend the payroll policy of {P} to 2026-12-31 00:00 UTC.", Outcome.NOT_TOLD),
        (f"Do not end the payroll policy of {P} at 2026-12-31 00:00 UTC.", Outcome.DIFFERS),
        ("Thanks to everybody who helped.", Outcome.NOT_TOLD),
    ],
)
def test_what_does_not_tell_it(text: str, outcome: Outcome) -> None:
    assert verdict(text, shortens()).outcome is outcome
