# SPDX-License-Identifier: Apache-2.0
"""What the wallet makes of a token's answers: its script, bundled for node, asks a provider that the test gives it."""

import json
import subprocess
from pathlib import Path

import pytest

from policies.notation.primitives import selector

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, TOKEN = "0x" + "11" * 20, "0x" + "22" * 20
DELEGATE = "0x" + "0a" * 20
DENOMINATOR = "0x" + selector("DENOMINATOR()").hex()
ASK = """
globalThis.document = { documentElement: { lang: "en" } };
const answers = JSON.parse(process.argv[3]);
const { readDelegation } = require(process.argv[2]);
const request = async ({ method, params }) => {
  if (method !== "eth_call") throw new Error(method);
  const answer = answers[params[0].data.slice(0, 10)];
  if (answer === null) throw Object.assign(new Error("execution reverted"), { code: 3 });
  return answer;
};
const held = { account: "ACCOUNT", chainId: 1, wallet: { id: "t", name: "t", provider: { request } } };
readDelegation(held, "TOKEN").then((told) =>
  console.log(JSON.stringify(told, (_, value) => (typeof value === "bigint" ? String(value) : value))),
);
""".replace("ACCOUNT", ACCOUNT).replace("TOKEN", TOKEN)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    made = tmp_path_factory.mktemp("wallet") / "chain.js"
    command = [ROOT / "node_modules" / ".bin" / "esbuild", "webapp/wallet/src/chain.ts", "--bundle", "--platform=node"]
    subprocess.run([*command, "--format=cjs", f"--outfile={made}"], cwd=ROOT, check=True, capture_output=True)
    asking = made.with_name("ask.js")
    asking.write_text(ASK)
    return asking, made


def told(script, balance, delegates, denominator=None):
    asking, made = script
    answers = json.dumps({"0x70a08231": balance, "0x587cde1e": delegates, DENOMINATOR: denominator})
    done = subprocess.run(["node", asking, made, answers], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def word(value):
    return f"{value:064x}"


def test_a_plain_token_tells_what_is_held_and_who_votes(script):
    answer = "0x" + "00" * 12 + DELEGATE[2:]
    found = told(script, "0x" + word(500), answer)
    assert found["held"] == "500"
    assert found["delegate"].lower() == DELEGATE


# A list, as tokens with partial delegation answer: of nobody, of one, and of one with a part.
NOBODY = "0x" + word(0x20) + word(0)
ONE = "0x" + word(0x20) + word(1) + "00" * 12 + DELEGATE[2:] + word(10_000)
PART = "0x" + word(0x20) + word(1) + "00" * 12 + DELEGATE[2:] + word(100)


@pytest.mark.parametrize(
    ("delegates", "is_split"),
    [
        ("0x" + "ff" * 32, False),
        ("0x" + DELEGATE[2:], False),
        ("0x", False),
        (None, False),
        (NOBODY, True),
        (ONE, True),
        (PART, True),
    ],
)
def test_an_answer_that_is_no_address_names_nobody(script, delegates, is_split):
    nothing = {"delegate": None, "parts": None, "most": None}
    assert told(script, "0x" + word(500), delegates) == {"held": "500", "isSplit": is_split, **nothing}


@pytest.mark.parametrize("denominator", [word(100), word(2**96 - 1), "", None])
def test_parts_of_a_token_that_counts_in_no_basis_points_are_not_known(script, denominator):
    found = told(script, "0x" + word(500), PART, denominator and "0x" + denominator)
    assert (found["delegate"], found["parts"]) == (None, None)


def test_parts_in_basis_points_are_told(script):
    for delegates, account, parts in ((NOBODY, "0x" + "00" * 20, []), (ONE, DELEGATE, [10_000]), (PART, None, [100])):
        found = told(script, "0x" + word(500), delegates, "0x" + word(10_000))
        assert (found["delegate"] and found["delegate"].lower(), found["most"]) == (account, None)
        assert [part["bps"] for part in found["parts"]] == parts


@pytest.mark.parametrize("balance", ["0x", "0x01", "0x" + word(0x20) + word(5), None])
def test_an_answer_that_is_no_amount_is_not_known(script, balance):
    assert told(script, balance, "0x" + word(0))["held"] is None
