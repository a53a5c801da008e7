# SPDX-License-Identifier: Apache-2.0
"""Policies that were put in force, the acts under them, and whether their module is paused."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Sum

from governance import incidents
from governance.chain.module import act_input
from governance.fields import UINT256_MAX
from governance.models import Act, ActCall, ChainAnswer, Contract, Dao, ModuleState, Objection, PolicyVersion
from governance.projections import events
from governance.projections.events import Event, Kind
from governance.projections.one_pass import Handler, OnePass
from governance.projections.rows import LogRow, row_of
from governance.words import say
from policies.code.encoding import DecodeError, decode
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

_INT_MAX = 2**31 - 1


class ModuleEvents:
    """Applies the events of policy modules."""

    def __init__(self, run: OnePass):
        self._run = run
        self.handlers: Mapping[str, Handler] = {
            "PolicySet": self._policy_set,
            "PolicyShortened": self._policy_shortened,
            "ActExecuted": self._executed,
            "ActScheduled": self._scheduled,
            "ActReleased": self._released,
            "ActKilled": self._killed,
            "ActVetoed": self._vetoed,
            "ActObjected": self._objected,
            "PetitionOpened": self._petition_opened,
            "PetitionSigned": self._petition_signed,
            "Paused": self._paused,
            "Unpaused": self._unpaused,
            "GuardianSet": self._guardian_set,
        }

    # --- policies

    def _policy_set(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        answer = ChainAnswer.objects.filter(
            dao=self._run.dao, kind=ChainAnswer.Kind.CODE, key=hex_text(a["pointer"])
        ).first()
        code = bytes(answer.value) if answer else b""
        facts = {"policy_id": hex_text(a["policyId"]), "version": a["version"]}
        if not code.startswith(b"\x00") or keccak(code) != a["codehash"]:
            self._run.note_incident(
                incidents.Kind.POLICY_CODE,
                say("policy_code_differs" if answer else "policy_code_unread", **facts, pointer=hex_text(a["pointer"])),
                facts,
                log.block_number,
            )
            code = b""
        else:
            # The code may have come with another log that points to it, and this one is folded again since.
            incidents.resolve(self._run.dao, incidents.Kind.POLICY_CODE, facts=facts)
        policy, _ = PolicyVersion.objects.update_or_create(
            module=contract,
            policy_id=a["policyId"],
            version=a["version"],
            defaults={
                "dao": self._run.dao,
                "agent": a["agent"],
                "codehash": a["codehash"],
                "code": code[1:],
                "log_id": log.pk,
            },
        )
        self._run.touched[PolicyVersion].add(policy.pk)
        self._void(log, module=contract, policy_id=a["policyId"])
        self._run.publish("policy.set", f"{hex_text(a['policyId'])}:{a['version']}", log)

    def _policy_shortened(self, contract: Contract, log: LogRow, event: Event) -> None:
        if event.args["end"] <= log.block_timestamp_chain_s:
            self._void(log, module=contract, policy_id=event.args["policyId"])
        self._run.publish("policy.shortened", f"{hex_text(event.args['policyId'])}:{event.args['end']}", log)

    def _void(self, log: LogRow, **which: Any) -> None:
        waiting = self._run.seen(Act.objects.filter(status=Act.Status.SCHEDULED, **which))
        for act in waiting:
            self._run.publish("act.voided", act_key(act.policy_id, act.number), log)
        waiting.update(status=Act.Status.VOIDED, final_log_id=log.pk)

    def _policy_in_force(self, contract: Contract, policy_id: bytes) -> PolicyVersion | None:
        versions = self._run.seen(PolicyVersion.objects.filter(module=contract, policy_id=policy_id))
        return versions.order_by("-version").first()

    # --- acts

    def _act(self, contract: Contract, log: LogRow, event: Event, status: str, **fields: Any) -> Act:
        a = event.args
        act, _ = Act.objects.update_or_create(
            module=contract,
            policy_id=a["policyId"],
            number=a["number"],
            defaults={
                "dao": self._run.dao,
                "version": a["version"] if "version" in a else self._version_in_force(contract, a["policyId"]),
                "agent": a["agent"],
                "decision": a["decision"],
                "status": status,
                "log_id": log.pk,
                "at_chain_s": log.block_timestamp_chain_s,
                "final_log_id": None,
                "act_id": None,
                "releasable_chain_s": None,
                "expires_chain_s": None,
                "snapshot": None,
                "objection_power": 0,
                "objection_threshold": None,
                **fields,
            },
        )
        self._run.touched[Act].add(act.pk)
        act.calls.all().delete()
        act.objections.all().delete()
        return act

    def _version_in_force(self, contract: Contract, policy_id: bytes) -> int:
        """Return the version that the last `PolicySet` named; 0 if none was seen (a gap)."""
        policy = self._policy_in_force(contract, policy_id)
        return policy.version if policy else 0

    def _executed(self, contract: Contract, log: LogRow, event: Event) -> None:
        act = self._act(contract, log, event, Act.Status.EXECUTED, final_log_id=log.pk)
        _add_calls(act, _calls_of(self._run.dao, contract, log, event))
        self._run.publish("act.executed", act_key(act.policy_id, act.number), log)

    def _scheduled(self, contract: Contract, log: LogRow, event: Event) -> None:
        a = event.args
        act = self._act(
            contract, log, event, Act.Status.SCHEDULED, act_id=a["actId"], releasable_chain_s=a["releasableAt"],
            expires_chain_s=a["expiresAt"], snapshot=a["snapshot"],
            objection_threshold=objection_threshold(
                self._run.dao, self._policy_in_force(contract, a["policyId"]), a["snapshot"]
            ),
        )  # fmt: skip
        _add_calls(act, a["calls"])
        self._run.publish("act.scheduled", act_key(act.policy_id, act.number), log)

    def _waiting(self, contract: Contract, event: Event) -> Act | None:
        acts = Act.objects.filter(module=contract, act_id=event.args["actId"])
        return self._run.seen(acts).order_by("-pk").first()

    def _finish(self, contract: Contract, log: LogRow, event: Event, status: str) -> None:
        act = self._waiting(contract, event)
        if act is not None:
            Act.objects.filter(pk=act.pk).update(status=status, final_log_id=log.pk)
            self._run.publish(f"act.{status}", act_key(act.policy_id, act.number), log)

    def _released(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.RELEASED)

    def _killed(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.KILLED)

    def _vetoed(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._finish(contract, log, event, Act.Status.VETOED)

    def _objected(self, contract: Contract, log: LogRow, event: Event) -> None:
        act = self._waiting(contract, event)
        if act is None:
            return
        a = event.args
        Objection.objects.update_or_create(
            log_id=log.pk, defaults={"act": act, "account": a["account"], "power": a["power"]}
        )
        total = act.objections.aggregate(total=Sum("power"))["total"]
        Act.objects.filter(pk=act.pk).update(
            objection_power=min(int(total), UINT256_MAX), objection_threshold=a["threshold"]
        )
        self._run.publish("act.objected", f"{act_key(act.policy_id, act.number)}:{hex_text(a['account'])}", log)

    # --- petitions and the module's state

    def _petition_opened(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._run.publish("petition.opened", _petition_key(contract, event), log)

    def _petition_signed(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._run.publish("petition.signed", f"{_petition_key(contract, event)}:{hex_text(event.args['account'])}", log)

    def _paused(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._set_state(contract, log, paused=True, pause_epoch=min(event.args["epoch"], _INT_MAX))
        self._void(log, module=contract)
        self._run.publish("module.paused", f"{hex_text(contract.address)}:{event.args['epoch']}", log)

    def _unpaused(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._set_state(contract, log, paused=False, pause_epoch=min(event.args["epoch"], _INT_MAX))
        self._run.publish("module.unpaused", f"{hex_text(contract.address)}:{event.args['epoch']}", log)

    def _guardian_set(self, contract: Contract, log: LogRow, event: Event) -> None:
        self._set_state(contract, log, guardian=event.args["guardian"])

    def _set_state(self, contract: Contract, log: LogRow, **columns: Any) -> None:
        state, _ = ModuleState.objects.update_or_create(module=contract, defaults={"log_id": log.pk, **columns})
        self._run.touched[ModuleState].add(state.pk)


def objection_threshold(dao: Dao, policy: PolicyVersion | None, snapshot: int) -> int | None:
    """Return the power that kills an act under this policy, in base units of the votes token, as the module counts it;
    None if the supply at the snapshot or the policy is not known."""
    supply = ChainAnswer.objects.filter(dao=dao, kind=ChainAnswer.Kind.SUPPLY, key=str(snapshot)).first()
    if policy is None or supply is None:
        return None
    try:
        share_bps = decode(bytes(policy.code)).objection_threshold_bps
    except DecodeError:
        return None
    return max(1, int.from_bytes(supply.value, "big") * share_bps // 10_000)


def act_key(policy_id: bytes, number: int) -> str:
    """Return an act's name in the outbox."""
    return f"{hex_text(policy_id)}:{number}"


