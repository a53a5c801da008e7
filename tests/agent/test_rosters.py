# SPDX-License-Identifier: Apache-2.0
"""Rosters: only what the policy's operator signed, the newest, for this chain, module, policy and version."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from agent.acts import rosters
from agent.acts.policy import in_force
from agent.acts.rosters import MAX_ENTRIES, Line, RosterError, Terms, check_lines, compose, parse
from agent.models import Roster
from governance.chain import eip712
from governance.chain.address import ZERO, checksum
from tests.agent.acting import POLICY_ID, USDC, World, payroll, world  # noqa: F401
from tests.conftest import DAY_S

ASSET = b"\xaa" * 20


def entry(number: int = 1, **changes: Any) -> Line:
    values = {
        "name": f"person {number}",
        "recipient": number.to_bytes(20, "big"),
        "asset": ASSET,
        "amount": 5,
    } | changes
    return Line(**values)


def terms(*lines: Line) -> Terms:
    return Terms(1, b"\x22" * 20, b"\x33" * 32, 1, 7, 2_000_000_000, lines or (entry(),))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "at least one"),
        ([entry(n) for n in range(1, MAX_ENTRIES + 2)], "at most"),
        ([entry(1), entry(1, name="other")], "twice"),
        ([entry(1), entry(2, name="Person 1")], "twice"),
        ([entry(recipient=ZERO)], "zero address"),
        ([entry(amount=0)], "positive"),
        ([entry(amount=2**256)], "positive"),
        ([entry(name="")], "1 to 64"),
        ([entry(name="x" * 65)], "1 to 64"),
        ([entry(name="in\u200bes")], "normal form|invisible"),
        ([entry(name="ines\u202e")], "invisible"),
        ([entry(name="in\u2800es")], "invisible"),
        ([entry(name="in\u034fes")], "invisible"),
        ([entry(name="ﬁ")], "normal form"),
        ([entry(name=" ines")], "normal form"),
    ],
)
def test_what_no_roster_may_hold(lines: list[Line], problem: str) -> None:
    with pytest.raises(RosterError, match=problem):
        check_lines(lines)


def test_one_person_may_be_paid_in_two_assets() -> None:
    check_lines([entry(1), entry(1, name="other", asset=ZERO)])


def test_composed_terms_parse_to_themselves_whichever_way_a_wallet_writes_numbers() -> None:
    document = compose(terms(entry(1), entry(2)))
    assert parse(document) == terms(entry(1), entry(2))
    document["message"]["serial"] = 7
    document["message"]["entries"][0]["amount"] = 5
    document["domain"]["chainId"] = "1"
    assert parse(document) == terms(entry(1), entry(2))


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("message", "entries", 0, "recipient"), "0x" + "AB" * 20, "not checksummed"),
        (("message", "entries", 0, "recipient"), "ines.eth", "40 hexadecimal"),
        (("message", "entries", 0, "amount"), "1e9", "whole number"),
        (("message", "entries", 0, "amount"), 5.0, "whole number"),
        (("message", "entries", 0, "amount"), "-5", "whole number"),
        (("message", "entries", 0, "amount"), True, "whole number"),
        (("message", "entries", 0, "name"), 5, "text"),
        (("message", "entries", 0, "note"), "x", "nothing else"),
        (("message", "entries"), "all", "list"),
        (("message", "entries"), [{}] * (MAX_ENTRIES + 1), "at most"),
        (("message", "period"), "week", "month"),
        (("message", "policyId"), "0x33", "64"),
        (("message", "serial"), "0", "whole number"),
        (("message", "serial"), "07", "whole number"),
        (("message", "note"), "x", "message is not"),
        (("types", "Roster", 0, "name"), "other", "types is not"),
        (("primaryType",), "Entry", "primaryType is not"),
        (("domain", "name"), "Permit", "domain's name"),
        (("domain", "salt"), "0x00", "domain is not"),
        (("note",), "x", "parts"),
    ],
)
def test_anything_else_than_a_rosters_typed_data_is_refused(path: tuple[Any, ...], value: Any, problem: str) -> None:
    document: Any = copy.deepcopy(compose(terms()))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(RosterError, match=problem):
        parse(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_no_json_whatever_breaks_the_parser(value: Any) -> None:
    with pytest.raises(RosterError):
        parse(value)
    with pytest.raises(RosterError):
        parse({**compose(terms()), "message": value})


def short_form(full: str) -> str:
    """EIP-2098's 64 bytes of a signature."""
    raw = bytes.fromhex(full[2:])
    return "0x" + (raw[:32] + (int.from_bytes(raw[32:64], "big") | (raw[64] - 27) << 255).to_bytes(32, "big")).hex()


@pytest.mark.django_db(transaction=True)
def test_a_signature_in_another_form_is_taken_or_refused_by_name(world: World) -> None:  # noqa: F811
    document = world.sign_roster().typed_data
    terms = replace(parse(document), serial=2)
    document = compose(terms)
    full = world.sign("olga", document)
    prefixed = Account.sign_message(encode_defunct(eip712.digest(document)), world.suite.accounts["olga"].key).signature
    for signature, problem in (
        ("0x" + "11" * 650, "has 650 bytes, as contract wallets make them, but there is no contract"),
        ("0x" + prefixed.hex(), "prefix of eth_sign"),
    ):
        with pytest.raises(RosterError, match=problem):
            rosters.accept(world.dao, {"typed_data": document, "signature": signature})
    with_team = "0x" + "11" * 650
    operator = checksum(world.address("olga"))
    world.suite.anvil.call("anvil_setCode", operator, "0x6001")
    with pytest.raises(RosterError, match=f"The contract at {operator} does not accept the signature"):
        rosters.accept(world.dao, {"typed_data": document, "signature": with_team})
    roster = rosters.accept(world.dao, {"typed_data": document, "signature": short_form(full)})
    assert "0x" + bytes(roster.signature).hex() == full
    assert rosters.lines_of(roster) == terms.lines
    Roster.objects.filter(pk=roster.pk).update(signature=bytes.fromhex(short_form(full)[2:-2]))
    with pytest.raises(RosterError, match="changed in the database"):
        rosters.lines_of(Roster.objects.get(pk=roster.pk))


