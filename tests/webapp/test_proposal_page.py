# SPDX-License-Identifier: Apache-2.0
"""A proposal's page: whole text with an outline, what the vote needs, the votes over time and who is missing."""

import re
import time

import pytest
from eth_utils import keccak

from agent.models import ChainFacts
from governance import text as governance_text
from governance.chain import abi
from governance.chain.governor import CANCEL
from governance.clocks import CLOCK_SOURCE, Source
from governance.models import ChainAnswer, Cursor, PowerCheckpoint, ProposalAction, RawLog
from policies.notation.hexadecimal import hex_text
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of, proposal_row
from presentation.words import address_text
from tests.webapp.conftest import DAY, NOW, UNIT, account
from webapp import markup
from webapp.proposals import new_power, votes
from webapp.proposals.discussion import discussion_in
from webapp.proposals.read import names_of_ens, timeline


@pytest.fixture
def by_time(made):
    """The DAO of rows, with the clocks of governor and token known to be one."""
    made.contracts["votes_token"].capabilities["clock"] = "timestamp"
    made.contracts["votes_token"].save()
    return made


def page(client, number=7, query=""):
    answer = client.get(f"/river/proposals/{number}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def section(text, heading):
    found = re.search(rf'<section[^>]*aria-labelledby="{heading}">(.*?)</section>', text, re.DOTALL)
    return found.group(1) if found else ""


def row_of(made, number=7):
    place = DaoView.of("river")
    return place, proposal_row(place, proposal_of(place, number))


# --- the text


def test_the_text_is_whole_with_an_outline_and_comes_after_the_tally(client, made):
    made.proposal(7, description="# Pay *ines*\n\n## Why `so`\n\nx\n\n## <b id=evil>How</b>\n\n" + "long\n\n" * 800)
    text = page(client)
    assert text.count("<p>long</p>") == 800
    assert '<li class="level2"><a href="#text-2"><bdi>Why so</bdi></a></li>' in text
    assert '<h4 id="text-3">&lt;b id=evil&gt;How&lt;/b&gt;</h4>' in text
    assert text.index('id="tally"') < text.index('id="text"') < text.index('id="timeline"')


def test_a_link_to_it_says_what_it_is_and_does(client, made):
    made.summary(made.proposal(7, description='# Pay "ines"\n\nPay 5 USDC.'))
    text = page(client)
    assert '<meta property="og:title" content="Pay &quot;ines&quot;">' in text
    assert '<meta property="og:description" content="Active. Transfers 5 USDC to 0x00">' in text


def test_a_text_is_rendered_once_and_kept(client, made, monkeypatch):
    markup._short.cache_clear()
    made.proposal(7, description="# Kept\n\n|a|b|\n|-|-|\n")
    asked = []
    monkeypatch.setattr(
        governance_text, "read", lambda text, read=governance_text.read: asked.append(text) or read(text)
    )
    for _ in range(2):
        assert "<table>" in section(page(client), "text")
    assert asked.count("# Kept\n\n|a|b|\n|-|-|\n") == 1


def test_reasons_are_markdown_and_slow_ones_are_shown_as_written(client, made):
    proposal = made.proposal(7)
    made.vote(proposal, 3, reason="Because:\n\n- it is **good**\n- <script>alert(1)</script>")
    made.vote(proposal, 4, reason="|a|b|\n|-|-|\n" + "|x|y|\n" * 300)
    begun = time.process_time()  # of its own: a machine that does much else is no slow page
    shown = section(page(client), "votes")
    assert time.process_time() - begun < 5
    assert "<li>it is <strong>good</strong></li>" in shown
    assert "&lt;script&gt;" in shown
    assert shown.count('<p class="as-written">|a|b|') == 1
    assert "<table>" not in shown


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://forum.river.org/t/pay-ines/12", "forum.river.org"),
        ("https://gov.river.org/t/1", "gov.river.org"),
        ("http://forum.river.org/t/1", None),
        ("https://river.org/t/1", None),
        ("https://forum.river.org/admin", None),
        ("https://[/t/1", None),
    ],
)
def test_a_discussion_is_a_link_of_the_text_to_a_forums_thread(link, host):
    found = discussion_in(markup.rendered(f"# Pay\n\nSee [here](https://x.org) and [there]({link}).").links)
    assert (found.host if found else None) == host


def quoted(text, words):
    """A quote as the verdict makes it: where the shown text has these words."""
    start = governance_text.read(text).text.index(words)
    return markup.Quote(start, start + len(words), " ".join(words.split()))


