# SPDX-License-Identifier: Apache-2.0
"""A Safe as it is called: by an owner alone, and by a file for its transaction builder."""

from __future__ import annotations

import json
from collections.abc import Iterable

from governance.chain import abi
from governance.chain.address import ZERO, checksum
from governance.chain.call import ProposedCall
from policies.notation.hexadecimal import hex_text

EXEC_TRANSACTION = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
ENABLE_MODULE = "enableModule(address)"
DISABLE_MODULE = "disableModule(address,address)"  # the module in the list before it, and the module
FIRST = b"\x01".rjust(20, b"\0")  # where the list of modules begins


def by_owner(safe: bytes, owner: bytes, call: ProposedCall) -> ProposedCall:
    """Return the call by which an owner alone makes a Safe call, where one signature is enough.

    A Safe takes its owner's own call as that owner's signature (r: the owner, s: nothing, v: 1).
    """
    signature = owner.rjust(32, b"\0") + bytes(32) + b"\1"
    values = [call.target, call.value_wei, call.calldata, 0, 0, 0, 0, ZERO, ZERO, signature]
    return ProposedCall(safe, 0, b"", abi.encode_call(EXEC_TRANSACTION, values))


def batch(chain_id: int, name: str, calls: Iterable[ProposedCall]) -> str:
    """Return a file for Safe's transaction builder, as JSON: calls that a Safe's owners sign and send."""
    return json.dumps(
        {
            "version": "1.0",
            "chainId": str(chain_id),
            "meta": {"name": name},
            "transactions": [
                {"to": checksum(call.target), "value": str(call.value_wei), "data": hex_text(call.calldata)}
                for call in calls
            ],
        },
        indent=1,
    )
