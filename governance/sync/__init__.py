# SPDX-License-Identifier: Apache-2.0
"""Reading a chain into the mirror: backfill, head, reorgs, locks. `sync_once` is all that others call."""

from governance.sync.fence import Superseded
from governance.sync.step import GenesisChanged, Status, SyncResult, sync_once

__all__ = ["GenesisChanged", "Status", "Superseded", "SyncResult", "sync_once"]
