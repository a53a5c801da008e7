# SPDX-License-Identifier: Apache-2.0
"""Families of functions whose effect goes on after the act: told by a function's name, its arguments, or its selector.

A name is a hint that errs to the safe side: what is called like one of a family is refused, unless it is listed as an
exception by its selector. Whatever no family has is not therefore harmless: see `policies.code.understood`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise


class Family(Enum):
    """What the functions of a family do, as a reason against them: ``createFlow` begins or ...`."""

    STREAM = "begins or changes a stream of payments that no budget counts"
    PERMISSION = "lets another account act or spend for this one later"
    DELEGATION = "hands voting power or other rights to a delegate until they are taken back"
    CREDIT = "takes credit or puts up collateral, and what that costs is not known when the act ends"
    SIGNED = "uses a signature to permit something"
    CONTROL = "changes who controls a contract, a name or a token"
    MINTER = "changes who may make new tokens"
    UPGRADE = "replaces the code behind an address"
    ANYTHING = "passes on calls of any kind"
    ORDER = "places an order that others can fill later"


def set_of(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
# What takes a permission, a stream or a delegation away again.
_ENDING = set_of(
    "burn cancel claim clear close collect decrease delete disallow end liquidate nope remove repay revoke stop "
    "undelegate unset void withdraw"
)
_CHANGING = set_of(
    "accept add allow appoint assign change claim configure deny disable enable give grant initialize insert install "
    "manage new nominate propose register rely remove renounce replace reset restore revoke set setup swap switch take "
    "toggle transfer uninstall update"
)
_TAKING_FEES = set_of("claim collect withdraw")
# Behind a word that ends something these say that the call goes on to begin something else.
_GOING_ON = (
    set_of(
        "and then approve authorize authorise begin create enter extend hope increase lend mint open opt "
        "preapprove redelegate reenable renew sign stake start"
    )
    | _CHANGING - _ENDING - set_of("new transfer")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Names:
    """A family by the words of a function's name.

    `words`: one of them is enough. `pairs`: two words that stand side by side. `starts`: the first word. `alone`: the
    whole name. `changed`: enough where the first word says that something is changed. `ends`: whether a first word that
    takes it away again makes it no member. `settings`: whether `words` count in a function that changes a setting.
    """

    family: Family
    words: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    starts: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    ends: bool = False
    settings: bool = True

    def has(self, words: Sequence[str]) -> bool:
        if not words or (self.ends and _only_ends(words)):
            return False
        changes = words[0] in _CHANGING
        return bool(
            ((self.settings or not changes) and self.words.intersection(words))
            or words[0] in self.starts
            or (len(words) == 1 and words[0] in self.alone)
            or self.pairs.intersection(pairwise(words))
            or (changes and self.changed.intersection(words))
        )


def _only_ends(words: Sequence[str]) -> bool:
    """Whether the first word takes something away again, and nothing else is begun behind it."""
    return words[0] in _ENDING and not _GOING_ON.intersection(words[1:])


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((first, second) for first, second in (pair.split() for pair in text.split(",")))


_BY_NAME = (
    _Names(
        Family.ANYTHING,
        words=set_of("multicall delegatecall aggregate"),
        alone=set_of("execute exec batch"),
        pairs=_pairs(
            "batch call, forward call, forward batch, call agreement, call app, run macro, execute batch, "
            "execute call, execute calls, execute from, execute transaction, execute transactions, exec transaction, "
            "execute user, execute action, execute actions, handle ops, queue transaction, schedule batch, "
            "perform call, run script, multi forward, any call, any exec, external call, "
            "attempt calls, make call, exec script, raw action"
        ),
    ),
    _Names(
        Family.SIGNED,
        words=set_of("permit permits presignature presign sig sigs signed"),
        pairs=_pairs(
            "pre signature, by signature, by signatures, with signature, with signatures, with authorization, "
            "sign message, approve hash"
        ),
        ends=True,
    ),
    _Names(Family.MINTER, words=set_of("minter minters mintable")),
    _Names(
        Family.UPGRADE,
        words=set_of("upgrade upgrades upgradeable upgradeability implementation implementations impl singleton"),
        pairs=_pairs(
            "diamond cut, set code, update code, contract code, master copy, set address, contract map, "
            "contract address, do actions, contracts update, update contracts"
        ),
        changed=set_of("beacon facet facets proxies proxy logic templates"),
    ),
    _Names(
        Family.STREAM,
        words=set_of("stream streams streaming flow flows flowrate flowrates drips"),
        pairs=_pairs(
            "flow rate, per second, per sec, member units, recurring payment, recurring payments, "
            "vesting schedule, vesting schedules"
        ),
        ends=True,
    ),
    _Names(
        Family.DELEGATION,
        words=set_of(
            "delegate delegates delegatee delegatees delegation delegations redelegate delegating delegated "
            "subdelegate subdelegates subdelegation subdelegations"
        ),
        pairs=_pairs("create boost, extend boost"),
        ends=True,
    ),
    _Names(
        Family.CREDIT,
        words=set_of("borrow borrows leverage leveraged draw"),
        pairs=_pairs(
            "user e, as collateral, enter market, enter markets, open trove, adjust trove, open loan, take loan, "
            "create loan, borrow rate, increase debt, draw debt, mint debt, generate debt, credit account, "
            "issue synths, issue max"
        ),
        ends=True,
        settings=False,
    ),
    _Names(
        Family.PERMISSION,
        words=set_of(
            "operator operators authorization authorizations authorisation authorisations allowance allowances"
        )
        | set_of("approve approval approvals permission permissions preapproval preapprovals consumer consumers"),
        starts=set_of("authorize authorise allow hope scope"),
        pairs=_pairs(
            "position manager, position managers, order signer, can spend, self approve, session key, session keys, "
            "spend limit"
        ),
        changed=set_of("relayer relayers signer signers spender spenders allower authorized authorised transferor"),
        ends=True,
    ),
    _Names(
        Family.CONTROL,
        words=set_of("owner owners ownership admin admins role roles wards registrar"),
        starts=set_of("rely deny initialize reinitialize reclaim setup"),
        pairs=_pairs(
            "set up, transfer control, trusted remote, execute recovery, confirm recovery, multi confirm, "
            "finalize recovery, set addr, apply installation, apply update, apply uninstallation"
        ),
        changed=set_of(
            "auth authority authorities authorizer guardian guardians governor governors governance controller "
            "controllers manager managers module modules guard executor executors proposer proposers canceller vetoer "
            "vetoers pauser pausers keeper keepers steward stewards curator curators resolver fuses handler member "
            "members plugin plugins threshold subnode record allocator allocators sentinel multisig dao timelock "
            "setter granter revoker verifier implementer rescuer rescuers bridger bridgers bonder bonders predicate "
            "predicates burner burners disallower mpc poster confirmer blacklister "
            "ownable"
        ),
    ),
    _Names(
        Family.ORDER,
        pairs=_pairs("place order, place orders, post order, post orders, limit order, limit orders, limited order"),
        ends=True,
    ),
)
# Messages to another chain, where their bytes are called in this account's name.
_CROSSING = _pairs(
    "retryable ticket, submit retryable, send message, send tx, sync state, relay message, bridge message, "
    "domain message, deposit transaction, erc transaction, unsigned transaction, l transaction, l message, "
    "pass message, initiate withdrawal"
)
# What calls an address with bytes, where nothing else is said of it.
_CALLING = set_of("call dispatch enqueue forward invoke proxy relay tunnel")
_RATE = re.compile(r"flow_?rate|per_?sec|rate_?per")
_V_R_S = ("uint8", "bytes32", "bytes32")
_FLOW_TYPES = frozenset({"int96", "uint216"})


def family_of(name: str, arguments: Sequence[tuple[str, str]]) -> Family | None:
    """The family of a function by its name and its arguments' types and names; None where no family has it.

    `arguments` are those of every depth in order, a tuple's members in place of the tuple.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    if words and words[0] in _TAKING_FEES and words[-1] in ("fee", "fees") and _only_ends(words):
        return None
    for names in _BY_NAME:
        if names.has(words):
            return names.family
    types = [type_ for type_, _ in arguments]
    if any(type_.removesuffix("[]") in _FLOW_TYPES or _RATE.search(name.lower()) for type_, name in arguments):
        return Family.STREAM
    if any(tuple(types[at : at + len(_V_R_S)]) == _V_R_S for at in range(len(types))):
        return Family.SIGNED
    if "bytes" in types and _CROSSING.intersection(pairwise(words)):
        return Family.ANYTHING
    if len(words) == 1 and words[0] in _CALLING and {"address", "bytes"} <= set(types):
        return Family.ANYTHING
    if words[:2] == ["set", "is"] and {"address", "bool"} <= set(types):
        return Family.PERMISSION
    if words and words[0] in _CHANGING and any(_is_signers(*one) for one in arguments):
        return Family.PERMISSION
    return None


def _is_signers(type_: str, name: str) -> bool:
    """Whether an argument is a list of accounts that sign for a contract from then on."""
    return type_ in ("address[]", "bytes[]") and name.lower().endswith(("signers", "transmitters"))
