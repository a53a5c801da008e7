# SPDX-License-Identifier: Apache-2.0
"""How a vote pays: from what makes the DAO's calls itself, through our Treasury, or through a Safe that it owns."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from governance.chain import abi, safe
from governance.chain.call import ProposedCall
from governance.chain.rpc import CallReverted, Rpc, RpcError
from presentation.dao_view import DaoView
from webapp.drafts.arguments import BadArgument

_TRANSFER = "transfer(address,uint256)"
_PERFORM = "perform(address,uint256,bytes)"  # of our Treasury


@dataclass(frozen=True)
class Pays:
    """Who pays, and how the maker of the DAO's calls has it pay: "itself", "treasury", "safe", or "unknown"."""

    maker: bytes  # the timelock, or the governor where there is none
    payer: bytes
    how: str


def pays(place: DaoView, rpc: Rpc | None) -> Pays:
    """Ask the chain how payments are made. "unknown" where the node can't be asked, or the treasury takes no calls of
    the maker's alone."""
    maker_row = place.one("timelock") or place.governor
    maker, treasury = bytes(maker_row.address), place.one("treasury")
    payer = bytes(treasury.address) if treasury else maker
    if payer == maker:
        return Pays(maker, payer, "itself")
    if rpc is None:
        return Pays(maker, payer, "unknown")
    asked = [("owner()", []), ("isOwner(address)", [maker]), ("getThreshold()", [])]
    try:
        answers = rpc.eth_calls([(payer, abi.encode_call(what, values)) for what, values in asked])
    except RpcError:
        return Pays(maker, payer, "unknown")
    if any(isinstance(answer, RpcError) and not isinstance(answer, CallReverted) for answer in answers):
        return Pays(maker, payer, "unknown")  # a node that failed has not said that there is no such function
    owner, is_owner, threshold = (None if isinstance(a, RpcError) or len(a) != 32 else a for a in answers)
    if is_owner is not None and int.from_bytes(is_owner, "big") == 1 and threshold == (1).to_bytes(32, "big"):
        return Pays(maker, payer, "safe")
    if owner is not None and owner[12:] == maker and threshold is None:
        return Pays(maker, payer, "treasury")
    return Pays(maker, payer, "unknown")


def payment(found: Pays, asset: bytes, to: bytes, units: int) -> ProposedCall:
    """Return the call that pays `units` base units of an asset (20 zero bytes: the native currency, in wei).

    Raises BadArgument where it is not known how the treasury pays.
    """
    target, value, data = (asset, 0, abi.encode_call(_TRANSFER, [to, units])) if any(asset) else (to, units, b"")
    if found.how == "itself":
        return ProposedCall(target, value, b"", data)
    if found.how == "treasury":
        return ProposedCall(found.payer, 0, b"", abi.encode_call(_PERFORM, [target, value, data]))
    if found.how == "safe":
        return safe.by_owner(found.payer, found.maker, ProposedCall(target, value, b"", data))
    raise BadArgument(
        gettext(
            "how the treasury pays on a vote could not be read from the chain: write the call of a function, or try "
            "again in a moment"
        )
    )
