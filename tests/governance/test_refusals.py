# SPDX-License-Identifier: Apache-2.0
"""Why the chain refused: given this block and this node, this is the reason that is told, and reading goes on."""

import pytest

from governance.chain import abi
from governance.chain.rpc import Answered, CallReverted, Header, Rpc, RpcError, RpcUnreachable, Transaction
from governance.models import RefusedAct
from governance.sync import refusals
from policies.notation.hexadecimal import hex_bytes
from tests.governance.conftest import CHAIN_ID, POLICY_ID
from tests.governance.test_life import act, payment

MODULE, OTHER = b"\x0a" * 20, b"\x0b" * 20
SENT = Transaction(b"\x01" * 32, b"\x0c" * 20, MODULE, 0, 0, b"\x12\x34\x56\x78", 10**6, 5, b"\x02" * 32, 1)


class Node(Rpc):
    """Answers a call on the parent's state with `replayed`, and the tracer as `traced` says."""

    def __init__(self, traced=None):
        super().__init__(["http://127.0.0.1:9"], CHAIN_ID)
        self.traced = traced or RpcError(-32601, "no such method")

    def call(self, method, _params=()):
        if method == "eth_call":
            raise CallReverted(b"replayed")
        if isinstance(self.traced, Exception):
            raise self.traced
        return self.traced


def block(*before: bytes) -> Header:
    """A block in which transactions to these contracts came before ours."""
    earlier = [{"hash": "0x" + bytes([n] * 32).hex(), "to": "0x" + to.hex()} for n, to in enumerate(before, 100)]
    ours = {"hash": "0x" + SENT.hash.hex(), "to": "0x" + MODULE.hex()}
    return Header(5, b"\x02" * 32, b"\x03" * 32, 60, None, (*earlier, ours, {"hash": "0x", "to": "0x" + MODULE.hex()}))


def test_without_a_tracer_the_parents_state_is_asked():
    assert refusals.revert_data(Node(), block(OTHER), SENT) == b"replayed"


def test_without_a_tracer_nothing_is_said_where_the_module_had_been_called_before():
    assert refusals.revert_data(Node(), block(OTHER, MODULE), SENT) == b""
    traced = {"output": "0x" + b"traced".hex()}
    assert refusals.revert_data(Node(traced), block(OTHER, MODULE), SENT) == b"traced"


@pytest.mark.parametrize(
    "traced", [RpcUnreachable("answered with more than 128 MiB"), {"output": "0xzz"}, {"output": 7}, "nonsense"]
)
def test_a_tracer_that_chokes_stops_nothing(traced):
    assert refusals.revert_data(Node(traced), block(), SENT) == b"replayed"


class Failing(Node):
    """Fails at the first so many calls."""

    def __init__(self, times: int, traced=None):
        super().__init__(traced)
        self.times = times

    def call(self, method, params=()):
        if method == "eth_call" and self.times:
            self.times -= 1
            raise Answered(-32000, "missing trie node")
        return super().call(method, params)


def test_a_node_that_fails_has_not_said_that_no_reason_is_known():
    assert refusals.revert_data(Failing(1), block(OTHER), SENT) == b"replayed"
    assert refusals.revert_data(Failing(99), block(OTHER), SENT) is None
    # A tracer that is there, and failed just now, would tell what a call can't.
    assert refusals.revert_data(Node(Answered(-32000, "missing trie node")), block(MODULE), SENT) is None
    assert refusals.revert_data(Node(), block(MODULE), SENT) == b""  # there is none


@pytest.mark.django_db
def test_a_reason_that_a_node_failed_to_say_is_asked_again_and_kept_then(mirror, payroll, monkeypatch):
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    with monkeypatch.context() as patched:
        patched.setattr(refusals, "revert_data", lambda *_: None)
        assert act(mirror, "execute", 1, [payment(mirror, "mallory", 1)])["status"] == "0x0"
        mirror.sync()
        mirror.sync()
    assert RefusedAct.objects.get().reason == "reason unknown"
    with monkeypatch.context() as patched:
        patched.setattr(refusals, "revert_data", lambda *_: 1 / 0)  # not twice at one head
        mirror.sync()
    mirror.deployed.anvil.mine()
    mirror.sync()
    refused = RefusedAct.objects.get()
    assert refused.reason_code not in ("unknown", "legacy")
    assert refused.clause
    monkeypatch.setattr(refusals, "revert_data", lambda *_: 1 / 0)  # an answer stands
    mirror.sync()


@pytest.mark.django_db
def test_whoever_has_the_module_refuse_often_makes_nodes_answer_little(mirror, payroll, monkeypatch):
    """All blocks are asked for at once, few acts in one step, and what is never answered later and later."""
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    asked, blocks, full = [], [], refusals._full_blocks
    monkeypatch.setattr(refusals, "revert_data", lambda _rpc, _header, sent: asked.append(sent.hash))
    for number in range(1, 4):
        assert act(mirror, "execute", number, [payment(mirror, "mallory", 1)])["status"] == "0x0"
    mirror.sync()
    assert len(set(asked)) == RefusedAct.objects.count() == 3
    asked.clear()
    monkeypatch.setattr(refusals, "_full_blocks", lambda rpc, numbers: blocks.append(numbers) or full(rpc, numbers))
    monkeypatch.setattr(refusals, "scan", lambda *_: 0)
    monkeypatch.setattr(refusals, "_MOST_ASKED_AGAIN", 2)
    monkeypatch.setattr(refusals, "_ASKED_AGAIN_BLOCKS", 40)
    mirror.deployed.anvil.mine()
    mirror.sync()
    assert [len(numbers) for numbers in blocks] == [2]
    assert len(asked) == 2
    for _ in range(45):
        mirror.deployed.anvil.mine()
        mirror.sync()
    assert len(set(asked)) == 3
    assert max(asked.count(sent) for sent in asked) <= 7  # a few, then when its block is twice as old as before


@pytest.mark.django_db
def test_an_error_with_any_values_stops_nothing(mirror, payroll, monkeypatch):
    """A target may revert with the module's own errors: the treasury hands on what it said."""
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    forged = abi.encode_call("NotStarted(uint40)", [2**40 - 1])
    monkeypatch.setattr(refusals, "revert_data", lambda *_: forged)
    assert act(mirror, "execute", 1, [payment(mirror, "mallory", 1)])["status"] == "0x0"
    mirror.sync()
    refused = RefusedAct.objects.get()
    assert refused.reason == f"NotStarted({2**40 - 1})"
    assert "1,099,511,627,775 seconds after 1970-01-01" in refused.clause


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reverted", "code"),
    [
        (abi.encode_call("NotStarted(uint40)", [7]), "NotStarted"),
        (abi.encode_call("NoPolicy()"), "NoPolicy"),
        (b"", "unknown"),
        (b"\x01\x02\x03\x04", "unknown"),
    ],
)
def test_a_refusal_keeps_the_error_that_it_is_worded_of(mirror, payroll, monkeypatch, reverted, code):
    mirror.deployed.set_policy(POLICY_ID, payroll())
    mirror.sync()
    monkeypatch.setattr(refusals, "revert_data", lambda *_: reverted)
    assert act(mirror, "execute", 1, [payment(mirror, "mallory", 1)])["status"] == "0x0"
    mirror.sync()
    refused = RefusedAct.objects.get()
    assert refused.reason_code == code
    if code == "unknown":
        assert (refused.reason, refused.reason_code, refused.reason_values) == ("reason unknown", "unknown", {})
    else:
        error = abi.decode_error(hex_bytes(refused.reason_values["revert"]), "PolicyModule", "IPolicyModule")
        assert str(error) == refused.reason
