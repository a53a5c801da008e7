# SPDX-License-Identifier: Apache-2.0
"""Policies, acts, requests, drafts and readers for `bench.queries`: what an agent and its members leave in a large DAO.

As many acts as proposals, one in five of which members stopped; a quarter as many requests again that were refused; a
tenth as many acts that the chain refused; two movements of the treasury an act. Twenty acts wait out their objection
delay and twenty requests wait for the operator. The policies are two of the templates, the second at its fourth
version.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

_USDC, _MODULE, _TREASURY = b"\x55" * 20, b"\x66" * 20, b"\x77" * 20
_OPERATOR = (1).to_bytes(20, "big")  # who is signed in (`bench.web`)
_POLICY = b"\x01" * 32
_PAID = 5_000_000  # base units of the asset
_WAITING = 20
DRAFT = "a draft of the measurement"
_TEMPLATES = ("operations", "grants")

# %(base)s: the last log there is. %(acts)s: how many acts. %(refused)s: how many requests were refused beside them.
_FILL = (
    """INSERT INTO governance_rawlog (id, dao_id, block_number, block_hash, block_timestamp_chain_s, transaction_hash,
           transaction_index, log_index, address, topic0, data)
       SELECT n, %(dao)s, 1000000 + n / 10, sha256(int8send(n / 10)), 1600000000 + n, sha256(int8send(n)), n %% 10,
           n %% 10, %(module_address)s, sha256('topic'), '\\x00'
       FROM generate_series(%(base)s + 1, %(base)s + 5 * %(acts)s) n""",
    """INSERT INTO governance_act (id, dao_id, module_id, policy_id, version, number, agent, decision, act_id, status,
           releasable_chain_s, expires_chain_s, snapshot, objection_power, objection_threshold, log_id, final_log_id,
           at_chain_s)
       SELECT n, %(dao)s, %(module)s, %(policy)s, 1, n, %(operator)s, sha256(int8send(n)),
           CASE WHEN waits OR n %% 5 > 2 THEN sha256(int8send(-n)) END,
           CASE WHEN waits THEN 'scheduled' WHEN n %% 5 = 4 THEN 'killed' WHEN n %% 5 = 3 THEN 'released'
               ELSE 'executed' END,
           CASE WHEN waits THEN 1700003600 WHEN n %% 5 > 2 THEN 1600000000 + n END,
           CASE WHEN waits THEN 1700090000 WHEN n %% 5 > 2 THEN 1600090000 + n END,
           CASE WHEN waits OR n %% 5 > 2 THEN 1000000 END, CASE WHEN n %% 5 = 4 THEN 2e24 ELSE 0 END,
           CASE WHEN waits OR n %% 5 > 2 THEN 1e24 END, %(base)s + n,
           CASE WHEN NOT waits AND n %% 5 > 2 THEN %(base)s + %(acts)s + n END, 1600000000 + %(base)s + n
       FROM (SELECT n, n > %(acts)s - %(waiting)s waits FROM generate_series(1, %(acts)s) n) numbered""",
    """INSERT INTO governance_actcall (act_id, position, target, value_wei, calldata)
       SELECT n, 0, %(asset)s, 0, %(calldata)s FROM generate_series(1, %(acts)s) n""",
    """INSERT INTO governance_objection (act_id, log_id, account, power)
       SELECT n, %(base)s + 2 * %(acts)s + n, decode(lpad(to_hex(n), 40, '0'), 'hex'), 2e24
       FROM generate_series(4, %(acts)s, 5) n""",
    """INSERT INTO governance_treasuryflow (dao_id, log_id, asset, counterparty, amount, outgoing, at_chain_s)
       SELECT %(dao)s, %(base)s + 3 * %(acts)s + n, %(asset)s, %(operator)s, %(paid)s, n %% 2 = 0,
           1600000000 + %(base)s + 3 * %(acts)s + n
       FROM generate_series(1, 2 * %(acts)s) n""",
    """INSERT INTO governance_refusedact (dao_id, module_id, transaction_hash, block_number, block_hash,
           block_timestamp_chain_s, sender, calldata, policy_id, reason, reason_code, reason_values, clause)
       SELECT %(dao)s, %(module)s, sha256(int8send(n)), 1000000 + n, sha256(int8send(n)), 1600000000 + n, %(operator)s,
           '\\x00', %(policy)s, 'OverCap(0, 1, 5001000000)', 'legacy', '{}', 'at most 1,500 USDC an act'
       FROM generate_series(1, %(acts)s / 10) n""",
    """INSERT INTO agent_request (id, dao_id, module_id, policy_id, reference, idempotency_key, text, act, requested_by,
           asker_signed_in, period, status, reason, reason_code, reason_values, created_at, updated_at)
       SELECT n, %(dao)s, %(module)s, %(policy)s, sha256(int8send(n)), 'k' || n, 'pay the bill of hosting ' || n, '{}',
           decode(lpad(to_hex(1 + n %% 50), 40, '0'), 'hex'), true, '2026-11',
           CASE WHEN n > %(acts)s + %(refused)s - %(waiting)s THEN 'needs_approval' WHEN n > %(acts)s THEN 'refused'
               WHEN n > %(acts)s - %(waiting)s THEN 'scheduled' WHEN n %% 5 = 4 THEN 'stopped' ELSE 'executed' END,
           '', '', '{}', now() - n * interval '1 minute', now()
       FROM generate_series(1, %(acts)s + %(refused)s) n""",
    """INSERT INTO agent_requestmove (request_id, from_status, to_status, who, reason_code, reason_values, at)
       SELECT n, CASE k WHEN 1 THEN '' WHEN 2 THEN 'received' ELSE 'planned' END,
           CASE k WHEN 1 THEN 'received' WHEN 2 THEN 'planned' ELSE 'executing' END, 'planner', '', '{}', now()
       FROM generate_series(1, %(acts)s) n, generate_series(1, 3) k""",
    """INSERT INTO agent_candidate (id, request_id, key, label, label_code, is_roster, differences, difference_codes,
           lines, calls, calls_hash, allowed, band)
       SELECT n, n, 'c1', 'one payment', '{}', false, '[]', '[]', %(lines)s, %(calls)s, %(calls_hash)s,
           n <= %(acts)s OR n > %(acts)s + %(refused)s - %(waiting)s, 'instant'
       FROM generate_series(1, %(acts)s + %(refused)s) n""",
    """INSERT INTO agent_plan (request_id, candidate_id, chosen_by, needs_approval, approval_codes, inputs, prompt,
           sampling, model, output, answer, usage, silence, asker_means, created_at)
       SELECT n, n, 'operator', '[]', '[]', '{}', '{"schema": {"properties": {"choice": {}}}}', '{}',
           '{"name": "bench", "is_demo": true}', '{"choice": "c1"}', '{}', '{}', '{}', '', now()
       FROM generate_series(1, %(acts)s) n""",
    """INSERT INTO agent_refusal (request_id, candidate_key, label, label_code, calls, policy_codehash, block_number,
           block_hash, reasons, headroom, module_says, module_code, created_at)
       SELECT n, 'c1', 'one payment', '{}', '[]', sha256('code'), 1000000 + n, sha256('b'),
           '[{"code": "OverCap", "text": "at most 1,500 USDC an act"}]', '[]', '', '', now() - n * interval '1 minute'
       FROM generate_series(%(acts)s + 1, %(acts)s + %(refused)s - %(waiting)s) n""",
    """INSERT INTO agent_decisionrecord (id, dao_id, request_id, hash, prev_hash, body, signer, created_at)
       SELECT n, %(dao)s, n, sha256(int8send(n)), sha256(int8send(n - 1)), %(body)s, %(operator)s, now()
       FROM generate_series(1, %(acts)s) n""",
    """INSERT INTO agent_binding (request_id, candidate_id, module_id, policy_id, policy_codehash, number, scheduled,
           record_id, calldata, attempt, release_attempt, state, created_at)
       SELECT n, n, %(module)s, %(policy)s, sha256('code'), n, n %% 5 > 2, n, '\\x00', 1, 1, 'live', now()
       FROM generate_series(1, %(acts)s) n""",
)  # fmt: skip
# Rows above have numbers of their own; what is made after them takes the next.
_NUMBERED = ("governance_rawlog", "governance_act", "agent_request", "agent_candidate", "agent_decisionrecord")


def fill(dao: Any, acts: int) -> None:
    """The agent's part of a DAO, with so many acts (forty at least); its logs come after all there are."""
    from django.db import connection

    from agent.acts.calls import calls_hash, calls_json, payment_call
    from governance.chain.address import checksum
    from governance.models import Contract, ModuleState, RawLog

    Contract.objects.create(
        dao=dao, kind="asset", address=_USDC, capabilities={"symbol": "USDC", "decimals": 6}, start_block=1
    )
    Contract.objects.create(dao=dao, kind="treasury", address=_TREASURY, start_block=1)
    module = Contract.objects.create(
        dao=dao, kind="module", address=_MODULE, start_block=1, capabilities={"treasury": checksum(_TREASURY)}
    )
    ModuleState.objects.create(module=module, guardian=_OPERATOR)
    codes = [_code(name) for name in _TEMPLATES]
    call = payment_call(_OPERATOR, _USDC, _PAID)
    lines = [{
        "recipient": checksum(_OPERATOR), "asset": checksum(_USDC), "amount": str(_PAID), "period": "2026-11",
        "name": "", "provenance": {"amount": "text"},
    }]  # fmt: skip
    sizes = {
        "dao": dao.pk, "module": module.pk, "base": RawLog.objects.order_by("-id").values_list("id", flat=True)[0],
        "acts": acts, "refused": max(acts // 4, 2 * _WAITING), "waiting": _WAITING,
        "module_address": _MODULE, "policy": _POLICY, "operator": _OPERATOR, "asset": _USDC, "calldata": call.data,
        "paid": _PAID, "lines": json.dumps(lines), "calls": json.dumps(calls_json([call])),
        "calls_hash": calls_hash([call]), "body": _body(codes[0]),
    }  # fmt: skip
    with connection.cursor() as sql:
        for statement in _FILL:
            sql.execute(statement, sizes)
        for table in _NUMBERED:
            sql.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")  # noqa: S608
    _policies(dao, module, codes)
    _calendar(dao, module)
    _people(dao)


def _code(template: str) -> bytes:
    """A template's code for the asset of this DAO, whose operator is who is signed in."""
    import policies
    from governance.chain.address import checksum
    from policies.code.encoding import decode, encode, pack
    from policies.document.document import load

    text = (Path(policies.__file__).parent / "templates" / f"{template}.yaml").read_text()
    text = text.replace("0x5c0000000000000000000000000000000000dEAD", checksum(_USDC))
    return pack(replace(decode(encode(load(text))), operator=_OPERATOR))


def _body(code: bytes) -> str:
    """A decision record with what the page of a request reads of it."""
    from policies.notation.hexadecimal import hex_text

    policy = {"version": 1, "code": hex_text(code)}
    checks = {"chosen": {"candidate": "c1"}, "evaluation": {"mode": "execute", "left_after": []}}
    return json.dumps({"inputs": {"block": {"number": 1_000_000}, "policy": policy}, "checks": checks})


def _policies(dao: Any, module: Any, codes: list[bytes]) -> None:
    """The versions of the policies, what the chain last said of them, and the document of the first."""
    from django.utils import timezone

    from governance.chain import abi
    from governance.models import ChainReading, PolicyVersion, RawLog
    from policies.code.encoding import codehash, decode
    from webapp.models import PolicyText

    logs = list(RawLog.objects.order_by("-id")[:5])
    for number, log in enumerate(logs):
        policy, version = (1, 1) if number == 4 else (2, 4 - number)
        code = codes[policy - 1]
        PolicyVersion.objects.create(
            dao=dao, module=module, policy_id=bytes([policy]) * 32, version=version, agent=_OPERATOR,
            codehash=codehash(code), code=code, log=log,
        )  # fmt: skip
    told = [("balance", _USDC, bytes(32), (7 * 10**12).to_bytes(32, "big"))]
    for policy, code in enumerate(codes, 1):
        state = abi.encode(
            ["address", "uint16", "uint24", "uint32", "uint40"], [_OPERATOR, 1, 3, 1_600_000_000, 1_900_000_000]
        )
        told.append(("policy", _MODULE, bytes([policy]) * 32, state))
        read = decode(code)
        told += [("ring", _MODULE, budget.key(bytes([policy]) * 32, read.agent), bytes(32)) for budget in read.budgets]
    for kind, address, key, value in told:
        ChainReading.objects.create(
            dao=dao, kind=kind, address=address, key=key, value=value, block_number=1_000_000, block_hash=bytes(32),
            block_timestamp_chain_s=1_700_000_000, read_at=timezone.now(),
        )  # fmt: skip
    PolicyText.objects.create(document_hash=decode(codes[0]).document_hash, text="name: operations\n")


def _calendar(dao: Any, module: Any) -> None:
    """A roster of fifty, and a monthly schedule with two years behind it."""
    from agent.acts import rosters
    from agent.models import Roster, Schedule, ScheduledTime
    from governance.chain import eip712

    lines = tuple(
        rosters.Line(f"payee {number}", (1000 + number).to_bytes(20, "big"), _USDC, _PAID) for number in range(50)
    )
    terms = rosters.Terms(
        chain_id=dao.chain_id, module=_MODULE, policy_id=_POLICY, policy_version=1, serial=1,
        expires_chain_s=1_900_000_000, lines=lines,
    )  # fmt: skip
    document = rosters.compose(terms)
    Roster.objects.create(
        dao=dao, module=module, policy_id=_POLICY, policy_version=1, serial=1, expires_chain_s=1_900_000_000,
        operator=_OPERATOR, digest=eip712.digest(document), signature=b"", typed_data=document,
    )  # fmt: skip
    schedule = Schedule.objects.create(
        dao=dao, module=module, policy_id=_POLICY, made_by=_OPERATOR, text="pay the contributors for {month}",
        zone="UTC", hour="09:00", day=1, next_due_chain_s=1_700_500_000, next_month="2023-12",
    )  # fmt: skip
    ScheduledTime.objects.bulk_create(
        ScheduledTime(
            schedule=schedule, due_chain_s=1_600_000_000 + 2_600_000 * number, month="2021-01", outcome="asked",
            request_id=1 + number,
        )
        for number in range(24)
    )  # fmt: skip


def _people(dao: Any) -> None:
    """A kept draft of two versions, and a reader with a subscription whose links all do something."""
    from django.utils import timezone

    from webapp.mail import subscriptions
    from webapp.models import DraftVersion, Reader, SavedDraft, Subscription

    draft = SavedDraft.objects.create(dao=dao, token_hash=_hash(DRAFT))
    for number in (1, 2):
        body = {"text": "# A draft\n\nWhat is asked for.\n" * 20 * number, "actions": []}
        DraftVersion.objects.create(draft=draft, number=number, body=body, size=len(json.dumps(body)))
    reader = Reader.objects.create(email="reader@example.org", own_sent_at=timezone.now())
    held = Subscription.objects.create(
        dao=dao, reader=reader, topics=["created"], confirmed_at=timezone.now(), confirm_sent_at=timezone.now()
    )
    links = tokens(dao)
    Reader.objects.filter(pk=reader.pk).update(own_token_hash=_hash(links["subscriptions/own/<str:token>/"]))
    Subscription.objects.filter(pk=held.pk).update(
        confirm_token_hash=_hash(links["subscriptions/confirm/<str:token>/"]),
        unsubscribe_token_hash=_hash(subscriptions.unsubscribe_token(held)),
    )


def tokens(dao: Any) -> dict[str, str]:
    """The token in each address that has one, by its route."""
    from webapp.mail import own, subscriptions
    from webapp.models import Subscription

    held = Subscription.objects.filter(dao=dao, reader__email="reader@example.org").select_related("reader").get()
    nonce = "0" * 32
    mine = own._token({"r": held.reader_id, "n": nonce})
    confirm = {"s": held.pk, "f": "daily", "d": "", "n": nonce, "t": ["created"], "z": "", "p": "", "l": "en"}
    return {
        "<slug:slug>/propose/<str:token>/": DRAFT,
        "subscriptions/confirm/<str:token>/": subscriptions.confirm_token(confirm),
        "subscriptions/unsubscribe/<str:token>/": subscriptions.unsubscribe_token(held),
        "subscriptions/own/<str:token>/": mine,
        "subscriptions/own/<str:token>/data.json": mine,
    }


def names() -> dict[str, str]:
    """The name in each address of a document that has one, by its route."""
    from agent.models import DecisionRecord
    from policies.notation.hexadecimal import hex_text
    from webapp.models import PolicyText

    return {
        "records/<str:name>.json": hex_text(DecisionRecord.objects.order_by("-id")[0].hash),
        "policies/<str:name>.yaml": hex_text(PolicyText.objects.order_by("-id")[0].document_hash),
    }


def waiting_request() -> str:
    """The number of a request that waits for its operator."""
    from agent.models import Request

    return str(Request.objects.filter(status=Request.Status.NEEDS_APPROVAL).order_by("id")[0].pk)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
