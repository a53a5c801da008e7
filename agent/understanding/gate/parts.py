# SPDX-License-Identifier: Apache-2.0
"""Parts of a sentence that may have free words: purposes, names and labels of a receiver, costs, brackets.

Each is of a known form, and none of its words may bind a payment to a time, a condition or another receiver.
"""

import re
from collections.abc import Sequence

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.gate.inert_words import is_inert_word
from agent.understanding.gate.pieces import Piece, pieces
from agent.understanding.gate.purposes import WITH_OBJECT, binds
from agent.understanding.mentions.parties import Party
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import level
from agent.understanding.orders import Read
from agent.understanding.passages import Shape

HOLDS = ("wallet", "address", "multisig", "safe", "account")
_OPENINGS = sets.words_of("correct oversight order following based discussion result line last agreed approved passed")
# Nouns that make a payment a mere show, or something else than money.
_PRETENDS = sets.words_of(
    "illustration demonstration simulation rehearsal practice pretence show promise pledge nomination card voucher "
    "token forwarding passing redistribution demo fun laughs joke entertainment decoration appearance appearances "
    "display sake theatre drama fiction wager bet betting gambling"
)
# By these the money only rests where it goes, comes home, goes on to somebody, or comes again.
_PASSING = sets.words_of(
    "temporary temporarily parking holding hold holds guarding guard repatriation repatriate transmission transmitting "
    "relaying relay passage forwarding forward home salary salaries stipend wages payroll mondays tuesdays wednesdays "
    "thursdays fridays saturdays sundays weekends"
)
_AS_SAID = sets.words_of("agreed discussed approved described requested planned specified set stated outlined proposed")
# How a grant, fee or the like may be called that nothing is bound to: no part, loan, delay or dispute.
_PLAIN_KINDS = sets.words_of(
    "retroactive special initial public legal technical educational agreed requested proposed approved planned"
)
_SERIES = ("first", "second", "third", "fourth", "last", "next", "one")
_GOES_TO = sets.words_of("to pay give compensate reimburse reward thank refund repay among between onto")
_DOLLARS = frozenset({"USDC", "USDT", "DAI", "USDS", "GHO", "USDCX", "DAIX", "PYUSD", "LUSD", "XDAI", "USDC.E", "SUSD"})
_SITE = re.compile(r"[a-z\d-]+(?:\.[a-z\d-]+)+(?:/\S*)?")
_NO_NAME = frozenset({"address", "account", "network", "chain", "token", "deployment"})
_NO_LABEL = frozenset(["of", "that", "by", "who", "which", "listed", "and", "or", "in", "on", "with", "near"])


