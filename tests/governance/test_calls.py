# SPDX-License-Identifier: Apache-2.0
"""What a call is, in whatever form a proposal gives it: given these bytes in the log, this is executed and shown."""

import importlib
import random

import django.apps
import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from governance.chain import abi
from governance.chain.call import SHOWN, ProposedCall, call_of, executed_calldata, shown_signature
from governance.chain.rpc import Rpc
from governance.models import Proposal, ProposalAction
from governance.projections import again, events, proposal_events
from governance.sync import sync_once
from tests.governance.governors.lives import GOVERNORS, World
from tests.governance.test_projections import VOTER, created, dao, log, project
from tests.governance.test_state_lives import CHAIN_ID, chain

__all__ = ["chain", "dao"]
BRAVO = next(name for name, (contract, *_) in GOVERNORS.items() if contract == "Bravo4")
TARGET, ADA = b"\x22" * 20, b"\xad" * 20
BURN = b"burnAll(bytes4,address,uint256)"
PAY = abi.selector("transfer(address,uint256)")


def called(signature: bytes, data: bytes = b"") -> ProposedCall:
    return ProposedCall(TARGET, 0, signature, data)


# Texts that hostile proposers write, and what is shown of them.
HOSTILE = {
    "no UTF-8": (b"pay\xff\xfe(address)", "pay[0xFF][0xFE](address)"),
    "NUL": (b"pay\x00()", "pay[U+0000]()"),
    "a new line": (b"pay()\nIt is safe.", "pay()[U+000A]It is safe."),
    "bidirectional": ("pay\u202e()".encode(), "pay[U+202E]()"),
    "zero width": ("pay\u200b()".encode(), "pay[U+200B]()"),
    "another alphabet": ("p\u0430y()".encode(), "p[U+0430]y()"),
    "an emoji": ("\U0001f525()".encode(), "[U+1F525]()"),
    "no function": (b"Approve the budget", "Approve the budget"),
    "markup": (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
}


@pytest.mark.parametrize(("signature", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_decides_the_selector_and_is_shown_harmless(signature, shown):
    call = called(signature, b"\x01")
    assert call.calldata == keccak(signature)[:4] + b"\x01"
    assert call.shown_signature == shown
    assert call.types is None
    assert f"“{shown}”, which can't be read as a function's signature." in call.what_the_text_says()


def test_no_text_is_the_data_alone():
    for data in (b"", b"\x01", PAY + bytes(64)):
        assert executed_calldata(b"", data) == data
        assert called(b"", data).what_the_text_says() == ""


def test_a_text_with_no_data_is_a_call_and_no_transfer():
    call = called(b"sweepEverything()")
    assert call.calldata == keccak(text="sweepEverything()")[:4]
    assert (call.types, call.arguments) == ((), ())
    assert "“sweepEverything()”. These are the proposal's own words" in call.what_the_text_says()


def test_data_that_begins_with_another_selector_is_no_call_of_that():
    data = abi.encode(["bytes4", "address", "uint256"], [PAY, ADA, 10**6])
    call = called(BURN, data)
    assert data[:4] == PAY
    assert call.calldata[:4] == keccak(BURN)[:4]
    assert abi.decode_call(call.calldata) is None
    assert [a.value for a in call.arguments] == [PAY, ADA, 10**6]


@pytest.mark.parametrize(
    ("signature", "data"),
    [
        (b"transfer(address,uint256)", b""),
        (b"transfer(address,uint256)", bytes(63)),
        (b"transfer(address,uint256)", bytes(96)),
        (b"transfer(address,uint256)", b"\xff" * 64),
        (b"sweep()", b"\x00"),
        (b"note(string)", abi.encode(["bytes"], [b"\xff"])),
    ],
)
def test_data_that_does_not_fit_the_text_is_said(signature, data):
    call = called(signature, data)
    assert call.types is not None
    assert call.arguments is None
    assert "the call's data does not fit that text" in call.what_the_text_says()


def test_a_text_that_names_what_is_called_need_not_be_mentioned():
    call = called(b"transfer(address,uint256)", abi.encode(["address", "uint256"], [ADA, 5]))
    decoded = abi.decode_call(call.calldata)
    assert call.what_the_text_says(decoded.signature) == ""
    assert "selector of transfer(address,uint256)" in called(b"gift()").what_the_text_says("transfer(address,uint256)")


@pytest.mark.parametrize(
    "signature",
    [
        b"f(" + b"(" * 5000 + b")" * 5000 + b")", b"f(uint8" + b"[]" * 900 + b")", b"f(uint256[999999999999])",
        b"f(" + b"(" * 30 + b"uint8" + b")" * 30 + b")", b"f(uint256[65536][65536][65536])", b"f(uint8[\xb2])",
        b"f(uint8,)", b"f(,)", b"f(()", b"f)(", b"f())", b"f(uint)", b"f(address payable)", b"x" * 100_000,
    ],
)  # fmt: skip
def test_texts_made_to_break_the_reader(signature):
    call = called(signature, bytes(64))
    assert len(call.shown_signature) <= SHOWN + 40
    assert call.arguments is None
    assert call.what_the_text_says()


@given(st.binary(max_size=700), st.binary(max_size=100))
def test_whatever_the_text_it_is_shown_in_printable_ascii(signature, data):
    call = called(signature, data)
    assert call.calldata == (keccak(signature)[:4] if signature else b"") + data
    shown = shown_signature(signature)
    assert shown.replace("…", "").isprintable()
    assert shown.replace("…", "").isascii()
    assert len(shown) <= SHOWN + 40
    assert bool(call.what_the_text_says()) == bool(signature)


# --- as the mirror stores them

LONG = b"pay" + b"x" * 700 + b"(address)"
STORED = [text for text, _ in HOSTILE.values()] + [
    b"", b"sweepEverything()", LONG, b"\x00" * 401, "\u00e9".encode() * 300, "said \ufffd once".encode(),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("signature", STORED)
def test_the_mirrors_selector_is_the_chains(dao, signature):
    project(dao, created(dao, signatures=[signature]))
    again.rebuild(dao)
    action = ProposalAction.objects.get()
    assert call_of(action).signature == signature
    assert call_of(action).calldata == (keccak(signature)[:4] if signature else b"") + b"\x01\x02\x03\x04"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", [b"# A", b"\xff\xfe\x00 Pay \x00 up", b"\x00", b"", "\ufffd".encode(), b"\xed\xa0\x80"]
)
def test_a_proposals_text_is_kept_byte_for_byte(dao, text):
    project(dao, created(dao, description=text))
    again.rebuild(dao)
    proposal = Proposal.objects.get()
    assert proposal.description_bytes == text
    assert "\x00" not in proposal.description


@pytest.mark.django_db
def test_text_and_calls_written_anew_take_their_bytes_along(dao):
    noun = {event.split("(")[0]: event for event in events._NOUNS if "WithRequirements" not in event}
    project(
        dao, created(dao, description=b"\xff"),
        log(dao, noun["ProposalUpdated"], 7, VOTER, [TARGET], [0], [b"a\xff()"], [b""], b"\x00", b"why", block=2),
    )  # fmt: skip
    assert Proposal.objects.get().description_bytes == b"\x00"
    assert call_of(ProposalAction.objects.get()).calldata == keccak(b"a\xff()")[:4]
    project(dao, log(dao, noun["ProposalUpdated"], 7, VOTER, [TARGET], [0], [b"b()"], [b""], b"ok", b"", block=3))
    assert Proposal.objects.get().description_bytes == b"ok"
    assert call_of(ProposalAction.objects.get()).calldata == keccak(b"b()")[:4]


@pytest.mark.django_db
def test_the_operation_in_the_timelock_is_of_what_is_executed(dao):
    project(dao, created(dao, signatures=[b"sweep()"], calldatas=[b"\x01"], description=b"\xff"))
    executed = keccak(b"sweep()")[:4] + b"\x01"
    expected = proposal_events.operation_ids(b"\x60" * 20, [TARGET], [5], [executed], b"\xff")
    proposal = Proposal.objects.get()
    assert (bytes(proposal.operation_id), bytes(proposal.operation_id_v4)) == expected


def kept():
    """Return the bytes of each proposal's text, and its calls, by number."""
    return {
        proposal.proposal_id: (proposal.description_bytes, [call_of(action) for action in proposal.actions.all()])
        for proposal in Proposal.objects.all()
    }


@pytest.mark.django_db
def test_rows_from_before_are_read_again_from_the_raw_logs(dao):
    """The migration mends what was stored changed, and leaves alone what was not."""
    noun = {event.split("(")[0]: event for event in events._NOUNS if "WithRequirements" not in event}
    new = [b"new\xff()", b"kept()"]
    project(
        dao, created(dao, 1, b"\xff text", signatures=[LONG]), created(dao, 2, b"plain", block=2),
        created(dao, 3, b"\x00", signatures=[b"old()"], block=3),
        log(dao, noun["ProposalTransactionsUpdated"], 3, VOTER, [TARGET] * 2, [0] * 2, new, [b""] * 2, b"", block=4),
        created(dao, 4, "\ufffd stood there".encode(), block=5),
    )  # fmt: skip
    expected = {
        p.proposal_id: (p.description_bytes, [call_of(a) for a in p.actions.all()]) for p in Proposal.objects.all()
    }
    Proposal.objects.update(description_raw=None)
    for action in ProposalAction.objects.all():
        old = events.text_of(call_of(action).signature)[:400]
        ProposalAction.objects.filter(pk=action.pk).update(signature=old, signature_raw=None)
    importlib.import_module("governance.migrations.0009_text_as_bytes").fill(django.apps.apps, None)
    found = {
        p.proposal_id: (p.description_bytes, [call_of(a) for a in p.actions.all()]) for p in Proposal.objects.all()
    }
    assert found == expected
    assert found[1][1][0].signature == LONG
    assert found[3][1][0].signature == b"new\xff()"
    assert Proposal.objects.get(proposal_id=4).description_raw is None


# --- as OpenZeppelin's likeness of Bravo has them


@pytest.mark.django_db
def test_openzeppelins_likeness_of_bravo_emits_what_is_executed(chain):
    """Its ProposalCreated holds the selector before the arguments and no text: none is put before them once more."""
    people = chain.call("eth_accounts")[:3]
    rpc = Rpc([chain.url], CHAIN_ID, attempts=1)
    world = World(chain, rpc, people, random.Random(1), [BRAVO])
    (house,) = world.houses
    world.mine(2)  # power counts from the block before
    texts, data = ["touch(uint256)", "sweepEverything()", ""], [abi.encode(["uint256"], [7]), b"", b"\x01\x02"]
    columns = [[world.target] * 3, [0] * 3, texts, data]
    propose = "propose(address[],uint256[],string[],bytes[],string)"
    world.send(people[0], house.governor, abi.encode_call(propose, [*columns, "# Touch"]))
    world.mine()
    sync_once(house.dao, rpc)
    proposal = Proposal.objects.get(dao=house.dao)
    executed = [abi.encode_call("touch(uint256)", [7]), keccak(text="sweepEverything()")[:4], b"\x01\x02"]
    assert [call_of(action).calldata for action in proposal.actions.all()] == executed
    # Its number is the hash of what it executes.
    named = keccak(
        abi.encode(["address[]", "uint256[]", "bytes[]", "bytes32"], [*columns[:2], executed, keccak(text="# Touch")])
    )
    assert proposal.proposal_id == int.from_bytes(named, "big")
