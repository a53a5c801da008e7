# SPDX-License-Identifier: Apache-2.0
"""What a draft's form holds: a text and actions of a few kinds. Each becomes calls, or a line that says why not.

The form carries everything with it, and nothing of it is cut: what is too long is a problem. What is kept under a link
is kept as it was written (`saved`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext, gettext_lazy

from governance.chain.address import BadAddress, to_bytes
from governance.chain.call import ProposedCall
from governance.models import Contract
from governance.numbers import grouped
from policies.code import encoding
from policies.code.document_model import PolicyDocument
from policies.document.document import load
from policies.document.references import references
from policies.notation.amounts import Token, Unclear, parse_supply_amount
from policies.notation.hexadecimal import hex_bytes
from policies.notation.problems import PolicyError
from policies.notation.visible import one_line
from presentation.assets import Asset
from presentation.dao_view import DaoView
from webapp import languages
from webapp.drafts import endings, treasuries, values
from webapp.drafts.arguments import BadArgument, calldata
from webapp.drafts.modules import Modules
from webapp.drafts.policy_tests import Tested, tested
from webapp.drafts.treasuries import Pays

_UNPAUSE = "unpause()"
MOST_ACTIONS = 20
MOST_TEXT = 100_000  # characters of the text, and of all policies together
_MOST_LONG = 100_000  # of calldata and arguments: the code of the largest contract (EIP-3860) is 98,304 digits
_MOST_FIELD = 20_000  # of any other field
_STAND_IN = "StandIn"  # for a symbol that amounts can't be written with, such as USD₮0

# Kind -> its name, and the fields that its part of the form has.
KINDS: Mapping[str, tuple[object, tuple[str, ...]]] = {
    "transfer": (gettext_lazy("Payment from the treasury"), ("asset", "to", "amount")),
    "policy": (gettext_lazy("Policy for the agent"), ("module", "yaml", "tests")),
    "call": (gettext_lazy("Call of a function"), ("target", "function", "arguments", "value")),
    "raw": (gettext_lazy("Call given as calldata"), ("target", "calldata", "value")),
    "unpause": (gettext_lazy("Lift the agent's pause"), ("module",)),
    "end": (gettext_lazy("End a policy earlier"), ("policy", "until")),
}

# Field -> what a problem calls it, and the most characters that it may have.
_FIELDS: Mapping[str, tuple[object, int]] = {
    "asset": (gettext_lazy("What is paid"), _MOST_FIELD),
    "to": (gettext_lazy("The receiver's address"), _MOST_FIELD),
    "amount": (gettext_lazy("The amount"), _MOST_FIELD),
    "module": (gettext_lazy("The policy module"), _MOST_FIELD),
    "yaml": (gettext_lazy("The policy"), MOST_TEXT),
    "tests": (gettext_lazy("The policy's tests"), _MOST_FIELD),
    "policy": (gettext_lazy("The policy that ends"), _MOST_FIELD),
    "until": (gettext_lazy("The time"), _MOST_FIELD),
    "target": (gettext_lazy("The contract's address"), _MOST_FIELD),
    "function": (gettext_lazy("The function"), _MOST_FIELD),
    "arguments": (gettext_lazy("The arguments"), _MOST_LONG),
    "calldata": (gettext_lazy("The calldata"), _MOST_LONG),
    "value": (gettext_lazy("The value"), _MOST_FIELD),
}


@dataclass
class Action:
    """One action as it was written, and what became of it."""

    kind: str
    fields: dict[str, str]
    problems: list[str] = field(default_factory=list)
    calls: list[ProposedCall] = field(default_factory=list)
    policy: PolicyDocument | None = None
    tested: Tested | None = None  # what became of the tests that were written beside the policy
    module: Contract | None = None  # that the call goes to, of a policy, of its end and of a pause that is lifted

    @property
    def name(self) -> str:
        return str(KINDS[self.kind][0])


@dataclass
class Draft:
    """A draft: the text as it will stand in the proposal, and its actions in order."""

    text: str
    actions: list[Action]
    problems: list[str] = field(default_factory=list)

    @property
    def calls(self) -> list[ProposedCall]:
        return [call for action in self.actions for call in action.calls]

    @property
    def is_whole(self) -> bool:
        """Whether everything that was written became calls."""
        return not self.problems and not any(action.problems for action in self.actions)


def read(form: Mapping[str, str]) -> Draft:
    """Read a form as it was sent, whole. Whatever is no action of a known kind is left out."""
    actions, numbers = [], []
    for number in range(MOST_ACTIONS):
        kind = form.get(f"kind-{number}", "")
        if kind in KINDS:
            fields = {name: _plain_lines(form.get(f"{name}-{number}", "")) for name in KINDS[kind][1]}
            actions.append(Action(kind, fields))
            numbers.append(number)
    rooms = values.with_room([action.fields.get("yaml", "") for action in actions])
    for action, number, has_room in zip(actions, numbers, rooms, strict=True):
        yaml = action.fields.get("yaml", "")
        if has_room and action.kind == "policy":
            unclear = values.unclear(form, number, yaml)
            action.problems += unclear.values()
            clear = {name: text for name, text in form.items() if name not in unclear}
            action.fields["yaml"] = values.taken(clear, number, yaml)
        elif not has_room and values.is_marked(form, number, yaml):
            action.problems.append(
                gettext(
                    "What you wrote into the fields is not in the policy: the policies have more than %(most)s "
                    "characters together. Write it into the YAML."
                )
                % {"most": grouped(values.MOST_CHARACTERS)}
            )
    return Draft(_plain_lines(form.get("text", "")).strip(), actions)


def _plain_lines(text: str) -> str:
    return text.replace("\r\n", "\n")  # as browsers send each line's end


def compose(place: DaoView, draft: Draft, pays: Pays, modules: Modules) -> None:
    """Make the calls of a draft, and note what is wrong with it."""
    if not draft.text:
        draft.problems.append(gettext("Write the text: its first line names the proposal."))
    if len(draft.text) > MOST_TEXT:
        draft.problems.append(gettext("The text has more than %(most)s characters.") % {"most": grouped(MOST_TEXT)})
    if not draft.actions:
        draft.problems.append(gettext("Add an action: a governor takes no proposal without a call."))
    for action in draft.actions:
        action.problems += _too_long(action)
    # What is read takes time: so much for each of twenty policies would be too much for one look.
    policies = [len(action.fields.get("yaml", "")) for action in draft.actions]
    has_room = sum(policies) <= MOST_TEXT
    if not has_room and max(policies) <= MOST_TEXT:
        draft.problems.append(
            gettext("The policies have more than %(most)s characters together.") % {"most": grouped(MOST_TEXT)}
        )
    given = _Given(place, pays, modules)
    for action in draft.actions:
        if not action.problems and (has_room or action.kind != "policy"):
            _make(given, action)


def make_policy(place: DaoView, modules: Modules, action: Action) -> None:
    """Make the call of one action that sets a policy, or note what is wrong with it, whatever else the draft has."""
    action.problems += _too_long(action)
    if not action.problems:
        _make(_Given(place, None, modules), action)


def _too_long(action: Action) -> list[str]:
    text, found = gettext("%(field)s has more than %(most)s characters."), []
    for name, written in action.fields.items():
        called, most = _FIELDS[name]
        if len(written) > most:
            found.append(text % {"field": called, "most": grouped(most)})
    return found


@dataclass(frozen=True)
class _Given:
    """What actions become calls with."""

    place: DaoView
    pays: Pays | None  # None where no payment is made
    modules: Modules


def _make(given: _Given, action: Action) -> None:
    try:
        action.calls = _MAKE[action.kind](given, action)
    except (BadArgument, BadAddress, Unclear) as error:
        action.problems.append(one_line(str(error), 300))
    except PolicyError as error:
        action.problems += [one_line(str(problem), 400) for problem in error.problems]


def tokens_by_symbol(assets: Sequence[Asset]) -> dict[str, Asset]:
    """The assets that a payment can name: of several with one symbol none, as the symbol does not say which."""
    return {asset.symbol: asset for asset in assets if asset.known and not asset.shared}


def _transfer(given: _Given, action: Action) -> list[ProposedCall]:
    assets = tokens_by_symbol(list(given.place.assets.values()))
    asset = assets.get(action.fields["asset"])
    if asset is None:
        raise BadArgument(gettext("choose what is paid"))
    units = _amount(action.fields["amount"], asset)
    if not units:
        raise BadArgument(gettext("the amount is 0"))
    to = to_bytes(action.fields["to"].strip())
    if to == asset.address:
        raise BadArgument(gettext("the receiver is the token's own contract: nobody gets what is sent there"))
    if not any(to):
        raise BadArgument(gettext("the receiver is the zero address: nobody gets what is sent there"))
    assert given.pays is not None
    return [treasuries.payment(given.pays, asset.address, to, units)]


def _amount(written: str, asset: Asset) -> int:
    """Return an amount in base units of the asset that the form names beside it. Raises BadArgument."""
    if unclear := languages.unclear_amount(written):
        raise BadArgument(unclear)
    token = Token(_STAND_IN, asset.address, asset.decimals)
    try:
        return parse_supply_amount(f"{written.strip()} {_STAND_IN}", {_STAND_IN: token})[0]
    except Unclear as error:
        raise BadArgument(str(error).replace(_STAND_IN, asset.symbol)) from error


def _call(given: _Given, action: Action) -> list[ProposedCall]:
    data = calldata(action.fields["function"], action.fields["arguments"])
    return [ProposedCall(to_bytes(action.fields["target"].strip()), _value(given, action), b"", data)]


def _raw(given: _Given, action: Action) -> list[ProposedCall]:
    text = "".join(action.fields["calldata"].split())
    try:
        data = hex_bytes(text)
    except ValueError as error:
        raise BadArgument(gettext("calldata is 0x and pairs of hexadecimal digits")) from error
    return [ProposedCall(to_bytes(action.fields["target"].strip()), _value(given, action), b"", data)]


def _value(given: _Given, action: Action) -> int:
    """The native currency that goes along, in wei."""
    text = action.fields["value"]
    return _amount(text, given.place.native) if text.strip() else 0


def _unpause(given: _Given, action: Action) -> list[ProposedCall]:
    action.module = given.modules.chosen(action.kind, action.fields["module"])
    return [ProposedCall(bytes(action.module.address), 0, b"", calldata(_UNPAUSE, ""))]


def _end(given: _Given, action: Action) -> list[ProposedCall]:
    action.module, call = endings.end(given.place, action.fields["policy"], action.fields["until"])
    return [call]


def _policy(given: _Given, action: Action) -> list[ProposedCall]:
    text = action.fields["yaml"]
    wanted = references(text)
    if wanted.files or wanted.abis or wanted.ens:
        raise BadArgument(
            gettext(
                "this page reads no files and asks for no ENS names: write lists, functions and addresses into the "
                "document, or compile it with `python -m policies compile` and use its calldata"
            )
        )
    document = load(text)
    action.policy, action.module = document, given.modules.chosen(action.kind, action.fields["module"])
    if action.fields["tests"].strip():
        action.tested = tested(text, action.fields["tests"])
    data = encoding.set_policy_calldata(encoding.policy_id(document.name), encoding.encode(document))
    return [ProposedCall(bytes(action.module.address), 0, b"", data)]


_MAKE = {"transfer": _transfer, "policy": _policy, "call": _call, "raw": _raw, "unpause": _unpause, "end": _end}
