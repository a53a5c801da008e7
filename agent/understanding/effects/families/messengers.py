# SPDX-License-Identifier: Apache-2.0
"""Messages to other chains: what they do there. Believed only of known messengers.

No name and no token of the book is meant on another chain, and who makes the call there is somebody else again: a
messenger, or an alias of the sender.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding import functions
from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import ETHER, Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE
from governance.sentences import Sentence

SENTENCES = {
    "message_value": gettext_noop(
        "Sends {amount} along to {messenger} for a message to {chain}. What is left of the fees goes to {fees}, and "
        "the value, if the message is not executed, to {value}."
    ),
    "on_chain": gettext_noop("On {chain}, by a message: {sentence}"),
    "on_another_chain": gettext_noop("On another chain, by a message: {sentence}"),
    "another_chain": gettext_noop("another chain"),
    "hands_over": gettext_noop("Hands {count} bytes to {to}: only its own code says what it does with them."),
    "creates_contract": gettext_noop("Creates a contract from {count} bytes of code."),
}
say = TABLE.add(SENTENCES)


@dataclass(frozen=True)
class Chain:
    """A chain that a messenger leads to. `id` is None where nobody knows which it is."""

    name: str
    id: int | None
    coin: str


UNNAMED = "another chain"
_UNKNOWN = Chain("", None, "native units")
_CHAINS = {
    1: Chain("Ethereum", 1, "ETH"),
    10: Chain("OP Mainnet", 10, "ETH"),
    100: Chain("Gnosis Chain", 100, "xDAI"),
    137: Chain("Polygon PoS", 137, "POL"),
    42161: Chain("Arbitrum One", 42161, "ETH"),
}
_LEADS_TO = {  # kind of messenger and the chain it is on -> the chain it leads to
    ("arbitrum_inbox", 1): 42161,
    ("arbitrum_sys", 42161): 1,
    ("optimism_messenger", 1): 10,
    ("optimism_portal", 1): 10,
    ("optimism_messenger", 10): 1,
    ("polygon_fx_root", 1): 137,
    ("gnosis_amb", 1): 100,
    ("gnosis_amb", 100): 1,
}


def chain_behind(messenger: bytes, book: Book) -> Chain:
    """Which chain a messenger leads to, where its makers publish its address; else one without a name."""
    found = functions.deployment(book.chain_id, messenger) if book.chain_id else None
    return _CHAINS.get(_LEADS_TO.get((found.kind, book.chain_id), 0), _UNKNOWN) if found else _UNKNOWN


def chain_by_name(name: str) -> Chain:
    return next((chain for chain in _CHAINS.values() if chain.name == name), _UNKNOWN)


def book_there(chain: Chain) -> Book:
    """What is known on another chain: nothing but addresses that the makers of contracts publish."""
    return Book(ether=chain.coin, chain_id=chain.id)


def _message(to: int, data: int, *, value: int | None = None) -> Handler:
    """A function that has the call `data` made to the address `to` on another chain."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Made:
        chain = chain_behind(act.target, book)
        sent = 0 if value is None else a[value]
        inner = act.inside(function.split("(")[0], a[to], sent, a[data], chain=chain.name or UNNAMED)
        return Made(inside=(inner,))

    return handler


def _ticket(data: int) -> Handler:
    """Arbitrum's tickets: the value and the fees go along, and what is left of both to addresses of their own."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Made:
        chain = chain_behind(act.target, book)
        inner = act.inside(function.split("(")[0], a[0], a[1], a[data], chain=chain.name or UNNAMED)
        beside: tuple[Effect, ...] = ()
        if act.value_wei:
            sentence = say(
                "message_value",
                amount=book.money(ETHER, act.value_wei),
                messenger=book.party(act.target),
                chain=chain.name or say("another_chain"),
                fees=book.party(a[3]),
                value=book.party(a[4]),
            )
            effect = make(
                act, Kind.TRANSFER, sentence, asset=ETHER, amount=act.value_wei, recipient=act.target, along=True
            )
            beside = (effect,)
        return Made(inside=(inner,), beside=beside, takes_value=True)

    return handler


def _deposit(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect | Made:
    """OptimismPortal: a call, or a contract made."""
    if not a[3]:
        return _message(0, 4, value=1)(act, book, function, a)
    made = say("creates_contract", count=f"{len(a[4]):,}")
    sentence = _said_there(chain_behind(act.target, book).name, made)
    return make(act, Kind.UNKNOWN, sentence, function, why=sentence)


def _handed_over(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    """Polygon's FxRoot: the receiver's processMessageFromRoot gets the bytes and reads them as it likes; they are no
    call of it."""
    chain = chain_behind(act.target, book)
    given = say("hands_over", count=f"{len(a[1]):,}", to=book_there(chain).party(a[0]))
    sentence = _said_there(chain.name, given)
    return make(act, Kind.UNKNOWN, sentence, function, why=sentence)


def there(effect: Effect, coin: str) -> Effect:
    """An effect as it is told of another chain. Its amount only counts where it is of the coin that is used here too:
    a token's address may be another token's there."""
    kind = effect.kind if effect.is_opaque else Kind.BRIDGE
    same = effect.asset == ETHER and chain_by_name(effect.chain).coin == coin
    return replace(
        effect,
        kind=kind,
        sentence=_said_there(effect.chain, effect.sentence),
        why=None if effect.why is None else _said_there(effect.chain, effect.why),
        asset=effect.asset if same else None,
        amount=effect.amount if same else None,
    )


def _said_there(chain: str, sentence: Sentence) -> Sentence:
    if chain and chain != UNNAMED:
        return say("on_chain", chain=chain, sentence=sentence)
    return say("on_another_chain", sentence=sentence)


_INBOX = frozenset({"arbitrum_inbox"})
_OPTIMISM = frozenset({"optimism_messenger"})

_TICKET = "createRetryableTicket(address,uint256,uint256,address,address,uint256,uint256,bytes)"
_COIN_TICKET = "createRetryableTicket(address,uint256,uint256,address,address,uint256,uint256,uint256,bytes)"
CONTAINERS: dict[str, tuple[frozenset[str], Handler]] = {
    _TICKET: (_INBOX, _ticket(7)),
    _COIN_TICKET: (_INBOX, _ticket(8)),
    "unsafeC" + _TICKET[1:]: (_INBOX, _ticket(7)),
    "unsafeC" + _COIN_TICKET[1:]: (_INBOX, _ticket(8)),
    "sendTxToL1(address,bytes)": (frozenset({"arbitrum_sys"}), _message(0, 1)),
    "sendMessage(address,bytes,uint32)": (_OPTIMISM, _message(0, 1)),
    "depositTransaction(address,uint256,uint64,bool,bytes)": (frozenset({"optimism_portal"}), _deposit),
    "sendMessageToChild(address,bytes)": (frozenset({"polygon_fx_root"}), _handed_over),
    "requireToPassMessage(address,bytes,uint256)": (frozenset({"gnosis_amb"}), _message(0, 1)),
}
