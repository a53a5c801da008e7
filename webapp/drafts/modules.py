# SPDX-License-Identifier: Apache-2.0
"""Which policy module a draft's policy, or the pause that it lifts, is for: a DAO may have had several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext

from governance import standing
from governance.models import Contract
from presentation import words
from presentation.dao_view import DaoView
from webapp.drafts.arguments import BadArgument


@dataclass(frozen=True)
class Modules:
    """A DAO's policy modules, which of them are paused, and what the chain says of those that are not in power."""

    known: tuple[Contract, ...]
    paused: frozenset[int]  # primary keys
    notes: dict[bytes, str]  # by the module's address, a sentence

    @classmethod
    def of(cls, place: DaoView) -> Modules:
        """Ask the mirror; no node is asked."""
        modules = tuple(place.contracts["module"])
        notes: dict[bytes, str] = {}
        if modules:
            for stopped in standing.known(place.dao).stopped:
                notes.setdefault(stopped.module, stopped.words)
        return cls(modules, frozenset(pk for pk, state in place.module_states.items() if state.paused), notes)

    def offered(self, kind: str) -> list[Contract]:
        """Return the modules that an action of a kind can be meant for: those in power, where there are any, and of
        them those that are paused, where a pause is lifted."""
        in_power = [module for module in self.known if bytes(module.address) not in self.notes]
        if kind == "unpause":
            for among in (in_power, self.known):
                if paused := [module for module in among if module.pk in self.paused]:
                    return paused
        return in_power or list(self.known)

    def chosen(self, kind: str, written: str) -> Contract:
        """Return the module that an action is for. Raises BadArgument where its author has to choose."""
        offered = self.offered(kind)
        if not offered:
            raise BadArgument(gettext("this DAO has no policy module that is known here"))
        if not written and len(offered) == 1:
            return offered[0]
        for module in offered:
            if words.address_text(bytes(module.address)) == written:
                return module
        raise BadArgument(gettext("choose the policy module"))

    def notes_of(self, modules: Iterable[Contract]) -> list[str]:
        """Return what the chain says of those of these modules that are not in power, a sentence each, once."""
        addresses = dict.fromkeys(bytes(module.address) for module in modules)
        return [self.notes[address] for address in addresses if address in self.notes]
