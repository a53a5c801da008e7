# SPDX-License-Identifier: Apache-2.0
"""Home shows first what ends first, and says how much of it is not shown."""

import itertools
import re

import pytest

from governance.models import Act, Block, Chain, Contract, Cursor, Dao, OnchainCheck, Proposal, ProposalTransition
from governance.open_proposals import open_proposals
from presentation.dao_view import DaoView
from presentation.proposals import page_of_proposals, rows_of
from tests.webapp.conftest import DAY, NOW, UNIT, Made, account
from webapp.home import read
from webapp.mail import digest

HOUR = 3600


def titles(text: str) -> list[str]:
    """The links of a page's lists, in order."""
    return re.findall(r'<a class="title"[^>]*>(?:<bdi>)?([^<]*)', text)


def section(text: str, heading: str) -> str:
    """What stands under a heading; empty where there is none."""
    found = re.search(rf'<section[^>]*aria-labelledby="{heading}">(.*?)</section>', text, re.DOTALL)
    return found.group(1) if found else ""


def home(client, slug="river") -> str:
    answer = client.get(f"/{slug}/")
    assert answer.status_code == 200
    return answer.content.decode()


def scheduled(made: Made, number: int, in_s: int | None, expires_s: int | None = 5 * DAY) -> Act:
    return made.act(
        number,
        status="scheduled",
        act_id=number.to_bytes(32, "big"),
        releasable_chain_s=None if in_s is None else NOW + in_s,
        expires_chain_s=None if expires_s is None else NOW + expires_s,
    )


def active(made: Made, number: int, in_s: int, name: str = "") -> Proposal:
    return made.proposal(number, description=name or f"Vote {number}", deadline=NOW + in_s)


def pending(made: Made, number: int, in_s: int) -> Proposal:
    return made.proposal(number, description=f"Soon {number}", snapshot=NOW + in_s, deadline=NOW + in_s + DAY)


def passed(made: Made, number: int, eta_s: int | None = None) -> Proposal:
    eta = {} if eta_s is None else {"eta_chain_s": NOW + eta_s, "queued": True}
    return made.proposal(
        number, description=f"Passed {number}", deadline=NOW - 1, for_votes=50_000 * UNIT, **eta
    )  # fmt: skip


def test_thirteen_that_are_pending_push_no_active_vote_off(client, made):
    active(made, 1, HOUR, "The urgent one")
    for number in range(2, 15):
        pending(made, number, number * HOUR)
    text = home(client)
    assert titles(section(text, "now")) == ["The urgent one"]
    assert titles(section(text, "coming")) == [f"Soon {number}" for number in range(2, 7)]
    assert re.search(r'<a href="/river/proposals/\?show=open">and 8 more to come</a>', text)
    assert "No other" not in text
    assert titles(section(text, "recent")) == [f"Soon {number}" for number in range(14, 9, -1)]


def test_of_thirty_open_votes_the_first_to_end_are_shown_and_the_rest_is_counted(client, made):
    for number in range(1, 31):
        active(made, number, (31 - number) * HOUR)  # the newest ends first
    text = home(client)
    assert titles(section(text, "now")) == [f"Vote {number}" for number in range(30, 20, -1)]
    assert re.search(r'<a href="/river/proposals/\?show=open">and 20 more open votes</a>', text)
    listed = client.get("/river/proposals/?show=open").content.decode()
    assert titles(listed) == [f"Vote {number}" for number in range(30, 5, -1)]
    assert titles(client.get("/river/proposals/?show=open&page=2").content.decode()) == [
        f"Vote {n}" for n in (5, 4, 3, 2, 1)
    ]
    asked = client.get("/api/v1/daos/river/proposals?show=open&size=3").json()
    assert ([row["title"] for row in asked["proposals"]], asked["count"]) == (["Vote 30", "Vote 29", "Vote 28"], 30)


def test_acts_and_votes_stand_in_one_order_by_what_ends_first(client, made):
    active(made, 1, 3 * HOUR)
    active(made, 2, HOUR)
    active(made, 3, 0)  # its last second
    active(made, 4, 3 * HOUR)  # as early as the first: in the order they came
    scheduled(made, 8, 2 * HOUR)
    scheduled(made, 9, -HOUR)  # may be released at any moment
    text = home(client)
    assert titles(section(text, "now")) == [
        "The agent wants to perform act 9", "Vote 3", "Vote 2", "The agent wants to perform act 8", "Vote 1", "Vote 4",
    ]  # fmt: skip
    assert "closing now" in text


def test_neither_pushes_the_other_off(client, made):
    for number in range(1, 26):
        scheduled(made, number, number)
        active(made, number, DAY)
    text = home(client)
    shown = titles(section(text, "now"))
    assert shown == [f"The agent wants to perform act {n}" for n in range(1, 11)] + [f"Vote {n}" for n in range(1, 11)]
    assert '<a href="/river/agent/">and 15 more acts in the objection window</a>' in text
    assert "and 15 more open votes" in text


