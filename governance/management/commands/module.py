# SPDX-License-Identifier: Apache-2.0
"""`manage.py module`: a policy module for a DAO that exists: what it would mean, deploying it, the vote, the check.

Exit status: 0 good, 1 refused, or something is not as it should be, 2 wrong usage.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from governance.chain import safe
from governance.chain.address import BadAddress, checksum, to_bytes
from governance.chain.call import ProposedCall
from governance.chain.keys import KeystoreProblem, Signer
from governance.chain.rpc import Rpc, RpcError, quantity
from governance.installing import checking, deploying, policies_now, proposing, record, showing, telling
from governance.installing.costs import Cost, cost_of
from governance.installing.parts import DEFAULT_SALT, Part, parts_of, salt_of
from governance.installing.situation import FACTORY, Situation, look, plain
from governance.installing.words import Level, NotInstalled, Told, say
from governance.models import Contract, Dao
from governance.policy_checks import check_on_chain
from governance.policy_names import resolve_names
from policies.document.published import published
from policies.files import FileProblem, Loaded, load, read_text
from policies.notation.hexadecimal import hex_text
from policies.notation.problems import PolicyError
from policies.words.explain import explain

_ACTIONS = {
    "plan": "say what the DAO's contracts are, what a module would mean and cost, and what forbids it; changes nothing",
    "deploy": "create the module (and the adapter that its votes need), or go on where a run ended",
    "propose": "make the vote that enables the module and sets a policy: tried, printed, as a Safe's batch, or sent",
    "check": "hold the record against the chain, and say who else can move the money",
}


class Command(BaseCommand):
    help = "A policy module for a DAO that exists: " + ", ".join(_ACTIONS) + "."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="{" + ",".join(_ACTIONS) + "}")
        for action, text in _ACTIONS.items():
            sub = actions.add_parser(action, help=text, description=text)
            sub.add_argument("dao", help="a slug of the mirror, a governor's address, or that of a Safe without votes")
            sub.add_argument(
                "--rpc", metavar="URL", action="append", default=[],
                help="a node to ask; repeatable (default: MANDATE_RPC_URLS of the chain)",
            )  # fmt: skip
            sub.add_argument("--chain", type=int, help="the chain's id, where several are configured")
            sub.add_argument("--treasury", help="what holds the money (default: the one that the mirror follows)")
            sub.add_argument("--token", help="the votes token (default: what the governor names)")
            sub.add_argument("--record", type=Path, help="the record's file (default: deployments/<chain id>.json)")
            sub.add_argument("--json", action="store_true", help="print JSON, for machines")
            if action in ("plan", "deploy"):
                sub.add_argument("--guardian", help="who may pause, veto and shorten (default: nobody)")
                sub.add_argument("--salt", default=DEFAULT_SALT, help="any text: another one gives other addresses")
            if action in ("deploy", "propose"):
                self._sender(sub)
            if action == "check":
                sub.add_argument(
                    "--policy", metavar="FILE", help="also say whether this policy document is set and runs"
                )
            if action == "propose":
                sub.add_argument("--policy", metavar="FILE", help="the policy document to put in force")
                sub.add_argument("--unpause", action="store_true", help="lift the module's pause by the same vote")
                sub.add_argument("--text", metavar="FILE", help="the text (default: one that says what it does)")
                sub.add_argument(
                    "--batch", type=Path, metavar="FILE",
                    help="write a file for Safe's transaction builder: what the Safe's owners sign, else the proposal",
                )  # fmt: skip
                sub.add_argument("--send", action="store_true", help="propose, with the account of --keystore")
            if action == "deploy":
                sub.add_argument(
                    "--as-transactions", action="store_true",
                    help="print the transactions for another wallet, as JSON, and send nothing",
                )  # fmt: skip

    def _sender(self, sub: CommandParser) -> None:
        sub.add_argument("--keystore", help="the sender's keystore file; it gets no role in anything")
        sub.add_argument(
            "--ape-account", metavar="NAME",
            help="the sender by its name among Ape's accounts (~/.ape/accounts), in place of --keystore",
        )  # fmt: skip
        sub.add_argument("--password-file", help="the file with the keystore's password")
        sub.add_argument(
            "--timeout", type=float, default=600.0, help="seconds to wait for each transaction (default: 600)"
        )

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        try:
            if options.get("ape_account"):
                options["keystore"] = _keystore_of_ape(options["ape_account"], options["keystore"])
            status = getattr(self, f"_{action}")(options)
        except (NotInstalled, RpcError, BadAddress, KeystoreProblem, FileProblem) as error:
            if options["json"]:
                self._print({"ok": False, "error": str(error)})
                raise SystemExit(1) from None
            raise CommandError(str(error)) from None
        if status:
            raise SystemExit(status)

    # ------------------------------------------------------------------------------------------------------ actions

    def _plan(self, options: dict[str, Any]) -> int:
        rpc, found = self._look(options)
        guardian = _address(options["guardian"])
        parts: list[Part] = []
        cost: Cost | None = None
        refusal: NotInstalled | None = None
        try:
            parts = parts_of(found, guardian=guardian, salt=salt_of(options["salt"]))
            cost = cost_of(rpc, parts, has_factory=found.has_factory)
        except NotInstalled as error:
            refusal = error
        told = telling.plan(found, parts, cost, guardian)
        told += _followed(found)
        if refusal is not None and str(refusal) not in {str(one.sentence) for one in told}:
            told.append(Told(Level.PROBLEM, "deployment", refusal.sentence))
        problems = [one for one in told if one.level is Level.PROBLEM]
        if options["json"]:
            self._print(
                {
                    "ok": not problems,
                    "findings": [one.as_json() for one in told],
                    "situation": _plain_situation(found),
                    "contracts": {part.name: plain(part.address) for part in parts},
                    "gas": None if cost is None else cost.gas,
                    "cost_wei": None
                    if cost is None
                    else {"least": _text(cost.least_wei), "most": _text(cost.most_wei)},
                }
            )
        else:
            for one in told:
                self.stdout.write(str(one))
            self.stdout.write(
                f"{len(problems)} of these must be solved before a module is of use"
                if problems
                else "nothing forbids a module; nothing was changed"
            )
        return 1 if problems else 0

    def _deploy(self, options: dict[str, Any]) -> int:
        if options["as_transactions"] == bool(options["keystore"]):
            raise CommandError(
                "name a --keystore or --ape-account with its --password-file, or --as-transactions: one of them"
            )
        if options["keystore"] and not options["password_file"]:
            raise CommandError(
                "--keystore and --ape-account need --password-file: a password in an argument is seen by others"
            )
        rpc, found = self._look(options)
        kept, parts = self._begun(options, found)
        cost = cost_of(rpc, parts, has_factory=True)
        for one in telling.about_cost(found, parts, cost):
            self._say(options, str(one))
        absent = deploying.missing(rpc, parts, kept)
        if options["as_transactions"]:
            self._print(deploying.as_transactions(absent, cost.gas))
            return 0
        if absent:
            signer = Signer.from_keystore(options["keystore"], options["password_file"])
            deploying.deploy(
                rpc, signer, parts, kept, lambda line: self._say(options, line), timeout_s=options["timeout"]
            )
        if options["json"]:
            self._print({"ok": True, "record": str(kept.path), **kept.content})
        else:
            self.stdout.write(f"{kept.path} records it: {', '.join(kept.content['contracts'])}")
        return 0

    def _begun(self, options: dict[str, Any], found: Situation) -> tuple[record.Record, Sequence[Part]]:
        """The record, written before anything is sent, and what is to be created."""
        lacking = [name for name, has in found.features.items() if has is False]
        if lacking:
            raise NotInstalled("chain_lacks", chain=found.chain_id, features=", ".join(lacking))
        if not found.has_factory:
            raise NotInstalled("factory_not_there", factory=plain(FACTORY), chain=found.chain_id)
        path = options["record"] or record.default_path(found.chain_id)
        compiler = deploying.compiled_input(path.parent)
        guardian = _address(options["guardian"])
        parts = parts_of(found, guardian=guardian, salt=salt_of(options["salt"]))
        return record.begin(path, found, parts, guardian=guardian, compiler=compiler), parts

    def _propose(self, options: dict[str, Any]) -> int:
        if options["send"] != bool(options["keystore"]) or bool(options["keystore"]) != bool(options["password_file"]):
            raise CommandError("--send needs --keystore or --ape-account, and --password-file; they go with it alone")
        rpc, found = self._look(options)
        kept = record.read(options["record"] or record.default_path(found.chain_id))
        _require_sound(rpc, found, kept)
        loaded = _read_policy(options, rpc)
        policy = _policy_of(loaded)
        composed = proposing.compose(rpc, found, kept.module, policy, unpause=options["unpause"])
        findings = [] if loaded is None else check_on_chain(rpc, loaded, kept.module)
        lines = [] if loaded is None else _in_words(loaded)
        trial = proposing.tried(rpc, found, kept.module, composed, policy)
        if options["text"]:
            text = read_text(options["text"])
        else:
            text = proposing.text_of(found, kept.module, composed, policy, lines, _document(loaded))
        calldata = proposing.propose_calldata(found, composed.voted, text) if composed.voted else None
        self._show_proposal(options, showing.Shown(found, composed, trial, findings, text, calldata))
        if policy is not None and policies_now.is_set(rpc, found, kept.module, policy):
            self._say(options, str(say("set_already", policy=f"“{policy.name}”")))
        failing = next(((n, why) for n, why in enumerate(trial.problems, 1) if why is not None), None)
        if failing is not None and not options["json"]:  # the JSON says so already
            raise NotInstalled("trial_fails", block=trial.block, number=failing[0], reason=failing[1])
        if failing is not None or any(one.is_problem for one in findings):
            return 1
        if options["batch"]:
            self._write_batch(options, found, composed, calldata)
        if options["send"]:
            self._send(options, rpc, found, composed, calldata)
        return 0

    def _check(self, options: dict[str, Any]) -> int:
        rpc, found = self._look(options)
        kept = record.read(options["record"] or record.default_path(found.chain_id))
        told, wanted = checking.check(rpc, found, kept), _policy_of(_read_policy(options, rpc))
        if not any(one.level is Level.PROBLEM for one in told):
            told += policies_now.about_policies(rpc, found, kept.module, wanted, options["policy"] or "")
        differ = [*checking.differences(told), *policies_now.differences(told)]
        unknown = sum(one.level is Level.UNKNOWN for one in told)
        if options["json"]:
            self._print(
                {
                    "ok": not differ,
                    "block": found.block,
                    "not_known": unknown,
                    "findings": [one.as_json() for one in told],
                }
            )
            return 1 if differ else 0
        for one in told:
            self.stdout.write(str(one))
        if differ:
            held = f"{kept.path} and {options['policy']}" if wanted is not None else str(kept.path)
            self.stdout.write(f"differences from {held} or problems: {len(differ)}; not known: {unknown}")
        elif unknown:
            self.stdout.write(
                f"nothing differs from {kept.path} of what could be checked; not known: {unknown} of the above"
            )
        else:
            self.stdout.write(f"the chain has what {kept.path} records")
        return 1 if differ else 0

    def _show_proposal(self, options: dict[str, Any], shown: showing.Shown) -> None:
        if options["json"]:
            self._print(shown.as_json())
            return
        for line in shown.lines(is_sent=options["send"]):
            self.stdout.write(line)

    def _write_batch(
        self, options: dict[str, Any], found: Situation, composed: proposing.Composed, calldata: bytes | None
    ) -> None:
        """What the Safe's owners sign, where there is such a thing; else the proposal, for a Safe that proposes."""
        calls = list(composed.signed)
        if not calls and calldata is not None and found.governor is not None:
            calls = [ProposedCall(found.governor, 0, b"", calldata)]
        if not calls:
            raise NotInstalled("propose_unknown")
        options["batch"].write_text(safe.batch(found.chain_id, "Policy module", calls) + "\n")
        self._say(options, f"{options['batch']} is for Safe's transaction builder")

    def _send(
        self, options: dict[str, Any], rpc: Rpc, found: Situation, composed: proposing.Composed, calldata: bytes | None
    ) -> None:
        if found.governor is None:
            raise NotInstalled("no_votes_to_send")
        if not composed.voted:
            raise NotInstalled("nothing_voted")
        if calldata is None:
            raise NotInstalled("propose_unknown")
        signer = Signer.from_keystore(options["keystore"], options["password_file"])
        purpose = deploying.purpose_of_call("propose", found.chain_id, found.governor, calldata)
        sent = deploying.sent_already(purpose)
        if sent is not None:
            self._say(options, say("sent_already", hash=hex_text(sent)))
            return
        row = deploying.send_and_wait(
            rpc, deploying.chain_row(found.chain_id), signer, purpose, found.governor, calldata, options["timeout"]
        )
        hash_ = hex_text(bytes(row.transaction_hash))
        self._say(options, str(say("proposed", sender=checksum(signer.address), hash=hash_)))

    # ------------------------------------------------------------------------------------------------------- helpers

    def _look(self, options: dict[str, Any]) -> tuple[Rpc, Situation]:
        """Ask the chain about the DAO that is named: by its slug in the mirror, or by an address."""
        treasury, token = _address(options["treasury"]), _address(options["token"])
        if options["dao"].startswith("0x"):
            rpc = _node(options["rpc"], options["chain"])
            return rpc, look(rpc, to_bytes(options["dao"]), treasury=treasury, token=token)
        dao = Dao.objects.filter(slug=options["dao"]).first()
        if dao is None:
            known = ", ".join(Dao.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none"
            raise CommandError(f"{options['dao']}: no such DAO in the mirror; there are: {known}")
        rpc = Rpc(options["rpc"], dao.chain_id) if options["rpc"] else Rpc.for_chain(dao.chain_id)
        governor = dao.contracts.get(kind=Contract.Kind.GOVERNOR)
        followed = [bytes(one.address) for one in dao.contracts.filter(kind=Contract.Kind.TREASURY).order_by("pk")]
        if treasury is None and len(followed) > 1:
            named = ", ".join(map(checksum, followed))
            raise NotInstalled("several_treasuries", dao=dao.slug, treasuries=named)
        votes = dao.contracts.filter(kind=Contract.Kind.VOTES_TOKEN).order_by("-start_block").first()
        return rpc, look(
            rpc, bytes(governor.address),
            treasury=treasury or (followed[0] if followed else None),
            token=token or (bytes(votes.address) if votes else None),
        )  # fmt: skip

    def _say(self, options: dict[str, Any], line: str) -> None:
        """Say what happens: not among JSON."""
        (self.stderr if options["json"] or options.get("as_transactions") else self.stdout).write(line)

    def _print(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False))


