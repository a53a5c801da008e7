# SPDX-License-Identifier: Apache-2.0
"""A decision record against what stands elsewhere: the mirror's rows, and the chain as a node tells it."""

from collections.abc import Iterator
from typing import Any

from agent.acts import askers, rosters
from agent.acts.calls import payment_call
from agent.acts.provenance import FORMAT_BEFORE, ZERO_HASH, Actions, canonical
from agent.acts.verifying import Check
from agent.models import DecisionRecord, Roster
from governance.chain import abi
from governance.chain.address import checksum, to_bytes
from governance.chain.module import ACT_EXECUTED, ACT_SCHEDULED
from governance.chain.rpc import Rpc, RpcError, unhex
from governance.models import Act, Contract, Dao, PolicyVersion
from policies.code import encoding
from policies.code.call import Call
from policies.notation.hexadecimal import hex_bytes, hex_text


def verify_against_mirror(record: dict[str, Any]) -> Iterator[Check]:
    """The links that the mirror knows: the record before, the roster, the policy on chain, and the act itself."""
    message, actions = record["message"], Actions.from_json(record["actions"])
    digest = hex_bytes(record["hash"])
    versions = PolicyVersion.objects.filter(policy_id=actions.policy_id, codehash=actions.policy_codehash)
    versions = versions.filter(module__address=actions.module, dao__chain=int(message["chainId"]))
    stored = DecisionRecord.objects.filter(hash=digest).first()
    if stored is not None:
        versions = versions.filter(dao=stored.dao_id)
    version = versions.select_related("dao").first()
    yield Check("policy in force", version is not None, "this policy code was set on this module by a vote")
    if version is None:
        return
    governor = Contract.objects.filter(dao=version.dao, kind=Contract.Kind.GOVERNOR).first()
    expected = checksum(governor.address if governor else bytes(20))
    yield Check("governor", message["governor"] == expected, expected)
    yield _verify_place(version.dao, digest, hex_bytes(message["prevRecord"]))
    if stored is not None:
        yield Check(
            "published", stored.body.encode() == canonical(record), "the record that is published under this hash"
        )
    if record["checks"]["approval"] is None:
        yield from _verify_roster(record, actions, version)
        yield from _verify_votes_token(record, version)
    acts = Act.objects.select_related("log").filter(decision=digest, module=version.module)
    if len(acts) != 1:
        text = f"{len(acts)} acts name this decision" if acts else "no act with this decision is on chain"
        yield Check("act", False, f"{text}, as far as the mirror has read")
        return
    act = acts[0]
    calls = tuple(Call(bytes(c.target), c.value_wei, bytes(c.calldata)) for c in act.calls.all())
    where = f"transaction {hex_text(bytes(act.log.transaction_hash))}, block {act.log.block_number}"
    yield Check("act", calls == actions.calls, f"act {act.number} ({act.status}) made exactly these calls: {where}")
    yield Check("act number", act.number == actions.number, f"{act.number}")
    under = bytes(act.policy_id) == actions.policy_id and versions.filter(version=act.version).exists()
    under = under and record["inputs"]["policy"].get("version") == str(act.version)
    yield Check("act policy", under, f"under version {act.version} of this policy, which has this code")
    yield Check("act agent", checksum(bytes(act.agent)) == record["signer"], "by the agent that signed the record")
    yield Check(
        "act scheduled",
        (act.act_id is not None) == actions.scheduled,
        "with an objection window" if actions.scheduled else "at once",
    )


def _verify_place(dao: Dao, digest: bytes, previous: bytes) -> Check:
    """Records form one chain for each DAO: nothing else may follow the same record, or claim to be the first."""
    rival = DecisionRecord.objects.filter(dao=dao, prev_hash=previous).exclude(hash=digest).first()
    if rival is not None:
        return Check("prevRecord", False, f"another record is in this place: {rival}")
    if previous == ZERO_HASH:
        return Check("prevRecord", True, "the first record")
    before = DecisionRecord.objects.filter(hash=previous).first()
    if before is None:
        return Check("prevRecord", None, "not known here")
    return Check("prevRecord", before.dao_id == dao.pk, "known here")


def _verify_roster(record: dict[str, Any], actions: Actions, version: PolicyVersion) -> Iterator[Check]:
    """Without an approval, the calls rest on a roster: of this policy, signed by its operator, and still good."""
    inputs = record["inputs"]
    try:
        roster = Roster.objects.filter(digest=hex_bytes(inputs["roster"]["digest"])).first()
        if roster is None:
            yield Check("roster", None, "not known here")
            return
        terms = rosters.terms_of(roster)
        pays = tuple(payment_call(line.recipient, line.asset, line.amount) for line in terms.lines)
        ok = pays == actions.calls and roster.expires_chain_s > int(inputs["block"]["timestamp_chain_s"])
        ok = ok and (roster.module_id, roster.policy_id) == (version.module_id, actions.policy_id)
        ok = ok and str(roster.policy_version) == inputs["policy"]["version"]
        ok = ok and (terms.rules is None or _follows(terms.rules, record))
    except (KeyError, TypeError, ValueError) as error:
        yield Check("roster", False, f"{type(error).__name__}: {error}"[:200])
        return
    ok = ok and roster.operator == encoding.decode(bytes(version.code)).operator
    text = "the calls are exactly the roster that the operator signed for this policy"
    if roster.signed_block_number is not None:
        text += f", as its contract account confirmed at block {roster.signed_block_number}"
    yield Check("roster", ok, text)
    if record["format"] != FORMAT_BEFORE:
        same = inputs["roster"]["signed_before_chain_s"] == str(roster.accepted_chain_s)
        text = "when the record says" if same else "at another time than the record says, which proves nothing"
        yield Check("roster's date", True if same else None, f"it was taken in here {text}")


