# SPDX-License-Identifier: Apache-2.0
"""Policy code, byte for byte as docs/policy-code.md (format 2) says: documents to code, code to values and back.

`decode` accepts exactly the canonical bytes that PolicyChecker accepts, except for what only the chain knows (which
addresses have code, which targets are forbidden); with a `Chain` it accepts exactly those. For every code c it accepts,
`pack(decode(c)) == c`.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from policies.code.document_model import PolicyDocument
from policies.code.lowering import lower
from policies.code.policy_code import (
    ETHER_ASSET,
    Budget,
    Charge,
    Clause,
    Dynamic,
    Income,
    Kind,
    PlaceKind,
    PolicyCode,
    Rule,
    Scope,
    Source,
)
from policies.code.ring import BUCKET_MAX
from policies.code.signatures import APPROVE, OUTLIVING, TRANSFER
from policies.notation.primitives import WORD, keccak, selector, word

FORMAT = 2
HEADER_BYTES = 100
BUDGETS_AT, LISTS_AT, RULES_AT = 97, 98, 99
BUDGET_BYTES = 67
HEAD_BYTES = 32
DYNAMIC_BYTES = 2
CLAUSE_BYTES = 35
CHARGE_BYTES = 4
INCOME_BYTES = 53
NO_SELECTOR, MUST_RETURN_TRUE, APPROVAL = 1, 2, 4
MEASURED = 1
MAX_END_S = 2**32 - 1
MAX_EXPONENT = 68
MAX_BPS = 10_000
MAX_WORDS = 32
MIN_PERIOD_S = 7
MAX_COUNT = 255
MAX_CODE_BYTES = 24_575  # EIP-170's limit for contract code, less the STOP byte


class DecodeError(ValueError):
    """Bytes that are no canonical policy code: `problem` as PolicyChecker's BadPolicy names it, and at which byte."""

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"byte {offset}: {problem}")
        self.offset = offset
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Chain:
    """What only the chain knows of a policy's addresses.

    `forbidden` are the module, the checker, the treasury, the owner, the governor and the modules that the treasury has
    enabled; `has_code` says whether there is a contract at an address. `adapted_token` is the contract whose votes are
    counted where the votes token is an adapter of ours (contracts/src/adapters).
    """

    forbidden: Collection[bytes]
    votes_token: bytes
    has_code: Callable[[bytes], bool]
    adapted_token: bytes | None = None


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


def check_size(policy: PolicyCode) -> None:
    """Whether the values fit their fields and a contract. Raises DecodeError; `pack` would fail on them."""
    parts = [policy.budgets, policy.lists, policy.rules]
    for rule in policy.rules:
        parts += [rule.dynamics, rule.clauses, rule.charges, rule.incomes]
    _require(all(len(part) <= MAX_COUNT for part in parts), 0, f"more than {MAX_COUNT} of one kind")
    size = HEADER_BYTES + BUDGET_BYTES * len(policy.budgets) + HEAD_BYTES * len(policy.rules)
    size += sum(2 + WORD * len(items) for items in policy.lists)
    for rule in policy.rules:
        size += DYNAMIC_BYTES * len(rule.dynamics) + CLAUSE_BYTES * len(rule.clauses)
        size += CHARGE_BYTES * len(rule.charges) + INCOME_BYTES * len(rule.incomes)
    _require(size <= MAX_CODE_BYTES, MAX_CODE_BYTES, f"{size} bytes are more than the {MAX_CODE_BYTES} that fit")


# Values to bytes


def pack(policy: PolicyCode) -> bytes:
    """The bytes of a policy's values. They are canonical when the values are; `decode` is what checks that."""
    budgets = b"".join(map(pack_budget, policy.budgets))
    lists = b"".join(map(_pack_list, policy.lists))
    bodies = [_pack_body(rule) for rule in policy.rules]
    at = HEADER_BYTES + len(budgets) + HEAD_BYTES * len(policy.rules) + len(lists)
    heads = []
    for rule, body in zip(policy.rules, bodies, strict=True):
        heads.append(_pack_head(rule, at))
        at += len(body)
    return b"".join([_pack_header(policy), budgets, *heads, lists, *bodies])


