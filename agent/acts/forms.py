# SPDX-License-Identifier: Apache-2.0
"""Acts that are asked for in a form of the policy's rules, or as exact calls: what stands in a request, and its calls.

A request's `act` is `{"calls": [...], "functions": [...]}`, an act in the language of `policies.answer.act_schema` with
the functions that give names to its arguments (each counts only where its selector is the rule's own), or
`{"raw": [...]}`, exact calls. No model sees either, and each waits for the operator's signature.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.acts import quotes
from agent.acts.calls import calls_from_json, payment_call
from agent.acts.paid import Payment, plain_payment
from agent.acts.words import Stated, say
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.rpc import BlockId, Rpc
from governance.sentences import Sentence
from policies.answer.act_schema import MOST_CALLS, NotAnAct, read_act, rule_label
from policies.answer.slots import slots
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function, parse_function
from policies.notation.amounts import Unclear
from policies.notation.hexadecimal import hex_text
from policies.notation.problems import shown

MOST_TEXT = 60_000  # of an act as JSON
_MOST_FUNCTIONS = 64

Act = Mapping[str, Any]
Quote = Mapping[str, str]


class NotPermitted(Stated, ValueError):
    """The act is not one that the policy's rules leave open; the sentence says where and why."""


def functions_of(act: Act) -> dict[bytes, Function]:
    """The functions that an act names its arguments by. Raises NotPermitted."""
    texts = act.get("functions", [])
    if not isinstance(texts, list) or len(texts) > _MOST_FUNCTIONS or not all(isinstance(text, str) for text in texts):
        raise NotPermitted(say("form_unreadable", problem="functions"))
    try:
        found = [parse_function(text) for text in texts]
    except Unclear as unclear:
        raise NotPermitted(say("form_unreadable", problem=str(unclear))) from None
    return {function.selector: function for function in found}


def is_raw(act: Act) -> bool:
    """Whether the act is exact calls, which only the operator may ask for."""
    return "raw" in act


def check(policy: PolicyCode, act: object) -> None:
    """Raise NotPermitted for what is no act, or one that the policy's rules refuse whatever the chain's state is."""
    if not isinstance(act, dict) or len(text := _text(act)) > MOST_TEXT or "\\u0000" in text or "\\ud" in text:
        raise NotPermitted(say("form_unreadable", problem="$"))
    calls_of(policy, act, None)


def _text(act: Act) -> str:
    try:
        return json.dumps(act)
    except (TypeError, ValueError, RecursionError):
        return "\\u0000"


def calls_of(policy: PolicyCode, act: Act, quoted: Sequence[Quote] | None) -> tuple[Call, ...]:
    """The calls of an act, with its minima from these quotes; None: only to see that it is one, with the least minima
    that the policy permits. Raises NotPermitted."""
    try:
        if is_raw(act):
            return _raw(act)
        if set(act) != {"calls", "functions"}:
            raise NotPermitted(say("form_unreadable", problem="$"))
        functions, written = functions_of(act), {"calls": copy.deepcopy(act["calls"])}
        numbers = _numbers(policy, functions, written)
        opened = list(quotes.wanted(policy, functions, numbers, written))
        if quoted is not None and len(quoted) != len(opened):
            raise NotPermitted(say("form_unreadable", problem="quotes"))
        for place, want in enumerate(opened):
            if quoted is None:
                least = _least(policy, numbers[want.call], functions, want.argument)
            else:
                least = _minimum(want, quoted[place])
            written["calls"][want.call]["arguments"][want.argument] = least
        return tuple(read_act(policy, functions, written))
    except quotes.NoQuote as error:
        raise NotPermitted(error.sentence) from None
    except NotAnAct as error:
        raise NotPermitted(say("form_not_permitted", path=error.path, problem=error.problem)) from None
    except RecursionError:
        raise NotPermitted(say("form_unreadable", problem="$")) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, NotPermitted):
            raise
        raise NotPermitted(say("form_unreadable", problem=shown(str(error)))) from None


def _raw(act: Act) -> tuple[Call, ...]:
    if set(act) - {"functions"} != {"raw"} or not isinstance(act["raw"], list):
        raise NotPermitted(say("form_unreadable", problem="$"))
    if not 1 <= len(act["raw"]) <= MOST_CALLS:
        raise NotPermitted(say("form_calls", most=MOST_CALLS))
    functions_of(act)
    return calls_from_json(act["raw"])


def _numbers(policy: PolicyCode, functions: Mapping[bytes, Function], act: Any) -> list[int]:
    """Which rule each call names; one that names none is for `read_act` to refuse."""
    labels = {rule_label(number, rule, functions): number for number, rule in enumerate(policy.rules)}
    named = [call.get("rule") for call in act["calls"]]
    for place, label in enumerate(named):
        if label not in labels:
            raise NotAnAct(f"$.calls[{place}].rule", "one of the policy's rules is needed")
    return [labels[label] for label in named]