@pytest.mark.parametrize(
    ("source", "words", "html"),
    [
        ("Hi. Pay *5* USDC. Bye.", "Pay 5 USDC.",
         '<p>Hi. <mark id="said-4">Pay <em>5</em> USDC.</mark> Bye.</p>'),
        ("Hi. *Pay 5* USDC. Bye.", "Pay 5 USDC.",
         '<p>Hi. <em><mark id="said-4">Pay 5</mark></em><mark> USDC.</mark> Bye.</p>'),
        ("Send `5` & [it](https://x.org/a).", "5 & it", '<p>Send <mark id="said-5"><code>5</code></mark><mark> &amp; '
         '</mark><a href="https://x.org/a" rel="noopener noreferrer nofollow ugc"><mark>it</mark></a> (x.org).</p>'),
        ("A [b](https://x.org/a)\nc. D", "A b (x.org)\nc.", '<p><mark id="said-0">A <a href="https://x.org/a" '
         'rel="noopener noreferrer nofollow ugc">b</a> (x.org)\nc.</mark> D</p>'),
        ("- one\n- two", "two", '<li><mark id="said-5">two</mark></li>'),
        ("|a|b|\n|-|-|\n|x|5|\n", "x\t5", '<td><mark id="said-5">x</mark></td>\n<td><mark>5</mark></td>'),
        ("```\na <b>\nc\n```", "a <b>", '<pre><code><mark id="said-0">a &lt;b&gt;</mark>\nc'),
        ("## Pay 5\n\nx", "Pay 5", '<h4 id="text-1"><mark id="said-0">Pay 5</mark></h4>'),
    ],
)  # fmt: skip
def test_a_quote_is_marked_where_the_text_has_it(source, words, html):
    quote = quoted(source, words)
    shown = markup.rendered(source, (quote,))
    assert html in shown.html
    assert shown.marked == {quote.start}
    assert re.sub("</?mark[^>]*>", "", shown.html).replace("\n\n", "\n") == markup.rendered(source).html


def test_quotes_that_overlap_have_an_anchor_each_and_no_tag_twice():
    text = "Pay 5 USDC to ines and 6 to jon."
    quotes = tuple(quoted(text, words) for words in ("Pay 5 USDC to ines and 6 to jon.", "5 USDC to ines", "ines and"))
    shown = markup.rendered(text, quotes)
    assert shown.marked == {0, 4, 14}
    assert re.findall('id="(said-[0-9]+)"', shown.html) == ["said-0", "said-4", "said-14"]
    assert re.sub("</?mark[^>]*>", "", shown.html) == markup.rendered(text).html


def test_words_that_the_text_has_not_at_that_place_are_marked_nowhere():
    text = 'Pay 5 USDC. <mark id="said-0">x</mark>'
    for quote in (markup.Quote(0, 11, "Pay 6 USDC."), markup.Quote(5, 900, "USDC"), markup.Quote(-3, 2, "Pa")):
        shown = markup.rendered(text, (quote,))
        assert (shown.marked, shown.html) == (frozenset(), markup.rendered(text).html)
        assert "<mark" not in shown.html


def test_each_quote_of_card_and_summary_leads_to_its_place_in_the_text(client, made):
    made.summary(made.proposal(7, description="Pay 5 USDC."))
    text = page(client)
    assert '<mark id="said-0">Pay 5 USDC.</mark>' in section(text, "text")
    assert '<q>Pay 5 USDC.</q> <a class="src small" href="#said-0">in the text</a>' in section(text, "does")
    assert '5 USDC leave. <a class="src small" href="#e1">' not in text  # the effect says it in its own words
    assert 'Transfers 5 USDC to 0x00 <a class="src small" href="#e1">what the calls do</a>' in text
    assert 'id="e1"' in section(text, "does")


def test_a_quote_of_another_text_leads_nowhere(client, made):
    made.summary(made.proposal(7, description="Pay 6 USDC."))
    text = page(client)
    assert "said-" not in text
    assert "<q>Pay 5 USDC.</q>" in section(text, "does")


