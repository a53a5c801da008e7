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
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agent.acts import (
    approvals,
    askers,
    elsewhere,
    forms,
    life,
    operators,
    paid,
    provenance,
    record,
    rosters,
    silence,
    situation,
    words,
)
from agent.acts.calls import calls_from_json, calls_hash, payment_call
from agent.acts.halts import Switched
from agent.acts.judging import Halted, Judgement, halt, judge, judge_release, refusal, standing_halt
from agent.acts.paid import paid_lines
from agent.acts.planner import record_refusal
from agent.acts.policy import (
    NoPolicyInForce,
    PolicyInForce,
    acts_read,
    chain_now_s,
    finalized,
    in_force,
)
from agent.acts.record import Authority
from agent.acts.simulate import ENDED, act_calldata, release_calldata, simulate
from agent.acts.situation import Chosen, Judged
from agent.acts.words import Stated, because, say
from agent.models import AgentHalt, Approval, Binding, Candidate, DecisionRecord, PaidLine, Plan, Request, Roster
from agent.work_names import EXECUTE_WORK, RELEASE_WORK
from governance import audit_log, work
from governance.chain.address import checksum
from governance.chain.keys import Signer, signer_of
from governance.chain.rpc import CallReverted, Rpc, RpcError
from governance.chain.send import send_once, settle
from governance.locks import LockClass, session_lock
from governance.models import Act, Contract, Dao, OutgoingTransaction
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_bytes, hex_text

_LOOK_S = 1  # while an act is on its way
_SETTLED_S = 5  # while an act that was read back is not final yet
_LOOK_AT_MINED_S = 10.0
_LOOK_AT_PRICES_S = 60
MOST_ATTEMPTS = 3
Who = life.Who
_ENDS = (Request.Status.REFUSED, Request.Status.ABSTAINED)


def agent_signer() -> Signer:
    """The agent's key, from the keystore that the settings name. Raises governance.chain.keys.KeystoreProblem."""
    return signer_of(settings.AGENT_KEYSTORE, settings.AGENT_PASSWORD_FILE)


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
        _again(_SETTLED_S, error.sentence)


def _load(request_id: int) -> Request:
    return Request.objects.select_related("dao__chain", "module").get(pk=request_id)


def _again(seconds: float, reason: Sentence) -> NoReturn:
    raise work.Again(timezone.now() + timedelta(seconds=seconds), reason)


def _move(request: Request, status: str, why: Sentence, who: str = Who.EXECUTOR) -> None:
    """Move the request. Raises work.Again where somebody else moved it since this step began."""
    try:
        life.move(request, status, who, why)
    except life.MovedMeanwhile as moved:
        _again(_LOOK_S, moved.why)


def _halted(stop: AgentHalt) -> NoReturn:
    _again(15, say("halted", reason=words.reason_of(stop)))


@contextmanager
def _unless_stopped() -> Iterator[None]:
    """Raises work.Again where the agent was stopped while the block ran, before it signed."""
    try:
        yield
    except Halted as halted:
        _again(15, say("halted", reason=halted.sentence))


# ---------------------------------------------------------------------------------------------------------- execute


def execute(request_id: int, *, rpc: Rpc | None = None, signer: Signer | None = None) -> None:
    """Bind, record, send and follow a planned request until its act is final. Doing it again is harmless.

    Raises work.Again until then.
    """
    with only_executor(Dao.objects.get(requests=request_id)) as held:
        if not held:
            _again(_LOOK_S, say("another_act_made"))
        request = _load(request_id)
        with _unless_stopped():
            _execute(request, rpc or Rpc.for_chain(request.dao.chain_id), signer)


