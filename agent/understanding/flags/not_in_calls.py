# SPDX-License-Identifier: Apache-2.0
"""What the text names occurs in no byte of calls that can't be decoded."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import Book, Effect
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids
from agent.understanding.reader import Amount, addresses_in, amounts_in
from governance.chain.address import checksum
from policies.notation.visible import one_line

_MOST = 200  # of a hostile text's addresses and amounts
_DECIMALS = range(37)


def _is_dark(effect: Effect) -> bool:
    return effect.is_opaque or effect.delegatecall


def find(case: Case) -> Iterator[Found]:
    dark = [effect for effect in case.effects if _is_dark(effect)]
    if not dark or case.calldata is None:
        return
    text, about = case.document.text, ids(dark)
    in_text = list(dict.fromkeys(addresses_in(text)))[:_MOST]
    bytes_of_calls = b"|".join(case.calldata)
    named = {*in_text, *case.book.names}
    if strange := [effect for effect in dark if effect.target not in named]:
        yield Found(effects=ids(strange), says="target_not_in_text")
    # Any that is missing, not all: words that are added can't take the flag away.
    targets = {effect.target for effect in case.effects} | set(case.book.tokens)
    if absent := [one for one in in_text if one not in targets and one not in bytes_of_calls]:
        yield Found({"address": checksum(absent[0])}, about, says="address_not_in_calls")
    amounts = [amount for amount in amounts_in(text, case.book)[:_MOST] if amount.asset is not None]
    for amount in amounts:
        if not any(_occurs(amount.number * 10**decimals, bytes_of_calls) for decimals in _DECIMALS):
            yield Found({"amount": _in_words(amount, case.book)}, about, says="amount_not_in_calls")
            break


def _in_words(amount: Amount, book: Book) -> str:
    symbol = book.symbol(amount.asset) if amount.asset else ""
    return one_line(f"{amount.number:,} {symbol}", 60)


def _occurs(amount: object, data: bytes) -> bool:
    whole = int(amount)  # type: ignore[call-overload]
    return whole == amount and 0 < whole < 2**256 and whole.to_bytes(32, "big") in data


RULE = Rule(
    code="not_in_calls",
    severity=Severity.WARNING,
    words={
        "target_not_in_text": gettext_noop("The text does not name the contract of a call that can't be decoded."),
        "address_not_in_calls": gettext_noop("The text's address %(address)s is in no call, not even in its data."),
        "amount_not_in_calls": gettext_noop("The text's amount %(amount)s is in no call, not even in its data."),
    },
    page=(
        "Evidence: only where a call can't be decoded or is a delegatecall. The text names amounts or addresses, "
        "and the bytes of the calls lack one of them; or the text does not name the contract that is called."
    ),
    find=find,
)
