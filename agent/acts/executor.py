# SPDX-License-Identifier: Apache-2.0
"""From a plan to an act: evaluate, simulate, record, journal, send; confirmed only by what the mirror reads back.

Killed at any point, the next worker goes on from the rows, and nothing is paid twice:

- One executor per DAO: a session advisory lock on the same connection that writes the journal, so that a dead worker's
  unfinished write can't come to life while another one decides.
- A request is bound to one act number. The chain takes a number once, so repeating can only fail. Another number is
  bound only when a *finalized* log shows this one consumed by somebody else's decision, or when nothing was ever signed
  for it.
- The act's outcome is read from the mirror's `Act` with the record's hash, never from a receipt.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, NoReturn

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agent import choice
from agent.acts import approvals, askers, provenance, rosters
from agent.acts.judging import (
    Halted,
    Judgement,
    Words,
    evaluation_json,
    halt,
    judge,
    judge_release,
    refusal_json,
    standing_halt,
)
from agent.acts.planner import UNRECORDED, paid_lines, record_refusal, unrecorded_payees
from agent.acts.policy import (
    NoPolicyInForce,
    Pinned,
    PolicyInForce,
    acts_read,
    chain_now_s,
    finalized,
    in_force,
    read_pinned,
    state_json,
)
from agent.acts.requests import Call, calls_from_json, calls_hash, payment_call
from agent.acts.simulate import ENDED, act_calldata, release_calldata, simulate
from agent.acts.tokens import Token
from agent.models import AgentHalt, Approval, Binding, Candidate, DecisionRecord, PaidLine, Plan, Request
from agent.work_names import EXECUTE_WORK, RELEASE_WORK
from governance import work
from governance.chain.address import checksum
from governance.chain.native import native_token
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain.send import Signer, send_once, settle
from governance.locks import LockClass, session_lock
from governance.models import Act, Contract, Dao, OutgoingTransaction
from policies.answer.evaluate import Allowed

_LOOK_S = 1  # while an act is on its way
_SETTLED_S = 5  # while an act that was read back is not final yet
_LOOK_AT_MINED_S = 10.0
MOST_ATTEMPTS = 3
_ENDS = (Request.Status.REFUSED, Request.Status.ABSTAINED)


@lru_cache(maxsize=1)
def _signer(keystore: str, password_file: str) -> Signer:
    return Signer.from_keystore(keystore, password_file)


def agent_signer() -> Signer:
    """The agent's key, from the keystore that the settings name. Raises governance.chain.send.KeystoreProblem."""
    return _signer(settings.AGENT_KEYSTORE, settings.AGENT_PASSWORD_FILE)


@contextmanager
def only_executor(dao: Dao) -> Iterator[bool]:
    """Whether this process is the DAO's executor now; the lock is the database session's, so death releases it."""
    with session_lock(LockClass.EXECUTOR, dao.pk) as held:
        yield held


@work.worker(EXECUTE_WORK)
def execute_work(key: str, _arguments: dict[str, Any]) -> None:
    """Due work: bring the request with this id one step further."""
    _patiently(execute, int(key))


@work.worker(RELEASE_WORK)
def release_work(key: str, _arguments: dict[str, Any]) -> None:
    """Due work: release the scheduled act of the request with this id when its time has come."""
    _patiently(release, int(key))


def _patiently(step: Callable[[int], None], request_id: int) -> None:
    """A node that can't be asked is no failure of the work: look again soon."""
    try:
        step(request_id)
    except RpcError as error:
        _again(_SETTLED_S, str(error))


def _load(request_id: int) -> Request:
    return Request.objects.select_related("dao__chain", "module").get(pk=request_id)


def _again(seconds: float, reason: str) -> NoReturn:
    raise work.Again(timezone.now() + timedelta(seconds=seconds), reason)


def _note(request: Request, status: str, reason: str) -> None:
    if (request.status, request.reason) != (status, reason[:400]):
        request.status, request.reason = status, reason[:400]
        request.save(update_fields=["status", "reason", "updated_at"])


# ---------------------------------------------------------------------------------------------------------- execute


