# SPDX-License-Identifier: Apache-2.0
"""One sentence, word by word: is each a verb, amount, party or subject of the effects, or a word of a closed set?

Besides, words may stand in a purpose, a name or brackets of a known form. Pure, and linear in the sentence.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts, LeftOver
from agent.understanding.gate.forms import is_in_two_tokens, is_sum, turns_direction
from agent.understanding.gate.glued import is_glued
from agent.understanding.gate.parts import HOLDS, Parts, is_no_name
from agent.understanding.gate.pieces import Piece
from agent.understanding.gate.second_acts import bids_alone, bids_before, bids_behind, exceeds, joins_object
from agent.understanding.mentions import languages
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.parties import Party
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import ActWord, level
from agent.understanding.orders import Read
from agent.understanding.telling import is_money


class _Clause(Parts):
    """Goes through the pieces of one passage and stops at the first that nothing uses."""

    def __init__(self, read: Read, facts: Facts, *, may_tell_purpose: bool, more: frozenset[str]) -> None:
        super().__init__(read, facts, more)
        self._may_tell_purpose = may_tell_purpose
        self._has_verb = False
        self._has_amount = False
        self._said: Counter[Hashable] = Counter()  # amounts of tokens, with how often each was said so far
        self._skip_opening()

    def _skip_opening(self) -> None:
        """Step over a purpose that opens the sentence: "In order to correct this oversight, "."""
        opening = _OPENING.match(self._read.voice.folded)
        if opening is None:
            return
        inside = [piece for piece in self._pieces if piece.start < opening.end()]
        is_plain = all(
            piece.kind in ("word", "mark", "act")
            and (piece.kind == "mark" or piece.text in _DEICTIC or self._is_inert(piece.text))
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
        bid = None if self._has_amount else bids_alone(self._pieces, self._facts)
        return None if bid is None else ("verb", bid)

    def _step(self) -> tuple[str, Piece] | None:
        piece = self._pieces[self._at]
        code = self._second_act(piece) if piece.kind in ("word", "act", "party") else ""
        if code:
            return (code, piece)
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

    def _second_act(self, piece: Piece) -> str:
        """The code of words that make another order beside this one, or ""."""
        if joins_object(self._pieces, self._at, self._facts) or exceeds(piece.text, self._facts):
            return "words"
        # "withdraw 600 DAI and send it to lea" is one payment, whose receiver is still to come.
        is_rest = piece.kind == "act" and self._facts.is_all_money and self._has_amount and not self._has_party
        is_begun = self._has_verb and self._is_core_begun() and not is_rest
        if is_begun and bids_behind(self._pieces, self._at, self._facts):
            return "verb"
        return "verb" if bids_before(self._pieces, self._at, self._facts) else ""

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
        if self._is_other_unit(quantity):
            return "time"
        if self._facts.uses(quantity):
            before = self._pieces[self._at - 1].text if self._at else ""
            if before == "by" and quantity.unit is not Unit.TOKEN:
                return "words"  # "raise it by five days" sets another value
            earlier = self._pieces[self._at - 2].text if self._at > 1 else ""
            if before == "to" and self._facts.is_all_money and earlier not in _REACHES:
                return "words"  # "transfer lea to 2,500 USDC"
            self._has_amount = True
            return "amount" if self._says_again(quantity) else ""
        is_number = quantity.unit is Unit.BARE and quantity.readings[0] <= _MOST_STEPS
        is_first = self._at == 0 and self._next() in _BEHIND_NUMBERS and len(self._pieces) > 2
        return "" if (is_number and (is_first or self._is_step_number())) or self._is_old_value() else "amount"

    def _says_again(self, quantity: Quantity) -> bool:
        """Whether an amount of a token stands here more often than it is moved: "600 DAI for writing and 600 DAI for
        editing"."""
        if quantity.unit is not Unit.TOKEN:
            return False
        self._said[quantity.symbol, quantity.readings] += 1
        return self._said[quantity.symbol, quantity.readings] > max(1, self._facts.times_of(quantity))

    def _is_other_unit(self, quantity: Quantity) -> bool:
        """Whether a time or share stands beside an amount of money, which no call limits by it."""
        is_money = any(one.unit is Unit.TOKEN for one in self._read.quantities)
        return is_money and quantity.unit in (Unit.TIME, Unit.PERCENT, Unit.BPS, Unit.BLOCKS) and not quantity.per_s

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
        if not self._facts.takes_part(party) or self._is_named_otherwise(party):
            return "party"
        before = self._pieces[self._at - 1].text if self._at else ""
        if before == "from" and not self._facts.is_all_money and Act.REVOKE not in self._facts.acts:
            return "words"  # the implementation from which an upgrade goes away
        if before == "from" and self._facts.acts & {Act.MINT} and not self._facts.acts & {Act.TRANSFER}:
            return "words"  # what is minted comes from nobody
        if before in _BESIDE and set(party.addresses) & self._paid() and not party.is_own:
            return "words"  # "transfer it with lea" names no receiver
        self._has_party = True
        return ""

    def _paid(self) -> set[bytes | None]:
        return {effect.recipient for effect in self._facts.effects if is_money(effect)}

    def _act(self, piece: Piece) -> str:
        act = piece.thing
        assert isinstance(act, ActWord)
        if piece.text in sets.OF_PAYING - self._facts.words and not self._facts.is_some_money:
            return "verb"  # no call moves money
        if act.acts & self._facts.acts:
            if piece.text.startswith(_PASSES_ON) and not self._replaces():
                return "verb"  # who has the role keeps it
            if piece.text.startswith("repa") and not self._facts.has_kind("repay"):
                return "verb"  # it says that the DAO owed it
            if piece.text in _GIVES and self._is_behind_receiver():
                return "verb"  # "lea pays for it"
            self._has_verb = True
            return ""
        if piece.text in self._glue or piece.text in self._facts.words:
            return ""
        return "verb"

    def _replaces(self) -> bool:
        """Whether a role is taken from one and given to another, or there is but one value that is set."""
        if self._facts.acts >= {Act.GRANT, Act.REVOKE} or any(one.unit is Unit.TOKEN for one in self._read.quantities):
            return True
        return not any(
            str(effect.kind) == "role_change" and "ole(" in effect.function for effect in self._facts.effects
        )

    def _is_behind_receiver(self) -> bool:
        """Whether who is paid stands right before, as the one who acts."""
        before = self._pieces[self._at - 1].thing if self._at else None
        is_first = self._at == 1 or (self._at == 2 and self._pieces[0].kind != "quantity")
        return (
            is_first and isinstance(before, Party) and not before.is_own and bool(set(before.addresses) & self._paid())
        )

    def _word(self, piece: Piece) -> tuple[str, Piece] | None:
        text = piece.text
        if self._is_of_another_order(text):
            self._at += 1
            return ("words", piece)
        if text in _ORDINALS and self._next_is_place():
            self._at += 1
            return ("words", piece)  # "the second governor"
        if text == "leaving" and self._takes_balance():
            return None
        if (
            text == "of"
            and self._is_apposition()
            and not self._names_stranger()
            and (stop := self._end_of_purpose(self._at + 1)) is not None
        ):
            self._at = stop
            return None
        if self._is_in_name(piece):
            self._at += 1
            return None
        if text in sets.PURPOSE and self._may_tell_purpose and self._is_core_begun() and self._takes_purpose():
            return None
        if self._is_bound:
            self._is_bound = False
            self._at += 1
            return ("words", piece)  # its words may stand in an order, but not behind "to" or "as"
        if self._takes_label() or self._takes_costs():
            return None
        if self._is_named_or_asked(piece):
            self._at += 1
            return None
        plain = text.removesuffix("'s").removesuffix("’s")
        if plain != text and self._next() in HOLDS and plain in level(self._read.passage.title):
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

    def _is_of_another_order(self, text: str) -> bool:
        """Whether words that only frame an order stand where they make another one: "by a second vote", "requests a
        proposal to", "that members propose to"; or call an allowance or new tokens a payment."""
        before = self._pieces[self._at - 1].text if self._at else ""
        if (
            text in _FRAMES
            and before in ("a", "an")
            and self._at > 1
            and self._pieces[self._at - 2].text in ("is", "as")
        ):
            return False  # "This is a request for"
        if text in _FRAMES and before in (
            "a",
            "an",
            "another",
            "second",
            "third",
            "following",
            "new",
            "next",
            "members",
        ):
            return True
        if text in _FRAME_VERBS and any(piece.text in _FRAME_VERBS for piece in self._pieces[: self._at]):
            return True
        if text in _GIFTS and self._facts.acts & {Act.APPROVE} and not self._facts.acts & {Act.TRANSFER}:
            said = {piece.text for piece in self._pieces}
            return not said & {"spend", "use", "draw", "allowance", "limit"}
        if text in _ORDINALS | _SERIES and self._next() in _STEPS and self._is_core_begun():
            return True  # "in a first step": more follows
        if text == "one" and self._next() == "of" and self._is_core_begun():
            return True
        if self._hangs_on_order():
            return True
        is_after = self._facts.is_all_money and self._is_core_begun() and self._has_verb
        if is_after and text in ("follows", "stablecoin", "stablecoins", "community"):
            return True
        if is_after and text in ("second", "third", "following", "new"):
            return self._next() not in ("address", "addresses", "recipient", "recipients", "wallet", "safe", "multisig")
        return self._counts_payments(text)

    def _hangs_on_order(self) -> bool:
        """Whether a person, a token or a place hangs on an order that has begun, as no call has it: "through members",
        "and USDC", "with the team"."""
        piece = self._pieces[self._at]
        if not self._is_core_begun() or self._at == 0 or _ends_group(self._pieces, self._at) is False:
            return False
        at = self._at - 1
        while at and self._pieces[at].text in _IN_GROUP:
            at -= 1
        before = self._pieces[at].text
        if before in _JOINS and (self._symbol(piece) is not None or piece.text in _TOKENS):
            return self._facts.is_all_money
        is_called = before == "," and self._next() == "of"  # ", the wallet of the handbook team"
        return piece.text in _PERSONS and before in _HANGS and not (self._begins_again() or is_called)

    def _begins_again(self) -> bool:
        """Whether a verb follows, of which a person or thing is the subject: "and the treasury pays"."""
        return self._at + 1 < len(self._pieces) and self._pieces[self._at + 1].kind == "act"

    def _counts_payments(self, text: str) -> bool:
        """Whether "two payments of 100 USDC" counts more or fewer than there are of that amount."""
        number = languages.NUMBER_WORDS.get(text, 0) if text in sets.COUNTS else 0
        after = self._pieces[self._at + 1 : self._at + 4]
        quantity = after[2].thing if len(after) == 3 and after[1].text == "of" else None
        if not number or not isinstance(quantity, Quantity):
            return False
        return self._facts.times_of(quantity) != number

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
        return is_open and original[:1].isupper() and not is_no_name(piece.text)

    def _next_is_place(self) -> bool:
        after = self._pieces[self._at + 1] if self._at + 1 < len(self._pieces) else None
        return after is not None and (after.kind == "party" or after.text in sets.ON_CHAIN)

    def _is_subject(self, text: str) -> bool:
        parts = re.split(r"[-_]", text)
        return len(parts) > 1 and all(part in self._facts.words for part in parts)

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


