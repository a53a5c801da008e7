# SPDX-License-Identifier: Apache-2.0
"""Which rules are payments, and of what."""

from policies.code.policy_code import ETHER_ASSET, PolicyCode, Rule
from policies.code.signatures import TRANSFER


def paid_asset(rule: Rule) -> bytes | None:
    """The asset that a rule pays by its form (20 zero bytes: the native currency); None where it is no payment."""
    if rule.no_selector:
        return ETHER_ASSET
    return rule.target if rule.selector == TRANSFER and rule.words == 2 and not rule.dynamics else None


def paid_assets(policy: PolicyCode) -> list[bytes]:
    """The assets that the policy's rules pay, each once."""
    return list(dict.fromkeys(asset for rule in policy.rules if (asset := paid_asset(rule)) is not None))
