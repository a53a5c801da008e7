# SPDX-License-Identifier: Apache-2.0
"""The functions whose effect is known to end with the act: of every other one, whoever names it, that is not known.

A name says nothing of what a function does. So the list is closed, goes by selector and form, and holds only what a
standard fixes. It counts for a token alone, for another contract may do anything under the same selector.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.code.policy_code import Dynamic
from policies.notation.primitives import selector as _selector


@dataclass(frozen=True, slots=True)
class Understood:
    """A function, why nothing goes on when the act has ended, and where that can be read."""

    signature: str
    words: int
    why: str
    source: str


_ERC20 = "ERC-20 (eips.ethereum.org/EIPS/eip-20); OpenZeppelin Contracts 5, token/ERC20/ERC20.sol"
_ERC4626 = "ERC-4626 (eips.ethereum.org/EIPS/eip-4626); OpenZeppelin Contracts 5, token/ERC20/extensions/ERC4626.sol"
_WETH9 = "WETH9 (0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 on Ethereum)"

UNDERSTOOD = (
    Understood("transfer(address,uint256)", 2, "moves the amount between two balances, at once", _ERC20),
    Understood("deposit(uint256,address)", 2, "takes the assets and gives shares for them, at once", _ERC4626),
    Understood("mint(uint256,address)", 2, "gives the shares and takes assets for them, at once", _ERC4626),
    Understood("withdraw(uint256,address,address)", 3, "burns shares and gives the assets, at once", _ERC4626),
    Understood("redeem(uint256,address,address)", 3, "burns the shares and gives assets for them, at once", _ERC4626),
    Understood("deposit()", 0, "takes the ether and gives as much of the token for it, at once", _WETH9),
    Understood("withdraw(uint256)", 1, "burns the amount and gives as much ether for it, at once", _WETH9),
)
# Only where the module sees to it that nothing is left of the allowance when the act ends.
APPROVAL = Understood("approve(address,uint256)", 2, "what is left of the allowance undoes the act", _ERC20)

_WORDS = {_selector(one.signature): one.words for one in UNDERSTOOD}
# What a vault takes for its shares is another token than the vault's own, and the call does not say which.
DEPOSIT = _selector("deposit(uint256,address)")
TAKING_ANOTHER_TOKEN = frozenset({DEPOSIT, _selector("mint(uint256,address)")})
_GIVING = _selector("deposit()")
TAKING_ITS_OWN = frozenset(_WORDS) - TAKING_ANOTHER_TOKEN - {_GIVING}


def is_understood(
    selector: bytes | None,
    words: int,
    dynamics: Sequence[Dynamic],
    *,
    on_token: bool,
    approval: bool,
    sends_ether: bool,
) -> bool:
    """Whether the effect of such a call ends with the act. `selector` is None for a call without data.

    `words` and `dynamics` are its form (policies.code.policy_code.Rule), `on_token` whether its target is a token that
    is known with its decimals, `approval` whether the module demands that no allowance is left.
    """
    if selector is None:
        return sends_ether  # the ether is gone, and counted; without any, nobody knows what the call is for
    if approval:
        return on_token
    return on_token and not dynamics and _WORDS.get(selector) == words
