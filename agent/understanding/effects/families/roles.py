# SPDX-License-Identifier: Apache-2.0
"""Who has power over a contract: roles, owners, admins, signers, modules, guards."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Effect, Kind
from agent.understanding.effects.wording import TABLE
from governance.chain.address import ZERO
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

SENTENCES = {
    "grant_role": gettext_noop("Grants {role} on {target} to {who}."),
    "revoke_role": gettext_noop("Takes {role} on {target} from {who}."),
    "renounce_role": gettext_noop("Gives up {role} on {target} held by {who}."),
    "admin_role": gettext_noop("the admin role (DEFAULT_ADMIN_ROLE)"),
    "role_by_hash": gettext_noop("role {hash}"),
    "role_by_name": "{name}",
    "owner": gettext_noop("Makes {who} the owner of {target}."),
    "no_owner": gettext_noop("Leaves {target} without an owner, for good."),
    "accept_owner": gettext_noop("Accepts the ownership of {target}."),
    "accept_admin": gettext_noop("Accepts the administration of {target}."),
    "admin": gettext_noop("Makes {who} the admin of {target}."),
    "next_admin": gettext_noop("Names {who} as the next admin of {target}."),
    "proxy_admin": gettext_noop("Makes {who} the admin of the proxy {proxy}, by its admin contract {target}."),
    "guardian": gettext_noop("Makes {who} the guardian of {target}."),
    "minter": gettext_noop("Lets {who} create tokens of {target}."),
    "timelock_of": gettext_noop("Makes {who} the timelock of {target}."),
    "controller_set": gettext_noop("Makes {who} a controller of {target}."),
    "controller_unset": gettext_noop("Ends {who} being a controller of {target}."),
    "module_on": gettext_noop("Lets {who} make {target} perform any call."),
    "module_off": gettext_noop("Ends {who}'s right to make {target} perform calls."),
    "signer_on": gettext_noop("Adds {who} as a signer of {target}, with {threshold} needed."),
    "signer_off": gettext_noop("Removes {who} as a signer of {target}, with {threshold} needed."),
    "signer_swap": gettext_noop("Replaces the signer {old} of {target} by {who}."),
    "guard": gettext_noop("Makes {who} the guard that checks every call of {target}."),
    "no_guard": gettext_noop("Removes the guard that checks every call of {target}."),
    "fallback": gettext_noop(
        "Makes {who} the fallback handler of {target}: it answers calls that {target} does not know."
    ),
    "no_fallback": gettext_noop("Removes the fallback handler of {target}."),
}
say = TABLE.add(SENTENCES)

ROLES = {
    keccak(name.encode()): name
    for name in (
        "PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE", "TIMELOCK_ADMIN_ROLE", "MINTER_ROLE", "PAUSER_ROLE",
        "BURNER_ROLE", "UPGRADER_ROLE", "ADMIN_ROLE", "GUARDIAN_ROLE", "OPERATOR_ROLE", "MANAGER_ROLE",
    )
}  # fmt: skip


def _role(code: str) -> Handler:
    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
        if a[0] == bytes(32):
            role = say("admin_role")
        elif a[0] in ROLES:
            role = say("role_by_name", name=ROLES[a[0]])
        else:
            role = say("role_by_hash", hash=hex_text(a[0]))
        sentence = say(code, role=role, target=book.party(act.target), who=book.party(a[1]))
        return make(act, Kind.ROLE_CHANGE, sentence, function, recipient=a[1], subject=str(role))

    return handler


def _power(code: str, subject: str, argument: int | None = 0, *, none: str = "", **others: int) -> Handler:
    """A function that changes who has power over its target. `argument` is who; `none` the sentence for nobody (the
    zero address); `others` further arguments that the sentence names."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
        who = None if argument is None else a[argument]
        values: dict[str, Any] = {"target": book.party(act.target)}
        if who is not None:
            values["who"] = book.party(who)
        for name, place in others.items():
            values[name] = book.party(a[place]) if isinstance(a[place], bytes) else f"{a[place]:,}"
        sentence = say(none if none and who == ZERO else code, **values)
        return make(act, Kind.ROLE_CHANGE, sentence, function, recipient=who, subject=subject)

    return handler


def _controller(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Effect:
    code = "controller_set" if a[1] else "controller_unset"
    sentence = say(code, target=book.party(act.target), who=book.party(a[0]))
    value = "true" if a[1] else "false"
    return make(act, Kind.ROLE_CHANGE, sentence, function, recipient=a[0], subject="controller", new_value=value)


MEANINGS: dict[str, Handler] = {
    "grantRole(bytes32,address)": _role("grant_role"),
    "revokeRole(bytes32,address)": _role("revoke_role"),
    "renounceRole(bytes32,address)": _role("renounce_role"),
    "transferOwnership(address)": _power("owner", "owner"),
    "setOwner(address)": _power("owner", "owner"),
    "renounceOwnership()": _power("no_owner", "owner", None),
    "acceptOwnership()": _power("accept_owner", "owner", None),
    "acceptAdmin()": _power("accept_admin", "admin", None),
    "_acceptAdmin()": _power("accept_admin", "admin", None),
    "changeAdmin(address)": _power("admin", "admin"),
    "setAdmin(address)": _power("admin", "admin"),
    "setPendingAdmin(address)": _power("next_admin", "admin"),
    "_setPendingAdmin(address)": _power("next_admin", "admin"),
    "changeProxyAdmin(address,address)": _power("proxy_admin", "admin", 1, proxy=0),
    "setGuardian(address)": _power("guardian", "guardian"),
    "setMinter(address)": _power("minter", "minter"),
    "updateTimelock(address)": _power("timelock_of", "timelock"),
    "setController(address,bool)": _controller,
    "addController(address)": _power("controller_set", "controller"),
    "removeController(address)": _power("controller_unset", "controller"),
    "enableModule(address)": _power("module_on", "module"),
    "disableModule(address,address)": _power("module_off", "module", 1),
    "addOwnerWithThreshold(address,uint256)": _power("signer_on", "signer", threshold=1),
    "removeOwner(address,address,uint256)": _power("signer_off", "signer", 1, threshold=2),
    "swapOwner(address,address,address)": _power("signer_swap", "signer", 2, old=1),
    "setGuard(address)": _power("guard", "guard", none="no_guard"),
    "setFallbackHandler(address)": _power("fallback", "fallback handler", none="no_fallback"),
}
