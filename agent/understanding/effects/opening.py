# SPDX-License-Identifier: Apache-2.0
"""Calls -> effects: what a proposal does, decoded without any model.

Only what decodes *exactly* (the arguments encode back to the same bytes) gets a meaning; all else says so and shows its
selector. Functions that make the calls they are given (timelocks, Safes, ...) are opened where the target is known to
be such a contract; with a stranger, nobody knows what it does with them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding import functions
from agent.understanding.effects.act import Act, Made, make
from agent.understanding.effects.book import ETHER, Book
from agent.understanding.effects.effect import Argument, Effect, Kind
from agent.understanding.effects.families import containers, messengers, tokens
from agent.understanding.effects.known import kind_of
from agent.understanding.effects.names import moved_by_name
from agent.understanding.effects.table import Entry, entries
from agent.understanding.effects.wording import TABLE
from governance.chain import abi
from governance.chain.address import ZERO
from governance.chain.call import ProposedCall, shown_signature
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line

MAX_DEPTH = 6
MAX_EFFECTS = 200  # more than that is itself a warning, and nobody reads them
_MOST_SHOWN = 120  # characters of an argument in a sentence

SENTENCES = {
    "nothing_sent": gettext_noop("Calls {target} with nothing: no money and no data."),
    "no_function": gettext_noop("Sends {count} bytes that are no function call to {target}."),
    "unknown_function": gettext_noop("Unknown function {selector} on {target}: nobody can say what it does."),
    "unknown_but_called": gettext_noop(
        "Unknown function {selector} on {target}, which the proposal calls “{signature}”: nobody can say what it does."
    ),
    "ambiguous": gettext_noop(
        "Calls function {selector} on {target}, and more than one known function fits its data: {signatures}. Nobody "
        "can say which one it is."
    ),
    "no_code_there": gettext_noop("Calls a function on {target}, where no contract can be."),
    "stranger": gettext_noop(
        "Calls {function} on {target}, which is not known to be a contract that makes the calls it is given: nobody "
        "can say what it does with them."
    ),
    "too_deep": gettext_noop("Calls inside calls, deeper than {depth} levels: nobody has read them."),
    "initialises": gettext_noop(
        "Then runs {count} bytes of call data in the new code of {target}: nobody can say what that does."
    ),
    "delegatecall": gettext_noop(
        "Runs the code of {target} as if it were the caller's own (delegatecall): it may do anything in the caller's "
        "name."
    ),
    "on_its_face": gettext_noop("The call data looks like this: {sentence}"),
    "call": gettext_noop("Calls {function} on {target}."),
    "call_with": gettext_noop("Calls {function} on {target} with {arguments}."),
    "call_by_text": gettext_noop(
        "Calls a function on {target} that the proposal names {function}. Only the proposal's own words say so."
    ),
    "call_by_text_with": gettext_noop(
        "Calls a function on {target} that the proposal names {function}, with {arguments}. Only the proposal's own "
        "words say so."
    ),
    "argument": "{name} = {value}",
    "argument_address": "{name} = {party}",
}
say = TABLE.add(SENTENCES)


def effects_of(calls: Iterable[ProposedCall], book: Book | None = None) -> list[Effect]:
    """The effects of a proposal's calls, in their order. Never raises for what the calldata holds."""
    opening = _Opening(book or Book())
    for position, given in enumerate(calls):
        if not isinstance(given, ProposedCall):  # a row has fields of the same names, with other meanings
            raise TypeError("effects are of calls: make them by governance.chain.call.call_of")
        act = Act(
            given.target, given.value_wei, given.calldata, position, signature=given.signature,
            delegatecall=given.operation == 1,
        )  # fmt: skip
        opening.open(act)
    return opening.found


