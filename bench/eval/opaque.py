# SPDX-License-Identifier: Apache-2.0
"""How many calls of real proposals nobody can read: a part of `make eval`, or `python -m bench.eval.opaque` alone.

A call is whatever is called, inner calls of batches and Safes included; ether that goes along is none. Of each set:

- `in_all`: with everything that the agent knows;
- `blind`: with the table as it came out of packages, before anybody added a function or an address by hand;
- `by_its_own_words`: calls that only the proposal's own signature names. They count as opaque when blind, not in all;
- `why`: the reasons that the agent gives, by code.

The bounds are for the 26 proposals that a person read; the exit status says whether they hold.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
django.setup()

from agent.understanding import functions  # noqa: E402
from agent.understanding.effects import Effect, effects_of  # noqa: E402
from bench.eval import data  # noqa: E402
from governance.chain import abi  # noqa: E402

RESULTS = Path(__file__).resolve().parents[1] / "results" / "opaque.json"
_PINNED = functions.packages()
BOUNDS = {"blind": 0.04, "in_all": 0.03}
MOST_PROPOSALS = 3  # of the 26 that may have an opaque call


def by_hand(effect: Effect) -> bool:
    """Whether an effect is only known by a line that a person wrote into the table."""
    known = [one for one in functions.candidates(effect.selector) if one.signature == effect.function]
    own = any(one.signature == effect.function for one in abi.registry().functions.get(effect.selector, ()))
    if known and not own and all(one.by_hand for one in known):
        return True
    return any(found.source not in _PINNED for address in effect.through for found in functions.deployments(address))


def opaque_share(proposals: Sequence[data.Proposal]) -> dict[str, Any]:
    """Return the counts for a set of proposals."""
    calls = in_all = blind = words = with_opaque = with_blind = 0
    why: Counter[str] = Counter()
    for proposal in proposals:
        found = [effect for effect in effects_of(proposal.calls, proposal.book) if not effect.along]
        dark = [effect for effect in found if effect.is_opaque]
        named = [effect for effect in found if effect.source == "proposal" and not effect.is_opaque]
        unseen = [effect for effect in found if effect.is_opaque or effect.source == "proposal" or by_hand(effect)]
        calls, in_all, blind, words = calls + len(found), in_all + len(dark), blind + len(unseen), words + len(named)
        with_opaque, with_blind = with_opaque + bool(dark), with_blind + bool(unseen)
        why.update(effect.why.code for effect in dark if effect.why is not None)
    return {
        "proposals": len(proposals),
        "calls": calls,
        "in_all": in_all,
        "blind": blind,
        "by_its_own_words": words,
        "proposals_with_opaque": with_opaque,
        "proposals_with_opaque_blind": with_blind,
        "why": dict(why.most_common()),
    }


def missed(counts: dict[str, Any]) -> list[str]:
    """Return what of the bounds the 26 read proposals miss."""
    found = [
        f"{name}: {counts[name]} of {counts['calls']} calls are more than {bound:.0%}"
        for name, bound in BOUNDS.items()
        if counts[name] > bound * counts["calls"]
    ]
    if counts["proposals_with_opaque"] > MOST_PROPOSALS:
        found.append(f"{counts['proposals_with_opaque']} proposals have an opaque call, more than {MOST_PROPOSALS}")
    return found


def main() -> int:
    """Return 0, 1 where a bound is missed, 2 where the data is not there."""
    if not data.is_here():
        print("opaque: there is no folder shared/ with proposals beside this repository", file=sys.stderr)
        return 2
    read = opaque_share(data.honest())
    result = {
        "read": read,
        "uniswap": opaque_share(data.uniswap()),
        "optimism": opaque_share(data.optimism()),
        "missed": missed(read),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 1 if result["missed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
