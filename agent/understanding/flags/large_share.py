# SPDX-License-Identifier: Apache-2.0
"""A tenth or more of what the treasury holds moves."""

from collections import defaultdict
from collections.abc import Iterator

from django.utils.translation import gettext_noop

from agent.understanding.effects import UNLIMITED, Effect, Kind
from agent.understanding.flags.flag import Case, Found, Rule, Severity, ids

LARGE_SHARE_BPS = 1_000  # a tenth of what the treasury holds of an asset


def find(case: Case) -> Iterator[Found]:
    by_asset: defaultdict[bytes, list[Effect]] = defaultdict(list)
    for effect in case.effects:
        # What leaves or may be taken. An unlimited approval has a flag of its own.
        leaves = effect.kind in {Kind.TRANSFER, Kind.APPROVE} and effect.asset is not None
        if leaves and effect.amount and effect.amount < UNLIMITED:
            by_asset[effect.asset].append(effect)
    for asset, chosen in by_asset.items():
        balance = case.balances.get(asset)
        if balance is None:
            continue
        total = sum(e.amount or 0 for e in chosen)
        if total * 10_000 >= balance * LARGE_SHARE_BPS:
            says = "more_than_held" if total > balance else "large_share"
            values = {"amount": case.book.amount(asset, total), "held": case.book.amount(asset, balance)}
            yield Found(values, ids(chosen), says=says)


RULE = Rule(
    code="large_share",
    severity=Severity.WARNING,
    words={
        "large_share": gettext_noop("{amount} of {held} that the treasury holds: a tenth or more."),
        "more_than_held": gettext_noop("{amount}, more than the {held} that the treasury holds."),
    },
    page=(
        "Evidence: all transfers and approvals of one asset together, against what the treasury holds of it as "
        "the mirror knows it. Not raised where the mirror does not know the balance."
    ),
    find=find,
)