def _execute(request: Request, rpc: Rpc, signer: Signer | None) -> None:
    if follow(request):
        return
    if request.status in _ENDS or life.was_ended(request):
        return
    stop = standing_halt(request.dao)
    if stop is not None:  # what was signed already is out of our hands; nothing new is signed or sent
        _halted(stop)
    binding = request.bindings.select_related("record", "candidate", "module").filter(state=Binding.State.LIVE).first()
    if binding is None:
        if request.status not in (Request.Status.PLANNED, Request.Status.EXECUTING):
            return
        if _is_number_taken(request):
            _again(_LOOK_S, say("another_act_made"))
        switched = Switched(signer or agent_signer(), request.dao, request=request)
        binding = _bind(request, rpc, switched)
        if binding is None:
            return
        _send(request, binding, rpc, switched)
    else:
        _resume(request, binding, rpc, Switched(signer or agent_signer(), request.dao, request=request))
    _again(_LOOK_S, say("act_on_its_way"))


def follow(request: Request) -> bool:
    """Take over what the mirror says of the request's act; whether that is final. Raises work.Again while it is not.

    Every record that was ever made for the request counts, so an act that a reorganisation brings back is seen too.
    """
    decisions = list(request.records.values_list("hash", flat=True))
    act = (
        Act.objects.select_related("log", "final_log__unconfirmed")
        .filter(module=request.module, decision__in=[bytes(item) for item in decisions])
        .order_by("-number")
        .first()
    )
    if act is None:
        if request.status in (Request.Status.EXECUTED, Request.Status.SCHEDULED):
            _move(request, Request.Status.EXECUTING, say("gone_from_chain"), Who.MIRROR)
            _look_at_mined_now()
        return False
    log = act.final_log or act.log
    if act.status in (Act.Status.EXECUTED, Act.Status.RELEASED):
        how = "paid" if act.status == Act.Status.EXECUTED else "paid_after_delay"
        _move(request, Request.Status.EXECUTED, say(how, number=act.number), Who.MIRROR)
    elif act.status == Act.Status.SCHEDULED:
        if request.status != Request.Status.STOPPED:  # expired: no log says so
            _move(request, Request.Status.SCHEDULED, say("waits_out_delay", number=act.number), Who.MIRROR)
        work.enqueue(RELEASE_WORK, str(request.pk), renew=True)
    elif hasattr(log, "unconfirmed"):  # one node's word that nothing will be paid
        _again(_SETTLED_S, say("stop_in_doubt", number=act.number))
    else:
        why = {Act.Status.KILLED: "killed", Act.Status.VETOED: "vetoed", Act.Status.VOIDED: "voided"}
        _move(request, Request.Status.STOPPED, say(why[Act.Status(act.status)], number=act.number), Who.MIRROR)
    if not finalized(request.dao, log.block_number):
        _again(_SETTLED_S, say("not_final_yet"))
    return True


def _is_number_taken(request: Request) -> bool:
    """Whether another request of the policy is bound to the next number, and its act is not read back yet: the head of
    the queue goes on, the others wait, and ask no node meanwhile."""
    bound = Binding.objects.filter(module=request.module, policy_id=bytes(request.policy_id), state=Binding.State.LIVE)
    number = bound.exclude(request=request).order_by("-number").values_list("number", flat=True).first()
    acts = Act.objects.filter(module=request.module, policy_id=bytes(request.policy_id), number=number)
    return number is not None and not acts.exists()


