# SPDX-License-Identifier: Apache-2.0
"""Why nothing is paid under a policy though its code stands: it ended, is paused, or its module has no power."""

from __future__ import annotations

from django.utils.translation import gettext

from agent.acts.policy import PolicyInForce
from governance import standing
from governance.chain import abi, module
from governance.models import ChainReading, ModuleState


def why_not_in_power(policy: PolicyInForce, now_chain_s: int) -> list[str]:
    """Sentences, none where nothing is known against it. Asks no node."""
    found = []
    if now_chain_s >= policy.code.end_s:
        found.append(gettext("The policy has ended: nothing is paid under it."))
    elif (block := _ended_early_at(policy, now_chain_s)) is not None:
        text = gettext("At block %(block)s a node said that this policy was ended early: nothing is paid under it.")
        found.append(text % {"block": block})
    if ModuleState.objects.filter(module=policy.contract, paused=True).exists():
        found.append(gettext("The policy module is paused: nothing is paid while it is."))
    found += [one.words for one in standing.known(policy.dao).stopped if one.module == bytes(policy.module)]
    return found


def _ended_early_at(policy: PolicyInForce, now_chain_s: int) -> int | None:
    """The block at which a node answered that this version ended before its own end; None where none did."""
    reading = ChainReading.objects.filter(
        dao=policy.dao, kind=ChainReading.Kind.POLICY, address=policy.module, key=policy.policy_id
    ).first()
    if reading is None:
        return None
    try:
        state = module.read_policy(bytes(reading.value))
    except abi.NotCanonical:
        return None
    return reading.block_number if state.version == policy.version and state.end_chain_s <= now_chain_s else None