class _Opening:
    """Collects effects, numbers them, and stops when there are too many."""

    def __init__(self, book: Book):
        self.book = book
        self.found: list[Effect] = []

    @property
    def room(self) -> int:
        return MAX_EFFECTS - len(self.found)

    def open(self, act: Act, parent: str = "") -> None:
        """Add the effects of a call and of all that it does."""
        if self.room <= 0:
            return
        made = self._made(act, self._book(act))
        if made.inside and len(act.path) >= MAX_DEPTH:
            why = say("too_deep", depth=f"{MAX_DEPTH}")
            made = Made((make(act, Kind.UNKNOWN, why, why=why),), beside=made.beside)
        first = len(self.found)
        main = parent
        for effect in made.effects:
            self._add(self._there(act, effect), main)
            main = main or self.found[first].id
        beside = list(made.beside)
        if not made.takes_value and (rest := self._rest(act, made)) > 0:
            beside.append(self._there(act, tokens.along(act, self._book(act), rest)))
        loose = len(self.found)
        for effect in beside:
            self._add(effect, main)
        inner = len(self.found)
        for inside in made.inside:
            self.open(inside, main if inside.initialises else "")
        if not made.effects and inner < len(self.found):  # a container's: they go with the first call inside
            for place in range(loose, inner):
                self.found[place] = replace(self.found[place], parent=self.found[inner].id)

    def _add(self, effect: Effect, parent: str) -> None:
        if self.room > 0:
            self.found.append(replace(effect, id=f"e{len(self.found) + 1}", parent=parent))

    def _rest(self, act: Act, made: Made) -> int:
        """The native currency of a call that no effect of it tells of."""
        return act.value_wei - sum(inside.value_wei for inside in made.inside if inside.chain == act.chain)

    def _book(self, act: Act) -> Book:
        """What is known where the call is made."""
        return messengers.book_there(messengers.chain_by_name(act.chain)) if act.chain else self.book

    def _there(self, act: Act, effect: Effect) -> Effect:
        return messengers.there(effect, self.book.ether) if act.chain else effect

    def _made(self, act: Act, book: Book) -> Made:
        if act.initialises:
            why = say("initialises", count=f"{len(act.calldata):,}", target=book.party(act.target))
            return Made((make(_decoded(act, book), Kind.UNKNOWN, why, why=why),))
        if not act.calldata and not act.delegatecall:
            return Made((_plain(act, book),), takes_value=True)
        if act.target == ZERO and not act.delegatecall:  # which stands for the coin where an asset is named
            why = say("no_code_there", target=book.party(act.target))
            return Made((make(act, Kind.UNKNOWN, why, why=why),))
        made = self._of_entries(act, book) or Made((_other(act, book),))
        if act.delegatecall and not (made.inside and kind_of(act.target, book) in containers.MULTISENDS):
            return Made((_delegated(act, made, book),))
        return made

    def _of_entries(self, act: Act, book: Book) -> Made | None:
        """What a function whose meaning is known does; None for others."""
        for entry in entries().get(act.calldata[:4], ()):
            values = exact(entry.types, act.calldata[4:])
            if values is None:
                continue
            arguments = tuple(map(Argument, entry.names, entry.types, values))
            known = replace(act, source=_source(act, entry.source, book), arguments=arguments)
            if entry.is_container and not _is_one(act, entry, book):
                return Made((_stranger(known, entry, book),))
            made = entry.handler(known, book, entry.signature, values)
            if isinstance(made, Effect):
                return Made((made,))
            if not made.effects and not made.inside:
                nothing = containers.say(
                    "no_calls_inside", function=containers.name_of(entry.signature), target=book.party(act.target)
                )
                return Made((make(known, Kind.CALL, nothing, entry.signature),), beside=made.beside)
            return made
        return None


def exact(types: Sequence[str], data: bytes) -> tuple[Any, ...] | None:
    """The arguments, if these bytes are exactly their encoding; None for anything longer, shorter or ambiguous."""
    try:
        return abi.decode(types, data)
    except abi.NotCanonical:
        return None


def _source(act: Act, source: str, book: Book) -> str:
    """What a decoding rests on: of a stranger, with a signature that the proposal carries, on the proposal's word."""
    is_known = book.knows(act.target) or bool(kind_of(act.target, book))
    return "proposal" if act.signature and source == "table" and not is_known else source


def _is_one(act: Act, entry: Entry, book: Book) -> bool:
    """Whether the target is known to be a contract that has this function."""
    kind = kind_of(act.target, book)
    return kind in entry.kinds or bool(kind and entry.kinds == containers.ANY_KNOWN)


def _plain(act: Act, book: Book) -> Effect:
    if act.value_wei:
        return tokens.transfer(act, book, ETHER, act.target, act.value_wei)
    # Its shape is a payment's: of nothing.
    sentence = say("nothing_sent", target=book.party(act.target))
    return make(act, Kind.TRANSFER, sentence, asset=ETHER, amount=0, recipient=act.target)


def _stranger(act: Act, entry: Entry, book: Book) -> Effect:
    """A container's function on a contract that is not known to be one. What its arguments name still takes part."""
    why = say("stranger", function=containers.name_of(entry.signature), target=book.party(act.target))
    by_name = {argument.name: argument.value for argument in act.arguments}
    asks = by_name.get("operation") == 1 and kind_of(by_name.get("to", b""), book) not in containers.MULTISENDS
    delegates = act.delegatecall or asks
    return make(act, Kind.UNKNOWN, why, entry.signature, why=why, delegatecall=delegates)


