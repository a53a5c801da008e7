# SPDX-License-Identifier: Apache-2.0
"""Word the policy module's error of a refused act: one sentence that names the clause or the budget."""

from typing import Any

from django.utils.translation import gettext_noop

from governance.address_book import currencies_of, names_of
from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.module import ActInput
from governance.models import Contract, Dao, PolicyVersion, RefusedAct
from governance.sentences import Table
from policies.answer.evaluate import Reason
from policies.code import encoding
from policies.notation.hexadecimal import hex_bytes
from policies.words import explain

OWNERS = ("PolicyModule", "IPolicyModule")  # the contracts whose errors these are


def in_words(dao: Dao, module: Contract, block_number: int, asked: ActInput | None, error: abi.Decoded) -> str:
    """The refusal as a sentence that names the clause or the budget; empty where there is nothing to add."""
    policy = asked and (
        PolicyVersion.objects.filter(module=module, policy_id=asked.policy_id, log__block_number__lte=block_number)
        .order_by("-version")
        .first()
    )
    if error.owner not in OWNERS:
        return ""
    if error.name in SENTENCES:
        return TABLE.say(error.name, **_values(error))
    if asked is None or not policy or not policy.code:
        return ""
    try:
        code = encoding.decode(bytes(policy.code))
    except encoding.DecodeError:
        return ""
    reason = reason_of(error, code, asked)
    return explain.reason(reason, code, names_of(dao), currencies_of(dao)) if reason else ""


UNKNOWN = "unknown"  # the code of a refusal whose error nobody knows

SENTENCES = {
    UNKNOWN: gettext_noop("reason unknown"),
    "NotAgent": gettext_noop("Only the agent {agent} may act under this policy."),
    "StalePolicy": gettext_noop("Another version of the policy is in force than the one the act was planned under."),
    "WrongNumber": gettext_noop("The next act has number {expected}."),
    "NotOwner": gettext_noop("Only the DAO's timelock, by a vote, may do this."),
    "NotGuardian": gettext_noop("Only the guardian or the DAO's timelock may do this."),
    "IsPaused": gettext_noop("Everything is paused until a vote ends the pause."),
    "NoPolicy": gettext_noop("No such policy was ever put in force."),
    "NoDecision": gettext_noop("The act names no decision record."),
    "NotPending": gettext_noop("This act is not waiting: it was never scheduled, or it is over."),
    "Voided": gettext_noop(
        "The act became void: its policy was replaced or ended, or a pause came, since it was scheduled."
    ),
    "OtherCalls": gettext_noop("These are not the calls that were scheduled."),
    "NoPower": gettext_noop("The account has no voting power that counts for this act."),
    "AlreadyObjected": gettext_noop("The account has objected already."),
    "AlreadySigned": gettext_noop("The account has signed this petition already."),
    "BadSignature": gettext_noop("The signature is not the account's over this objection."),
    "Locked": gettext_noop("A call came back into the module while an act was being performed."),
}
TABLE = Table("refused acts", SENTENCES)


def _values(error: abi.Decoded) -> dict[str, Any]:
    match error.name:
        case "NotAgent":
            return {"agent": checksum(error["agent"])}
        case "WrongNumber":
            return {"expected": error["expected"]}
    return {}


def shown(row: RefusedAct) -> str:
    """Return why the act was refused, in the reader's language; what a policy says of it in the policy's own words."""
    text = str(row.clause or row.reason)
    if row.reason_code == UNKNOWN:
        return TABLE.shown({"code": UNKNOWN, "values": {}}, text)
    try:
        error = abi.decode_error(hex_bytes(row.reason_values["revert"]), *OWNERS)
    except (KeyError, TypeError, ValueError):  # of a row that is older than the codes
        return text
    return text if error is None else TABLE.shown({"code": error.name, "values": _values(error)}, text)


def reason_of(error: abi.Decoded, code: Any, asked: ActInput) -> Reason | None:
    """The module's error as the policy evaluator's reason, which `policies.words.explain` words; None for others."""
    values = error.values
    match error.name:
        case "OverBudget" | "OverInstant":
            keys = [budget.key(asked.policy_id, code.agent) for budget in code.budgets]
            if values[0] not in keys:
                return None
            return Reason(error.name, values, budget=keys.index(values[0]), value=values[1], limit=values[2])
        case "ClauseFailed" | "OverCap":
            call, rule, clause = values[:3]
            if rule >= len(code.rules) or clause >= len(code.rules[rule].clauses):
                return None
            if error.name == "OverCap":
                value, limit = values[3:5]
            else:
                value, limit = int.from_bytes(values[3], "big"), code.rules[rule].clauses[clause].operand
            return Reason(error.name, values, call=call, rule=rule, clause=clause, value=value, limit=limit)
        case "NoRule":
            return Reason(error.name, values, call=values[0])
        case "BadCalldata" | "AllowanceLeft":
            return Reason(error.name, values, call=values[0])
        case "TooLittleIncome":
            return Reason(error.name, values, call=values[0], value=values[2], limit=values[3])
        case "ValueNotCharged":
            value = asked.calls[values[0]][1] if values[0] < len(asked.calls) else 0
            return Reason(error.name, values, call=values[0], value=value, limit=0)
        case "NotStarted" | "Ended" | "Cooling" | "TooManyPending" | "Quiet":
            return Reason(error.name, values, limit=values[0])
        case "EndsTooSoon":
            return Reason(error.name, values, value=values[0], limit=values[1])
        case "NoCalls" | "NotSchedulable":
            return Reason(error.name, values)
    return None
