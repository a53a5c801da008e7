# SPDX-License-Identifier: Apache-2.0
"""What page, API and mail say of a proposal's calls, in whatever form it gives them, and of the chain's own coin."""

import html
import re

import pytest
from eth_utils import keccak

from agent.understanding import effects
from governance.chain import abi
from governance.chain.call import call_of
from governance.chain.governor import queue_call
from governance.models import Chain, Contract, ProposalAction
from governance.projections.events import raw_of, text_of
from presentation.dao_view import DaoView
from presentation.proposals import proposal_of
from presentation.words import address_text
from tests.webapp.conftest import NOW, UNIT, account
from webapp.mail import digest

USDC, ADA = account(1005), account(200)
PAY = abi.selector("transfer(address,uint256)")


def gives(made, signature: bytes, data: bytes = b"", value_wei: int = 0, target: bytes = USDC, **values):
    """A proposal of one call in this form, as the mirror stores it, with the effects that the agent computes."""
    proposal = made.proposal(7, **values)
    proposal.actions.all().delete()
    ProposalAction.objects.create(
        proposal=proposal, position=0, target=target, value_wei=value_wei, signature=text_of(signature),
        signature_raw=raw_of(signature), calldata=data,
    )  # fmt: skip
    place = DaoView(made.dao)
    found = effects.effects_of(map(call_of, proposal.actions.all()), effects.Book(ether=place.native.symbol))
    made.summary(proposal, effects=[effect.as_json() for effect in found], sentences=[])
    return proposal


def on_page(client) -> str:
    """The calls of the page as a reader sees them."""
    text = client.get("/river/proposals/7/").content.decode()
    part = re.search(r'<h2 id="calls">.*?</section>', text, re.DOTALL).group()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())


def in_api(client) -> dict:
    (action,) = client.get("/api/v1/daos/river/proposals/7").json()["actions"]
    return action


def in_mail(made, proposal) -> str:
    found = proposal_of(DaoView(made.dao), proposal.proposal_id)
    return " ".join(digest.of_proposal(DaoView(made.dao), found, None).effects)


def test_a_function_without_arguments_is_no_plain_transfer(client, made):
    proposal = gives(made, b"sweepEverything()")
    selector = "0x" + keccak(text="sweepEverything()")[:4].hex()
    page, action = on_page(client), in_api(client)
    assert "Plain transfer" not in page
    assert "The proposal calls this function “sweepEverything()”. These are the proposal's own words" in page
    assert "nobody can say from here what it does" in page
    assert (action["calldata"], action["data"], action["signature"]) == (selector, "0x", "sweepEverything()")
    assert action["decoded"] is None
    told = in_mail(made, proposal)
    assert "that the proposal names sweepEverything(). Only the proposal's own words say so." in told
    assert "Transfers" not in told


def test_arguments_that_begin_like_a_transfer_are_none(client, made):
    data = abi.encode(["bytes4", "address", "uint256"], [PAY, ADA, 10**6])
    proposal = gives(made, b"burnAll(bytes4,address,uint256)", data)
    page, action = on_page(client), in_api(client)
    assert action["decoded"] is None
    assert action["calldata"] == "0x" + (keccak(text="burnAll(bytes4,address,uint256)")[:4] + data).hex()
    assert "1 USDC" not in page
    assert "Unknown function" in page
    assert "Arguments by that text" in page
    assert "Transfers" not in in_mail(made, proposal)


def test_a_known_function_given_as_text_is_decoded(client, made):
    proposal = gives(made, b"transfer(address,uint256)", abi.encode(["address", "uint256"], [ADA, 5_000_000]))
    assert in_api(client)["decoded"]["signature"] == "transfer(address,uint256)"
    assert in_api(client)["signature_says"] is None
    assert "(5 USDC)" in on_page(client)
    assert "Transfers 5,000,000 base units" in in_mail(made, proposal)


