# SPDX-License-Identifier: Apache-2.0
"""Contracts as others published them, from npm packages, on the tests' chain: what the templates' acts call for real.

The packages are development dependencies in package.json. Nothing of theirs is in the repository, and nothing of the
product uses them: Uniswap's v3-core and Sablier's v2-core are under the Business Source License 1.1 (v3-core's has
ended, its change date was 2023-04-01), which permits use that is not production, such as these tests.
"""

import json
import math
from typing import Any

from eth_abi import encode

from governance.chain.address import checksum
from tests.conftest import ROOT, Deployed, _type

_UNISWAP = "@uniswap/v3-{}/artifacts/contracts/{}.sol/{}.json"
FACTORY = _UNISWAP.format("core", "UniswapV3Factory", "UniswapV3Factory")
POOL = _UNISWAP.format("core", "UniswapV3Pool", "UniswapV3Pool")
ROUTER = _UNISWAP.format("periphery", "SwapRouter", "SwapRouter")
POSITIONS = _UNISWAP.format("periphery", "NonfungiblePositionManager", "NonfungiblePositionManager")
_SABLIER = "@sablier/v2-core/artifacts/{}.json"
STREAMS = _SABLIER.format("SablierV2LockupLinear")
DESCRIPTOR = _SABLIER.format("SablierV2NFTDescriptor")

FEE = 500
_WIDEST_TICK = 887_270  # the widest range of a pool of this fee, whose ticks are ten apart


def artifact(path: str) -> tuple[list[dict[str, Any]], bytes]:
    """The ABI and the creation code in an npm package's artifact, by hardhat or by forge."""
    found = json.loads((ROOT / "node_modules" / path).read_text())
    code = found["bytecode"] if isinstance(found["bytecode"], str) else found["bytecode"]["object"]
    return found["abi"], bytes.fromhex(code.removeprefix("0x"))


def put_published(suite: Deployed, key: str, path: str, *arguments: Any) -> bytes:
    """Deploy an artifact as `key` of the suite; returns its address."""
    abi, code = artifact(path)
    inputs = next((entry["inputs"] for entry in abi if entry["type"] == "constructor"), [])
    receipt = suite.send_raw("deployer", None, code + encode([_type(one) for one in inputs], arguments))
    suite.abis[key], suite.addresses[key] = abi, bytes.fromhex(receipt["contractAddress"][2:])
    return suite.addresses[key]


def square_root_price(token_in: bytes, token_out: bytes, out_per_million: int) -> int:
    """A pool's price as Uniswap keeps it, at which a million base units of `token_in` bring so many of `token_out`."""
    up, down = (out_per_million, 10**6) if token_in < token_out else (10**6, out_per_million)
    return math.isqrt(up * 2**192 // down)


def put_pool(suite: Deployed, weth: bytes, out_per_million: int, usdc: int, wei: int) -> bytes:
    """Uniswap's factory, router and position manager, and a pool of USDC and `weth` at a price, with that much of both
    lent to it over the whole range of prices. Returns the router."""
    token = suite.address("usdc")
    factory = put_published(suite, "uniswap_factory", FACTORY)
    router = put_published(suite, "router", ROUTER, checksum(factory), checksum(weth))
    positions = put_published(suite, "positions", POSITIONS, checksum(factory), checksum(weth), checksum(bytes(20)))
    low, high = sorted([token, weth])
    price = square_root_price(token, weth, out_per_million)
    suite.send("deployer", "positions", "createAndInitializePoolIfNecessary", checksum(low), checksum(high), FEE, price)
    suite.abis["pool"] = artifact(POOL)[0]
    pool = suite.read("uniswap_factory", "getPool", checksum(low), checksum(high), FEE)
    suite.addresses["pool"] = bytes.fromhex(pool[2:])
    suite.send("deployer", "usdc", "mint", checksum(suite.address("deployer")), usdc)
    suite.send("deployer", "weth", "mint", checksum(suite.address("deployer")), wei)
    for key, amount in (("usdc", usdc), ("weth", wei)):
        suite.send("deployer", key, "approve", checksum(positions), amount)
    lent = (usdc, wei) if low == token else (wei, usdc)
    given = (checksum(low), checksum(high), FEE, -_WIDEST_TICK, _WIDEST_TICK, *lent, 0, 0,
             checksum(suite.address("deployer")), 2**40)  # fmt: skip
    suite.send("deployer", "positions", "mint", given)
    return router


def swap_away(suite: Deployed, usdc: int) -> None:
    """Somebody swaps so many base units of USDC in the pool: ether is dearer after it."""
    suite.send("deployer", "usdc", "mint", checksum(suite.address("mallory")), usdc)
    suite.send("mallory", "usdc", "approve", checksum(suite.address("router")), usdc)
    tokens = checksum(suite.address("usdc")), checksum(suite.address("weth"))
    suite.send("mallory", "router", "exactInputSingle",
               (*tokens, FEE, checksum(suite.address("mallory")), 2**40, usdc, 0, 0))  # fmt: skip


def put_streams(suite: Deployed) -> bytes:
    """Sablier's Lockup 1.2 with linear streams; returns its address."""
    descriptor = put_published(suite, "descriptor", DESCRIPTOR)
    return put_published(suite, "streams", STREAMS, checksum(suite.address("deployer")), checksum(descriptor))