def test_what_passed_stands_apart_and_what_is_over_is_no_news(client, made):
    passed(made, 1)
    passed(made, 2, 2 * HOUR)
    passed(made, 3, HOUR)
    passed(made, 4, -HOUR)
    made.proposal(5, description="Lost 5", deadline=NOW - 1)
    made.proposal(6, description="Done 6", deadline=NOW - 1, for_votes=50_000 * UNIT, executed=True)
    made.proposal(7, description="Nobody knows 7", deadline=NOW - 1, for_votes=1, quorum_votes=None)
    made.proposal(8, description="Late 8", deadline=NOW - 1)  # over, and nothing of the chain has said so
    text = home(client)
    assert section(text, "now").count("<li>") == 0
    assert titles(section(text, "ready")) == ["Nobody knows 7", "Passed 4", "Passed 1"]
    assert titles(section(text, "waiting")) == ["Passed 3", "Passed 2"]
    assert titles(section(text, "recent")) == ["Late 8", "Done 6", "Lost 5"]
    assert "Nothing. No vote is open, and no act waits for objections." in text


@pytest.mark.parametrize("count", [1, 10])
def test_no_other_is_said_only_where_there_is_none(client, made, count):
    assert "No proposal yet." in home(client)
    for number in range(count):
        active(made, number, HOUR + number)
    assert "No other proposals." in home(client)
    made.proposal(99, description="Old 99", deadline=NOW - DAY)
    text = home(client)
    assert "No other proposals." not in text
    assert titles(section(text, "recent")) == ["Old 99"]


def test_where_all_open_ones_fill_the_newest_the_older_ones_are_still_found(client, made):
    made.proposal(1, description="Old 1", deadline=NOW - DAY)
    for number in range(2, 9):
        active(made, number, HOUR)
    text = home(client)
    assert titles(section(text, "recent")) == ["Old 1"]
    assert "No other" not in text


def test_a_deadline_beyond_every_calendar_comes_last(client, made):
    active(made, 1, 2**62)
    active(made, 2, DAY)
    assert titles(section(home(client), "now")) == ["Vote 2", "Vote 1"]


@pytest.mark.parametrize(("block_s", "order"), [(2, ["vote", "act"]), (12, ["act", "vote"]), (None, ["act", "vote"])])
def test_a_clock_of_blocks_is_held_beside_time_by_how_long_blocks_take(client, made, block_s, order):
    governor = made.contracts["governor"]
    governor.capabilities |= {"clock": "blocknumber"}
    governor.save()
    for number in range(480, 501) if block_s else ():
        Block.objects.create(
            dao=made.dao, number=number, hash=number.to_bytes(32, "big"), parent_hash=(number - 1).to_bytes(32, "big"),
            timestamp_chain_s=NOW - (500 - number) * block_s,
        )  # fmt: skip
    made.proposal(1, description="Vote", snapshot=100, deadline=800)  # 300 blocks
    made.proposal(2, description="Soon", snapshot=900, deadline=1000)
    scheduled(made, 8, 1800)
    text = home(client)
    expected = {"vote": "Vote", "act": "The agent wants to perform act 8"}
    assert titles(section(text, "now")) == [expected[name] for name in order]
    assert titles(section(text, "coming")) == ["Soon"]
    assert ("300 blocks (about 10 minutes) left" in text) is (block_s == 2)
    assert "300 blocks" in text


def test_one_dao_shows_nothing_of_another(client, made):
    other = Dao.objects.create(chain=Chain.objects.get(), slug="lake", name="Lake DAO")
    contracts = {
        kind: Contract.objects.create(
            dao=other, kind=kind, address=account(2000 + i), start_block=0, capabilities={"clock": "timestamp"}
        )
        for i, kind in enumerate(("governor", "votes_token", "timelock", "treasury", "module", "asset"))
    }
    Cursor.objects.create(dao=other, next_block=501, head_timestamp_chain_s=NOW, node_head_block=500)
    lake = Made(other, contracts)
    active(lake, 1, HOUR, "Of the lake")
    active(made, 1, 2 * HOUR, "Of the river")
    for slug, mine, others in (("river", "Of the river", "Of the lake"), ("lake", "Of the lake", "Of the river")):
        text = home(client, slug)
        assert titles(section(text, "now")) == [mine]
        assert others not in text
        assert "No other proposals." in text


def test_a_dao_without_a_governor_has_a_home(client, made):
    made.contracts["governor"].delete()
    scheduled(made, 8, HOUR)
    text = home(client)
    assert titles(section(text, "now")) == ["The agent wants to perform act 8"]
    assert "No proposal yet." in text


def nouns(made: Made) -> None:
    governor = made.contracts["governor"]
    governor.capabilities |= {"family": "nouns"}
    governor.save()


