# SPDX-License-Identifier: Apache-2.0
"""Policy code, byte for byte as docs/policy-code.md (format 1) says: documents to code, code to values and back.

`decode` accepts exactly the canonical bytes that the module's `setPolicy` accepts, except for what only the chain
knows (whether a target has code, which targets are forbidden). For every code c it accepts, `pack(decode(c)) == c`.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from policies.code import Budget, Charge, Clause, Kind, PolicyCode, Rule, Scope, Source
from policies.document import PolicyDocument
from policies.lowering import lower
from policies.primitives import WORD, keccak, selector, word
from policies.ring import BUCKET_MAX
from policies.signatures import OUTLIVING, TRANSFER

FORMAT = 1
HEADER_BYTES = 100
BUDGETS_AT, LISTS_AT, RULES_AT = 97, 98, 99
BUDGET_BYTES = 66
RULE_HEAD_BYTES = 28
CLAUSE_BYTES = 34
CHARGE_BYTES = 3
NO_SELECTOR, MUST_RETURN_TRUE = 1, 2
MAX_END_S = (2**24 - 1) * 3600
MAX_EXPONENT = 228
MAX_BPS = 10_000
MAX_WORDS = 32
MIN_PERIOD_S = 7
MAX_CODE_BYTES = 24_575  # EIP-170's limit for contract code, less the STOP byte
ZERO_ADDRESS = bytes(20)


class DecodeError(ValueError):
    """Bytes that are no canonical policy code: what is wrong, and at which byte."""

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"byte {offset}: {problem}")
        self.offset = offset
        self.problem = problem


def codehash(code: bytes) -> bytes:
    """The code's name on chain: the code hash of the contract that holds it behind one STOP byte."""
    return keccak(b"\0" + code)


def policy_id(name: str) -> bytes:
    """A policy's id: keccak256 of its name."""
    return keccak(name.encode("utf-8"))


def set_policy_calldata(id_: bytes, code: bytes) -> bytes:
    """The calldata of the module's `setPolicy(bytes32,bytes)`: what a proposal carries."""
    padding = bytes(-len(code) % WORD)
    return selector("setPolicy(bytes32,bytes)") + id_ + word(2 * WORD) + word(len(code)) + code + padding


def encode(policy: PolicyDocument) -> bytes:
    """The policy code of a validated document."""
    return pack(lower(policy))


def pack(policy: PolicyCode) -> bytes:
    """The bytes of a policy's values. They are canonical when the values are; `decode` is what checks that."""
    header = (
        bytes([FORMAT])
        + policy.agent
        + policy.operator
        + policy.start_s.to_bytes(5, "big")
        + policy.end_s.to_bytes(5, "big")
        + policy.cooldown_s.to_bytes(4, "big")
        + policy.objection_delay_s.to_bytes(4, "big")
        + policy.release_window_s.to_bytes(4, "big")
        + policy.objection_threshold_bps.to_bytes(2, "big")
        + policy.document_hash
        + bytes([len(policy.budgets), len(policy.lists), len(policy.rules)])
    )
    return header + b"".join(
        [
            *map(pack_budget, policy.budgets),
            *(len(items).to_bytes(2, "big") + b"".join(map(word, items)) for items in policy.lists),
            *map(_pack_rule, policy.rules),
        ]
    )


def pack_budget(budget: Budget) -> bytes:
    """A budget's 66 bytes: also the order in which budgets stand."""
    return (
        bytes([budget.scope])
        + budget.asset
        + bytes([budget.exponent])
        + budget.period_s.to_bytes(4, "big")
        + budget.instant_limit.to_bytes(4, "big")
        + budget.limit.to_bytes(4, "big")
        + budget.name
    )


def pack_clause(clause: Clause) -> bytes:
    """A clause's 34 bytes: also the order in which clauses stand."""
    return bytes([clause.word, clause.kind]) + word(clause.operand)


def _pack_rule(rule: Rule) -> bytes:
    flags = NO_SELECTOR * rule.no_selector | MUST_RETURN_TRUE * rule.must_return_true
    return (
        rule.target
        + rule.selector
        + bytes([flags, rule.words, len(rule.clauses), len(rule.charges)])
        + b"".join(map(pack_clause, rule.clauses))
        + b"".join(bytes([charge.budget, charge.source, charge.word]) for charge in rule.charges)
    )


def decode(code: bytes) -> PolicyCode:
    """The values of canonical policy code. Raises DecodeError, and nothing else, for any other bytes.

    Checks come in the module's order, so that both name the same offset.
    """
    _require(len(code) <= MAX_CODE_BYTES, MAX_CODE_BYTES, f"more than the {MAX_CODE_BYTES} bytes a contract can hold")
    _require(len(code) >= HEADER_BYTES, len(code), "the code ends within the header")
    header = _header(code)
    budgets, at = _budgets(code, header)
    lists, at = _lists(code, at)
    rules, at = _rules(code, at, budgets, lists)
    _require(at == len(code), at, f"{len(code) - at} bytes too many")
    return replace(header, budgets=budgets, lists=lists, rules=rules)


