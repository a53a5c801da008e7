# SPDX-License-Identifier: Apache-2.0
"""The book of a mirrored DAO: what the DAO itself vouches for, as pages name it.

Names of rosters are not in it: only who signs in as operator sees those. Names of ENS are in it where a worker asked
the chain for them (`agent.understanding.live`); until then the book says that they are missing.
"""

from agent.understanding.effects import Book
from agent.understanding.effects import Contract as Known
from agent.understanding.live.asking import with_facts
from agent.understanding.live.facts import Facts
from governance.address_book import names_of, tokens_of
from governance.chain import ens
from governance.chain.native import symbol_of
from governance.clocks import Source, source_of
from governance.models import Contract, Dao

_Kind = Contract.Kind
# In this order: what has several kinds has the last one. A timelock that holds the treasury is a treasury.
_KINDS = {
    _Kind.ASSET: "token",
    _Kind.MODULE: "module",
    _Kind.VOTES_TOKEN: "token",
    _Kind.GOVERNOR: "governor",
    _Kind.TIMELOCK: "timelock",
    _Kind.TREASURY: "treasury",
}


def book_of(dao: Dao, facts: Facts | None = None) -> Book:
    """Return names, tokens and contracts of a DAO, with what the chain said of a proposal's accounts. Reads the
    database."""
    contracts = list(dao.contracts.order_by("id"))
    by_kind = {kind: [contract for contract in contracts if contract.kind == kind] for kind in _KINDS}
    tokens = tokens_of(dao)
    known = {
        contract.address: Known(kind, _clock_of(contract)) for of, kind in _KINDS.items() for contract in by_kind[of]
    }
    makers = [*by_kind[_Kind.GOVERNOR], *by_kind[_Kind.TIMELOCK]]  # the timelock makes the calls where there is one
    book = Book(
        names_of(dao),
        tokens,
        symbol_of(dao.chain_id),
        known,
        makers[-1].address if makers else None,
        chain_id=dao.chain_id,
        missing=("ens",) if dao.chain_id in ens.CHAINS else (),
    )
    return book if facts is None else with_facts(book, facts)


def _clock_of(contract: Contract) -> str | None:
    """What a contract's durations count: "time", "block" (whichever chain's), or None where it has none."""
    if contract.kind == _Kind.TIMELOCK:
        return "time"
    if contract.kind in (_Kind.GOVERNOR, _Kind.VOTES_TOKEN) and contract.capabilities:
        return "time" if source_of(contract.capabilities) is Source.TIME else "block"
    return None
