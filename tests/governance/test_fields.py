# SPDX-License-Identifier: Apache-2.0
"""The chain's types survive the database exactly, and nothing inexact gets in."""

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Sum

from governance.fields import UINT256_MAX, Uint256Field
from governance.models import Chain, Dao, OutgoingTransaction


@pytest.mark.django_db
def test_the_largest_uint256_survives_a_round_trip():
    chain = Chain.objects.create(chain_id=31337, name="local")
    for nonce in (0, 1):
        OutgoingTransaction.objects.create(
            key=str(nonce), chain=chain, sender=b"\1" * 20, nonce=nonce, to=b"\2" * 20, value_wei=UINT256_MAX,
            calldata=b"", signed=b"", transaction_hash=b"\3" * 32,
        )  # fmt: skip
    assert OutgoingTransaction.objects.first().value_wei == UINT256_MAX
    assert Dao.objects.count() == 0


@pytest.mark.django_db
def test_a_sum_of_large_amounts_is_exact():
    chain = Chain.objects.create(chain_id=31337, name="local")
    amounts = [10**40 + 1, 10**40 + 2, 7]
    for nonce, amount in enumerate(amounts):
        OutgoingTransaction.objects.create(
            key=str(nonce), chain=chain, sender=b"\1" * 20, nonce=nonce, to=b"\2" * 20, value_wei=amount,
            calldata=b"", signed=b"", transaction_hash=b"\3" * 32,
        )  # fmt: skip
    total = OutgoingTransaction.objects.aggregate(total=Sum("value_wei"))["total"]
    assert (type(total), total) == (int, sum(amounts))


@pytest.mark.parametrize("value", [1.0, 0.5, "1.5", -1, 2**256, True, "ten"])
def test_what_is_not_a_uint256_is_refused(value):
    with pytest.raises(ValidationError):
        Uint256Field().to_python(value)
