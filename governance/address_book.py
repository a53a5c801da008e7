# SPDX-License-Identifier: Apache-2.0
"""Who is who, as anybody may see it: a DAO's own contracts, its tokens, and on the local chain the demo's people.

Pages, effects, the verdict and refused acts name addresses from here. Names of rosters are private to the operator and
are never here; ENS names are not asked for.
"""

import json
import re

from django.conf import settings

from governance.capabilities import MOST_DECIMALS
from governance.chain.address import ZERO
from governance.chain.native import native_token, pretends_to_be_native
from governance.models import Contract, Dao
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_bytes
from policies.notation.visible import is_plain_line

_KINDS = {
    Contract.Kind.GOVERNOR: "the governor",
    Contract.Kind.TIMELOCK: "the timelock",
    Contract.Kind.TREASURY: "the treasury",
    Contract.Kind.MODULE: "the policy module",
    Contract.Kind.VOTES_TOKEN: "the votes token",
}

_PLAIN_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,10}")


def people(chain_id: int) -> list[dict[str, str]]:
    """Return the demo's people, `[{"name", "address", "role"}]`; none on any chain but the local one."""
    if settings.LOCAL_CHAIN_ID is None or chain_id != settings.LOCAL_CHAIN_ID:
        return []
    path = settings.STATE_DIR / "people.json"
    return json.loads(path.read_text()) if path.is_file() else []


def names_of_people(chain_id: int) -> dict[bytes, str]:
    """Return the demo's people by address, with names that can pass for nothing else."""
    return {hex_bytes(one["address"]): one["name"] for one in people(chain_id) if is_plain_line(one["name"])}


def names_of(dao: Dao) -> dict[bytes, str]:
    """Return names in English by address: the DAO's contracts, then people. Tokens have theirs in `tokens_of`."""
    contracts = dao.contracts.filter(kind__in=_KINDS).order_by("id")
    names = {contract.address: _KINDS[Contract.Kind(contract.kind)] for contract in contracts}
    for address, name in names_of_people(dao.chain_id).items():
        names.setdefault(address, name)  # contracts come first: of two that share a name, the first is meant by it
    return names


def tokens_of(dao: Dao) -> dict[bytes, Token]:
    """The DAO's tokens whose symbol and decimals were found, by address. A symbol is the token's own word: those that
    could pass for something else in a sentence are left out, so that amounts of theirs are base units of an address."""
    found = {}
    for contract in dao.contracts.filter(kind__in=[Contract.Kind.ASSET, Contract.Kind.VOTES_TOKEN]):
        symbol, decimals = contract.capabilities.get("symbol"), contract.capabilities.get("decimals")
        if isinstance(symbol, str) and symbol and isinstance(decimals, int):
            is_plain = bool(_PLAIN_SYMBOL.fullmatch(symbol)) and not pretends_to_be_native(symbol, dao.chain_id)
            if is_plain and 0 <= decimals <= MOST_DECIMALS:
                found[contract.address] = Token(symbol, contract.address, decimals)
    return found


def currencies_of(dao: Dao) -> dict[bytes, Token]:
    """Return the DAO's tokens and, under the zero address, its chain's native currency."""
    return {**tokens_of(dao), ZERO: native_token(dao.chain_id)}
