# SPDX-License-Identifier: Apache-2.0
"""What a chain says of a proposal's accounts: names in both directions, code, and what the book makes of it."""

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from agent.understanding import functions
from agent.understanding.effects import Book, Contract, effects_of
from agent.understanding.flags import flags
from agent.understanding.ingest import read
from agent.understanding.live import asking, code, names
from agent.understanding.live.asking import with_facts
from agent.understanding.live.facts import NEW_DAYS, Code, Facts
from agent.understanding.review import review
from governance.chain import ens
from governance.chain.abi import encode_call
from governance.chain.address import checksum
from governance.chain.call import ProposedCall
from governance.chain.rpc import Answered, CallReverted, Rpc
from policies.notation.primitives import keccak, selector
from tests.agent.proposals import BEN, GOLD, STRANGER, TREASURY, pays

HASH, BEFORE, BOB, RESOLVER = b"\x01" * 32, 5, b"\xb0" * 20, b"\x5e" * 20
CALLED = b"\xca" * 20
PROXY = b"\x5a" * 20  # a Safe, as a test lets the node say it
FUNCTION = selector("file(bytes32,uint256)")


def reverse(address: bytes) -> bytes:
    node = bytes(32)
    for label in ("reverse", "addr", address.hex()):
        node = keccak(node + keccak(label.encode()))
    return node


def word(address: bytes) -> bytes:
    return address.rjust(32, b"\0")


def node(leads: dict[str, bytes], back: dict[bytes, str], codes: dict[bytes, bytes] | None = None) -> Any:
    """A node whose ENS leads names to addresses and addresses `back`, with this code; a name may lead to raw bytes."""
    answers = {(ens.namehash(name), selector("addr(bytes32)")): to for name, to in leads.items()}
    for address, name in back.items():
        text = name.encode()
        encoded = word(b"\x20") + word(bytes([len(text)])) + text.ljust(-(-len(text) // 32) * 32, b"\0")
        answers[reverse(address), selector("name(bytes32)")] = encoded
    nodes = {one for one, _ in answers}
    asked: list[Any] = []

    def eth_calls(calls: Sequence[tuple[bytes, bytes]], block: object) -> list[Any]:
        asked.append(block)
        found = []
        for to, data in calls:
            if to == ens.REGISTRY:
                found.append(word(RESOLVER) if data[4:] in nodes else bytes(32))
            else:
                assert to == RESOLVER
                answer = answers.get((data[4:], data[:4]), CallReverted(b""))
                found.append(word(answer) if isinstance(answer, bytes) and len(answer) == 20 else answer)
        return found

    def code_of(addresses: Sequence[bytes], block: object) -> list[Any]:
        asked.append(block)
        if block == BEFORE:
            return [Answered(-32000, "missing trie node")] * len(addresses)
        return [(codes or {}).get(address, b"") for address in addresses]

    return SimpleNamespace(eth_calls=eth_calls, codes=code_of, asked=asked)


# --- names


@pytest.mark.parametrize(
    ("leads", "back", "found"),
    [
        ({"bob.eth": BOB}, {BOB: "bob.eth"}, {BOB: "bob.eth"}),
        ({"bob.eth": BOB}, {}, {}),  # nobody says that the address is bob.eth
        ({"bob.eth": BOB}, {BOB: "rob.eth"}, {}),
        ({"bob.eth": STRANGER}, {BOB: "bob.eth", STRANGER: "eve.eth"}, {}),  # an address that claims a name of others
        ({"rob.eth": BOB}, {BOB: "rob.eth"}, {BOB: "rob.eth"}),  # of an address that is paid, in no text
        ({"bob.eth": BOB}, {BOB: "B\u043eb.eth"}, {}),  # a letter of another alphabet
        ({"bob.eth": b"\x01" * 32}, {BOB: "bob.eth"}, {}),  # a word that is no address
        ({"bob.eth": b"\x01" * 31}, {BOB: "bob.eth"}, {}),
    ],
)
def test_a_name_counts_only_where_both_directions_agree(leads, back, found):
    rpc = node(leads, back)
    assert names.agreed(rpc, ["bob.eth"], [BOB], HASH) == found
    assert set(rpc.asked) == {HASH}  # all of it at the proposal's block


def test_a_node_that_fails_in_the_middle_gives_no_half_of_an_answer():
    rpc = node({"bob.eth": BOB}, {BOB: "bob.eth"})
    rpc.eth_calls = lambda calls, _block: [Answered(-32000, "missing trie node")] * len(calls)
    with pytest.raises(Answered):
        names.agreed(rpc, ["bob.eth"], [], HASH)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pay Bob.eth and a.bob.eth, bob.eth.", ["bob.eth", "a.bob.eth"]),
        ("Mail to ann@bob.eth or see https://x.org/bob.eth and bob.eth.limo", []),
        ("b\u043eb.eth xn--bob-0qa.eth bob.ethereum", []),
        (" ".join(f"n{number}.eth" for number in range(90)), [f"n{number}.eth" for number in range(40)]),
    ],
)
def test_names_are_read_from_the_text_as_people_write_them(text, found):
    assert names.names_in(text) == found


