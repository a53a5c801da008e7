# SPDX-License-Identifier: Apache-2.0
"""`manage.py add_dao <governor>`: what the contracts are and how well they are read, then the DAO in the mirror, read
up to its chain's head."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from governance import module_search, progress, same_chain, standing
from governance.chain.address import BadAddress, checksum, to_bytes
from governance.chain.rpc import Rpc, RpcError, quantity
from governance.discovery import FoundModule
from governance.models import Contract, Dao
from governance.register import NotRegistered, Preflight, about_read_token, preflight, register, slug_of
from governance.sync import Status
from policies.notation.visible import one_line

_TOLD_EVERY_S = 5.0
_RANGES = 100  # of blocks that are searched for modules; the workers go on from there


class Command(BaseCommand):
    help = "Take a DAO into the mirror: its governor is asked what it can do, nothing else is configured."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("governor", nargs="?", help="the governor's address")
        parser.add_argument("--deployment", type=Path, help="a deployment.json, in place of the addresses")
        parser.add_argument(
            "--rpc", metavar="URL", action="append", default=[],
            help="a node to ask; repeatable (default: MANDATE_RPC_URLS, which the workers read from)",
        )  # fmt: skip
        parser.add_argument("--chain", type=int, help="the chain's id, where several are configured")
        parser.add_argument("--slug", help="its name in addresses of pages (default: from --name)")
        parser.add_argument("--name", help="its name (default: the governor's own)")
        parser.add_argument("--token", help="the votes token's address (default: what the governor names)")
        parser.add_argument("--module", help="the policy module's address")
        parser.add_argument("--treasury", help="the treasury's address (default: the module's)")
        parser.add_argument(
            "--asset", action="append", default=[], help="a token to follow in the treasury; repeatable"
        )
        parser.add_argument("--start-block", type=int, help="first block to read (default: the governor's own)")
        parser.add_argument("--check", action="store_true", help="only say what was found; write nothing")
        parser.add_argument("--no-sync", action="store_true", help="leave the reading to the workers")

    def handle(self, **options: Any) -> None:
        try:
            self._add(options)
        except (NotRegistered, RpcError, BadAddress, same_chain.OtherChain) as error:
            raise CommandError(str(error)) from None

    def _add(self, options: dict[str, Any]) -> None:
        wanted = self._addresses(options)
        rpc = self._rpc(options["rpc"], wanted["chain_id"])
        chain_id = rpc.chain_id if rpc.chain_id is not None else quantity(rpc.call("eth_chainId"))
        unknown = same_chain.check(self._urls(options["rpc"], chain_id), chain_id)
        found = preflight(
            rpc, wanted["governor"], token=wanted["token"], module=wanted["module"], treasury=wanted["treasury"],
            assets=wanted["assets"], start_block=wanted["start_block"],
        )  # fmt: skip
        for line in found.lines():
            self.stdout.write(line)
        if unknown is not None:
            self.stdout.write(f"careful: {unknown}")
        if options["check"]:
            return
        own_name = one_line(str(found.capabilities["name"] or ""), 120)  # a stranger's text
        name = options["name"] or own_name or checksum(found.governor)
        dao = register(found, slug=options["slug"] or slug_of(name), name=name)
        self.stdout.write(self.style.SUCCESS(f"{dao.name} is in the mirror as /{dao.slug}/"))
        if found.chain_id not in settings.RPC_URLS:
            self.stderr.write(
                f"note: no node is configured for chain {found.chain_id}: set MANDATE_RPC_URLS, or nothing is read "
                "after this command"
            )
        told = standing.known(dao).words
        self.stdout.write(told)
        if not options["no_sync"]:
            self._read(dao, rpc, found, wanted)
        if not options["no_sync"] and (degraded := about_read_token(dao)) is not None:
            self.stdout.write(str(degraded))
        self._tell_missing_assets(dao)
        if (now := standing.known(dao).words) != told:
            self.stdout.write(now)

    def _tell_missing_assets(self, dao: Dao) -> None:
        """Say where a policy module but only the votes token is followed, which seldom is what an agent pays."""
        kinds = dict.fromkeys(Contract.Kind.values, frozenset[bytes]())
        for contract in dao.contracts.all():
            kinds[contract.kind] |= {bytes(contract.address)}
        if kinds[Contract.Kind.MODULE] and not kinds[Contract.Kind.ASSET] - kinds[Contract.Kind.VOTES_TOKEN]:
            self.stdout.write(
                "careful: no token of the treasury but the votes token is followed: its balance and movements are not "
                "read, and where the policy's document is not known, neither are its symbol and decimals. Run this "
                "command again with --asset and the token's address"
            )

    def _read(self, dao: Dao, rpc: Rpc, found: Preflight, wanted: dict[str, Any]) -> None:
        try:
            self._sync(dao, rpc)
            if self._find_modules(dao, rpc, found, wanted):
                self._sync(dao, rpc)
        except RpcError as error:
            raise CommandError(
                f"{one_line(str(error), 400)}. The DAO is in the mirror, and what was read is kept: the workers go on "
                "from there, and so does this command when it is run again"
            ) from None

    def _find_modules(self, dao: Dao, rpc: Rpc, found: Preflight, wanted: dict[str, Any]) -> bool:
        """Register the DAO's own policy modules and tell of others. Whether there is more to read now. The DAO is there
        already: a node that fails here is told, and undoes nothing."""
        before = dao.contracts.count()
        try:
            self._look_for_modules(dao, rpc, found, wanted)
        except RpcError as error:
            self._tell_unfinished(error)
        return dao.contracts.count() != before

    def _tell_unfinished(self, error: RpcError) -> None:
        self.stdout.write(
            f"the search for policy modules is not finished, for a node failed: {one_line(str(error), 400)}. The DAO "
            "stays in the mirror. The workers search again, and so does this command when it is run again"
        )

    def _look_for_modules(self, dao: Dao, rpc: Rpc, found: Preflight, wanted: dict[str, Any]) -> None:
        looked = module_search.look(dao, rpc, ranges=_RANGES, everything=True)
        if looked is None:
            return
        for module in looked.others:
            self.stdout.write(module_search.told(dao, module))
        for module in looked.followed:
            if wanted["assets"]:
                self._follow_assets(dao, rpc, found, module, wanted)
            self.stdout.write(
                f"policy module {checksum(module.address)} was found and is followed: its owner is the DAO's, and the "
                f"treasury {checksum(module.treasury)} lets it act"
            )
        if looked.refused:
            self.stdout.write(
                f"{looked.refused}: modules are found by what the DAO executed and by its treasuries' own lists alone; "
                "name others with --module"
            )
        elif not looked.is_whole:
            self.stdout.write(
                f"modules were looked for in the logs of blocks {looked.searched_from:,} to {looked.searched_to:,}; "
                f"the workers go on down to block {looked.first_block:,}, and with the head"
            )
        if looked.failure is not None:
            self._tell_unfinished(looked.failure)

    def _follow_assets(self, dao: Dao, rpc: Rpc, found: Preflight, module: FoundModule, wanted: dict[str, Any]) -> None:
        """Follow the assets that were named in the treasury of a module that was found."""
        try:
            complete = preflight(
                rpc, found.governor, token=wanted["token"], module=module.address, treasury=module.treasury,
                assets=wanted["assets"], start_block=found.start_block,
            )  # fmt: skip
        except RpcError as error:
            self.stdout.write(
                f"the assets that --asset names are not followed, for a node failed: {one_line(str(error), 400)}. Run "
                f"this command again with --module {checksum(module.address)}"
            )
            return
        register(complete, slug=dao.slug, name=dao.name)

    def _sync(self, dao: Dao, rpc: Rpc) -> None:
        """Read on to the head; a line that rewrites itself for a person, one every few seconds for a log."""
        person, told_at = self.stdout.isatty(), float("-inf")
        done = None
        try:
            for done in progress.read(dao, rpc):
                ended = done.status not in (Status.BEHIND, Status.BUSY)
                if person:
                    self.stdout.write(f"\r{done}\x1b[K", ending="\n" if ended else "")
                    self.stdout.flush()
                elif ended or done.elapsed_s - told_at >= _TOLD_EVERY_S:
                    self.stdout.write(str(done))
                    told_at = done.elapsed_s
        except KeyboardInterrupt:
            self.stdout.write("\nstopped: what was read is kept, and the workers or this command go on from there")
            return
        if done is not None and done.status is Status.NODE_BEHIND:
            raise CommandError("the node's head is older than what was read already: use another node, or wait for it")
        if done is not None and done.status is Status.STOPPED:
            raise CommandError("the chain differs from what was final: see the incident on the status page")

    def _addresses(self, options: dict[str, Any]) -> dict[str, Any]:
        deployment: dict[str, Any] = {}
        if options["deployment"]:
            try:
                deployment = json.loads(options["deployment"].read_text())
                contracts = dict(deployment["contracts"])
                deployment["chain_id"] = int(deployment["chain_id"])
            except OSError as error:
                raise CommandError(f"{options['deployment']} can't be read: {error.strerror}") from None
            except (ValueError, KeyError, TypeError):
                raise CommandError(
                    f"{options['deployment']} is no deployment: it needs chain_id and contracts"
                ) from None
        else:
            contracts = {}
        governor = options["governor"] or contracts.get("governor")
        if not governor:
            raise CommandError("name the governor's address, or a --deployment file that does")
        assets = [*options["asset"], *([contracts["usdc"]] if "usdc" in contracts else [])]

        def optional(name: str) -> bytes | None:
            text = options[name] or contracts.get(name)
            return to_bytes(text) if text else None

        start_block = options["start_block"]
        return {
            "chain_id": options["chain"] or deployment.get("chain_id"),
            "governor": to_bytes(governor),
            "token": optional("token"),
            "module": optional("module"),
            "treasury": optional("treasury"),
            "assets": [to_bytes(asset) for asset in assets],
            "start_block": deployment.get("start_block") if start_block is None else start_block,
        }

    def _urls(self, urls: list[str] | str, chain_id: int) -> list[str]:
        if urls:
            return [urls] if isinstance(urls, str) else urls
        return list(settings.RPC_URLS.get(chain_id, []))

    def _rpc(self, urls: list[str] | str, chain_id: int | None) -> Rpc:
        if urls:
            return Rpc([urls] if isinstance(urls, str) else urls, chain_id)
        if chain_id is None:
            if len(settings.RPC_URLS) != 1:
                raise CommandError(
                    "name the chain with --chain or a node with --rpc: MANDATE_RPC_URLS has not just one"
                )
            chain_id = next(iter(settings.RPC_URLS))
        return Rpc(settings.RPC_URLS.get(chain_id, []), chain_id)
