# SPDX-License-Identifier: Apache-2.0
"""The chain that policies are held against."""

from collections.abc import Iterator

import pytest

from tests.conftest import started_anvil
from tests.policies.chain import ANVIL_FLAGS, PolicyChain


@pytest.fixture(scope="session")
def policy_chain(compiled: None) -> Iterator[PolicyChain]:
    """An anvil of its own (tests/conftest.py's mines by itself; this one's clock stands until it is told)."""
    with started_anvil(*ANVIL_FLAGS) as (_, port):
        yield PolicyChain(f"http://127.0.0.1:{port}")