def refuse_targets(
    policy: PolicyCode, *, forbidden: Collection[bytes], votes_token: bytes, has_code: Callable[[bytes], bool]
) -> None:
    """The module's last checks in `setPolicy`: of what only the chain knows about a policy's targets.

    `forbidden` are the module, its treasury, owner and governor and whatever module the treasury has enabled. Raises
    DecodeError with the offset that the module names.
    """
    at = HEADER_BYTES + BUDGET_BYTES * len(policy.budgets) + sum(2 + WORD * len(items) for items in policy.lists)
    for rule in policy.rules:
        _require(rule.target not in forbidden, at, "a rule targets what could change the policy's own bounds")
        only_transfer = rule.target != votes_token or (not rule.no_selector and rule.selector == TRANSFER)
        _require(only_transfer, at, "on the votes token only transfer is permitted")
        if not rule.no_selector:
            _require(has_code(rule.target), at, "a rule's target has no code")
            _require(rule.selector not in OUTLIVING, at + 20, "a rule's function outlives every budget")
        at += RULE_HEAD_BYTES + CLAUSE_BYTES * len(rule.clauses) + CHARGE_BYTES * len(rule.charges)


def _require(holds: bool, offset: int, problem: str) -> None:
    if not holds:
        raise DecodeError(offset, problem)


def _number(code: bytes, offset: int, size: int) -> int:
    return int.from_bytes(code[offset : offset + size], "big")


def _header(code: bytes) -> PolicyCode:
    """The header's fields, with no budgets, lists or rules yet."""
    header = PolicyCode(
        agent=code[1:21],
        operator=code[21:41],
        start_s=_number(code, 41, 5),
        end_s=_number(code, 46, 5),
        cooldown_s=_number(code, 51, 4),
        objection_delay_s=_number(code, 55, 4),
        release_window_s=_number(code, 59, 4),
        objection_threshold_bps=_number(code, 63, 2),
        document_hash=code[65:97],
        budgets=(),
        lists=(),
        rules=(),
    )
    _require(code[0] == FORMAT, 0, f"format {code[0]} is not known")
    _require(header.agent != ZERO_ADDRESS, 1, "the agent is the zero address")
    _require(header.operator != ZERO_ADDRESS, 21, "the operator is the zero address")
    _require(header.start_s < header.end_s, 46, "the end is not after the start")
    _require(header.end_s % 3600 == 0, 46, "the end is not a whole hour")
    _require(header.end_s <= MAX_END_S, 46, "the end is past the last hour that fits")
    _require(1 <= header.objection_threshold_bps <= MAX_BPS, 63, "the objection threshold is not 1 to 10000 bps")
    _require(code[RULES_AT] >= 1, RULES_AT, "there is no rule")
    return header


def _budgets(code: bytes, header: PolicyCode) -> tuple[tuple[Budget, ...], int]:
    budgets: list[Budget] = []
    rings: set[tuple[object, ...]] = set()
    at = HEADER_BYTES
    for _ in range(code[BUDGETS_AT]):
        budget = _budget(code, at, header)
        ring = (budget.scope, budget.asset, budget.exponent, budget.segment_s, budget.name)
        if budgets:
            _require(pack_budget(budgets[-1]) < pack_budget(budget), at, "budgets are not strictly ascending")
        _require(ring not in rings, at, "two budgets share a ring")
        budgets.append(budget)
        rings.add(ring)
        at += BUDGET_BYTES
    return tuple(budgets), at


def _budget(code: bytes, at: int, header: PolicyCode) -> Budget:
    _require(at + BUDGET_BYTES <= len(code), len(code), "the code ends within a budget")
    _require(code[at] <= max(Scope), at, f"budget scope {code[at]} is not known")
    budget = Budget(
        scope=Scope(code[at]),
        asset=code[at + 1 : at + 21],
        exponent=code[at + 21],
        period_s=_number(code, at + 22, 4),
        instant_limit=_number(code, at + 26, 4),
        limit=_number(code, at + 30, 4),
        name=code[at + 34 : at + 66],
    )
    _require(budget.exponent <= MAX_EXPONENT, at + 21, "a budget's unit is too large")
    _require(budget.period_s >= MIN_PERIOD_S, at + 22, f"a budget's period is less than {MIN_PERIOD_S} seconds")
    _require(1 <= budget.limit <= BUCKET_MAX, at + 30, f"a budget's limit is not 1 to {BUCKET_MAX} units")
    _require(budget.instant_limit <= budget.limit, at + 26, "a budget's instant limit is above its limit")
    if budget.instant_limit < budget.limit:
        _require(header.objection_delay_s > 0, 55, "a budget needs an objection window, but the objection delay is 0")
        _require(header.release_window_s > 0, 59, "a budget needs an objection window, but the release window is 0")
    letters = budget.name.rstrip(b"\0")
    _require(all(0x20 <= letter <= 0x7E for letter in letters), at + 34, "a budget's name is not printable ASCII")
    return budget