def _bind(request: Request, rpc: Rpc, signer: Signer) -> Binding | None:
    """Check everything again and bind the request to the next act number, with its decision record; None: it ended."""
    signed_before = [
        binding
        for binding in request.bindings.select_related("record").exclude(state=Binding.State.FAILED)
        if binding.state != Binding.State.OVERTAKEN and _journal(binding).exists()
    ]
    if signed_before:  # can't be: a binding is given up as unused only when nothing was signed for it
        halt(request.dao, say("signed_before"), {"request": str(request.pk)})
    try:
        policy = in_force(request.dao, request.policy_id)
    except NoPolicyInForce as error:
        _move(request, Request.Status.REFUSED, error.sentence)
        return None
    plan = _plan(request)
    candidate = plan.candidate
    if candidate is None:
        _move(request, Request.Status.NEEDS_APPROVAL, say("no_candidate"))
        return None
    if policy.contract.pk != request.module_id:
        _move(request, Request.Status.REFUSED, say("other_module"))
        return None
    if signer.address != policy.code.agent:
        _again(15, say("other_key", key=checksum(signer.address), agent=checksum(policy.code.agent)))
    known = _situation_of(request, policy, plan, candidate, rpc)
    if not acts_read(policy, known.pinned):
        _again(_LOOK_S, say("last_act_unread"))
    if not _is_still_asked(known):
        _move(request, Request.Status.REFUSED, say("policy_changed_ask_again"))
        return None
    try:
        authority = _authority(known, rpc)
    except _NotAuthorised as error:
        _move(request, Request.Status.NEEDS_APPROVAL, error.sentence)
        return None
    if (unseen := _unseen(known)) is not None:
        # Somebody of it was paid in another way since this was planned, and nobody has looked at that.
        warnings, since_approved = unseen
        with transaction.atomic():  # who finds the warnings written takes an approval for one that knows of them
            for warning in warnings:
                paid.warn(candidate, warning)
            if authority.approval is None:
                _move(request, Request.Status.NEEDS_APPROVAL, warnings[0] if len(warnings) == 1 else because(warnings))
            else:
                _move(request, Request.Status.REFUSED, since_approved)
        return None
    if _pays_any(candidate, paid_lines(policy, request.period, request)):
        _move(request, Request.Status.REFUSED, say("somebody_paid", period=request.period))
        return None
    if (moved := _price_moved(known, rpc)) is not None:
        _move(request, Request.Status.REFUSED, say("ask_again_as", why=moved))
        return None
    judged = known.judged(_judge(known, rpc))
    if not judged.judgement.allowed:
        _refuse(judged)
        return None
    return _write(judged, authority, signer)


def _situation_of(request: Request, policy: PolicyInForce, plan: Plan, candidate: Candidate, rpc: Rpc) -> Chosen:
    """What is known of the candidate at this step. Raises work.Again while the mirror is behind the chain."""
    read = situation.read(request, policy, rpc)
    if not read.pinned.is_of(policy):
        _again(_LOOK_S, say("mirror_behind"))
    return read.chosen(plan, candidate, situation.words_of(request, plan))


def _unseen(known: Chosen) -> tuple[list[Sentence], Sentence] | None:
    """That somebody of the candidate was paid in another way, of which the operator was not told, and what to say of it
    where it was approved before; None where there is nothing."""
    if (found := paid.unwarned(known.policy, known.request, known.candidate)) is not None:
        return [found[0]], found[1]
    moved = elsewhere.unwarned(known.plan, known.candidate, known.words.tokens)
    return (moved, say("form_since_approved", why=because(moved))) if moved else None


def _is_still_asked(known: Chosen) -> bool:
    """Whether the calls are what a form's answer, or exact calls, mean under the policy in force; true of words."""
    act, quoted = known.request.act, known.plan.inputs.get("quotes", [])
    who = bytes(known.request.requested_by)
    return not act or forms.is_still_asked(known.policy.code, act, quoted, known.calls, who)


def _price_moved(known: Chosen, rpc: Rpc) -> Sentence | None:
    """Why the minima of swaps let more through now than was asked for; None where they don't."""
    quoted, block = known.plan.inputs.get("quotes", []), known.pinned.block
    return forms.price_moved(known.policy.code, known.request.act, quoted, rpc, block.hash, block.number)


def _judge(known: Chosen, rpc: Rpc) -> Judgement:
    """What policy and chain say of the calls. Raises work.Again where they disagree, and the agent is halted."""
    try:
        return judge(known.policy, known.pinned, rpc, known.calls)
    except Halted as halted:
        _again(15, say("halted", reason=halted.sentence))