def test_a_name_that_agrees_tells_the_recipient_and_vouches_for_nobody():
    """What anybody may claim makes no contract known, and takes no flag away."""
    book = Book(tokens=Book.from_json(f'{{"tokens": {{"GLD": ["{checksum(GOLD)}", 6]}}}}').tokens, missing=("ens",))
    text = "# Pay Ben\n\nThis proposal transfers 2,500 GLD to ben.eth."
    assert str(review(text, [pays()], book).verdict.outcome) == "told_in_part"
    wider = with_facts(book, Facts(names={BEN: "ben.eth"}))
    told = review(text, [pays()], wider)
    assert str(told.verdict.outcome) == "told"
    assert told.effects[0].sentence == f"Transfers 2,500 GLD to ben.eth ({checksum(BEN)})."
    assert str(review(text, [pays(who=STRANGER)], wider).verdict.outcome) == "differs"
    assert not wider.knows(BEN)
    assert wider.missing == ()
    alike = BEN[:19] + bytes([BEN[19] ^ 1])
    claims = with_facts(wider, Facts(names={alike: "ben2.eth"}))
    raised = review(
        f"# Pay\n\nTransfers 2,500 GLD to {checksum(alike)}, not {checksum(BEN)}.", [pays(who=alike)], claims
    )
    assert "lookalike_address" in {flag.code for flag in raised.flags}


def test_the_books_own_name_comes_first_and_is_nobody_elses_to_claim():
    book = Book(names={BEN: "ben", BOB: "pay.eth"})
    wider = with_facts(book, Facts(names={BEN: "ben.eth", STRANGER: "pay.eth"}))
    assert (wider.names[BEN], wider.addresses["ben.eth"]) == ("ben", BEN)
    assert (wider.addresses["pay.eth"], STRANGER in wider.names) == (BOB, False)
    assert wider.knows(BEN)


def test_where_there_is_no_ens_no_name_is_asked():
    rpc = node({}, {})
    facts = asking.ask(rpc, "Pay bob.eth.", [pays()], Book(chain_id=100), HASH, None)
    assert facts.names == {}
    assert rpc.eth_calls.__name__ == "eth_calls"
    assert len(rpc.asked) == 1  # the token's code


# --- code

STOP, DESTROY, MARK, FORWARD = "00", "ff", "5b", "f4"


@pytest.mark.parametrize(
    ("hexadecimal", "destroys", "forwards"),
    [
        ("60ff60005500", False, False),  # pushed
        ("33ff", True, False),
        ("00ff", False, False),  # behind an end
        ("005bff", True, False),  # behind an end, with a mark to jump to
        ("7f" + "ff" * 32 + "00", False, False),
        ("6000f4", False, True),
        ("60f400", False, False),
        ("ef0100" + "11" * 20, False, True),
        ("6000500033ff" + "a1ff0003", False, False),  # what the compiler appends
        ("", False, False),
    ],
)
def test_code_is_read_operation_by_operation(hexadecimal, destroys, forwards):
    contract = bytes.fromhex(hexadecimal)
    found = code.can_destroy_itself(contract), code.runs_other_code(contract)
    if hexadecimal.endswith("a1ff0003"):
        assert code.can_destroy_itself(contract[:-5] + contract[-4:]) is False
        destroys = found[0]  # the part before the map has one behind an end
    assert found == (destroys, forwards)


@pytest.mark.parametrize(
    ("contract", "called", "lacks"),
    [
        (b"\x63" + FUNCTION + b"\x14\x00", FUNCTION, False),
        (b"\x63" + bytes(4) + b"\x14\x00", FUNCTION, True),
        (b"\x60\x00\xf4", FUNCTION, False),  # a proxy may have any function
        (b"\x62\x12\x34\x56\x14", bytes.fromhex("00123456"), False),  # pushed without its zero
        (b"", FUNCTION, False),
        (b"\x60\x00", b"", False),
    ],
)
def test_a_function_is_missing_only_where_that_is_sure(contract, called, lacks):
    assert code.lacks(contract, called) is lacks


