# SPDX-License-Identifier: Apache-2.0
"""What projections need, no log says, and a node could not answer when the log was read: it is asked again."""

from collections.abc import Sequence

from governance import incidents, outbox
from governance.chain.rpc import Answered, Rpc
from governance.models import Act, ChainAnswer, Contract, Cursor, PolicyVersion
from governance.projections.acts import add_calls_of, objection_threshold
from governance.projections.events import Kind, decode
from governance.sync import fetch
from governance.sync.fence import Writer
from governance.sync.reorg import fold_again
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

_ASKED_BLOCKS = 256  # what is not known after so many never will be


def ask_again(writer: Writer, rpc: Rpc, contracts: Sequence[Contract]) -> None:
    """Ask again for policy code, for the calls of acts, and for the votes that objections are counted against.

    Raises:
        RpcError: the node failed; what was not asked is asked by the next step.
    """
    _code(writer, rpc)
    _calls(writer, rpc)
    _supplies(writer, rpc, contracts)


def _code(writer: Writer, rpc: Rpc) -> None:
    """Ask again for policy code that could not be read when its log was: without it nobody can say what is in force."""
    for policy in PolicyVersion.objects.filter(dao=writer.dao, code=b"").select_related("log"):
        event = decode(Kind.MODULE, policy.log)
        assert event is not None
        try:
            code = rpc.get_code(event.args["pointer"])
        except Answered:
            continue
        if not code.startswith(b"\x00") or keccak(code) != policy.codehash:
            continue
        with writer.transaction():
            ChainAnswer.objects.update_or_create(
                dao=writer.dao, kind=ChainAnswer.Kind.CODE, key=hex_text(event.args["pointer"]),
                defaults={"value": code, "block_number": policy.log.block_number},
            )  # fmt: skip
            PolicyVersion.objects.filter(pk=policy.pk).update(code=code[1:])
            facts = {"policy_id": hex_text(policy.policy_id), "version": policy.version}
            incidents.resolve(writer.dao, incidents.Kind.POLICY_CODE, facts=facts)


def _calls(writer: Writer, rpc: Rpc) -> None:
    """Ask again for the transactions of new acts that could not be read when their log was: a node that lags does not
    know them yet. What is not known after so many blocks never will be."""
    after = Cursor.objects.get(dao=writer.dao).next_block - _ASKED_BLOCKS
    acts = Act.objects.filter(dao=writer.dao, status=Act.Status.EXECUTED, calls=None, log__block_number__gte=after)
    for act in acts.select_related("dao", "log", "module"):
        key = hex_text(act.log.transaction_hash)
        known = ChainAnswer.objects.filter(dao=writer.dao, kind=ChainAnswer.Kind.TRANSACTION, key=key).exists()
        answers = [] if known else fetch.answers_for(writer.dao, rpc, [act.module], [act.log])
        if known or answers:
            with writer.transaction():
                ChainAnswer.objects.bulk_create(answers, ignore_conflicts=True)
                # The answer may have come when the act's block was read again, and its log was stored already. (The
                # input of one that was sent through another contract names no calls.)
                add_calls_of(act)


def _supplies(writer: Writer, rpc: Rpc, contracts: Sequence[Contract]) -> None:
    """Ask again for the supply of votes by which it is known what stops an announced act: a node that lags does not
    know that time yet. Acts of several blocks can have one snapshot, and a policy's code can be the last that comes:
    whatever was missing, what is known now counts for all of them."""
    dao = writer.dao
    after = Cursor.objects.get(dao=dao).next_block - _ASKED_BLOCKS
    open_ = Act.objects.filter(dao=dao, status=Act.Status.SCHEDULED, objection_threshold=None)
    acts = list(open_.select_related("dao", "log").order_by("pk"))
    keys = {str(act.snapshot) for act in acts}
    stored = ChainAnswer.objects.filter(dao=dao, kind=ChainAnswer.Kind.SUPPLY, key__in=keys)
    known = set(stored.values_list("key", flat=True))
    for act in acts:
        if str(act.snapshot) in known or act.log.block_number < after:
            continue
        if answers := fetch.answers_for(dao, rpc, contracts, [act.log]):
            with writer.transaction():
                ChainAnswer.objects.bulk_create(answers, ignore_conflicts=True)
            known.add(str(act.snapshot))
    now_told = [act.log.block_number for act in acts if str(act.snapshot) in known and _is_told(act)]
    if now_told:
        with writer.transaction():
            outbox.publish_many(dao, fold_again(dao, min(now_told)))


def _is_told(act: Act) -> bool:
    """Whether all is stored by now that says what stops the act."""
    versions = PolicyVersion.objects.filter(module=act.module_id, policy_id=act.policy_id, version=act.version)
    return act.snapshot is not None and objection_threshold(act.dao, versions.first(), act.snapshot) is not None
