# SPDX-License-Identifier: Apache-2.0
"""The policy as people write it: YAML, version 1 (docs/policies.md), read into a validated PolicyDocument.

Reading is strict: what could be read in two ways, permits more than it shows, or does nothing, is refused with file,
line, column and what to write in its place. All problems are reported at once where that is possible.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import rfc8785

from policies.code import schedules, units
from policies.code.document_model import (
    DocumentBudget,
    DocumentCharge,
    DocumentClause,
    DocumentIncome,
    DocumentRule,
    PolicyDocument,
    Sources,
)
from policies.code.encoding import DecodeError, check_size, decode, pack
from policies.code.lowering import lower
from policies.code.policy_code import Kind, PlaceKind, Scope
from policies.code.ring import BUCKET_MAX, segment_seconds, worst_case_units
from policies.code.signatures import WORD_TYPE, Leaf
from policies.document import fields, yaml_tree
from policies.document.fields import Fields, Reader
from policies.document.naming import Names
from policies.document.rule_context import RuleContext
from policies.document.rule_reading import RuleReader
from policies.document.yaml_tree import Frozen, Json, Mapping, Node, Sequence, Text
from policies.notation import amounts
from policies.notation.amounts import ETHER, Token, Unclear
from policies.notation.problems import Place, PolicyError, Problem, Problems, shown

__all__ = [
    "DocumentBudget",
    "DocumentCharge",
    "DocumentClause",
    "DocumentIncome",
    "DocumentRule",
    "PolicyDocument",
    "PolicyError",
    "Problem",
    "References",
    "Sources",
    "load",
    "references",
]

VERSION = 1
POLICY_KEYS = (
    "version|name|summary?|agent|operator|valid|cooldown|objection|tokens?|addresses?|lists?|budgets?|rules|found hash?"
)
BUDGET_KEYS = "limit|period|without objection|shared by?|measured?|due?|unit?|name in the code?"
UNKNOWN = "unknown"
WHOLE_POLICY = "whole policy"
_SCOPES = {"policy": Scope.POLICY, "agent": Scope.AGENT, "dao": Scope.DAO}
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.eth")
_CODE_NAME = re.compile(r"[\x20-\x7e]{0,32}")
_ANY_WORD = Leaf("item", WORD_TYPE, 0, 0, PlaceKind.WORD)


@dataclass(frozen=True, slots=True)
class References:
    """What a document refers to outside itself: names to resolve, lists to read, ABIs to find."""

    ens: tuple[str, ...]
    files: tuple[str, ...]
    abis: tuple[str, ...]


def references(text: str, *, source: str = "policy.yaml") -> References:
    """What a caller has to resolve before `load`, each once, in the order of writing. Raises PolicyError."""
    ens: dict[str, None] = {}
    under: dict[str, dict[str, None]] = {"file": {}, "abi": {}}
    for key, scalar in _scalars(yaml_tree.parse(text, source), ""):
        if key in under:
            under[key][scalar] = None
        elif is_ens_name(scalar):
            ens[scalar] = None
    return References(tuple(ens), tuple(under["file"]), tuple(under["abi"]))


def is_ens_name(text: str) -> bool:
    """Whether a caller has to resolve the text before `load`."""
    return _DOMAIN.fullmatch(text) is not None


def _scalars(node: Node, key: str) -> Iterator[tuple[str, str]]:
    """Every scalar, with the key that it stands under."""
    match node:
        case Text():
            yield key, node.text
        case Sequence():
            for item in node.items:
                yield from _scalars(item, key)
        case Mapping():
            for name, value in node.entries:
                yield from _scalars(value, name.text)


def load(
    text: str, *, source: str = "policy.yaml", sources: Sources | None = None, read_back: bool = False
) -> PolicyDocument:
    """Reads a policy document. `source` names it in messages. Raises PolicyError with all problems found.

    With `read_back` it is the document of code found on chain (policies.document.from_code.document_of): it may permit
    whatever the code permits, and what nobody should write is a warning.
    """
    tree = yaml_tree.parse(text, source)
    problems, warnings = Problems(), Problems()
    policy = _Reading(problems, warnings, sources or Sources(), read_back).policy(tree)
    if policy is None or problems:
        raise PolicyError(source, problems.in_order())
    _check_encodable(policy, source)
    return policy


def _check_encodable(policy: PolicyDocument, source: str) -> None:
    """Whether the chain would take it: what each part says is right by now, what is left is the whole's size."""
    try:
        code = lower(policy)
        check_size(code)
        decode(pack(code))
    except DecodeError as error:
        problem = Problem(Place(1, 1), f"no policy code can hold this policy: {error.problem}", "split the policy")
        raise PolicyError(source, (problem,)) from None