def test_votes_against_a_late_turn_are_still_taken(client, made):
    nouns(made)
    made.proposal(1, description="Turned", deadline=NOW - 1, extra={"objection_until": NOW + HOUR}, for_votes=1)
    made.proposal(2, description="Written anew", extra={"updatable_until": NOW + DAY})
    active(made, 3, 2 * HOUR)
    text = home(client)
    assert titles(section(text, "now")) == ["Turned", "Vote 3"]
    assert "only votes against are taken, 1 hour left" in text
    assert titles(section(text, "coming")) == ["Written anew"]


def test_a_vote_that_a_large_majority_ended_early_is_no_open_vote(client, made):
    governor = made.contracts["governor"]
    governor.capabilities |= {"super_quorum": True}
    governor.save()
    told = {"super_quorum_votes": str(60 * UNIT)}
    made.proposal(1, description="Ended", for_votes=70 * UNIT, extra=told, deadline=NOW + HOUR)
    made.proposal(2, description="Open", for_votes=50 * UNIT, extra=told, deadline=NOW + DAY)
    made.proposal(3, description="Unknown", for_votes=70 * UNIT, deadline=NOW + 2 * DAY)
    text = home(client)
    assert titles(section(text, "now")) == ["Open", "Unknown"]
    assert titles(section(text, "ready")) == ["Ended"]


@pytest.mark.parametrize("family", ["openzeppelin", "nouns"])
def test_each_open_proposal_is_in_one_part_by_its_state(made, family):
    governor = made.contracts["governor"]
    governor.capabilities |= {"family": family, "grace_period_s": DAY}
    governor.save()
    number = itertools.count(1)
    for snapshot, deadline, yes, eta, quorum in itertools.product(
        (NOW - DAY, NOW - 1, NOW, NOW + 1),
        (NOW - 1, NOW, NOW + 1),
        (0, 5),
        (None, NOW - 2 * DAY, NOW, NOW + DAY),
        (None, 2),
    ):
        if snapshot < deadline:
            made.proposal(
                next(number), snapshot=snapshot, deadline=deadline, for_votes=yes, eta_chain_s=eta, quorum_votes=quorum
            )
    place = DaoView(made.dao)
    parts = open_proposals(place.dao, place.governor, place.now)
    expected = {
        "voting": {"Active"},
        "coming": {"Pending"},
        "decided": {"Succeeded", "Queued", "Unknown"},
    }
    seen: list[int] = []
    for part, states in expected.items():
        numbers = list(getattr(parts, part))
        assert {row.state_name for row in rows_of(place, numbers)} == states, part
        seen += numbers
    rows, count = page_of_proposals(place, only_open=True, size=1000)
    assert [row.proposal.pk for row in rows] == seen
    assert count == len(seen) == len(set(seen))


def test_the_digest_leaves_no_open_vote_out_for_newer_ones(made):
    active(made, 1, HOUR, "The urgent one")
    for number in range(2, 70):
        pending(made, number, number * HOUR)
    assert digest.open_items(DaoView(made.dao), None)[0].title == "The urgent one"


def test_home_asks_as_much_for_many_as_for_few(client, made, django_assert_max_num_queries):
    def fill(first):
        for number in range(first, first + 8):
            active(made, number, HOUR)
            pending(made, number + 100, HOUR)
            passed(made, number + 200)
            made.proposal(number + 300, deadline=NOW - 1)
            scheduled(made, number, HOUR)

    fill(1)
    home(client)
    with django_assert_max_num_queries(100) as few:
        home(client)
    fill(50)
    fill(60)
    with django_assert_max_num_queries(100) as many:
        home(client)
    assert len(many.captured_queries) == len(few.captured_queries)


def test_what_happened_lately_stands_newest_first(client, made):
    proposal = passed(made, 1)
    ProposalTransition.objects.create(proposal=proposal, kind="queued", log=made.log())
    act = scheduled(made, 3, HOUR)
    made.act(4)
    act.status, act.final_log = Act.Status.VETOED, made.log()
    act.save()
    text = re.sub(r"<[^>]+>", "", section(home(client), "activity"))
    said = [line.strip() for line in re.split(r"\d+ \w+ \d{4}, \d\d:\d\d UTC", text) if line.strip()]
    policy = "policy 0x0101…0101"
    assert [re.sub(r"^Activity\s*", "", line) for line in said] == [
        f"Act 3 of {policy} was vetoed", f"Act 4 of {policy} was performed", f"Act 3 of {policy} was announced",
        "Passed 1 was queued in the timelock", "Passed 1 was proposed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("matching", "says"), [(1, "1 of the chain"), (3, "3 of the chain"), (5, "More than 3 of the")]
)
def test_how_many_of_the_chains_answers_match_is_counted_up_to_a_bound(client, made, monkeypatch, matching, says):
    monkeypatch.setattr(read, "_MOST_COUNTED", 3)
    for number in range(matching):
        OnchainCheck.objects.create(
            dao=made.dao, subject=f"proposal:{number}:votes", block_number=9, block_hash=bytes(32), chain_says="1",
            mirror_says="1", matched=True,
        )  # fmt: skip
    assert says in client.get("/river/").content.decode()
