# SPDX-License-Identifier: Apache-2.0
"""Foreign code runs as the caller itself."""

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Rule, Severity, of_effects

RULE = Rule(
    code="delegatecall",
    severity=Severity.DANGER,
    words={
        "delegatecall": gettext_noop(
            "Runs foreign code as the caller itself (delegatecall): it may do anything, whatever else is shown."
        ),
    },
    page=(
        "Evidence: a call has the operation delegatecall. The code that it names runs as the treasury itself, so "
        "what the call seems to do proves nothing. A Safe that runs a well-known MultiSend this way is opened and "
        "is no danger."
    ),
    find=of_effects(lambda effect: effect.delegatecall),
)
