# SPDX-License-Identifier: Apache-2.0
"""The documents that members read: kept by the hash that stands in the policy's code, so that anybody can fetch them.

A text is what its hash says and nothing else: where it came from needs no trust. It comes from the description of a
proposal (a fenced block), from a file that an operator gives, or from another mirror.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator

import httpx
from django.db import transaction
from django.utils.translation import gettext

from governance.audit_log import Action, record
from governance.chain.call import call_of
from governance.chain.module import SET_POLICY
from governance.models import Contract, Proposal
from policies.document.document import load
from policies.document.published import published
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import selector
from policies.notation.problems import PolicyError
from policies.notation.visible import one_line
from webapp.models import PolicyText, SearchedProposal

MAX_BYTES = 128 * 1024
MOST_PROPOSALS = 50  # searched in a round, the newest first
MOST_BLOCKS = 8  # of one description
PROPOSAL_CPU_S = 5  # no block of a description is begun after so much work on it
ROUND_CPU_S = 10  # nor a proposal after so much in a round
_TIMEOUT_S = 20
_FENCED = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[ \t]*(?:ya?ml|json)?[ \t]*\r?\n(?P<text>.*?)^(?P=fence)[ \t]*\r?$",
    re.MULTILINE | re.DOTALL,
)


class BadText(ValueError):
    """A text that can't be kept: one line that says why."""


def read(text: str) -> tuple[bytes, str]:
    """The document hash of a text that is complete by itself, and the text as it is published. Raises BadText.

    Names, lists and ABIs from outside must be frozen in it, as `policy compile --document` writes it.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadText(gettext("the document is larger than %(size)s KiB") % {"size": MAX_BYTES // 1024})
    try:
        return published(text)
    except PolicyError as error:
        problem = one_line(str(error.problems[0]), 200)
        raise BadText(
            gettext("this is no document that is complete by itself: %(problem)s") % {"problem": problem}
        ) from None


def keep(text: str) -> bytes:
    """Keep a text by its hash, and return the hash. One that is kept already stays as it is. Raises BadText."""
    found, plain = read(text)
    with transaction.atomic():
        _, is_new = PolicyText.objects.get_or_create(document_hash=found, defaults={"text": plain})
        if is_new:
            record(Action.POLICY_DOCUMENT_KEPT, document=hex_text(found))
    return found


def text_of(document_hash: bytes) -> str | None:
    """The document with this hash, or None where none is kept."""
    row = PolicyText.objects.filter(document_hash=document_hash).first()
    return row.text if row else None


@functools.lru_cache(maxsize=64)
def name_in(_document_hash: bytes, text: str) -> str:
    """The name that a kept document gives its policy; empty where the document can't be read any more."""
    try:
        return load(text).name
    except PolicyError:
        return ""


def fetch(document_hash: bytes, mirror: str) -> str:
    """Fetch a document from another mirror, check its hash, and keep it as it is published. Raises BadText."""
    url = f"{mirror.rstrip('/')}/policies/{hex_text(document_hash)}.yaml"
    try:
        with httpx.stream("GET", url, timeout=_TIMEOUT_S, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise BadText(gettext("%(url)s answers %(status)s") % {"url": url, "status": answer.status_code})
            raw = bytearray()
            for piece in answer.iter_bytes():
                raw += piece
                if len(raw) > MAX_BYTES:
                    raise BadText(gettext("the document is larger than %(size)s KiB") % {"size": MAX_BYTES // 1024})
        text = raw.decode("utf-8")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = {"url": url, "problem": type(error).__name__}
        raise BadText(gettext("%(url)s can't be read: %(problem)s") % problem) from None
    except UnicodeDecodeError:
        raise BadText(gettext("%(url)s is not UTF-8 text") % {"url": url}) from None
    found, plain = read(text)
    if found != document_hash:
        other = {"url": url, "hash": hex_text(found)}
        raise BadText(gettext("%(url)s is another document: its hash is %(hash)s") % other)
    keep(plain)
    return plain


def blocks(description: str) -> Iterator[str]:
    """The fenced blocks of a proposal's text that may be policies, the first ones only."""
    if "```" not in description and "~~~" not in description:
        return
    for number, match in enumerate(_FENCED.finditer(description)):
        if number >= MOST_BLOCKS:
            return
        if "agent" in match["text"] and "rules" in match["text"]:
            yield match["text"]


def find_in_proposals() -> int:
    """Keep the documents that stand in proposals and whose hash stands in one of their calls; the newest come first.

    Each proposal is searched once, and a round ends after some seconds: what is left is for the next one. Returns how
    many are new. A block that is another document than the one that is voted on is not kept.
    """
    kept, began_s = 0, time.process_time()
    with_module = Contract.objects.filter(kind=Contract.Kind.MODULE).values("dao")
    proposals = Proposal.objects.filter(dao__in=with_module, description__contains="rules").exclude(
        pk__in=SearchedProposal.objects.values("proposal")
    )
    newest = proposals.order_by("-created_block", "-id").prefetch_related("actions")
    for proposal in newest[:MOST_PROPOSALS]:
        SearchedProposal.objects.get_or_create(proposal=proposal)  # first: a text that kills the worker does so once
        kept += _find_in(proposal)
        if time.process_time() - began_s >= ROUND_CPU_S:
            break
    return kept


def search_again() -> None:
    """Let every proposal be searched once more."""
    SearchedProposal.objects.all().delete()


def _find_in(proposal: Proposal) -> int:
    kept, began_s = 0, time.process_time()
    calls = [call_of(action).calldata for action in proposal.actions.all()]
    if not any(selector(SET_POLICY) in call for call in calls):
        return 0  # wherever it stands: a timelock's batch carries it too
    for block in blocks(proposal.description):
        if time.process_time() - began_s >= PROPOSAL_CPU_S:
            break
        kept += _keep_if_called(block, calls)
    return kept


def _keep_if_called(block: str, calls: list[bytes]) -> int:
    try:
        found, _ = read(block)
    except BadText:
        return 0
    if PolicyText.objects.filter(document_hash=found).exists() or not any(found in call for call in calls):
        return 0
    keep(block)
    return 1
