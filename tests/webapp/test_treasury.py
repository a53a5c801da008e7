# SPDX-License-Identifier: Apache-2.0
"""The treasury's page: each movement with the vote or act in whose transaction it came, and how long the rest lasts."""

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.models import Act, ChainReading, ProposalTransition, RawLog, TreasuryFlow
from presentation.words import address_text
from tests.webapp.conftest import DAY, NOW


def flow(made, amount, *, outgoing=True, log=None):
    made.flow(amount, outgoing)
    row = TreasuryFlow.objects.latest("id")
    if log is not None:  # in the same transaction, after it
        RawLog.objects.filter(pk=row.log_id).update(
            block_number=log.block_number, transaction_hash=bytes(log.transaction_hash), log_index=log.log_index + 1
        )
    return row


def rows(client):
    text = client.get("/river/treasury/").content.decode()
    found = re.search(r'aria-labelledby="moved">(.*?)</section>', text, re.DOTALL)
    assert found
    return found.group(1).split("<li>")[1:]


def test_each_movement_names_what_was_executed_in_its_transaction(client, made):
    proposal = made.proposal(7, description="# Pay ines & co")
    executed = made.log()
    ProposalTransition.objects.create(proposal=proposal, kind="executed", log=executed)
    act = made.act(3)
    waiting = made.act(4, status=Act.Status.SCHEDULED, act_id=b"\4" * 32)
    flow(made, 1_000_000, log=executed)
    flow(made, 2_000_000, log=act.log)
    flow(made, 3_000_000, log=waiting.log)
    flow(made, 4_000_000)
    flow(made, 5_000_000, outgoing=False)
    shown = {re.search(r"[−+](\d) USDC", row).group(1): row for row in rows(client)}
    assert "Pay ines &amp; co" in shown["1"]
    assert "Moved when act 3 of policy" in shown["2"]
    unknown = "Which vote or act decided it is not known"
    assert [unknown in shown[which] for which in "12345"] == [False, False, True, True, False]
    told = client.get("/api/v1/daos/river/treasury?size=2").json()
    assert told["movements_count"] == 5
    assert [row["amount"] for row in told["movements"]] == ["5000000", "4000000"]


def test_how_long_it_lasts_is_told_of_a_known_balance_alone(client, made):
    RawLog.objects.filter(pk=made.log().pk).update(block_timestamp_chain_s=NOW - 30 * DAY, block_number=0)
    flow(made, 3_000_000)
    usdc = bytes(made.contracts["asset"].address)

    def told():
        return client.get("/api/v1/daos/river/treasury").json()["runways"]

    assert told() == []  # nothing is held, as far as is known
    ChainReading.objects.create(
        dao=made.dao, kind="balance", address=usdc, key=bytes(32), value=(10_000_000).to_bytes(32, "big"),
        block_number=500, block_hash=b"\5" * 32, block_timestamp_chain_s=NOW, read_at=timezone.now(),
    )  # fmt: skip
    rate = {"asset": address_text(usdc), "days": 30, "came": "0", "went": "3000000"}
    assert told() == [{**rate, "left_days": None}]  # the movements do not add up to the balance
    flow(made, 13_000_000, outgoing=False, log=made.log())
    assert told() == [{**rate, "came": "13000000", "left_days": None}]  # more came than went
    came = TreasuryFlow.objects.get(outgoing=False)
    TreasuryFlow.objects.filter(pk=came.pk).update(at_chain_s=NOW - 200 * DAY)
    RawLog.objects.filter(pk=came.log_id).update(block_timestamp_chain_s=NOW - 200 * DAY)
    assert told() == [{**rate, "left_days": 100}]
    assert "At that rate what is held lasts about 100 days." in client.get("/river/treasury/").content.decode()


def test_the_page_asks_as_much_for_many_movements_as_for_few(client, made):
    counts = []
    for _ in range(2):
        for _ in range(5):
            flow(made, 1_000_000, log=made.act(TreasuryFlow.objects.count() + 1).log)
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/river/treasury/").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