def _follows(rules: rosters.Rules, record: dict[str, Any]) -> bool:
    """Whether a payment without approval is one that the roster's rules let be asked for, by whom and for its month."""
    kind, period = record["checks"]["asker"]["kind"], record["inputs"]["request"]["period"]
    is_in_time = rules.first_month <= period and (not rules.last_month or period <= rules.last_month)
    return rules.kind == rosters.MONTHLY and is_in_time and kind in {askers.OPERATOR, *rules.may_ask}


def _verify_votes_token(record: dict[str, Any], version: PolicyVersion) -> Iterator[Check]:
    """That the asker's votes were read from the DAO's own votes token: anybody can make another."""
    asker = record["checks"].get("asker")
    if asker is None or asker["votes_token"] is None:
        return
    token = Contract.objects.filter(dao=version.dao, kind=Contract.Kind.VOTES_TOKEN).first()
    ok = token is not None and checksum(token.address) == asker["votes_token"]
    yield Check("votes token", ok and asker["votes_call"] in askers.VOTES_CALLS, "of this DAO")


def verify_against_chain(record: dict[str, Any], rpc: Rpc, first_block: int = 0) -> Iterator[Check]:
    """The same asked of a node: a log of the module with this decision, and the calls that its transaction carried."""
    actions = Actions.from_json(record["actions"])
    digest = hex_bytes(record["hash"])
    topics = [[abi.topic(ACT_EXECUTED), abi.topic(ACT_SCHEDULED)], None, None, digest]
    logs = rpc.logs([actions.module], topics, first_block=first_block, last_block=rpc.head_number())
    if len(logs) != 1:
        yield Check("act on chain", False, f"{len(logs)} logs of the module carry this decision")
        return
    log = logs[0]
    where = f"transaction {hex_text(log.transaction_hash)}, block {log.block_number}"
    decoded = abi.decode_log(log.topics, log.data, "IPolicyModule", "PolicyModule")
    if decoded is None:
        yield Check("act on chain", False, f"its log can't be decoded: {where}")
        return
    scheduled = decoded.name == "ActScheduled"
    if scheduled:
        made = decoded["calls"]
    else:
        sent = rpc.transaction(log.transaction_hash)
        call = abi.decode_call(sent.calldata, "IPolicyModule", "PolicyModule") if sent is not None else None
        if sent is None or sent.to != actions.module or call is None or call.name != "execute":
            yield Check("act on chain", None, f"not sent to the module directly, so its calls can't be read: {where}")
            return
        if (call["codehash"], call["decision"]) != (actions.policy_codehash, digest):
            yield Check("act on chain", False, f"made under another policy code or decision: {where}")
            return
        made = call["calls"]
    calls = tuple(Call(to, value, data) for to, value, data in made)
    ok = calls == actions.calls and scheduled == actions.scheduled and decoded["number"] == actions.number
    ok = ok and decoded["policyId"] == actions.policy_id and checksum(decoded["agent"]) == record["signer"]
    yield Check("act on chain", ok, f"act {decoded['number']} made exactly these calls: {where}")
    asker = record["checks"].get("asker")
    if record["checks"]["approval"] is None and asker is not None and asker["kind"] in (askers.DELEGATE, askers.HOLDER):
        yield _ask_for_the_askers_votes(record, asker, rpc)


def _ask_for_the_askers_votes(record: dict[str, Any], asker: dict[str, Any], rpc: Rpc) -> Check:
    """The votes of who asked, read again at the recorded block; a node that has forgotten its state can't say."""
    if asker["votes_call"] not in askers.VOTES_CALLS:
        return Check("asker on chain", False, "read by a function that is not one of votes")
    try:
        block = unhex(record["inputs"]["block"]["hash"], 32)
        who, token = to_bytes(record["inputs"]["request"]["requested_by"]), to_bytes(asker["votes_token"])
    except (ValueError, TypeError) as error:
        return Check("asker on chain", False, f"not in canonical form: {error}"[:200])
    try:
        votes, balance = askers.read_votes(rpc, token, asker["votes_call"], who, block)
    except RpcError as error:
        return Check("asker on chain", None, f"the node can't say what they held at that block: {error}"[:200])
    same = (str(votes), str(balance)) == (asker["votes"], asker["balance"])
    return Check("asker on chain", same, f"votes {votes} and balance {balance} at block {block.hex()[:8]}")
