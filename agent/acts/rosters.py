# SPDX-License-Identifier: Apache-2.0
"""Rosters: who is paid what each month, signed by the operator that the members voted into the policy.

`typed_data` composes what the operator signs, `accept` verifies it against the policy code in force and stores it. The
newest serial is the roster: an older one is refused for ever, so a leaked old file pays nobody.
"""

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from agent.acts import operators
from agent.acts.policy import PolicyInForce, chain_now_s, in_force
from agent.acts.words import Stated, say
from agent.models import Roster, RosterEntry
from governance.audit_log import Action, record
from governance.chain import eip712
from governance.chain.address import ZERO, BadAddress, checksum, to_bytes
from governance.fields import UINT256_MAX
from governance.models import Dao
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.visible import is_plain_line

MAX_ENTRIES = 200
MAX_NAME = 64
MAX_LIFE_S = 400 * 86_400  # a roster that never expires is forgotten, and then pays somebody who left

TYPES = {
    "Roster": [
        {"name": "policyId", "type": "bytes32"},
        {"name": "policyVersion", "type": "uint16"},
        {"name": "serial", "type": "uint64"},
        {"name": "expires", "type": "uint64"},
        {"name": "period", "type": "string"},
        {"name": "entries", "type": "Entry[]"},
    ],
    "Entry": [
        {"name": "name", "type": "string"},
        {"name": "recipient", "type": "address"},
        {"name": "asset", "type": "address"},
        {"name": "amount", "type": "uint256"},
    ],
}
# A roster with rules of its own: of which kind it is, for which months, and who may have it paid by asking.
TYPES_WITH_RULES = {
    "Roster": [
        {"name": "policyId", "type": "bytes32"},
        {"name": "policyVersion", "type": "uint16"},
        {"name": "serial", "type": "uint64"},
        {"name": "expires", "type": "uint64"},
        {"name": "kind", "type": "string"},
        {"name": "firstMonth", "type": "string"},
        {"name": "lastMonth", "type": "string"},
        {"name": "mayAsk", "type": "string"},
        {"name": "entries", "type": "Entry[]"},
    ],
    "Entry": TYPES["Entry"],
}
DOMAIN_NAME = "Mandate roster"
PERIOD = "month"
MONTHLY, NAMES = "monthly", "names"
KINDS = (MONTHLY, NAMES)  # paid each month; or names for one-off payments, each of which the operator signs
MAY_ASK = ("delegate", "holder", "roster")  # beside the operator, who always may
_MONTH = re.compile(r"(?:20[0-9]{2}-(?:0[1-9]|1[0-2]))?")
_DIGITS = re.compile(r"[1-9][0-9]{0,77}")
_DEEPEST = 8  # levels of a document; a roster has four
_HASH = re.compile(r"0x[0-9a-f]{64}")


class RosterError(Stated, ValueError):
    """The roster can't be accepted, or not be paid by: the sentence says why, in words for the operator."""

    def __init__(self, problem: Sentence | str):
        """`problem` as bare text is of a roster that was handed in: it is shown to who did, and not kept."""
        super().__init__(problem if isinstance(problem, Sentence) else say("roster_unreadable", problem=problem))


@dataclass(frozen=True, slots=True)
class Line:
    """One person's pay: `amount` base units of `asset` (20 zero bytes for ether) each month; 0 for a name alone."""

    name: str
    recipient: bytes
    asset: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Of which kind a roster is, for which months (`2026-11`; empty: not bounded), and who but the operator may have
    it paid by asking."""

    kind: str = MONTHLY
    first_month: str = ""
    last_month: str = ""
    may_ask: frozenset[str] = frozenset(MAY_ASK)


@dataclass(frozen=True, slots=True)
class Terms:
    """A roster's content, independent of who signed it. `rules` is None where it was signed without any."""

    chain_id: int
    module: bytes
    policy_id: bytes
    policy_version: int
    serial: int
    expires_chain_s: int
    lines: tuple[Line, ...]
    rules: Rules | None = None


def check_rules(rules: Rules) -> None:
    """Raise RosterError for rules that nobody could follow."""
    if rules.kind not in KINDS:
        raise RosterError(f"the kind must be one of: {', '.join(KINDS)}")
    for month, what in ((rules.first_month, "firstMonth"), (rules.last_month, "lastMonth")):
        if not _MONTH.fullmatch(month):
            raise RosterError(f"{what} must be a month as 2026-11, or empty")
    if rules.last_month and rules.first_month > rules.last_month:
        raise RosterError("the first month is after the last")
    if strange := rules.may_ask - set(MAY_ASK):
        raise RosterError(f"mayAsk names {', '.join(sorted(strange))}: it may name {', '.join(MAY_ASK)}")
    if rules.kind == NAMES and (rules.first_month or rules.last_month):
        raise RosterError("a roster of names is for no months")


