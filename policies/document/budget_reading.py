# SPDX-License-Identifier: Apache-2.0
"""The budgets of a document: what may be spent in each period, in units that the code counts exactly."""

import re
from functools import partial

from policies.code import schedules, units
from policies.code.document_model import DocumentBudget
from policies.code.policy_code import Scope
from policies.code.ring import BUCKET_MAX, segment_seconds, worst_case_units
from policies.document import fields
from policies.document.fields import NO_DATES, Fields
from policies.document.reading_context import ReadingContext
from policies.document.yaml_tree import Mapping, Node
from policies.notation import amounts
from policies.notation.amounts import Token, Unclear
from policies.notation.problems import Place, shown

BUDGET_KEYS = "limit|period|without objection|shared by?|measured?|due?|unit?|name in the code?"
WHOLE_POLICY = "whole policy"
_SCOPES = {"policy": Scope.POLICY, "agent": Scope.AGENT, "dao": Scope.DAO}
_CODE_NAME = re.compile(r"[\x20-\x7e]{0,32}")


class BudgetReader:
    """Reads the budgets of a policy that lives `life_s` seconds; None where that was refused and reported."""

    def __init__(self, context: ReadingContext, life_s: int | None) -> None:
        self._context, self._life_s = context, life_s
        self.budgets: dict[str, DocumentBudget] = {}
        self.places: dict[str, Place] = {}
        self.is_unread = False  # they are there, and are not what budgets are written as

    def read(self, node: Node | None) -> None:
        self.is_unread = node is not None and not (isinstance(node, Mapping) and node.entries)
        for key, value in self._context.reader.entries(node, "`budgets`"):
            name = self._context.reader.text(key, "a budget's name", self._new_name)
            budget = self._budget(name or "", value)
            if name is None:
                self._context.reader.refused_names.add(key.text)
            else:
                self.places[name] = key.place
                if budget is not None:
                    self.budgets[name] = budget

    def _new_name(self, text: str) -> str:
        name = fields.name(text)
        if name.lower() in (known.lower() for known in self.places):
            raise Unclear(f"the name {name} is taken", "give each budget its own name")
        return name

    def _budget(self, name: str, node: Node) -> DocumentBudget | None:
        found = Fields(self._context.problems, node, "the budget", BUDGET_KEYS, NO_DATES)
        read = self._context.reader.text
        limit = read(found.get("limit"), "the limit", self._limit)
        instant = read(found.get("without objection"), "the part without objection", self._amount)
        period_s = read(found.get("period"), "the period", self._period)
        scope = read(found.get("shared by"), "`shared by`", fields.one_of(_SCOPES, "shares no budget"))
        measured = read(found.get("measured"), "`measured`", fields.yes_or_no)
        code_name = read(found.get("name in the code"), "the name", _code_name)
        if limit is None or instant is None or period_s is None or not self._check_limits(found, limit, instant):
            return None
        self._warn_of_twice(found.place_of("period"), period_s)
        exponent = self._exponent(found, limit, instant[0])
        if exponent is None or (scope is None and "shared by" in found.keys):
            return None
        if measured is None and "measured" in found.keys:
            return None
        return DocumentBudget(
            name=name,
            token=limit[1],
            scope=scope or Scope.POLICY,
            limit=limit[0],
            instant_limit=instant[0],
            period_s=period_s,
            exponent=exponent,
            measured=measured or False,
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
            self._context.problems.add(
                place, f"a budget counts one token, here {limit[1].symbol}", f"write it in {limit[1].symbol}"
            )
            return False
        if instant[0] > limit[0]:
            self._context.problems.add(
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
        chosen = self._context.reader.text(node, "the unit", partial(self._unit, token=token))
        if node is not None and chosen is None:
            return None
        try:
            if chosen is None:
                return units.choose_exponent(amount, instant_amount)
            units.check_exponent(amount, instant_amount, chosen)
            return chosen
        except units.InexactLimit as inexact:
            key = "limit" if inexact.amount == amount else "without objection"
            self._context.problems.add(
                found.place_of(key),
                f"{amounts.write_amount(inexact.amount, token)} can't be held exactly",
                _nearest(inexact, amount, instant_amount, token),
            )
        except units.UnitTooSmall as small:
            self._context.problems.add(
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
        due = self._context.reader.text(found.get("due"), "`due`", fields.one_of(names, "is no schedule")) or ""
        meant = due or (None if self._is_total(period_s) else schedules.suspected(period_s))
        if meant and not schedules.in_time(period_s, meant) and not self._context.read_back:
            self._context.warnings.add(
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
        self._context.warnings.add(
            place,
            f"this budget can be spent twice: its period ({period}) is shorter than the policy's life ({life})",
            f"to make it a total, set the period to at least {amounts.write_duration(self._life_s)}, "
            f"or write `period: {WHOLE_POLICY}`",
        )

    def _amount(self, text: str) -> tuple[int, Token]:
        return amounts.parse_amount(text, self._context.names.tokens)

    def _limit(self, text: str) -> tuple[int, Token]:
        if text.lower() in ("unlimited", "none", "infinite", "max", "any"):
            raise Unclear("an unlimited budget is none", "write the most that may be spent in one period")
        read = amounts.parse_amount if self._context.read_back else amounts.parse_supply_amount
        amount, token = read(text, self._context.names.tokens)
        if amount == 0:
            raise Unclear("a budget of nothing permits nothing", "write an amount, or remove the budget and its rules")
        return amount, token


def _nearest(inexact: units.InexactLimit, limit: int, instant_amount: int, token: Token) -> str:
    """What to write in place of an amount that is no whole number of units."""
    nearest = [amounts.write_amount(one, token) for one in (inexact.below, inexact.above) if one]
    finest = units.least_exponent(limit, BUCKET_MAX)
    if limit % 10**finest or instant_amount % 10**finest:
        return f"write {' or '.join(nearest)}"
    smaller = amounts.write_amount(10**finest, token)
    return f"write {' or '.join(nearest)}, or write `unit: {smaller}`, which leaves less room to raise the limit"


def _code_name(text: str) -> str:
    if _CODE_NAME.fullmatch(text) is None:
        raise Unclear(f"{shown(text)} can't be written into the code", "write at most 32 printable ASCII characters")
    return text
