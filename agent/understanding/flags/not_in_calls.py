# SPDX-License-Identifier: Apache-2.0
"""What the text names occurs in no byte of calls that can't be decoded."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from django.utils.translation import gettext_noop

from agent.understanding.effects import Effect
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids
from agent.understanding.reader import addresses_in
from governance.chain.address import checksum
from policies.notation.visible import one_line

_MOST = 200  # of a hostile text's addresses and amounts
_DECIMALS = range(37)
_SHORTENED = re.compile(r"\b0x(?P<begins>[0-9a-fA-F]{3,12})(?:\.{2,4}|…)(?P<ends>[0-9a-fA-F]{3,12})\b")
# A number and a symbol in capitals, whether or not the book has that token.
_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d{1,18})?|\d{1,18}(?:\.\d{1,18})?)\s?[a-z]?[A-Z]{2,8}\b"
)


def _is_dark(effect: Effect) -> bool:
    return effect.is_opaque or effect.delegatecall


def find(case: Case) -> Iterator[Found]:
    dark = [effect for effect in case.effects if _is_dark(effect)]
    if not dark or case.calldata is None:
        return
    text, about = case.document.text, ids(dark)
    in_text = list(dict.fromkeys(addresses_in(text)))[:_MOST]
    bytes_of_calls = b"|".join(case.calldata)
    named = {*in_text, *(case.book.names.keys() - case.book.claimed)}
    if strange := [effect for effect in dark if effect.target not in named]:
        yield Found(effects=ids(strange), says="target_not_in_text")
    # Any that is missing, not all: words that are added can't take the flag away.
    targets = {effect.target for effect in case.effects} | set(case.book.tokens)
    absent = [checksum(one) for one in in_text if one not in targets and one not in bytes_of_calls]
    digits = "|".join(data.hex() for data in (*case.calldata, *targets))
    absent += [one[0] for one in islice(_SHORTENED.finditer(text), _MOST) if not _begins_and_ends(one, digits)]
    if absent:
        yield Found({"address": one_line(absent[0], 60)}, about, says="address_not_in_calls")
    for amount in islice(_AMOUNT.finditer(text), _MOST):
        number = Decimal(amount["number"].replace(",", ""))
        if not any(_occurs(number.scaleb(decimals), bytes_of_calls) for decimals in _DECIMALS):
            yield Found({"amount": one_line(amount[0], 60)}, about, says="amount_not_in_calls")
            break


def _begins_and_ends(shortened: re.Match[str], digits: str) -> bool:
    """Whether some address in these hexadecimal digits begins and ends as a shortened one does."""
    begins, ends = shortened["begins"].lower(), shortened["ends"].lower()
    between = 40 - len(begins) - len(ends)
    return re.search(f"{begins}[0-9a-f]{{{between}}}{ends}", digits) is not None


def _occurs(amount: Decimal, data: bytes) -> bool:
    return amount == int(amount) and 0 < amount < 2**256 and int(amount).to_bytes(32, "big") in data


RULE = Rule(
    code="not_in_calls",
    severity=Severity.WARNING,
    words={
        "target_not_in_text": gettext_noop("The text does not name the contract of a call that can't be decoded."),
        "address_not_in_calls": gettext_noop("The text's address {address} is in no call, not even in its data."),
        "amount_not_in_calls": gettext_noop("The text's amount {amount} is in no call, not even in its data."),
    },
    page=(
        "Evidence: only where a call can't be decoded or is a delegatecall. The text names amounts or addresses, "
        "and the bytes of the calls lack one of them; or the text does not name the contract that is called."
    ),
    find=find,
    as_written={"amount_not_in_calls": "amount"},
)
