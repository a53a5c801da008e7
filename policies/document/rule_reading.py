# SPDX-License-Identifier: Apache-2.0
"""The rules of a document: which function of which target, with which arguments, charging which budget."""

from collections.abc import Iterator
from functools import partial

from policies.code.document_model import (
    DocumentCharge,
    DocumentRule,
    Sources,
)
from policies.code.policy_code import PlaceKind, Source
from policies.code.signatures import (
    APPROVE,
    TRANSFER,
    Function,
    Leaf,
    from_abi,
    parse_function,
    why_unbounded,
)
from policies.code.understood import is_understood
from policies.document import fields
from policies.document.charge_reading import ChargeReader
from policies.document.clause_reading import ClauseReader
from policies.document.fields import NO_DATES, Fields
from policies.document.naming import ANYTHING
from policies.document.rule_context import RuleContext
from policies.document.yaml_tree import Mapping as MappingNode
from policies.document.yaml_tree import Node, Text
from policies.known import tokens as known_tokens
from policies.notation.amounts import ETHER, Unclear
from policies.notation.primitives import checksum
from policies.notation.problems import Place, listed, shown

BACK_TO_ZERO = "back to zero"
SEND_KEYS = "send|to|charge?|income?|returns true?"
CALL_KEYS = "call|abi?|on|where?|charge?|charges?|income?|returns true?|allowance?"
_MOVERS = (
    "send",
    "pay",
    "transfer",
    "withdraw",
    "deposit",
    "swap",
    "exact",
    "redeem",
    "mint",
    "borrow",
    "bridge",
    "buy",
)


