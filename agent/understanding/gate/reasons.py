# SPDX-License-Identifier: Apache-2.0
"""Reasons apart from the orders that name what the orders have: who is paid, the token, an amount.

Nobody compares a reason word by word. What it says of the order's own receiver, token or amount is compared all the
same: another amount of that token, somebody else beside it, a rate or a return leaves a doubt. What things cost in
general, and what was paid before to nobody of the order's, stays a reason.
"""

import re

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.gate.forms import blames, comes_again, does_itself, each_has, is_pretence, recurs, said_of
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.parties import Party
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import level
from agent.understanding.orders import Read
from agent.understanding.passages import Shape, sentences

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def reason_left_over(read: Read, facts: Facts) -> LeftOver | None:
    """What a reason says of the order's receiver, token or amount that the calls do not do."""
    passage, folded = read.passage, read.voice.folded
    start = passage.start
    if (not said_of(folded).isdisjoint(_WRITTEN) and _NOTATION.search(folded)) or turns_all(read, facts):
        return LeftOver("words", start, passage.end)
    if _is_bare_answer(read, facts):
        return LeftOver("amount", start, passage.end)
    is_order = passage.shape in (Shape.SENTENCE, Shape.ITEM) and any(
        act.tense is Tense.NOW and act.acts and not any(map(str.isalpha, folded[: act.start]))
        for act in read.voice.acts
    )
    if is_order and any(one.unit is not Unit.BARE for one in read.quantities):
        return LeftOver("verb", start, passage.end)  # "Set the voting period to 9 days"
    receiver = _receiver(read, facts)
    stranger = _stranger(read, facts)
    if stranger is not None and (receiver is not None or _speaks_of_money(read, facts)):
        return LeftOver("party", start + stranger.start, start + stranger.end)
    if not facts.is_some_money:
        return None
    amounts = [one for one in read.quantities if one.unit is Unit.TOKEN and not one.is_conversion]
    for one in amounts:
        if _differs(one, amounts, read, facts, is_of_receiver=receiver is not None):
            return LeftOver("amount", start + one.start, start + one.end)
    for one in amounts:
        if facts.uses(one) and set(_WORD.findall(_sentence_of(one, folded))) & _LIMITS - facts.words:
            return LeftOver("words", start, passage.end)
    return None


def _sentence_of(one: Quantity, folded: str) -> str:
    """The sentence of a passage that an amount stands in: values of a record may have several."""
    return next((folded[a:b] for a, b in sentences(folded, 0, len(folded)) if a <= one.start < b), folded)


def turns_all(read: Read, facts: Facts) -> bool:
    """Whether a sentence turns what is ordered elsewhere: a show, an act of no call, blame, a payment that recurs."""
    folded = read.voice.folded
    if is_pretence(folded) or does_itself(folded, facts) or blames(folded) or recurs(folded) or each_has(folded):
        return True
    return facts.is_some_money and _SUBJECT.match(folded) is not None and comes_again(folded)


_SUBJECT = re.compile(
    r"^\W*(?:(?:the|our|this|that) )?(?:we|it|i|she|he|they|this|team|author|recipient|receiver|applicant|grantee|"
    r"payee|writer|developer|contractor|provider|vendor|dao|treasury)\b"
)
# About how a text is written, which turns every amount in it: "Digits stand for thousands."
_NOTATION = re.compile(
    r"\b(?:digits?|commas?|zeros?|zeroes|decimals?|tickers?|symbols?|abbreviations?|notation|figures?)\b[^.;]{0,40}"
    r"\b(?:is|are|was|were|stands?|means?|counts?|marks?|read|reads|abbreviates?|shortens?|left|omitted|rounded|"
    r"denotes?|refers?)\b|\b(?:stands? for|is short for|(?:counted|given|expressed|stated|written|quoted|rounded) in "
    r"(?:thousands?|thousandths|millions?|cents|units|wei|base|hundreds?))\b|\b(?:prices?|amounts?|"
    r"values?|sums?|costs?) "
    r"(?:are|is) in\b|^\W*terms?:|\bsee the (?:pdf|attachment|annex|contract)\b|\bcontract with\b"
)
_WRITTEN = sets.words_of(
    "digit digits comma commas zero zeros zeroes decimal decimals ticker tickers symbol symbols abbreviation "
    "abbreviations notation figure figures stand stands short counted given expressed stated written quoted rounded "
    "price prices amount amounts value values sum sums cost costs term terms pdf attachment annex contract"
)
_LIMITS = sets.BINDING - sets.words_of(
    "is are was were be been being has have had do does did it this that these those they them he she his her which "
    "who what why how will would can could and all only but without it's most more over during after before once "
    "season quarter"
)
_OPEN = re.compile(r"\b(?:19|20)\d\d\b|\b(?:last|previous|past|earlier) (?:year|season|quarter|month|term|round)s?\b")
_HISTORY = re.compile(r"\b(?:was|were|had|did|paid|spent|sold|cost|raised|[a-z]{3,}ed)\b")
_WORTH = re.compile(
    r"\b(?:costs?|price[sd]?|fees?|invoices?|worth|payments?|pays?|paid|amounts?|sums?|money|funds|tokens?|grants?|"
    r"budgets?|thousand|hundred|million|half|third|quarter|share|percent)\b"
)


