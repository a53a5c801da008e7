# SPDX-License-Identifier: Apache-2.0
"""`manage.py policy`: what `python -m policies` does, with a chain to ask, and what needs the mirror.

Exit status: 0 good, 1 refused or different, 2 wrong usage. A reader that goes away (`| head`) is no error.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from governance import delegated_votes
from governance.chain.address import BadAddress, checksum, to_bytes
from governance.chain.module import policy_question
from governance.chain.native import native_token
from governance.chain.rpc import Rpc, RpcError
from governance.models import Act, Contract, Dao, PolicyVersion, TreasuryFlow
from governance.policy_checks import check_on_chain
from governance.policy_names import resolve_names
from policies import command, trial_actions
from policies.answer.act_schema import act_schema
from policies.code import encoding
from policies.code.as_json import as_plain
from policies.code.call import Call
from policies.code.policy_code import Budget
from policies.document.from_code import document_of
from policies.document.json_schema import document_schema
from policies.files import Loaded, code_bytes, load, read_text
from policies.notation.hexadecimal import hex_text
from policies.session import Finding, Refusal, Session, WrongUsage, vocabulary
from policies.trial.backtest import PastAct, acts_of
from policies.trial.history import PastCall, Transfer
from policies.trial.stolen_key import MOST_ACTS, Reached, ReachedTogether, simulate, simulate_together
from policies.words import explain
from policies.words.wording import Vocabulary

_MOST_DAYS = 3650
_MOST_LINES = 50
_ACTIONS = {
    "compile": command.ACTIONS["compile"],
    "decode": "policy code (a file of hexadecimal digits, or from the chain) -> the document that makes it",
    "explain": command.ACTIONS["explain"],
    "diff": command.ACTIONS["diff"],
    "check": command.ACTIONS["check"] + "; with --rpc also on chain",
    **trial_actions.ACTIONS,
    "simulate": "how much an agent takes that wants it all, beside the bound",
    "schema": "JSON Schema of policy documents, for editors; with a policy: of the acts that it permits",
}


class Command(BaseCommand):
    help = "Works on policies: " + ", ".join(_ACTIONS) + "."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="{" + ",".join(_ACTIONS) + "}")
        subs = {action: actions.add_parser(action, help=text, description=text) for action, text in _ACTIONS.items()}
        for action, sub in subs.items():
            if action in command.ACTIONS:
                command.add_arguments(sub, action)
            elif action in trial_actions.ACTIONS:
                trial_actions.add_arguments(sub, action)
            else:
                sub.add_argument("--json", action="store_true", help="print JSON, for machines")
            if action == "simulate":
                sub.add_argument("file", help="policy document (or code, in hexadecimal); - is standard input")
            if action != "schema":
                sub.add_argument("--rpc", metavar="URL", help="the node to ask: for ENS names, and for the chain")
        subs["decode"].add_argument("file", nargs="?", help="policy code in hexadecimal; - is standard input")
        subs["decode"].add_argument("--pointer", metavar="ADDRESS", help="the contract that holds the code")
        subs["schema"].add_argument("file", nargs="?", help="a policy, for the schema of its acts")
        subs["check"].add_argument(
            "--module", metavar="ADDRESS", help="ask this policy module whether it would take it"
        )
        subs["backtest"].add_argument("history", nargs="?", help=trial_actions.HISTORY)
        subs["simulate"].add_argument("--days", type=int, default=30, help="how many days (default: 30)")
        for action in ("decode", "check", "backtest"):
            subs[action].add_argument("--dao", metavar="SLUG", help="a DAO in the mirror")
        command.add_lent(subs["decode"])
        subs["decode"].add_argument("--name", metavar="NAME", help="which of the DAO's policies, by its name")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        rpc = _node(options)
        resolve = partial(resolve_names, rpc) if rpc else None
        session = Session("manage.py policy", options, self.stdout, self.stderr, resolve)
        if status := session.run(partial(self._act, action, session)):
            raise SystemExit(status)

    def _act(self, action: str, session: Session) -> int:
        """Run an action; a node's errors and those of addresses become refusals."""
        try:
            return getattr(self, f"_{action}")(session)
        except (RpcError, BadAddress) as error:
            raise Refusal([str(error)]) from None

    _compile = staticmethod(command.compile_)
    _explain = staticmethod(command.explain)
    _diff = staticmethod(command.diff)
    _test = staticmethod(trial_actions.test)
    _authorize = staticmethod(trial_actions.authorize)
    _fmt = staticmethod(trial_actions.fmt)

    def _check(self, session: Session) -> int:
        asks = any(session.options[name] for name in ("rpc", "module", "dao"))
        return command.check(session, partial(self._findings, session.options) if asks else None)

    def _findings(self, options: Mapping[str, Any], loaded: Loaded) -> list[Finding]:
        """What a chain shows: that of the DAO, or of the node; the module is the one named, or the DAO's newest."""
        module = to_bytes(options["module"]) if options["module"] else None
        rpc = _node(options)
        dao = self._dao(options) if options["dao"] else None
        if dao is not None:
            rpc = rpc or Rpc.for_chain(dao.chain_id)
            contract = Contract.objects.filter(dao=dao, kind=Contract.Kind.MODULE).order_by("-start_block").first()
            module = module or (bytes(contract.address) if contract else None)
        if rpc is None:
            raise WrongUsage("--module needs --rpc URL, or --dao")
        delegated = delegated_votes.of_dao(rpc, dao) if dao else None
        if delegated is None and module is not None:
            delegated = delegated_votes.of_module(rpc, module, rpc.head_number())
        return check_on_chain(rpc, loaded, module, delegated)

    def _decode(self, session: Session) -> int:
        options = session.options
        given = [name for name in ("file", "pointer", "dao") if options[name]]
        if len(given) != 1:
            raise WrongUsage("decode takes a file, --pointer with --rpc, or --dao with --name: one of them")
        name = options["name"] or "policy"
        if given == ["file"]:
            raw = code_bytes(read_text(options["file"]), options["file"])
        elif given == ["pointer"]:
            if not options["rpc"]:
                raise WrongUsage("--pointer needs --rpc URL")
            raw = _code_at(_node(options), to_bytes(options["pointer"]))
        else:
            raw = self._code_of_dao(options)
        try:
            policy = encoding.decode(raw)
        except encoding.DecodeError as error:
            raise Refusal([f"{options[given[0]]}: this is no policy code: {error}"]) from None
        lent = session.lent()
        codehash = hex_text(encoding.codehash(raw))
        text = document_of(policy, name=name, names=lent.names, tokens=lent.tokens, functions=lent.functions)
        if options["json"]:
            session.print_json({"ok": True, "codehash": codehash, **as_plain(policy), "document": text})
        else:
            session.out(f"# codehash: {codehash}\n{text}")
        return 0

    def _code_of_dao(self, options: Mapping[str, Any]) -> bytes:
        """The code in force, read on chain; the mirror only says where the module is."""
        if not options["name"]:
            raise WrongUsage("--dao needs --name, the policy's name")
        dao = self._dao(options)
        id_ = encoding.policy_id(options["name"])
        known = (
            PolicyVersion.objects.filter(dao=dao, policy_id=id_).select_related("module").order_by("-log_id").first()
        )
        if known is None:
            raise Refusal([f"{dao.slug}: no policy {options['name']} was ever in force; check its name"])
        rpc = _node(options) or Rpc.for_chain(dao.chain_id)
        state = rpc.eth_call(*policy_question(bytes(known.module.address), id_))
        if len(state) < 32 or not any(state[12:32]):
            raise Refusal([f"{dao.slug}: the policy {options['name']} is not in force any more"])
        return _code_at(rpc, state[12:32])

    def _backtest(self, session: Session) -> int:
        options = session.options
        if bool(options["history"]) == bool(options["dao"]):
            raise WrongUsage("backtest takes a file of payments, or --dao: one of them")
        if not options["dao"]:
            return trial_actions.backtest(session)
        loaded = session.load(options["file"])
        dao = self._dao(options)
        native = native_token(dao.chain_id)
        loaded = replace(loaded, tokens={**loaded.tokens, native.address: native})
        return trial_actions.show_backtest(session, loaded, _mirrored(dao))

    def _simulate(self, session: Session) -> int:
        options = session.options
        if not 1 <= options["days"] <= _MOST_DAYS:
            raise WrongUsage(f"--days is 1 to {_MOST_DAYS}")
        loaded = session.load(options["file"])
        words = vocabulary(loaded)
        found = simulate(loaded.code, options["days"])
        together = simulate_together(loaded.code, options["days"])
        caveat = explain.caveat(loaded.code, words)
        only = f", {caveat}" if caveat else ""
        if options["json"]:
            plain = [_plain_reached(loaded.code.budgets[one.budget], one, caveat) for one in found]
            all_of = [{"asset": checksum(one.asset)} | _plain_numbers(one, caveat) for one in together]
            session.print_json({"ok": True, "days": options["days"], "budgets": plain, "together": all_of})
            return 0
        if not found:
            session.out("no budget counts anything: whatever a rule permits can be done again and again")
        for one in found:
            budget = loaded.code.budgets[one.budget]
            named = f'budget "{budget.label}"'
            session.out(_reached_line(f"{named} in {options['days']} days{only}", one, budget.asset, words))
        for all_ in together:
            named = f"all budgets of {words.asset(all_.asset)} together"
            session.out(_reached_line(f"{named} in {options['days']} days{only}", all_, all_.asset, words))
        return 0

    def _schema(self, session: Session) -> int:
        file = session.options["file"]
        if not file:
            session.print_json(document_schema())
            return 0
        loaded = load(read_text(file), file)
        session.print_json(act_schema(loaded.code, loaded.functions))
        return 0

    def _dao(self, options: Mapping[str, Any]) -> Dao:
        dao = Dao.objects.filter(slug=options["dao"]).first()
        if dao is None:
            known = ", ".join(Dao.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none"
            raise Refusal([f"{options['dao']}: no such DAO in the mirror; there are: {known}"])
        return dao


def _node(options: Mapping[str, Any]) -> Rpc | None:
    return Rpc([options["rpc"]], None, attempts=1) if options.get("rpc") else None


def _code_at(rpc: Rpc | None, pointer: bytes) -> bytes:
    """The policy code in a contract, without its leading STOP byte."""
    assert rpc is not None
    code = rpc.get_code(pointer)
    if code[:1] != b"\0":
        raise Refusal([f"{checksum(pointer)} holds no policy; name the pointer that the module's PolicySet names"])
    return code[1:]


def _mirrored(dao: Dao) -> tuple[PastAct, ...]:
    """What was done, as the mirror has it: the calls of every act, and what else left the treasury.

    What left in an act's own transaction is in its calls, where they are known. All of one moment are one act.
    """
    performed = Act.objects.filter(dao=dao, status__in=(Act.Status.EXECUTED, Act.Status.RELEASED))
    acts = [
        (act, act.final_log or act.log, list(act.calls.all()))
        for act in performed.select_related("log", "final_log").prefetch_related("calls")
    ]
    unknown = {bytes(log.transaction_hash) for _, log, made in acts if not made}
    known = {bytes(log.transaction_hash) for _, log, _ in acts} - unknown
    calls = [
        PastCall(
            log.block_timestamp_chain_s,
            Call(bytes(call.target), call.value_wei, bytes(call.calldata)),
            f"act {act.number} in block {log.block_number}",
        )
        for act, log, made in acts
        if bytes(log.transaction_hash) in known
        for call in made
    ]
    flows = TreasuryFlow.objects.filter(dao=dao, outgoing=True).select_related("log")
    paid = (
        Transfer(
            flow.log.block_timestamp_chain_s,
            bytes(flow.asset),
            bytes(flow.counterparty),
            int(flow.amount),
            f"block {flow.log.block_number}",
        )
        for flow in flows
        if bytes(flow.log.transaction_hash) not in known
    )
    return acts_of([*calls, *paid])


def _reached_line(head: str, one: Reached | ReachedTogether, asset: bytes, words: Vocabulary) -> str:
    alone, alone_bound, all_, bound = (
        words.amount(amount, asset) for amount in (one.unopposed, one.unopposed_bound, one.in_all, one.bound)
    )
    cut = "" if one.complete else f"; cut off after {MOST_ACTS} acts"
    return (
        f"{head}: without an announcement {alone} (at most {alone_bound}); if nobody objects {all_} (at most {bound}); "
        f"{one.acts} acts{cut}"
    )


def _plain_reached(budget: Budget, one: Reached, caveat: str) -> dict[str, Any]:
    return {"name": budget.label} | _plain_numbers(one, caveat)


def _plain_numbers(one: Reached | ReachedTogether, caveat: str) -> dict[str, Any]:
    """The numbers, and under which condition they are true: an empty `caveat` where they are without any."""
    return {
        "caveat": caveat,
        "unopposed": str(one.unopposed),
        "unopposed_bound": str(one.unopposed_bound),
        "in_all": str(one.in_all),
        "bound": str(one.bound),
        "acts": one.acts,
        "complete": one.complete,
    }
