# SPDX-License-Identifier: Apache-2.0
"""How many blocks deep a block is final, by chain: what counts where a node has no `finalized` tag, and the least that
counts where it has one.

The source is Chainlink's published defaults (github.com/smartcontractkit/chainlink, core/chains/evm/config/toml/
defaults, `FinalityDepth`), for chains where it is deeper than `DEFAULT_BLOCKS`; not every chain of theirs was looked
at. Polygon's chain has seen reorgs of 157 blocks. An operator may set another depth (`MANDATE_FINALITY_DEPTHS`).
"""

from django.conf import settings

DEFAULT_BLOCKS = 64  # two epochs of Ethereum, after which a block is final there

DEPTHS_BLOCKS: dict[int, int] = {
    10: 200,  # OP Mainnet
    137: 500,  # Polygon
    255: 400,  # Kroma
    592: 100,  # Astar
    919: 200,  # Mode Sepolia
    1_101: 500,  # Polygon zkEVM
    2_358: 400,  # Kroma Sepolia
    8_453: 200,  # Base
    34_443: 200,  # Mode Mainnet
    59_141: 28_800,  # Linea Sepolia Testnet
    59_144: 300,  # Linea Mainnet
    60_808: 900,  # BOB
    80_002: 500,  # Polygon Amoy
    81_457: 200,  # Blast
    84_532: 200,  # Base Sepolia
    11_155_420: 200,  # OP Sepolia
}


def finality_depth(chain_id: int) -> int:
    """Return how many blocks deep a block of this chain is final: what the operator set, else what the table says."""
    return settings.FINALITY_DEPTHS.get(chain_id, DEPTHS_BLOCKS.get(chain_id, DEFAULT_BLOCKS))
