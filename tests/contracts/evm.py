# SPDX-License-Identifier: Apache-2.0
"""py-evm, for tests (in the lock file through Ape).

Importing it lets Python recurse ten times as deep, with which a hostile JSON text of many brackets overflows the C
stack of whatever runs in the same process: the limit is put back.
"""

import sys

_limit = sys.getrecursionlimit()

from eth.chains.base import MiningChain  # noqa: E402
from eth.db.atomic import AtomicDB  # noqa: E402
from eth.exceptions import OutOfGas  # noqa: E402
from eth.vm.forks.prague import PragueVM  # noqa: E402
from eth.vm.message import Message  # noqa: E402

sys.setrecursionlimit(_limit)

__all__ = ["AtomicDB", "Message", "MiningChain", "OutOfGas", "PragueVM"]
