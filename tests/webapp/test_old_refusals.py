# SPDX-License-Identifier: Apache-2.0
"""Refusals that an older release stored with the roster's names in them: the migration leaves the addresses alone."""

import importlib

import pytest
from django.apps import apps

from agent.models import Refusal, Request, RequestMove
from governance.chain.address import checksum
from tests.webapp.conftest import Made, account

pytestmark = pytest.mark.django_db(transaction=True)
migration = importlib.import_module("agent.migrations.0017_refusals_without_names")
INES, JON = checksum(account(91)), checksum(account(92))
OLD = f"Call 1: the recipient is {JON}, but must be one of these 2: “ines” ({INES}), “jon van der Berg” ({JON})."
NEW = f"Call 1: the recipient is {JON}, but must be one of these 2: {INES}, {JON}."
BUDGET = "The budget “payroll”: the act takes 5,001 USDC, and 1,100 USDC are left."


def request(made: Made, key: str, reason: str) -> Request:
    return Request.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, reference=key.encode() * 32, text="“x”",
        idempotency_key=key, requested_by=account(1), status="refused", reason_code="legacy", reason=reason,
        reason_values={"text": reason},
    )  # fmt: skip


def test_old_refusals_lose_the_names_and_nothing_else(made: Made, client) -> None:
    old, cut = request(made, "1", f"{OLD} {BUDGET}"), request(made, "2", (f"{BUDGET * 5} {OLD}" * 2)[:400])
    short = request(made, "3", f"{BUDGET} “no name")
    RequestMove.objects.create(
        request=old, to_status="refused", who="planner", reason_code="policy_refuses",
        reason_values={"reasons": [{"code": "ClauseFailed", "text": OLD, "call": 0}]},
    )  # fmt: skip
    refusal = Refusal.objects.create(
        request=old, candidate_key="c1", label="one-off: 1 payment", calls=[], policy_codehash=bytes(32),
        block_number=1, block_hash=bytes(32), reasons=[{"code": "ClauseFailed", "text": OLD, "budget": None}],
        module_says=f"ClauseFailed(0, 0, 0, {JON})",
    )  # fmt: skip
    assert "van der Berg" in client.get("/river/agent/").content.decode()
    for _ in range(2):  # a second time nothing is left to do
        migration.mask(apps, None)
        for row in (old, cut, short, refusal):
            row.refresh_from_db()
        assert old.reason == old.reason_values["text"] == f"{NEW} {BUDGET}"
        assert refusal.reasons == [{"code": "ClauseFailed", "text": NEW, "budget": None}]
        assert refusal.module_says == f"ClauseFailed(0, 0, 0, {JON})"
        assert old.moves.get().reason_values == {"reasons": [{"code": "ClauseFailed", "text": NEW, "call": 0}]}
        assert short.reason == f"{BUDGET} “no name"
    for path in ("/river/agent/", f"/river/agent/requests/{old.pk}/", f"/api/v1/daos/river/requests/{old.pk}"):
        page = client.get(path).content.decode()
        assert "ines" not in page
        assert "Berg" not in page


@pytest.mark.parametrize("length", range(len(OLD)))
def test_a_text_that_was_cut_anywhere_holds_no_name(length: int) -> None:
    text = ("x" * 400 + OLD)[: 400 + length]
    left = migration.without_names(text)
    assert "ines" not in left
    assert "jon" not in left
    assert left.startswith(("x" * 400 + NEW)[: min(length, OLD.index("“")) + 400])