@pytest.mark.parametrize(
    ("chain_id", "names", "words"),
    [
        (10, None, "This chain has no ENS: names that end in .eth were not looked up."),
        (1, None, "Names that end in .eth were not looked up yet, or no node could answer: none is used."),
        (1, {}, "ENS confirms no name of the text in both directions at block 12,345: none is used."),
        (1, {address_text(account(3)): "ines.eth"},
         f"ines.eth is {address_text(account(3))}, and that address says so: ENS at block 12,345."),
    ],
)  # fmt: skip
def test_the_page_says_what_is_known_of_ens_names(made, chain_id, names, words):
    proposal = made.proposal(7, description="# Pay\n\nPay 5 USDC to ines.eth.")
    other = made.proposal(8, description="# Pay\n\nPay 5 USDC to ines.")
    if names is not None:
        ChainFacts.objects.create(
            proposal=proposal, block_number=12_345, block_hash=b"\1" * 32, is_answered=True, names=names
        )
    place = DaoView.of("river")
    place.dao.chain_id = chain_id
    assert names_of_ens(place, proposal) == [words]
    assert names_of_ens(place, other) == []


# --- what a vote needs


def test_quorum_and_majority_are_two_checks_that_say_what_is_missing(made):
    proposal = made.proposal(7, for_votes=10_000 * UNIT, against_votes=12_000 * UNIT, abstain_votes=UNIT)
    assert [(rule.is_met, rule.text) for rule in votes.rules(*row_of(made))] == [
        (False, "Quorum not reached: 10,001 MAND of 40,000 MAND (for and abstain count), 29,999 MAND are missing."),
        (False, "Fewer for than against, by 2,000 MAND."),
    ]
    proposal.for_votes, proposal.quorum_votes = 12_000 * UNIT, None
    proposal.save()
    assert [(rule.is_met, rule.text) for rule in votes.rules(*row_of(made))] == [
        (None, "The quorum could not be read from the chain yet."),
        (False, "As many for as against: more must be for."),
    ]


@pytest.mark.parametrize(
    ("family", "extra", "is_met", "words"),
    [
        ("agora", {"approval_threshold_bps": "6000"}, False, "50 % of for and against are for; it takes 60 %."),
        ("agora", {"approval_threshold_bps": "0"}, True, "No share of the votes must be in favour."),
        ("agora", {}, None, "What share must be in favour is not known yet."),
        ("agora", {"voting_module": "0x12"}, None, "A voting module decides this vote by its own rule"),
        ("unknown", {}, True, "More for than against, by 0 MAND."),
    ],
)
def test_no_majority_is_told_by_another_governors_rule(made, family, extra, is_met, words):
    made.contracts["governor"].capabilities["family"] = family
    made.contracts["governor"].save()
    more = int(family == "unknown")
    made.proposal(7, for_votes=5 * UNIT + more, against_votes=5 * UNIT, extra=extra)
    rule = votes.rules(*row_of(made))[1]
    if family == "unknown":
        assert rule.is_met is is_met
        assert rule.text.startswith("More for than against")
    else:
        assert rule.is_met is is_met
        assert rule.text.startswith(words)


# --- the votes


def test_votes_are_drawn_by_when_they_were_cast_with_a_table(client, by_time):
    proposal = by_time.proposal(7, snapshot=NOW - DAY, deadline=NOW + DAY, for_votes=9 * UNIT, quorum_votes=20 * UNIT)
    by_time.vote(proposal, 3, 1, 5 * UNIT)
    by_time.vote(proposal, 4, 0, 2 * UNIT)
    by_time.vote(proposal, 5, 1, 4 * UNIT)
    place, row = row_of(by_time)
    drawn = votes.chart(place, row, votes.heaviest(place, proposal))
    assert drawn.text == "For rose to 9 MAND, against to 2 MAND, abstain to 0 MAND."
    assert drawn.rows[-1][1:] == (9 * UNIT, 2 * UNIT, 0)
    assert drawn.now_x == 500
    assert drawn.paths["for"].startswith("M0 160H0V122")
    assert drawn.paths["for"].endswith("H500")  # nothing is drawn of what is to come
    assert "For rose to 9 MAND" in section(page(client), "over")
    by_time.contracts["governor"].capabilities["counting_mode"] = "support=strange"
    by_time.contracts["governor"].save()
    assert section(page(client), "over") == ""


def test_votes_are_filtered_and_sorted(client, made):
    proposal = made.proposal(7)
    made.vote(proposal, 3, 1, 5 * UNIT, "first")
    made.vote(proposal, 4, 0, 9 * UNIT)
    made.vote(proposal, 5, 1, 2 * UNIT)

    def voters(query):
        text = section(page(client, query=query), "votes")
        return [int(found, 16) for found in re.findall(r'data-voter="(0x[0-9a-fA-F]+)"', text)]

    assert voters("") == [4, 3, 5]
    assert voters("?choice=1") == [3, 5]
    assert voters("?choice=1&sort=new") == [5, 3]
    assert voters("?reasons=1") == [3]
    assert voters("?choice=2") == []
    assert "No vote of this kind." in page(client, query="?choice=2")
    assert "3 in all" in page(client, query="?choice=2")


