# SPDX-License-Identifier: Apache-2.0
"""Sentences beside the orders, in any section, that speak against one: its receiver, its price, or what it is for.

Reasons for an order are free. A reason against it, another price, what became of the receiver, or a state of the
chain that no call brings about leave a doubt, wherever they stand.
"""

import re

from agent.understanding.gate import words as sets
from agent.understanding.gate.asides import is_choice
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.mentions import languages
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.quantities import Unit
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def against_left_over(read: Read, facts: Facts, topics: frozenset[str]) -> LeftOver | None:
    """What a passage that tells no effect says against one. `topics`: the beginnings of words for what is ordered."""
    passage, folded = read.passage, read.voice.folded
    said = _WORD.findall(folded)
    if not said or passage.shape not in (Shape.SENTENCE, Shape.ITEM) or is_choice(folded, facts):
        return None
    over = LeftOver("words", passage.start, passage.end)
    is_of_receiver = _names_receiver(read, facts)
    if (is_of_receiver and _names_stranger(read, facts)) or _changes_for_stranger(read, facts):
        return LeftOver("party", passage.start, passage.end)
    taken = Act.REVOKE in facts.acts
    if not taken and _of_receiver_itself(read, facts, said):
        return over
    if _is_against(folded, said, topics, is_of_receiver=is_of_receiver and not taken):
        return over
    if _OTHER_VALUES.search(folded) is not None and _names_text(folded):
        return over
    if _OF_ACCOUNT.search(folded) is not None or _SHARES.match(folded) is not None or _gains(read):
        return over
    if _is_price(read, facts):
        return LeftOver("amount", passage.start, passage.end)
    return LeftOver("place", passage.start, passage.end) if _is_state(read, facts) else None


def _receivers(facts: Facts) -> frozenset[bytes]:
    return frozenset(one.recipient for one in facts.effects if one.recipient is not None) - facts.names.own


def _names_receiver(read: Read, facts: Facts) -> bool:
    receivers = _receivers(facts)
    return any(set(party.addresses) & receivers for party in read.parties)


def _names_stranger(read: Read, facts: Facts) -> bool:
    """Whether somebody whom the book knows, and who takes no part, acts or is given something in a sentence."""
    return any(
        party.name in facts.names.known
        and not facts.takes_part(party)
        and not party.is_own
        and _OPENS.search(read.voice.folded[: party.start]) is not None
        for party in read.parties
    )


_OPENS = re.compile(r"(?:^\W*|[,;:]\s*|\b(?:and|but|that|because|while|to|for|by|from|as)\s+)(?:the |our )?$")


def _changes_for_stranger(read: Read, facts: Facts) -> bool:
    """Whether somebody who takes no part has or gets something here that only calls change: "Ben runs the Safe"."""
    folded = read.voice.folded
    if not _names_stranger(read, facts) or not set(_WORD.findall(folded)) & sets.ON_CHAIN:
        return False
    return _PAST.search(folded) is None or _IS_DONE.search(folded) is not None


_PAST = re.compile(r"\b(?:was|were|had|has been|have been|[a-z]{3,}ed)\b")
_IS_DONE = re.compile(r"\b(?:is|are) (?:now |also )?[a-z]+ed by\b")
_ROLES = (
    r"(?:author|recipient|receiver|applicant|grantee|payee|beneficiary|vendor|contractor|provider|holder|winner|"
    r"artist|writer|developer|auditor|speaker|team|he|she)"
)
_SUBJECT = re.compile(rf"^\W*(?:(?:the|our|its|their|this) )?{_ROLES}\b")


def _of_receiver_itself(read: Read, facts: Facts, said: list[str]) -> bool:
    """Whether a sentence says of who is paid something that is no work, person or place: "Lea has left us"."""
    folded = read.voice.folded
    receivers = _receivers(facts)
    start = next(
        (
            party.end
            for party in read.parties
            if set(party.addresses) & receivers and len(_WORD.findall(folded[: party.start])) <= 1
        ),
        None,
    )
    if start is None:
        match = _SUBJECT.match(folded)
        start = match.end() if match is not None else None
    if start is None:
        return False
    rest = _WORD.findall(re.split("[:;(]", folded[start:])[0])
    if folded[start : start + 2] in ("'s", "s'") or not rest:
        return bool(set(rest) & sets.LOST)
    if set(rest) & sets.LOST:
        return True
    if len(said) > 8:
        return False
    verb = next((word for word in rest if word not in sets.HELPING), "")
    is_noun = rest[0] in ("is", "are", "was", "were") and verb in ("a", "an", "the", "our", "one", "from", "based")
    return not (is_noun or verb in sets.WORKS)


_NOBODY = re.compile(
    r"\b(?:nobody|no one|no member|no delegate|few members|few delegates|hardly anyone|hardly anybody) (?:else )?"
    r"(?:has |had |will |would )?(?:ever |really )?(?:ask|want|need|request|support|read|use|order|agree|vote|approve|"
    r"know|miss|like)"
)
_UNASKED = re.compile(
    r"^\W*(?:nobody|no one|no member|no delegate) (?:has |had |will |would )?(?:ever |really )?(?:ask|want|request|"
    r"order|agree|vote|approve)"
)
_JUDGES = re.compile(
    r"\b(?:members|delegates|council|committee|community|stewards|critics|auditors?|reviewers?|voters?|lawyers?|"
    r"people|some|others|many|most|forum|poll|snapshot|dao)\b"
)