def execute(request_id: int, *, rpc: Rpc | None = None, signer: Signer | None = None) -> None:
    """Bind, record, send and follow a planned request until its act is final. Doing it again is harmless.

    Raises work.Again until then.
    """
    request = _load(request_id)
    with only_executor(request.dao) as held:
        if not held:
            _again(_LOOK_S, "another act of this DAO is being made")
        _execute(request, rpc or Rpc.for_chain(request.dao.chain_id), signer)


def _execute(request: Request, rpc: Rpc, signer: Signer | None) -> None:
    if follow(request):
        return
    if request.status in _ENDS:
        return
    stop = standing_halt(request.dao)
    if stop is not None:  # what was signed already is out of our hands; nothing new is signed or sent
        _again(15, f"the agent is halted: {stop.reason}")
    binding = request.bindings.select_related("record", "candidate", "module").filter(state=Binding.State.LIVE).first()
    if binding is None:
        if request.status not in (Request.Status.PLANNED, Request.Status.EXECUTING):
            return
        binding = _bind(request, rpc, signer or agent_signer())
        if binding is None:
            return
        _send(request, binding, rpc, signer or agent_signer())
    else:
        _resume(request, binding, rpc, signer or agent_signer())
    _again(_LOOK_S, "on its way")


def follow(request: Request) -> bool:
    """Take over what the mirror says of the request's act; whether that is final. Raises work.Again while it is not.

    Every record that was ever made for the request counts, so an act that a reorganisation brings back is seen too.
    """
    decisions = list(request.records.values_list("hash", flat=True))
    act = (
        Act.objects.select_related("log", "final_log")
        .filter(module=request.module, decision__in=[bytes(item) for item in decisions])
        .order_by("-number")
        .first()
    )
    if act is None:
        if request.status in (Request.Status.EXECUTED, Request.Status.SCHEDULED):
            _note(request, Request.Status.EXECUTING, "its act is gone from the chain (a reorganisation): sent again")
            _look_at_mined_now()
        return False
    log = act.final_log or act.log
    if act.status in (Act.Status.EXECUTED, Act.Status.RELEASED):
        how = "paid" if act.status == Act.Status.EXECUTED else "paid after its objection delay"
        _note(request, Request.Status.EXECUTED, f"{how} as act {act.number}")
    elif act.status == Act.Status.SCHEDULED:
        if request.status != Request.Status.STOPPED:  # expired: no log says so
            _note(request, Request.Status.SCHEDULED, f"act {act.number} waits out its objection delay")
        work.enqueue(RELEASE_WORK, str(request.pk), renew=True)
    else:
        why = {
            Act.Status.KILLED: "stopped: members objected with enough power",
            Act.Status.VETOED: "stopped: vetoed",
            Act.Status.VOIDED: "stopped: void, since the policy was replaced or ended, or everything was paused",
        }[Act.Status(act.status)]
        _note(request, Request.Status.STOPPED, f"{why} (act {act.number})")
    if not finalized(request.dao, log.block_number):
        _again(_SETTLED_S, "read back, and not final yet")
    return True


