# SPDX-License-Identifier: Apache-2.0
"""Calls -> effects: what a proposal does, decoded without any model, each said in one plain sentence by template.

`opening` decodes; `families/` hold what functions mean, one file a family; `wording` the form of the sentences;
`book` what names addresses, units and contracts.
"""

from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import ETHER, UNLIMITED, BadBook, Book, Contract, Token
from agent.understanding.effects.effect import Argument, Effect, Kind
from agent.understanding.effects.opening import MAX_DEPTH, MAX_EFFECTS, effects_of
from agent.understanding.effects.published import with_published_tokens
from agent.understanding.effects.shown import shown
from governance.sentences import Sentence

__all__ = [
    "ETHER",
    "MAX_DEPTH",
    "MAX_EFFECTS",
    "UNLIMITED",
    "Act",
    "Argument",
    "BadBook",
    "Book",
    "Contract",
    "Effect",
    "Handler",
    "Kind",
    "Made",
    "Sentence",
    "Token",
    "effects_of",
    "make",
    "shown",
    "with_published_tokens",
]
