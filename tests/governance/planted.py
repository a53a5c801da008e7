#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 -- a place in the product is quoted as it stands there
"""Named mistakes in the mirror, of the kinds that mirrors are known for; each of them the random runs must notice.

    .venv/bin/python -m tests.governance.planted [--runs 50] [WORD ...]

Each is planted in a copy of the product (.build/planted), and how many runs it took to notice it is printed: those of
seed 0, then of seed 1, and so on. Exit status 1 where one was not noticed. WORDs choose those whose name has one of them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".build" / "planted"
TEST = "tests/governance/test_model_based.py"
BATCH = 50  # runs of one seed there
COPIED = (
    "policies", "embedded", "governance", "replay", "agent", "presentation", "webapp", "dao", "tests", "pyproject.toml",
    "manage.py",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """In `file`, below governance/, each `before` stands exactly once and becomes its `after`; `also` names places in
    other files."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    also: tuple[tuple[str, str, str], ...] = ()

    def apply(self, product: Path) -> dict[Path, str]:
        """The changed files' texts, of the product in this folder. Raises ValueError where a place is not there, or not
        the only one."""
        found: dict[Path, str] = {}
        for file, before, after in (*((self.file, *change) for change in self.changes), *self.also):
            path = product / "governance" / file
            text = found.get(path) or path.read_text()
            if text.count(before) != 1:
                raise ValueError(f"{self.name}: {file} holds {text.count(before)} times: {before}")
            found[path] = text.replace(before, after)
        return found