def _bind(request: Request, rpc: Rpc, signer: Signer) -> Binding | None:
    """Check everything again and bind the request to the next act number, with its decision record; None: it ended."""
    signed_before = [
        binding
        for binding in request.bindings.select_related("record").exclude(state=Binding.State.FAILED)
        if binding.state != Binding.State.OVERTAKEN and _journal(binding).exists()
    ]
    if signed_before:  # can't be: a binding is given up as unused only when nothing was signed for it
        halt(request.dao, "an act given up as never signed is in the journal", {"request": str(request.pk)})
    try:
        policy = in_force(request.dao, request.policy_id)
    except NoPolicyInForce as error:
        _note(request, Request.Status.REFUSED, str(error))
        return None
    plan = Plan.objects.select_related("candidate__roster").get(request=request)
    candidate = plan.candidate
    if candidate is None:
        _note(request, Request.Status.NEEDS_APPROVAL, "no candidate is chosen")
        return None
    if policy.contract.pk != request.module_id:
        _note(request, Request.Status.REFUSED, "the policy is in another policy module now: ask again")
        return None
    if signer.address != policy.code.agent:
        _again(
            15,
            f"the configured key is {checksum(signer.address)}; the policy's agent is {checksum(policy.code.agent)}",
        )
    pinned = read_pinned(policy, rpc)
    if not pinned.is_of(policy):
        _again(_LOOK_S, "the mirror is behind the chain: another policy is in force there")
    if not acts_read(policy, pinned):
        _again(_LOOK_S, "the mirror is behind the chain: it has not read the last act yet")
    calls = calls_from_json(candidate.calls)
    try:
        authority = _authority(policy, request, plan, candidate, calls, pinned, rpc)
    except _NotAuthorised as error:
        _note(request, Request.Status.NEEDS_APPROVAL, str(error))
        return None
    approval = authority.approval
    if UNRECORDED not in candidate.differences and _pays_any(candidate, unrecorded_payees(policy)):
        # Somebody else who has the agent's key paid them since this was planned, and nobody has looked at that.
        candidate.differences = [*candidate.differences, UNRECORDED]
        candidate.save(update_fields=["differences"])
        if approval is None:
            _note(request, Request.Status.NEEDS_APPROVAL, UNRECORDED)
        else:
            _note(request, Request.Status.REFUSED, f"since it was approved, {UNRECORDED}: look, and ask again")
        return None
    if _pays_any(candidate, paid_lines(policy, request.period, request)):
        _note(
            request, Request.Status.REFUSED, f"somebody of it was already paid for {request.period}, or is being paid"
        )
        return None
    words = _words(plan, candidate)
    try:
        judgement = judge(policy, pinned, rpc, calls)
    except Halted as halted:
        _again(15, f"the agent is halted: {halted}")
    if not judgement.allowed:
        _refuse(request, candidate, policy, pinned, judgement, words)
        return None
    return _write(request, plan, candidate, calls, authority, policy, pinned, judgement, signer)


def _pays_any(candidate: Candidate, payees: frozenset[tuple[bytes, bytes]]) -> bool:
    """Whether a line of the candidate pays one of these (recipient, asset)."""
    return any(
        (bytes.fromhex(line["recipient"][2:]), bytes.fromhex(line["asset"][2:])) in payees for line in candidate.lines
    )


class _NotAuthorised(Exception):
    """Neither the roster nor an approval covers these calls now."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What calls rest on: an approval, or None where the signed roster itself is enough; and who asked."""

    approval: Approval | None
    asker: askers.Standing


def _authority(
    policy: PolicyInForce,
    request: Request,
    plan: Plan,
    candidate: Candidate,
    calls: tuple[Call, ...],
    pinned: Pinned,
    rpc: Rpc,
) -> Authority:
    """What these calls rest on now. Raises _NotAuthorised.

    Who is paid what is verified from signatures, and what the asker holds from the chain, not from our own rows.
    """
    payees: set[bytes] = set()
    problem, roster = "", None
    try:
        roster = rosters.current(policy, chain_now_s(policy.dao))
        lines = rosters.lines_of(roster)
        payees = {line.recipient for line in lines}
    except rosters.RosterError as error:
        problem = str(error)
    asker = askers.standing(policy, request, payees, rpc, pinned.block.hash)
    approval = approvals.standing(policy, request, candidate)
    if approval is not None and calls_hash(calls) == bytes(approval.calls_hash):
        return Authority(approval, asker)
    if plan.chosen_by != Plan.ChosenBy.MODEL or plan.needs_approval or candidate.differences or not candidate.is_roster:
        raise _NotAuthorised("the operator's approval is missing, or was for another version of the policy")
    if not plan.model_agrees_to(candidate):
        said = "nothing" if plan.word is None else choice.in_words(plan.word)
        raise _NotAuthorised(f"the model did not say that this is what was asked; it said: {said}")
    if roster is None:
        raise _NotAuthorised(problem)
    if roster.pk != candidate.roster_id or calls != tuple(
        payment_call(line.recipient, line.asset, line.amount) for line in lines
    ):
        raise _NotAuthorised("the roster was replaced since this was planned")
    if any(line["period"] != request.period for line in candidate.lines):
        raise _NotAuthorised("the month of the request is not the one that its payments are planned for")
    if doubt := "; ".join(filter(None, (asker.doubt, askers.early_doubt(roster, request.period)))):
        raise _NotAuthorised(doubt)
    return Authority(None, asker)


