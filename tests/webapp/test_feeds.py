# SPDX-License-Identifier: Apache-2.0
"""Given what happened in a DAO: the feed that programs follow, and the calendar of votes."""

import datetime
import re
from xml.etree import ElementTree

import pytest

from governance.models import Contract, Cursor, Proposal, ProposalTransition, UnconfirmedLog
from presentation.dao_view import DaoView
from tests.webapp.conftest import DAY, NOW, UNIT
from webapp.mail import periods, plan
from webapp.mail.kinds import Topic
from webapp.models import Milestone

ATOM = "{http://www.w3.org/2005/Atom}"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _origin(settings):
    settings.ORIGIN = "https://votes.example.org"


def look(made, block):
    Cursor.objects.filter(dao=made.dao).update(next_block=block + 1, node_head_block=block)
    plan.look_at_votes()


def entries(client):
    answer = client.get("/river/feed.atom")
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 -- our own
    return [
        {name: entry.findtext(f"{ATOM}{name}") for name in ("id", "title", "summary", "updated")}
        for entry in root.findall(f"{ATOM}entry")
    ]


def events(client):
    """The calendar's events, unfolded, each as its properties."""
    content = client.get("/river/votes.ics").content
    assert content.endswith(b"END:VCALENDAR\r\n")
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert b"\n" not in content.replace(b"\r\n", b"")
    text = content.replace(b"\r\n ", b"").decode()
    return [
        dict(line.split(":", 1) for line in block.strip().split("\r\n"))
        for block in re.findall(r"BEGIN:VEVENT(.*?)END:VEVENT", text, re.DOTALL)
    ]


def test_the_feed_tells_what_happened_and_keeps_an_entrys_id_when_its_block_is_replaced(made, client):
    look(made, 499)  # the first look: what was so before it is no news
    proposal = made.proposal(7, description="# Pay <b>ines</b> & bob")
    made.summary(proposal, verdict="not_told")
    look(made, 500)
    Proposal.objects.update(for_votes=50_000 * UNIT)
    look(made, 501)
    told = entries(client)
    assert [entry["title"] for entry in told] == [
        "Pay ines & bob: the quorum is reached", "Pay ines & bob: voting is open", "Pay ines & bob: was proposed",
    ]  # fmt: skip
    assert told[2]["summary"].startswith("NOT TOLD. ")
    ids = {entry["id"] for entry in told}
    assert len(ids) == 3
    ProposalTransition.objects.update(log=made.log())
    assert {entry["id"] for entry in entries(client)} == ids
    UnconfirmedLog.objects.create(dao=made.dao, log=made.log())
    ProposalTransition.objects.update(log=UnconfirmedLog.objects.get().log)
    assert not [entry for entry in entries(client) if "was proposed" in entry["title"]], "one node alone shows it"


def test_a_calendar_entry_keeps_its_uid_and_its_sequence_rises_when_the_end_moves(made, client):
    made.proposal(7, description="# Pay, then; wait" + " long" * 40)
    look(made, 500)
    (first,) = events(client)
    assert first["UID"] == "proposal-7-river@votes.example.org"
    assert (first["SEQUENCE"], first["DTSTART"], first["STATUS"]) == ("0", "20270116T080000Z", "CONFIRMED")
    assert first["SUMMARY"].startswith(r"Pay\, then\; wait long")
    assert first["URL"] == "https://votes.example.org/river/proposals/7/"
    sequences = []
    for number, deadline in enumerate((NOW + DAY, NOW + 2 * DAY, NOW + DAY), 501):
        Proposal.objects.update(deadline=deadline)  # extended, and a reorganisation takes the extension back
        look(made, number)
        (moved,) = events(client)
        assert moved["UID"] == first["UID"]
        sequences.append(int(moved["SEQUENCE"]))
    assert sequences == [0, 2, 4]
    Proposal.objects.update(canceled=True)
    look(made, 504)
    (canceled,) = events(client)
    assert (canceled["STATUS"], int(canceled["SEQUENCE"])) == ("CANCELLED", 7)
    Proposal.objects.update(canceled=False)  # a reorganisation takes it back
    assert events(client) == [{**canceled, "DESCRIPTION": events(client)[0]["DESCRIPTION"]}], "until it is looked at"
    look(made, 505)
    (back,) = events(client)
    assert (back["STATUS"], int(back["SEQUENCE"])) == ("CONFIRMED", 8)


