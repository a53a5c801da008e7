# SPDX-License-Identifier: Apache-2.0
"""What a function that is known by its name alone may move. Names are anybody's: they prove nothing."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_POWER = """
    owner owners ownership admin admins administrator governance governor guardian role roles controller manager
    minter operator operators authority authorized authorised authorize implementation implementations module modules
    guard handler upgrade upgradeable permission permissions timelock keeper signer signers diamond facet facets
    executor proposer whitelist allowlist delegate delegator beacon proxy logic code comptroller oracle threshold
    quorum pauser pause unpause freeze kill destroy selfdestruct root resolver rely deny file hope nope kiss diss
"""
_MONEY = """
    transfer transfers send pay payout payment withdraw withdrawal sweep mint burn approve approval allowance claim
    rescue drain recover deposit stake unstake swap exchange buy sell bridge stream flow flowrate vest vesting borrow
    repay redeem supply wrap unwrap donate distribute grant fund funds disburse collect release cash refund
    permit
"""


# Whoever a contract pays, obeys or trusts. Only where an address is among the arguments.
_HOLDERS = """
    beneficiary beneficiaries recipient recipients receiver receivers payee payees treasury collector vault wallet
    relayer forwarder router registry hook hooks adapter strategist sequencer messenger trusted gov dao council
    multisig safe whitelisted verifier attester aggregator feed factory spender custodian committee canceller
"""
_SETS = """
    set update change replace add register assign appoint nominate enable configure swap migrate switch propose accept
    initialize init remove disable push reset put apply allow
"""
# A function of this kind makes calls that others give it: with bytes among its arguments it may do anything.
_CALLS = """
    execute exec call calls forward relay perform run dispatch invoke multicall batch aggregate proxy delegatecall
    submit schedule queue process
"""


_POWER_WORDS, _MONEY_WORDS = frozenset(_POWER.split()), frozenset(_MONEY.split())
_HOLDER_WORDS, _SET_WORDS, _CALL_WORDS = (frozenset(words.split()) for words in (_HOLDERS, _SETS, _CALLS))
_FEE_WORDS = frozenset({"fee", "fees", "commission", "royalty", "royalties", "cap", "limit", "rate", "price"})


def moved_by_name(signature: str) -> str:
    """What a function's name and its arguments' types say that it moves: "power", "money", or "" for neither.

    `signature` is `name(type,...)`. Where a setter takes an address, that address gets something: it moves power.
    """
    name, _, types = signature.partition("(")
    words = [word.lower() for word in _WORD.findall(name)]
    found = frozenset(words)
    if found & _POWER_WORDS:
        return "power"
    if found & _MONEY_WORDS:
        return "money"
    sets = bool(words) and words[0] in _SET_WORDS
    if "address" in types and (sets or found & _HOLDER_WORDS):
        return "power"
    if "bytes" in re.sub(r"bytes\d+", "", types) and found & _CALL_WORDS:
        return "power"
    return "power" if sets and found & _FEE_WORDS else ""
