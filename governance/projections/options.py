# SPDX-License-Identifier: Apache-2.0
"""Optimism's and Agora's voting modules: which kind of proposal it is, what its options are, and what each got.

A module's proposal carries data in place of calls, and an approval vote carries the options it approves in `params`:
`abi.encode(uint256[])`. The kind is told by the data's own shape, for the modules' addresses change with each version.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.chain import abi
from governance.models import Proposal, Vote
from governance.projections.events import text_of
from policies.notation.hexadecimal import hex_bytes


class ProposalKind(StrEnum):
    """How a proposal is decided."""

    STANDARD = "standard"  # for, against, abstain, on calls
    APPROVAL = "approval"  # voters approve options
    OPTIMISTIC = "optimistic"  # passes unless enough are against
    UNKNOWN = "unknown"  # a module whose data has neither shape


# (ProposalOption[], ProposalSettings(maxApprovals, criteria, budgetToken, criteriaValue, budgetAmount)): the newer
# modules' options begin with what they may spend.
_OPTIONS = ("(uint256,address[],uint256[],bytes[],bytes)[]", "(address[],uint256[],bytes[],bytes)[]")
_SETTINGS = "(uint8,uint8,address,uint128,uint128)"
_OPTIMISTIC = ["uint248", "bool"]  # how many against stop it; whether that is relative to the votable supply


@dataclass(frozen=True)
class Approval:
    """What an approval proposal asks: the options' texts, and how many a voter may approve."""

    options: tuple[str, ...]
    most_approvals: int


def approval_of(data: bytes) -> Approval | None:
    """The options of an approval module's proposal data; None where it has another shape."""
    for options_type in _OPTIONS:
        try:
            options, settings = abi.decode([options_type, _SETTINGS], data, canonical=False)
        except abi.NotCanonical:
            continue
        return Approval(tuple(text_of(option[-1]) for option in options), settings[0])
    return None


def kind_of(extra: dict[str, Any]) -> ProposalKind:
    """The kind of a proposal by what its creation said beside the calls (`Proposal.extra`)."""
    if "voting_module" not in extra:
        return ProposalKind.STANDARD
    data = hex_bytes(str(extra.get("proposal_data", "0x")))
    if len(data) == 64:
        try:
            abi.decode(_OPTIMISTIC, data)
        except abi.NotCanonical:
            return ProposalKind.UNKNOWN
        return ProposalKind.OPTIMISTIC
    return ProposalKind.UNKNOWN if approval_of(data) is None else ProposalKind.APPROVAL


def approved(params: bytes) -> tuple[int, ...]:
    """The options that a vote's params approve, each once, ascending; none where they are not such params."""
    try:
        (options,) = abi.decode(["uint256[]"], params, canonical=False)
    except abi.NotCanonical:
        return ()
    return tuple(sorted(set(options)))


def option_tallies(proposal: Proposal) -> dict[int, int]:
    """The weight that approved each option of an approval proposal, base units of the votes token, exactly. Options
    that nobody approved stand with 0; what is voted for and does not exist is not counted.

    A vote against or an abstention approves nothing (the module reads the params of votes in favour alone).
    """
    if kind_of(proposal.extra) is not ProposalKind.APPROVAL:
        return {}
    asked = approval_of(hex_bytes(proposal.extra["proposal_data"]))
    assert asked is not None
    sums: Counter[int] = Counter({option: 0 for option in range(len(asked.options))})
    votes = Vote.objects.filter(proposal=proposal, support=1)
    for params, weight in votes.values_list("params", "weight").iterator(chunk_size=5000):
        for option in approved(bytes(params)):
            if option < len(asked.options):
                sums[option] += weight
    return dict(sums)
