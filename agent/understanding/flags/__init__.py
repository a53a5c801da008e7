# SPDX-License-Identifier: Apache-2.0
"""The flags: warnings that code computes from text and calls. One file a flag; none hangs on a model or a claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from agent.understanding.effects import Book, Effect
from agent.understanding.flags import (
    admin_change,
    bad_checksum,
    canary,
    delegatecall,
    dormant,
    empty_text,
    flood,
    hidden_text,
    large_share,
    long_text,
    lookalike_address,
    mint,
    new_code,
    new_power,
    no_calls,
    no_code,
    no_function,
    not_in_calls,
    not_told,
    parameter_change,
    pause,
    policy_change,
    resubmitted,
    safe_refund,
    self_destruct,
    token_to_itself,
    too_many_calls,
    unknown_call,
    unknown_token,
    unlimited_approval,
    upgrade,
    zero_address,
)
from agent.understanding.flags.flag import Case, Earlier, Flag, History, Rule, Severity
from agent.understanding.ingest import Document
from agent.understanding.live.facts import Facts

__all__ = ["AS_WRITTEN", "RULES", "WORDS", "Case", "Earlier", "Flag", "History", "Rule", "Severity", "flags", "raised"]

RULES: tuple[Rule, ...] = tuple(
    module.RULE
    for module in (
        admin_change, bad_checksum, canary, delegatecall, dormant, empty_text, flood, hidden_text, large_share,
        long_text, lookalike_address, mint, new_code, new_power, no_calls, no_code, no_function, not_in_calls, not_told,
        parameter_change, pause, policy_change, resubmitted, safe_refund, self_destruct, token_to_itself,
        too_many_calls, unknown_call, unknown_token, unlimited_approval, upgrade, zero_address,
    )
)  # fmt: skip

# Sentence code -> English template, of all flags.
WORDS: Mapping[str, str] = MappingProxyType({code: words for rule in RULES for code, words in rule.words.items()})
# Sentence code -> the value that stands so in the text, whose numbers stay as they are.
AS_WRITTEN: Mapping[str, str] = MappingProxyType(
    {code: name for rule in RULES for code, name in rule.as_written.items()}
)

_ORDER = list(reversed(Severity))


def raised(case: Case) -> list[Flag]:
    """All flags of a case, the gravest first; each sentence once, with all the calls that it is about."""
    found: dict[tuple, Flag] = {}
    for flag in _each(case):
        key = (flag.code, flag.sentence)
        before = found.get(key)
        effects = tuple(dict.fromkeys((*before.effects, *flag.effects))) if before else flag.effects
        found[key] = replace(flag, effects=effects)
    return sorted(found.values(), key=lambda flag: (_ORDER.index(flag.severity), flag.code, flag.text))


def _each(case: Case) -> Iterator[Flag]:
    for rule in RULES:
        for one in rule.find(case):
            yield rule.flag(one)


def flags(
    document: Document,
    effects: Sequence[Effect],
    book: Book,
    balances: Mapping[bytes, int] | None = None,
    *,
    actions: int | None = None,
    calldata: Sequence[bytes] | None = None,
    untold: frozenset[str] | None = None,
    history: History | None = None,
    facts: Facts | None = None,
) -> list[Flag]:
    """The warnings that text and calls give by themselves.

    `balances` is what the treasury holds by asset, base units, where known. `actions` is how many calls the proposal
    has (for the case that not all were decoded), `calldata` their bytes. `untold` are the effects that the verdict
    found no word for. `facts` is what the chain said of the calls' accounts, where it was asked.
    """
    calls = len(effects) if actions is None else actions
    return raised(Case(document, effects, book, balances or {}, calls, calldata, untold, history, facts))
