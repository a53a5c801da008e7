# SPDX-License-Identifier: Apache-2.0
"""What a rule charges to budgets, and what must come in for it."""

from functools import partial

from policies.code.document_model import DocumentBudget, DocumentCharge, DocumentIncome
from policies.code.policy_code import PlaceKind, Source
from policies.code.signatures import WORD_TYPE, Function, Leaf
from policies.document.rule_context import RuleContext
from policies.document.yaml_tree import Mapping, Node, Sequence, Text
from policies.notation.amounts import ETHER, Unclear
from policies.notation.problems import Place, listed, shown
from policies.notation.ratios import parse_ratio

# Arguments that number a thing: charging them would add up names.
# What a charge counts, where it is no argument's path; and how an argument of that name is told from it.
VALUE = "value"
VALUE_ARGUMENT = "argument value"
VALUE_ETHER = "call value"
_NUMBERS_OF_THINGS = ("tokenid", "nftid", "id", "ids", "positionid", "streamid", "nonce", "deadline", "index")


class ChargeReader:
    """Reads `charge` and `income` of a rule."""

    def __init__(self, context: RuleContext) -> None:
        self._context = context

    def charges(self, node: Node | None, function: Function | None) -> tuple[DocumentCharge, ...] | None:
        """Read `charge`; None when one was refused: the whole rule would then only cause misleading problems."""
        if node is not None and not (isinstance(node, Mapping) and node.entries):
            written = node.items if isinstance(node, Sequence) else (node,)
            named = [one.text for one in written if isinstance(one, Text) and one.text in self._context.budget_names]
            meant = named or [next(iter(self._context.budget_names), "<budget>")]
            amounts = [leaf.path for leaf in _amount_leaves(function)] or ["value"]
            self._context.problems.add(
                node.place,
                "`charge` names each budget and what counts against it",
                f"write `charge: {{{', '.join(f'{name}: {amounts[-1]}' for name in meant)}}}`",
            )
            return None
        charges = []
        complete = True
        for key, value in self._context.reader.entries(node, "`charge`"):
            if not self._is_budget(key):
                complete = False
                continue
            read = partial(self._charge, budget=key.text, function=function, place=value.place)
            charge = self._context.reader.text(value, "what is charged", read)
            if charge is None:
                complete = False
            else:
                charges.append(charge)
        return tuple(charges) if complete else None

    def _is_budget(self, key: Text) -> bool:
        if key.text in self._context.budget_names:
            return True
        if not self._context.budgets_unread and key.text not in self._context.reader.refused_names:
            known = listed(self._context.budget_names, none="")
            suggestion = f"the budgets are: {known}" if known else "add it under `budgets`"
            self._context.problems.add(key.place, f"there is no budget {shown(key.text)}", suggestion)
        return False

    def _charge(self, text: str, budget: str, function: Function | None, place: Place) -> DocumentCharge:
        if self._is_ether(text, budget, function):
            known = self._context.budgets.get(budget)
            if known is not None and known.token != ETHER:
                raise Unclear(
                    f"a call's value is ether and the budget {budget} counts {known.token.symbol}",
                    self._instead_of_ether(function),
                )
            return DocumentCharge(budget, Source.VALUE, 0, 0)
        path = VALUE if text == VALUE_ARGUMENT else text
        leaf = function.leaf(path) if function else None
        if leaf is None or leaf.kind not in (PlaceKind.WORD, PlaceKind.COLUMN):
            chargeable = [leaf.path for leaf in _amount_leaves(function)]
            counts = self._context.budgets.get(budget)
            if counts is None or counts.token == ETHER:
                chargeable = list(dict.fromkeys([*chargeable, VALUE]))
            raise Unclear(
                f"the call has no argument {shown(text)} that could be an amount",
                f"write one of: {', '.join(chargeable)}" if chargeable else "charge an unsigned number; it has none",
            )
        if not leaf.argument.is_unsigned and leaf.type != WORD_TYPE:
            problem, suggestion = f"{text} is of type {leaf.type}, which is no amount", "charge an unsigned number"
            if not self._context.read_back:
                raise Unclear(problem, suggestion)
            self._context.warnings.add(place, problem, suggestion)
        if leaf.path.rpartition(".")[2].rstrip("[]").lower().replace("_", "") in _NUMBERS_OF_THINGS:
            self._context.unsafe(
                place, f"{text} is the number of a thing, not an amount", "charge an amount, or cap the count"
            )
        return DocumentCharge(budget, Source.ARGUMENT, leaf.word, leaf.column)

    def _is_ether(self, text: str, budget: str, function: Function | None) -> bool:
        """Whether the ether that goes with the call is meant: OpenZeppelin calls an amount of tokens `value` too.

        By the budget's token there is no doubt, but for a budget in ether. Raises Unclear there.
        """
        if text != VALUE:
            return text == VALUE_ETHER
        if function is None or function.leaf(VALUE) is None:
            return True
        known = self._context.budgets.get(budget)
        if known is not None and known.token == ETHER:
            raise Unclear(
                "`value` is an argument of the function, and it is also the ether that goes with the call",
                f"write `{VALUE_ARGUMENT}`, or `{VALUE_ETHER}` for the ether",
            )
        return False

    @staticmethod
    def _instead_of_ether(function: Function | None) -> str:
        paths = [leaf.path for leaf in _amount_leaves(function)]
        return f"write the argument that is the amount: {', '.join(paths)}" if paths else "charge a budget in ETH"

    def incomes(self, node: Node | None, charges: tuple[DocumentCharge, ...]) -> tuple[DocumentIncome, ...]:
        """Read `income`. Those that are refused are left out."""
        incomes: list[DocumentIncome] = []
        for key, value in self._context.reader.entries(node, "`income`"):
            if not self._is_budget(key):
                continue
            budget = self._context.budgets.get(key.text)
            if budget is None:
                continue
            for ratio in value.items if isinstance(value, Sequence) else (value,):
                read = partial(self._income, budget=budget, charges=charges)
                income = self._context.reader.text(ratio, "an income", read)
                if income is not None:
                    self._check_other_demands(ratio.place, income, incomes, charges)
                    incomes.append(income)
        return tuple(incomes)

    def _check_other_demands(
        self, place: Place, income: DocumentIncome, others: list[DocumentIncome], charges: tuple[DocumentCharge, ...]
    ) -> None:
        """Refuse a second demand for the same, and warn of one that the same rise of a token answers as well.

        The module holds each demand against the whole rise. That is meant where both budgets count the same outflow.
        """
        for other in (one for one in others if one.asset == income.asset):
            symbol = next(one.symbol for one in self._context.names.tokens.values() if one.address == income.asset)
            if other.budget == income.budget:
                self._context.unsafe(
                    place, f"{income.budget} demands {symbol} twice, and only the higher counts", "write it once"
                )
            elif not self._count_the_same(income.budget, other.budget, charges):
                self._context.warnings.add(
                    place,
                    f"the {symbol} that comes in answers this demand and that of {other.budget} at once: what must come"
                    " in for both is not added up, and much of what they let out can go for nothing",
                    "make a rule for each, or demand another token",
                )

    def _count_the_same(self, one: str, other: str, charges: tuple[DocumentCharge, ...]) -> bool:
        """Whether two budgets count the same outflow under the rule: in one token, measured or charged alike."""
        first, second = (self._context.budgets[name] for name in (one, other))
        places = {charge.budget: (charge.source, charge.word, charge.column) for charge in charges}
        alike = first.measured or second.measured or places.get(one) == places.get(other)
        return first.token == second.token and alike

    def _income(self, text: str, budget: DocumentBudget, charges: tuple[DocumentCharge, ...]) -> DocumentIncome:
        ratio = parse_ratio(text, self._context.names.tokens)
        if ratio.spent != budget.token:
            raise Unclear(
                f"the budget {budget.name} counts {budget.token.symbol}, not {ratio.spent.symbol}",
                f"write how much comes in per {budget.token.symbol}",
            )
        if ratio.received == budget.token:
            raise Unclear("what is spent can't be what comes in", "name another token")
        if not budget.measured and all(charge.budget != budget.name for charge in charges):
            raise Unclear(
                f"this rule doesn't charge {budget.name}", f"charge it, or give {budget.name} `measured: yes`"
            )
        return DocumentIncome(ratio.received.address, budget.name, ratio.numerator, ratio.denominator)


def _amount_leaves(function: Function | None) -> list[Leaf]:
    leaves = function.leaves if function else ()
    return [leaf for leaf in leaves if leaf.argument.is_unsigned and leaf.kind in (PlaceKind.WORD, PlaceKind.COLUMN)]