def _pack_header(policy: PolicyCode) -> bytes:
    return (
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


def pack_budget(budget: Budget) -> bytes:
    """A budget's 67 bytes: also the order in which budgets stand."""
    return (
        bytes([budget.scope])
        + budget.asset
        + bytes([budget.exponent, MEASURED * budget.measured])
        + budget.period_s.to_bytes(4, "big")
        + budget.instant_limit.to_bytes(4, "big")
        + budget.limit.to_bytes(4, "big")
        + budget.name
    )


def _pack_list(items: tuple[int, ...]) -> bytes:
    return len(items).to_bytes(2, "big") + b"".join(map(word, items))


def _pack_head(rule: Rule, body_at: int) -> bytes:
    flags = NO_SELECTOR * rule.no_selector | MUST_RETURN_TRUE * rule.must_return_true | APPROVAL * rule.approval
    counts = (rule.dynamics, rule.clauses, rule.charges, rule.incomes)
    return rule.target + rule.selector + bytes([flags, rule.words, *map(len, counts)]) + body_at.to_bytes(2, "big")


def _pack_body(rule: Rule) -> bytes:
    return b"".join(
        [
            *map(pack_dynamic, rule.dynamics),
            *map(pack_clause, rule.clauses),
            *map(pack_charge, rule.charges),
            *map(pack_income, rule.incomes),
        ]
    )


def pack_dynamic(dynamic: Dynamic) -> bytes:
    """A dynamic argument's 2 bytes: also the order in which they stand."""
    return bytes([dynamic.word, dynamic.width])


def pack_clause(clause: Clause) -> bytes:
    """A clause's 35 bytes: also the order in which clauses stand."""
    return bytes([clause.word, clause.column, clause.kind]) + word(clause.operand)


def pack_charge(charge: Charge) -> bytes:
    """A charge's 4 bytes: also the order in which charges stand."""
    return bytes([charge.budget, charge.source, charge.word, charge.column])


def pack_income(income: Income) -> bytes:
    """An income's 53 bytes: also the order in which incomes stand."""
    ratio = income.numerator.to_bytes(16, "big") + income.denominator.to_bytes(16, "big")
    return income.asset + bytes([income.budget]) + ratio


# Bytes to values


def decode(code: bytes, chain: Chain | None = None) -> PolicyCode:
    """The values of canonical policy code. Raises DecodeError, and nothing else, for any other bytes.

    Checks come in PolicyChecker's order, so that both name the same offset and the same problem. Without a `chain`
    those checks are left out that need one.
    """
    _require(len(code) <= MAX_CODE_BYTES, MAX_CODE_BYTES, "too long")
    _require(len(code) >= HEADER_BYTES, len(code), "header cut off")
    return _Decoder(code, chain).policy()


def _require(holds: bool, offset: int, problem: str) -> None:
    if not holds:
        raise DecodeError(offset, problem)


@dataclass(slots=True)
class _Decoder:
    """Reads one code from its beginning to its end; `_at` is the byte that is read next."""

    code: bytes
    chain: Chain | None
    at: int = HEADER_BYTES
    header: PolicyCode = field(init=False)
    budgets: tuple[Budget, ...] = ()
    lists: tuple[tuple[int, ...], ...] = ()

    def policy(self) -> PolicyCode:
        self.header = self._header()
        self.budgets = self._budgets()
        heads_at = self.at
        heads = self._heads()
        self.lists = self._lists()
        rules = tuple(
            self._body(head, heads_at + HEAD_BYTES * index, counts) for index, (head, counts) in enumerate(heads)
        )
        self._refuse_unused_budgets(rules)
        _require(self.at == len(self.code), self.at, "bytes left over")
        for index, rule in enumerate(rules):
            self._refuse_forbidden(rule, heads_at + HEAD_BYTES * index)
        return replace(self.header, budgets=self.budgets, lists=self.lists, rules=rules)

    def _number(self, offset: int, size: int) -> int:
        return int.from_bytes(self.code[offset : offset + size], "big")

    def _header(self) -> PolicyCode:
        """The header's fields, with no budgets, lists or rules yet."""
        code = self.code
        header = PolicyCode(
            agent=code[1:21],
            operator=code[21:41],
            start_s=self._number(41, 5),
            end_s=self._number(46, 5),
            cooldown_s=self._number(51, 4),
            objection_delay_s=self._number(55, 4),
            release_window_s=self._number(59, 4),
            objection_threshold_bps=self._number(63, 2),
            document_hash=code[65:97],
            budgets=(),
            lists=(),
            rules=(),
        )
        _require(code[0] == FORMAT, 0, "unknown format")
        _require(any(header.agent), 1, "no agent")
        _require(any(header.operator), 21, "no operator")
        _require(header.start_s < header.end_s, 46, "end is not after start")
        _require(header.end_s % 3600 == 0, 46, "end is not a whole hour")
        _require(header.end_s <= MAX_END_S, 46, "end too late")
        _require(1 <= header.objection_threshold_bps <= MAX_BPS, 63, "threshold not 1 to 10000 bps")
        _require(code[RULES_AT] >= 1, RULES_AT, "no rules")
        return header

    # Budgets

    def _budgets(self) -> tuple[Budget, ...]:
        budgets: list[Budget] = []
        for _ in range(self.code[BUDGETS_AT]):
            budget = self._budget()
            if budgets:
                _require(pack_budget(budgets[-1]) < pack_budget(budget), self.at, "budgets not ascending")
            _require(all(other.ring != budget.ring for other in budgets), self.at, "two budgets share a ring")
            budgets.append(budget)
            self.at += BUDGET_BYTES
        return tuple(budgets)

    def _budget(self) -> Budget:
        code, at = self.code, self.at
        _require(at + BUDGET_BYTES <= len(code), len(code), "budget cut off")
        _require(code[at] <= max(Scope), at, "unknown scope")
        budget = Budget(
            scope=Scope(code[at]),
            asset=code[at + 1 : at + 21],
            exponent=code[at + 21],
            measured=bool(code[at + 22] & MEASURED),
            period_s=self._number(at + 23, 4),
            instant_limit=self._number(at + 27, 4),
            limit=self._number(at + 31, 4),
            name=code[at + 35 : at + BUDGET_BYTES],
        )
        _require(budget.exponent <= MAX_EXPONENT, at + 21, "unit too large")
        _require(code[at + 22] <= MEASURED, at + 22, "unknown budget flag")
        if budget.measured and budget.asset != ETHER_ASSET:
            _require(self._has_code(budget.asset), at + 1, "asset has no code")
        _require(budget.period_s >= MIN_PERIOD_S, at + 23, "period too short")
        _require(1 <= budget.limit <= BUCKET_MAX, at + 31, "limit not 1 to 2^28 - 1")
        _require(budget.instant_limit <= budget.limit, at + 27, "instant limit above limit")
        if budget.instant_limit < budget.limit:
            _require(self.header.objection_delay_s > 0, 55, "no objection delay")
            _require(self.header.release_window_s > 0, 59, "no release window")
        letters = budget.name.rstrip(b"\0")
        _require(all(0x20 <= letter <= 0x7E for letter in letters), at + 35, "name not printable ASCII")
        return budget

    def _refuse_unused_budgets(self, rules: tuple[Rule, ...]) -> None:
        charged = {charge.budget for rule in rules for charge in rule.charges}
        for index, budget in enumerate(self.budgets):
            used = budget.measured or index in charged
            _require(used, HEADER_BYTES + BUDGET_BYTES * index, "budget never charged")

    # Heads and lists

    def _heads(self) -> list[tuple[Rule, tuple[int, int, int, int]]]:
        """Each rule without its body, and how many dynamic arguments, clauses, charges and incomes that has."""
        heads: list[tuple[Rule, tuple[int, int, int, int]]] = []
        for _ in range(self.code[RULES_AT]):
            _require(self.at + HEAD_BYTES <= len(self.code), len(self.code), "rule cut off")
            heads.append(self._head(heads[-1][0] if heads else None))
            self.at += HEAD_BYTES
        return heads

    def _head(self, previous: Rule | None) -> tuple[Rule, tuple[int, int, int, int]]:
        code, at = self.code, self.at
        flags, words, dynamics, clauses, charges, incomes = code[at + 24 : at + 30]
        rule = Rule(
            target=code[at : at + 20],
            selector=code[at + 20 : at + 24],
            no_selector=bool(flags & NO_SELECTOR),
            must_return_true=bool(flags & MUST_RETURN_TRUE),
            approval=bool(flags & APPROVAL),
            words=words,
            clauses=(),
            charges=(),
        )
        _require(previous is None or previous.key <= rule.key, at, "rules not ascending")
        _require(flags <= NO_SELECTOR | MUST_RETURN_TRUE | APPROVAL, at + 24, "unknown flag")
        if rule.no_selector:
            _require(rule.selector == bytes(4), at + 20, "selector given for none")
            _require(words == 0, at + 25, "arguments without selector")
        _require(words <= MAX_WORDS, at + 25, "too many arguments")
        _require(dynamics <= words, at + 26, "too many dynamic arguments")
        if rule.approval:
            is_approve = rule.selector == APPROVE and words == 2 and dynamics == 0
            _require(is_approve, at + 20, "approval of another form")
        return rule, (dynamics, clauses, charges, incomes)

    def _has_code(self, address: bytes) -> bool:
        return self.chain is None or self.chain.has_code(address)

    def _lists(self) -> tuple[tuple[int, ...], ...]:
        return tuple(self._list() for _ in range(self.code[LISTS_AT]))

    def _list(self) -> tuple[int, ...]:
        code = self.code
        _require(self.at + 2 <= len(code), len(code), "list cut off")
        count = self._number(self.at, 2)
        _require(count >= 1, self.at, "empty list")
        self.at += 2
        _require(self.at + WORD * count <= len(code), len(code), "list cut off")
        items: list[int] = []
        for _ in range(count):
            item = self._number(self.at, WORD)
            _require(not items or items[-1] < item, self.at, "list not ascending")
            items.append(item)
            self.at += WORD
        return tuple(items)

    # Bodies

    def _body(self, head: Rule, head_at: int, counts: tuple[int, int, int, int]) -> Rule:
        sizes = (DYNAMIC_BYTES, CLAUSE_BYTES, CHARGE_BYTES, INCOME_BYTES)
        _require(self._number(head_at + 30, 2) == self.at, head_at + 30, "body lies elsewhere")
        end = self.at + sum(size * count for size, count in zip(sizes, counts, strict=True))
        _require(end <= len(self.code), len(self.code), "rule cut off")
        dynamics, clauses, charges, incomes = counts
        rule = replace(head, dynamics=self._dynamics(head, dynamics))
        rule = replace(rule, clauses=tuple(self._clause(rule) for _ in self._parts(clauses, CLAUSE_BYTES, "clauses")))
        rule = replace(rule, charges=tuple(self._charges(rule, charges)))
        return replace(rule, incomes=tuple(self._income(rule) for _ in self._parts(incomes, INCOME_BYTES, "incomes")))

    def _parts(self, count: int, size: int, what: str) -> Iterator[None]:
        """Stops at each of `count` parts of a body; once it is read, refuses it unless it stands behind the last."""
        for index in range(count):
            yield
            part, previous = self.code[self.at : self.at + size], self.code[self.at - size : self.at]
            _require(index == 0 or previous < part, self.at, f"{what} not ascending")
            self.at += size

    def _dynamics(self, head: Rule, count: int) -> tuple[Dynamic, ...]:
        dynamics: list[Dynamic] = []
        for _ in range(count):
            dynamic = Dynamic(*self.code[self.at : self.at + DYNAMIC_BYTES])
            _require(dynamic.word < head.words, self.at, "no such argument")
            _require(not dynamics or dynamics[-1].word < dynamic.word, self.at, "dynamic arguments not ascending")
            dynamics.append(dynamic)
            self.at += DYNAMIC_BYTES
        return tuple(dynamics)

    def _clause(self, rule: Rule) -> Clause:
        at = self.at
        index, column, kind = self.code[at : at + 3]
        operand = self._number(at + 3, WORD)
        place = self._place(rule, index, column)
        _require(min(Kind) <= kind <= max(Kind), at + 2, "unknown clause")
        _require(kind != Kind.CAP or place is not PlaceKind.HASH, at + 2, "cap on a hash")
        if kind == Kind.IN_LIST:
            _require(operand < len(self.lists), at + 3, "no such list")
        return Clause(index, Kind(kind), operand, column)

    def _charges(self, rule: Rule, count: int) -> Iterator[Charge]:
        previous = -1
        for _ in range(count):
            charge = self._charge(rule, previous)
            previous = charge.budget
            yield charge
            self.at += CHARGE_BYTES

    def _charge(self, rule: Rule, previous: int) -> Charge:
        at = self.at
        budget, source, index, column = self.code[at : at + CHARGE_BYTES]
        _require(budget < len(self.budgets), at, "no such budget")
        _require(previous < budget, at, "charges not ascending")
        _require(source <= max(Source), at + 1, "unknown source")
        if source == Source.VALUE:
            _require((index, column) == (0, 0), at + 2, "argument of value")
            _require(self.budgets[budget].asset == ETHER_ASSET, at, "value charges another asset")
        else:
            holds_amounts = self._place(rule, index, column) in (PlaceKind.WORD, PlaceKind.COLUMN)
            _require(holds_amounts, at + 3, "charge of no amounts")
        return Charge(budget, Source(source), index, column)

    def _income(self, rule: Rule) -> Income:
        at = self.at
        asset, budget = self.code[at : at + 20], self.code[at + 20]
        income = Income(asset, budget, self._number(at + 21, 16), self._number(at + 37, 16))
        _require(budget < len(self.budgets), at + 20, "no such budget")
        charged = self.budgets[budget].measured or any(charge.budget == budget for charge in rule.charges)
        _require(charged, at + 20, "income for no charge")
        _require(asset == ETHER_ASSET or self._has_code(asset), at, "asset has no code")
        _require(self.budgets[budget].asset != asset, at, "income of what is spent")
        _require(income.numerator > 0, at + 21, "income of nothing")
        _require(income.denominator > 0, at + 37, "no denominator")
        return income

    def _place(self, rule: Rule, index: int, column: int) -> PlaceKind:
        """What the place that is being read names."""
        _require(index < rule.words, self.at, "no such argument")
        place = rule.place(index, column)
        if place is None:
            raise DecodeError(self.at + 1, "no such column")
        return place

    # What no policy may do

    def _refuse_forbidden(self, rule: Rule, at: int) -> None:
        """Targets through which an act could change its own bounds, and functions that outlive every budget."""
        if self.chain is not None:
            _require(rule.target not in self.chain.forbidden, at, "forbidden target")
            votes = rule.target in (self.chain.votes_token, self.chain.adapted_token)
            only_transfer = not votes or rule.selector == TRANSFER
            _require(only_transfer, at, "votes token: only transfer")
            _require(rule.no_selector or self.chain.has_code(rule.target), at, "target has no code")
        if rule.approval:
            measured = any(budget.measured and budget.asset == rule.target for budget in self.budgets)
            _require(measured, at, "approval is not measured")
        else:
            _require(rule.no_selector or rule.selector not in OUTLIVING, at + 20, "outlives every budget")
