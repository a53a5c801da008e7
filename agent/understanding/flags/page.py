# SPDX-License-Identifier: Apache-2.0
"""The page of flags, `docs/flags.md`, made from the flags' own files."""

from collections.abc import Mapping
from textwrap import fill

from agent.understanding.flags import RULES, Severity

_HEAD = """# Flags

Computed warnings. Code alone raises them, from the text and the calls (and from earlier proposals where the mirror has
them). No model takes part, so no text can talk one away. This page is made from `agent/understanding/flags/` by
`manage.py flags > docs/flags.md`.

Severity says how worried a voter should be. It is set by how often honest proposals raise the flag (`make eval` counts
that): what honest work raises often is a notice, what it almost never raises is a danger.
"""


def text() -> str:
    """The page in Markdown: one section a flag, the gravest first."""
    sections = [_HEAD]
    for severity in reversed(Severity):
        for rule in sorted(RULES, key=lambda rule: rule.code):
            if rule.severity is severity:
                said = "\n".join(f"> {words.replace('{', '(').replace('}', ')')}" for words in _quoted(rule.words))
                sections.append(f"## {rule.code}\n\n*{severity}*\n\n{said}\n\n{fill(rule.page, 118)}\n")
    return "\n".join(sections)


def _quoted(words: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for template in words.values():
        lines += [template, ""]
    return lines[:-1]
