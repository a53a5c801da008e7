# SPDX-License-Identifier: Apache-2.0
"""Accounts that are contracts sign in: a wallet of ten owners, and one that is not deployed yet (ERC-6492)."""

import datetime

import pytest
from eth_account.messages import encode_defunct

from governance.chain.address import checksum
from governance.models import Chain
from tests.governance.conftest import CHAIN_ID
from tests.governance.test_signatures import TEAM, Counterfactual
from webapp.account import signin

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(settings, deployed):
    settings.ORIGIN, settings.RPC_URLS = "http://testserver", {CHAIN_ID: [deployed.url]}
    Chain.objects.get_or_create(chain_id=CHAIN_ID, defaults={"name": "local chain"})
    return Counterfactual(deployed)


def sign_in(client, wallet, frame):
    """The answer to a message that all ten sign; `frame` makes of their signatures what the wallet sends."""
    now, nonce = datetime.datetime.now(datetime.UTC), client.get("/auth/nonce").json()["nonce"]
    expires = now + datetime.timedelta(minutes=5)
    message = (
        f"testserver wants you to sign in with your Ethereum account:\n{checksum(wallet.address)}\n\nSign in.\n\n"
        f"URI: http://testserver\nVersion: 1\nChain ID: {CHAIN_ID}\nNonce: {nonce}\n"
        f"Issued At: {now:%Y-%m-%dT%H:%M:%SZ}\nExpiration Time: {expires:%Y-%m-%dT%H:%M:%SZ}"
    )
    inner = b"".join(bytes(one.sign_message(encode_defunct(text=message)).signature) for one in TEAM)
    body = {"message": message, "signature": "0x" + frame(inner).hex()}
    return client.post("/auth/verify", body, content_type="application/json")


def test_a_wallet_that_is_not_deployed_yet_signs_in(client, wallet):
    assert sign_in(client, wallet, wallet.framed).json() == {"address": checksum(wallet.address)}


def test_a_wallet_of_ten_owners_signs_in(client, wallet):
    wallet.deploy()
    assert sign_in(client, wallet, bytes).json() == {"address": checksum(wallet.address)}
    assert client.session[signin._ACCOUNT]["chain"] == CHAIN_ID, "it is this account on that chain alone"


def test_where_more_nodes_are_configured_one_nodes_word_signs_no_contract_account_in(client, wallet, settings):
    wallet.deploy()
    settings.RPC_URLS = {CHAIN_ID: [*settings.RPC_URLS[CHAIN_ID], "http://127.0.0.1:9"]}
    answer = sign_in(client, wallet, bytes)
    assert (answer.status_code, "could not be asked" in answer.json()["error"]) == (403, True)


def test_without_the_frame_the_reason_is_that_no_contract_is_there(client, wallet):
    answer = sign_in(client, wallet, bytes)
    assert answer.status_code == 403
    assert "there is no contract at" in answer.json()["error"]


def test_a_frame_around_what_they_did_not_sign_is_refused_by_name(client, wallet):
    answer = sign_in(client, wallet, lambda inner: wallet.framed(inner[65:] + inner[:65]))
    assert answer.status_code == 403
    assert "is not deployed yet. Deployed on trial" in answer.json()["error"]