class _Reading:
    """One reading of one document. Methods return None for what they refused and reported."""

    def __init__(self, problems: Problems, warnings: Problems, sources: Sources, read_back: bool) -> None:
        self._problems, self._warnings = problems, warnings
        self._reader = Reader(problems)
        self._sources, self._read_back = sources, read_back
        self._names = Names(sources, read_back=read_back)
        self._frozen = Frozen()
        self._lists: dict[str, tuple[Text, ...]] = {}
        self._list_places: dict[str, Place] = {}
        self._list_files: dict[Place, tuple[Text, ...]] = {}
        self._budgets: dict[str, DocumentBudget] = {}
        self._budget_places: dict[str, Place] = {}
        self._life_s: int | None = None

    def policy(self, tree: Node) -> PolicyDocument | None:
        found = Fields(self._problems, tree, "the policy", POLICY_KEYS)
        version = found.get("version")
        if version and (not isinstance(version, Text) or version.text != str(VERSION)):
            self._problems.add(version.place, "this version of the format is not known", f"write {VERSION}")
        name = self._reader.text(found.get("name"), "the name", fields.name)
        summary = self._reader.text(found.get("summary"), "the summary", str)
        found_hash = self._found_hash(found)
        self._read_tokens(found.get("tokens"))
        self._read_addresses(found.get("addresses"))
        self._read_lists(found.get("lists"))
        valid = self._valid(found.get("valid"))
        self._life_s = valid[1] - valid[0] if valid else None
        cooldown_s = self._reader.text(found.get("cooldown"), "the cooldown", fields.seconds_or_none)
        objection = self._objection(found)
        self._read_budgets(found.get("budgets"))
        self._check_objection(found, objection)
        context = self._rule_context()
        reader = RuleReader(context, self._sources)
        agent = reader.address(found.get("agent"), "the agent")
        operator = reader.address(found.get("operator"), "the operator")
        placed = tuple(reader.rules(found.get("rules")))
        lists = self._named_lists(context)
        self._check_parties(found, agent, operator, tuple(rule for rule, _ in placed))
        self._check_whole(placed)
        self._report_doubts(found)
        if None in (name, agent, operator, valid, cooldown_s, objection) or self._problems:
            return None
        assert name is not None and agent is not None and operator is not None  # noqa: PT018 as was just seen
        assert valid is not None and cooldown_s is not None and objection is not None  # noqa: PT018
        return PolicyDocument(
            name=name,
            summary=summary or "",
            agent=agent,
            operator=operator,
            start_s=valid[0],
            end_s=valid[1],
            cooldown_s=cooldown_s,
            objection_delay_s=objection[0],
            release_window_s=objection[1],
            objection_threshold_bps=objection[2],
            tokens=tuple(token for token in self._names.tokens.values() if token is not ETHER),
            addresses=tuple(self._names.addresses.items()),
            lists=lists,
            budgets=tuple(self._budgets.values()),
            rules=tuple(rule for rule, _ in placed),
            content=self._content(tree),
            warnings=self._warnings.in_order(),
            found_hash=found_hash,
        )

    def _rule_context(self) -> RuleContext:
        return RuleContext(
            self._reader,
            self._warnings,
            self._frozen,
            self._names,
            self._budgets,
            tuple(self._budget_places),
            self._lists,
            read_back=self._read_back,
        )

    def _unsafe(self, place: Place, problem: str, suggestion: str) -> None:
        (self._warnings if self._read_back else self._problems).add(place, problem, suggestion)

    def _content(self, tree: Node) -> bytes:
        """Canonical JSON, with what stood outside the document frozen in it."""
        for place, items in self._list_files.items():
            frozen: list[Json] = [self._frozen.values.get(item.place, item.text) for item in items]
            self._frozen.values[place] = frozen
        return rfc8785.dumps(yaml_tree.as_json(tree, self._frozen))

    def _found_hash(self, found: Fields) -> bytes | None:
        """The document hash in code found on chain. Only there: elsewhere it would name a document nobody reads."""
        if self._read_back:
            return self._reader.text(found.get("found hash"), "the hash", fields.hash_)
        if "found hash" in found.keys:
            self._problems.add(
                found.keys["found hash"], "a document that is written has the hash of its content", "remove it"
            )
        return None

    # Names

    def _read_tokens(self, node: Node | None) -> None:
        for key, value in self._reader.entries(node, "`tokens`"):
            symbol = self._reader.text(key, "a token's symbol", self._names.new_symbol)
            found = Fields(self._problems, value, f"the token {key.text}", "address|decimals")
            decimals = self._reader.text(found.get("decimals"), "the decimals", self._decimals)
            if symbol is None or decimals is None:
                continue
            address = found.get("address")
            add = partial(self._names.add_token, symbol, decimals=decimals)
            self._freeze(address, self._reader.text(address, "the address", add))

    def _decimals(self, text: str) -> int:
        """Unknown decimals, in code found on chain, count base units."""
        return 0 if self._read_back and text == UNKNOWN else fields.decimals(text)

    def _read_addresses(self, node: Node | None) -> None:
        for key, value in self._reader.entries(node, "`addresses`"):
            name = self._reader.text(key, "a name", self._names.new_name)
            if name is not None:
                add = partial(self._names.name_address, name)
                named = self._reader.text(value, "an address", add)
                self._freeze(value, named[1] if named else None)

    def _freeze(self, node: Node | None, text: str | None) -> None:
        if node is not None and text is not None:
            self._frozen.values[node.place] = text

    def _read_lists(self, node: Node | None) -> None:
        for key, value in self._reader.entries(node, "`lists`"):
            name = self._reader.text(key, "a list's name", self._names.new_list_name)
            items = self._list_items(value, f"the list {shown(key.text)}")
            if name is not None:
                self._names.list_names.append(name)
                self._lists[name], self._list_places[name] = items, key.place

    def _list_items(self, node: Node, what: str) -> tuple[Text, ...]:
        """Items as they are written, or as they stand in the file that is named."""
        if isinstance(node, Mapping):
            found = Fields(self._problems, node, what, "file")
            named = found.get("file")
            items = self._reader.text(named, "the file's name", partial(self._file_items, place=node.place))
            self._list_files[node.place] = items or ()
            return items or ()
        texts = [item for item in self._reader.items(node, what) if self._reader.text(item, "an item", str) is not None]
        return tuple(item for item in texts if isinstance(item, Text))

    def _file_items(self, name: str, place: Place) -> tuple[Text, ...]:
        if self._sources.read_list is None:
            raise Unclear(f"the file {shown(name)} was not read", "write the items out")
        try:
            items = self._sources.read_list(name)
        except (OSError, ValueError) as error:
            raise Unclear(f"the file {shown(name)} can't be read: {error}", "correct the file or its name") from None
        if not items:
            raise Unclear(f"the file {shown(name)} has no items", "write one on each line")
        return tuple(Text(Place(place.line, place.column, index + 1), item) for index, item in enumerate(items))

    def _named_lists(self, context: RuleContext) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """All lists in the order of writing. What no rule uses is refused, or, in code found on chain, plain words."""
        found = []
        misread = bool(self._problems)  # a rule that was refused may have been the one that uses a list
        for name, place in self._list_places.items():
            if name not in context.used_lists and not misread:
                self._unsafe(place, f"no rule uses the list {name}", "use it in a rule, or remove it")
            if name not in context.list_words and self._read_back:
                context.list_words[name] = context.read_list(name, _ANY_WORD, None)
            found.append((name, context.list_words.get(name, ())))
        return tuple(found)

    # Times

    def _valid(self, node: Node | None) -> tuple[int, int] | None:
        if node is None:
            return None
        found = Fields(self._problems, node, "`valid`", "from|until")
        start_s = self._reader.text(found.get("from"), "the start", fields.moment)
        end_s = self._reader.text(found.get("until"), "the end", fields.whole_hour)
        if start_s is None or end_s is None:
            return None
        if start_s >= end_s:
            self._problems.add(found.keys["until"], "the policy ends before it starts", "write a later end")
            return None
        return start_s, end_s

    def _objection(self, policy: Fields) -> tuple[int, int, int] | None:
        node = policy.get("objection")
        if node is None:
            return None
        found = Fields(self._problems, node, "`objection`", "delay|release within|threshold")
        delay_s = self._reader.text(found.get("delay"), "the delay", fields.some_time)
        window_s = self._reader.text(found.get("release within"), "the release window", fields.some_time)
        bps = self._reader.text(found.get("threshold"), "the threshold", amounts.parse_share)
        return None if delay_s is None or window_s is None or bps is None else (delay_s, window_s, bps)

    def _check_objection(self, policy: Fields, objection: tuple[int, int, int] | None) -> None:
        if objection is None or (objection[0] and objection[1]):
            return
        node = policy.get("objection")
        place = node.place if node else policy.place
        announced = next((one for one in self._budgets.values() if one.instant_limit < one.limit), None)
        if announced is not None:
            self._problems.add(
                place,
                f"the budget {announced.name} has a part that members may object to, and there is no time for it",
                "write a delay and a release window, or make all of the budget free of objection",
            )
        elif objection[0] or objection[1]:
            self._unsafe(place, "an objection window needs both times", "write both, or `none` for both")

    # Budgets

    def _read_budgets(self, node: Node | None) -> None:
        for key, value in self._reader.entries(node, "`budgets`"):
            name = self._reader.text(key, "a budget's name", self._new_budget_name)
            budget = self._budget(name or "", value)
            if name is not None:
                self._budget_places[name] = key.place
                if budget is not None:
                    self._budgets[name] = budget

    def _new_budget_name(self, text: str) -> str:
        name = fields.name(text)
        if name.lower() in (known.lower() for known in self._budget_places):
            raise Unclear(f"the name {name} is taken", "give each budget its own name")
        return name

    def _budget(self, name: str, node: Node) -> DocumentBudget | None:
        found = Fields(self._problems, node, "the budget", BUDGET_KEYS)
        read = self._reader.text
        limit = read(found.get("limit"), "the limit", self._limit)
        instant = read(found.get("without objection"), "the part without objection", self._amount)
        period_s = read(found.get("period"), "the period", self._period)
        scope = read(found.get("shared by"), "`shared by`", fields.one_of(_SCOPES, "shares no budget"))
        measured = read(found.get("measured"), "`measured`", fields.yes_or_no) or False
        code_name = read(found.get("name in the code"), "the name", _code_name)
        if limit is None or instant is None or period_s is None or not self._check_limits(found, limit, instant):
            return None
        self._warn_of_twice(found.place_of("period"), period_s)
        exponent = self._exponent(found, limit, instant[0])
        if exponent is None or (scope is None and "shared by" in found.keys):
            return None
        return DocumentBudget(
            name=name,
            token=limit[1],
            scope=scope or Scope.POLICY,
            limit=limit[0],
            instant_limit=instant[0],
            period_s=period_s,
            exponent=exponent,
            measured=measured,
            code_name=name if code_name is None else code_name,
            due=self._due(found, period_s),
        )

    def _period(self, text: str) -> int:
        if text != WHOLE_POLICY:
            return fields.period(text)
        # Where `valid` was refused so is the document, and this only has to lead to no other problem.
        return fields.MAX_SECONDS if self._life_s is None else max(fields.MIN_PERIOD_S, self._life_s)

    def _check_limits(self, found: Fields, limit: tuple[int, Token], instant: tuple[int, Token]) -> bool:
        place = found.place_of("without objection")
        if limit[1] != instant[1]:
            self._problems.add(
                place, f"a budget counts one token, here {limit[1].symbol}", f"write it in {limit[1].symbol}"
            )
            return False
        if instant[0] > limit[0]:
            self._problems.add(
                place,
                "more is free of objection than the limit allows at all",
                f"write at most {amounts.write_amount(*limit)}",
            )
            return False
        return True

    def _exponent(self, found: Fields, limit: tuple[int, Token], instant_amount: int) -> int | None:
        """The unit's exponent: the one that is written, or the smallest with room."""
        amount, token = limit
        node = found.get("unit")
        chosen = self._reader.text(node, "the unit", partial(self._unit, token=token))
        if node is not None and chosen is None:
            return None
        try:
            if chosen is None:
                return units.choose_exponent(amount, instant_amount)
            units.check_exponent(amount, instant_amount, chosen)
            return chosen
        except units.InexactLimit as inexact:
            key = "limit" if inexact.amount == amount else "without objection"
            self._problems.add(
                found.place_of(key),
                f"{amounts.write_amount(inexact.amount, token)} can't be held exactly",
                _nearest(inexact, amount, instant_amount, token),
            )
        except units.UnitTooSmall as small:
            self._problems.add(
                found.place_of("unit"),
                "the limit has more units than can be counted",
                f"write `unit: {amounts.write_amount(10**small.least, token)}` or more, or leave it out",
            )
        return None

    def _unit(self, text: str, token: Token) -> int:
        amount, written = self._amount(text)
        exponent = len(str(amount)) - 1
        if written != token or amount != 10**exponent or exponent > units.MAX_EXPONENT:
            raise Unclear(
                f"{shown(text)} is no unit", f"write 1, 10, 100 and so on, or 0.1, 0.01 and so on, in {token.symbol}"
            )
        return exponent

    def _due(self, found: Fields, period_s: int) -> str:
        """The schedule that the budget is for. Warns where its period would make payments late."""
        names = {name: name for name in schedules.SHORTEST_GAP_S}
        due = self._reader.text(found.get("due"), "`due`", fields.one_of(names, "is no schedule")) or ""
        meant = due or (None if self._is_total(period_s) else schedules.suspected(period_s))
        if meant and not schedules.in_time(period_s, meant) and not self._read_back:
            self._warnings.add(
                found.place_of("period"),
                f"{meant} payments would come late: what is spent comes back after up to "
                f"{amounts.format_duration(schedules.comes_back_within_s(period_s))}",
                f"write `period: {amounts.write_duration(schedules.longest_period_s(meant))}`",
            )
        return due

    def _is_total(self, period_s: int) -> bool:
        """Whether the budget is meant for the policy's whole life: its period is at most a quarter shorter."""
        return self._life_s is not None and 4 * period_s >= 3 * self._life_s

    def _warn_of_twice(self, place: Place, period_s: int) -> None:
        """A total whose period is a little shorter than the policy comes back before the policy ends."""
        if self._life_s is None or not self._is_total(period_s):
            return
        if worst_case_units(1, segment_seconds(period_s), self._life_s) == 1:
            return
        period, life = map(amounts.format_duration, (period_s, self._life_s))
        self._warnings.add(
            place,
            f"this budget can be spent twice: its period ({period}) is shorter than the policy's life ({life})",
            f"to make it a total, set the period to at least {amounts.write_duration(self._life_s)}, "
            f"or write `period: {WHOLE_POLICY}`",
        )

    def _amount(self, text: str) -> tuple[int, Token]:
        return amounts.parse_amount(text, self._names.tokens)

    def _limit(self, text: str) -> tuple[int, Token]:
        if text.lower() in ("unlimited", "none", "infinite", "max", "any"):
            raise Unclear("an unlimited budget is none", "write the most that may be spent in one period")
        read = amounts.parse_amount if self._read_back else amounts.parse_supply_amount
        amount, token = read(text, self._names.tokens)
        if amount == 0:
            raise Unclear("a budget of nothing permits nothing", "write an amount, or remove the budget and its rules")
        return amount, token

    # The whole

    def _check_whole(self, placed: tuple[tuple[DocumentRule, Place], ...]) -> None:
        rules = [rule for rule, _ in placed]
        charged = {charge.budget for rule in rules for charge in rule.charges}
        for name, place in self._budget_places.items():
            measured = name in self._budgets and self._budgets[name].measured
            if name not in charged and not measured and not self._problems:
                self._problems.add(place, f"no rule charges the budget {name}", "charge it in a rule, or remove it")
        for index, (rule, place) in enumerate(placed):
            if rule in rules[:index]:
                self._unsafe(place, "the same rule is written twice", "remove one of them")
            elif earlier := [other for other in rules[:index] if _key(other) == _key(rule)]:
                self._check_alternative(place, rule, earlier)

    def _check_alternative(self, place: Place, rule: DocumentRule, earlier: list[DocumentRule]) -> None:
        """A rule for a function that earlier rules permit already."""
        if any(_permits_all_of(other, rule) for other in earlier):
            self._unsafe(
                place,
                "this rule is never reached: an earlier one permits every call that it permits",
                "put the narrower rule first, or remove it",
            )
        elif any(_permits_all_of(rule, other) for other in earlier):
            self._warnings.add(
                place,
                "this rule permits more than an earlier one for the same function, whose bounds a call can so avoid",
                "make sure that is meant: the first rule whose bounds all hold applies",
            )
        else:
            self._warnings.add(
                place,
                "several rules permit the same function",
                "the first whose bounds all hold applies; caps hold for each rule alone",
            )

    def _check_parties(
        self,
        found: Fields,
        agent: bytes | None,
        operator: bytes | None,
        rules: tuple[DocumentRule, ...],
    ) -> None:
        if agent is not None and agent == operator:
            self._unsafe(
                found.place_of("operator"),
                "the operator is the agent",
                "name another account: it signs what the agent may plan",
            )
        paid = set(_named_in(rules))
        for key, address in (("agent", agent), ("operator", operator)):
            if address is not None and int.from_bytes(address, "big") in paid:
                self._warnings.add(
                    found.place_of(key),
                    f"the {key} may pay itself",
                    "leave it out of the recipients, unless that is meant",
                )

    def _report_doubts(self, found: Fields) -> None:
        for doubt in self._names.doubts:
            self._warnings.add(found.place, doubt.problem, doubt.suggestion)


