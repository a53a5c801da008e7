# SPDX-License-Identifier: Apache-2.0
"""Zodiac Roles: what members of a role may do in a Safe's name. A change is told as what may be done from now on."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.families.protocols.meaning import Case, Handler, Meaning, in_ascii, selector
from agent.understanding.effects.wording import TABLE
from agent.understanding.functions import Input, candidates
from governance.chain import abi
from governance.chain.address import checksum
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line

_ROLE = {"roleKey": "ascii", "key": "ascii", "selector": "selector", "functionSig": "selector"}

ROWS = [
    Meaning(
        "assignRoles(address module,bytes32[] roleKeys,bool[] memberOf)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {module} a member of the role {roleKeys} in {target}."),
        recipient="module",
        subject="{roleKeys}",
        new_value="memberOf",
        each=("roleKeys", "memberOf"),
        forms={"roleKeys": "ascii"},
        cases=(Case("memberOf", False, gettext_noop("Takes the role {roleKeys} in {target} from {module}.")),),
    ),
    Meaning(
        "assignRoles(address module,uint16[] _roles,bool[] memberOf)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {module} a member of the role {_roles} in {target}."),
        recipient="module",
        subject="{_roles}",
        new_value="memberOf",
        each=("_roles", "memberOf"),
        cases=(Case("memberOf", False, gettext_noop("Takes the role {_roles} in {target} from {module}.")),),
    ),
    Meaning(
        "setDefaultRole(address module,bytes32 roleKey)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {module} act in {target} under the role {roleKey} where it names none."),
        recipient="module",
        subject="{roleKey}",
        forms=_ROLE,
    ),
    Meaning(
        "setDefaultRole(address module,uint16 role)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {module} act in {target} under the role {role} where it names none."),
        recipient="module",
        subject="{role}",
    ),
    Meaning(
        "scopeTarget(bytes32 roleKey,address targetAddress)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Lets members of the role {roleKey} in {target} call {targetAddress}, and there only the functions that "
            "are "
            "allowed one by one."
        ),
        subject="{roleKey}",
        new_value="targetAddress",
        forms=_ROLE,
    ),
    Meaning(
        "scopeTarget(uint16 role,address targetAddress)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Lets members of the role {role} in {target} call {targetAddress}, and there only the functions that are "
            "allowed one by one."
        ),
        subject="{role}",
        new_value="targetAddress",
    ),
    Meaning(
        "revokeTarget(bytes32 roleKey,address targetAddress)",
        Kind.ROLE_CHANGE,
        gettext_noop("Forbids members of the role {roleKey} in {target} to call {targetAddress}."),
        subject="{roleKey}",
        new_value="targetAddress",
        forms=_ROLE,
    ),
    Meaning(
        "revokeTarget(uint16 role,address targetAddress)",
        Kind.ROLE_CHANGE,
        gettext_noop("Forbids members of the role {role} in {target} to call {targetAddress}."),
        subject="{role}",
        new_value="targetAddress",
    ),
    Meaning(
        "revokeFunction(bytes32 roleKey,address targetAddress,bytes4 selector)",
        Kind.ROLE_CHANGE,
        gettext_noop("Forbids members of the role {roleKey} in {target} to call {selector} on {targetAddress}."),
        subject="{roleKey}",
        new_value="targetAddress",
        forms=_ROLE,
    ),
    Meaning(
        "scopeRevokeFunction(uint16 role,address targetAddress,bytes4 functionSig)",
        Kind.ROLE_CHANGE,
        gettext_noop("Forbids members of the role {role} in {target} to call {functionSig} on {targetAddress}."),
        subject="{role}",
        new_value="targetAddress",
        forms=_ROLE,
    ),
    Meaning(
        "setAllowance(bytes32 key,uint128 balance,uint128 maxRefill,uint128 refill,uint64 period,uint64 timestamp)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Sets the allowance {key} in {target} to {balance} now and {refill} more (base units or calls) every "
            "{period}, "
            "up to {maxRefill}."
        ),
        subject="{key}",
        new_value="balance",
        forms={**_ROLE, "period": "seconds"},
        cases=(
            Case(
                "period",
                0,
                gettext_noop(
                    "Sets the allowance {key} in {target} to {balance} (base units or calls), without a refill."
                ),
            ),
        ),
    ),
    Meaning(
        "setTransactionUnwrapper(address to,bytes4 selector,address adapter)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Makes {adapter} tell {target} which calls {selector} on {to} contains, so that roles are checked for each."
        ),
        recipient="adapter",
        subject="transaction unwrapper",
        new_value="to",
        forms=_ROLE,
    ),
    Meaning(
        "setMultisend(address _multisend)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {_multisend} the multisend contract that members of roles may use in {target}."),
        recipient="_multisend",
        subject="multisend",
    ),
    Meaning(
        "setAvatar(address _avatar)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {_avatar} the account on whose behalf {target} acts."),
        recipient="_avatar",
        subject="avatar",
    ),
    Meaning(
        "setTarget(address _target)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Makes {_target} the target of {target} (of a Zodiac module: the contract to which it passes its calls)."
        ),
        recipient="_target",
        subject="target",
    ),
    Meaning(
        "setTxCooldown(uint256 cooldown)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes calls in the queue of {target} wait for {cooldown}."),
        subject="cooldown",
        new_value="cooldown",
        forms={"cooldown": "seconds"},
    ),
    Meaning(
        "setTxExpiration(uint256 expiration)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Lets calls in the queue of {target} expire {expiration} after they wait no more."),
        subject="expiration",
        new_value="expiration",
        forms={"expiration": "seconds"},
        cases=(Case("expiration", 0, gettext_noop("Lets calls in the queue of {target} never expire.")),),
    ),
    Meaning(
        "setTxNonce(uint256 _nonce)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Cancels every call in the queue of {target} before number {_nonce}."),
        subject="queue",
        new_value="_nonce",
    ),
]

SENTENCES = {
    "role_all_functions": gettext_noop(
        "Lets members of the role {role} in {safe} call every function of {on}. {options}"
    ),
    "role_function": gettext_noop("Lets members of the role {role} in {safe} call {function} on {on}. {options}"),
    "role_function_if": gettext_noop(
        "Lets members of the role {role} in {safe} call {function} on {on}, under conditions on the arguments: "
        "{conditions}. {options}"
    ),
    "role_options": gettext_noop(
        "Changes how members of the role {role} in {safe} may call {function} on {on}. {options}"
    ),
    "role_parameter": gettext_noop(
        "Changes what members of the role {role} in {safe} may give to {function} on {on}: {conditions}."
    ),
    "options_none": gettext_noop("Without sending {coin}, and without delegatecall."),
    "options_send": gettext_noop("They may send {coin} along."),
    "options_delegate": gettext_noop(
        "They may run that code by delegatecall, as if it were the Safe's own: it may then do anything with the Safe."
    ),
    "options_both": gettext_noop(
        "They may send {coin} along and run that code by delegatecall, as if it were the Safe's own: it may then do "
        "anything "
        "with the Safe."
    ),
    "options_unknown": gettext_noop("With options {options}, which do not exist: it would fail."),
    "condition_any": gettext_noop("{argument} may be anything"),
    "condition_equal": gettext_noop("{argument} must be {value}"),
    "condition_avatar": gettext_noop("{argument} must be the Safe itself"),
    "condition_greater": gettext_noop("{argument} must be more than {value}"),
    "condition_less": gettext_noop("{argument} must be less than {value}"),
    "condition_bitmask": gettext_noop("{argument} must fit the bit mask {value}"),
    "condition_custom": gettext_noop("{argument} is checked by the contract {value}"),
    "condition_allowance": gettext_noop("{argument} counts against the allowance {value}"),
    "condition_ether_allowance": gettext_noop("the native currency sent counts against the allowance {value}"),
    "condition_call_allowance": gettext_noop("each call counts against the allowance {value}"),
    "condition_and": gettext_noop("all of ({parts})"),
    "condition_or": gettext_noop("one of ({parts})"),
    "condition_nor": gettext_noop("none of ({parts})"),
    "condition_matches": gettext_noop("{argument} with ({parts})"),
    "condition_some": gettext_noop("some part of {argument} with ({parts})"),
    "condition_every": gettext_noop("every part of {argument} with ({parts})"),
    "condition_subset": gettext_noop("the parts of {argument} each fit another of ({parts})"),
    "condition_odd": gettext_noop("a condition that can't be read ({operator})"),
    "conditions_odd": gettext_noop("they can't be read"),
    "role_argument": gettext_noop("argument {place}"),
    "role_argument_named": gettext_noop("argument {place} ({name})"),
    "the_call": gettext_noop("the call"),
    "part_of": gettext_noop("part {place} of {argument}"),
    "each_part": gettext_noop("a part of {argument}"),
}
say = TABLE.add(SENTENCES | {code: text for row in ROWS for code, text in row.sentences.items()})

_OPTIONS = ("options_none", "options_send", "options_delegate", "options_both")
_MOST_CONDITIONS = 200  # more than that nobody reads
_MOST_DEEP = 12
_MOST_BYTES = 100  # characters of a value

# Operators of Zodiac Roles 2 (a byte each); the ones with a value, and the ones with parts.
_VALUED = {
    16: "condition_equal",
    17: "condition_greater",
    18: "condition_less",
    19: "condition_greater",
    20: "condition_less",
    21: "condition_bitmask",
    22: "condition_custom",
    28: "condition_allowance",
    29: "condition_ether_allowance",
    30: "condition_call_allowance",
}
_LOGICAL = {1: "condition_and", 2: "condition_or", 3: "condition_nor"}
_OF_PARTS = {5: "condition_matches", 6: "condition_some", 7: "condition_every", 8: "condition_subset"}
_ALLOWANCES = (28, 29, 30)
_PASS, _AVATAR, _CUSTOM, _MATCHES = 0, 15, 22, 5


def _options(options: int, book: Book) -> Sentence:
    if options >= len(_OPTIONS):
        return say("options_unknown", options=f"{options}")
    return say(_OPTIONS[options], coin=book.ether)


def _role(value: bytes | int) -> str:
    return f"{value}" if isinstance(value, int) else in_ascii(value)


def _may(act: Act, book: Book, signature: str, code: str, role: Any, on: bytes, options: int, **values: Any) -> Effect:
    """A permission that a role gets. With delegatecall the role may do anything with the Safe."""
    others = values.pop("others", ())
    sentence = say(
        code,
        role=_role(role),
        safe=book.party(act.target),
        on=book.party(on),
        options=_options(options, book),
        **values,
    )
    return make(act, Kind.ROLE_CHANGE, sentence, signature, subject=_role(role), new_value=checksum(on), others=others)


def _allow_target(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, options = a
    return _may(act, book, function, "role_all_functions", role, on, options)


def _allow_function(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, called, options = a
    return _may(act, book, function, "role_function", role, on, options, function=selector(called))


def _change_options(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, called, options = a
    return _may(act, book, function, "role_options", role, on, options, function=selector(called))


def _scope_function(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, called, conditions, options = a
    reading = _Conditions(conditions, _inputs(called), book)
    return _may(
        act, book, function, "role_function_if", role, on, options, function=selector(called),
        conditions=reading.said(), others=tuple(reading.addresses),
    )  # fmt: skip


def _scope_function_1(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    """Roles 1: parallel lists, one place for each argument; compared as equal, more or less."""
    role, on, called, scoped, kinds, comparisons, values, options = a
    inputs = _inputs(called)
    said: list[Sentence] = []
    addresses: dict[bytes, None] = {}
    if not len(scoped) == len(kinds) == len(comparisons) == len(values):
        said.append(say("conditions_odd"))
    else:
        for place, (is_scoped, comparison, value) in enumerate(zip(scoped, comparisons, values, strict=True)):
            if is_scoped:
                said.append(_compared(place, comparison, [value], inputs, book, addresses))
    return _may(
        act, book, function, "role_function_if" if said else "role_function", role, on, options,
        function=selector(called), others=tuple(addresses), **({"conditions": said} if said else {}),
    )  # fmt: skip


def _scope_parameter(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, called, place, _kind, comparison, value = a
    return _one_parameter(act, book, function, role, on, called, place, comparison, [value])


def _scope_parameter_one_of(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, called, place, _kind, values = a
    return _one_parameter(act, book, function, role, on, called, place, _ONE_OF, list(values))


_EQUAL, _MORE, _LESS, _ONE_OF = 0, 1, 2, 3  # comparisons of Roles 1


def _one_parameter(
    act: Act, book: Book, function: str, role: int, on: bytes, called: bytes, place: int, comparison: int,
    values: list[bytes],
) -> Effect:  # fmt: skip
    addresses: dict[bytes, None] = {}
    said = _compared(place, comparison, values, _inputs(called), book, addresses)
    sentence = say(
        "role_parameter", role=_role(role), safe=book.party(act.target), function=selector(called),
        on=book.party(on), conditions=said,
    )  # fmt: skip
    return make(
        act, Kind.ROLE_CHANGE, sentence, function, subject=_role(role), new_value=checksum(on), others=tuple(addresses)
    )


def _free_parameter(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    role, on, called, place = a
    anything = say("condition_any", argument=_argument(_inputs(called), place))
    sentence = say(
        "role_parameter", role=_role(role), safe=book.party(act.target), function=selector(called),
        on=book.party(on), conditions=anything,
    )  # fmt: skip
    return make(act, Kind.ROLE_CHANGE, sentence, function, subject=_role(role), new_value=checksum(on))


def _compared(
    place: int, comparison: int, values: Sequence[bytes], inputs: tuple[Input, ...], book: Book,
    addresses: dict[bytes, None],
) -> Sentence:  # fmt: skip
    argument = _argument(inputs, place)
    of = inputs[place].type if place < len(inputs) else ""
    code = {_MORE: "condition_greater", _LESS: "condition_less"}.get(comparison, "condition_equal")
    shown = [say(code, argument=argument, value=_value(value, of, book, addresses)) for value in values]
    if comparison > _ONE_OF:
        return say("condition_odd", operator=f"{comparison}")
    return shown[0] if len(shown) == 1 else say("condition_or", parts=shown)


def _inputs(called: bytes) -> tuple[Input, ...]:
    known = candidates(called)
    return known[0].inputs if len(known) == 1 else ()


def _argument(inputs: tuple[Input, ...], place: int) -> Sentence:
    if place < len(inputs) and inputs[place].name:
        return say("role_argument_named", place=f"{place + 1}", name=inputs[place].name)
    return say("role_argument", place=f"{place + 1}")


def _value(raw: bytes, of: str, book: Book, addresses: dict[bytes, None]) -> Any:
    """A value of a condition: an address or a number where the table says that the argument is one; else its bytes."""
    if of:
        kind = abi.parse_type(of)
        try:
            (value,) = abi.decode([of], raw)
        except abi.NotCanonical:
            return one_line(hex_text(raw), _MOST_BYTES)
        if kind.kind == "address":
            addresses[value] = None
            return book.party(value)
        if kind.kind in ("uint", "int"):
            return f"{value:,}"
        if kind.kind == "bool":
            return say("yes" if value else "no")
    return one_line(hex_text(raw), _MOST_BYTES)


class _Conditions:
    """Reads the flat tree of conditions of Roles 2: each names its parent's place; parents come before children."""

    def __init__(self, conditions: Sequence[tuple[int, int, int, bytes]], inputs: tuple[Input, ...], book: Book):
        self.conditions, self.inputs, self.book = conditions, inputs, book
        self.addresses: dict[bytes, None] = {}
        self.children: dict[int, list[int]] = {}
        for place, (parent, *_rest) in enumerate(conditions):
            if place:
                self.children.setdefault(parent, []).append(place)

    def said(self) -> Sentence:
        """The conditions in words."""
        sound = 0 < len(self.conditions) <= _MOST_CONDITIONS and all(
            condition[0] < place for place, condition in enumerate(self.conditions) if place
        )
        if not sound or self.conditions[0][0] != 0:
            return say("conditions_odd")
        said = self._said(0, say("the_call"), self.inputs, 0)
        return say("condition_any", argument=say("the_call")) if said is None else said

    def _said(
        self, place: int, argument: Sentence, inputs: tuple[Input, ...], depth: int, of: str = ""
    ) -> Sentence | None:
        """One condition; None where it lets everything pass."""
        _parent, _kind, operator, value = self.conditions[place]
        children = self.children.get(place, [])
        if depth > _MOST_DEEP:
            return say("conditions_odd")
        if operator == _PASS:
            return None
        if operator == _AVATAR:
            return say("condition_avatar", argument=argument)
        if operator in _LOGICAL:
            parts = [self._said(child, argument, inputs, depth + 1, of) for child in children]
            if operator == 2 and None in parts:  # one of them lets everything pass
                return None
            anything = say("condition_any", argument=argument)
            shown = [anything if part is None else part for part in parts]
            return say(_LOGICAL[operator], parts=shown) if shown else say("condition_odd", operator=f"{operator}")
        if operator in _OF_PARTS:
            return self._parts(operator, children, argument, inputs, depth)
        if operator in _VALUED:
            shown = in_ascii(value) if operator in _ALLOWANCES else self._compared(operator, value, of)
            return say(_VALUED[operator], argument=argument, value=shown)
        return say("condition_odd", operator=f"{operator}")

    def _compared(self, operator: int, value: bytes, of: str) -> Any:
        if operator == _CUSTOM:
            self.addresses[value[:20]] = None
            return self.book.party(value[:20]) if len(value) >= 20 else hex_text(value)
        return _value(value, of, self.book, self.addresses)

    def _parts(
        self, operator: int, children: list[int], argument: Sentence, inputs: tuple[Input, ...], depth: int
    ) -> Sentence | None:
        is_call = self.conditions and argument.code == "the_call"
        parts = []
        for number, child in enumerate(children):
            if operator != _MATCHES:
                named, inner, of = say("each_part", argument=argument), (), ""
            elif is_call:
                known = number < len(inputs)
                named = _argument(inputs, number)
                inner, of = (inputs[number].parts, inputs[number].type) if known else ((), "")
            else:
                known = number < len(inputs)
                named = say("part_of", place=f"{number + 1}", argument=argument)
                inner, of = (inputs[number].parts, inputs[number].type) if known else ((), "")
            said = self._said(child, named, inner, depth + 1, of)
            if said is not None:
                parts.append(said)
        if operator == _MATCHES:
            if not parts:
                return None
            return say("condition_and", parts=parts) if len(parts) > 1 else parts[0]
        return say(_OF_PARTS[operator], argument=argument, parts=parts or [say("condition_any", argument=argument)])


MEANINGS: dict[str, Any] = {
    **{row.signature: Handler(row) for row in ROWS},
    "allowTarget(bytes32,address,uint8)": _allow_target,
    "allowTarget(uint16,address,uint8)": _allow_target,
    "allowFunction(bytes32,address,bytes4,uint8)": _allow_function,
    "scopeAllowFunction(uint16,address,bytes4,uint8)": _allow_function,
    "scopeFunctionExecutionOptions(uint16,address,bytes4,uint8)": _change_options,
    "scopeFunction(bytes32,address,bytes4,(uint8,uint8,uint8,bytes)[],uint8)": _scope_function,
    "scopeFunction(uint16,address,bytes4,bool[],uint8[],uint8[],bytes[],uint8)": _scope_function_1,
    "scopeParameter(uint16,address,bytes4,uint256,uint8,uint8,bytes)": _scope_parameter,
    "scopeParameterAsOneOf(uint16,address,bytes4,uint256,uint8,bytes[])": _scope_parameter_one_of,
    "unscopeParameter(uint16,address,bytes4,uint8)": _free_parameter,
}