_GIVES = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.STREAM})


def _receiver(read: Read, facts: Facts) -> Party | None:
    """Who of a sentence's parties is paid or given something, the DAO itself left aside."""
    got = {effect.recipient for effect in facts.effects if effect.recipient is not None} - facts.names.own
    return next((party for party in read.parties if set(party.addresses) & got and not party.is_own), None)


def _stranger(read: Read, facts: Facts) -> Party | None:
    """Somebody with an address who takes no part in the calls, and acts or is given something."""
    for party in read.parties:
        if not party.addresses or party.is_own or facts.takes_part(party):
            continue
        is_named = party.name in facts.names.known
        if not is_named or _ACTS.search(read.voice.folded[: party.start]) is not None:
            return party
    return None


_ACTS = re.compile(
    r"(?:^\W*|[,;:(]\s*|\b(?:and|but|that|because|while|to|for|by|from|as|through|via|with|plus)\s+)(?:the |our )?$"
)


def _speaks_of_money(read: Read, facts: Facts) -> bool:
    """Whether a sentence has an amount, a word of money, or the token that the calls move."""
    if any(act.acts & _GIVES and act.tense is Tense.NOW for act in read.voice.acts):
        return True
    if any(one.unit in (Unit.TOKEN, Unit.MONEY) for one in read.quantities) or _WORTH.search(read.voice.folded):
        return True
    text = read.passage.text
    for match in _WORD.finditer(text):
        symbol = facts.symbols.of(match[0])
        is_in_name = re.match(r"[\s-][A-Z]|\.\w", text[match.end() :]) is not None or text[: match.start()][-1:] == "."
        if symbol is not None and facts.moves(symbol) and not is_in_name:
            return True
    return False


def _differs(one: Quantity, amounts: list[Quantity], read: Read, facts: Facts, *, is_of_receiver: bool) -> bool:
    """Whether an amount is another than the calls', and no price or payment of its own."""
    is_moved = facts.moves(one.symbol)
    if not is_moved and (is_of_receiver or _equals(one, facts)):
        return True  # "Lea does it for 2,500 DAI"
    if not is_moved:
        is_price = _PRICED.search(read.voice.folded) is not None or _HISTORY.search(read.voice.folded) is not None
        return not is_price or _MORE.search(read.voice.folded) is not None
    if one.per_s or _RATE.match(read.voice.folded[one.end :]) is not None:
        return is_of_receiver or len(amounts) < 2  # several rates are what a sum is made of
    if facts.uses(one):
        return False
    if is_of_receiver:
        return True
    if one.is_limit and any(str(effect.kind) == "approve" for effect in facts.effects):
        return False  # what an allowance is for: "small grants up to 5,000 USDC"
    is_dated = _OPEN.search(read.voice.folded) is not None and _HISTORY.search(read.voice.folded) is not None
    return not is_dated or read.passage.shape not in (Shape.SENTENCE, Shape.ITEM)


_RATE = re.compile(r"\s*(?:per|each|every|apiece|a (?:day|week|month|year|piece|chapter|head))\b")


_PRICED = re.compile(
    r"\b(?:costs?|charges?|prices?|worth|fees?|holds?|holding|has|have|reserves?|volume|balance|market|locked|secured?|"
    r"value|bounty|bounties|treasury|liquidity|trades?)\b"
)
_MORE = re.compile(r"\b(?:another|further|additional|extra|also|follow|follows|set aside|as well|later)\b")


def _equals(one: Quantity, facts: Facts) -> bool:
    """Whether another token's amount has the digits of one that is paid."""
    return any(
        facts.uses(Quantity(one.start, one.end, one.readings, Unit.TOKEN, symbol, is_known=True))
        for symbol in facts.by_symbol
        if symbol != one.symbol and facts.moves(symbol)
    )


def _is_bare_answer(read: Read, facts: Facts) -> bool:
    """Whether a line is a number alone, as an answer to the question before it is: "1,500."."""
    if not facts.is_some_money or read.passage.shape not in (Shape.SENTENCE, Shape.ITEM):
        return False
    said = [level(word) for word in _WORD.findall(read.passage.text)]
    return len(said) <= 2 and any(
        one.unit is Unit.BARE and one.readings[0] >= 10 and not facts.uses(one) for one in read.quantities
    )
