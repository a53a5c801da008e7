# SPDX-License-Identifier: Apache-2.0
"""What the native currency of a chain is called: the coin that `msg.value` counts, in wei of 18 decimals.

The source is viem@2.57.20 (`nativeCurrency` of its chain definitions), apart from Gnosis, whose coin viem writes XDAI
and everybody else xDAI. tests/governance/test_native.py checks every row against the viem that is installed.
"""

from governance.chain.address import ZERO
from policies.notation.amounts import Token

DECIMALS = 18
UNKNOWN = "native units"  # of a chain that is not listed: true everywhere, and no token is called so

SYMBOLS: dict[int, str] = {
    1: "ETH",  # Ethereum
    10: "ETH",  # OP Mainnet
    14: "FLR",  # Flare Mainnet
    25: "CRO",  # Cronos Mainnet
    30: "RBTC",  # Rootstock Mainnet
    50: "XDC",  # XDC Network
    56: "BNB",  # BNB Smart Chain
    61: "ETC",  # Ethereum Classic
    97: "tBNB",  # BNB Smart Chain Testnet
    100: "xDAI",  # Gnosis
    122: "FUSE",  # Fuse
    130: "ETH",  # Unichain
    137: "POL",  # Polygon
    143: "MON",  # Monad
    146: "S",  # Sonic
    169: "ETH",  # Manta Pacific Mainnet
    196: "OKB",  # X Layer Mainnet
    204: "BNB",  # opBNB
    232: "GHO",  # Lens
    250: "FTM",  # Fantom
    252: "FRAX",  # Fraxtal
    288: "ETH",  # Boba Network
    324: "ETH",  # ZKsync Era
    388: "zkCRO",  # Cronos zkEVM Mainnet
    480: "ETH",  # World Chain
    592: "ASTR",  # Astar
    1_030: "CFX",  # Conflux eSpace
    1_088: "METIS",  # Metis
    1_101: "ETH",  # Polygon zkEVM
    1_135: "ETH",  # Lisk
    1_284: "GLMR",  # Moonbeam
    1_285: "MOVR",  # Moonriver
    1_329: "SEI",  # Sei Network
    1_625: "G",  # Gravity Alpha Mainnet
    1_868: "ETH",  # Soneium Mainnet
    2_020: "RON",  # Ronin
    2_222: "KAVA",  # Kava EVM
    2_741: "ETH",  # Abstract
    4_326: "ETH",  # MegaETH
    4_689: "IOTX",  # IoTeX
    5_000: "MNT",  # Mantle
    7_000: "ZETA",  # ZetaChain
    8_453: "ETH",  # Base
    9_001: "EVMOS",  # Evmos
    9_745: "XPL",  # Plasma
    10_200: "xDAI",  # Gnosis Chiado
    17_000: "ETH",  # Holesky
    31_337: "ETH",  # Anvil
    33_139: "APE",  # ApeChain
    34_443: "ETH",  # Mode Mainnet
    42_161: "ETH",  # Arbitrum One
    42_170: "ETH",  # Arbitrum Nova
    42_220: "CELO",  # Celo
    43_113: "AVAX",  # Avalanche Fuji
    43_114: "AVAX",  # Avalanche
    57_073: "ETH",  # Ink
    59_144: "ETH",  # Linea Mainnet
    60_808: "ETH",  # BOB
    80_002: "POL",  # Polygon Amoy
    80_094: "BERA",  # Berachain
    81_457: "ETH",  # Blast
    84_532: "ETH",  # Base Sepolia
    167_000: "ETH",  # Taiko Mainnet
    421_614: "ETH",  # Arbitrum Sepolia
    534_352: "ETH",  # Scroll
    560_048: "ETH",  # Hoodi
    747_474: "ETH",  # Katana
    7_777_777: "ETH",  # Zora
    11_155_111: "ETH",  # Sepolia
    11_155_420: "ETH",  # OP Sepolia
    666_666_666: "DEGEN",  # Degen
    1_313_161_554: "ETH",  # Aurora
}


def symbol_of(chain_id: int) -> str:
    """Return the symbol of a chain's native currency; `native units` where the chain is not listed."""
    return SYMBOLS.get(chain_id, UNKNOWN)


def native_token(chain_id: int) -> Token:
    """Return a chain's native currency as a token, under 20 zero bytes."""
    return Token(symbol_of(chain_id), ZERO, DECIMALS)


def pretends_to_be_native(symbol: str, chain_id: int) -> bool:
    """Whether a token's own symbol would be read as the chain's native currency.

    ETH and ether are refused on every chain: policy documents call each chain's native currency ETH.
    """
    return symbol.strip().casefold() in {"eth", "ether", symbol_of(chain_id).casefold()}