def _nearest(inexact: units.InexactLimit, limit: int, instant_amount: int, token: Token) -> str:
    """What to write in place of an amount that is no whole number of units."""
    nearest = [amounts.write_amount(one, token) for one in (inexact.below, inexact.above) if one]
    finest = units.least_exponent(limit, BUCKET_MAX)
    if limit % 10**finest or instant_amount % 10**finest:
        return f"write {' or '.join(nearest)}"
    smaller = amounts.write_amount(10**finest, token)
    return f"write {' or '.join(nearest)}, or add `unit: {smaller}`, which leaves less room to raise the limit"


def _code_name(text: str) -> str:
    if _CODE_NAME.fullmatch(text) is None:
        raise Unclear(f"{shown(text)} can't be written into the code", "write at most 32 printable ASCII characters")
    return text


def _named_in(rules: tuple[DocumentRule, ...]) -> Iterator[int]:
    """Every address that a rule names as recipient: its ether, or an argument."""
    for rule in rules:
        if rule.function is None:
            yield int.from_bytes(rule.target, "big")
            continue
        for clause in rule.clauses:
            leaf = rule.function.leaf_at(clause.word, clause.column)
            if clause.kind in (Kind.IN_LIST, Kind.EQUAL) and leaf is not None and leaf.type == "address":
                yield from clause.values