@pytest.mark.parametrize(
    ("quorum", "found"), [("for,abstain", {0: [4, 5], 1: [4, 3], 2: []}), ("bravo", {0: [4, 5], 1: [4, 3], 2: [4]})]
)
def test_a_vote_in_parts_is_found_by_each_choice_that_it_may_be_for(client, made, quorum, found):
    """It names a support of its own, which says nothing of its parts."""
    mode = f"support=bravo&quorum={quorum}&params=fractional"
    made.contracts["governor"].capabilities["counting_mode"] = mode
    made.contracts["governor"].save()
    proposal = made.proposal(7)
    made.vote(proposal, 3, 1, 5 * UNIT)
    parts = made.vote(proposal, 4, 2, 9 * UNIT)
    parts.params = b"".join((n * UNIT).to_bytes(16, "big") for n in (2, 7, 0))
    parts.save()
    made.vote(proposal, 5, 0, 1 * UNIT)
    for choice, voters in found.items():
        text = section(page(client, query=f"?choice={choice}"), "votes")
        assert [int(who, 16) for who in re.findall(r'data-voter="(0x[0-9a-fA-F]+)"', text)] == voters


def test_votes_are_drawn_by_l1_blocks_where_those_are_kept(made):
    governor = made.contracts["governor"]
    governor.capabilities |= {"clock": "blocknumber", CLOCK_SOURCE: Source.HEADER.value}
    governor.save()
    Cursor.objects.filter(dao=made.dao).update(head_l1_block=150)
    proposal = made.proposal(7, snapshot=100, deadline=200, for_votes=9 * UNIT, quorum_votes=20 * UNIT)
    logs = [made.vote(proposal, who, 1, 3 * UNIT).log for who in (3, 4)]
    place, row = row_of(made)
    assert votes.chart(place, row, votes.heaviest(place, proposal)) is None  # when they were cast is not known
    for log, l1_block in zip(logs, (110, 140), strict=True):
        ChainAnswer.objects.create(
            dao=made.dao, kind=ChainAnswer.Kind.CLOCK, key=hex_text(log.block_hash), value=l1_block.to_bytes(32, "big"),
            block_number=log.block_number,
        )  # fmt: skip
    drawn = votes.chart(place, row, votes.heaviest(place, proposal))
    assert drawn.paths["for"].startswith("M0 160H100V")
    assert (drawn.starts, drawn.ends, drawn.now_x) == ("L1 block 100", "L1 block 200", 500)
    assert [in_favour for _, in_favour, _, _ in drawn.rows] == [0, 3 * UNIT, *[3 * UNIT] * 4, 6 * UNIT, 6 * UNIT]


def test_who_split_its_power_into_many_small_votes_is_not_called_absent(client, by_time, monkeypatch):
    monkeypatch.setattr(votes, "MOST", 1)
    proposal = by_time.proposal(7, snapshot=NOW - DAY + 4)
    by_time.power(3, 9 * UNIT)
    by_time.power(4, 8 * UNIT)
    by_time.vote(proposal, 5, 1, 2 * UNIT)
    for _ in range(3):
        by_time.vote(proposal, 3, 1, UNIT)
    shown = section(page(client), "absent")
    assert address_text(account(4)) in shown
    assert address_text(account(3)) not in shown


def test_large_accounts_without_a_vote_are_named_by_their_power_at_the_snapshot(client, by_time):
    proposal = by_time.proposal(7, snapshot=NOW - DAY + 4)
    by_time.power(3, 5 * UNIT)
    by_time.power(4, 8 * UNIT)
    by_time.vote(proposal, 4, 1, 8 * UNIT)
    assert address_text(account(3)) in (shown := section(page(client), "absent"))
    assert address_text(account(4)) not in shown
    proposal.snapshot = NOW - 2 * DAY  # before anybody's power was read
    proposal.save()
    assert section(page(client), "absent") == ""


