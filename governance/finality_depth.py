# SPDX-License-Identifier: Apache-2.0
"""How many blocks deep a block is final, by chain: what counts where a node has no `finalized` tag, and the least that
counts where it has one.

The source is Chainlink's published defaults (`FinalityDepth` of the files in github.com/smartcontractkit/chainlink,
core/chains/evm/config/toml/defaults, and chainlink-evm, pkg/config/toml/defaults), for chains where it is deeper than
`DEFAULT_BLOCKS`. On 2026-12-01 each row was held against a stored copy of its chain's file, and all agreed; the rows
that `OF_ITS_TESTNET` names have their test network's number, for no file of their own was found. Of the chains that are
not listed, these have 50 there or less: Ethereum, Arbitrum One, Avalanche, BNB Smart Chain, Celo (by a file from before
it was a rollup), Gnosis, Hedera, Katana, Metis, opBNB, Ronin, Scroll, Shibarium, Sonic, WEMIX and ZKsync Era. Others
were not looked at. Polygon's chain has seen reorgs of 157 blocks. An operator may set another depth
(`MANDATE_FINALITY_DEPTHS`).
"""

from django.conf import settings

DEFAULT_BLOCKS = 64  # two epochs of Ethereum, after which a block is final there

DEPTHS_BLOCKS: dict[int, int] = {
    10: 200,  # OP Mainnet
    130: 2_000,  # Unichain
    137: 500,  # Polygon
    252: 200,  # Fraxtal
    255: 400,  # Kroma
    480: 2_500,  # World Chain
    592: 100,  # Astar
    919: 200,  # Mode Sepolia
    1_101: 500,  # Polygon zkEVM
    1_301: 2_000,  # Unichain Sepolia
    1_868: 200,  # Soneium Mainnet
    1_946: 200,  # Soneium Minato
    2_358: 400,  # Kroma Sepolia
    2_442: 500,  # Polygon zkEVM Cardona
    2_522: 200,  # Fraxtal Testnet
    4_801: 2_500,  # World Chain Sepolia
    5_000: 1_200,  # Mantle
    5_003: 1_200,  # Mantle Sepolia Testnet
    8_453: 200,  # Base
    34_443: 200,  # Mode Mainnet
    48_899: 1_000,  # Zircuit Testnet
    48_900: 1_000,  # Zircuit Mainnet
    57_073: 3_000,  # Ink
    59_141: 28_800,  # Linea Sepolia Testnet
    59_144: 300,  # Linea Mainnet
    60_808: 900,  # BOB
    80_002: 500,  # Polygon Amoy
    81_457: 200,  # Blast
    84_532: 200,  # Base Sepolia
    763_373: 3_000,  # Ink Sepolia
    808_813: 900,  # BOB Sepolia
    11_155_420: 200,  # OP Sepolia
    168_587_773: 200,  # Blast Sepolia
}
OF_ITS_TESTNET = frozenset({130, 252, 57_073})


def finality_depth(chain_id: int) -> int:
    """Return how many blocks deep a block of this chain is final: what the operator set, else what the table says."""
    return settings.FINALITY_DEPTHS.get(chain_id, DEPTHS_BLOCKS.get(chain_id, DEFAULT_BLOCKS))