@pytest.mark.parametrize("snapshot", [NOW - DAY, NOW + 9])  # open, and to come
def test_what_one_node_alone_shows_cancels_and_moves_no_vote_in_a_calendar(made, client, snapshot):
    proposal = made.proposal(7, snapshot=snapshot)
    look(made, 500)
    (first,) = events(client)
    steps = [
        ProposalTransition.objects.create(proposal=proposal, kind=kind, log=made.log())
        for kind in ("canceled", "extended")
    ]
    for step in steps:
        UnconfirmedLog.objects.create(dao=made.dao, log=step.log)
    Proposal.objects.update(canceled=True, deadline=NOW + 5 * DAY)
    for _ in range(2):
        (doubted,) = events(client)
        for name in ("STATUS", "SEQUENCE", "DTSTART"):
            assert doubted[name] == first[name]
        assert "Canceled" not in doubted["DESCRIPTION"]
        look(made, 501)
    for step in steps:
        step.log.delete()  # no other node has it
    Proposal.objects.update(canceled=False, deadline=NOW + DAY)
    look(made, 502)
    (dropped,) = events(client)
    assert (dropped["STATUS"], dropped["SEQUENCE"], dropped["DTSTART"]) == ("CONFIRMED", "0", first["DTSTART"])
    Proposal.objects.update(canceled=True)
    look(made, 503)
    (canceled,) = events(client)
    assert (canceled["STATUS"], canceled["SEQUENCE"]) == ("CANCELLED", "3"), "what is so is told all the same"


def test_votes_of_before_the_first_look_and_of_long_ago_are_no_news(made, client):
    made.proposal(7, deadline=NOW - 300 * DAY, snapshot=NOW - 303 * DAY, for_votes=50_000 * UNIT)
    look(made, 500)
    assert Milestone.objects.filter(stands=True).count() == 3
    made.proposal(8, deadline=NOW - 300 * DAY, snapshot=NOW - 303 * DAY, for_votes=50_000 * UNIT)
    fresh = made.proposal(9, description="# Fresh")
    look(made, 501)
    Proposal.objects.filter(pk=fresh.pk).update(for_votes=50_000 * UNIT)
    look(made, 502)
    assert Milestone.objects.filter(stands=True).count() == 9
    news = [entry["title"] for entry in entries(client) if "was proposed" not in entry["title"]]
    assert news == ["Fresh: the quorum is reached", "Fresh: voting is open"]
    long_ago = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    told = [line for line, _ in periods.news_since(DaoView(made.dao), Topic.values, long_ago)]
    assert sorted(told) == ["The quorum is reached: Fresh", "The vote ends soon: Fresh", "The vote is open: Fresh"]


def test_a_vote_that_one_node_alone_shows_or_that_never_ends_is_in_no_calendar(made, client):
    doubted = made.proposal(7)
    UnconfirmedLog.objects.create(dao=made.dao, log=doubted.log)
    made.proposal(8, deadline=2**48 - 1)
    look(made, 500)
    assert events(client) == []


def test_an_end_that_counts_blocks_is_said_to_be_about(made, client):
    Contract.objects.filter(kind="governor").update(
        capabilities={"clock": "blocknumber", "quorum_counts": "for,abstain", "family": "openzeppelin"}
    )
    made.proposal(7, snapshot=400, deadline=560)
    look(made, 500)
    (event,) = events(client)
    assert "voting ends (about)" in event["SUMMARY"]
    assert event["DTSTART"] == "20270115T081200Z"  # 60 blocks of 12 s


def test_a_dao_without_a_governor_has_an_empty_calendar(made, client):
    Contract.objects.filter(kind="governor").delete()
    assert events(client) == []
    assert entries(client) == []
