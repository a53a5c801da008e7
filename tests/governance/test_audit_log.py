# SPDX-License-Identifier: Apache-2.0
"""The audit log: one chain whoever writes at once, nothing of it can be changed unseen, and no secret is in it."""

import csv
import hashlib
import io
import json
import threading
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from governance import audit_log
from governance.acting import Via, acting
from governance.audit_log import Action, bundle, record, stored
from governance.audit_log.plain import MOST_TEXT, plain
from governance.models import AuditEntry


def _seal() -> None:
    """Have the database chain what this test's transaction wrote, as it does when one commits."""
    with connection.cursor() as sql:
        sql.execute("SET CONSTRAINTS ALL IMMEDIATE")
        sql.execute("SET CONSTRAINTS ALL DEFERRED")


def _write(count: int) -> None:
    for number in range(count):
        record(Action.AGENT_STOPPED, reason="test", number=number)
    _seal()


def _exported(**options: object) -> str:
    out = io.StringIO()
    call_command("audit_log", "export", stdout=out, **options)
    return out.getvalue()


def _verified(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("audit_log", "verify", *arguments, stdout=out, stderr=err)
    except SystemExit:
        assert err.getvalue(), "it says why"
        return err.getvalue()
    return out.getvalue()


@pytest.mark.django_db
def test_an_entry_says_who_what_and_which_way_in() -> None:
    with acting(Via.PAGE, lambda: "operations", lambda: b"\x11" * 20):
        record(Action.AGENT_STARTED, halts=[3], because="looked at it")
    _seal()
    body = json.loads(AuditEntry.objects.get().body)
    assert body["by"] == {"via": "page", "name": "operations", "account": "0x" + "11" * 20}
    assert (body["action"], body["values"]) == ("agent_started", {"halts": ["3"], "because": "looked at it"})


@pytest.mark.django_db
def test_entries_are_chained_and_hold() -> None:
    _write(3)
    assert [entry.number for entry in stored.entries()] == [1, 2, 3]
    found = stored.check_all()
    assert (found.entries, found.problem, found.head) == (3, "", stored.head()[1])
    assert [entry.number for entry in stored.page(before=3, size=5)] == [2, 1]


@pytest.mark.django_db
def test_the_database_goes_on_from_entries_of_the_version_before() -> None:
    """Which another process may still write while this version is rolled out."""
    body = json.dumps({"format": bundle.OLD_ENTRY_FORMAT, "values": {}}, separators=(",", ":"))
    AuditEntry.objects.create(body=body)
    _seal()
    _write(2)
    found = list(stored.entries())
    assert [bundle.covers_number(entry) for entry in found] == [False, True, True]
    assert found[0].hash == bundle.hash_of(bundle.FIRST_PREV, None, body)
    assert found[1].hash == bundle.hash_of(found[0].hash, 2, found[1].body)
    AuditEntry.objects.create(body=body)
    _seal()
    _write(1)
    assert stored.check_all().problem == "", "the process of the version before goes on for a while"


@pytest.mark.django_db
def test_no_entry_comes_with_a_place_of_its_own() -> None:
    AuditEntry.objects.create(body="{}", number=40, prev_hash=b"\1" * 32, hash=b"\2" * 32)
    _seal()
    assert AuditEntry.objects.get().number == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE governance_auditentry SET body = '{}'",
        "UPDATE governance_auditentry SET number = number + 7",
        "DELETE FROM governance_auditentry",
    ],
)
def test_the_database_refuses_to_change_or_delete_entries(change: str) -> None:
    _write(1)
    with pytest.raises(DatabaseError, match="only ever appended"), transaction.atomic(), connection.cursor() as sql:
        sql.execute(change)
    assert stored.check_all().problem == ""


@pytest.mark.django_db
def test_an_entry_that_is_not_chained_yet_can_not_be_given_a_place_by_hand() -> None:
    record(Action.AGENT_STOPPED)
    change = "UPDATE governance_auditentry SET number = 1, prev_hash = body::bytea, hash = body::bytea"
    with pytest.raises(DatabaseError, match="only ever appended"), transaction.atomic(), connection.cursor() as sql:
        sql.execute(change)


@pytest.mark.django_db
def test_emptying_the_table_is_refused() -> None:
    with connection.cursor() as sql, pytest.raises(DatabaseError, match="only ever appended"), transaction.atomic():
        sql.execute("TRUNCATE governance_auditentry")


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    """Four sessions with transactions that overlap, one of which is rolled back each time."""
    together, failed = threading.Barrier(4), []

    def write(writer: int) -> None:
        try:
            for round_ in range(8):
                together.wait(60)
                try:
                    with transaction.atomic():
                        record(Action.AGENT_STOPPED, writer=writer, round=round_)
                        record(Action.AGENT_STARTED, writer=writer, round=round_)
                        if writer == round_ % 4:
                            raise KeyError("this one is taken back")
                except KeyError:
                    pass
        except Exception as error:  # noqa: BLE001 -- told by the test below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed
    found = stored.check_all()
    assert (found.entries, found.problem) == (8 * 3 * 2, "")
    bodies = [json.loads(entry.body)["values"] for entry in stored.entries()]
    assert all(bodies[i] == bodies[i + 1] for i in range(0, len(bodies), 2)), "a transaction's entries stand together"