FAULTS = (
    Fault(
        "a reorg keeps the orphans' votes",
        "sync/reorg.py",
        (("        logs.delete()", "        logs.exclude(pk__in=[vote.log_id for vote in votes]).delete()"),),
    ),
    Fault("a reorg keeps the orphans' logs", "sync/reorg.py", (("        logs.delete()\n", ""),)),
    Fault(
        "a reorg leaves what the dropped logs had changed",
        "sync/reorg.py",
        (("    news = refold(dao)\n", "    news = []\n"),),
    ),
    Fault(
        "a reorg keeps the power that dropped logs gave",
        "sync/reorg.py",
        (("        logs.delete()\n        power_now.make_again(dao, powers)\n", "        logs.delete()\n"),),
    ),
    Fault(
        "a reorg keeps the refusals of dropped blocks",
        "sync/reorg.py",
        (("        RefusedAct.objects.filter(**above).delete()\n", ""),),
    ),
    Fault(
        "a reorg keeps the readings of dropped blocks",
        "sync/reorg.py",
        (("        ChainReading.objects.filter(**above).delete()  # and so did it here\n", ""),),
    ),
    Fault(
        "a reorg keeps the power that was asked for in dropped blocks",
        "sync/reorg.py",
        (
            ("        asked_power.drop_above(dao, ancestor.number)\n", ""),
            ("    asked_power.drop_others(dao, numbers, hashes)\n", ""),
        ),
    ),
    Fault(
        "power is asked for at the newest snapshot only",
        "asked_power.py",
        (("[:MOST_PROPOSALS])\n    if not newest", "[:1])\n    if not newest"),),
    ),
    Fault("a correction is forgotten", "sync/reorg.py", (("first_block=ancestor.number + 1)\n        outbox.publish_many(dao, undone)\n", "first_block=ancestor.number + 1)\n"),)),
    Fault(
        "logs of a branch that was left stay where blocks are read again",
        "sync/reorg.py",
        (("    if not heights:\n        # A quorum, a tally", "    if True:\n        # A quorum, a tally"),),
    ),
    Fault(
        "what was asked in blocks of a branch that was left stays where blocks are read again",
        "sync/reorg.py",
        (("    gone, _ = answers.filter(block_number__in=numbers).exclude(block_hash__in=hashes).delete()\n", "    gone = 0\n"),),
    ),
    Fault(
        "the cursor moves before the logs are stored",
        "sync/store.py",
        (
            (
                "    with writer.transaction() as cursor:\n        if cursor.next_block != first_block:",
                "    with writer.transaction() as cursor:\n"
                "        cursor.next_block, cursor.head_hash = head.number + 1, head.hash\n"
                "        cursor.save()\n"
                "    with writer.transaction() as cursor:\n        if cursor.next_block != head.number + 1:",
            ),
        ),
    ),
    Fault(
        "projections have a transaction of their own",
        "sync/store.py",
        (
            (
                "        projector = Projector(writer.dao)\n",
                "    with writer.transaction():\n        projector = Projector(writer.dao)\n",
            ),
        ),
    ),
    Fault(
        "the outbox is written after the transaction",
        "sync/store.py",
        (
            (
                "        outbox.publish_many(writer.dao, [*undone, *told])",
                "    with writer.transaction():\n"
                "        outbox.publish_many(writer.dao, [*undone, *told])",
            ),
        ),
    ),
    Fault(
        "the outbox tells something twice",
        "sync/store.py",
        (
            (
                "outbox.publish_many(writer.dao, [*undone, *told])",
                "outbox.publish_many(writer.dao, [*undone, *told, *told[:1]])",
            ),
        ),
    ),
    Fault(
        "a proposal that comes with its votes counts them twice",
        "projections/votes.py",
        (
            (
                "        add_to_tallies(dao, {number: votes[number].tally for number in votes.keys() - recount})\n"
                "        if recount:\n            count_votes(dao, recount)\n",
                "        if recount:\n            count_votes(dao, recount)\n"
                "        add_to_tallies(dao, {number: of_one.tally for number, of_one in votes.items()})\n",
            ),
        ),
    ),
    Fault(
        "neither the fence nor the cursor's place is checked",
        "sync/fence.py",
        (("filter(dao=self.dao, fence=self.fence)", "filter(dao=self.dao)"),),
        (("sync/store.py", "        if cursor.next_block != first_block:", "        if cursor.next_block < 0:"),),
    ),
    Fault(
        "the parent's hash is not compared",
        "sync/step.py",
        (("if above is not None and header.parent_hash != above:", "if above is not None and not header.parent_hash:"),),
    ),
    Fault(
        "a node without the filter by hash is not read up to its head",
        "sync/by_hash.py",
        (("    except Answered as error:\n        first = error\n", "    except Answered as error:\n        first = error\n        raise\n"),),
    ),
    Fault(
        "null in place of no logs is an error",
        "sync/by_hash.py",
        (("    logs = checked(\"eth_getLogs\", answer, parse_logs_beside_block)", "    logs = checked(\"eth_getLogs\", answer, lambda raw: parse_logs_beside_block(list(raw)))"),),
    ),
    Fault(
        "a failed answer is an empty one, and nobody looks twice",
        "sync/fetch.py",
        (
            ("            raise ChainMoved(last.number) from error\n        raise\n", "            raise ChainMoved(last.number) from error\n        return []\n"),
            ("        found.extend(witness.check_blocks(rpc, asked, logs))", "        found.extend(logs if asked else [])"),
        ),
        (("sync/finality.py", "    if not questions:\n        return Confirmed(reached)", "    if dao:\n        return Confirmed(reached)"),),
    ),
    Fault(
        "one node's word about a range is believed",
        "sync/witness.py",
        (("    if not others:\n        return Look(found or", "    if True:\n        return Look(found, by_two=True)\n    if not others:\n        return Look(found or"),),
    ),
    Fault(
        "what the header's bloom does not show is dropped",
        "sync/witness.py",
        (("        kept = {key: log for key, log in shown.items() if key not in refuted}\n", "        seen = asked.header.logs_bloom\n        kept = {k: log for k, log in shown.items() if k not in refuted and (not seen or bloom.may_have(seen, log.address))}\n"),),
    ),
    Fault(
        "two logs with one index in a block are taken for one",
        "sync/witness.py",
        (
            ("found.setdefault((log.block_hash, log.transaction_index, log.log_index), log)", "found.setdefault((log.block_hash, 0, log.log_index), log)"),
            ("        if known is not log and (content(known), known.transaction_hash) != (content(log), log.transaction_hash):", "        if known.block_hash != log.block_hash:"),
        ),
    ),
    Fault(
        "two different logs in one place are taken for one",
        "sync/witness.py",
        (("        if known is not log and (content(known), known.transaction_hash) != (content(log), log.transaction_hash):", "        if known.block_hash != log.block_hash:"),),
    ),
    Fault(
        "receipts that don't rebuild the root are believed",
        "sync/witness.py",
        (("        if found is None or receipts.root(found) != root:", "        if found is None:"),),
    ),
    Fault(
        "what stands in no receipt is refuted wherever it stands",
        "sync/witness.py",
        (("if key not in true and proven.covers(log)}", "if key not in true}"),),
    ),
    Fault(
        "answers of another network behind the same address are believed",
        "chain/rpc/pool.py",
        (("        return endpoint.many_of_chain(requests, self.chain_id)\n", "        return endpoint.many(requests)\n"),),
    ),
    Fault(
        "logs of another block than the one asked for are taken",
        "sync/by_hash.py",
        (("    if any(log.block_hash != asked.header.hash for log in logs):\n        raise Answered(None, say(\"other_block_logs\", block=asked.header.number))\n", ""),),
    ),
    Fault(
        "what one node alone showed is never asked for again",
        "sync/step.py",
        (("        self._note(look_again(self.writer, self.rpc, self.contracts, final_block, is_alone=self._is_alone()))\n", ""),),
    ),
    Fault(
        "what was one node's word for a while is not looked at again",
        "sync/step.py",
        (("                looked = finality.look_once_more(self.dao, self.rpc, self.contracts, first, final_block)\n", "                looked = finality.Confirmed(final_block)\n"),),
    ),
    Fault(
        "what was one node's word is forgotten where a node lags",
        "sync/finality.py",
        (("        return None  # by a node that lags, less is final than was; asked again when it has come on\n", "        return Confirmed(final)\n"),),
    ),
    Fault(
        "logs are put in order by their index alone",
        "sync/witness.py",
        (('IN_CHAIN_ORDER = attrgetter("block_number", "transaction_index", "log_index")', 'IN_CHAIN_ORDER = attrgetter("block_number", "log_index")'),),
    ),
    Fault(
        "stored logs are folded by their index alone",
        "projections/again.py",
        (("order_by(*chain_order())", 'order_by("block_number", "log_index")'),),
    ),
    Fault(
        "a vote without an end ends where the numbers of old did",
        "projections/proposal_events.py",
        (('"deadline": a["voteEnd"],', '"deadline": min(a["voteEnd"], 2**63 - 1),'),),
    ),
    Fault(
        "a log's time of zero is believed",
        "chain/rpc/values.py",
        (("    return bounded_quantity(value) if time_s else None", "    return bounded_quantity(value)"),),
        (("sync/fetch.py", "if newest_s <= time_s <= latest_s:", "if log.timestamp_chain_s is not None:"),),
    ),
    Fault(
        "what becomes final is not looked at again",
        "sync/finality.py",
        (("    if not questions:\n        return Confirmed(reached)", "    if dao:\n        return Confirmed(reached)"),),
    ),
    Fault(
        "the newest reorg is kept as the deepest",
        "sync/reorg.py",
        (("filter(pk=dao.chain_id, deepest_reorg_blocks__lt=blocks)", "filter(pk=dao.chain_id)"),),
    ),
    Fault("the boldest claim of finality counts", "sync/finality.py", (("    return min(claims)", "    return max(claims)"),)),
    Fault(
        "a block that a node lacks is passed over",
        "sync/fetch.py",
        (("        if header is None:\n            raise Answered(None, say(\"block_missing\"", "        if header is None and not found:\n            raise Answered(None, say(\"block_missing\""),),
    ),
    Fault(
        "power is dated by the chain's own blocks where the clock counts another's",
        "projections/batch.py",
        (("timepoint = self.l1_blocks[log.block_hash]", "timepoint = log.block_number"),),
    ),
    Fault(
        "what the clock said is not kept for making projections again",
        "sync/step.py",
        (("        answers += clocks.answers_of(self.dao, self.contracts, read.logs, read.headers)\n", ""),),
    ),
    Fault(
        "the clock is taken to be the chain's own height",
        "sync/store.py",
        (("        cursor.head_l1_block = head.l1_block\n", "        cursor.head_l1_block = head.number\n"),),
    ),
    Fault(
        "a vote in parts is counted by its support, unless that is 255",
        "counting.py",
        (
            (
                "len(params) == PARTS_BYTES and (self.in_parts or (self.by_parameters and support == PARAMETERS))",
                "len(params) == PARTS_BYTES and support == PARAMETERS",
            ),
        ),
    ),
    Fault(
        "a call at which the node fails is taken for a view that is not there",
        "capabilities.py",
        (("    return isinstance(answer, RpcError) and not isinstance(answer, CallReverted)\n", "    return isinstance(answer, RpcError) and isinstance(answer, CallReverted) and not answer\n"),),
    ),
    Fault(
        "a reason that a node failed to say is not asked again",
        "sync/step.py",
        (("            refusals.ask_again(self.writer, self.rpc)\n", ""),),
    ),
    Fault(
        "a change of rules that is found late is not acted on",
        "sync/store.py",
        (("            note_late(writer.dao, cursor, late)\n", "            late.clear()\n"),),
    ),
    Fault(
        "a change of code that is found late is told to nobody",
        "probing.py",
        (("        governor.capabilities[_PROBED_BLOCK] = code.block_number - 1  #", "        governor.capabilities[_PROBED_BLOCK] = code.block_number  #"),),
    ),
    Fault(
        "a log that is confirmed tells nothing",
        "unconfirmed.py",
        (("    outbox.publish_many(dao, [(topic, key, block) for row in found for topic, key, block in row.news])\n", ""),),
    ),
)  # fmt: skip


