# SPDX-License-Identifier: Apache-2.0
"""One sentence, word by word: is each a verb, amount, party or subject of the effects, or a word of a closed set?

Besides, words may stand in a purpose, a name or brackets of a known form. Pure, and linear in the sentence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.mentions import languages
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.parties import Party
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import ActWord, level
from agent.understanding.orders import Read
from agent.understanding.passages import Shape
from agent.understanding.telling import is_money

TAG = re.compile(r"<!-+|-+>|</?[a-z][a-z0-9]{0,11}(?: [^<>]{0,80})?/?>")
_TOKEN = re.compile(
    r"(?P<word>[^\W\d_][^\W_]*(?:['’.-][^\W_]+)*(?:_[^\W_]+)*)|(?P<hex>0x[0-9a-f]+)|(?P<number>\d[\d.,]*\w*)|(?P<mark>\S)"
)


@dataclass(frozen=True)
class Piece:
    """One word, mark, quantity, party or verb of a passage."""

    kind: str  # "word", "mark", "number", "quantity", "party", "act"
    text: str  # in small letters
    start: int
    end: int
    thing: Quantity | Party | ActWord | None = None


def pieces(read: Read, given: Iterable[str] = ()) -> list[Piece]:
    """A passage as its quantities, parties, verbs, and the words and marks between them, without the texts `given`."""
    folded = TAG.sub(lambda match: " " * len(match[0]), read.voice.folded)
    things: list[Piece] = [Piece("quantity", folded[q.start : q.end], q.start, q.end, q) for q in read.quantities]
    things += [Piece("party", folded[p.start : p.end], p.start, p.end, p) for p in read.parties]
    things += [Piece("act", a.word, a.start, a.end, a) for a in read.voice.acts]
    for text in given:
        place = folded.find(text)
        while place >= 0:
            end = place + len(text)
            if not (folded[:place][-1:].isalnum() or folded[end:][:1].isalnum()):
                things = [one for one in things if one.end <= place or one.start >= end]
                folded = folded[:place] + " " * len(text) + folded[end:]
            place = folded.find(text, end)
    order = {"quantity": 0, "party": 1, "act": 2}
    taken: list[Piece] = []
    for thing in sorted(things, key=lambda one: (one.start, order[one.kind])):
        last = taken[-1] if taken else None
        if last is not None and thing.start < last.end:
            if order[thing.kind] < order[last.kind]:
                taken[-1] = thing
            continue
        taken.append(thing)
    found: list[Piece] = []
    place = 0
    for thing in (*taken, None):
        stop = thing.start if thing is not None else len(folded)
        for match in _TOKEN.finditer(folded, place, stop):
            kind = match.lastgroup or "mark"
            found.append(Piece("word" if kind == "word" else kind, match[0], match.start(), match.end()))
        if thing is not None:
            found.append(thing)
            place = thing.end
    return found


class _Clause:
    """Goes through the pieces of one passage and stops at the first that nothing uses."""

    def __init__(self, read: Read, facts: Facts, *, may_tell_purpose: bool, more: frozenset[str]) -> None:
        self._read = read
        self._facts = facts
        self._pieces = pieces(read, facts.texts)
        self._at = 0
        self._may_tell_purpose = may_tell_purpose
        self._language = read.voice.language
        self._glue = sets.GLUE | sets.GLUE_IN.get(self._language, frozenset()) | more
        self._has_verb = False
        self._has_party = False
        self._has_amount = False
        self._skip_opening()

    def _skip_opening(self) -> None:
        """Step over a purpose that opens the sentence: "In order to correct this oversight, "."""
        opening = _OPENING.match(self._read.voice.folded)
        if opening is None:
            return
        inside = [piece for piece in self._pieces if piece.start < opening.end()]
        is_plain = all(
            piece.kind in ("word", "mark", "act") and (piece.text not in sets.BINDING or piece.text in _DEICTIC)
            for piece in inside
        )
        if is_plain:
            self._at = len(inside)

    def left_over(self) -> tuple[str, Piece] | None:
        """The first piece that nothing uses, with its code; None where all are used."""
        while self._at < len(self._pieces):
            found = self._step()
            if found is not None:
                return found
        return None

    def _step(self) -> tuple[str, Piece] | None:
        piece = self._pieces[self._at]
        code = ""
        if piece.kind == "quantity":
            code = self._quantity(piece)
        elif piece.kind == "party":
            code = self._party(piece)
        elif piece.kind == "act":
            code = self._act(piece)
        elif piece.kind == "mark":
            if piece.text == "(":
                return self._brackets()
            is_comment = piece.text == "/" and self._next() == "/"  # what stands behind is not run
            is_used = (piece.text in _MARKS or piece.text in sets.HAN) and not is_comment and not self._is_note(piece)
            code = "" if is_used else "words"
        elif piece.kind == "word":
            return self._word(piece)
        elif piece.kind == "hex":
            code = "" if self._is_hex_of_effects(piece.text) else "words"
        elif piece.kind == "number":
            code = "" if self._at == 0 or self._is_step_number() else "amount"
        self._at += 1
        return (code, piece) if code else None

    def _is_note(self, piece: Piece) -> bool:
        """Whether a star hangs on a word or number, as the mark of a note does."""
        folded = self._read.voice.folded
        return (
            piece.text == "*"
            and piece.start > 0
            and folded[piece.start - 1].isalnum()
            and "*" not in folded[: piece.start]
        )

    def _counts_otherwise(self, text: str) -> bool:
        """Whether a word counts payments, receivers or calls, and there are not so many."""
        number = languages.NUMBER_WORDS.get(text, 0) if text in sets.COUNTS else 0
        effects = self._facts.effects
        return number > 1 and number not in (
            len(effects),
            len({one.position for one in effects}),
            len({one.recipient for one in effects if one.recipient is not None}),
        )

    def _is_step_number(self) -> bool:
        before = self._pieces[self._at - 1]
        return before.text in ("step", "action", "transaction", "call", "payment", "transfer", "#", "item", "q")

    def _is_hex_of_effects(self, text: str) -> bool:
        return len(text) > 42 or any(text[2:] in argument for argument in self._arguments())

    def _arguments(self) -> Iterator[str]:
        for effect in self._facts.effects:
            for argument in effect.arguments:
                if isinstance(argument.value, bytes):
                    yield argument.value.hex()

    def _quantity(self, piece: Piece) -> str:
        quantity = piece.thing
        assert isinstance(quantity, Quantity)
        if self._facts.uses(quantity):
            before = self._pieces[self._at - 1].text if self._at else ""
            if before == "by" and quantity.unit is not Unit.TOKEN:
                return "words"  # "raise it by five days" sets another value
            earlier = self._pieces[self._at - 2].text if self._at > 1 else ""
            if before == "to" and self._facts.is_all_money and earlier not in _REACHES:
                return "words"  # "transfer lea to 2,500 USDC"
            self._has_amount = True
            return ""
        if self._at == 0 or self._is_step_number() or self._is_old_value():
            return ""
        return "amount"

    def _is_old_value(self) -> bool:
        """Whether a number stands behind "from", and the value that is set behind "to" after it."""
        before = self._pieces[self._at - 1].text if self._at else ""
        after = self._pieces[self._at + 1 : self._at + 3]
        return (
            before == "from"
            and len(after) == 2
            and after[0].text == "to"
            and isinstance(after[1].thing, Quantity)
            and self._facts.uses(after[1].thing)
        )

    def _party(self, piece: Piece) -> str:
        party = piece.thing
        assert isinstance(party, Party)
        if not self._facts.takes_part(party):
            return "party"
        before = self._pieces[self._at - 1].text if self._at else ""
        if before == "from" and not self._facts.is_all_money and Act.REVOKE not in self._facts.acts:
            return "words"  # the implementation from which an upgrade goes away
        if before in _BESIDE and set(party.addresses) & self._paid() and not party.is_own:
            return "words"  # "transfer it with lea" names no receiver
        self._has_party = True
        return ""

    def _paid(self) -> set[bytes | None]:
        return {effect.recipient for effect in self._facts.effects if is_money(effect)}

    def _act(self, piece: Piece) -> str:
        act = piece.thing
        assert isinstance(act, ActWord)
        if act.acts & self._facts.acts:
            if piece.text in _GIVES and self._is_behind_receiver():
                return "verb"  # "lea pays for it"
            self._has_verb = True
            return ""
        if piece.text in self._glue or piece.text in self._facts.words:
            return ""
        return "verb"

    def _is_behind_receiver(self) -> bool:
        """Whether who is paid stands right before, as the one who acts."""
        before = self._pieces[self._at - 1].thing if self._at else None
        is_first = self._at == 1 or (self._at == 2 and self._pieces[0].kind != "quantity")
        return (
            is_first and isinstance(before, Party) and not before.is_own and bool(set(before.addresses) & self._paid())
        )

    def _word(self, piece: Piece) -> tuple[str, Piece] | None:
        text = piece.text
        if text in _ORDINALS and self._next_is_place():
            self._at += 1
            return ("words", piece)  # "the second governor"
        if text == "leaving" and self._takes_balance():
            return None
        if text == "of" and self._is_apposition() and (stop := self._end_of_purpose(self._at + 1)) is not None:
            self._at = stop
            return None
        if self._is_in_name(piece):
            self._at += 1
            return None
        if text in sets.PURPOSE and self._may_tell_purpose and self._is_core_begun() and self._takes_purpose():
            return None
        if self._takes_label() or self._takes_costs():
            return None
        if self._is_named_or_asked(piece):
            self._at += 1
            return None
        plain = text.removesuffix("'s").removesuffix("’s")
        if plain != text and self._next() in _HOLDS and plain in level(self._read.passage.title):
            self._at += 1
            return None  # "eth.limo's address", under a title that says whom the proposal pays
        symbol = self._symbol(piece)
        is_used = (
            text in self._glue
            or plain in self._facts.words
            or plain.replace("_", " ") in self._facts.words
            or self._is_subject(plain)
            or (symbol is not None and self._facts.moves(symbol))
            or self._facts.moves(self._facts.symbols.of(self._read.passage.text[piece.start : piece.end]) or "")
            or (self._language == "zh" and set(text) <= sets.HAN)
        ) and not self._counts_otherwise(text)
        self._at += 1
        return None if is_used else ("token" if symbol is not None else "words", piece)

    def _is_named_or_asked(self, piece: Piece) -> bool:
        """Whether a word stands in "asks for a grant", "propose that", or is the title's name for who is paid."""
        before = self._pieces[self._at - 1].text if self._at else ""
        after = self._pieces[self._at + 1].kind if self._at + 1 < len(self._pieces) else ""
        if piece.text == "for":
            is_sum = before in ("request", "grant") and after == "quantity"
            return is_sum or (before in ("ask", "asks", "request", "requests") and self._next() in ("a", "an", "the"))
        if piece.text == "that":
            return before in ("propose", "proposes", "request", "requests", "ask", "asks")
        if self._is_name_of_title(piece):
            self._has_party = True
            return True
        return False

    def _is_name_of_title(self, piece: Piece) -> bool:
        """Whether a word is a name that the title has for who is paid, where nothing else names them."""
        original = self._read.passage.text[piece.start : piece.end]
        title = self._read.passage.title
        is_name = original[:1].isupper() and piece.start > 0 and re.search(rf"\b{re.escape(original)}\b", title)
        return bool(is_name) and piece.text not in sets.BINDING | sets.PLACES and not self._facts.is_paid_by_name

    def _is_in_name(self, piece: Piece) -> bool:
        """Whether a word belongs to a name in brackets whose first word is known: "0x... (Lea Moreau)"."""
        at = self._at - 1
        while at >= 0 and self._pieces[at].kind == "word" and self._at - at <= 3:
            at -= 1
        before = self._pieces[at] if at >= 0 else None
        is_open = before is not None and before.kind == "party" and before.text.count("(") > before.text.count(")")
        original = self._read.passage.text[piece.start : piece.end]
        return is_open and original[:1].isupper() and piece.text not in sets.BINDING | sets.PLACES

    def _next_is_place(self) -> bool:
        after = self._pieces[self._at + 1] if self._at + 1 < len(self._pieces) else None
        return after is not None and (after.kind == "party" or after.text in sets.ON_CHAIN)

    def _next(self) -> str:
        return self._pieces[self._at + 1].text if self._at + 1 < len(self._pieces) else ""

    def _is_subject(self, text: str) -> bool:
        parts = re.split(r"[-_]", text)
        return len(parts) > 1 and all(part in self._facts.words for part in parts)

    def _symbol(self, piece: Piece) -> str | None:
        """The token that a word means, by its letters as they stand in the text."""
        plain = re.split("['’]", piece.text)[0]
        rest = re.match(r"\s([^\W\d_]+)", self._read.passage.text[piece.end :])
        if rest is not None and rest[1].casefold() not in ("token", "tokens", "to", "from", "and", "or", "for", "in"):
            return None  # part of a name: "the ENS DAO", "ENS Labs"
        return self._facts.symbols.of(self._read.passage.text[piece.start : piece.start + len(plain)])

    def _is_core_begun(self) -> bool:
        return (self._has_amount or self._has_party) and (self._has_verb or self._at > 1)

    def _takes_balance(self) -> bool:
        """Step over ", leaving 100 USDC in the treasury for later", what one effect brings less what another takes."""
        before = self._pieces[self._at - 1].text if self._at else ""
        rest = self._pieces[self._at + 1 :]
        at = next((n for n, piece in enumerate(rest[:3]) if piece.kind == "quantity"), None)
        if before != "," or at is None or at + 2 >= len(rest) or rest[at + 1].text != "in":
            return False
        left = rest[at].thing
        if not isinstance(left, Quantity) or not self._facts.leaves(left):
            return False
        place = next((piece for piece in rest[at + 2 : at + 4] if piece.kind == "party"), None)
        if place is None or not isinstance(place.thing, Party) or not place.thing.is_own:
            return False
        self._at = len(self._pieces)
        return True

    def _is_apposition(self) -> bool:
        """Whether "of" stands in ", the wallet of the handbook team" behind the receiver."""
        before = [piece.text for piece in self._pieces[max(0, self._at - 3) : self._at]]
        return self._has_party and before[-2:] in ([["the", noun] for noun in _HOLDS]) and before[:1] == [","]

    # --------------------------------------------------------------------------------------- purposes, labels, brackets

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
            if at < len(self._pieces) and re.fullmatch(r"[a-z]+(?:ed|al|ly|ive)", self._pieces[at].text):
                at += 0 if self._pieces[at].text in sets.KINDS else 1
            if at >= len(self._pieces) or self._pieces[at].text not in sets.KINDS:
                return False
            at += 1
        elif at < len(self._pieces) and self._pieces[at].kind == "party":
            return self._skips_for_party(at)
        stop = self._end_of_purpose(at, is_aim=first == "to")
        if stop is None:
            return False
        self._at = stop
        return True

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
                if not (is_free or self._facts.uses(quantity) or self._is_date(at)):
                    return None
            elif piece.kind == "party":
                party = piece.thing
                assert isinstance(party, Party)
                if party.addresses and not self._facts.takes_part(party):
                    return None
                if self._pieces[at - 1].text == "from" and not party.is_own:
                    return None  # "for a refund from lea"
            elif piece.kind == "number":
                if not self._is_date(at) and not re.fullmatch(r"v?\d[\d.]*", piece.text):
                    return None
            elif piece.kind == "word" or piece.kind == "act":
                if piece.text in ("that", "which") and self._tells_of_work(at):
                    at += 3
                    continue
                if piece.text.split("'")[0] in sets.BINDING - (sets.FREE_IN_AIMS if is_aim else frozenset()):
                    return None
                symbol = self._symbol(piece) if piece.kind == "word" else None
                if symbol is not None and not self._facts.moves(symbol):
                    return None
            at += 1
        return at if at > begun else None

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

    def _is_date(self, at: int) -> bool:
        """Whether a number is a year, a quarter or an edition inside a purpose: "the costs of 2024"."""
        text = self._pieces[at].text
        before = self._pieces[at - 1].text if at else ""
        return re.fullmatch(r"(?:19|20)\d\d", text) is not None and before not in ("for", "to", "as")

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
                if end > at and self._facts.takes_part(party):
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
        if self._at_amount(start) and _FOR_TIME.fullmatch(" ".join(piece.text for piece in inside)):
            return None  # "700 USDC (for two months)": the sum is said, and what it is for
        if inside and _SITE.fullmatch(self._read.voice.folded[inside[0].start : inside[-1].end].strip()):
            return None  # where a link leads to, which the page shows behind its words
        is_name = start > 0 and self._pieces[start - 1].kind == "party"
        if any(piece.text in _NO_NAME for piece in inside) and not all(self._is_plain(piece) for piece in inside):
            return ("words", inside[0])  # "(Unichain address)"
        for piece in inside:
            if piece.kind == "quantity" and isinstance(piece.thing, Quantity):
                is_worth = piece.thing.unit is Unit.MONEY and self._at_amount(start)
                if is_worth and not self._is_worth(piece, start):
                    return ("amount", piece)
                if not (
                    is_worth or self._facts.uses(piece.thing) or piece.thing.is_conversion or self._is_units(inside)
                ):
                    return ("amount", piece)
            elif piece.kind == "party":
                if isinstance(piece.thing, Party) and not self._facts.takes_part(piece.thing):
                    return ("party", piece)
            elif piece.kind == "number":
                if not self._is_units(inside):
                    return ("amount", piece)
            elif piece.kind in ("word", "act"):
                symbol = self._symbol(piece)
                if symbol is not None and not self._facts.moves(symbol):
                    return ("token", piece)
                original = self._read.passage.text[piece.start : piece.end]
                if self._at_amount(start) and piece.text in ("year", "month", "a", "per"):
                    continue  # "(~$4.5M/year)" behind a rate
                is_free = piece.text in self._glue | sets.UNITS or piece.text in self._facts.words
                is_named = is_name and original[:1].isupper() and piece.text not in sets.BINDING | sets.PLACES
                if not (is_free or is_named or symbol is not None):
                    return ("words", piece)
        return None

    def _is_plain(self, piece: Piece) -> bool:
        return piece.kind not in ("word", "act") or piece.text in self._glue | sets.UNITS | self._facts.words

    def _is_worth(self, piece: Piece, at: int) -> bool:
        """Whether dollars in brackets may be what the amount before is worth: of a dollar's token the same number."""
        before = [one.thing for one in self._pieces[max(0, at - 3) : at] if isinstance(one.thing, Quantity)]
        worth = piece.thing
        is_dollar = bool(before) and ("USD" in before[-1].symbol.upper() or before[-1].symbol.upper() == "DAI")
        if not is_dollar or not isinstance(worth, Quantity) or not ("$" in piece.text or "usd" in piece.text):
            return True
        if worth.is_about or worth.per_s or before[-1].per_s:
            return True  # "(~$4.5M/year)" behind a rate
        return any(abs(one - other) * 10 <= one for one in worth.readings for other in before[-1].readings)

    def _at_amount(self, at: int) -> bool:
        """Whether a used amount stands right before brackets, which may say what it is worth."""
        before = [piece.thing for piece in self._pieces[max(0, at - 3) : at]]
        return any(isinstance(thing, Quantity) and self._facts.uses(thing) for thing in before)

    def _is_units(self, inside: Sequence[Piece]) -> bool:
        return any(
            piece.text in ("considering", "decimal", "decimals", "base", "units", "wei", "raw") for piece in inside
        )


