# SPDX-License-Identifier: Apache-2.0
"""A DAO's policies: what their code on chain says in words."""

from __future__ import annotations

from django.utils.translation import gettext

from governance.chain import module
from governance.chain.native import native_token
from governance.models import ChainReading, PolicyVersion
from policies.code.encoding import DecodeError
from policies.code.encoding import decode as decode_policy
from policies.code.policy_code import PolicyCode
from policies.notation.amounts import Token
from policies.words.explanation import Explanation
from policies.words.wording import Vocabulary
from presentation import explained as kept
from presentation.dao_view import DaoView


def decode_version(version: PolicyVersion) -> tuple[PolicyCode | None, str]:
    """The policy, or why its code is none."""
    if not version.code:
        return None, gettext("the policy's code could not be read from the chain yet")
    try:
        return decode_policy(bytes(version.code)), ""
    except DecodeError as error:
        return None, gettext("the code on chain is not a policy of format 1: %(problem)s") % {"problem": error}


def read_on_chain(version: PolicyVersion) -> tuple[ChainReading, module.PolicyOnChain] | None:
    """What the module said of this version when it was asked last; None where it was not asked since it was set."""
    reading = ChainReading.objects.filter(
        dao=version.dao_id, kind=ChainReading.Kind.POLICY, address=version.module.address, key=version.policy_id
    ).first()
    if reading is None:
        return None
    state = module.read_policy(bytes(reading.value))
    return (reading, state) if state.version == version.version else None


def in_words(place: DaoView, code: PolicyCode) -> list[str]:
    """All lines about the policy, with the DAO's own names and tokens lent to them."""
    return explained(place, code).lines


def explained(place: DaoView, code: PolicyCode) -> Explanation:
    """The policy explained, with the DAO's own names and tokens lent to the words."""
    lent = vocabulary(place)
    return kept.explained(code, lent.names, lent.tokens)


def vocabulary(place: DaoView) -> Vocabulary:
    """The DAO's own names and tokens, as the words of policies take them."""
    tokens = {
        address: Token(asset.symbol, address, asset.decimals) for address, asset in place.assets.items() if asset.known
    }
    native = native_token(place.dao.chain_id)  # `policies` knows it by its English name, where it has no other
    return Vocabulary(place.names, {**tokens, native.address: native})