_FRAMES = ("proposal", "vote", "request", "call", "transaction", "order", "propose")
_FRAME_VERBS = sets.words_of("propose proposes request requests requested requesting ask asks seek seeks want")
_GIFTS = sets.words_of("bounty prize reward contribution donation grant award payment transfer disbursement")
_ORDINALS = frozenset({"first", "second", "third", "other", "old", "former", "previous"})
_SERIES = frozenset({"fourth", "next", "last", "final", "following", "new", "one", "single"})
_STEPS = sets.words_of("step steps action payment transfer transaction call item order grant request vote proposal")
_PASSES_ON = ("replac", "transfer", "hand", "mov", "swap")
_GIVES = ("pays", "gives", "sends", "transfers", "covers", "funds", "pay", "give", "send")
_MOST_STEPS = 50
_BEHIND_NUMBERS = frozenset(".):-–—")
_JOINS = frozenset({"and", "&", "+", "plus", ","})
_HANGS = _JOINS | {"through", "via", "by", "with", "at", "on", "into", "to"}
_TOKENS = sets.words_of("token tokens coin coins stablecoin stablecoins funds")
_IN_GROUP = sets.words_of("the a an our its their her his all of these both")
_PERSONS = sets.words_of(
    "members community team recipient recipients receiver beneficiary contributors people multisig safe wallet "
    "account accounts contract contracts she he we i me them you"
)
_REACHES = ("up", "amounting", "amounts", "adds", "comes", "equal", "equals", "limited", "allowance", "approval")
_BESIDE = ("with", "through", "via", "by")
_MARKS = frozenset(").,:;!-–—→=+&/*•#'’\"`[]…" + "⇒>@_\u200b")
_OPENING = re.compile(
    r"^\W*(?:(?:in order )?to [a-z]+|following|based on|as part of|as a result of|building on|in line with) "
    r"(?:[^,;:.]|\.(?=\w)){3,120},\s"
)
_DEICTIC = frozenset({"this", "that", "these", "those"})


