# SPDX-License-Identifier: Apache-2.0
"""Sent once, whatever happens: against a real anvil, with kills, reorgs, strangers and stuck transactions."""

import json
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from eth_account import Account

from governance.chain import keys, send
from governance.chain.abi import encode_call
from governance.chain.rpc import CallReverted, Rpc, RpcUnreachable
from governance.chain.rpc.endpoint import Endpoint
from governance.models import Chain, OutgoingTransaction
from governance.words import TABLE
from tests.conftest import CHAIN_ID, started_anvil

ROOT = Path(__file__).resolve().parents[2]
TO = bytes.fromhex("00000000000000000000000000000000000000aa")
ETHER = 10**18

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def node():
    """An anvil that mines only when told to, with `finalized` two blocks behind the head."""
    with started_anvil("--no-mining", "--slots-in-an-epoch", "1") as (_, port):
        yield Rpc([f"http://127.0.0.1:{port}"], CHAIN_ID, attempts=1)


@pytest.fixture
def chain(db):
    return Chain.objects.create(chain_id=31337, name="local")


@pytest.fixture
def signer(node):
    made = keys.Signer(Account.create())
    node.call("anvil_setBalance", ["0x" + made.address.hex(), hex(10 * ETHER)])
    return made


def mine(node, blocks=1):
    node.call("anvil_mine", [hex(blocks)])


def pay(node, chain, signer, key="pay", **more):
    return send.send_once(key, node, chain, signer, TO, b"", ETHER, **more)


def settle(node, chain, *signers, **more):
    return send.settle(node, chain, *signers, confirmations=1, **more)


def by_hand(node, signer, nonce, to=bytes(19) + b"\x01", gas_price=10**10):
    """A transaction that the journal knows nothing of."""
    raw, _ = signer.sign(
        {"chainId": 31337, "nonce": nonce, "to": "0x" + to.hex(), "value": 1, "gas": 21_000, "gasPrice": gas_price}
    )
    return node.send_raw(raw)


def test_asked_twice_it_is_sent_once(node, chain, signer):
    first, second = pay(node, chain, signer), pay(node, chain, signer)
    assert first.pk == second.pk
    mine(node)
    settle(node, chain)
    assert node.balance(TO) == ETHER
    first.refresh_from_db()
    assert (first.status, first.error, bytes(first.block_hash)) == ("mined", "", node.block("latest").hash)
    mine(node, 5)
    settle(node, chain)
    first.refresh_from_db()
    assert first.final
    pay(node, chain, signer)
    mine(node)
    assert node.balance(TO) == ETHER


def test_a_key_stands_for_one_call(node, chain, signer):
    pay(node, chain, signer)
    with pytest.raises(send.KeyConflict):
        send.send_once("pay", node, chain, signer, TO, b"", 2 * ETHER)


def test_a_call_that_would_revert_is_not_signed_unless_gas_is_given(node, chain, signer):
    reverting = bytes(19) + b"\xbb"
    node.call("anvil_setCode", ["0x" + reverting.hex(), "0x60006000fd"])
    with pytest.raises(CallReverted):
        send.send_once("bad", node, chain, signer, reverting, encode_call("pause()"))
    assert not OutgoingTransaction.objects.exists()
    row = send.send_once("bad", node, chain, signer, reverting, encode_call("pause()"), gas=100_000)
    mine(node)
    assert settle(node, chain).failed == 1
    row.refresh_from_db()
    assert row.status == "failed"


def test_an_unreachable_node_leaves_the_row_to_be_sent_later(node, chain, signer, monkeypatch):
    def down(self, signed):
        raise RpcUnreachable("no connection", endpoint="http://node")

    with monkeypatch.context() as patch:
        patch.setattr(Rpc, "send_raw", down)
        row = pay(node, chain, signer)
    assert (row.status, row.error) == ("signed", "http://node: no connection")
    assert TABLE.read(row.error_code, "never shown") == row.error
    assert row.error_code["code"] == "node_failed"
    assert settle(node, chain).sent == 1
    mine(node)
    settle(node, chain)
    assert node.balance(TO) == ETHER


def test_nothing_is_journaled_when_no_nonce_can_be_had(chain, signer):
    with pytest.raises(RpcUnreachable):
        pay(Rpc(["http://127.0.0.1:1"], 31337, attempts=1), chain, signer)
    assert not OutgoingTransaction.objects.exists()