def _require_sound(rpc: Rpc, found: Situation, kept: record.Record) -> None:
    """No vote is made for a module that is not there, not what was recorded, or of which that is not known."""
    hindrance = checking.hindrance(checking.check(rpc, found, kept))
    if hindrance is not None:
        raise NotInstalled("unsound", path=str(kept.path), reason=hindrance.sentence)


def _read_policy(options: dict[str, Any], rpc: Rpc) -> Loaded | None:
    if not options["policy"]:
        return None
    try:
        return load(read_text(options["policy"]), options["policy"], partial(resolve_names, rpc))
    except PolicyError as error:
        raise CommandError("\n".join(f"{error.source}:{problem}" for problem in error.problems)) from None


def _node(urls: list[str], chain_id: int | None) -> Rpc:
    if urls:
        return Rpc(urls, chain_id or quantity(Rpc(urls, None).call("eth_chainId")))
    if chain_id is None:
        if len(settings.RPC_URLS) != 1:
            raise CommandError("name a node with --rpc or the chain with --chain: MANDATE_RPC_URLS has not just one")
        chain_id = next(iter(settings.RPC_URLS))
    return Rpc.for_chain(chain_id)


def _keystore_of_ape(name: str, keystore: str | None) -> str:
    """The keystore file of an account that Ape keeps. Raises CommandError for a name that can't be one's, and where a
    keystore is named too."""
    if keystore:
        raise CommandError("--keystore and --ape-account both name the sender: give one of them")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
        raise CommandError(f"--ape-account takes a name as `ape accounts list` shows it, not {name!r:.100}")
    folder = Path(os.environ.get("APE_DATA_FOLDER") or Path.home() / ".ape") / "accounts"
    return str(folder / f"{name}.json")


