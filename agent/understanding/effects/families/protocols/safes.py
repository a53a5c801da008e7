# SPDX-License-Identifier: Apache-2.0
"""Safes beyond what `roles` has: their code, their factories, and the allowances of their modules."""

from django.utils.translation import gettext_noop

from agent.understanding.effects.effect import Kind
from agent.understanding.effects.families.protocols.meaning import Case, Meaning
from governance.chain.address import ZERO

ROWS = [
    Meaning(
        "setModuleGuard(address moduleGuard)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {moduleGuard} the guard that checks what modules do with {target}."),
        recipient="moduleGuard",
        subject="module guard",
        cases=(
            Case("moduleGuard", ZERO, gettext_noop("Removes the guard that checks what modules do with {target}.")),
        ),
    ),
    Meaning(
        "changeMasterCopy(address _masterCopy)",
        Kind.UPGRADE,
        gettext_noop("Replaces the code of the Safe {target} by that of {_masterCopy}."),
        recipient="_masterCopy",
        subject="code",
    ),
    Meaning(
        "approveHash(bytes32 hashToApprove)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Signs the transaction with hash {hashToApprove} of {target} as one of its owners: nobody can see here "
            "what that "
            "transaction does."
        ),
        subject="signature",
        new_value="hashToApprove",
    ),
    Meaning(
        "signMessage(bytes _data)",
        Kind.ROLE_CHANGE,
        gettext_noop("Signs the message {_data} in the name of whoever makes this call."),
        subject="signature",
        new_value="_data",
    ),
    Meaning(
        "setAllowance(address delegate,address token,uint96 allowanceAmount,uint16 resetTimeMin,uint32 resetBaseMin)",
        Kind.APPROVE,
        gettext_noop(
            "Lets {delegate} spend {allowanceAmount} of the Safe that makes this call every {resetTimeMin} minutes, "
            "by {target}."
        ),
        asset="token",
        amount="allowanceAmount",
        recipient="delegate",
        subject="allowance",
        new_value="resetTimeMin",
        forms={"allowanceAmount": "money"},
        cases=(
            Case(
                "resetTimeMin",
                0,
                gettext_noop(
                    "Lets {delegate} spend {allowanceAmount} of the Safe that makes this call, once, by {target}."
                ),
            ),
        ),
    ),
    Meaning(
        "deleteAllowance(address delegate,address token)",
        Kind.APPROVE,
        gettext_noop("Lets {delegate} spend no more {token} of the Safe that makes this call, by {target}."),
        recipient="delegate",
        subject="allowance",
        new_value="token",
        moves="",
    ),
    Meaning(
        "addDelegate(address delegate)",
        Kind.ROLE_CHANGE,
        gettext_noop(
            "Names {delegate} as somebody who may get an allowance of the Safe that makes this call, by {target}."
        ),
        recipient="delegate",
        subject="delegate",
    ),
    Meaning(
        "removeDelegate(address delegate,bool removeAllowances)",
        Kind.ROLE_CHANGE,
        gettext_noop("Ends every allowance of {delegate} from the Safe that makes this call, by {target}."),
        recipient="delegate",
        subject="delegate",
        cases=(
            Case(
                "removeAllowances",
                False,
                gettext_noop(
                    "Takes {delegate} off the list of delegates of the Safe that makes this call, by {target}."
                ),
            ),
        ),
    ),
]
