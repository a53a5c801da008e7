# SPDX-License-Identifier: Apache-2.0
"""What is measured on, read from the folder beside the repository. None of it is in the repository."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.understanding.effects import Book
from governance.chain.address import to_bytes
from governance.chain.call import ProposedCall

SHARED = Path(__file__).resolve().parents[3] / "shared"
_TEXT, _CALLS = "proposalDescription.md", "proposalCalldata.json"


@dataclass(frozen=True)
class Read:
    """An effect as a person read it: of which call, what it is, how the text tells it, and by which words."""

    call: int
    effect: str
    kind: str
    verdict: str
    where: str


@dataclass(frozen=True)
class Proposal:
    """A text with its calls and the book to read them by; `read` and `want` where a person read it."""

    name: str
    text: str
    calls: tuple[ProposedCall, ...]
    book: Book
    want: tuple[str, ...] = ()
    read: tuple[Read, ...] = ()
    orders_not_done: tuple[Any, ...] = field(default=())


def is_here() -> bool:
    """Whether the folder with others' data is beside this repository."""
    return (SHARED / "cases" / "verdict.json").is_file() and (SHARED / "data" / "proposals" / "ens").is_dir()


def honest() -> list[Proposal]:
    """The real proposals that a person read effect by effect, in the file's order."""
    body = json.loads((SHARED / "cases" / "honest26.json").read_text())
    book = Book.from_json(json.dumps(body["book"]))
    found = []
    for name, reading in body["proposals"].items():
        folder = SHARED / "data" / "proposals" / "ens" / name
        calls = tuple(_call(one) for one in json.loads((folder / _CALLS).read_text())["executableCalls"])
        read = tuple(Read(e["call"], e["effect"], e["kind"], e["verdict"], e["where"]) for e in reading["effects"])
        text = (folder / _TEXT).read_text()
        found.append(Proposal(name, text, calls, book, (reading["outcome"],), read, tuple(reading["orders_not_done"])))
    return found


def cases() -> list[Proposal]:
    """The small cases of a wrong or a right yes; several outcomes may be right."""
    body = json.loads((SHARED / "cases" / "verdict.json").read_text())
    words = {"matches": "told", "opaque": "cant_be_checked"}
    found = []
    for case in body["cases"]:
        given = {key: {**body.get(key, {}), **case.get(key, {})} for key in ("tokens", "names", "contracts")}
        want = case["want"] if isinstance(case["want"], list) else [case["want"]]
        calls = tuple(_call(one) for one in case["calls"])
        book = Book.from_json(json.dumps(given))
        found.append(Proposal(case["name"], case["text"], calls, book, tuple(words.get(w, w) for w in want)))
    return found


def events(folder: str) -> Iterator[Proposal]:
    """Proposals out of recorded ProposalCreated logs, with no book but the chain's."""
    csv.field_size_limit(sys.maxsize)
    for path in sorted((SHARED / "data" / "governance-events" / folder).glob("*/*/ProposalCreated(*.csv")):
        chain_id = int(path.parents[1].name)
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if "calldatas" not in row:
                    continue  # a voting module's own form: no calls of the usual kind
                calls = tuple(_calls_of(row))
                yield Proposal(f"{path.parents[2].name}:{row.get('id') or row.get('proposal_id')}",
                               row["description"], calls, Book(chain_id=chain_id))  # fmt: skip


def uniswap() -> list[Proposal]:
    """Uniswap's 83 proposals, with the book of a mirror: its own contracts and tokens."""
    names = {
        to_bytes("0x408ED6354d4973f66138C91495F2f2FCbd8724C3"): "the governor",
        to_bytes("0x1a9C8182C09F50C8318d769245beA52c32BE35BC"): "the timelock",
        to_bytes("0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984"): "the votes token",
    }
    book = Book.from_json(
        json.dumps(
            {
                "tokens": {
                    "UNI": ["0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984", 18],
                    "USDC": ["0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6],
                    "USDT": ["0xdAC17F958D2ee523a2206206994597C13D831ec7", 6],
                    "DAI": ["0x6B175474E89094C44Da98b954EedeAC495271d0F", 18],
                    "WETH": ["0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", 18],
                },
                "names": {name: "0x" + address.hex() for address, name in names.items()},
                "contracts": {
                    "0x408ED6354d4973f66138C91495F2f2FCbd8724C3": {"kind": "governor", "clock": "block"},
                    "0x1a9C8182C09F50C8318d769245beA52c32BE35BC": {"kind": "timelock", "clock": "time"},
                },
            }
        )
    )
    return [
        Proposal(one.name.rpartition(":")[2], one.text, one.calls, book) for one in events("1000-all-uniswap-to-PID83")
    ]


def optimism() -> list[Proposal]:
    """Optimism's proposals in the form with calls."""
    return list(events("5000-all-optimism-proposalcreated-to-20250425"))


def attacks() -> list[dict[str, Any]]:
    return json.loads((SHARED / "data" / "known_attacks.json").read_text())


def injections() -> list[str]:
    """Every injected instruction that the three collections hold, once, in their order."""
    folder = SHARED / "data" / "injection"
    found = [json.loads(line)["text"] for line in (folder / "bastioncorpus/injections.jsonl").read_text().splitlines()]
    for texts in json.loads((folder / "bipia/text_attack_train.json").read_text()).values():
        found += texts
    for name in ("test_cases_dh_base.json", "test_cases_ds_base.json"):
        found += [case["Attacker Instruction"] for case in json.loads((folder / "injecagent" / name).read_text())]
    return list(dict.fromkeys(found))


def _call(given: dict[str, Any]) -> ProposedCall:
    data = bytes.fromhex(given["calldata"].removeprefix("0x"))
    signature = (given.get("signature") or "").encode()
    value = int(given.get("value") or 0)
    return ProposedCall(to_bytes(given["target"]), value, signature, data, int(given.get("operation") or 0))


def _calls_of(row: dict[str, str]) -> Iterator[ProposedCall]:
    targets, values = (json.loads(row[key]) for key in ("targets", "values"))
    calldatas = row["calldatas"].strip("[]").split(",")  # not quoted in this source
    signatures = json.loads(row["signatures"]) if row.get("signatures") else [""] * len(targets)
    for number, target in enumerate(targets):
        data = calldatas[number].strip(' "') if number < len(calldatas) else ""
        yield ProposedCall(
            to_bytes(target), int(values[number]), signatures[number].encode(), bytes.fromhex(data.removeprefix("0x"))
        )