def _tampered(change: str) -> None:
    with connection.cursor() as sql:
        sql.execute("ALTER TABLE governance_auditentry DISABLE TRIGGER audit_kept")
        sql.execute(change)
        sql.execute("ALTER TABLE governance_auditentry ENABLE TRIGGER audit_kept")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE governance_auditentry SET body = replace(body, 'test', 'best') WHERE number = 2", "entry 2 was chang"),
        ("DELETE FROM governance_auditentry WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM governance_auditentry WHERE number = 1", "entry 1 is missing"),
        ("UPDATE governance_auditentry SET prev_hash = hash WHERE number = 3", "entry 3 does not follow"),
        ("UPDATE governance_auditentry SET number = number + 10", "entry 1 is missing"),
    ],
)
def test_a_change_behind_the_triggers_is_found(change: str, told: str) -> None:
    _write(3)
    _tampered(change)
    assert told in _verified()


@pytest.mark.django_db
def test_a_log_that_was_made_anew_or_cut_is_found_with_what_was_kept_elsewhere(tmp_path) -> None:
    _write(3)
    kept = tmp_path / "kept.json"
    kept.write_text(_exported())
    head = stored.head()[1].hex()
    _seal()
    assert "4 entries" in _verified()
    assert "holds" in _verified("--after", str(kept), "--head", head)
    _tampered("DELETE FROM governance_auditentry WHERE number > 2")
    assert "holds: 2 entries" in _verified(), "the chain alone can't show that its end was cut"
    assert "not there any more" in _verified("--after", str(kept))
    assert "no entry has the hash" in _verified("--head", "0x" + head)
    _tampered("DELETE FROM governance_auditentry")
    _write(4)
    assert "another than in the earlier bundle" in _verified("--after", str(kept))


def chained(*formats: str) -> list[bundle.Entry]:
    """Entries from number 1 on, of these formats."""
    entries, previous = [], bundle.FIRST_PREV
    for number, format_ in enumerate(formats, 1):
        body = json.dumps({"format": format_, "number": str(number)}, separators=(",", ":"))
        covered = number if format_ == bundle.ENTRY_FORMAT else None
        entries.append(bundle.Entry(number, previous, bundle.hash_of(previous, covered, body), body))
        previous = entries[-1].hash
    return entries


def test_a_hash_is_as_the_head_of_the_file_says() -> None:
    """Written out, so that other programs can rely on it."""
    (entry,) = chained(bundle.ENTRY_FORMAT)
    said = bytes(32) + bytes([0, 0, 0, 0, 0, 0, 0, 1]) + b'{"format":"mandate.audit/2","number":"1"}'
    assert entry.hash == hashlib.sha256(said).digest()


def test_numbers_are_in_the_chain(tmp_path) -> None:
    """Of entries of now; a part that is numbered anew, or begins elsewhere than it says, does not hold."""
    entries = chained(*[bundle.ENTRY_FORMAT] * 4)
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle.as_bundle(entries[1:])))
    told = _verified("--file", str(file))
    assert ("holds: 3 entries" in told, "not proven" in told) == (True, False)
    shifted = [replace(entry, number=entry.number + 5) for entry in entries[1:]]
    file.write_text(json.dumps(bundle.as_bundle(shifted)))
    assert "entry 7 was changed" in _verified("--file", str(file))
    # One taken out, and those behind it numbered and chained anew, but for their own hashes.
    for number in (0, -1, 2**63, 2**70):
        file.write_text(json.dumps(bundle.as_bundle([replace(entries[0], number=number)])))
        with pytest.raises(CommandError, match="item 0 of its entries is no entry"):
            _verified("--file", str(file))
    closed = [entries[0], *(replace(entry, number=entry.number - 1) for entry in entries[2:])]
    closed[1] = replace(closed[1], prev_hash=entries[0].hash)
    file.write_text(json.dumps(bundle.as_bundle(closed)))
    assert "entry 2 was changed" in _verified("--file", str(file))