def _is_against(folded: str, said: list[str], topics: frozenset[str], *, is_of_receiver: bool) -> bool:
    """Whether words of refusal stand beside the receiver, what is ordered, or who decides."""
    hits = [word for word in said if word in sets.AGAINST]
    if _UNASKED.match(folded) is not None:
        return True
    is_about = is_of_receiver or any(len(word) > 4 and word[:5] in topics for word in said if word not in hits)
    if (is_about or len(said) <= 10) and _FREE.search(folded) is not None:
        return True
    if not hits and _NOBODY.search(folded) is None:
        return False
    return is_about or (bool(hits) and len(said) <= 12 and _JUDGES.search(folded) is not None)


_OF_ACCOUNT = re.compile(
    r"^\W*(?:the|this|that|her|his|their|its) (?:[a-z]+ )?(?:address|wallet|account|multisig|keys?) "
    r"(?:also |really |now |still )?(?:is |was |has been )?(?:belongs?|moved|changed|goes|went|leads|owned|"
    r"controlled)\b"
)


def _names_text(folded: str) -> bool:
    """Whether a sentence is about a text: this one or another."""
    return _TEXT.search(folded) is not None


_TEXT = re.compile(
    r"\b(?:pdf|texts?|documents?|links?|files?|versions?|forum|thread|posts?|proposals?|snapshot|poll|sheet|website|"
    r"page|appendix|annex|here|there)\b"
)
_SHARES = re.compile(
    r"^\W*(?:half|a third|a quarter|a tenth|a part|part|some|most|the rest|the remainder|all|none|\d+ ?%)"
    r"(?: of (?:it|this|that|the [a-z]+|these [a-z]+))? (?:is|are|goes|go|will|belongs?|stays?|returns?|comes?)\b"
)
_FREE = re.compile(
    r"\b(?:for free|free of charge|at no cost|already (?:finished|paid|done|funded|delivered)|without pay)\b"
)
_GAINS = re.compile(
    r"\b(?:grows?|gains?|receives?|gets?|keeps?|saves?|earns?|is richer|will (?:grow|gain|receive|get|keep|earn))\b"
)


def _gains(read: Read) -> bool:
    """Whether the DAO is said to gain an amount that is paid: "the treasury grows by 2,500 USDC"."""
    own = next((party for party in read.parties if party.is_own), None)
    if own is None or len(_WORD.findall(read.voice.folded[: own.start])) > 1:
        return False
    amounts = [one for one in read.quantities if one.unit is Unit.TOKEN and one.start > own.end]
    return bool(amounts) and _GAINS.search(read.voice.folded[own.end : amounts[0].start]) is not None


_PRICE = re.compile(
    r"\b(?:costs?|price[sd]?|invoices?|offers?|offered|agreed|charge[sd]?|quotes?|quoted|fees?|budget|requests?|"
    r"requested|asks?|asked|promised|owed?|due|worth|deal|contract)\b"
)


def _is_price(read: Read, facts: Facts) -> bool:
    """Whether a sentence gives a price in the token that is paid, and it is none of the payments."""
    if not facts.is_all_money or _PRICE.search(read.voice.folded) is None:
        return False
    last = read.quantities[-1] if read.quantities else None
    if last is not None and last.unit is Unit.BARE and _AT_END.fullmatch(read.voice.folded[last.end :]) is not None:
        is_sum = re.search(r"\b(?:for|of|at|was|is|only)\s$", read.voice.folded[: last.start]) is not None
        if is_sum and last.readings[0] >= 10 and not 1900 <= last.readings[0] <= 2100 and not facts.uses(last):
            return True  # "The poll asked for 250."
    amounts = [one for one in read.quantities if one.unit is Unit.TOKEN and not one.is_conversion]
    if len(amounts) != 1 or amounts[0].per_s:
        return False  # several are what a sum is made of
    return facts.moves(amounts[0].symbol) and not facts.uses(amounts[0])


_AT_END = re.compile(r"[.!*\s]*")
_OTHER_VALUES = re.compile(
    r"\b(?:other|another|different|the right|the real|the true|the correct) (?:[a-z]+ )?(?:address(?:es)?|amounts?|"
    r"numbers?|recipients?|figures?|sums?|receivers?|calls?)\b"
)
_STATE = re.compile(
    r"^\W*(?:the |our |its )?(?:[\w']+ )?(?:quorum|threshold|voting period|voting delay|delay|supply|majority|timelock|"
    r"period|limit|cap|allowance|fee)\b[^.;]{0,40}?\b(?:is|are|becomes?|will|goes|falls|rises|drops|grows|stays|"
    r"doubles|halves|ends?)\b"
)
_NOW = re.compile(r"\b(?:current(?:ly)?|today|now|present(?:ly)?|so far|to date|usually|until)\b")


def _is_state(read: Read, facts: Facts) -> bool:
    """Whether a sentence says how high something is that only calls change, and no call sets it so."""
    if _STATE.search(read.voice.folded) is None or _NOW.search(read.voice.folded) is not None:
        return False
    return any(not facts.uses(one) for one in read.quantities) and not languages.compiled(languages.DENIALS).search(
        read.voice.folded
    )
