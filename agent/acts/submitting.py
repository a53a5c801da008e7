# SPDX-License-Identifier: Apache-2.0
"""Take a request in: what somebody asks for, in words that nobody has read yet, due to be planned."""

import re

import rfc8785
from django.db import transaction
from eth_utils.crypto import keccak

from agent.acts import forms, life
from agent.acts.pieces import MAX_TEXT, clean
from agent.acts.policy import in_force
from agent.acts.words import Stated, say
from agent.models import Request
from agent.work_names import PLAN_WORK
from governance import work
from governance.chain.address import checksum
from governance.models import Dao
from policies.notation.hexadecimal import hex_text


class RequestError(Stated, ValueError):
    """The request can't be taken: empty, too long, or its key was used for another."""


def submit(
    dao: Dao, policy_id: bytes, text: str, requested_by: bytes, idempotency_key: str, *, signed_in: bool,
    act: forms.Act | None = None,
) -> Request:  # fmt: skip
    """Take a request; asking again with the same key gives the same request back.

    Raises RequestError (empty, too long, the key used for other words) and `policy.NoPolicyInForce`. `signed_in`: the
    caller has authenticated `requested_by`. Who asks can only ask: what is paid, the roster, operator and policy say.
    `act`: what is asked for in a form (`forms`); the words then say what it is for, and nothing is derived from them.
    The names in it are the caller's, not the asker's: they are what the operator reads.
    """
    shown, _ = clean(text)
    if not shown:
        raise RequestError(say("request_empty"))
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text):
        raise RequestError(say("request_not_plain_text"))
    if len(text) > MAX_TEXT:
        raise RequestError(say("request_too_long", most=MAX_TEXT))
    if not re.fullmatch(r"[ -~]{1,120}", idempotency_key):
        raise RequestError(say("key_length"))
    policy = in_force(dao, policy_id)
    if act is not None:
        try:
            forms.check(policy.code, act)
        except forms.NotPermitted as error:
            raise RequestError(error.sentence) from error
        if forms.is_raw(act) and (requested_by != policy.code.operator or not signed_in):
            raise RequestError(say("raw_by_operator", operator=checksum(policy.code.operator)))
    reference = keccak(
        rfc8785.dumps(
            ({} if act is None else {"act": act})
            | {
                "chain_id": str(policy.chain_id),
                "module": checksum(policy.module),
                "policy_id": hex_text(policy_id),
                "key": idempotency_key,
                "text": text,
                "requested_by": checksum(requested_by),
                "dao": dao.slug,
            }
        )
    )
    with transaction.atomic():
        request, created = Request.objects.get_or_create(
            dao=dao,
            idempotency_key=idempotency_key,
            defaults={
                "module": policy.contract,
                "policy_id": policy_id,
                "reference": reference,
                "text": text,
                "act": act or {},
                "requested_by": requested_by,
                "asker_signed_in": signed_in,
            },
        )
        if not created and request.reference != reference:
            raise RequestError(say("key_used"))
        if created:
            life.received(request)
            work.enqueue(PLAN_WORK, str(request.pk))
    return request
