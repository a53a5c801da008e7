# SPDX-License-Identifier: Apache-2.0
"""The end of a policy by a vote: which policies can be ended, and the call that does it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from governance import standing
from governance.chain.call import ProposedCall
from governance.chain.module import SHORTEN
from governance.models import Contract, PolicyVersion
from policies.notation.amounts import parse_time
from policies.notation.hexadecimal import hex_text
from presentation import words
from presentation.dao_view import DaoView
from presentation.policies import decode_version, read_on_chain
from webapp.drafts.arguments import BadArgument, calldata

_HOUR_S = 3600  # the module counts ends in whole hours


@dataclass(frozen=True)
class Ending:
    """A policy that a vote can end earlier. `end_chain_s`: when it ends now, by the module where it was asked, else by
    its code; None where neither is known."""

    version: PolicyVersion
    end_chain_s: int | None

    @property
    def key(self) -> str:
        """What the form sends for it."""
        return f"{words.address_text(bytes(self.version.module.address))}:{hex_text(self.version.policy_id)}"

    @property
    def title(self) -> str:
        values = {
            "policy": words.short(hex_text(self.version.policy_id)),
            "version": self.version.version,
            "module": words.short(words.address_text(bytes(self.version.module.address))),
        }
        if self.end_chain_s is None:
            return gettext("%(policy)s, version %(version)s, of module %(module)s") % values
        values["end"] = words.moment(self.end_chain_s)
        return gettext("%(policy)s, version %(version)s, of module %(module)s, until %(end)s") % values


def offered(place: DaoView) -> list[Ending]:
    """Return the policies that have not ended yet, as far as the mirror knows. No node is asked."""
    found = [_ending(version) for version in standing.policies_in_force(place.dao)]
    return [one for one in found if one.end_chain_s is None or one.end_chain_s > place.now_chain_s]


def _ending(version: PolicyVersion) -> Ending:
    if (said := read_on_chain(version)) is not None:
        return Ending(version, said[1].end_chain_s)
    code, _ = decode_version(version)
    return Ending(version, code.end_s if code else None)


def end(place: DaoView, policy: str, until: str) -> tuple[Contract, ProposedCall]:
    """Return the module, and the call that ends one of its policies at a time such as 2026-12-31T00:00Z.

    Raises:
        BadArgument: the policy is none of `offered`, or would not end earlier.
        Unclear: what is written is no time.
    """
    chosen = next((one for one in offered(place) if one.key == policy), None)
    if chosen is None:
        raise BadArgument(gettext("choose the policy that ends"))
    end_s = parse_time(until.strip())
    if chosen.end_chain_s is not None and end_s // _HOUR_S >= chosen.end_chain_s // _HOUR_S:
        text = gettext("the policy ends at %(end)s: write an earlier hour")
        raise BadArgument(text % {"end": words.moment(chosen.end_chain_s)})
    module = chosen.version.module
    data = calldata(SHORTEN, f"{hex_text(chosen.version.policy_id)}\n{end_s}")
    return module, ProposedCall(bytes(module.address), 0, b"", data)