class Purposes:
    """The pieces of one passage, and where one is among them; steps over what a payment is for."""

    def __init__(self, read: Read, facts: Facts, more: frozenset[str]) -> None:
        self._read = read
        self._facts = facts
        self._pieces = pieces(read, facts.texts)
        self._at = 0
        self._language = read.voice.language
        self._glue = sets.GLUE | sets.GLUE_IN.get(self._language, frozenset()) | more
        if not facts.is_some_money:
            self._glue -= sets.OF_PAYING
        self._has_party = False
        self._is_bound = False  # a purpose stands here, and one of its words binds

    def _is_inert(self, word: str) -> bool:
        free = sets.GLUE | sets.AIMS | sets.TOPICS | sets.COSTS | _OPENINGS
        return is_inert_word(word) or word in free or word in self._facts.words

    def _next(self) -> str:
        return self._pieces[self._at + 1].text if self._at + 1 < len(self._pieces) else ""

    def _symbol(self, piece: Piece) -> str | None:
        """The token that a word means, by its letters as they stand in the text."""
        plain = re.split("['’]", piece.text)[0]
        rest = re.match(r"\s([^\W\d_]+)", self._read.passage.text[piece.end :])
        if rest is not None and rest[1].casefold() not in ("token", "tokens", "to", "from", "and", "or", "for", "in"):
            return None  # part of a name: "the ENS DAO", "ENS Labs"
        return self._facts.symbols.of(self._read.passage.text[piece.start : piece.start + len(plain)])

    def _names_stranger(self) -> bool:
        """Whether a name that no party has follows: "the wallet of Marco Ruiz"."""
        text = self._read.passage.text
        return any(
            piece.kind == "word" and text[piece.start : piece.start + 1].isupper() and not self._is_inert(piece.text)
            for piece in self._pieces[self._at + 1 : self._at + 4]
        )

    def _is_apposition(self) -> bool:
        """Whether "of" stands in ", the wallet of the handbook team" behind the receiver."""
        before = [piece.text for piece in self._pieces[max(0, self._at - 3) : self._at]]
        return self._has_party and before[-2:] in ([["the", noun] for noun in HOLDS]) and before[:1] == [","]

    def _takes_purpose(self) -> bool:
        """Step over "for her work on the handbook", "to cover the costs of", "as a bounty"; False where it is none."""
        start = self._at
        first = self._pieces[start].text
        at = start + 1
        if first == "to":
            if at >= len(self._pieces) or self._pieces[at].text not in sets.AIMS:
                return False
            at += 1
        elif first == "as":
            if at < len(self._pieces) and self._pieces[at].text in ("a", "an", "the", "part"):
                at += 1
            if at < len(self._pieces) and self._pieces[at].text in _PLAIN_KINDS:
                at += 0 if self._pieces[at].text in sets.KINDS else 1
            if at >= len(self._pieces) or self._pieces[at].text not in sets.KINDS:
                return False
            if self._pieces[at].text in _AS_SAID and not self._ends_at(at + 1):
                return False  # "as set out in the contract", "as proposed by Acme": other words count
            at += 1
        elif at < len(self._pieces) and self._pieces[at].kind == "party":
            return self._skips_for_party(at)
        stop = self._end_of_purpose(at, is_aim=first == "to")
        is_alone = first == "to" and stop is not None and self._has_no_object(at, stop)
        if stop is None or is_alone:
            self._is_bound = first == "as" or (first == "to" and self._pieces[at - 1].kind == "word")
            return False
        self._at = stop
        return True

    def _has_no_object(self, at: int, stop: int) -> bool:
        """Whether an aim says of nothing but the money what is done: "to keep", "to keep it", "to help others"."""
        rest = self._pieces[at:stop]
        if not rest:
            return self._pieces[at - 1].text in WITH_OBJECT
        return all(piece.text in sets.FREE_IN_AIMS | sets.SMALL for piece in rest)

    def _ends_at(self, at: int) -> bool:
        return at >= len(self._pieces) or (self._pieces[at].kind == "mark" and self._pieces[at].text in ",;.!()")

    def _skips_for_party(self, at: int) -> bool:
        """ "for lea" names who is paid once more; "for ben" somebody else."""
        party = self._pieces[at].thing
        paid = {effect.recipient for effect in self._facts.effects}
        if isinstance(party, Party) and set(party.addresses) & paid and self._facts.takes_part(party):
            stop = self._end_of_purpose(at + 1)
            if stop is not None:
                self._at = stop
                return True
        return False

    def _end_of_purpose(self, at: int, *, is_aim: bool = False) -> int | None:
        """Where a purpose ends: at a mark, or where the receiver, the amount or another order begins. None where a word
        in it binds. `is_aim`: it is "to" and a verb, which says of itself what is done with the money."""
        begun = at
        while at < len(self._pieces):
            piece = self._pieces[at]
            if piece.kind == "mark" and piece.text in ",;:.!()–—":
                return at
            if piece.text in ("to", "from") and self._reaches_party(at + 1):
                return at
            if piece.text == "and" and self._begins_order(at + 1):
                return at
            if piece.kind == "quantity":
                quantity = piece.thing
                assert isinstance(quantity, Quantity)
                is_free = is_aim and quantity.unit in (Unit.BARE, Unit.TIME) and not quantity.per_s
                if not (is_free or self._facts.uses(quantity) or _is_date(self._pieces, at)):
                    return None
            elif piece.kind == "party":
                party = piece.thing
                assert isinstance(party, Party)
                if party.addresses and not self._facts.takes_part(party):
                    return None
                if self._pieces[at - 1].text == "from" and not party.is_own:
                    return None  # "for a refund from lea"
            elif piece.kind == "number":
                if not _is_date(self._pieces, at) and not re.fullmatch(r"v?\d[\d.]*", piece.text):
                    return None
            elif piece.kind == "word" or piece.kind == "act":
                if (
                    (not is_aim and piece.text in _PRETENDS)
                    or piece.text in _PASSING
                    or _is_of_series(self._pieces[at : at + 2])
                ):
                    return None
                if self._goes_to_stranger(at):
                    return None
                if piece.text in ("that", "which") and self._tells_of_work(at):
                    at += 3
                    continue
                if piece.text.split("'")[0] in sets.BINDING - (sets.FREE_IN_AIMS if is_aim else frozenset()):
                    return None
                symbol = self._symbol(piece) if piece.kind == "word" else None
                if symbol is not None and not self._facts.moves(symbol):
                    return None
                is_free = is_aim and piece.text in sets.FREE_IN_AIMS
                if symbol is None and not is_free and binds(self._pieces, at, self._read, self._facts):
                    return None
            at += 1
        return at if at > begun else None

    def _goes_to_stranger(self, at: int) -> bool:
        """Whether a purpose names somebody whom nobody knows as whom the money goes to: "to pay Maria"."""
        piece = self._pieces[at]
        before = self._pieces[at - 1].text if at else ""
        text = self._read.passage.text
        if piece.kind != "word" or before not in _GOES_TO or not text[piece.start : piece.start + 1].isupper():
            return False
        plain = re.split("['’]", piece.text)[0]
        return not (self._is_inert(plain) or plain in level(self._read.passage.title) or self._symbol(piece))

    def _tells_of_work(self, at: int) -> bool:
        """Whether a purpose goes on with "that she did": whose work it was."""
        said = [piece.text for piece in self._pieces[at - 1 : at + 3]]
        return (
            len(said) == 4
            and said[0] in ("work", "services", "job", "tasks", "efforts", "contributions")
            and said[2] in ("she", "he", "they", "we", "it")
            and said[3] in ("did", "do", "made", "delivered", "wrote", "provided", "gave")
        )

    def _reaches_party(self, at: int) -> bool:
        return any(piece.kind == "party" for piece in self._pieces[at : at + 3])

    def _begins_order(self, at: int) -> bool:
        """Whether another order may begin behind "and": an amount, a verb, or any word with an object."""
        following = self._pieces[at : at + 2]
        if any(piece.kind == "quantity" for piece in following) or (following and following[0].kind == "act"):
            return True
        is_verb = len(following) == 2 and following[0].kind == "word" and following[0].text[-3:] != "ing"
        return (
            is_verb
            and following[1].text in ("the", "all", "our", "its", "her", "his", "their")
            and following[0].text not in sets.SMALL
        )