HOSTILE = [
    b"pay\xff\xfe()", b"pay\x00()", b"pay()\nPlain transfer of nothing", "pay\u202e\u200b()".encode(),
    b"<img src=x onerror=alert(1)>()", b"x" * 5000, b"www.evil.example ://evil.example()",
]  # fmt: skip


@pytest.mark.parametrize("signature", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_acts_nowhere(client, made, signature):
    proposal = gives(made, signature, b"\x01", 5)
    raw, action = client.get("/river/proposals/7/").content, in_api(client)
    assert b"<img" not in raw
    assert "pay\u202e".encode() not in raw
    assert b"\x00" not in raw
    assert len(on_page(client)) < 3000
    executed = keccak(signature)[:4] + b"\x01"
    assert action["calldata"] == "0x" + executed.hex()
    assert action["signature_bytes"] == "0x" + signature.hex()
    assert action["signature"].isprintable()
    assert len(action["signature"]) < 200
    assert executed[:4].hex() in in_mail(made, proposal)
    assert "://" not in in_mail(made, proposal)


# A function's text that would be read as another one, or can't be shown whole; and the one form in which all show it.
PAID = abi.encode(["address", "uint256"], [ADA, 5_000_000])
LYING = {
    "over 400 characters": (
        b"pay" + b"x" * 500 + b"(address,uint256)", PAID, "pay" + "x" * 117 + "… (520 bytes)",
    ),
    "cut where a known function would end": (
        b"transfer(address,uint256)" + b" " * 95 + b"OrAnythingElse()", PAID,
        "transfer(address,uint256)" + "[U+0020]" * 11 + "… (136 bytes)",
    ),
    "100 kB after a known function": (
        b"transfer(address,uint256)" + b"y" * 100_000, PAID,
        "transfer(address,uint256)" + "y" * 95 + "… (100,025 bytes)",
    ),
    "no UTF-8": (b"transfer\xc3(address,uint256)", PAID, "transfer[0xC3](address,uint256)"),
    "a known function, NUL and more": (b"transfer(address,uint256)\x00", PAID, "transfer(address,uint256)[U+0000]"),
    "written from right to left": (
        "\u202e)652tniu,sserdda(refsnart\u202c".encode(), PAID, "[U+202E])652tniu,sserdda(refsnart[U+202C]",
    ),
    "look-alike letters": (
        "tr\u0430nsf\u0435r(address,uint256)".encode(), PAID, "tr[U+0430]nsf[U+0435]r(address,uint256)",
    ),
    "look-alike brackets and comma": (
        "transfer\uff08address\uff0cuint256\uff09".encode(), PAID, "transfer[U+FF08]address[U+FF0C]uint256[U+FF09]",
    ),
    "nothing wide within": ("trans\u200bfer(address,uint256)".encode(), PAID, "trans[U+200B]fer(address,uint256)"),
    "a space at its end": (b"transfer(address,uint256) ", PAID, "transfer(address,uint256)[U+0020]"),
    "two spaces": (b"transfer(address,  uint256)", PAID, "transfer(address,[U+0020][U+0020]uint256)"),
    "a space within": (b"transfer(address, uint256)", PAID, "transfer(address, uint256)"),
    "one comma more": (b"transfer(address,uint256,)", PAID, "transfer(address,uint256,)"),
    "one bracket more": (b"transfer(address,uint256))", PAID, "transfer(address,uint256))"),
    "brackets that do not close": (b"transfer(address,uint256[)", PAID, "transfer(address,uint256[)"),
    "short names of types": (b"transfer(address,uint)", PAID, "transfer(address,uint)"),
    "another's name and types in brackets": (b"transfer((address,uint256))", PAID, "transfer((address,uint256))"),
    "two functions": (b"burn()transfer(address,uint256)", PAID, "burn()transfer(address,uint256)"),
    "a sentence of ours": (
        "pay()\u201d. Transfers 1 USDC to ada. \u201cok()".encode(), b"",
        "pay()[U+201D]. Transfers 1 USDC to ada. [U+201C]ok()",
    ),
    "markup": (b"</code><b>transfer(address,uint256)</b>", PAID, "</code><b>transfer(address,uint256)</b>"),
    "a placeholder": (b"pay%(known)s{target}()", b"", "pay%(known)s{target}()"),
}  # fmt: skip


@pytest.mark.parametrize(("signature", "data", "shown"), LYING.values(), ids=LYING)
def test_a_lying_text_reads_the_same_everywhere_and_as_no_other_function(client, made, signature, data, shown):
    proposal = gives(made, signature, data, deadline=NOW - 1, for_votes=50_000 * UNIT)
    executed = keccak(signature)[:4] + data
    page, action = on_page(client), in_api(client)
    (effect,) = action["effects"]
    assert (action["signature"], action["signature_bytes"]) == (shown, "0x" + signature.hex())
    said = {"page": page, "API": action["signature_says"], "effect": effect["sentence"]}
    said["mail"] = in_mail(made, proposal)
    for where, text in said.items():
        quoted = f"proposal names {shown}" if "proposal names" in text else f"“{shown}”"
        assert quoted in text, where
        # What it is not: no amount is read out of its data, and none of our sentences speaks for it.
        rest = text.replace(shown, "")
        assert "Transfers" not in rest, where
        assert "5 USDC" not in rest, where
        assert "selector of transfer" not in rest, where
    assert "Plain transfer" not in page
    assert action["decoded"] is None
    assert effect["kind"] in ("unknown", "call")
    assert effect["selector"] == "0x" + executed[:4].hex()
    assert "0x" + executed[:4].hex() in page
    assert action["calldata"] == "0x" + executed.hex()
    offered = "0x" + queue_call([call_of(row) for row in proposal.actions.all()], proposal.description_bytes).hex()
    assert executed.hex() in offered
    assert f'data-calldata="{offered}"' in client.get("/river/proposals/7/").content.decode()
    assert client.get("/api/v1/daos/river/proposals/7").json()["next_step"]["calldata"] == offered


def test_the_call_offered_to_wallets_carries_what_is_executed(client, made):
    proposal = gives(made, b"sweep(uint256)", bytes(32), deadline=NOW - 1, for_votes=50_000 * UNIT)
    proposal.description_raw = b"\xff\x00 text"
    proposal.save()
    executed = keccak(text="sweep(uint256)")[:4] + bytes(32)
    expected = abi.encode_call(
        "queue(address[],uint256[],bytes[],bytes32)", [[USDC], [0], [executed], keccak(b"\xff\x00 text")]
    )
    assert queue_call([call_of(action) for action in proposal.actions.all()], proposal.description_bytes) == expected
    assert f'data-calldata="0x{expected.hex()}"' in client.get("/river/proposals/7/").content.decode()
    assert client.get("/api/v1/daos/river/proposals/7").json()["next_step"]["calldata"] == "0x" + expected.hex()


def test_a_mail_says_of_how_many_calls_it_does_not_tell(made):
    proposal = gives(made, b"sweep()")
    for position in range(1, 15):
        ProposalAction.objects.create(
            proposal=proposal, position=position, target=USDC, value_wei=0, calldata=bytes([position]) * 4
        )
    told = effects.effects_of(map(call_of, proposal.actions.all()))
    made.summary(proposal, effects=[effect.as_json() for effect in told], sentences=[])
    assert in_mail(made, proposal).endswith("And 3 more, which only the proposal's page shows.")
    proposal.actions.filter(position__gt=11).delete()
    told = effects.effects_of(map(call_of, proposal.actions.all()))
    made.summary(proposal, effects=[effect.as_json() for effect in told], sentences=[])
    assert "more, which only" not in in_mail(made, proposal)


def test_a_mail_says_where_nothing_is_known_of_the_calls(made):
    made.proposal(8)
    found = proposal_of(DaoView(made.dao), 8)
    assert "What its calls do is not computed yet." in digest.of_proposal(DaoView(made.dao), found, None).lines


# --- the chain's own coin


def moved(made, chain_id: int) -> None:
    """The DAO on another chain."""
    made.dao.chain = Chain.objects.create(chain_id=chain_id, name=str(chain_id))
    made.dao.save()


@pytest.mark.parametrize(
    ("chain_id", "shown"),
    [(1, "5 ETH"), (100, "5 xDAI"), (137, "5 POL"), (56, "5 BNB"), (43114, "5 AVAX"), (42220, "5 CELO"),
     (5000, "5 MNT"), (250, "5 FTM"), (146, "5 S"), (8453, "5 ETH"), (31337, "5 ETH"), (987_654_321, "5 native units")],
)  # fmt: skip
def test_the_native_currency_is_called_by_its_name(client, made, chain_id, shown):
    moved(made, chain_id)
    proposal = gives(made, b"", value_wei=5 * 10**18, target=ADA)
    act = made.act(1)
    act.calls.update(target=ADA, value_wei=5 * 10**18, calldata=b"")
    texts = [on_page(client), in_mail(made, proposal), client.get("/river/agent/").content.decode()]
    texts += digest.of_act(DaoView(made.dao), act).lines
    for text in texts[:4]:
        assert shown in text
        assert shown == "5 ETH" or "ETH" not in text.replace("MANDATE", "")
    symbol = shown.removeprefix("5 ")
    assert in_api(client)["value_symbol"] == symbol
    told = client.get("/api/v1/daos/river").json()["native_currency"]
    assert told == {"symbol": symbol, "decimals": 18}


def test_two_assets_of_one_symbol_are_told_apart(client, made):
    other = Contract.objects.create(
        dao=made.dao, kind="asset", address=account(2000), capabilities={"symbol": "usdc", "decimals": 6}
    )
    place = DaoView(made.dao)
    assert place.asset(USDC).text(5_000_000) == f"5 USDC ({address_text(USDC)})"
    assert place.asset(bytes(other.address)).text(5_000_000) == f"5 usdc ({address_text(other.address)})"
    made.proposal(7)
    assert f"5 USDC ({address_text(USDC)})" in on_page(client)
    other.delete()
    assert DaoView(made.dao).asset(USDC).text(5_000_000) == "5 USDC"


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        ("000 USDC", "5 “000 USDC” ({})"), (",000", "5 “,000” ({})"), ("USDC to ada", "5 “USDC to ada” ({})"),
        ("USD\u0421", "5 “USD\u0421” ({})"), ("US\u200bDC", "5 “US[U+200B]DC” ({})"), ("1INCH", "5 “1INCH” ({})"),
        ("native units", "5 “native units” ({})"), ("  ", "5 tokens ({})"), ("USDC.e", "5 USDC.e"),
        ("UNI-V2", "5 UNI-V2"),
    ],
)  # fmt: skip
def test_a_symbol_can_not_pass_for_another_or_for_a_part_of_the_amount(made, symbol, shown):
    made.contracts["asset"].capabilities = {"symbol": symbol, "decimals": 6}
    made.contracts["asset"].save()
    assert DaoView(made.dao).asset(USDC).text(5_000_000) == shown.format(address_text(USDC))


def test_a_token_that_is_called_like_the_native_currency_is_told_apart(made):
    moved(made, 100)
    made.contracts["asset"].capabilities = {"symbol": "XDAI", "decimals": 18}
    made.contracts["asset"].save()
    place = DaoView(made.dao)
    assert place.asset(USDC).text(UNIT) == f"1 XDAI ({address_text(USDC)})"
    assert place.native.text(UNIT) == "1 xDAI (the native currency)"
