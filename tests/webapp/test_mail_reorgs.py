# SPDX-License-Identifier: Apache-2.0
"""The random runs of tests/governance/runs.py with a subscriber: whatever the chain and the workers did, nobody was
written what is not so and never was corrected, nothing was written twice, and nothing is missing.

    MANDATE_MODEL_RUNS=100 .venv/bin/python -m pytest -q tests/webapp/test_mail_reorgs.py
"""

import datetime
import os
from collections import Counter

import pytest
from django.core import mail
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, settings

from governance import work
from governance.models import OutboxEntry, Proposal, ProposalTransition, RawLog, Work
from governance.projections.events import Event, Kind, Undecodable, decode
from presentation.dao_view import DaoView
from tests.governance.lives import KINDS
from tests.governance.runs import Plan, Run, live, plans
from webapp.mail import facts, kinds, plan, send
from webapp.models import DigestSent, Reader, ReadingCursor, Subscription

pytestmark = pytest.mark.django_db(transaction=True)
_RUNS = int(os.environ.get("MANDATE_MODEL_RUNS", "5"))


class MailedRun(Run):
    """A run whose outbox is read, and its mail sent, after every step."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        mail.outbox.clear()
        Work.objects.all().delete()
        ReadingCursor.objects.all().delete()
        Reader.objects.all().delete()
        Subscription.objects.create(
            dao=self.dao, reader=Reader.objects.create(email="dana@example.org"), topics=kinds.Topic.values,
            frequency=Subscription.Frequency.IMMEDIATE, confirmed_at=timezone.now(),
        )  # fmt: skip
        plan.follow_outbox()  # the reader begins here

    def after_step(self) -> None:
        plan.follow_outbox()
        plan.look_at_votes()
        work.run_due(send.DIGEST_WORK, limit=1000)

    def check(self) -> None:
        super().check()
        while True:
            self.after_step()
            open_ones = Work.objects.filter(name=send.DIGEST_WORK, done_at=None)
            if not open_ones.exists() and not OutboxEntry.objects.filter(
                id__gt=ReadingCursor.objects.get(reader=plan.READER).after_id
            ).exists():  # fmt: skip
                break
            assert not open_ones.filter(attempts__gt=0).exists(), open_ones.filter(attempts__gt=0).first().last_error
            open_ones.update(due_at=timezone.now())
        self._hold_against_what_is_so()

    def _hold_against_what_is_so(self) -> None:
        said: Counter[tuple[str, str]] = Counter()
        for message in mail.outbox:
            topic = DigestSent.objects.get(message_id=message.extra_headers["Message-ID"]).topic
            kind, key = send._parts(topic)
            corrects = topic.startswith(kind + send.UNDONE)
            said[(kind, key)] += -1 if corrects else 1
            assert said[(kind, key)] in (0, 1), f"{topic}: written twice, or corrected and never written"
            self.happened["mails"] += 1
            self.happened["corrections"] += corrects
        stands = {about for about, count in said.items() if count}
        self._hold_the_others(stands)
        stands = {about for about in stands if about[0] in ("proposal.created", "act.scheduled")}
        proposals = {("proposal.created", str(p.proposal_id)) for p in self.dao.proposals.all()}
        # From the logs: random ones may use a number twice, as no module does, and the last one has the row.
        acts = {
            ("act.scheduled", f"0x{event.args['policyId'].hex()}:{event.args['number']}")
            for log in RawLog.objects.filter(dao=self.dao, address=KINDS[Kind.MODULE])
            if (event := _decoded(log)) is not None and event.name == "ActScheduled"
        }
        assert stands - proposals - acts == set(), "written, not so, and not corrected"
        # What one node alone shows is kept, and told when something settles it.
        doubted = {
            about for log in RawLog.objects.filter(dao=self.dao).exclude(unconfirmed=None) for about in _abouts(log)
        }
        assert proposals - stands - doubted == set(), "so, and not written (or corrected, and so again)"
        waiting = {
            ("act.scheduled", f"0x{bytes(a.policy_id).hex()}:{a.number}")
            for a in self.dao.acts.filter(status="scheduled")
        }
        assert waiting - stands - doubted == set(), "an act waits and nobody was told"

    def _hold_the_others(self, stands: set[tuple[str, str]]) -> None:
        """Steps by the rows of the projection, the rest by what the mirror has of it."""
        steps = {
            (f"proposal.{step.kind}", str(step.proposal.proposal_id))
            for step in ProposalTransition.objects.filter(proposal__dao=self.dao).select_related("proposal")
        }
        told = {about for about in stands if about[0].startswith("proposal.") and about[0] != "proposal.created"}
        assert told - steps == set(), "a step was written, is not so, and was not corrected"
        place = DaoView(self.dao)
        for kind, key in stands:
            self.happened[f"{kind} stands"] += 1
            # An act that came again under its number ended in another way: of that there is no correction.
            if not kind.startswith("act."):
                assert facts.happened(place, kinds.Kind(kind), key), f"{kind} {key} was written and is not so"


def _abouts(log: RawLog) -> set[tuple[str, str]]:
    """What a log would have mails tell."""
    if bytes(log.address) == KINDS[Kind.MODULE]:
        event = _decoded(log)
        if event is not None and event.name == "ActScheduled":
            return {("act.scheduled", f"0x{event.args['policyId'].hex()}:{event.args['number']}")}
    if bytes(log.address) == KINDS[Kind.GOVERNOR]:
        return {("proposal.created", str(one.proposal_id)) for one in Proposal.objects.filter(log=log)}
    return set()


def _decoded(log: RawLog) -> Event | None:
    try:
        return decode(Kind.MODULE, log)
    except Undecodable:
        return None


def test_the_last_word_of_every_mail_is_so(monkeypatch):
    monkeypatch.setattr(send, "WAIT_FOR_SUMMARY", datetime.timedelta(0))  # no model writes any here
    happened: Counter[str] = Counter()

    @seed(0)
    @settings(
        max_examples=_RUNS, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink), report_multiple_bugs=False,
    )  # fmt: skip
    @given(plans())
    def played(plan: Plan) -> None:
        live(plan, happened, MailedRun)

    played()
    print(f"{_RUNS} runs: {happened['mails']} mails, {happened['corrections']} of them corrections")
    assert happened["mails"]
    if _RUNS >= 50:
        assert happened["corrections"]