class Parts(Purposes):
    """Steps over names and labels of a receiver, costs and brackets besides."""

    def _takes_label(self) -> bool:
        """Step over what an address is called before it is given: "the handbook team (0x...)", "the writers at"."""
        at = self._at
        before = self._pieces[at - 1].text if at else ""
        is_caption = before in ("–", "—", "-", ":") and self._pieces[0].text in (
            "transaction",
            "call",
            "action",
            "step",
        )
        is_item = at == 0 and self._read.passage.shape is Shape.ITEM
        if (is_item or (is_caption and at <= 3)) and self._takes_opening_label():
            return True
        if before not in ("to", "the", "for", "pay", "pays", "send", "sends"):
            return False
        for end in range(at, min(at + 6, len(self._pieces))):
            piece = self._pieces[end]
            if piece.kind == "party":
                party = piece.thing
                assert isinstance(party, Party)
                if end > at and self._facts.takes_part(party) and not self._is_called_otherwise(party, at, end):
                    self._at = end
                    return True
                return False
            if piece.kind == "mark" and piece.text not in ("(", ",", ":", "&"):
                return False
            if piece.kind in ("quantity", "number", "act", "hex"):
                return False
            if piece.kind == "word" and (piece.text in sets.BINDING | sets.PLACES or piece.text in _NO_LABEL):
                return False
        return False

    def _is_named_otherwise(self, party: Party) -> bool:
        """Whether a name that the text itself gives stands for an address that the book calls another name."""
        words = self._names_of(party)
        said = re.findall(r"[^\W\d_]+", self._read.passage.text[party.start : party.end].split("0x")[0])
        strange = any(one[:1].isupper() and not self._is_inert(level(one)) for one in said)
        return strange and bool(words) and not words & set(map(level, said))

    def _names_of(self, party: Party) -> set[str]:
        known = self._facts.names.known.items()
        return {
            word for name, found in known if set(party.addresses) & found for word in re.findall(r"[^\W\d_]+", name)
        }

    def _is_called_otherwise(self, party: Party, at: int, end: int) -> bool:
        """Whether a label has a name for an address to which the book gives another: "Marco Ruiz's heirs (lea's)"."""
        words = self._names_of(party)
        text = self._read.passage.text
        return bool(words) and any(
            text[piece.start : piece.start + 1].isupper() and re.split("['’]", piece.text)[0] not in words
            for piece in self._pieces[at:end]
            if piece.kind == "word" and not self._is_inert(re.split("['’]", piece.text)[0])
        )

    def _takes_costs(self) -> bool:
        """Step over what an amount is the cost of: "the legal costs of 900 USDC"."""
        before = self._pieces[self._at - 1].text if self._at else ""
        for at in range(self._at, min(self._at + 3, len(self._pieces) - 2)):
            piece, after = self._pieces[at], self._pieces[at + 1 : at + 3]
            if piece.kind not in ("word", "act"):
                return False
            if piece.text in ("cost", "costs", "expense", "expenses", "fee", "fees") and after[0].text == "of":
                if before not in ("the", "her", "his", "their", "our") or after[1].kind != "quantity":
                    return False
                self._at = at + 2
                return True
            if piece.text not in sets.COSTS:
                return False
        return False

    def _takes_opening_label(self) -> bool:
        """Step over what an item or caption calls who is paid: "Ecosystem Safe – 100 USDC 0x..."."""
        start = self._at
        has_party = any(piece.kind == "party" for piece in self._pieces)
        for at, piece in enumerate(self._pieces[start : start + 6], start):
            if piece.kind == "mark" and piece.text in "–—:(":
                is_amount = at + 1 < len(self._pieces) and self._pieces[at + 1].kind == "quantity"
                if at > start and is_amount and (has_party or (start and piece.text == "(")):
                    self._at = at + (piece.text != "(")
                    return True
                return False
            is_name = piece.kind == "word" and piece.text not in sets.BINDING | sets.PLACES | _NO_LABEL
            if not is_name and piece.text != "-":
                return False
        return False

    def _brackets(self) -> tuple[str, Piece] | None:
        """Step over brackets whose words are used, name somebody, or repeat an amount in base units."""
        start = self._at
        close = next((n for n in range(start, len(self._pieces)) if self._pieces[n].text == ")"), None)
        if close is None:
            return ("words", self._pieces[start])
        inside = self._pieces[start + 1 : close]
        self._at = close + 1
        if inside and _SITE.fullmatch(self._read.voice.folded[inside[0].start : inside[-1].end].strip()):
            labels = set(re.findall(r"[a-z]+", self._read.voice.folded[inside[0].start : inside[-1].end].split("/")[0]))
            if not labels & _NO_ROLE:
                return None  # where a link leads to, which the page shows behind its words
        is_name = start > 0 and self._pieces[start - 1].kind == "party"
        if any(piece.text in _NO_NAME for piece in inside) and not all(self._is_plain(piece) for piece in inside):
            return ("words", inside[0])  # "(Unichain address)"
        for piece in inside:
            if piece.kind == "quantity" and isinstance(piece.thing, Quantity):
                is_worth = piece.thing.unit is Unit.MONEY and self._at_amount(start)
                if is_worth and not _is_worth(piece, self._pieces[max(0, start - 3) : start]):
                    return ("amount", piece)
                if not (is_worth or self._facts.uses(piece.thing) or piece.thing.is_conversion or _is_units(inside)):
                    return ("amount", piece)
            elif piece.kind == "party":
                if isinstance(piece.thing, Party) and not self._facts.takes_part(piece.thing):
                    return ("party", piece)
            elif piece.kind == "number":
                if not _is_units(inside):
                    return ("amount", piece)
            elif piece.kind in ("word", "act"):
                symbol = self._symbol(piece)
                if symbol is not None and not self._facts.moves(symbol):
                    return ("token", piece)
                original = self._read.passage.text[piece.start : piece.end]
                if _is_rate(self._pieces[max(0, start - 3) : start]) and piece.text in ("year", "month", "a", "per"):
                    continue  # "(~$4.5M/year)" behind a rate
                is_free = piece.text in self._glue | sets.UNITS or piece.text in self._facts.words
                is_named = is_name and original[:1].isupper() and not is_no_name(piece.text)
                if not (is_free or is_named or symbol is not None):
                    return ("words", piece)
        return None

    def _is_plain(self, piece: Piece) -> bool:
        return piece.kind not in ("word", "act") or piece.text in self._glue | sets.UNITS | self._facts.words

    def _at_amount(self, at: int) -> bool:
        """Whether a used amount stands right before brackets, which may say what it is worth."""
        before = [piece.thing for piece in self._pieces[max(0, at - 3) : at]]
        return any(isinstance(thing, Quantity) and self._facts.uses(thing) for thing in before)