def check_lines(lines: Sequence[Line], kind: str = MONTHLY) -> None:
    """Raise RosterError for what no roster may hold: nobody, a crowd, zeros, the same person or name twice."""
    if not lines:
        raise RosterError("a roster has at least one entry")
    if len(lines) > MAX_ENTRIES:
        raise RosterError(f"a roster has at most {MAX_ENTRIES} entries, this one has {len(lines)}")
    names: set[str] = set()
    payees: set[tuple[bytes, bytes]] = set()
    for number, line in enumerate(lines, 1):
        where = f"entry {number}"
        if not line.name or len(line.name) > MAX_NAME:
            raise RosterError(f"{where}: a name has 1 to {MAX_NAME} characters")
        if unicodedata.normalize("NFKC", line.name) != line.name or line.name != line.name.strip():
            raise RosterError(f"{where}: the name is not in normal form (NFKC, no blanks around it)")
        if not is_plain_line(line.name):
            raise RosterError(f"{where}: the name holds an invisible character")
        if line.name.casefold() in names:
            raise RosterError(f"{where}: the name {line.name} is there twice")
        if line.recipient == ZERO:
            raise RosterError(f"{where}: the recipient is the zero address")
        if (line.recipient, line.asset) in payees:
            raise RosterError(f"{where}: {checksum(line.recipient)} is paid the same asset twice")
        if kind == NAMES and line.amount:
            raise RosterError(f"{where}: a roster of names has no amounts, each is 0")
        if kind != NAMES and not 0 < line.amount <= UINT256_MAX:
            raise RosterError(f"{where}: the amount is not a positive number of base units")
        names.add(line.name.casefold())
        payees.add((line.recipient, line.asset))


def compose(terms: Terms) -> dict[str, Any]:
    """The EIP-712 document of these terms. Numbers are strings: a browser's JSON loses digits above 2^53."""
    rules = terms.rules
    said = (
        {"period": PERIOD}
        if rules is None
        else {
            "kind": rules.kind,
            "firstMonth": rules.first_month,
            "lastMonth": rules.last_month,
            "mayAsk": ",".join(sorted(rules.may_ask)),
        }
    )
    return eip712.document(
        TYPES if rules is None else TYPES_WITH_RULES,
        "Roster",
        DOMAIN_NAME,
        terms.chain_id,
        checksum(terms.module),
        {
            "policyId": hex_text(terms.policy_id),
            "policyVersion": str(terms.policy_version),
            "serial": str(terms.serial),
            "expires": str(terms.expires_chain_s),
            **said,
            "entries": [
                {
                    "name": line.name,
                    "recipient": checksum(line.recipient),
                    "asset": checksum(line.asset),
                    "amount": str(line.amount),
                }
                for line in terms.lines
            ],
        },
    )


def parse(document: Any) -> Terms:
    """The terms of a typed-data document. Raises RosterError for anything that `compose` would not have written."""
    if not isinstance(document, dict) or not isinstance(document.get("message"), dict):
        raise RosterError("this is not a roster's typed data: it needs types, domain and message")
    message, domain = document["message"], document.get("domain")
    if not isinstance(domain, dict) or domain.get("name") != DOMAIN_NAME:
        raise RosterError(f'the domain\'s name must be "{DOMAIN_NAME}"')
    rules = _rules(message)
    policy_id = message.get("policyId")
    if not isinstance(policy_id, str) or not _HASH.fullmatch(policy_id):
        raise RosterError("policyId must be 0x and 64 lower-case hexadecimal digits")
    entries = message.get("entries")
    if not isinstance(entries, list):
        raise RosterError("entries must be a list")
    if len(entries) > MAX_ENTRIES:
        raise RosterError(f"a roster has at most {MAX_ENTRIES} entries, this one has {len(entries)}")
    terms = Terms(
        chain_id=_number(domain.get("chainId"), "the domain's chainId", 2**63 - 1),
        module=_address(domain.get("verifyingContract"), "the domain's verifyingContract"),
        policy_id=hex_bytes(policy_id),
        policy_version=_number(message.get("policyVersion"), "policyVersion", 2**16 - 1),
        serial=_number(message.get("serial"), "serial", 2**63 - 1),
        expires_chain_s=_number(message.get("expires"), "expires", 2**40 - 1),
        lines=tuple(_line(entry, number, rules) for number, entry in enumerate(entries, 1)),
        rules=rules,
    )
    check_lines(terms.lines, MONTHLY if rules is None else rules.kind)
    composed = compose(terms)
    for part in ("types", "primaryType", "domain", "message"):
        if _texts(document.get(part), _DEEPEST) != _texts(composed[part], _DEEPEST):
            raise RosterError(f"{part} is not what a roster's typed data has there")
    if set(document) != set(composed):
        raise RosterError("the typed data has parts that a roster does not have")
    return terms


