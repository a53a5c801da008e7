# SPDX-License-Identifier: Apache-2.0
"""A policy put in force: who acts under it, which code it is, what it permits in words. And one that ends earlier."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE
from governance.chain.module import SHORTEN
from policies.code import encoding
from policies.notation.amounts import format_time
from policies.notation.hexadecimal import hex_text
from policies.words.explanation import explanation

SENTENCES = {
    "policy": gettext_noop("Puts policy {policy} in force on {target}: {agent} may act within it."),
    "policy_ended": gettext_noop(
        "Brings the end of policy {policy} on {target} forward, to {end}: from then on its agent can do nothing under "
        "it."
    ),
    "policy_unreadable": gettext_noop(
        "Sets a policy on {target} whose code can't be read ({problem}): the module would refuse it."
    ),
}
say = TABLE.add(SENTENCES)
_HOUR_S = 3600


def _set_policy(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    policy_id, code = a
    target = book.party(act.target)
    try:
        policy = encoding.decode(code)
    except encoding.DecodeError as problem:
        sentence = say("policy_unreadable", target=target, problem=str(problem))
        return make(act, Kind.UNKNOWN, sentence, function, subject=hex_text(policy_id), why=sentence)
    return make(
        act,
        Kind.POLICY_SET,
        say("policy", policy=hex_text(policy_id), target=target, agent=book.party(policy.agent)),
        function,
        recipient=policy.agent,
        subject=hex_text(policy_id),
        new_value=hex_text(encoding.codehash(code)),
        details=tuple(explanation(policy, book.names, book.lent).lines),
        others=[rule.target for rule in policy.rules],
    )


def _shorten(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    policy_id, end_s = a
    end = format_time(end_s // _HOUR_S * _HOUR_S)  # as the module keeps it
    sentence = say("policy_ended", policy=hex_text(policy_id), target=book.party(act.target), end=end)
    return make(act, Kind.POLICY_ENDED, sentence, function, subject=hex_text(policy_id), new_value=end)


MEANINGS: dict[str, Handler] = {"setPolicy(bytes32,bytes)": _set_policy, SHORTEN: _shorten}