@pytest.mark.django_db(transaction=True)
def test_only_the_operators_newest_roster_counts(world: World) -> None:  # noqa: F811
    policy = in_force(world.dao, POLICY_ID)
    now = world.suite.anvil.now
    with pytest.raises(RosterError, match="no roster"):
        rosters.current(policy, now)
    with pytest.raises(RosterError, match="operator is"):
        world.sign_roster(by="mallory")
    first = world.sign_roster()
    assert (first.serial, rosters.current(policy, now).pk) == (1, first.pk)
    second = world.sign_roster(world.lines(5 * USDC))
    assert (second.serial, rosters.current(policy, now).pk) == (2, second.pk)

    replayed = {"typed_data": first.typed_data, "signature": "0x" + bytes(first.signature).hex()}
    with pytest.raises(RosterError, match="not newer"):
        rosters.accept(world.dao, replayed)
    for changes, problem in (
        ({"serial": 1}, "not newer"),
        ({"expires_chain_s": now - 1}, "expired"),
        ({"expires_chain_s": now + 500 * DAY_S}, "400 days"),
    ):
        with pytest.raises(RosterError, match=problem):
            world.sign_roster(**changes)

    def signed(**changes: Any) -> dict[str, Any]:
        values = {
            "chain_id": policy.chain_id, "module": policy.module, "policy_id": POLICY_ID, "policy_version": 1,
            "serial": 3, "expires_chain_s": now + DAY_S, "lines": tuple(world.lines()),
        } | changes  # fmt: skip
        document = compose(Terms(**values))
        return {"typed_data": document, "signature": world.sign("olga", document)}

    for changes, problem in (
        ({"chain_id": 1}, "chain 1"),
        ({"module": world.address("treasury")}, "another policy module"),
        ({"policy_version": 2}, "version 2"),
    ):
        with pytest.raises(RosterError, match=problem):
            rosters.accept(world.dao, signed(**changes))
    tampered = signed()
    tampered["typed_data"]["message"]["entries"][0]["amount"] = "1"
    with pytest.raises(RosterError, match="changed after signing"):
        rosters.accept(world.dao, tampered)
    for signature in ("0x", "0x" + "00" * 65, "0x" + "ff" * 65, 5, None):
        with pytest.raises(RosterError):
            rosters.accept(world.dao, {**signed(), "signature": signature})
    assert Roster.objects.count() == 2

    with pytest.raises(RosterError, match="expired"):
        rosters.current(policy, now + 399 * DAY_S)
    world.suite.set_policy(POLICY_ID, payroll(world.suite, cap="4,000 USDC"))
    world.sync()
    with pytest.raises(RosterError, match="earlier version"):
        rosters.current(in_force(world.dao, POLICY_ID), now)


@pytest.mark.django_db(transaction=True)
def test_a_roster_changed_in_the_database_is_found(world: World) -> None:  # noqa: F811
    roster = world.sign_roster()
    assert [line.amount for line in rosters.lines_of(roster)] == [1000 * USDC] * 5
    roster.typed_data["message"]["entries"][0]["amount"] = str(5000 * USDC)
    with pytest.raises(RosterError, match="changed in the database"):
        rosters.lines_of(roster)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("column", ["policy_id", "policy_version", "serial", "expires_chain_s"])
def test_a_roster_that_the_operator_signed_for_something_else_pays_nobody(world: World, column: str) -> None:  # noqa: F811
    """An old, expired or foreign roster with a true signature, made to look like the one in use in our own rows."""
    roster = world.sign_roster()
    value = getattr(roster, column)
    setattr(roster, column, bytes(32) if column == "policy_id" else value + 1)
    with pytest.raises(RosterError, match="changed in the database"):
        rosters.lines_of(roster)


@pytest.mark.django_db(transaction=True)
def test_the_operator_makes_and_imports_a_roster_on_the_command_line(world: World, tmp_path: Any, capsys: Any) -> None:  # noqa: F811
    import json

    entries, signed = tmp_path / "entries.json", tmp_path / "signed.json"
    entries.write_text(
        json.dumps([{"name": "ines", "address": checksum(world.address("ines")), "amount": str(1000 * USDC)}])
    )
    usdc = checksum(world.address("usdc"))
    call_command("sign_roster", "acting", "payroll", str(entries), "--asset", usdc)
    typed_data = json.loads(capsys.readouterr().out)
    signed.write_text(json.dumps({"typed_data": typed_data, "signature": world.sign("olga", typed_data)}))
    call_command("sign_roster", "acting", "payroll", str(signed), "--accept")
    assert "roster 1 accepted: 1 entries" in capsys.readouterr().out
    with pytest.raises(CommandError, match="not newer"):
        call_command("sign_roster", "acting", "payroll", str(signed), "--accept")
    entries.write_text("[{}]")
    with pytest.raises(CommandError, match="entry 1"):
        call_command("sign_roster", "acting", "payroll", str(entries))
    with pytest.raises(CommandError, match="another policy"):
        call_command("sign_roster", "acting", "grants", str(signed), "--accept")
    with pytest.raises(CommandError, match="no DAO"):
        call_command("agent", "halts", "--dao", "nowhere")