def _refuse(
    request: Request,
    candidate: Candidate,
    policy: PolicyInForce,
    pinned: Pinned,
    judgement: Judgement,
    words: Words,
) -> None:
    text = " ".join(reason["text"] for reason in refusal_json(judgement, policy, words))
    record_refusal(request, candidate, policy, pinned, judgement, words)
    if judgement.passing:
        _note(request, Request.Status.PLANNED, text)
        _again(_SETTLED_S, text)
    _note(request, Request.Status.REFUSED, text)


def _signed_before(candidate: Candidate) -> str | None:
    """The latest chain time at which the candidate's roster can have been signed, as text; None where not known."""
    signed_s = candidate.roster.accepted_chain_s
    return None if signed_s is None else str(signed_s)


def _words(plan: Plan, candidate: Candidate) -> Words:
    return Words(
        {bytes.fromhex(line["recipient"][2:]): line["name"] for line in candidate.lines if line["name"]},
        [
            Token(bytes.fromhex(token["asset"][2:]), token["symbol"], int(token["decimals"]))
            for token in plan.inputs.get("tokens", [])
        ],
        native_token(plan.request.dao.chain_id),
    )


def _write(
    request: Request,
    plan: Plan,
    candidate: Candidate,
    calls: tuple[Call, ...],
    authority: Authority,
    policy: PolicyInForce,
    pinned: Pinned,
    judgement: Judgement,
    signer: Signer,
) -> Binding:
    """The decision record and the binding, in one transaction."""
    approval = authority.approval
    assert isinstance(judgement.answer, Allowed)
    number = pinned.number + 1
    actions = provenance.Actions(policy.module, policy.policy_id, policy.codehash, number, judgement.scheduled, calls)
    sections = {
        "inputs": {
            "request": {
                "reference": "0x" + bytes(request.reference).hex(),
                "text": request.text,
                "requested_by": checksum(bytes(request.requested_by)),
                "period": request.period,
            },
            "roster": plan.inputs["roster"] | {"signed_before_chain_s": _signed_before(candidate)},
            "policy": {
                "policy_id": "0x" + policy.policy_id.hex(),
                "version": str(policy.version),
                "code": "0x" + policy.raw.hex(),
            },
            "block": {
                "number": str(pinned.block.number),
                "hash": "0x" + pinned.block.hash.hex(),
                "timestamp_chain_s": str(pinned.now_chain_s),
            },
            "balances": {checksum(asset): str(amount) for asset, amount in sorted(pinned.balances.items())},
            "state": state_json(pinned.state),
            "candidates": [
                {
                    "key": row.key,
                    "label": row.label,
                    "is_roster": row.is_roster,
                    "differences": row.differences,
                    # Names stay with the operator: the payments are public, who is who need not be.
                    "lines": [{key: value for key, value in line.items() if key != "name"} for line in row.lines],
                    "calls": row.calls,
                }
                for row in request.candidates.all()
            ],
        },
        "prompt": plan.prompt or None,
        "model": plan.model or None,
        "sampling": plan.sampling or None,
        "output": {"text": plan.output} if plan.model else None,
        "checks": {
            "chosen": {"candidate": candidate.key, "by": plan.chosen_by},
            "asker": authority.asker.as_json(),
            "needs_approval": plan.needs_approval,
            "approval": None
            if approval is None
            else {
                "operator": checksum(bytes(approval.operator)),
                "pays": approval.typed_data["message"]["pays"],
                "signature": "0x" + bytes(approval.signature).hex(),
            },
            "evaluation": evaluation_json(policy.code, judgement.mode, judgement.answer),
            "simulation": judgement.simulation.as_json(),
        },
    }
    governor = Contract.objects.filter(dao=request.dao, kind=Contract.Kind.GOVERNOR).first()
    with transaction.atomic():
        last = DecisionRecord.objects.filter(dao=request.dao).order_by("-id").first()
        record = provenance.compose(
            sections,
            actions,
            chain_id=policy.chain_id,
            governor=governor.address if governor else bytes(20),
            prev_record=bytes(last.hash) if last else provenance.ZERO_HASH,
            created_at_s=int(timezone.now().timestamp()),
            sign=lambda document: (signer.address, signer.sign_typed_data(document)),
        )
        decision = bytes.fromhex(record["hash"][2:])
        row = DecisionRecord.objects.create(
            dao=request.dao,
            request=request,
            hash=decision,
            prev_hash=bytes.fromhex(record["message"]["prevRecord"][2:]),
            body=provenance.canonical(record).decode(),
            signer=signer.address,
        )
        binding = Binding.objects.create(
            request=request,
            candidate=candidate,
            module=request.module,
            policy_id=policy.policy_id,
            policy_codehash=policy.codehash,
            number=number,
            scheduled=judgement.scheduled,
            record=row,
            calldata=act_calldata(judgement.scheduled, policy.policy_id, policy.codehash, number, calls, decision),
        )
        PaidLine.objects.bulk_create(
            PaidLine(
                binding=binding,
                recipient=bytes.fromhex(line["recipient"][2:]),
                asset=bytes.fromhex(line["asset"][2:]),
                period=line["period"],
                amount=int(line["amount"]),
            )
            for line in candidate.lines
        )
        _note(request, Request.Status.EXECUTING, f"bound to act {number}")
    return binding


