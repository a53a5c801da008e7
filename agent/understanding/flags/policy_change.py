# SPDX-License-Identifier: Apache-2.0
"""An agent gets other bounds."""

from django.utils.translation import gettext_noop

from agent.understanding.effects import Kind
from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="policy_change",
    severity=Severity.NOTICE,
    words={
        "policy_change": gettext_noop("Changes what an agent may do with the treasury."),
    },
    page=(
        "Evidence: a call puts a policy in force, or brings the end of one forward. Of one that is put in force the "
        "page shows what it permits in words, decoded from the bytes in the vote."
    ),
    find=of_effects(lambda effect: effect.kind in (Kind.POLICY_SET, Kind.POLICY_ENDED)),
)
