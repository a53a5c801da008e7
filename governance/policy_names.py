# SPDX-License-Identifier: Apache-2.0
"""The ENS names of a policy document, resolved by a node at one block."""

from collections.abc import Sequence

from governance.chain import ens
from governance.chain.rpc import Rpc, RpcError
from policies.files import FileProblem, Resolved

MAX_NAMES = 200


def resolve_names(rpc: Rpc, names: Sequence[str]) -> dict[str, Resolved]:
    """Resolve every name at the node's newest block. Raises FileProblem for the first that can't be resolved."""
    if len(names) > MAX_NAMES:
        raise FileProblem(f"there are more than {MAX_NAMES} ENS names; write addresses")
    try:
        ens.check_chain(rpc)
        block = rpc.head_number()
        addresses = {name: ens.resolve(rpc, name, block) for name in names}
    except (ens.NotResolved, RpcError) as error:
        raise FileProblem(str(error)) from None
    return {name: Resolved(address, ens.note(rpc, name, address)) for name, address in addresses.items()}