def _lists(code: bytes, at: int) -> tuple[tuple[tuple[int, ...], ...], int]:
    lists: list[tuple[int, ...]] = []
    for _ in range(code[LISTS_AT]):
        _require(at + 2 <= len(code), len(code), "the code ends within a list")
        count = _number(code, at, 2)
        _require(count >= 1, at, "a list is empty")
        at += 2
        _require(at + WORD * count <= len(code), len(code), "the code ends within a list")
        items: list[int] = []
        for _ in range(count):
            item = _number(code, at, WORD)
            _require(not items or items[-1] < item, at, "a list's items are not strictly ascending")
            items.append(item)
            at += WORD
        lists.append(tuple(items))
    return tuple(lists), at


def _rules(
    code: bytes, at: int, budgets: tuple[Budget, ...], lists: tuple[tuple[int, ...], ...]
) -> tuple[tuple[Rule, ...], int]:
    rules: list[Rule] = []
    for _ in range(code[RULES_AT]):
        _require(at + RULE_HEAD_BYTES <= len(code), len(code), "the code ends within a rule")
        clauses_at = at + RULE_HEAD_BYTES
        charges_at = clauses_at + CLAUSE_BYTES * code[at + 26]
        end = charges_at + CHARGE_BYTES * code[at + 27]
        _require(end <= len(code), len(code), "the code ends within a rule")
        head = _rule_head(code, at, rules[-1] if rules else None)
        clauses = _clauses(code, clauses_at, charges_at, head.words, len(lists))
        charges = _charges(code, charges_at, end, head.words, len(budgets))
        rules.append(replace(head, clauses=clauses, charges=charges))
        at = end
    charged = {charge.budget for rule in rules for charge in rule.charges}
    _require(len(charged) == len(budgets), HEADER_BYTES, "no rule charges one of the budgets")
    return tuple(rules), at


def _rule_head(code: bytes, at: int, previous: Rule | None) -> Rule:
    """A rule without its clauses and charges."""
    flags = code[at + 24]
    rule = Rule(
        target=code[at : at + 20],
        selector=code[at + 20 : at + 24],
        no_selector=bool(flags & NO_SELECTOR),
        must_return_true=bool(flags & MUST_RETURN_TRUE),
        words=code[at + 25],
        clauses=(),
        charges=(),
    )
    _require(previous is None or previous.key <= rule.key, at, "rules are not in ascending order")
    _require(flags <= NO_SELECTOR | MUST_RETURN_TRUE, at + 24, "a rule has a flag that is not known")
    if rule.no_selector:
        _require(rule.selector == bytes(4), at + 20, "a rule without selector has one")
        _require(rule.words == 0, at + 25, "a rule without selector has arguments")
    _require(rule.words <= MAX_WORDS, at + 25, f"a rule has more than {MAX_WORDS} arguments")
    return rule


def _clauses(code: bytes, at: int, end: int, words: int, lists: int) -> tuple[Clause, ...]:
    clauses: list[Clause] = []
    for offset in range(at, end, CLAUSE_BYTES):
        index, kind, operand = code[offset], code[offset + 1], _number(code, offset + 2, WORD)
        _require(index < words, offset, f"a clause names argument {index} of {words}")
        _require(min(Kind) <= kind <= max(Kind), offset + 1, f"clause kind {kind} is not known")
        clause = Clause(index, Kind(kind), operand)
        if clause.kind is Kind.IN_LIST:
            _require(operand < lists, offset + 2, "a clause names a list that does not exist")
        if clauses:
            _require(pack_clause(clauses[-1]) < pack_clause(clause), offset, "clauses are not strictly ascending")
        clauses.append(clause)
    return tuple(clauses)


def _charges(code: bytes, at: int, end: int, words: int, budgets: int) -> tuple[Charge, ...]:
    charges: list[Charge] = []
    for offset in range(at, end, CHARGE_BYTES):
        budget, source, index = code[offset : offset + CHARGE_BYTES]
        _require(budget < budgets, offset, f"a charge names budget {budget} of {budgets}")
        _require(not charges or charges[-1].budget < budget, offset, "charges are not strictly ascending by budget")
        _require(source <= max(Source), offset + 1, f"charge source {source} is not known")
        if source == Source.VALUE:
            _require(index == 0, offset + 2, "a charge of the value names an argument")
        else:
            _require(index < words, offset + 2, f"a charge names argument {index} of {words}")
        charges.append(Charge(budget, Source(source), index))
    return tuple(charges)