def _pays_any(candidate: Candidate, payees: frozenset[tuple[bytes, bytes]]) -> bool:
    """Whether a line of the candidate pays one of these (recipient, asset)."""
    return any((hex_bytes(line["recipient"]), hex_bytes(line["asset"])) in payees for line in candidate.lines)


class _NotAuthorised(Stated):
    """Neither the roster nor an approval covers these calls now."""


def _authority(known: Chosen, rpc: Rpc) -> Authority:
    """What these calls rest on now. Raises _NotAuthorised.

    Who is paid what is verified from signatures, and what the asker holds from the chain, not from our own rows.
    """
    request, policy, plan, candidate = known.request, known.policy, known.plan, known.candidate
    payees: set[bytes] = set()
    lines: tuple[rosters.Line, ...] = ()
    rules: rosters.Rules | None = None
    problem, roster = words.NOTHING, None
    try:
        # The chain's own time: while the mirror reads blocks again, its own is an older one.
        roster = rosters.current(policy, known.pinned.now_chain_s)
        terms = rosters.terms_of(roster)
        lines, rules = terms.lines, terms.rules
        payees = {line.recipient for line in lines}
    except rosters.RosterError as error:
        problem = error.sentence
    may_ask = askers.HAS_A_SAY if rules is None else rules.may_ask
    asker = askers.standing(policy, request, payees, rpc, known.pinned.block.hash, may_ask)
    approval = approvals.standing(policy, request, candidate)
    if approval is not None and calls_hash(known.calls) == bytes(approval.calls_hash):
        _confirm(approval, known, rpc)
        return Authority(approval, asker)
    if plan.needs_approval or candidate.differences or not candidate.is_roster:
        raise _NotAuthorised(say("approval_missing"))
    if plan.chosen_by not in (Plan.ChosenBy.MODEL, Plan.ChosenBy.ROSTER):
        raise _NotAuthorised(say("approval_missing"))
    was_silent = plan.chosen_by == Plan.ChosenBy.ROSTER and bool(plan.silence) and not plan.model
    if was_silent and (no := silence.no_before(request, candidate)) is not None:
        raise _NotAuthorised(no)
    if not was_silent and not plan.model_agrees_to(candidate):
        word = plan.word
        raise _NotAuthorised(say("model_did_not_agree", word=None if word is None else word.as_json()))
    if roster is None or problem:
        raise _NotAuthorised(problem)
    if roster.pk != candidate.roster_id or known.calls != tuple(
        payment_call(line.recipient, line.asset, line.amount) for line in lines
    ):
        raise _NotAuthorised(say("roster_replaced"))
    if any(line["period"] != request.period for line in candidate.lines):
        raise _NotAuthorised(say("other_month_planned"))
    doubts = [doubt for doubt in (asker.doubt, askers.early_doubt(roster, request.period)) if doubt]
    doubts += askers.rule_doubts(rules, asker, request.period)
    if doubts:
        raise _NotAuthorised(because(doubts))
    _confirm(roster, known, rpc)
    return Authority(None, asker)


def _confirm(signed: Approval | Roster, known: Chosen, rpc: Rpc) -> None:
    """A contract account's word is asked again at the newest block: its owners may have changed. Raises
    _NotAuthorised."""
    why = operators.confirm(
        rpc, signed.typed_data, bytes(signed.operator), bytes(signed.signature), signed.signed_block_number,
        known.pinned.block,
    )  # fmt: skip
    if why is not None:
        raise _NotAuthorised(say("operator_withdrew", signature=why))


def _refuse(known: Judged) -> None:
    why = refusal(known.judgement, known.policy, known.words)
    record_refusal(known)
    if known.judgement.passing:
        _move(known.request, Request.Status.PLANNED, why)
        _again(_SETTLED_S, why)
    _move(known.request, Request.Status.REFUSED, why)


