# SPDX-License-Identifier: Apache-2.0
"""Tokens and the native currency: payments, approvals, tokens made and destroyed, voting power handed on."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, make
from agent.understanding.effects.book import ETHER, UNLIMITED, Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE

SENTENCES = {
    "transfer": gettext_noop("Transfers {amount} to {recipient}."),
    "transfer_from": gettext_noop("Transfers {amount} from {sender} to {recipient}."),
    "along": gettext_noop("Sends {amount} along to {recipient}."),
    "approve": gettext_noop("Lets {spender} take up to {amount}."),
    "approve_more": gettext_noop("Lets {spender} take up to {amount} more."),
    "approve_less": gettext_noop("Lets {spender} take {amount} less than before."),
    "approve_unlimited": gettext_noop("Lets {spender} take any amount of {token}, without limit."),
    "approve_none": gettext_noop("Lets {spender} take no more {token}."),
    "mint": gettext_noop("Creates {amount} for {recipient}."),
    "burn": gettext_noop("Destroys {amount}."),
    "burn_from": gettext_noop("Destroys {amount} of {sender}."),
    "delegate": gettext_noop("Delegates the executor's voting power on {target} to {recipient}."),
    "delegate_of": gettext_noop("Delegates the voting power of {maker} on {target} to {recipient}."),
}
say = TABLE.add(SENTENCES)


def transfer(
    act: Act, book: Book, asset: bytes, recipient: bytes, amount: int, function: str = "", sender: bytes | None = None
) -> Effect:
    """A payment. `sender` pays, where it is not who makes the call."""
    values: dict[str, Any] = {"amount": book.money(asset, amount), "recipient": book.party(recipient)}
    if sender is None:
        sentence = say("transfer", **values)
    else:
        sentence = say("transfer_from", **values, sender=book.party(sender))
    return make(act, Kind.TRANSFER, sentence, function, asset=asset, amount=amount, recipient=recipient, sender=sender)


def along(act: Act, book: Book, amount: int) -> Effect:
    """Native currency that goes along with a call, or stays with a container that passes on less than it gets."""
    sentence = say("along", amount=book.money(ETHER, amount), recipient=book.party(act.target))
    return make(
        act, Kind.TRANSFER, sentence, asset=ETHER, amount=amount, recipient=act.target, along=True, arguments=(),
        others=(), source="",
    )  # fmt: skip


def _transfer(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    return transfer(act, book, act.target, a[0], a[1], function)


def _transfer_from(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    return transfer(act, book, act.target, a[1], a[2], function, sender=a[0])


def _approve(code: str) -> Handler:
    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
        spender, amount = a[0], a[1]
        values = {"spender": book.party(spender)}
        if amount >= UNLIMITED:
            sentence = say("approve_unlimited", **values, token=book.unit(act.target))
        elif amount == 0 and code == "approve":
            sentence = say("approve_none", **values, token=book.unit(act.target))
        else:
            sentence = say(code, **values, amount=book.money(act.target, amount))
        return make(act, Kind.APPROVE, sentence, function, asset=act.target, amount=amount, recipient=spender)

    return handler


def _approve_less(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    """The opposite of an approval: nothing in it may be compared with a sentence that approves."""
    sentence = say("approve_less", spender=book.party(a[0]), amount=book.money(act.target, a[1]))
    return make(act, Kind.CALL, sentence, function, recipient=a[0], subject="allowance", moves="")


def _mint(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    sentence = say("mint", amount=book.money(act.target, a[1]), recipient=book.party(a[0]))
    return make(act, Kind.MINT, sentence, function, asset=act.target, amount=a[1], recipient=a[0])


def _burn(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    amount = book.money(act.target, a[-1])
    if len(a) == 1:
        return make(act, Kind.BURN, say("burn", amount=amount), function, asset=act.target, amount=a[-1])
    sentence = say("burn_from", amount=amount, sender=book.party(a[0]))
    return make(act, Kind.BURN, sentence, function, asset=act.target, amount=a[-1], sender=a[0])


def _delegate(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    values = {"target": book.party(act.target), "recipient": book.party(a[0])}
    if act.through:
        sentence = say("delegate_of", **values, maker=book.party(act.through[-1]))
    else:
        sentence = say("delegate", **values)
    return make(act, Kind.DELEGATE, sentence, function, recipient=a[0])


MEANINGS: dict[str, Handler] = {
    "transfer(address,uint256)": _transfer,
    "transferFrom(address,address,uint256)": _transfer_from,
    "approve(address,uint256)": _approve("approve"),
    "increaseAllowance(address,uint256)": _approve("approve_more"),
    "decreaseAllowance(address,uint256)": _approve_less,
    "mint(address,uint256)": _mint,
    "burn(uint256)": _burn,
    "burn(address,uint256)": _burn,
    "burnFrom(address,uint256)": _burn,
    "delegate(address)": _delegate,
}