# ------------------------------------------------------------------------------------------------------------- send


def _key(binding: Binding) -> str:
    return f"act:0x{bytes(binding.record.hash).hex()}:{binding.attempt}"


def _journal(binding: Binding) -> Any:
    """Every transaction that was ever signed for the binding."""
    return OutgoingTransaction.objects.filter(key__startswith=f"act:0x{bytes(binding.record.hash).hex()}:")


def _send(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """Journal and broadcast the binding's exact call, after one more simulation at the pending block."""
    asked = simulate(rpc, signer.address, bytes(binding.module.address), bytes(binding.calldata), "pending")
    if not asked.ok:  # the chain moved since it was judged: whoever comes next judges again
        _again(_LOOK_S, f"the pending block refuses it: {asked.text}")
    try:
        send_once(
            _key(binding),
            rpc,
            request.dao.chain,
            signer,
            bytes(binding.module.address),
            bytes(binding.calldata),
        )
    except CallReverted as reverted:
        _again(_LOOK_S, f"the gas estimate reverted: {reverted}"[:200])


def _resume(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """Go on with a binding that exists: a worker was killed, or its act has not been read back yet."""
    sent = OutgoingTransaction.objects.filter(key=_key(binding)).first()
    if sent is None:
        _resume_unsigned(request, binding, rpc, signer)
        return
    if sent.status == OutgoingTransaction.Status.MINED:
        return  # the mirror will show it
    consumer = (
        Act.objects.select_related("log")
        .filter(module=binding.module, policy_id=bytes(binding.policy_id), number=binding.number)
        .first()
    )
    if consumer is not None and finalized(request.dao, consumer.log.block_number):
        # follow() saw no act with any of this request's decisions, so this one is somebody else's.
        binding.state = Binding.State.OVERTAKEN
        binding.save(update_fields=["state"])
        _note(request, Request.Status.PLANNED, f"act {binding.number} was consumed by another decision: planned again")
        return
    if sent.status == OutgoingTransaction.Status.FAILED:
        _after_failure(request, binding, rpc, signer)
        return
    send_once(_key(binding), rpc, request.dao.chain, signer, bytes(binding.module.address), bytes(binding.calldata))


def _resume_unsigned(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """Nothing was signed for this attempt. Send it if it may still be sent as it is; else give the number up."""
    pinned, judgement = _judge_again(request, binding, rpc)
    as_recorded = (
        pinned.codehash == bytes(binding.policy_codehash)
        and pinned.number + 1 == binding.number
        and judgement is not None
        and judgement.allowed
        and judgement.scheduled == binding.scheduled
    )
    if as_recorded:
        _send(request, binding, rpc, signer)
        return
    if _journal(binding).exists():  # an earlier attempt was signed: this number is given up only for a final reason
        _again(_SETTLED_S, "an earlier attempt failed, and this one is refused now")
    binding.state = Binding.State.UNUSED
    binding.save(update_fields=["state"])
    _note(request, Request.Status.PLANNED, "the chain moved before anything was signed: planned again")


def _judge_again(request: Request, binding: Binding, rpc: Rpc) -> tuple[Pinned, Judgement | None]:
    """What is true of the binding's act now; None where it may not be sent any more, whatever the policy says of it:
    another policy is in force, neither roster nor approval covers it now, or its row was changed."""
    policy = in_force(request.dao, request.policy_id)
    pinned = read_pinned(policy, rpc)
    if not pinned.is_of(policy):
        _again(_LOOK_S, "the mirror is behind the chain: another policy is in force there")
    calls = calls_from_json(binding.candidate.calls)
    recorded = act_calldata(
        binding.scheduled,
        policy.policy_id,
        policy.codehash,
        binding.number,
        calls,
        bytes(binding.record.hash),
    )
    if pinned.codehash != bytes(binding.policy_codehash) or recorded != bytes(binding.calldata):
        return pinned, None
    try:
        _authority(policy, request, _plan(request), binding.candidate, calls, pinned, rpc)
    except _NotAuthorised:
        return pinned, None
    try:
        return pinned, judge(policy, pinned, rpc, calls)
    except Halted as halted:
        _again(15, f"the agent is halted: {halted}")


def _after_failure(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """The transaction was mined and reverted, so the number is still free: try again if it may pass now, else end."""
    pinned, judgement = _judge_again(request, binding, rpc)
    if judgement is not None and judgement.passing:
        _again(_SETTLED_S, "reverted; refused for the moment")
    may_pass = (
        judgement is not None
        and judgement.allowed
        and judgement.scheduled == binding.scheduled
        and pinned.number + 1 == binding.number
    )
    if may_pass and binding.attempt < MOST_ATTEMPTS:
        binding.attempt += 1
        binding.save(update_fields=["attempt"])
        _send(request, binding, rpc, signer)
        return
    if pinned.number >= binding.number:
        _again(_SETTLED_S, "reverted: the act number was consumed; waiting until that is final")
    if not all(row.final for row in _journal(binding)):
        _again(_SETTLED_S, "reverted; waiting until that is final")
    binding.state = Binding.State.FAILED
    binding.save(update_fields=["state"])
    policy = in_force(request.dao, request.policy_id)
    why = "the chain refused it"
    if judgement is not None and not judgement.allowed:
        words = _words(Plan.objects.get(request=request), binding.candidate)
        record_refusal(request, binding.candidate, policy, pinned, judgement, words)
        why = " ".join(reason["text"] for reason in refusal_json(judgement, policy, words))
    _note(request, Request.Status.FAILED, f"sent {binding.attempt} times and reverted: {why}")


# ---------------------------------------------------------------------------------------------------------- release


def release(request_id: int, *, rpc: Rpc | None = None, signer: Signer | None = None) -> None:
    """Release a request's scheduled act once its delay is over and nobody stopped it. Doing it again is harmless.

    Raises work.Again until the act has ended one way or the other.
    """
    request = _load(request_id)
    with only_executor(request.dao) as held:
        if not held:
            _again(_LOOK_S, "another act of this DAO is being made")
        _release(request, rpc or Rpc.for_chain(request.dao.chain_id), signer)


def _release(request: Request, rpc: Rpc, signer: Signer | None) -> None:
    binding = request.bindings.select_related("record", "candidate", "module").filter(state=Binding.State.LIVE).first()
    act = (
        None
        if binding is None
        else Act.objects.filter(module=binding.module, decision=bytes(binding.record.hash)).first()
    )
    if binding is None or act is None:
        return  # reorganised away: the executor follows, and asks for the release again
    if act.status != Act.Status.SCHEDULED:
        follow(request)
        return
    now_chain_s = chain_now_s(request.dao)
    if now_chain_s < (act.releasable_chain_s or 0):
        _again(2, "waiting out the objection delay")
    if (stop := standing_halt(request.dao)) is not None:
        _again(15, f"the agent is halted: {stop.reason}")
    key = f"release:0x{bytes(act.act_id).hex()}:{binding.release_attempt}"
    sent = OutgoingTransaction.objects.filter(key=key).first()
    if act.expires_chain_s is not None and now_chain_s >= act.expires_chain_s:
        _note(request, Request.Status.STOPPED, f"not released in time: {request.reason}")
        return
    signer = signer or agent_signer()
    calls = calls_from_json(binding.candidate.calls)
    decision = bytes(act.decision)
    calldata = release_calldata(bytes(act.policy_id), act.number, calls, decision)
    if sent is not None and sent.status == OutgoingTransaction.Status.FAILED:
        binding.release_attempt += 1
        binding.save(update_fields=["release_attempt"])
        _again(_SETTLED_S, "the release reverted")
    if sent is None:
        policy = in_force(request.dao, request.policy_id)
        if _pays_any(binding.candidate, paid_lines(policy, request.period, request)):
            # It was stopped, the month was asked for again, and a reorganisation took the stop away.
            _note(request, Request.Status.STOPPED, f"somebody of it was paid for {request.period} by another request")
            return
        pinned = read_pinned(policy, rpc)
        if not provenance.proves_authority(binding.record.body):
            # Scheduled by a version that asked neither who asks nor what the model's reason was: ask now.
            try:
                _authority(policy, request, _plan(request), binding.candidate, calls, pinned, rpc)
            except _NotAuthorised as error:
                _note(
                    request, Request.Status.SCHEDULED, f"not released: {error}; it lapses, and can be asked for again"
                )
                _again(60, str(error))
        try:
            judgement = judge_release(policy, pinned, rpc, act.number, calls, decision)
        except Halted as halted:
            _again(15, f"the agent is halted: {halted}")
        if not judgement.allowed:
            text = " ".join(
                reason["text"] for reason in refusal_json(judgement, policy, _words(_plan(request), binding.candidate))
            )
            if judgement.simulation.name in ENDED:
                _note(request, Request.Status.STOPPED, f"can't be released any more: {judgement.simulation.text}")
                return
            _note(request, Request.Status.SCHEDULED, f"can't be released now: {text}")
            _again(_SETTLED_S, text)
        asked = simulate(rpc, signer.address, bytes(binding.module.address), calldata, "pending")
        if not asked.ok:
            _again(_LOOK_S, f"the pending block refuses the release: {asked.text}")
    try:
        send_once(key, rpc, request.dao.chain, signer, bytes(binding.module.address), calldata)
    except CallReverted as reverted:
        _again(_LOOK_S, f"the gas estimate reverted: {reverted}"[:200])
    _again(_LOOK_S, "the release is on its way")


def _plan(request: Request) -> Plan:
    return Plan.objects.get(request=request)


_looked_at_mined = 0.0


def _look_at_mined_now() -> None:
    """Have the next `settle_sent` look at what was mined too: a reorganisation took something away."""
    global _looked_at_mined
    _looked_at_mined = 0.0


def settle_sent() -> None:
    """Bring the agent's own transactions that are not final one step further: rebroadcast, replace, note receipts.

    What is not mined yet is looked at on every call, what is only not final yet every `_LOOK_AT_MINED_S`.
    """
    global _looked_at_mined
    if not settings.AGENT_KEYSTORE:
        return
    waiting = OutgoingTransaction.objects.filter(key__regex="^(act|release):", final=False).select_related("chain")
    if _looked_at_mined and time.monotonic() - _looked_at_mined < _LOOK_AT_MINED_S:
        waiting = waiting.filter(status__in=(OutgoingTransaction.Status.SIGNED, OutgoingTransaction.Status.SENT))
    else:
        _looked_at_mined = time.monotonic()
    for chain in {row.chain for row in waiting}:
        # While a kill switch stands nothing is signed, not even the same call with higher fees: receipts are noted.
        halted = AgentHalt.objects.filter(dao__chain=chain, cleared_at=None).exists()
        settle(Rpc.for_chain(chain.pk), chain, *([] if halted else [agent_signer()]))