def _write(known: Judged, authority: Authority, signer: Signer) -> Binding:
    """The decision record and the binding, in one transaction."""
    request, policy, candidate, judgement = known.request, known.policy, known.candidate, known.judgement
    number, calls = known.pinned.number + 1, known.calls
    actions = provenance.Actions(policy.module, policy.policy_id, policy.codehash, number, judgement.scheduled, calls)
    sections = record.sections(known, list(request.candidates.all()), authority)
    governor = Contract.objects.filter(dao=request.dao, kind=Contract.Kind.GOVERNOR).first()
    with transaction.atomic():
        last = DecisionRecord.objects.filter(dao=request.dao).order_by("-id").first()
        signed = provenance.compose(
            sections,
            actions,
            chain_id=policy.chain_id,
            governor=governor.address if governor else bytes(20),
            prev_record=bytes(last.hash) if last else provenance.ZERO_HASH,
            created_at_s=int(timezone.now().timestamp()),
            sign=lambda document: (signer.address, signer.sign_typed_data(document)),
        )
        decision = hex_bytes(signed["hash"])
        row = DecisionRecord.objects.create(
            dao=request.dao,
            request=request,
            hash=decision,
            prev_hash=hex_bytes(signed["message"]["prevRecord"]),
            body=provenance.canonical(signed).decode(),
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
                recipient=hex_bytes(line["recipient"]),
                asset=hex_bytes(line["asset"]),
                period=line["period"],
                amount=int(line["amount"]),
            )
            for line in candidate.lines
        )
        _move(request, Request.Status.EXECUTING, say("bound", number=number))
        decided = {"request": request.pk, "number": number, "record": signed["hash"]}
        audit_log.record(audit_log.Action.DECISION_RECORDED, request.dao, **decided)
    return binding


# ------------------------------------------------------------------------------------------------------------- send


def _key(binding: Binding) -> str:
    return f"act:{hex_text(bytes(binding.record.hash))}:{binding.attempt}"


def _journal(binding: Binding) -> Any:
    """Every transaction that was ever signed for the binding."""
    return OutgoingTransaction.objects.filter(key__startswith=f"act:{hex_text(bytes(binding.record.hash))}:")