def _least(policy: PolicyCode, number: int, functions: Mapping[bytes, Function], argument: str) -> str:
    rule = policy.rules[number]
    slot = next(one for one in slots(policy, rule, functions.get(rule.selector)) if one.name == argument)
    return str(slot.fields[0].values.intervals[0][0])


def _minimum(want: quotes.Wanted, quote: Quote) -> str:
    expected = int(quote["expected"])
    if (quote["call"], quote["argument"]) != (str(want.call), want.argument) or str(expected) != quote["expected"]:
        raise NotPermitted(say("form_unreadable", problem="quotes"))
    if str(want.minimum(expected)) != quote["minimum"]:
        raise NotPermitted(say("form_unreadable", problem="quotes"))
    return quote["minimum"]


def wanted(policy: PolicyCode, act: Act) -> list[quotes.Wanted]:
    """The minima of an act that come from quotes. Raises NotPermitted, quotes.NoQuote."""
    check(policy, act)
    if is_raw(act):
        return []
    functions = functions_of(act)
    return list(quotes.wanted(policy, functions, _numbers(policy, functions, act), act))


def quote(policy: PolicyCode, act: Act, rpc: Rpc, block: BlockId, number: int) -> list[dict[str, str]]:
    """Read the prices that an act's minima come from, all at one block. Raises NotPermitted, quotes.NoQuote, and
    RpcError: ask again."""
    return [quotes.read(rpc, want, block, number) for want in wanted(policy, act)]


def price_moved(
    policy: PolicyCode, act: Act, quoted: Sequence[Quote], rpc: Rpc, block: BlockId, number: int
) -> Sentence | None:
    """Why the minima from these quotes let more through at this block than was asked for; None where they don't. Raises
    RpcError: ask again."""
    if not quoted:
        return None
    try:
        for want, before in zip(wanted(policy, act), quoted, strict=True):
            now = quotes.read(rpc, want, block, number)
            if want.is_too_little(int(before["minimum"]), int(now["expected"])):
                least, old = now["minimum"], before["minimum"]
                return say("price_moved", token=checksum(want.token_out), least=least, before=old, block=str(number))
    except (NotPermitted, quotes.NoQuote) as error:
        return error.sentence
    return None


def is_still_asked(
    policy: PolicyCode, act: Act, quoted: Sequence[Quote], calls: Sequence[Call], requested_by: bytes
) -> bool:
    """Whether these calls are what the act means under a policy, and who asked may ask for it: a policy that replaced
    another may number or bound its rules in another way."""
    try:
        same = calls_of(policy, act, quoted) == tuple(calls)
    except NotPermitted:
        return False
    return same and (not is_raw(act) or requested_by == policy.operator)


# ------------------------------------------------------------------------------------------------------------ in words


def payments_of(calls: Sequence[Call]) -> Iterator[Payment]:
    """Those of the calls that are plain payments, and nothing else."""
    for call in calls:
        payment = plain_payment(call.to, call.value_wei, call.data)
        if payment is not None and payment_call(payment.recipient, payment.asset, payment.amount) == call:
            yield payment


def label(act: Act, calls: Sequence[Call]) -> Sentence:
    """A candidate's label: what is called where."""
    functions = functions_of(act)
    what = []
    for call in calls:
        function = functions.get(call.data[:4])
        name = function.name if function else hex_text(call.data[:4])
        what.append(say("act_ether", to=checksum(call.to)) if not call.data else
                    say("act_call", name=name, to=checksum(call.to)))  # fmt: skip
    return say("act_label", what=what)


def described(act: Act, calls: Sequence[Call]) -> str:
    """Every call with all of its arguments, in one line of ASCII for the operator's wallet, whatever they hold: none is
    cut, for what stands behind a cut nobody sees. What is signed is the calls' hash."""
    functions = functions_of(act)
    return "; ".join(_described(functions.get(call.data[:4]), call) for call in calls)


def _described(function: Function | None, call: Call) -> str:
    text = hex_text(call.data)
    if function is not None:
        try:
            values = abi.decode([argument.type for argument in function.arguments], call.data[4:])
            written = zip(function.arguments, values, strict=True)
            text = f"{function.name}({', '.join(f'{a.name} {_plain(a.type, v)}' for a, v in written)})"
        except (abi.NotCanonical, abi.BadAbi, ValueError):
            pass
    sent = f", sending {call.value_wei} wei" if call.value_wei else ""
    return f"{text} on {checksum(call.to)}{sent}"


def _plain(type_: str, value: Any) -> str:
    of = abi.parse_type(type_)
    shown_value = abi.json_value(of, value)
    # A text in quotes and escaped: it can look neither like what stands beside it, nor turn it round.
    return shown_value if isinstance(shown_value, str) and of.kind != "string" else json.dumps(shown_value)
