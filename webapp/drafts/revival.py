# SPDX-License-Identifier: Apache-2.0
"""Whether a policy that is set again comes back into force: who may stop it ends a version, and leaves its code."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from governance.models import PolicyVersion
from policies.code.policy_code import PolicyCode
from presentation import words
from presentation.policies import read_on_chain


@dataclass(frozen=True)
class Revival:
    """A sentence about the end of the version that is replaced; `is_wider`: the module answered, and the new version
    holds longer. Else it is not known whether it does."""

    text: str
    is_wider: bool


def revival(version: PolicyVersion, before: PolicyCode | None, after: PolicyCode) -> Revival | None:
    """Say what a new version does to an end that was brought forward; None where the module answered that none was."""
    found = read_on_chain(version)
    if found is None:
        text = gettext(
            "Not known: whether version %(version)s was ended before the end in its code. The policy module was not "
            "asked since it was set. If it was, this puts the policy in force again, until %(until)s."
        )
        return Revival(text % {"version": version.version, "until": words.moment(after.end_s)}, is_wider=False)
    reading, state = found
    is_early = before is None or state.end_chain_s < before.end_s
    if not is_early or after.end_s <= state.end_chain_s:
        return None
    shown = {
        "version": version.version, "end": words.moment(state.end_chain_s), "until": words.moment(after.end_s),
        "block": reading.block_number,
    }  # fmt: skip
    if state.end_chain_s <= reading.block_timestamp_chain_s:
        text = gettext(
            "wider: version %(version)s was ended at %(end)s, as the policy module said at block %(block)s; this puts "
            "the policy in force again, until %(until)s"
        )
    else:
        text = gettext(
            "wider: version %(version)s is set to end at %(end)s, as the policy module said at block %(block)s; this "
            "lets the policy hold until %(until)s"
        )
    return Revival(text % shown, is_wider=True)
