# SPDX-License-Identifier: Apache-2.0
"""What changes when one policy replaces another under the same policy id: sentences, each marked wider or tighter.

*Soundness.* Let the module be in one and the same state: rings by their keys, pause, last act, moment. If `new` allows
an act there that `old` refuses, with the same calls doing the same things, then at least one line is *wider*. So
without a wider line, every act that `new` allows was allowed by `old`. It is shown in parts, each of which is a wider
line unless it is proven:

- the agent and the operator are the same; the time in force lies within the old one; the cooldown is at least as long;
- acts can be announced only if they could before, after at least the old delay, to be made within at most the old
  window, and at most the old share of votes stops them. (An announced act can come later under a longer delay, but no
  later than one that was announced later under the shorter one.)
- every old budget has a new one with the same ring (scope and its agent, asset, unit, segment, name), with no larger
  limits, and measured if it was; or nothing that a new rule permits was charged to it. The period itself is in no
  check, only its seventh part, the segment. A budget with another ring starts empty: for a while old and new are spent;
- every new rule lies within the old rules: see `policies.answer.containment`. There a budget that became another is
  taken for the one that it stands in place of, for its own line already is a wider one.

*tighter* means: the line by itself takes something away, and gives nothing. *same*: it was written in another way and
permits the same. *other*: it bounds nothing. The last line is such a one, where something changes: it names the
new policy's rules of which it is not known whether their effect ends with the act.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.answer.containment import Containment, Loosened, RuleKey, Side, ring_keys
from policies.answer.permitted import Place, Values, cap_of
from policies.code.policy_code import Clause, Income, Kind, PolicyCode, Rule
from policies.code.signatures import Function
from policies.notation.amounts import Token, format_duration, format_share, format_time
from policies.notation.primitives import checksum
from policies.words.announcing import limits_text
from policies.words.explain import (
    NOT_KNOWN_TO_END,
    budget_sentence,
    charge_text,
    charged_text,
    not_known_to_end,
    place_bounds,
    rule_sentence,
    which_rules,
)
from policies.words.together import shown_case
from policies.words.wording import (
    AddressNames,
    Vocabulary,
    budget_name,
    call_name,
    capital,
    income_text,
    place_name,
    values_text,
)

MAX_LISTED = 2**16


class Mark(StrEnum):
    """What a change does to what the agent may do."""

    WIDER = "wider"
    TIGHTER = "tighter"
    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as a sentence."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{self.mark}: {self.text}"


def diff(
    old: PolicyCode,
    new: PolicyCode,
    names: AddressNames,
    tokens: Mapping[bytes, Token],
    functions: Mapping[bytes, Function] | None = None,
) -> list[Change]:
    """Every change in a fixed order: who and when, objections, rules, budgets, document. Empty if nothing changes."""
    words = Vocabulary(names, tokens, functions or {})
    pairs = _Pairs(old, new)
    rules = _Rules(old, new, pairs, words)
    changes = [
        *_who_and_when(old, new, words),
        *_objections(old, new),
        *rules.changes(),
        *_Budgets(old, new, pairs, words, rules.unproven).changes(),
        *_document(old, new),
    ]
    return [*changes, *_not_known(new, words)] if changes else []


def _mark(wider: bool) -> Mark:
    return Mark.WIDER if wider else Mark.TIGHTER


# Who, when, and who can object


def _who_and_when(old: PolicyCode, new: PolicyCode, words: Vocabulary) -> Iterator[Change]:
    for who, was, is_ in (("agent", old.agent, new.agent), ("operator", old.operator, new.operator)):
        if was != is_:
            yield Change(Mark.WIDER, f"The {who} is {words.address(is_)} instead of {words.address(was)}.")
    if new.start_s != old.start_s:
        text = f"The policy begins at {format_time(new.start_s)} instead of {format_time(old.start_s)}."
        yield Change(_mark(new.start_s < old.start_s), text)
    if new.end_s != old.end_s:
        text = f"The policy ends at {format_time(new.end_s)} instead of {format_time(old.end_s)}."
        yield Change(_mark(new.end_s > old.end_s), text)
    if new.cooldown_s != old.cooldown_s:
        waits = format_duration(new.cooldown_s)
        text = f"Between two acts the agent must wait {waits} instead of {format_duration(old.cooldown_s)}."
        yield Change(_mark(new.cooldown_s < old.cooldown_s), text)


def _can_announce(policy: PolicyCode) -> bool:
    return bool(policy.objection_delay_s and policy.release_window_s)


def _objections(old: PolicyCode, new: PolicyCode) -> Iterator[Change]:
    could, can = _can_announce(old), _can_announce(new)
    if can and not could:
        yield Change(Mark.WIDER, f"Acts can be announced, which none could be, with {_wait(new)}.")
    elif could and not can:
        yield Change(Mark.TIGHTER, f"No act can be announced any more, which could be with {_wait(old)}.")
    elif can:
        yield from _announced(old, new)
    elif _wait(old) != _wait(new):
        yield Change(Mark.SAME, "What is said about announced acts changes, and still none can be announced.")


def _wait(policy: PolicyCode) -> str:
    wait, window = format_duration(policy.objection_delay_s), format_duration(policy.release_window_s)
    share = format_share(policy.objection_threshold_bps)
    return (
        f"a wait of {wait}, then {window} to make them, and void if members with at least {share} of all votes "
        "(their number is rounded down) object"
    )


def _announced(old: PolicyCode, new: PolicyCode) -> Iterator[Change]:
    if new.objection_delay_s != old.objection_delay_s:
        text = (
            f"An announced act waits {format_duration(new.objection_delay_s)} for objections "
            f"instead of {format_duration(old.objection_delay_s)}."
        )
        yield Change(_mark(new.objection_delay_s < old.objection_delay_s), text)
    if new.release_window_s != old.release_window_s:
        text = (
            f"An announced act must be made within {format_duration(new.release_window_s)} after the wait "
            f"instead of {format_duration(old.release_window_s)}."
        )
        yield Change(_mark(new.release_window_s > old.release_window_s), text)
    if new.objection_threshold_bps != old.objection_threshold_bps:
        text = (
            f"Objections from at least {format_share(new.objection_threshold_bps)} of all votes "
            "(their number is rounded down) stop an announced act instead of "
            f"{format_share(old.objection_threshold_bps)}."
        )
        yield Change(_mark(new.objection_threshold_bps > old.objection_threshold_bps), text)


def _document(old: PolicyCode, new: PolicyCode) -> Iterator[Change]:
    if old.document_hash != new.document_hash:
        yield Change(Mark.OTHER, "The document that people read, by its hash in the code, is another one.")


def _not_known(new: PolicyCode, words: Vocabulary) -> Iterator[Change]:
    if numbers := not_known_to_end(new, words):
        text = f"Of a call under {which_rules(numbers, new)} of the new policy {NOT_KNOWN_TO_END}: if it does not, "
        yield Change(Mark.OTHER, f"{text}more may leave the treasury than any limit says.")


# Rules


class _Rules:
    """The changes of rules, (target, selector) by (target, selector)."""

    def __init__(self, old: PolicyCode, new: PolicyCode, pairs: "_Pairs", words: Vocabulary) -> None:
        self._words = words
        self._keys = sorted({rule.key for rule in (*old.rules, *new.rules)})
        self._sides = {
            key: (Side.of(old, key, pairs.old_rings), Side.of(new, key, pairs.new_rings)) for key in self._keys
        }
        self._widening = {key: Containment(new, old).proven for key, (old, new) in self._sides.items()}

    @property
    def unproven(self) -> frozenset[RuleKey]:
        """Where the new policy may permit calls that the old one refuses or bounds tighter."""
        return frozenset(key for key, proven in self._widening.items() if not all(proven))

    def changes(self) -> Iterator[Change]:
        for key in self._keys:
            old, new = self._sides[key]
            if [_meaning(old, rule) for rule in old.rules] != [_meaning(new, rule) for rule in new.rules]:
                yield from self._changed(old, new, self._widening[key])

    def _changed(self, old: Side, new: Side, proven: tuple[bool, ...]) -> Iterator[Change]:
        if not new.rules:
            yield Change(Mark.TIGHTER, f"It may no longer {call_name(old.rules[0], self._words)}.")
        elif _comparable(old, new):
            yield from self._one_by_one(old, new, proven[0])
        else:
            yield from self._as_alternatives(old, new, proven)

    def _one_by_one(self, old: Side, new: Side, proven: bool) -> Iterator[Change]:
        parts = [*_Parts(old, new, self._words).changes()]
        if not proven and not any(mark is Mark.WIDER for mark, _ in parts):
            parts.append((Mark.WIDER, "it can't be shown that this permits no more than before"))
        call = capital(call_name(new.rules[0], self._words))
        yield from (Change(mark, f"{call}: {text}.") for mark, text in parts)

    def _as_alternatives(self, old: Side, new: Side, proven: tuple[bool, ...]) -> Iterator[Change]:
        before = [_meaning(old, rule) for rule in old.rules]
        after = [_meaning(new, rule) for rule in new.rules]
        for rule, meaning, within in zip(new.rules, after, proven, strict=True):
            sentence = rule_sentence(new.policy, rule, self._words)
            if not within:
                yield Change(Mark.WIDER, f"Not permitted so before: it may {sentence}.")
            elif meaning not in before:
                yield Change(Mark.TIGHTER, f"Permitted before, within looser or other bounds: it may {sentence}.")
        narrowing = Containment(old, new).proven
        for rule, meaning, within in zip(old.rules, before, narrowing, strict=True):
            sentence = rule_sentence(old.policy, rule, self._words)
            if meaning not in after and within:
                yield Change(Mark.SAME, f"Gone, while other rules permit the same: that it may {sentence}.")
            elif meaning not in after:
                yield Change(Mark.TIGHTER, f"Gone: that it may {sentence}.")
        if all(proven) and sorted(map(repr, before)) == sorted(map(repr, after)):
            call = call_name(new.rules[0], self._words)
            yield Change(Mark.TIGHTER, f"The rules that it may {call} are tried in another order; none permits more.")


def _comparable(old: Side, new: Side) -> bool:
    """Whether there is one rule before and one after, of the same form, and both permit something."""
    if len(old.rules) != 1 or len(new.rules) != 1:
        return False
    return old.matched[0].form == new.matched[0].form and not (old.permitted[0].empty or new.permitted[0].empty)


def _meaning(side: Side, rule: Rule) -> tuple[object, ...]:
    """The rule with lists and rings in place of their numbers, which differ from policy to policy."""
    return (
        (rule.words, rule.dynamics, rule.must_return_true, rule.approval),
        tuple(sorted(map(repr, (_clause_meaning(side.policy, clause) for clause in rule.clauses)))),
        tuple(sorted((side.rings[c.budget], c.source, c.word, c.column) for c in rule.charges)),
        tuple(sorted((side.rings[i.budget], i.asset, i.numerator, i.denominator) for i in rule.incomes)),
    )


def _clause_meaning(policy: PolicyCode, clause: Clause) -> tuple[object, ...]:
    operand = policy.lists[clause.operand] if clause.kind is Kind.IN_LIST else clause.operand
    return (clause.word, clause.column, clause.kind, operand)


Part = tuple[Mark, str]


class _Parts:
    """How one rule differs from the one in whose place it stands: values, charges, ether, incomes, answers."""

    def __init__(self, old: Side, new: Side, words: Vocabulary) -> None:
        self._old, self._new, self._words = old, new, words
        self._was, self._is = old.rules[0], new.rules[0]
        self._lost, self._won = Loosened(new, 0, old, 0), Loosened(old, 0, new, 0)

    def changes(self) -> Iterator[Part]:
        clauses = (*self._was.clauses, *self._is.clauses)
        for place in sorted({(clause.word, clause.column) for clause in clauses}):
            yield from self._values(place)
        yield from self._charges()
        yield from self._ether()
        yield from self._incomes()
        yield from self._answers()

    def _values(self, place: Place) -> Iterator[Part]:
        was, is_ = self._clauses(self._old, place), self._clauses(self._new, place)
        if was == is_:
            return
        if (items := self._listed(place)) is not None:
            yield from self._items(place, *items)
            return
        before, after = (
            place_bounds(side.policy, side.rules[0], place, self._words) for side in (self._old, self._new)
        )
        text = f"{after}, instead of: {before}"
        if _is_looser(self._new, self._old, place):
            yield Mark.WIDER, text
        else:
            yield Mark.TIGHTER if _is_looser(self._old, self._new, place) else Mark.SAME, text

    def _clauses(self, side: Side, place: Place) -> set[tuple[object, ...]]:
        clauses = (clause for clause in side.rules[0].clauses if (clause.word, clause.column) == place)
        return {_clause_meaning(side.policy, clause) for clause in clauses}

    def _listed(self, place: Place) -> tuple[Values, Values] | None:
        """Both sets of values, where they differ, both can be listed and nothing but them bounds the place."""
        if any(cap_of(rule, place) is not None for rule in (self._was, self._is)):
            return None
        before, after = self._old.matched[0].at(place), self._new.matched[0].at(place)
        if before == after or before.listed(MAX_LISTED) is None or after.listed(MAX_LISTED) is None:
            return None
        return before, after

    def _items(self, place: Place, before: Values, after: Values) -> Iterator[Part]:
        name = place_name(self._is, place, self._words)
        added, removed = (after - before).listed(MAX_LISTED), (before - after).listed(MAX_LISTED)
        if added:
            yield Mark.WIDER, f"{name} may now be {values_text(self._new.policy, self._is, place, added, self._words)}"
        if removed:
            shown = values_text(self._old.policy, self._was, place, removed, self._words)
            yield Mark.TIGHTER, f"{name} may no longer be {shown}"

    def _charges(self) -> Iterator[Part]:
        for charge in self._lost.charges:
            name = budget_name(self._old.policy, charge.budget)
            yield Mark.WIDER, f"{charged_text(self._was, charge, self._words)} no longer counts against {name}"
        for charge in self._won.charges:
            yield Mark.TIGHTER, f"now {charge_text(self._new.policy, self._is, charge, self._words)}"

    def _ether(self) -> Iterator[Part]:
        if self._lost.ether:
            yield Mark.WIDER, f"{self._words.coin} may go with it, which none could"
        if self._won.ether:
            yield Mark.TIGHTER, f"no {self._words.coin} may go with it any more"

    def _incomes(self) -> Iterator[Part]:
        for income in self._lost.incomes:
            after = next((text for other, text in self._demanded(self._new) if other.asset == income.asset), None)
            before = income_text(self._old.policy, self._was, income, self._words)
            yield Mark.WIDER, f"{after}, instead of: {before}" if after else f"no longer demanded: {before}"
        for income in self._won.incomes:
            yield Mark.TIGHTER, f"now {income_text(self._new.policy, self._is, income, self._words)}"

    def _demanded(self, side: Side) -> Iterator[tuple[Income, str]]:
        for income in side.rules[0].incomes:
            yield income, income_text(side.policy, side.rules[0], income, self._words)

    def _answers(self) -> Iterator[Part]:
        if self._lost.return_value:
            yield Mark.WIDER, "the call need not return true any more"
        if self._won.return_value:
            yield Mark.TIGHTER, "the call must return true"
        if self._lost.allowance:
            yield Mark.WIDER, "the spender may go on taking after the act has ended"
        if self._won.allowance:
            yield Mark.TIGHTER, "when the act ends, nothing may be left of what the spender was allowed to take"


def _is_looser(inner: Side, outer: Side, place: Place) -> bool:
    """Whether the inner rule lets a value through at the place, or more of them in an act, than the outer rule."""
    values = inner.permitted[0].at(place)
    if not values <= outer.permitted[0].at(place):
        return True
    cap, most = cap_of(outer.rules[0], place), cap_of(inner.rules[0], place)
    return cap is not None and values.highest > 0 and (most is None or most > cap)


# Budgets


class _Pairs:
    """Which budgets are the same in both policies, by their rings, and which stand in the place of others."""

    def __init__(self, old: PolicyCode, new: PolicyCode) -> None:
        self._old, self._new = old, new
        before, self.new_rings = ring_keys(old), ring_keys(new)
        self.kept = [(before.index(ring), number) for number, ring in enumerate(self.new_rings) if ring in before]
        self.gone = [number for number, ring in enumerate(before) if ring not in self.new_rings]
        self.added = [number for number, ring in enumerate(self.new_rings) if ring not in before]
        self.successors = self._successors()
        self.old_rings = tuple(
            self.new_rings[self.successors[number]] if number in self.successors else ring
            for number, ring in enumerate(before)
        )

    def _successors(self) -> dict[int, int]:
        """The new budget in the place of one that is gone: of the same name, or else of the same asset."""
        found: dict[int, int] = {}
        for alike in ("name", "asset"):
            for before in self.gone:
                wanted = getattr(self._old.budgets[before], alike)
                free = (number for number in self.added if number not in found.values())
                after = next((number for number in free if getattr(self._new.budgets[number], alike) == wanted), None)
                if before not in found and after is not None:
                    found[before] = after
        return found


class _Budgets:
    """The changes of budgets: of the same ring, gone, new, and become another."""

    def __init__(
        self, old: PolicyCode, new: PolicyCode, pairs: _Pairs, words: Vocabulary, unproven: frozenset[RuleKey]
    ) -> None:
        self._old, self._new, self._pairs, self._words, self._unproven = old, new, pairs, words, unproven

    def changes(self) -> Iterator[Change]:
        successors = self._pairs.successors
        for before, after in self._pairs.kept:
            yield from self._same_ring(before, after)
        for before in self._pairs.gone:
            yield self._became(before, successors[before]) if before in successors else self._is_gone(before)
        for after in self._pairs.added:
            if after not in successors.values():
                yield self._is_new(after)

    def _same_ring(self, before: int, after: int) -> Iterator[Change]:
        was, is_ = self._old.budgets[before], self._new.budgets[after]
        name = capital(budget_name(self._new, after))
        levels = ((is_.limit, was.limit), (is_.instant_limit, was.instant_limit))
        if any(now != then for now, then in levels):
            wider = any(now > then for now, then in levels)
            text = f"{name}: {limits_text(is_, self._words)}, instead of {limits_text(was, self._words)}."
            yield Change(_mark(wider), text)
        elif is_.period_s != was.period_s:
            yield Change(Mark.SAME, f"{name}: {self._same_segment(before, after)}.")
        if was.measured and not is_.measured:
            yield Change(Mark.WIDER, f"{name} no longer measures how far the treasury's balance falls.")
        if is_.measured and not was.measured:
            yield Change(Mark.TIGHTER, f"{name} now measures how far the treasury's balance falls.")

    def _same_segment(self, before: int, after: int) -> str:
        periods = (self._new.budgets[after].period_s, self._old.budgets[before].period_s)
        is_, was = map(format_duration, periods)
        return f"its period is called {is_} instead of {was}, and the chain counts both in the same segments"

    def _became(self, before: int, after: int) -> Change:
        was, is_ = self._old.budgets[before], self._new.budgets[after]
        together = ""
        if was.asset == is_.asset:
            both = was.base_units(was.limit) + is_.base_units(is_.limit)
            together = f", which together is {self._words.amount(both, is_.asset)}"
        return Change(
            Mark.WIDER,
            f"{self._sentence(self._new, after)} "
            f"Before: {self._sentence(self._old, before)} "
            f"To the chain it is another budget{self._why_another(before, after)}, which starts empty: "
            f"at first the agent may spend old and new{together}.",
        )

    def _sentence(self, policy: PolicyCode, number: int) -> str:
        return budget_sentence(policy, shown_case(policy, number, self._words), self._words)

    def _why_another(self, before: int, after: int) -> str:
        was, is_ = self._old.budgets[before], self._new.budgets[after]
        if was.ring == is_.ring:
            return f" (the agent {checksum(self._new.agent)} shares it in place of the old one)"
        return ""

    def _is_gone(self, number: int) -> Change:
        budget, name = self._old.budgets[number], budget_name(self._old, number)
        rules = [rule for rule in self._old.rules if any(charge.budget == number for charge in rule.charges)]
        if budget.measured or any(rule.key in self._unproven for rule in rules):
            limit = limits_text(budget, self._words)
            return Change(Mark.WIDER, f"Nothing counts against the old policy's {name} any more: {limit}.")
        return Change(Mark.TIGHTER, f"The old policy's {name} is gone, and so is all that was paid from it.")

    def _is_new(self, number: int) -> Change:
        rules = [rule for rule in self._new.rules if any(charge.budget == number for charge in rule.charges)]
        wider = any(rule.key in self._unproven for rule in rules)
        return Change(_mark(wider), f"New: {self._sentence(self._new, number)}")