def clause_left_over(read: Read, facts: Facts, more: frozenset[str] = frozenset()) -> LeftOver | None:
    """What one sentence or item has besides an order; None where all of it is used."""
    key = (read.passage.start, read.passage.end, read.passage.shape, more)
    return facts.once(key, lambda: _clause_left_over(read, facts, more))


def _clause_left_over(read: Read, facts: Facts, more: frozenset[str]) -> LeftOver | None:
    passage = read.passage
    if _HAN.search(read.voice.folded) is not None and _orders_nothing(read):
        return LeftOver("language", passage.start, passage.end)
    if is_sum(read) or is_in_two_tokens(read, facts):
        return LeftOver("amount", passage.start, passage.end)
    if turns_direction(read, facts) or is_glued(read, facts):
        return LeftOver("words", passage.start, passage.end)
    found = _Clause(read, facts, may_tell_purpose=facts.is_some_money, more=more).left_over()
    return None if found is None else _at(read, found[1], found[0])


def _ends_group(said: Sequence[Piece], at: int) -> bool:
    """Whether nothing that a word could belong to stands behind it: no party, amount or noun."""
    if at + 1 >= len(said):
        return True
    after = said[at + 1]
    return (after.kind == "mark" and after.text not in "-(:") or after.text in sets.SMALL


_HAN = re.compile("[\u4e00-\u9fff]")


def _orders_nothing(read: Read) -> bool:
    """Whether a sentence, no introduction, has neither an amount nor anybody who gets it."""
    is_lead = read.passage.text.rstrip()[-1:] in (":", "：")
    return not (is_lead or read.quantities or any(p.addresses and not p.is_own for p in read.parties))


def _at(read: Read, piece: Piece, code: str) -> LeftOver:
    """The words from a piece to the end of its clause."""
    text = read.passage.text
    end = min([place for mark in ".;\n" if (place := text.find(mark, piece.end)) > 0] + [len(text)])
    return LeftOver(code, read.passage.start + piece.start, read.passage.start + max(end, piece.end))
