# SPDX-License-Identifier: Apache-2.0
"""Every incident has one of the listed kinds, and one module writes them."""

import ast
from pathlib import Path

import pytest

from governance import incidents
from governance.incidents import Kind
from governance.models import Chain, Dao, SyncIncident

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("governance", "agent", "replay", "presentation", "webapp", "dao", "bench")
WRITES = {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update"}


@pytest.fixture
def dao(db):
    return Dao.objects.create(chain=Chain.objects.create(chain_id=77, name="made up"), slug="d", name="D")


def offences(source: str) -> list[str]:
    """Lines of a module that write incidents themselves, or name one of their kinds as a text."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            names = called.replace("(", ".").split(".")
            if called == "SyncIncident" or (names[-1] in WRITES and {"SyncIncident", "incidents"} & set(names)):
                found.append(f"{node.lineno}: {called}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in set(Kind):
            found.append(f"{node.lineno}: {node.value!r}")
    return found


def test_one_module_writes_incidents_and_nobody_names_a_kind_as_text():
    modules = [
        path
        for layer in PRODUCT
        for path in sorted((ROOT / layer).rglob("*.py"))
        if path.parent.name != "migrations" and path != Path(incidents.__file__)
    ]
    assert len(modules) > 100
    found = {str(path.relative_to(ROOT)): offences(path.read_text()) for path in modules}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "SyncIncident(dao=dao, kind=made)",
        "SyncIncident.objects.create(dao=dao, kind=made)",
        "SyncIncident.objects.filter(dao=dao).get_or_create(kind=made)",
        "dao.incidents.create(kind=made)",
        "found.filter(kind='missed_logs')",
        "found.filter(kind__in=['reorg', made])",
        "incident.kind == 'gap'",
    ],
)
def test_such_code_is_found(source):
    assert len(offences(source)) == 1


def test_code_that_uses_the_kinds_is_not_found():
    assert offences("incidents.note(dao, Kind.GAP, detail='a gap')\nfound.filter(kind__in=(Kind.GAP,)).count()") == []


def test_an_unknown_kind_is_refused(dao):
    with pytest.raises(ValueError, match="made_up"):
        incidents.note(dao, "made_up", detail="")
    with pytest.raises(ValueError, match="made_up"):
        incidents.note_once(dao, "made_up", detail="")
    with pytest.raises(ValueError, match="made_up"):
        incidents.note_many(dao, "made_up", [{"detail": ""}])
    with pytest.raises(ValueError, match="made_up"):
        incidents.resolve(dao, Kind.GAP, "made_up")
    assert not SyncIncident.objects.exists()


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_stored_as_its_text(dao, kind):
    incidents.note(dao, kind, detail="seen")
    incidents.note_many(dao, kind, [{"detail": "seen too"}])
    assert list(SyncIncident.objects.values_list("kind", flat=True)) == [kind.value] * 2
    assert type(SyncIncident.objects.first().kind) is str
    incidents.resolve(dao, kind)
    assert not SyncIncident.objects.filter(resolved_at=None).exists()


def test_one_incident_is_open_for_each_kind_and_each_subject(dao):
    first, is_new = incidents.note_once(dao, Kind.NODE_ERROR, detail="no connection")
    assert is_new
    assert incidents.note_once(dao, Kind.NODE_ERROR, detail="no connection again") == (first, False)
    seven, _ = incidents.note_once(dao, Kind.GAP, about={"proposal_id": "7"}, detail="7")
    eight, _ = incidents.note_once(dao, Kind.GAP, about={"proposal_id": "8"}, detail="8")
    assert incidents.note_once(dao, Kind.GAP, about={"proposal_id": "7"}, detail="7") == (seven, False)
    assert seven != eight
    incidents.resolve(dao, Kind.GAP, facts={"proposal_id": "7"})
    again, is_new = incidents.note_once(dao, Kind.GAP, about={"proposal_id": "7"}, detail="7")
    assert is_new
    assert again != seven
    assert set(SyncIncident.objects.filter(resolved_at=None)) == {first, eight, again}