def _is_date(said: Sequence[Piece], at: int) -> bool:
    """Whether a number is a year, a quarter or an edition inside a purpose: "the costs of 2024"."""
    before = said[at - 1].text if at else ""
    return re.fullmatch(r"(?:19|20)\d\d", said[at].text) is not None and before not in ("for", "to", "as")


def _is_of_series(said: Sequence[Piece]) -> bool:
    """Whether "the first of four invoices" stands here: others follow."""
    return len(said) == 2 and said[0].text in _SERIES and said[1].text == "of"


def _is_worth(piece: Piece, said: Sequence[Piece]) -> bool:
    """Whether dollars in brackets may be what the amount before is worth: of a dollar's token about the same number."""
    before = [one.thing for one in said if isinstance(one.thing, Quantity)]
    worth = piece.thing
    if not before or not isinstance(worth, Quantity):
        return False
    if worth.per_s or before[-1].per_s:
        return True  # "(~$4.5M/year)" behind a rate
    if before[-1].symbol.upper() not in _DOLLARS or not ("$" in piece.text or "usd" in piece.text):
        return False  # code knows no price
    return any(abs(one - other) * 200 <= one for one in worth.readings for other in before[-1].readings)


def _is_rate(said: Sequence[Piece]) -> bool:
    """Whether an amount a second stands before brackets, which may say how much it is in a longer time."""
    return any(isinstance(one.thing, Quantity) and one.thing.per_s for one in said)


def is_no_name(word: str) -> bool:
    """Whether a word, capitals or not, says something of who is paid, and is no part of a name: "(Sanctioned)"."""
    return word in _NO_NAMES or (len(word) > 6 and word.endswith(("ing", "ed")) and not is_inert_word(word))


_NO_ROLE = sets.words_of(
    "agent agents intermediary intermediaries broker brokers nominee proxy custodian trustee mixer relay relayer "
    "forwarder forwarding repays repay refund refunds due loan debtor creditor stranger unknown anonymous fake decoy "
    "alias aka formerly ex via care"
)
_NO_NAMES = (
    sets.BINDING | sets.PLACES | sets.LOST | sets.AGAINST | _NO_ROLE | sets.words_of("in on at by from to with for of")
)


def _is_units(inside: Sequence[Piece]) -> bool:
    return any(piece.text in ("considering", "decimal", "decimals", "base", "units", "wei", "raw") for piece in inside)