def _delegated(act: Act, made: Made, book: Book) -> Effect:
    """Code that acts as the caller itself. What the call data says counts for nothing: the code may do otherwise."""
    sentence = say("delegatecall", target=book.party(act.target))
    shown = made.effects[0] if made.effects else None
    decoded = shown is not None and not shown.is_opaque
    return make(
        act,
        Kind.EXECUTE,
        sentence,
        shown.function if shown else "",
        arguments=shown.arguments if shown else (),
        source=shown.source if shown else "",
        others=shown.addresses if shown else (),
        details=(str(say("on_its_face", sentence=shown.sentence)),) if shown and decoded else (),
        why=sentence,
        moves="power",
    )


def _decoded(act: Act, book: Book) -> Act:
    """The call with its arguments, where an interface of ours or the table knows the function, and only one fits."""
    decoded = abi.decode_call(act.calldata)
    if decoded is not None:
        return replace(act, source="own", arguments=tuple(Argument(*argument) for argument in decoded.args))
    fits = functions.exact_fits(act.calldata)
    return _by_table(act, fits[0], book) if len(fits) == 1 else act


def _by_table(act: Act, fit: functions.Fit, book: Book) -> Act:
    inputs = fit.function.inputs
    arguments = (Argument(part.name, part.type, value) for part, value in zip(inputs, fit.values, strict=True))
    return replace(act, source=_source(act, "table", book), arguments=tuple(arguments))


def _other(act: Act, book: Book) -> Effect:
    """A call without a meaning: its function and arguments if an interface knows them, else its selector."""
    target = book.party(act.target)
    if len(act.calldata) < 4:
        why = say("no_function", count=f"{len(act.calldata)}", target=target)
        return make(act, Kind.UNKNOWN, why, why=why)
    decoded = abi.decode_call(act.calldata)
    if decoded is not None:
        known = replace(act, source="own", arguments=tuple(Argument(*argument) for argument in decoded.args))
        return called(known, decoded.name, decoded.signature, book)
    fits = functions.exact_fits(act.calldata)
    if len(fits) == 1:
        return called(_by_table(act, fits[0], book), fits[0].function.name, fits[0].function.signature, book)
    if fits:
        either = [fit.function.signature for fit in fits]
        why = say("ambiguous", selector=hex_text(act.calldata[:4]), target=target, signatures=either)
        return make(act, Kind.UNKNOWN, why, why=why)
    return _by_its_own_words(act, book) or _unknown(act, book)


def called(act: Act, name: str, signature: str, book: Book) -> Effect:
    """A function that is known by name and arguments, and nothing else."""
    values: dict[str, Any] = {"function": name, "target": book.party(act.target)}
    if act.arguments:
        sentence = say("call_with", **values, arguments=shown_arguments(act.arguments, book))
    else:
        sentence = say("call", **values)
    return make(act, Kind.CALL, sentence, signature, moves=moved_by_name(signature))


def _by_its_own_words(act: Act, book: Book) -> Effect | None:
    """A function that only the proposal's own text names, where the data fits the text; else None."""
    call = ProposedCall(act.target, act.value_wei, act.signature, act.calldata[4:])
    if not act.signature or call.arguments is None:
        return None
    arguments = tuple(Argument(*argument) for argument in call.arguments)
    known = replace(act, source="proposal", arguments=arguments)
    values: dict[str, Any] = {"function": shown_signature(act.signature), "target": book.party(act.target)}
    if arguments:
        sentence = say("call_by_text_with", **values, arguments=shown_arguments(arguments, book))
    else:
        sentence = say("call_by_text", **values)
    signature = act.signature.decode("ascii")
    return make(known, Kind.CALL, sentence, signature, moves=moved_by_name(signature))


def _unknown(act: Act, book: Book) -> Effect:
    values = {"selector": hex_text(act.calldata[:4]), "target": book.party(act.target)}
    if act.signature:
        why = say("unknown_but_called", **values, signature=shown_signature(act.signature))
    else:
        why = say("unknown_function", **values)
    return make(act, Kind.UNKNOWN, why, why=why)


def shown_arguments(arguments: Iterable[Argument], book: Book) -> list[Sentence]:
    """Arguments as they stand in a sentence: `name = value`, with "; " between. Text from calldata is hostile."""
    shown = []
    for argument in arguments:
        name = one_line(argument.name or argument.type, 60)
        if argument.type == "address":
            shown.append(say("argument_address", name=name, party=book.party(argument.value)))
        else:
            value = argument.json_value
            text = value if isinstance(value, str) else json.dumps(value)
            shown.append(say("argument", name=name, value=one_line(text, _MOST_SHOWN)))
    return shown
