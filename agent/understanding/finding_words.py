# SPDX-License-Identifier: Apache-2.0
"""A finding of the verdict in words: what of an effect the text names, leaves out, or says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.judging import Finding, Status
from governance.sentences import Sentence, Table

# A finding's code -> what it is about, as an item of a list. A code that is not here is worded by its status alone.
PARTS: Mapping[str, str] = {
    "amount": gettext_noop("the amount"),
    "amount_ambiguous": gettext_noop("the amount, which can be read in two ways"),
    "amount_in_money": gettext_noop("the amount, which the text names in money and not in the token"),
    "amount_is_about": gettext_noop("the amount, which the text gives only roughly"),
    "amount_is_no_rate": gettext_noop("the rate"),
    "amount_is_rate": gettext_noop("the amount, of which the text names a rate"),
    "amount_is_total": gettext_noop("the amount, of which the text names only a total"),
    "arguments": gettext_noop("the arguments"),
    "direction": gettext_noop("the direction"),
    "holder": gettext_noop("who holds it"),
    "more_roles": gettext_noop("all the roles"),
    "payer": gettext_noop("who pays"),
    "payer_name": gettext_noop("who pays, by an address or a known name"),
    "recipient": gettext_noop("the receiver"),
    "recipient_ambiguous": gettext_noop("the receiver, of which the text names several"),
    "recipient_name": gettext_noop("the receiver, by an address or a known name"),
    "role": gettext_noop("the role"),
    "stranger": gettext_noop("the contract, which nobody here knows"),
    "subject": gettext_noop("what is set"),
    "target": gettext_noop("the contract"),
    "token": gettext_noop("the token"),
    "tokens": gettext_noop("which tokens"),
    "token_ambiguous": gettext_noop("the token, of which there are two with this name"),
    "token_unknown": gettext_noop("the token: nobody here knows its decimals"),
    "unit": gettext_noop("the unit"),
    "value": gettext_noop("the new value"),
    "verb": gettext_noop("what is done"),
}
# Codes that make a sentence of their own, where the effect is told in part.
_ALONE: Mapping[str, str] = {
    "code_only": gettext_noop("The text has it only as code, not in words."),
    "not_mentioned": gettext_noop("No sentence of the text mentions it. It moves neither money nor power."),
    "call_not_mentioned": gettext_noop("No sentence of the text mentions it. What it moves, nobody here knows."),
    "other_chain": gettext_noop("The text speaks of it. It happens on another chain, which can't be checked here."),
    "left_over": gettext_noop("The text speaks of it, and has other words that may change what it says."),
    "proposals_word": gettext_noop(
        "The text speaks of it. What the function does is the proposal's own word: nobody else here knows it."
    ),
}
# What words are that no rule uses, beside the orders or in them.
_LEFT: Mapping[str, str] = {
    "left_amount": gettext_noop("No call has exactly the number that these words name."),
    "left_column": gettext_noop("Code can't weigh what this column or line says."),
    "left_language": gettext_noop("These words are in no language that code compares."),
    "left_party": gettext_noop("Whom these words name does not fit the calls."),
    "left_place": gettext_noop("These words may say that something changes, and no call changes it."),
    "left_time": gettext_noop("These words name a time, and no call depends on one."),
    "left_token": gettext_noop("These words speak of a token in a way that code can't weigh."),
    "left_verb": gettext_noop("These words may order something that no call does."),
    "left_words": gettext_noop("These words may change what the text orders, and code can't weigh them."),
}
_BY_STATUS: Mapping[Status, str] = {
    Status.TOLD: "told",
    Status.IN_PART: "in_part",
    Status.NOT_TOLD: "untold",
    Status.DIFFERS: "differs",
    Status.OPAQUE: "opaque",
    Status.NOT_DONE: "not_done",
    Status.DOUBT: "doubt",
    Status.NOT_COMPARED: "not_compared",
}
SENTENCES: Mapping[str, str] = {
    "told": gettext_noop("The text names all of it."),
    "in_part": gettext_noop("The text speaks of it, but not in a way that code can compare whole."),
    "in_part_of": gettext_noop("The text speaks of it, but leaves this out: {parts}."),
    "untold": gettext_noop("No sentence of the text mentions it."),
    "differs": gettext_noop("The text says something else."),
    "differs_beside": gettext_noop("The text orders another payment, and does not mention this one."),
    "differs_hidden": gettext_noop("Only words that no page shows mention it."),
    "differs_in": gettext_noop("The text says something else of this: {parts}."),
    "opaque": gettext_noop("Nobody can tell from the call what it does."),
    "opaque_delegatecall": gettext_noop("It runs foreign code as the caller itself: nobody can tell what that does."),
    "not_done": gettext_noop("The text orders this, and no call that can be read does it."),
    "more_often": gettext_noop("The calls do this more often than the text says."),
    "less_often": gettext_noop("The text orders this more often than the calls do it."),
    "not_compared": gettext_noop(
        "Sentences that were taken for reasons and not compared with the calls: {count}. Read them: one may take back "
        "what the text orders. The first:"
    ),
    "doubt": gettext_noop("The text has a sentence that may take back what it orders."),
    **_LEFT,
    **{f"alone_{code}": words for code, words in _ALONE.items()},
    **{f"part_{code}": words for code, words in PARTS.items()},
}
TABLE = Table("findings", SENTENCES)


def sentence_of(finding: Finding) -> Sentence:
    """Return a finding's sentence."""
    if "more_often" in finding.codes:
        return TABLE.say("more_often")
    if finding.status is Status.OPAQUE and "delegatecall" in finding.codes:
        return TABLE.say("opaque_delegatecall")
    if finding.status is Status.DIFFERS and finding.codes and finding.codes[0] in ("beside", "hidden"):
        return TABLE.say(f"differs_{finding.codes[0]}")
    if finding.status is Status.NOT_DONE and "less_often" in finding.codes:
        return TABLE.say("less_often")
    if finding.status is Status.IN_PART and (alone := next((code for code in finding.codes if code in _ALONE), "")):
        return TABLE.say(f"alone_{alone}")
    if finding.status is Status.DOUBT and finding.codes and finding.codes[0] in _LEFT:
        return TABLE.say(finding.codes[0])
    if finding.status is Status.NOT_COMPARED:
        return TABLE.say("not_compared", count=finding.count)
    parts = [TABLE.say(f"part_{code}") for code in finding.codes if code in PARTS]
    if parts and finding.status in (Status.IN_PART, Status.DIFFERS):
        return TABLE.say("in_part_of" if finding.status is Status.IN_PART else "differs_in", parts=parts)
    return TABLE.say(_BY_STATUS[finding.status])


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding for storage and the API."""
    sentence = sentence_of(finding)
    return {
        "status": str(finding.status),
        "effect": finding.effect,
        "codes": list(finding.codes),
        "quote": finding.quote.as_json() if finding.quote else None,
        "text": sentence.text,
        "sentence": sentence.as_json(),
    }


def shown(stored: Mapping[str, Any]) -> str:
    """Return a stored finding in the reader's language, or its text where this version has no such code."""
    return TABLE.shown(stored.get("sentence"), stored.get("text", ""))
