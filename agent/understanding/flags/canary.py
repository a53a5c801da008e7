# SPDX-License-Identifier: Apache-2.0
"""The model gave away the secret of its instructions: it may have obeyed the text."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.flags.flag import Case, Flag, Found, Rule, Severity


def find(_case: Case) -> Iterator[Found]:
    yield from ()  # seen while the model is read, never in text and calls


RULE = Rule(
    code="canary",
    severity=Severity.DANGER,
    words={
        "canary": gettext_noop(
            "The model repeated the secret of its instructions while reading this text: its answer is thrown away."
        )
    },
    page="Evidence: the model's answer holds a secret that only its instructions have. Nothing of the answer is kept.",
    find=find,
)


def flag() -> Flag:
    """The flag of a model that repeated its secret."""
    return RULE.flag(Found())
