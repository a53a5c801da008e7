# SPDX-License-Identifier: Apache-2.0
"""What a function that is known by its name alone may move. Names are anybody's: they prove nothing."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_POWER = """
    owner owners ownership admin admins administrator governance governor guardian role roles controller manager
    minter operator operators authority authorized authorised authorize implementation implementations module modules
    guard handler upgrade upgradeable permission permissions timelock keeper signer signers diamond facet facets
    executor proposer whitelist allowlist delegate delegator beacon proxy logic code comptroller oracle threshold
    quorum pauser pause unpause freeze kill destroy selfdestruct root resolver
"""
_MONEY = """
    transfer transfers send pay payout payment withdraw withdrawal sweep mint burn approve approval allowance claim
    rescue drain recover deposit stake unstake swap exchange buy sell bridge stream flow flowrate vest vesting borrow
    repay redeem supply wrap unwrap donate distribute grant fund funds disburse collect release cash refund
    permit
"""


_POWER_WORDS, _MONEY_WORDS = frozenset(_POWER.split()), frozenset(_MONEY.split())


def moved_by_name(function: str) -> str:
    """What a function's name says that it moves: "power", "money", or "" where it says neither."""
    words = {word.lower() for word in _WORD.findall(function)}
    if words & _POWER_WORDS:
        return "power"
    return "money" if words & _MONEY_WORDS else ""