CHILD = """
import os, signal, sys
import django
django.setup()
from governance.chain import keys, send
from governance.chain.rpc import Rpc
from governance.models import Chain

real, when = Rpc.send_raw, sys.argv[1]

def killed(self, signed):
    if when == "after":
        real(self, signed)
    os.kill(os.getpid(), signal.SIGKILL)

Rpc.send_raw = killed
signer = keys.Signer.from_keystore(sys.argv[3], sys.argv[4])
rpc = Rpc([sys.argv[2]], 31337)
send.send_once("pay", rpc, Chain.objects.get(), signer, bytes.fromhex(sys.argv[5]), b"", 10**18)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_broadcast_it_repeats_and_never_doubles(node, chain, tmp_path, when):
    account = Account.create()
    node.call("anvil_setBalance", [account.address, hex(10 * ETHER)])
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    keystore.write_text(json.dumps(Account.encrypt(account.key, "secret", kdf="pbkdf2", iterations=10)))
    password.write_text("secret\n")
    database = dict(connection.settings_dict)
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    endpoint = node._endpoints[0].name
    child = subprocess.run(
        [sys.executable, "-c", CHILD, when, endpoint, keystore, password, TO.hex()],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "dao.settings"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr
    row = OutgoingTransaction.objects.get()
    assert row.status == "signed"
    signer = keys.Signer.from_keystore(keystore, password)
    again = pay(node, chain, signer)  # the caller's own repetition
    settle(node, chain)
    mine(node)
    settle(node, chain)
    mine(node, 3)
    assert (again.pk, bytes(again.transaction_hash)) == (row.pk, bytes(row.transaction_hash))
    assert node.balance(TO) == ETHER
    assert node.nonce(signer.address) == 1


def test_stuck_it_is_replaced_with_higher_fees_and_mined_once(node, chain, signer):
    row = pay(node, chain, signer)
    before = (bytes(row.transaction_hash), row.max_fee_wei)
    assert settle(node, chain, signer).replaced == 0  # not yet stuck
    assert settle(node, chain, signer, stuck_after_s=0).replaced == 1
    row.refresh_from_db()
    assert (row.nonce, row.status) == (0, "sent")
    assert row.max_fee_wei * 10 >= before[1] * 11
    assert row.replaced == ["0x" + before[0].hex()]
    mine(node)
    settle(node, chain, signer)
    row.refresh_from_db()
    assert row.status == "mined"
    assert node.balance(TO) == ETHER


def test_the_earlier_signing_may_be_the_one_that_is_mined(node, chain, signer, monkeypatch):
    """The replacement is journaled, and before it reaches the node the old one gets into a block."""
    row = pay(node, chain, signer)
    old = bytes(row.transaction_hash)
    monkeypatch.setattr(send, "_broadcast", lambda *_: False)
    assert settle(node, chain, signer, stuck_after_s=0).replaced == 1
    monkeypatch.undo()
    mine(node)
    settle(node, chain, signer)
    row.refresh_from_db()
    assert (row.status, bytes(row.transaction_hash)) == ("mined", old)
    assert len(row.replaced) == 1
    mine(node, 3)
    settle(node, chain, signer, stuck_after_s=0)
    assert node.balance(TO) == ETHER


def test_the_cap_on_fees_holds(node, chain, signer, settings):
    settings.MANDATE_MAX_FEE_GWEI = 3
    row = pay(node, chain, signer)
    assert row.max_fee_wei <= 3 * send.GWEI
    for _ in range(4):
        settle(node, chain, signer, stuck_after_s=0)
    row.refresh_from_db()
    assert row.max_fee_wei <= 3 * send.GWEI
    assert "cap of 3 gwei" in row.error
    assert row.error_code == {"code": "stuck_at_cap", "values": {"gwei": 3}, "table": "mirror"}


def test_a_reorg_takes_it_back_and_it_is_sent_again(node, chain, signer):
    mine(node)
    row = pay(node, chain, signer)
    mine(node)
    assert settle(node, chain).mined == 1
    node.call("anvil_rollback", [1])
    assert node.balance(TO) == 0
    settled = settle(node, chain)
    assert (settled.reorganised, settled.sent) == (1, 1)
    mine(node)
    settle(node, chain)
    row.refresh_from_db()
    assert row.status == "mined"
    assert node.balance(TO) == ETHER


def test_a_rewound_chain_gets_its_transactions_back_even_final_ones(node, chain, signer):
    for number in range(3):
        pay(node, chain, signer, key=f"pay {number}")
        mine(node)
    mine(node, 4)
    assert settle(node, chain).mined == 3
    assert OutgoingTransaction.objects.filter(final=True).count() == 3
    node.call("anvil_rollback", [6])  # back to where one of the three had been mined
    assert settle(node, chain).reorganised == 2
    pay(node, chain, signer, key="pay 3")
    mine(node)
    settle(node, chain)
    assert node.balance(TO) == 4 * ETHER
    assert [row.status for row in OutgoingTransaction.objects.all()] == ["mined"] * 4


def test_a_strangers_transaction_with_our_nonce_moves_ours_only_when_it_is_final(node, chain, signer, monkeypatch):
    monkeypatch.setattr(send, "_broadcast", lambda *_: False)
    row = pay(node, chain, signer)
    monkeypatch.undo()
    by_hand(node, signer, nonce=0)
    mine(node)
    assert settle(node, chain, signer, stuck_after_s=0).moved == 0  # a reorg could still bring ours
    mine(node, 4)
    assert settle(node, chain, signer, stuck_after_s=0).moved == 1
    row.refresh_from_db()
    assert row.nonce == 1
    mine(node)
    settle(node, chain, signer)
    row.refresh_from_db()
    assert row.status == "mined"
    assert node.balance(TO) == ETHER


def test_a_lagging_node_that_lacks_our_receipt_does_not_make_us_pay_again(node, chain, signer, monkeypatch):
    pay(node, chain, signer)
    mine(node, 5)
    real, lies = Rpc.batch, iter([[None]])
    monkeypatch.setattr(Rpc, "batch", lambda self, requests, **more: next(lies, None) or real(self, requests, **more))
    assert settle(node, chain, signer, stuck_after_s=0).moved == 0
    monkeypatch.undo()
    assert settle(node, chain, signer).mined == 1
    mine(node)
    assert (node.balance(TO), node.nonce(signer.address)) == (ETHER, 1)


def test_what_could_pay_twice_is_asked_in_one_request_however_slow_the_node(node, chain, signer, monkeypatch):
    """Of two requests the second may reach a node that lags, and has not our receipt yet."""
    monkeypatch.setattr(send, "_broadcast", lambda *_: False)
    pay(node, chain, signer)
    monkeypatch.undo()
    by_hand(node, signer, nonce=0)
    mine(node, 5)
    node.attempts = 2
    node._endpoints[0].takes_no_batch(100, 1)  # elsewhere it is asked one by one
    asked, real = [], Endpoint._exchange

    def exchange(self, body, methods):
        asked.append(list(methods))
        return real(self, body, methods)

    monkeypatch.setattr(Endpoint, "_exchange", exchange)
    assert settle(node, chain, signer, stuck_after_s=0).moved == 1
    assert ["eth_getTransactionCount", "eth_getTransactionReceipt"] in asked


def test_a_nonce_gap_is_filled_with_nothing_and_ours_follow(node, chain, signer):
    mine(node)
    stranger = by_hand(node, signer, nonce=0)
    row = pay(node, chain, signer)
    assert row.nonce == 1  # what is in the pool counts
    node.call("anvil_dropTransaction", ["0x" + stranger.hex()])
    assert settle(node, chain, signer).filled == 0  # it may come back
    assert settle(node, chain, signer, stuck_after_s=0).filled == 1
    mine(node)
    settle(node, chain, signer)
    row.refresh_from_db()
    assert row.status == "mined"
    assert (node.balance(TO), node.nonce(signer.address)) == (ETHER, 2)


def test_many_at_once_take_a_nonce_each_and_send_each_key_once(node, chain, signer):
    def one(number):
        try:
            return pay(node, chain, signer, key=f"pay {number % 4}").nonce
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        nonces = list(pool.map(one, range(8)))
    assert sorted(set(nonces)) == [0, 1, 2, 3]
    mine(node)
    assert settle(node, chain).mined == 4
    assert node.balance(TO) == 4 * ETHER


def test_the_wrong_chain_is_refused(node, signer, chain):
    other = Chain.objects.create(chain_id=1, name="other")
    with pytest.raises(ValueError, match="chain 31337"):
        pay(node, other, signer)


def test_the_key_shows_nowhere(tmp_path, caplog):
    account = Account.create()
    key = account.key.hex().removeprefix("0x")
    signer = keys.Signer(account)
    assert key not in repr(signer) + str(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)
    assert key not in caplog.text


@pytest.mark.parametrize(
    ("keystore", "password", "expected"),
    [
        (None, "x", "can't read the keystore"),
        ("{", "x", "is not a keystore file"),
        ("{}", "x", "is not a keystore file"),
        ("[1]", "x", "is not a keystore file"),
        ("good", None, "can't read the password file"),
        ("good", "wrong", "does not open the keystore"),
    ],
)
def test_a_keystore_that_does_not_open_says_why_in_one_line(tmp_path, keystore, password, expected):
    path, password_file = tmp_path / "key.json", tmp_path / "password"
    if keystore == "good":
        keystore = json.dumps(Account.encrypt(Account.create().key, "right", kdf="pbkdf2", iterations=10))
    if keystore is not None:
        path.write_text(keystore)
    if password is not None:
        password_file.write_text(password)
    with pytest.raises(keys.KeystoreProblem, match=expected) as caught:
        keys.Signer.from_keystore(path, password_file)
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None
