# SPDX-License-Identifier: Apache-2.0
"""The local chain's clock goes forward, and nobody winds another chain's."""

import pytest

from dao.local import clock as local_clock
from governance.chain.rpc import Rpc

LOCAL = 31337


@pytest.fixture
def rpc(anvil, settings):
    settings.LOCAL_CHAIN_ID = LOCAL
    client = Rpc([anvil.url], LOCAL)
    yield client
    client.close()


def now(rpc: Rpc) -> int:
    return rpc.block("latest").timestamp_chain_s


def test_it_goes_forward_by_seconds_and_to_a_time(rpc):
    before = now(rpc)
    reached = local_clock.advance(rpc, 3_600)
    assert before + 3_600 <= reached <= before + 3_610
    assert local_clock.advance_to(rpc, reached + 86_400) >= reached + 86_400
    assert now(rpc) >= reached + 86_400


@pytest.mark.parametrize("seconds", [0, -5, local_clock.MAXIMUM_SECONDS + 1])
def test_not_backwards_and_not_too_far(rpc, seconds):
    before = now(rpc)
    with pytest.raises(local_clock.ClockRefused):
        local_clock.advance(rpc, seconds)
    with pytest.raises(local_clock.ClockRefused):
        local_clock.advance_to(rpc, before - 1)
    assert now(rpc) < before + 60


@pytest.mark.parametrize("configured", [None, 1])
def test_a_chain_that_is_not_configured_as_local_is_refused(rpc, settings, configured):
    settings.LOCAL_CHAIN_ID = configured
    with pytest.raises(local_clock.NotLocalChain):
        local_clock.advance(rpc, 10)