def _petition_key(contract: Contract, event: Event) -> str:
    return f"{hex_text(contract.address)}:{hex_text(event.args['policyId'])}:{event.args['serial']}"


def add_calls_of(act: Act) -> None:
    """Give an executed act its calls, from a transaction that was read after the act's log was."""
    event = events.decode(Kind.MODULE, act.log)
    assert event is not None
    _add_calls(act, _calls_of(act.dao, act.module, row_of(act.log), event))


def _add_calls(act: Act, calls: Iterable[tuple[bytes, int, bytes]]) -> None:
    ActCall.objects.bulk_create(
        ActCall(act=act, position=position, target=to, value_wei=value, calldata=data)
        for position, (to, value, data) in enumerate(calls)
    )


def _calls_of(dao: Dao, contract: Contract, log: LogRow, event: Event) -> tuple[tuple[bytes, int, bytes], ...]:
    """Return the calls, from the transaction's input where it went directly to the module and names this very act."""
    answer = ChainAnswer.objects.filter(
        dao=dao, kind=ChainAnswer.Kind.TRANSACTION, key=hex_text(log.log.transaction_hash)
    ).first()
    if answer is None or bytes(answer.value[:20]) != contract.address:
        return ()
    asked = act_input(bytes(answer.value[20:]))
    a = event.args
    if asked is None or (asked.policy_id, asked.number, asked.decision) != (
        a["policyId"], a["number"], a["decision"],
    ):  # fmt: skip
        return ()
    return asked.calls