class RuleReader:
    """Reads the rules of one document, with its names, lists and budgets. What they refused, methods leave out."""

    def __init__(self, context: RuleContext, sources: Sources) -> None:
        self._context, self._sources = context, sources
        self._charges, self._clauses = ChargeReader(context), ClauseReader(context)

    def rules(self, node: Node | None) -> Iterator[tuple[DocumentRule, Place]]:
        for item in self._context.reader.items(node, "`rules`"):
            if isinstance(item, MappingNode) and _sends({key.text for key, _ in item.entries}):
                for rule in self._send_rules(item):
                    yield rule, item.place
            elif (rule_ := self._call_rule(item)) is not None:
                yield rule_, item.place

    # Ether without a call

    def _send_rules(self, node: MappingNode) -> Iterator[DocumentRule]:
        """`send: ETH` with empty data: one rule for each recipient."""
        found = Fields(self._context.problems, node, "the rule", SEND_KEYS, NO_DATES)
        self._context.reader.text(found.get("send"), "`send`", fields.ether)
        charges = self._charges.charges(found.get("charge"), None)
        if charges is not None and not charges:
            self._context.unsafe(
                found.place, "ether that no budget is charged with can't be sent", "add `charge: {<budget>: value}`"
            )
        incomes = self._charges.incomes(found.get("income"), charges or ())
        returns = self._context.reader.text(found.get("returns true"), "`returns true`", fields.yes_or_no) or False
        for target in self._recipients(found.get("to")):
            yield DocumentRule(target, None, returns, False, (), charges or (), incomes)

    def _recipients(self, node: Node | None) -> tuple[bytes, ...]:
        if isinstance(node, Text) and node.text in self._context.lists:
            self._context.used_lists.add(node.text)
            recipient = Leaf("to", "address", 0, 0, PlaceKind.WORD)
            items = (self._context.word(item, recipient, None) for item in self._context.lists[node.text])
            return tuple(item.to_bytes(20, "big") for item in items if item is not None)
        if node is not None and (how := self._other_recipients(node)):
            self._context.problems.add(node.place, "`to` is one recipient, or the name of a list", how)
            return ()
        address = self.address(node, "the recipient")
        return () if address is None else (address,)

    def _other_recipients(self, node: Node) -> str | None:
        """What to write for recipients of ether that are no single one; None for one that may be."""
        if isinstance(node, MappingNode):
            named = [value.text for _, value in node.entries if isinstance(value, Text)]
            return f"write `to: {named[0]}`" if len(named) == 1 and named[0].isprintable() else "write its name alone"
        if not isinstance(node, Text):
            return "give the list a name under `lists`, and write that"
        if node.text in ANYTHING:
            return "name who may get ether: a policy sends it to nobody else"
        near = [name for name in self._context.lists if name.lower().startswith(node.text.lower())]
        known = node.text in self._context.names.addresses
        return f"write `{near[0]}`" if near and node.text and not known else None

    def address(self, node: Node | None, what: str) -> bytes | None:
        found = self._context.reader.text(node, what, self._context.names.address)
        if found is None or node is None:
            return None
        self._context.frozen.values[node.place] = found[1]
        return found[0]

    # Calls

    def _call_rule(self, node: Node) -> DocumentRule | None:
        found = Fields(self._context.problems, node, "the rule", CALL_KEYS, NO_DATES)
        function = self._function(found)
        target = self.address(found.get("on"), "the target")
        if function is None or target is None or self._is_refused(found, function):
            return None
        if self._is_unnamed_token(found, target):
            return None
        charges = self._charges.charges(found.get("charge"), function)
        if charges is None:
            return None
        approval = self._approval(found, function, target)
        if self._check_charges(found, function, charges, approval):
            self._check_token_rule(found, function, target, charges, approval)
        self._warn_if_not_understood(found, function, target, charges, approval)
        return DocumentRule(
            target=target,
            function=function,
            must_return_true=self._returns_true(found.get("returns true"), function, target),
            approval=approval,
            clauses=self._clauses.clauses(found, function, charges, approval),
            charges=charges,
            incomes=self._charges.incomes(found.get("income"), charges),
        )

    def _is_unnamed_token(self, found: Fields, target: bytes) -> bool:
        """Refuse a target that published lists call a token and the document doesn't: no rule would bound it as one."""
        published = known_tokens.at(target)
        if not published or any(token.address == target for token in self._context.names.tokens.values()):
            return False
        one = published[0]
        self._context.unsafe(
            found.place_of("on"),
            f"this is the token {one.symbol} {one.where}, and the document does not name it as one: nothing would "
            "count what moves it",
            f'add `{one.symbol}: {{address: "{checksum(target)}", decimals: {one.decimals}}}` under `tokens`',
        )
        return not self._context.read_back

    def _function(self, found: Fields) -> Function | None:
        node, abi = found.get("call"), found.get("abi")
        if abi is None:
            function = self._context.reader.text(node, "the function", parse_function)
        else:
            function = self._context.reader.text(node, "the function", partial(self._from_abi, abi))
            self._context.frozen.dropped.add(found.keys["abi"])
        if function is None or node is None:
            return None
        self._context.frozen.values[node.place] = function.text
        return function

    def _from_abi(self, abi: Node, wanted: str) -> Function:
        known = listed(self._sources.abis, none="none was given")
        if not isinstance(abi, Text) or abi.text not in self._sources.abis:
            what = shown(abi.text) if isinstance(abi, Text) else "that"
            raise Unclear(f"there is no ABI {what}", f"the ABIs are: {known}")
        return from_abi(self._sources.abis[abi.text], wanted)

    def _is_refused(self, found: Fields, function: Function) -> bool:
        """Whether no rule may permit the function, whatever else the rule says."""
        written = found.get("call")
        place = written.place if written else found.place
        if function.given:
            self._context.unsafe(
                place, "the function is known by its selector alone", "write its signature with its arguments"
            )
        if function.selector == APPROVE:
            return False  # permitted as an approval, see _approval
        if (why := why_unbounded(function)) is None:
            return False
        self._context.unsafe(
            place,
            f"`{function.name}` {why}: no budget bounds it",
            "pay with `transfer(address to, uint256 amount)`",
        )
        return not self._context.read_back

    def _approval(self, found: Fields, function: Function, target: bytes) -> bool:
        """Whether the rule is an approval that must be gone when the act ends."""
        node = found.get("allowance")
        back_to_zero = fields.exactly(BACK_TO_ZERO, f"write `allowance: {BACK_TO_ZERO}`")
        given = self._context.reader.text(node, "`allowance`", back_to_zero) or False
        if node is not None and not given:
            return False
        if function.selector != APPROVE:
            if node is not None:
                self._context.problems.add(
                    found.keys["allowance"], f"{function.name} gives no allowance", "remove `allowance`"
                )
            return False
        if not given:
            self._context.unsafe(
                found.place_of("call"),
                "`approve` lets another account spend later: no budget bounds it",
                f"pay with `transfer(address to, uint256 amount)`, or, if another call of the act takes the allowance, "
                f"add `allowance: {BACK_TO_ZERO}`",
            )
        elif self._context.all_budgets_read and not any(
            budget.measured and budget.token.address == target for budget in self._context.budgets.values()
        ):
            self._context.problems.add(
                found.place_of("call"),
                "nothing counts what is taken through this approval",
                "add a budget in this token with `measured: yes`",
            )
        return given

    def _check_charges(
        self, found: Fields, function: Function, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> bool:
        """Whether the rule says what counts, or that nothing does."""
        written = found.get("charges")
        if isinstance(written, MappingNode):
            self._context.problems.add(
                found.keys["charges"], "`charges` can only be `nothing`", "to charge budgets, write `charge: {...}`"
            )
            return False
        nothing = fields.exactly("nothing", "write `charge: {<budget>: <argument>}`, or `charges: nothing`")
        says_nothing = self._context.reader.text(found.get("charges"), "`charges`", nothing)
        if charges and "charges" in found.keys:
            self._context.problems.add(
                found.keys["charges"], "the rule charges a budget and says it doesn't", "remove one of the two"
            )
        if charges or approval or function.selector == APPROVE:
            return True
        if not says_nothing and "charges" not in found.keys:
            self._context.unsafe(
                found.place,
                "this rule charges no budget: what it spends would be unlimited",
                "add `charge: {<budget>: <argument>}`, or, if it moves nothing of value, `charges: nothing`",
            )
        measured = any(budget.measured for budget in self._context.budgets.values())
        if not measured and function.name.lower().startswith(_MOVERS):
            self._context.warnings.add(
                found.place_of("charges"),
                f"`{function.name}` seems to move value, and nothing counts it",
                "charge a budget, or give one `measured: yes`, which counts whatever leaves",
            )
        return bool(says_nothing) or self._context.read_back

    def _check_token_rule(
        self, found: Fields, function: Function, target: bytes, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> None:
        token = next((token for token in self._context.names.tokens.values() if token.address == target), None)
        if token is None:
            if function.selector == TRANSFER:
                self._context.unsafe(
                    found.place_of("on"), "this token is not known", "add it with its decimals under `tokens`"
                )
            return
        if approval or any(budget.measured and budget.token == token for budget in self._context.budgets.values()):
            return
        if function.selector != TRANSFER:
            self._context.unsafe(
                found.place_of("call"),
                f"on the token {token.symbol} only `transfer` can be bounded without measuring",
                f"write `transfer(address to, uint256 amount)`, or give a budget in {token.symbol} `measured: yes`",
            )
            return
        bounded = any(
            charge.source is Source.ARGUMENT
            and charge.word == 1
            and (budget := self._context.budgets.get(charge.budget)) is not None
            and budget.token == token
            for charge in charges
        )
        unread = any(charge.budget not in self._context.budgets for charge in charges)
        if not bounded and not unread:
            self._context.unsafe(
                found.place_of("charge"),
                f"nothing bounds how much {token.symbol} this rule moves",
                f"charge a budget in {token.symbol} with the amount",
            )

    def _warn_if_not_understood(
        self, found: Fields, function: Function, target: bytes, charges: tuple[DocumentCharge, ...], approval: bool
    ) -> None:
        tokens = (token.address for token in self._context.names.tokens.values() if token is not ETHER)
        understood = is_understood(
            function.selector,
            function.words,
            function.dynamics,
            on_token=target in tokens,
            approval=approval,
            sends_ether=any(charge.source is Source.VALUE for charge in charges),
        )
        if not understood and (approval or why_unbounded(function) is None):
            self._context.warnings.add(
                found.place_of("call"),
                f"of `{function.name}` it is not known whether its effect ends with the act: what goes on after it "
                "counts against no budget",
                "read its code, and tell members what it leaves behind",
            )

    def _returns_true(self, node: Node | None, function: Function, target: bytes) -> bool:
        if node is not None:
            return self._context.reader.text(node, "`returns true`", fields.yes_or_no) or False
        tokens = (token.address for token in self._context.names.tokens.values())
        return function.selector in (TRANSFER, APPROVE) and target in tokens


def _sends(keys: set[str]) -> bool:
    """Whether a rule with these keys sends ether without a call, or would if it said so."""
    return "send" in keys or ("to" in keys and not keys & {"call", "abi", "on", "where"})
