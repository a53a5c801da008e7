# SPDX-License-Identifier: Apache-2.0
"""The document behind a policy's code, and every version of a policy: the vote that set it, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass

from governance.chain.native import native_token
from governance.models import PolicyVersion, Proposal
from policies.code.encoding import policy_id
from policies.code.policy_code import PolicyCode
from policies.notation.amounts import Token
from policies.notation.hexadecimal import hex_text
from policies.words.diff import Change, diff
from presentation import titles
from presentation.dao_view import DaoView
from presentation.policies import decode_version
from presentation.proposals import executed_with
from webapp.policies import texts

MOST_VERSIONS = 12


@dataclass(frozen=True)
class DocumentView:
    """The document whose hash stands in the code. `text` is None where this mirror has not found it."""

    document_hash: bytes
    text: str | None

    @property
    def name(self) -> str:
        return hex_text(self.document_hash)

    def policy_name(self, id_: bytes) -> str:
        """The policy's name in the document; empty where none is kept, or where the id is made of another."""
        name = texts.name_in(self.document_hash, self.text) if self.text is not None else ""
        return name if name and policy_id(name) == id_ else ""


@dataclass(frozen=True)
class VersionView:
    """One version: the proposal that set it, and what it changed of the one before; None: not known."""

    version: PolicyVersion
    proposal: Proposal | None
    changes: tuple[Change, ...] | None
    is_first: bool

    @property
    def lines(self) -> list[str]:
        """What the version changed, a sentence each."""
        return [str(change) for change in self.changes or ()]

    @property
    def title(self) -> str:
        return titles.title_of(self.proposal.description, self.proposal.proposal_id) if self.proposal else ""


def document_of(code: PolicyCode) -> DocumentView:
    """The document that the code names. One query."""
    return DocumentView(code.document_hash, texts.text_of(code.document_hash))


def versions_of(place: DaoView, newest: PolicyVersion) -> list[VersionView]:
    """The policy's versions, the newest first, with what each changed of the one before it. Asks no node."""
    rows = list(
        PolicyVersion.objects.filter(module=newest.module_id, policy_id=newest.policy_id)
        .select_related("log__unconfirmed")
        .order_by("-version")[: MOST_VERSIONS + 1]
    )
    proposals = executed_with(place.dao, [row.log for row in rows])
    found = []
    for row, before in zip(rows, [*rows[1:], None], strict=True):
        changes = None if before is None else _changes(place, before, row)
        found.append(VersionView(row, proposals.get(bytes(row.log.transaction_hash)), changes, before is None))
    return found[:MOST_VERSIONS]


def _changes(place: DaoView, before: PolicyVersion, after: PolicyVersion) -> tuple[Change, ...] | None:
    old, new = decode_version(before)[0], decode_version(after)[0]
    if old is None or new is None:
        return None
    tokens = {
        address: Token(asset.symbol, address, asset.decimals) for address, asset in place.assets.items() if asset.known
    }
    native = native_token(place.dao.chain_id)
    return tuple(diff(old, new, place.names, {**tokens, native.address: native}))