def _followed(found: Situation) -> list[Told]:
    """The modules that the site's mirror follows for this treasury. A plan needs no database but for that."""
    try:
        followed = Contract.objects.filter(
            kind=Contract.Kind.MODULE, dao__chain_id=found.chain_id, dao__contracts__address=found.holder.address
        )
        modules = sorted({bytes(contract.address) for contract in followed})
    except (OperationalError, ProgrammingError):  # none answers, or it has no tables yet
        return [Told(Level.UNKNOWN, "deployment", say("mirror_unknown"))]
    return [Told(Level.CAREFUL, "deployment", say("module_known", module=checksum(module))) for module in modules]


def _address(text: str | None) -> bytes | None:
    return to_bytes(text) if text else None


def _plain_cost(cost: Cost | None) -> dict[str, str | None] | None:
    return None if cost is None else {"least": _text(cost.least_wei), "most": _text(cost.most_wei)}


def _policy_of(loaded: Loaded | None) -> proposing.Policy | None:
    return None if loaded is None else proposing.Policy(_name(loaded), loaded.code, loaded.raw)


def _name(loaded: Loaded) -> str:
    """The policy's name, under which the module keeps it. Raises CommandError for bare code, which has none."""
    if loaded.document is None:
        raise CommandError("--policy takes a policy document: bare code has no name to be kept under")
    return loaded.document.name


def _in_words(loaded: Loaded) -> list[str]:
    return explain(loaded.code, loaded.names, loaded.tokens, loaded.functions, document=loaded.document)


def _document(loaded: Loaded | None) -> str:
    """The policy's document as it is published, complete by itself; empty where there is none."""
    if loaded is None or loaded.document is None:
        return ""
    return published(loaded.document.content.decode())[1]


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _plain_situation(found: Situation) -> dict[str, Any]:
    safe, timelock = found.holder.safe, found.timelock
    return {
        "chain_id": found.chain_id,
        "block": found.block,
        "family": found.family,
        **{name: plain(getattr(found, name)) for name in ("governor", "owner")},
        "timelock": None if timelock is None else plain(vars(timelock)),
        "treasury": {
            "address": plain(found.holder.address),
            "kind": found.holder.kind.value,
            "owner": plain(found.holder.owner),
            "safe": None if safe is None else plain(vars(safe)),
        },
        "votes": {
            "token": plain(found.votes.token),
            "adapter": None if found.votes.adapter is None else found.votes.adapter.value,
        },
        "features": found.features,
        "has_create2_factory": found.has_factory,
        "explorer": None,
    }