@pytest.mark.parametrize(
    ("gained_s", "weights", "first_s", "share"),
    [
        (3_600, (9, 3), 60 * DAY, "75 %"),
        (3_600, (4, 8), 60 * DAY, ""),  # less than half of the votes for it
        (2 * DAY, (9, 3), 60 * DAY, ""),  # it came earlier
        (3_600, (9, 3), 3 * DAY, ""),  # a young DAO
    ],
)
def test_votes_that_came_to_their_accounts_just_before_are_named(by_time, gained_s, weights, first_s, share):
    def at(log, chain_s):
        RawLog.objects.filter(pk=log.pk).update(block_timestamp_chain_s=chain_s)

    at(by_time.proposal(1).log, NOW - DAY - first_s)
    new, old = (weight * UNIT for weight in weights)
    proposal = by_time.proposal(7, snapshot=NOW - DAY + 4, for_votes=new + old)
    at(proposal.log, NOW - DAY)
    by_time.power(3, new)
    by_time.power(4, old)
    for who, chain_s in ((3, NOW - DAY - gained_s), (4, NOW - 50 * DAY)):
        checkpoint = PowerCheckpoint.objects.get(account=account(who))
        at(checkpoint.log, chain_s)
        PowerCheckpoint.objects.filter(pk=checkpoint.pk).update(timepoint=chain_s)
        by_time.vote(proposal, who, 1, weights[who - 3] * UNIT)
    place, row = row_of(by_time)
    said = new_power.of_votes_for(place, row, votes.heaviest(place, row.proposal))
    assert said.startswith(f"{share} of the votes for it are power that its accounts did not have") is bool(share)
    assert bool(said) is bool(share)


def test_power_that_can_not_be_placed_makes_nobody_absent(client, made):
    made.proposal(7)
    made.power(3, 5 * UNIT)
    assert section(page(client), "absent") == ""


# --- the time line, and equal things


def test_the_timeline_tells_past_now_and_what_may_come(made):
    proposal = made.proposal(7, snapshot=NOW - DAY + 50)
    assert [(step["words"], step["stage"]) for step in timeline(*row_of(made))] == [
        ("Proposed", "past"), ("Voting started", "past"), ("Now: members vote", "now"), ("Voting ends", "next"),
        ("If it passes", "next"),
    ]  # fmt: skip
    proposal.canceled = True
    proposal.save()
    assert [step["words"] for step in timeline(*row_of(made))] == ["Proposed", "Voting started"]
    proposal.canceled, proposal.deadline, proposal.for_votes = False, NOW - 1, 50_000 * UNIT
    proposal.eta_chain_s, proposal.queued = NOW + DAY, True
    proposal.save()
    assert [(step["words"], step["stage"]) for step in timeline(*row_of(made))][-3:] == [
        ("Voting ended", "past"), ("Now: in the timelock", "now"), ("End of the timelock", "next"),
    ]  # fmt: skip


def test_equal_calls_and_effects_are_grouped(client, made):
    proposal = made.proposal(7)
    first = proposal.actions.get()
    for position in range(1, 60):
        ProposalAction.objects.create(
            proposal=proposal, position=position, target=first.target, value_wei=0, calldata=first.calldata
        )
    effect = {"kind": "transfer", "sentence": "Transfers 5 USDC to 0x00"}
    effects = [{"id": f"e{n}", "position": n, **effect} for n in range(60)]
    made.summary(proposal, effects=effects, findings=[])
    text = page(client)
    assert text.count("Transfers 5 USDC to 0x00") < 6
    assert '<span class="num">60 ×</span> Transfers 5 USDC to 0x00' in section(text, "does")
    assert section(text, "calls").count('<li class="call">') == 1
    assert "60 calls, with their data" in text


@pytest.mark.parametrize(
    ("family", "in_s", "is_offered"), [("openzeppelin", DAY, True), ("openzeppelin", -1, False), ("nouns", DAY, False)]
)
def test_who_proposed_it_may_cancel_before_the_vote_begins(client, made, family, in_s, is_offered):
    made.contracts["governor"].capabilities["family"] = family
    made.contracts["governor"].save()
    proposal = made.proposal(7, snapshot=NOW + in_s, deadline=NOW + 2 * DAY)
    step = client.get("/api/v1/daos/river/proposals/7").json()["cancel_step"]
    text = page(client)
    assert ("Cancel this proposal" in text) is (step is not None) is is_offered
    if is_offered:
        call = proposal.actions.get()
        columns = [[bytes(call.target)], [0], [bytes(call.calldata)]]
        expected = abi.encode_call(CANCEL, [*columns, keccak(text=proposal.description)])
        assert step["calldata"] == "0x" + expected.hex()
        assert "Canceling ends this proposal for good." in text
