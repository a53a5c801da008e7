# SPDX-License-Identifier: Apache-2.0
"""What a draft's form holds: a text and actions of a few kinds. Each becomes calls, or a line that says why not.

Nothing is kept: the form carries everything with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext, gettext_lazy

from governance.chain.address import BadAddress, to_bytes
from governance.chain.call import ProposedCall
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
from webapp.drafts import treasuries
from webapp.drafts.arguments import BadArgument, calldata
from webapp.drafts.treasuries import Pays

_UNPAUSE = "unpause()"
MOST_ACTIONS = 20
MOST_TEXT = 100_000  # characters of the text, and of a policy
_MOST_FIELD = 20_000  # of any other field

# Kind -> its name, and the fields that its part of the form has.
KINDS: Mapping[str, tuple[object, tuple[str, ...]]] = {
    "transfer": (gettext_lazy("Payment from the treasury"), ("asset", "to", "amount")),
    "policy": (gettext_lazy("Policy for the agent"), ("yaml",)),
    "call": (gettext_lazy("Call of a function"), ("target", "function", "arguments", "value")),
    "raw": (gettext_lazy("Call given as calldata"), ("target", "calldata", "value")),
    "unpause": (gettext_lazy("Lift the agent's pause"), ()),
}


@dataclass
class Action:
    """One action as it was written, and what became of it."""

    kind: str
    fields: dict[str, str]
    problems: list[str] = field(default_factory=list)
    calls: list[ProposedCall] = field(default_factory=list)
    policy: PolicyDocument | None = None

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
    """Read a form as it was sent. Whatever is no action of a known kind is left out."""
    text = form.get("text", "")[: MOST_TEXT + 1].replace("\r\n", "\n").strip()
    actions = []
    for number in range(MOST_ACTIONS):
        kind = form.get(f"kind-{number}", "")
        if kind in KINDS:
            fields = {
                name: form.get(f"{name}-{number}", "")[: MOST_TEXT + 1 if name == "yaml" else _MOST_FIELD]
                for name in KINDS[kind][1]
            }
            actions.append(Action(kind, fields))
    return Draft(text, actions)


def compose(place: DaoView, draft: Draft, pays: Pays) -> None:
    """Make the calls of a draft, and note what is wrong with it."""
    if not draft.text:
        draft.problems.append(gettext("Write the text: its first line names the proposal."))
    if len(draft.text) > MOST_TEXT:
        draft.problems.append(gettext("The text has more than %(most)s characters.") % {"most": f"{MOST_TEXT:,}"})
    if not draft.actions:
        draft.problems.append(gettext("Add an action: a governor takes no proposal without a call."))
    for action in draft.actions:
        try:
            action.calls = _MAKE[action.kind](place, action, pays)
        except (BadArgument, BadAddress, Unclear) as error:
            action.problems.append(one_line(str(error), 300))
        except PolicyError as error:
            action.problems += [one_line(str(problem), 400) for problem in error.problems]


def tokens_by_symbol(assets: Sequence[Asset]) -> dict[str, Asset]:
    """The assets that a payment can name: of several with one symbol none, as the symbol does not say which."""
    return {asset.symbol: asset for asset in assets if asset.known and not asset.shared}


def _transfer(place: DaoView, action: Action, pays: Pays) -> list[ProposedCall]:
    assets = tokens_by_symbol(list(place.assets.values()))
    asset = assets.get(action.fields["asset"])
    if asset is None:
        raise BadArgument(gettext("choose what is paid"))
    token = Token(asset.symbol, asset.address, asset.decimals)
    units, _token = parse_supply_amount(f"{action.fields['amount'].strip()} {asset.symbol}", {asset.symbol: token})
    if not units:
        raise BadArgument(gettext("the amount is 0"))
    to = to_bytes(action.fields["to"].strip())
    if to == asset.address:
        raise BadArgument(gettext("the receiver is the token's own contract: nobody gets what is sent there"))
    if not any(to):
        raise BadArgument(gettext("the receiver is the zero address: nobody gets what is sent there"))
    return [treasuries.payment(pays, asset.address, to, units)]


def _call(place: DaoView, action: Action, _pays: Pays) -> list[ProposedCall]:
    data = calldata(action.fields["function"], action.fields["arguments"])
    return [ProposedCall(to_bytes(action.fields["target"].strip()), _value(place, action), b"", data)]


def _raw(place: DaoView, action: Action, _pays: Pays) -> list[ProposedCall]:
    text = "".join(action.fields["calldata"].split())
    try:
        data = hex_bytes(text)
    except ValueError as error:
        raise BadArgument(gettext("calldata is 0x and pairs of hexadecimal digits")) from error
    return [ProposedCall(to_bytes(action.fields["target"].strip()), _value(place, action), b"", data)]


def _value(place: DaoView, action: Action) -> int:
    """The native currency that goes along, in wei."""
    text, native = action.fields["value"].strip(), place.native
    if not text:
        return 0
    token = Token(native.symbol, native.address, native.decimals)
    return parse_supply_amount(f"{text} {native.symbol}", {native.symbol: token})[0]


def _unpause(place: DaoView, _action: Action, _pays: Pays) -> list[ProposedCall]:
    return [ProposedCall(_module(place), 0, b"", calldata(_UNPAUSE, ""))]


def _policy(place: DaoView, action: Action, _pays: Pays) -> list[ProposedCall]:
    text = action.fields["yaml"]
    if len(text) > MOST_TEXT:
        raise BadArgument(gettext("The policy has more than %(most)s characters.") % {"most": f"{MOST_TEXT:,}"})
    wanted = references(text)
    if wanted.files or wanted.abis or wanted.ens:
        raise BadArgument(
            gettext(
                "this page reads no files and asks for no ENS names: write lists, functions and addresses into the "
                "document, or compile it with `python -m policies compile` and use its calldata"
            )
        )
    document = load(text)
    action.policy = document
    data = encoding.set_policy_calldata(encoding.policy_id(document.name), encoding.encode(document))
    return [ProposedCall(_module(place), 0, b"", data)]


def _module(place: DaoView) -> bytes:
    module = place.one("module")
    if module is None:
        raise BadArgument(gettext("this DAO has no policy module that is known here"))
    return bytes(module.address)


_MAKE = {"transfer": _transfer, "policy": _policy, "call": _call, "raw": _raw, "unpause": _unpause}