def plant(fault: Fault) -> None:
    """A fresh copy of the product with this mistake in it."""
    for name in COPIED:
        target = PLACE / name
        if (ROOT / name).is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    for path, text in fault.apply(PLACE).items():
        path.write_text(text)


def noticed(fault: Fault, runs: int) -> tuple[int, str] | None:
    """After how many runs the mistake showed, and as what; None where it did not."""
    plant(fault)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-x", "--tb=short", "--show-capture=no", TEST, "-k", "seed"],
        cwd=PLACE,
        env={**os.environ, "MANDATE_MODEL_RUNS": str(runs), "MANDATE_MODEL_SHRINK": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    found = re.search(r"batch seed (\d+), run (\d+)", done.stdout)
    if found is None:
        raise SystemExit(f"{fault.name}: the runs did not begin\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    # Behind a bar where Hypothesis shows it in a group: a run that fails by chance does not fail twice.
    reason = re.search(r"^(?:E| +\|) +((?:\w+\.)*\w*(?:Error|Violation)\b.*)$", done.stdout, re.MULTILINE)
    return int(found[1]) * BATCH + int(found[2]), reason[1][:90] if reason else ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Planted mistakes against the random runs.")
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--runs", type=int, default=50, help="at most so many for each (default 50)")
    options = parser.parse_args()
    chosen = [f for f in FAULTS if not options.words or any(word in f.name for word in options.words)]
    PLACE.mkdir(parents=True, exist_ok=True)
    missed = 0
    for fault in chosen:
        began = time.monotonic()
        found = noticed(fault, options.runs)
        missed += found is None
        told = f"run {found[0]:3}  " if found else "NOT NOTICED"
        reason = f": {found[1]}" if found else ""
        print(f"{told} {fault.name} ({time.monotonic() - began:.0f} s){reason}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} noticed within {options.runs} runs")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