def _key(rule: DocumentRule) -> tuple[bytes, bytes | None]:
    return (rule.target, rule.function.selector if rule.function else None)


def _permits_all_of(wide: DocumentRule, narrow: DocumentRule) -> bool:
    """Whether every call that fits `narrow` fits `wide`, caps apart. Where it can't be seen at once: no."""
    if wide.function is None or narrow.function is None:
        return wide.function is narrow.function
    if (wide.function.words, wide.function.dynamics) != (narrow.function.words, narrow.function.dynamics):
        return False
    return all(_follows(clause, narrow) for clause in wide.clauses if clause.kind is not Kind.CAP)


def _follows(clause: DocumentClause, rule: DocumentRule) -> bool:
    """Whether the rule's own clauses on the place make the clause hold."""
    place = (clause.word, clause.column)
    others = [other for other in rule.clauses if (other.word, other.column) == place]
    return any(_implies(other, clause) for other in others)


def _implies(given: DocumentClause, wanted: DocumentClause) -> bool:
    if given.kind in (Kind.EQUAL, Kind.IN_LIST):
        return all(_holds(wanted, value) for value in given.values)
    if given.kind is not wanted.kind:
        return given.kind is Kind.CAP and wanted.kind is Kind.AT_MOST and given.values[0] <= wanted.values[0]
    match given.kind:
        case Kind.AT_MOST:
            return given.values[0] <= wanted.values[0]
        case Kind.AT_LEAST:
            return given.values[0] >= wanted.values[0]
        case _:
            return given.values == wanted.values


def _holds(clause: DocumentClause, value: int) -> bool:
    match clause.kind:
        case Kind.EQUAL | Kind.IN_LIST:
            return value in clause.values
        case Kind.NOT_EQUAL:
            return value != clause.values[0]
        case Kind.AT_MOST:
            return value <= clause.values[0]
        case Kind.AT_LEAST:
            return value >= clause.values[0]
        case Kind.CAP:
            return True
