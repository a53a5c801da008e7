# SPDX-License-Identifier: Apache-2.0
"""The policy as people write it: YAML, version 1 (docs/policies.md), read into a validated PolicyDocument.

Reading is strict: what could be read in two ways, permits more than it shows, or does nothing, is refused with file,
line, column and what to write in its place. All problems are reported at once where that is possible.
"""

from collections.abc import Iterator

import rfc8785

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
from policies.code.policy_code import Kind
from policies.document import fields, yaml_tree
from policies.document.budget_reading import BudgetReader
from policies.document.definitions import DefinitionReader
from policies.document.expanding import expand
from policies.document.fields import Fields, Reader
from policies.document.naming import Names
from policies.document.reading_context import ReadingContext
from policies.document.references import References, references
from policies.document.rule_context import RuleContext
from policies.document.rule_overlap import check_overlap
from policies.document.rule_reading import RuleReader
from policies.document.windows import Objection, check_cooldown, check_objection
from policies.document.yaml_tree import Frozen, Node, Text
from policies.notation import amounts
from policies.notation.amounts import ETHER
from policies.notation.problems import Place, PolicyError, Problem, Problems

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


def load(
    text: str, *, source: str = "policy.yaml", sources: Sources | None = None, read_back: bool = False
) -> PolicyDocument:
    """Reads a policy document. `source` names it in messages. Raises PolicyError with all problems found.

    With `read_back` it is the document of code found on chain (policies.document.from_code.document_of): it may permit
    whatever the code permits, and what nobody should write is a warning.
    """
    problems, warnings = Problems(), Problems()
    sources = sources or Sources()
    tree = expand(yaml_tree.parse(text, source), sources, problems, read_back=read_back)
    if problems:  # of tables and parameters: what they would make is not there
        raise PolicyError(source, problems.in_order())
    names = Names(sources, read_back=read_back)
    context = ReadingContext(Reader(problems), warnings, Frozen(), names, read_back=read_back)
    policy = _Reading(context, sources).policy(tree)
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

    def __init__(self, context: ReadingContext, sources: Sources) -> None:
        self._context, self._sources = context, sources
        self._problems, self._warnings, self._reader = context.problems, context.warnings, context.reader

    def policy(self, tree: Node) -> PolicyDocument | None:
        found = Fields(self._problems, tree, "the policy", POLICY_KEYS)
        version = found.get("version")
        if version and (not isinstance(version, Text) or version.text != str(VERSION)):
            self._problems.add(version.place, "this version of the format is not known", f"write {VERSION}")
        name = self._reader.text(found.get("name"), "the name", fields.name)
        summary = self._reader.text(found.get("summary"), "the summary", str)
        found_hash = self._found_hash(found)
        definitions = DefinitionReader(self._context, self._sources)
        definitions.read_tokens(found.get("tokens"))
        definitions.read_addresses(found.get("addresses"))
        definitions.read_lists(found.get("lists"))
        valid = self._valid(found.get("valid"))
        cooldown_s = self._reader.text(found.get("cooldown"), "the cooldown", fields.seconds_or_none)
        objection = self._objection(found)
        budgets = BudgetReader(self._context, valid[1] - valid[0] if valid else None)
        budgets.read(found.get("budgets"))
        self._check_objection(found, objection, budgets)
        life_s = valid[1] - valid[0] if valid else None
        if objection is not None:
            check_objection(self._context, found, Objection(*objection), life_s, budgets)
        if cooldown_s is not None:
            check_cooldown(self._context, found, cooldown_s, life_s, budgets)
        context = RuleContext(
            self._context,
            budgets.budgets,
            tuple(budgets.places),
            definitions.lists,
            budgets_unread=budgets.is_unread,
        )
        reader = RuleReader(context, self._sources)
        agent = reader.address(found.get("agent"), "the agent")
        operator = reader.address(found.get("operator"), "the operator")
        placed = tuple(reader.rules(found.get("rules")))
        lists = definitions.words_of_lists(context)
        rules = tuple(rule for rule, _ in placed)
        self._check_parties(found, agent, operator, rules)
        self._check_all_charged(budgets, rules)
        if not self._problems:  # a rule of which something was refused says less than it was to say
            check_overlap(self._context, placed)
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
            tokens=tuple(token for token in self._context.names.tokens.values() if token is not ETHER),
            addresses=tuple(self._context.names.addresses.items()),
            lists=lists,
            budgets=tuple(budgets.budgets.values()),
            rules=rules,
            content=self._content(tree, definitions),
            warnings=self._warnings.in_order(),
            found_hash=found_hash,
        )

    def _content(self, tree: Node, definitions: DefinitionReader) -> bytes:
        """Canonical JSON, with what stood outside the document frozen in it."""
        definitions.freeze_files()
        return rfc8785.dumps(yaml_tree.as_json(tree, self._context.frozen))

    def _found_hash(self, found: Fields) -> bytes | None:
        """The document hash in code found on chain. Only there: elsewhere it would name a document nobody reads."""
        if self._context.read_back:
            return self._reader.text(found.get("found hash"), "the hash", fields.hash_)
        if "found hash" in found.keys:
            self._problems.add(
                found.keys["found hash"], "a document that is written has the hash of its content", "remove it"
            )
        return None

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

    def _check_objection(self, policy: Fields, objection: tuple[int, int, int] | None, budgets: BudgetReader) -> None:
        if objection is None or (objection[0] and objection[1]):
            return
        node = policy.get("objection")
        place = node.place if node else policy.place
        announced = next((one for one in budgets.budgets.values() if one.instant_limit < one.limit), None)
        if announced is not None:
            self._problems.add(
                place,
                f"the budget {announced.name} has a part that members may object to, and there is no time for it",
                "write a delay and a release window, or make all of the budget free of objection",
            )
        elif objection[0] or objection[1]:
            self._context.unsafe(place, "an objection window needs both times", "write both, or `none` for both")

    def _check_all_charged(self, budgets: BudgetReader, rules: tuple[DocumentRule, ...]) -> None:
        charged = {charge.budget for rule in rules for charge in rule.charges}
        for name, place in budgets.places.items():
            measured = name in budgets.budgets and budgets.budgets[name].measured
            if name not in charged and not measured and not self._problems:
                self._problems.add(place, f"no rule charges the budget {name}", "charge it in a rule, or remove it")

    def _check_parties(
        self,
        found: Fields,
        agent: bytes | None,
        operator: bytes | None,
        rules: tuple[DocumentRule, ...],
    ) -> None:
        if agent is not None and agent == operator:
            self._context.unsafe(
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
        for doubt in self._context.names.doubts:
            self._warnings.add(found.place, doubt.problem, doubt.suggestion)


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