def test_a_real_contract_has_its_functions_and_no_other(deployed):
    """Of our own build on a real chain: what it has, what it lacks, what is not there, and that it is young."""
    d = deployed
    rpc = Rpc([d.url], 31337, attempts=1)
    module, nobody = d.addresses["module"], b"\x99" * 20
    head = rpc.block("latest")
    calls = [
        ProposedCall(module, 0, b"", encode_call("setPolicy(bytes32,bytes)", [bytes(32), b""])),
        ProposedCall(module, 0, b"", encode_call("file(bytes32,uint256)", [bytes(32), 1])),
        ProposedCall(nobody, 0, b"", encode_call("file(bytes32,uint256)", [bytes(32), 1])),
    ]
    facts = asking.ask(rpc, "Pay bob.eth.", calls, Book(chain_id=31337), head.hash, 0)
    found = facts.codes[module]
    assert found.size > 10_000
    # The test's chain forgets states of 128 blocks ago, and other tests may have made it longer: then it is not known.
    assert found.is_new is True or (found.is_new is None and head.number >= 128)
    assert not found.destroys_itself
    assert not found.is_safe
    assert FUNCTION in found.lacks
    assert calls[0].calldata[:4] not in found.lacks
    assert facts.codes[nobody] == Code(0)
    assert Facts.from_json(**facts.as_json()) == facts
    with pytest.raises(Answered):
        asking.ask(rpc, "", calls, Book(chain_id=31337), b"\x07" * 32, None)  # a block that no chain has


def test_what_most_nodes_lack_is_not_known():
    rpc = node({}, {}, {CALLED: b"\x60\x00"})
    call = ProposedCall(CALLED, 0, b"", FUNCTION + bytes(64))
    assert asking.ask(rpc, "", [call], Book(chain_id=100), HASH, BEFORE).codes[CALLED].is_new is None


def test_a_safe_is_known_by_its_code_and_the_published_code_behind_it(monkeypatch):
    monkeypatch.setattr(asking, "SAFE_PROXIES", {keccak(b"a Safe's proxy")})
    singleton = bytes.fromhex("41675c099f32341bf84bfc5382af534df5c7461a")
    assert functions.deployment(1, singleton).kind == "safe_code"
    inner = encode_call("transfer(address,uint256)", [BEN, 5])
    signature = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    data = encode_call(signature, [GOLD, 0, inner, 0, 0, 0, 0, bytes(20), bytes(20), b""])
    calls = [ProposedCall(PROXY, 0, b"", data)]
    for behind, is_safe in ((singleton, True), (STRANGER, False)):
        rpc = node({}, {}, {PROXY: b"a Safe's proxy", GOLD: b"\x60\x00"})
        rpc.storage = lambda *_asked, behind=behind: word(behind)
        facts = asking.ask(rpc, "", calls, Book(chain_id=1), HASH, None)
        assert facts.codes[PROXY].is_safe is is_safe
        assert (GOLD in facts.codes) is is_safe  # what it calls is asked too, once it can be opened
        wider = with_facts(Book(), facts)
        assert (wider.contracts.get(PROXY) == Contract("safe")) is is_safe
        assert (effects_of(calls, wider)[0].recipient == BEN) is is_safe


# --- flags


def raised(found: Code, **case: Any) -> dict[str, str]:
    call = ProposedCall(CALLED, 0, b"", FUNCTION + bytes(64))
    effects = effects_of([call], Book())
    given = flags(read("Sets a value."), effects, Book(), facts=Facts(codes={CALLED: found}), **case)
    assert all(flag.effects == ("e1",) for flag in given if flag.code in CODES)
    return {flag.code: flag.text for flag in given if flag.code in CODES}


CODES = {"no_code", "new_code", "self_destruct", "no_function"}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Code(0), {"no_code": "There was no contract at ADDRESS when this was proposed."}),
        (Code(9, is_new=True),
         {"new_code": f"The contract ADDRESS was not there {NEW_DAYS} days before this was proposed."}),
        (Code(9, destroys_itself=True),
         {"self_destruct": "The contract ADDRESS may be able to destroy itself: its ether goes then, and on some "
          "chains other code can take its place."}),
        (Code(9, lacks=(FUNCTION,)),
         {"no_function": "The contract ADDRESS has no function file(bytes32,uint256) in its code: the call fails, or "
          "does something else."}),
        (Code(9, is_new=False), {}),
        (Code(9), {}),
    ],
)  # fmt: skip
def test_what_the_chain_says_of_code_is_flagged(found, says):
    given = {code: text.replace(checksum(CALLED), "ADDRESS") for code, text in raised(found).items()}
    if "no_function" in given:
        given["no_function"] = re.sub(r"function \S+ in", "function file(bytes32,uint256) in", given["no_function"])
    assert given == says


def test_without_a_node_no_flag_speaks_of_code():
    effects = effects_of([ProposedCall(TREASURY, 0, b"", FUNCTION + bytes(64))], Book())
    assert not CODES & {flag.code for flag in flags(read("x"), effects, Book())}
