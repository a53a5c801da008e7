# SPDX-License-Identifier: Apache-2.0
"""What a chain's native currency is called, checked against viem's chain definitions."""

import json
import subprocess
from pathlib import Path

import pytest

from governance.chain import native
from tests.conftest import ROOT

VIEM = ROOT / "node_modules" / "viem"
_LIST = """
import * as chains from %s
const coins = Object.values(chains).filter((c) => c && c.nativeCurrency).map((c) => [c.id, c.nativeCurrency])
console.log(JSON.stringify(coins.map(([id, coin]) => [id, coin.name, coin.symbol, coin.decimals])))
"""


@pytest.fixture(scope="module")
def of_viem() -> dict[int, list[tuple[str, str, int]]]:
    """Chain -> (name, symbol, decimals) of its coin, by each definition that viem has under that number."""
    source = VIEM / "_esm" / "chains" / "index.js"
    if not source.exists():
        pytest.skip("viem is not installed; run `npm ci`")
    script = _LIST % json.dumps(source.as_uri())
    answer = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=120
    )
    found: dict[int, list[tuple[str, str, int]]] = {}
    for chain_id, *coin in json.loads(answer.stdout):
        found.setdefault(chain_id, []).append(tuple(coin))
    return found


def test_every_listed_coin_is_viems(of_viem):
    for chain_id, symbol in native.SYMBOLS.items():
        names = {text for name, sign, decimals in of_viem[chain_id] for text in (name, sign) if decimals == 18}
        assert symbol in names, (chain_id, symbol, names)
    version = json.loads((VIEM / "package.json").read_text())["version"]
    assert f"viem@{version}" in Path(native.__file__).read_text()


def test_coins_that_are_not_ether(of_viem):
    expected = {100: "xDAI", 137: "POL", 56: "BNB", 43114: "AVAX", 42220: "CELO", 5000: "MNT", 250: "FTM", 146: "S"}
    assert {chain_id: native.symbol_of(chain_id) for chain_id in expected} == expected
    assert {native.symbol_of(chain_id) for chain_id in (1, 10, 8453, 42161, 59144, 31337, 11155111)} == {"ETH"}


@pytest.mark.parametrize("chain_id", [0, -1, 2, 990_001, 2**256])
def test_a_chain_that_is_not_listed_has_native_units(chain_id):
    coin = native.native_token(chain_id)
    assert (coin.symbol, coin.address, coin.decimals) == ("native units", bytes(20), 18)


def test_who_is_called_like_the_coin():
    assert all(native.pretends_to_be_native(symbol, 100) for symbol in ("xDAI", "XDAI", " xdai ", "ETH", "ether"))
    assert not any(native.pretends_to_be_native(symbol, 1) for symbol in ("xDAI", "WETH", "DAI", ""))
