# SPDX-License-Identifier: Apache-2.0
"""Arrays that are written here reach PostgreSQL as they were."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.bulk import array

_SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def _back(values: list, kind: str) -> list:
    with connection.cursor() as sql:
        sql.execute(f"SELECT %s::{kind}[]", [array(values)])
        return sql.fetchone()[0]


@pytest.mark.django_db
@_SETTINGS
@given(st.lists(st.binary(max_size=64)))
def test_bytes_come_back(values: list[bytes]) -> None:
    assert [bytes(value) for value in _back(values, "bytea")] == values


@pytest.mark.django_db
@_SETTINGS
@given(st.lists(st.integers(-(2**63), 2**256 - 1)))
def test_numbers_of_any_size_come_back(values: list[int]) -> None:
    assert [int(value) for value in _back(values, "numeric")] == values
