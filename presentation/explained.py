# SPDX-License-Identifier: Apache-2.0
"""Explanations of policies, kept while they are asked for: the same code, names and tokens make the same words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from threading import Lock

from policies.code.encoding import pack
from policies.code.policy_code import PolicyCode
from policies.notation.amounts import Token
from policies.words.explanation import Explanation, explanation

MOST_KEPT = 32  # of at most some hundred kilobytes of text each
_kept: OrderedDict[bytes, Explanation] = OrderedDict()
_lock = Lock()


def explained(code: PolicyCode, names: Mapping[bytes, str], tokens: Mapping[bytes, Token]) -> Explanation:
    """The policy explained with these names and tokens. Pages ask for it whenever they are shown."""
    key = _key(code, names, tokens)
    with _lock:
        if (found := _kept.get(key)) is not None:
            _kept.move_to_end(key)
            return found
    made = explanation(code, names, tokens)
    with _lock:
        _kept[key] = made
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return made


def _key(code: PolicyCode, names: Mapping[bytes, str], tokens: Mapping[bytes, Token]) -> bytes:
    """A hash of all that the words are made of; the names' order does not matter."""
    lent = sorted(names.items()), sorted((address, token.symbol, token.decimals) for address, token in tokens.items())
    return sha256(pack(code) + repr(lent).encode()).digest()
