# SPDX-License-Identifier: Apache-2.0
"""What the functions of other protocols mean, one row a function (`meaning.Meaning`).

Names, parameters and selectors are in `agent/understanding/functions`; here is what the words of a member need: what
moves, from whom to whom, and one sentence.
"""

from agent.understanding.effects.act import Handler
from agent.understanding.effects.families.protocols import (
    ens,
    exchanges,
    lending,
    safes,
    streams,
    votes,
    zodiac,
)
from agent.understanding.effects.families.protocols.meaning import Handler as RowHandler
from agent.understanding.effects.wording import TABLE

ROWS = [*ens.ROWS, *lending.ROWS, *streams.ROWS, *safes.ROWS, *votes.ROWS, *exchanges.ROWS]
TABLE.add({code: text for row in ROWS for code, text in row.sentences.items()})
MEANINGS: dict[str, Handler] = {**zodiac.MEANINGS, **{row.signature: RowHandler(row) for row in ROWS}}
