# SPDX-License-Identifier: Apache-2.0
"""Ask the chain once of each proposal's accounts, keep the answer, and judge the proposal again by it.

Only of proposals that can still be decided: what is over needs no warning, and nodes keep little of old states. The
answer is of the block in which the proposal was made, so it never grows old; a reorg takes it with the proposal.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from agent.models import ChainFacts
from agent.understanding import summaries
from agent.understanding.effects import with_published_tokens
from agent.understanding.live import asking
from agent.understanding.live.facts import NEW_DAYS, Facts
from agent.understanding.mirror_book import book_of
from agent.understanding.words import say
from agent.work_names import FACTS_WORK
from governance import block_time, endpoints, work
from governance.chain.call import call_of
from governance.chain.rpc import Answered, Rpc, RpcError
from governance.models import Proposal

_AGAIN_S = 60  # before a node that failed is asked again


def ask_due() -> int:
    """Ask of the proposal that is due longest. Returns how many were begun (at most one: a node may be slow)."""
    return work.run_due(FACTS_WORK, limit=1)


@work.worker(FACTS_WORK)
def _ask(_key: str, arguments: dict) -> None:
    proposal = Proposal.objects.filter(dao_id=arguments["dao"], proposal_id=int(arguments["proposal"])).first()
    if proposal is None:
        raise work.Abandon(say("proposal_gone"))
    if ChainFacts.objects.filter(proposal=proposal).exists() or not summaries.is_undecided(proposal):
        return
    try:
        with endpoints.known(proposal.dao.chain_id) as rpc:
            facts = asked(rpc, proposal)
    except RpcError as error:
        raise work.Again(timezone.now() + timedelta(seconds=_AGAIN_S), error.sentence) from error
    keep(proposal, facts)


def asked(rpc: Rpc, proposal: Proposal) -> Facts | None:
    """Ask of a proposal's accounts; None where the nodes answer that they don't have the state of its block.

    Raises:
        RpcError: no node can be asked now.
    """
    calls = [call_of(action) for action in proposal.actions.all()]
    book = with_published_tokens(calls, book_of(proposal.dao))
    seconds = block_time.block_s(proposal.dao.chain_id)
    before = proposal.created_block - round(NEW_DAYS * 86_400 / seconds) if seconds else 0
    block_hash = bytes(proposal.log.block_hash)
    try:
        return asking.ask(rpc, proposal.description, calls, book, block_hash, before if before > 0 else None)
    except Answered:
        return None


def keep(proposal: Proposal, facts: Facts | None) -> None:
    """Keep what the chain said of a proposal, and judge what is stored of it again."""
    body = facts.as_json() if facts else {}
    with transaction.atomic():
        if not Proposal.objects.select_for_update(no_key=True).filter(pk=proposal.pk).exists():
            return
        ChainFacts.objects.get_or_create(
            proposal=proposal,
            defaults={
                "block_number": proposal.log.block_number,
                "block_hash": proposal.log.block_hash,
                "is_answered": facts is not None,
                **body,
            },
        )
    for summary in proposal.summaries.all() if facts else ():
        summaries.judge_again(summary)