def _rules(message: dict[str, Any]) -> Rules | None:
    """The rules in a message; None for a roster without any, which is monthly. Raises RosterError."""
    if "kind" not in message:
        if message.get("period") != PERIOD:
            raise RosterError(f'the period must be "{PERIOD}"')
        return None
    said = [message.get(name) for name in ("kind", "firstMonth", "lastMonth", "mayAsk")]
    if not all(isinstance(text, str) for text in said):
        raise RosterError("kind, firstMonth, lastMonth and mayAsk must be text")
    kind, first, last, may_ask = (str(text) for text in said)
    rules = Rules(kind, first, last, frozenset(filter(None, may_ask.split(","))))
    check_rules(rules)
    return rules


def _texts(value: Any, deep: int) -> Any:
    """The value with numbers as text, so that 7 and "7" (what different wallets write) are the same. A roster has
    nothing below `deep` levels: None stands there, which equals no part of one."""
    if isinstance(value, (dict, list)) and not deep:
        return None
    if isinstance(value, dict):
        return {key: _texts(item, deep - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, deep - 1) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Any, what: str, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _DIGITS.fullmatch(value) or int(value) > most:
        raise RosterError(f"{what} must be a whole number from 1 to {most}")
    return int(value)


def _address(value: Any, what: str) -> bytes:
    try:
        raw = to_bytes(value)
    except BadAddress as error:
        raise RosterError(f"{what}: {error.problem}") from error
    if value != checksum(raw):
        raise RosterError(f"{what}: {value} is not checksummed (EIP-55); copy the address from a wallet or explorer")
    return raw


def _line(entry: Any, number: int, rules: Rules | None) -> Line:
    where = f"entry {number}"
    if not isinstance(entry, dict) or set(entry) != {"name", "recipient", "asset", "amount"}:
        raise RosterError(f"{where} must have name, recipient, asset and amount, and nothing else")
    if not isinstance(entry["name"], str):
        raise RosterError(f"{where}: the name must be text")
    amount = entry["amount"]
    if isinstance(amount, int) and not isinstance(amount, bool):
        amount = str(amount)
    is_name = rules is not None and rules.kind == NAMES
    if not isinstance(amount, str) or not (_DIGITS.fullmatch(amount) or (is_name and amount == "0")):
        raise RosterError(f"{where}: the amount must be a positive whole number of base units, as text")
    return Line(
        entry["name"],
        _address(entry["recipient"], f"{where}: recipient"),
        _address(entry["asset"], f"{where}: asset"),
        int(amount),
    )


def check_terms(terms: Terms, policy: PolicyInForce, newest_serial: int, now_chain_s: int) -> None:
    """Raise RosterError unless these terms may replace roster `newest_serial` (0: none) under the policy in force."""
    if terms.chain_id != policy.chain_id:
        raise RosterError(f"the roster is for chain {terms.chain_id}, this DAO is on chain {policy.chain_id}")
    if terms.module != policy.module:
        raise RosterError(f"the roster is for another policy module: {checksum(terms.module)}")
    if terms.policy_id != policy.policy_id:
        raise RosterError("the roster is for another policy")
    if terms.policy_version != policy.version:
        raise RosterError(
            f"the roster is for version {terms.policy_version} of the policy; version {policy.version} is in force"
        )
    if terms.serial <= newest_serial:
        raise RosterError(f"serial {terms.serial} is not newer than the roster in use ({newest_serial})")
    if terms.expires_chain_s <= now_chain_s:
        raise RosterError("the roster has expired")
    if terms.expires_chain_s > now_chain_s + MAX_LIFE_S:
        raise RosterError("a roster may last at most 400 days")


def typed_data(
    dao: Dao, policy_id: bytes, lines: Sequence[Line], *, expires_chain_s: int, serial: int | None = None,
    rules: Rules | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What the operator signs. Without `serial`, the next one. Raises RosterError and `policy.NoPolicyInForce`."""
    policy = in_force(dao, policy_id)
    newest = newest_serial(policy)
    terms = Terms(
        policy.chain_id,
        policy.module,
        policy.policy_id,
        policy.version,
        newest + 1 if serial is None else serial,
        expires_chain_s,
        tuple(lines),
        rules,
    )
    if rules is not None:
        check_rules(rules)
    check_lines(terms.lines, MONTHLY if rules is None else rules.kind)
    check_terms(terms, policy, newest, chain_now_s(dao))
    return compose(terms)


def accept(dao: Dao, signed: Any, policy_id: bytes | None = None) -> Roster:
    """Verify and store a signed roster: `{"typed_data": {...}, "signature": "0x..."}`; for `policy_id` only, if given.

    A contract account's signature is verified at the chain's newest block, which is kept with it (`operators`).

    Raises RosterError with what is wrong (a replayed, expired, foreign or wrongly signed one too), and
    `policy.NoPolicyInForce`.
    """
    if not isinstance(signed, dict) or set(signed) != {"typed_data", "signature"}:
        raise RosterError("a signed roster is an object with typed_data and signature")
    terms = parse(signed["typed_data"])
    if policy_id is not None and terms.policy_id != policy_id:
        raise RosterError("the roster is for another policy")
    policy = in_force(dao, terms.policy_id)
    document = compose(terms)
    operator = policy.code.operator
    try:
        try:
            proof = operators.by_key(document, operator, signed["signature"])
        except eip712.BadSignature as bad:
            proof = operators.by_contract(dao, document, operator, signed["signature"], bad)
    except eip712.BadSignature as error:
        raise RosterError(f"the policy's operator is {checksum(operator)}. {error.sentence}") from error
    with transaction.atomic():
        Dao.objects.select_for_update().get(pk=dao.pk)  # two imports at once: the second sees the first's serial
        now_chain_s = chain_now_s(dao)
        check_terms(terms, policy, newest_serial(policy), now_chain_s)
        roster = Roster.objects.create(
            dao=dao,
            module=policy.contract,
            policy_id=terms.policy_id,
            policy_version=terms.policy_version,
            serial=terms.serial,
            expires_chain_s=terms.expires_chain_s,
            operator=operator,
            digest=eip712.digest(document),
            signature=proof.signature,
            signed_block_number=proof.block_number,
            signed_block_hash=proof.block_hash,
            typed_data=document,
            # A mirror that lags would date the roster before months that it was signed after.
            accepted_chain_s=max(now_chain_s, int(time.time())),
        )
        RosterEntry.objects.bulk_create(
            RosterEntry(
                roster=roster,
                position=position,
                name=line.name,
                recipient=line.recipient,
                asset=line.asset,
                amount=line.amount,
            )
            for position, line in enumerate(terms.lines)
        )
        accepted = {"policy_id": hex_text(terms.policy_id), "serial": terms.serial, "digest": hex_text(roster.digest)}
        record(Action.ROSTER_ACCEPTED, dao, account=operator, lines=len(terms.lines), **accepted)
    return roster


def newest_serial(policy: PolicyInForce) -> int:
    """The highest serial ever accepted for this policy, over all its versions; 0 when none was."""
    newest = (
        Roster.objects.filter(module=policy.contract, policy_id=policy.policy_id)
        .order_by("-serial")
        .values_list("serial", flat=True)
        .first()
    )
    return newest or 0


def current(policy: PolicyInForce, now_chain_s: int) -> Roster:
    """The roster to pay by. Raises RosterError when there is none, it expired, or the policy was replaced since."""
    roster = Roster.objects.filter(module=policy.contract, policy_id=policy.policy_id).order_by("-serial").first()
    if roster is None:
        raise RosterError(say("no_roster"))
    if roster.policy_version != policy.version or roster.operator != policy.code.operator:
        raise RosterError(say("roster_of_earlier_policy"))
    if roster.expires_chain_s <= now_chain_s:
        raise RosterError(say("roster_expired"))
    return roster


def lines_of(roster: Roster) -> tuple[Line, ...]:
    """The lines of `terms_of`."""
    return terms_of(roster).lines


def terms_of(roster: Roster) -> Terms:
    """The roster's lines and rules, read again from what was signed and checked against its hash, not our own rows.

    A row changed in the database is thus found: the rows are for showing, the signature is what pays.
    """
    terms = parse(roster.typed_data)
    # What `current` goes by stands in columns: were they not what was signed, an expired or foreign roster would pay.
    signed = (terms.chain_id, terms.module, terms.policy_id, terms.policy_version, terms.serial, terms.expires_chain_s)
    stored = (
        roster.dao.chain_id,
        bytes(roster.module.address),
        bytes(roster.policy_id),
        roster.policy_version,
        roster.serial,
        roster.expires_chain_s,
    )
    if signed != stored or eip712.digest(compose(terms)) != roster.digest:
        raise RosterError(say("roster_changed"))
    is_signed = operators.holds(
        roster.dao, compose(terms), roster.operator, bytes(roster.signature), roster.signed_block_number,
        roster.signed_block_hash,
    )  # fmt: skip
    if not is_signed and roster.signed_block_number is not None:
        raise RosterError(say("roster_block_gone", block=roster.signed_block_number))
    if not is_signed:
        raise RosterError(say("roster_signature_changed"))
    return terms
