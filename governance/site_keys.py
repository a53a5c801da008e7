# SPDX-License-Identifier: Apache-2.0
"""The accounts that pay for gas: each policy's agent, and this site's relayer. What they hold, and whether that is
between floor and cap (settings `MANDATE_KEY_FLOOR_WEI` and `MANDATE_KEY_CAP_WEI`).

Workers ask for the balances (`governance.readings`); pages ask no node.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from django.conf import settings

from governance import roles
from governance.chain.address import checksum
from governance.chain.keys import address_in
from governance.models import ChainReading, Dao

log = logging.getLogger(__name__)


class What(StrEnum):
    """What an account is."""

    AGENT = "agent"
    RELAYER = "relayer"


class Alarm(StrEnum):
    """What is wrong with a balance."""

    EMPTY = "empty"
    BELOW_FLOOR = "below_floor"
    ABOVE_CAP = "above_cap"


def accounts_of(dao: Dao) -> Iterator[tuple[What, bytes]]:
    """Yield the agents that policies name which have not ended, and the relayer where this process knows one."""
    for agent in dict.fromkeys(named.agent for _, named in roles.policies_named(dao)):
        yield What.AGENT, agent
    if settings.RELAYER_KEYSTORE and (relayer := address_in(settings.RELAYER_KEYSTORE)) is not None:
        yield What.RELAYER, relayer


def key_of(what: What) -> bytes:
    """Return the key of a reading of such an account's balance."""
    return what.value.encode().ljust(32, b"\0")


def what_of(reading: ChainReading) -> What:
    """Return what the account of a reading is. Raises ValueError for a reading of another kind."""
    return What(bytes(reading.key).rstrip(b"\0").decode())


def name_of(reading: ChainReading) -> tuple[What, bytes]:
    """Return what the account of a reading is, and its address."""
    return what_of(reading), bytes(reading.address)


def wei_of(reading: ChainReading) -> int:
    """Return a balance."""
    return int.from_bytes(bytes(reading.value), "big")


def floor_wei(chain_id: int) -> int | None:
    """Return what such an account should hold at least; None where nobody said."""
    return settings.KEY_FLOORS_WEI.get(chain_id)


def cap_wei(chain_id: int) -> int | None:
    """Return what such an account should hold at most; None where nobody said."""
    return settings.KEY_CAPS_WEI.get(chain_id)


def alarm(chain_id: int, wei: int) -> Alarm | None:
    """Say what is wrong with a balance; None for nothing."""
    floor, cap = floor_wei(chain_id), cap_wei(chain_id)
    if wei == 0:
        return Alarm.EMPTY
    if floor is not None and wei < floor:
        return Alarm.BELOW_FLOOR
    return Alarm.ABOVE_CAP if cap is not None and wei > cap else None


def tell(dao: Dao, before: Mapping[tuple[What, bytes], int], now: Sequence[ChainReading]) -> None:
    """Write one line into the log where an alarm begins, becomes another, or ends."""
    for reading in now:
        name, wei = name_of(reading), wei_of(reading)
        was = alarm(dao.chain_id, before[name]) if name in before else None
        found = alarm(dao.chain_id, wei)
        if found is not None and found != was:
            log.warning("%s: the %s %s has %d wei: %s", dao, name[0], checksum(name[1]), wei, found)
        elif found is None and was is not None:
            log.info("%s: the %s %s has %d wei, which is enough and not too much", dao, name[0], checksum(name[1]), wei)