_ORDINALS = ("first", "second", "third", "other", "old", "former", "previous")
_GIVES = ("pays", "gives", "sends", "transfers", "covers", "funds", "pay", "give", "send")
_REACHES = ("up", "amounting", "amounts", "adds", "comes", "equal", "equals", "limited", "allowance", "approval")
_BESIDE = ("with", "through", "via", "by")
_MARKS = frozenset(").,:;!-–—→=+&/*•#'’\"`[]…" + "⇒>@_\u200b")
_FOR_TIME = re.compile(r"(?:for|covering) (?:the )?[\w ]{1,20}(?:day|week|month|quarter|year)s?")
_SITE = re.compile(r"[a-z\d-]+(?:\.[a-z\d-]+)+(?:/\S*)?")
_HOLDS = ("wallet", "address", "multisig", "safe", "account")
_OPENING = re.compile(
    r"^\W*(?:(?:in order )?to [a-z]+|following|based on|as part of|as a result of|building on|in line with) "
    r"(?:[^,;:.]|\.(?=\w)){3,120},\s"
)
_NO_NAME = frozenset({"address", "account", "network", "chain", "token", "deployment"})
_DEICTIC = frozenset({"this", "that", "these", "those"})
_NO_LABEL = frozenset(["of", "that", "by", "who", "which", "listed", "and", "or", "in", "on", "with", "near"])


def clause_left_over(read: Read, facts: Facts, more: frozenset[str] = frozenset()) -> LeftOver | None:
    """What one sentence or item has besides an order; None where all of it is used."""
    found = _Clause(read, facts, may_tell_purpose=facts.is_some_money, more=more).left_over()
    return None if found is None else _at(read, found[1], found[0])


def _at(read: Read, piece: Piece, code: str) -> LeftOver:
    """The words from a piece to the end of its clause."""
    text = read.passage.text
    end = min([place for mark in ".;\n" if (place := text.find(mark, piece.end)) > 0] + [len(text)])
    return LeftOver(code, read.passage.start + piece.start, read.passage.start + max(end, piece.end))