def test_older_entries_hold_before_newer_ones_and_between_them(tmp_path) -> None:
    """While one version follows another, and where a site goes back for an hour, both write."""
    old, new = bundle.OLD_ENTRY_FORMAT, bundle.ENTRY_FORMAT
    assert bundle.check(chained(old, old, new, new)).problem == ""
    mixed = chained(old, new, old, new, old)
    assert bundle.check(mixed).problem == ""
    assert bundle.check([*mixed[:2], *mixed[3:]], first=1).problem == "entry 3 is missing: entry 4 comes in its place"
    file = tmp_path / "mixed.json"
    file.write_text(json.dumps(bundle.as_bundle(mixed[2:])))
    assert "not proven" not in _verified("--file", str(file)), "the fourth entry's hash fixes the third's number"
    (entry,) = chained(old)
    lifted = replace(entry, body=entry.body.replace(old, new))
    assert "was changed" in bundle.check([lifted]).problem
    kept = {**bundle.as_bundle(chained(old)), "format": bundle.OLD_FORMAT}
    file = tmp_path / "kept.json"
    file.write_text(json.dumps(kept))
    assert "holds: 1 entries" in _verified("--file", str(file)), "an export of the version before"


def test_a_bundle_of_older_entries_is_checked_without_a_database(tmp_path) -> None:
    """Without the mark for it, this test may not ask the database."""
    entries = chained(*[bundle.OLD_ENTRY_FORMAT] * 3)
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle.as_bundle(entries)))
    assert "holds: 3 entries" in _verified("--file", str(file))
    file.write_text(json.dumps(bundle.as_bundle(entries[1:])))
    told = _verified("--file", str(file))
    assert "before entry 2 is not in this bundle" in told
    assert "its numbers are not proven" in told
    part = tmp_path / "part.json"
    part.write_text(json.dumps(bundle.as_bundle(entries[:1])))
    told = _verified("--file", str(file), "--after", str(part))
    assert ("holds: 2 entries" in told, "not proven" in told) == (True, False), "two parts that follow each other"
    shifted = [replace(entry, number=entry.number + 5) for entry in entries[1:]]
    file.write_text(json.dumps(bundle.as_bundle(shifted)))
    assert "its numbers are not proven" in _verified("--file", str(file))
    part.write_text(json.dumps(bundle.as_bundle([replace(entry, number=entry.number + 4) for entry in entries[:1]])))
    assert "does not hold" in _verified("--file", str(file), "--after", str(part))
    part.write_text(json.dumps(bundle.as_bundle([])))
    with pytest.raises(CommandError, match="no entries"):
        _verified("--file", str(file), "--after", str(part))
    changed = [entries[0], bundle.Entry(2, entries[1].prev_hash, entries[1].hash, entries[1].body + " "), entries[2]]
    file.write_text(json.dumps(bundle.as_bundle(changed)))
    assert "entry 2 was changed" in _verified("--file", str(file))
    file.write_text(json.dumps(bundle.as_bundle(entries) | {"entries": bundle.as_bundle(entries[:2])["entries"]}))
    with pytest.raises(CommandError, match="missing at its end"):
        _verified("--file", str(file))
    for wrong in ("[]", "{", '{"format": "mandate.audit-bundle/1", "entries": [1]}'):
        file.write_text(wrong)
        with pytest.raises(CommandError):
            _verified("--file", str(file))


@pytest.mark.django_db
def test_an_export_as_csv_has_each_entry_whole_and_no_formula() -> None:
    record(Action.AGENT_STOPPED, because="=1+1")
    _seal()
    rows = list(csv.DictReader(io.StringIO(_exported(format="csv"))))
    entry = next(stored.entries())
    assert (rows[0]["number"], rows[0]["action"], rows[0]["hash"]) == ("1", "agent_stopped", "0x" + entry.hash.hex())
    assert rows[0]["body"] == entry.body
    assert not any(value[:1] in "=+-@" for row in rows for value in row.values() if value)


def test_values_hold_no_address_of_a_mailbox_and_no_secret_of_a_url() -> None:
    told = plain(
        {
            "because": "ask Ann <ann.b+x@example.org>, see https://user:pw@node.example:8545/v2/KEY?apikey=1",
            "ann@example.org": [2**70, True, None],
            "long": "x" * 1000,
            "odd": "a\0b\ud800",
        }
    )
    text = json.dumps(told)
    for secret in ("ann", "example.org", "pw", "KEY", "apikey"):
        assert secret not in text.lower().replace("[e-mail address]", "") or (secret == "ann" and "ask Ann" in text)
    assert "https://node.example:8545" in text
    for odd in (
        '"bob smith"@example.org',
        '"b\\"ob"@example.org',
        "bob＠example.org",
        "bob﹫example.org",
        "bob@[192.0.2.7]",
    ):
        assert plain(f"tell {odd} of ½") in ("tell [e-mail address] of ½", "tell [e-mail address] of 1⁄2"), odd
    assert plain("½ of it") == "½ of it", "what holds neither stays as it is written"
    assert told["[e-mail address]"] == [str(2**70), True, None]
    assert len(told["long"]) == MOST_TEXT
    assert told["odd"] == "a?b?"
    with pytest.raises(TypeError):
        plain({"raw": b"\1"})


def test_every_action_has_a_text_of_its_own() -> None:
    assert len({action.value for action in Action}) == len(Action)
    assert audit_log.FORMAT == bundle.ENTRY_FORMAT