def _send(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """Journal and broadcast the binding's exact call, after one more simulation at the pending block."""
    asked = simulate(rpc, signer.address, bytes(binding.module.address), bytes(binding.calldata), "pending")
    if not asked.ok:  # the chain moved since it was judged: whoever comes next judges again
        _again(_LOOK_S, say("pending_refuses", error=asked.text))
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
        _again(_LOOK_S, say("gas_estimate_reverted", problem=reverted.sentence))


def _resume(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """Go on with a binding that exists: a worker was killed, or its act has not been read back yet."""
    sent = OutgoingTransaction.objects.filter(key=_key(binding)).first()
    if sent is None and not _journal(binding).exists():
        _resume_unsigned(request, binding, rpc, signer)
        return
    if sent is not None and sent.status == OutgoingTransaction.Status.MINED:
        return  # the mirror will show it
    consumer = (
        Act.objects.select_related("log")
        .filter(module=binding.module, policy_id=bytes(binding.policy_id), number=binding.number)
        .first()
    )
    if consumer is not None and finalized(request.dao, consumer.log.block_number):
        # follow() saw no act with any of this request's decisions, so this one is somebody else's.
        _give_up(request, binding, Binding.State.OVERTAKEN, say("overtaken", number=binding.number))
        return
    if sent is None:
        _resume_unsigned(request, binding, rpc, signer)
        return
    if sent.status == OutgoingTransaction.Status.FAILED:
        _after_failure(request, binding, rpc, signer)
        return
    send_once(_key(binding), rpc, request.dao.chain, signer, bytes(binding.module.address), bytes(binding.calldata))


def _resume_unsigned(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """Nothing was signed for this attempt. Send it if it may still be sent as it is; else give the number up."""
    known = _judge_again(request, binding, rpc)
    judgement = known.judgement if isinstance(known, Judged) else None
    as_recorded = (
        known.pinned.codehash == bytes(binding.policy_codehash)
        and known.pinned.number + 1 == binding.number
        and judgement is not None
        and judgement.allowed
        and judgement.scheduled == binding.scheduled
    )
    if as_recorded:
        _send(request, binding, rpc, signer)
        return
    if _journal(binding).exists():  # an earlier attempt reverted, and this one may not be sent as it is
        _fail_once_final(request, binding, known)
    else:
        _give_up(request, binding, Binding.State.UNUSED, say("chain_moved"))


def _give_up(request: Request, binding: Binding, state: str, why: Sentence) -> None:
    """Plan the request again under another number: this one was consumed, or never used."""
    with transaction.atomic():
        binding.state = state
        binding.save(update_fields=["state"])
        _move(request, Request.Status.PLANNED, why)


def _judge_again(request: Request, binding: Binding, rpc: Rpc) -> Chosen | Judged:
    """What is true of the binding's act now. It is not judged where it may not be sent any more, whatever the policy
    says of it: another policy is in force, neither roster nor approval covers it now, its row was changed, or
    somebody of it was paid in another way that nobody has looked at, or the price of a swap moved."""
    known = _situation_of(request, in_force(request.dao, request.policy_id), _plan(request), binding.candidate, rpc)
    policy = known.policy
    recorded = act_calldata(
        binding.scheduled,
        policy.policy_id,
        policy.codehash,
        binding.number,
        known.calls,
        bytes(binding.record.hash),
    )
    if known.pinned.codehash != bytes(binding.policy_codehash) or recorded != bytes(binding.calldata):
        return known
    try:
        _authority(known, rpc)
    except _NotAuthorised:
        return known
    if _unseen(known) is not None or _price_moved(known, rpc) is not None:
        return known
    return known.judged(_judge(known, rpc))


def _after_failure(request: Request, binding: Binding, rpc: Rpc, signer: Signer) -> None:
    """The transaction was mined and reverted, so the number is still free: try again if it may pass now, else end."""
    known = _judge_again(request, binding, rpc)
    judgement = known.judgement if isinstance(known, Judged) else None
    may_pass = (
        judgement is not None
        and not judgement.passing
        and judgement.allowed
        and judgement.scheduled == binding.scheduled
        and known.pinned.number + 1 == binding.number
    )
    if may_pass and binding.attempt < MOST_ATTEMPTS:
        binding.attempt += 1
        binding.save(update_fields=["attempt"])
        _send(request, binding, rpc, signer)
        return
    _fail_once_final(request, binding, known)


def _fail_once_final(request: Request, binding: Binding, known: Chosen | Judged) -> None:
    """End a request whose act reverted and may not be sent again, so that the next one has its number. Raises
    work.Again while it may pass later, or one of its transactions may still be mined."""
    signed = list(_journal(binding))
    if isinstance(known, Judged) and known.judgement.passing:
        _again(_SETTLED_S, say("reverted_refused_now"))
    if known.pinned.number >= binding.number:
        _again(_SETTLED_S, say("reverted_number_consumed"))
    if not all(row.final and row.status == OutgoingTransaction.Status.FAILED for row in signed):
        _again(_SETTLED_S, say("reverted_not_final"))
    why = say("chain_refused")
    if isinstance(known, Judged) and not known.judgement.allowed:
        record_refusal(known)
        why = refusal(known.judgement, known.policy, known.words)
    with transaction.atomic():
        binding.state = Binding.State.FAILED
        binding.save(update_fields=["state"])
        _move(request, Request.Status.FAILED, say("reverted", attempts=len(signed), why=why))


# ---------------------------------------------------------------------------------------------------------- release


def release(request_id: int, *, rpc: Rpc | None = None, signer: Signer | None = None) -> None:
    """Release a request's scheduled act once its delay is over and nobody stopped it. Doing it again is harmless.

    Raises work.Again until the act has ended one way or the other.
    """
    with only_executor(Dao.objects.get(requests=request_id)) as held:
        if not held:
            _again(_LOOK_S, say("another_act_made"))
        request = _load(request_id)
        with _unless_stopped():
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
        _again(2, say("objection_delay_runs"))
    if (stop := standing_halt(request.dao)) is not None:
        _halted(stop)
    key = f"release:{hex_text(bytes(act.act_id))}:{binding.release_attempt}"
    sent = OutgoingTransaction.objects.filter(key=key).first()
    if act.expires_chain_s is not None and now_chain_s >= act.expires_chain_s:
        if request.status != Request.Status.STOPPED:
            before = words.reason_of(request)
            _move(request, Request.Status.STOPPED, say("not_released_in_time", before=before))
        return
    signer = Switched(signer or agent_signer(), request.dao, request=request)
    calls = calls_from_json(binding.candidate.calls)
    decision = bytes(act.decision)
    calldata = release_calldata(bytes(act.policy_id), act.number, calls, decision)
    if sent is not None and sent.status == OutgoingTransaction.Status.FAILED:
        binding.release_attempt += 1
        binding.save(update_fields=["release_attempt"])
        _again(_SETTLED_S, say("release_reverted"))
    if sent is None:
        policy = in_force(request.dao, request.policy_id)
        if _pays_any(binding.candidate, paid_lines(policy, request.period, request)):
            # It was stopped, the month was asked for again, and a reorganisation took the stop away.
            _move(request, Request.Status.STOPPED, say("paid_by_another_request", period=request.period))
            return
        plan = _plan(request)
        lent = situation.words_of(request, plan)
        known = situation.read(request, policy, rpc).chosen(plan, binding.candidate, lent)
        if not provenance.proves_authority(binding.record.body):
            # Scheduled by a version that asked neither who asks nor what the model's reason was: ask now.
            try:
                _authority(known, rpc)
            except _NotAuthorised as error:
                why = say("release_not_authorised", why=error.sentence)
                _move(request, Request.Status.SCHEDULED, why)
                _again(60, error.sentence)
        try:
            judgement = judge_release(policy, known.pinned, rpc, act.number, calls, decision)
        except Halted as halted:
            _again(15, say("halted", reason=halted.sentence))
        if not judgement.allowed:
            why = refusal(judgement, policy, lent)
            if judgement.simulation.name in ENDED:
                _move(request, Request.Status.STOPPED, say("release_ended", error=judgement.simulation.text))
                return
            _move(request, Request.Status.SCHEDULED, say("release_refused", why=why))
            _again(_SETTLED_S, why)
        if (moved := _price_moved(known, rpc)) is not None:  # it lapses unless the price comes back in time
            why = say("release_refused", why=moved)
            _move(request, Request.Status.SCHEDULED, why)
            _again(_LOOK_AT_PRICES_S, why)
        asked = simulate(rpc, signer.address, bytes(binding.module.address), calldata, "pending")
        if not asked.ok:
            _again(_LOOK_S, say("pending_refuses_release", error=asked.text))
    try:
        send_once(key, rpc, request.dao.chain, signer, bytes(binding.module.address), calldata)
    except CallReverted as reverted:
        _again(_LOOK_S, say("gas_estimate_reverted", problem=reverted.sentence))
    _again(_LOOK_S, say("release_on_its_way"))


def _plan(request: Request) -> Plan:
    return Plan.objects.select_related("candidate__roster").get(request=request)


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
        signers = [] if halted else [Switched(agent_signer(), *Dao.objects.filter(chain=chain))]
        # One that is stopped while this runs ends it before the next signing; receipts are noted the next time.
        with suppress(Halted):
            settle(Rpc.for_chain(chain.pk), chain, *signers)
