# SPDX-License-Identifier: Apache-2.0
"""A mirror as text that names no row's number: what two mirrors of one chain must have in common, byte for byte."""

from collections import Counter
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model

from governance.models import (
    Contract,
    Dao,
    OutboxEntry,
    RawLog,
    RefusedAct,
    ScannedRange,
    SyncIncident,
)

# By their own words in governance/models, so that a new projection is compared without being named here.
PROJECTIONS = [m for m in apps.get_app_config("governance").get_models() if (m.__doc__ or "").startswith("Projection")]


def dump(dao: Dao) -> dict[str, list[str]]:
    """Each table's rows of the DAO in an order of their own, references as what they refer to."""
    found = {}
    for model in [RawLog, RefusedAct, ScannedRange, *PROJECTIONS]:
        references = [field.name for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
        rows = model._default_manager.filter(**{_way_to_dao(model): dao}).select_related(*references)
        found[model.__name__] = sorted(_shown(row) for row in rows)
    return found


def _way_to_dao(model: type[Model]) -> str:
    names = {field.name for field in model._meta.get_fields()}
    if "dao" in names:
        return "dao"
    for name in ("proposal", "act", "module", "contract"):
        if name in names:
            return f"{name}__dao"
    raise AssertionError(f"{model.__name__} leads to no DAO")


def _shown(row: Model) -> str:
    # Which row it is and whose is not of the chain.
    fields = [field for field in row._meta.concrete_fields if field.name not in ("id", "dao")]
    return ", ".join(f"{field.name}={_value(row, field)}" for field in fields)


def _value(row: Model, field: Any) -> str:
    value = getattr(row, field.name)
    if isinstance(field, ForeignKey) and value is not None:
        return _name(value)
    if isinstance(value, bytes | memoryview):
        return "0x" + bytes(value).hex()
    return repr(value)


def _name(row: Model) -> str:
    match row:
        case RawLog():
            return f"0x{bytes(row.block_hash).hex()}:{row.transaction_index}:{row.log_index}"
        case Contract():
            return f"{row.kind}:0x{row.address.hex()}"
    for names in (("proposal_id",), ("policy_id", "number")):
        if all(hasattr(row, name) for name in names):
            return ":".join(str(getattr(row, name)) for name in names)
    raise AssertionError(f"{type(row).__name__} has no name of its own")


def standing(dao: Dao) -> Counter[tuple[str, str, int]]:
    """What the outbox has told and not taken back. Fails where something is taken back that was not told before."""
    told: Counter[tuple[str, str, int]] = Counter()
    for entry in OutboxEntry.objects.filter(dao=dao).order_by("id"):
        key = (entry.topic.removesuffix(".undone"), entry.key, entry.block_number)
        told[key] += -1 if entry.topic.endswith(".undone") else 1
        assert told[key] >= 0, f"{entry.topic} {key} was taken back and not told"
    return +told


def open_incidents(dao: Dao, *kinds: str) -> list[str]:
    """Open incidents of these kinds, as text."""
    found = SyncIncident.objects.filter(dao=dao, kind__in=kinds, resolved_at=None).values_list("kind", "facts")
    return sorted(f"{kind} { {k: v for k, v in facts.items() if k != 'contract'} }" for kind, facts in found)
