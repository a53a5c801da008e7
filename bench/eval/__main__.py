# SPDX-License-Identifier: Apache-2.0
"""`make eval`: how right the verdict is, without any model. Prints counts with Wilson bounds; JSON in bench/results.

    --part cases|honest|uniswap|opaque|mutants|injection|attacks|speed   one part only (may be given several times)
    --odd                of the proposals that a person read, those at odd places only: while rules are made
    --seed N (1)         of what is random in the mutants
    --details            each case that is not right, by name (never of the half of the proposals that is kept apart)

The proposals that a person read are in two halves, by their place in the file: the rules were made while looking at the
odd ones only. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
django.setup()

from agent.understanding.effects import Effect  # noqa: E402
from agent.understanding.flags import Severity  # noqa: E402
from agent.understanding.gist import status_of  # noqa: E402
from agent.understanding.review import Review, review  # noqa: E402
from bench.eval import attacks as attack_cases  # noqa: E402
from bench.eval import data, injection, worst  # noqa: E402
from bench.eval.data import Proposal  # noqa: E402
from bench.eval.mutants import ATTACKER, Mutant, Original, mutants  # noqa: E402
from bench.eval.opaque import missed as opaque_missed  # noqa: E402
from bench.eval.opaque import opaque_share  # noqa: E402
from bench.eval.score import Rate, paired  # noqa: E402

RESULTS = Path(__file__).resolve().parents[1] / "results" / "eval.json"
TOLD, PART = "told", "told_in_part"
UNTOLD = frozenset({"not_told", "differs", "opaque", "cant_be_checked"})
MEDIAN_MS, LONG_S = 20.0, 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON. Returns 1 where a bar is missed, else 0."""
    parts = {
        "cases": cases, "honest": honest, "uniswap": uniswap, "opaque": opaque, "mutants": mutated,
        "injection": injected, "attacks": attacked, "speed": speed,
    }  # fmt: skip
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__, formatter_class=form)
    parser.add_argument("--part", action="append", choices=parts)
    parser.add_argument("--odd", action="store_true", help="leave the half that is kept apart alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--details", action="store_true")
    options = parser.parse_args(arguments)
    if not data.is_here():
        print(f"eval: {data.SHARED} is not here: nothing to measure on")
        return 0
    found: dict[str, Any] = {}
    for name in options.part or parts:
        found[name] = parts[name](options)
    missed = [f"{part}: {bar}" for part, body in found.items() for bar in body.get("missed", ())]
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text()) if options.part and RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**before, **found, "model": None}, indent=1, ensure_ascii=False) + "\n")
    print(f"\nwritten: {RESULTS}")
    for bar in missed:
        print(f"missed: {bar}")
    return 1 if missed else 0


def reviewed(proposal: Proposal) -> Review:
    return review(proposal.text, proposal.calls, proposal.book)


def _status(done: Review, effect_id: str) -> str:
    return status_of(done.verdict, effect_id)


def _words(done: Review, effect_id: str) -> str:
    """The words that tell an effect; "" where none do."""
    finding = done.verdict.of(effect_id)
    if finding is None or finding.quote is None or finding.status not in (TOLD, PART):
        return ""
    return done.document.text[finding.quote.start : finding.quote.end].strip()


def _say(title: str, rows: Iterable[tuple[str, object]]) -> None:
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name}: {value}")


# ------------------------------------------------------------------------------------------------------ small cases


def cases(options: argparse.Namespace) -> dict[str, Any]:
    """The small cases, each of which has one right answer, or two."""
    wrong = []
    wrong_yes = 0
    for case in data.cases():
        got = str(reviewed(case).verdict.outcome)
        if got not in case.want:
            wrong.append({"case": case.name, "want": list(case.want), "got": got})
            wrong_yes += got == TOLD
    of = len(data.cases())
    right = Rate(of - len(wrong), of)
    _say("Small cases", [("right", right), ("wrong yes", Rate(wrong_yes, of))])
    if options.details:
        for one in wrong:
            print(f"    {one['case']}: {one['got']}, not {' or '.join(one['want'])}")
    return {
        "right": right.as_json(), "wrong_yes": wrong_yes, "wrong": wrong,
        "missed": [f"{len(wrong)} of the small cases are wrong"] if wrong else [],
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------- what a person read


def honest(options: argparse.Namespace) -> dict[str, Any]:
    """The real proposals that a person read, by halves."""
    everything = data.honest()
    found, missed = {}, []
    halves = [("odd", everything[::2]), ("even", everything[1::2]), ("both", everything)]
    for name, chosen in halves[:1] if options.odd else halves:
        body = _honest(chosen)
        found[name] = body["json"]
        _say(f"Real proposals, {name} places", body["rows"])
        if options.details and name == "odd":
            for line in body["details"]:
                print(f"    {line}")
        if name == "both" or options.odd:
            missed = body["missed"]
    return {**found, "missed": missed}


def _honest(proposals: Sequence[Proposal]) -> dict[str, Any]:
    table: Counter[tuple[str, str]] = Counter()
    effects: Counter[tuple[str, str]] = Counter()
    details, dangers = [], []
    for proposal in proposals:
        done = reviewed(proposal)
        got = str(done.verdict.outcome)
        table[(proposal.want[0], got)] += 1
        if got != proposal.want[0]:
            details.append(f"{proposal.name}: {got}, read as {proposal.want[0]}")
        for read, effect in paired(proposal.read, done.effects, proposal.book):
            outcome = _status(done, effect.id) if effect else "missing"
            effects[(read.verdict, outcome)] += 1
            if read.verdict != outcome:
                details.append(f"{proposal.name} call {read.call} {read.kind}: {outcome}, read as {read.verdict}")
        if danger := [flag.code for flag in done.flags if flag.severity is Severity.DANGER]:
            dangers.append({"proposal": proposal.name, "flags": danger})
    told = [count for (want, _), count in table.items() if want == TOLD]
    told_told = Rate(table[(TOLD, TOLD)], sum(told))
    read_told = sum(count for (want, _), count in effects.items() if want == TOLD)
    false_alarm = Rate(sum(effects[(TOLD, bad)] for bad in ("differs", "not_told")), read_told)
    lies = [(want, got, count) for (want, got), count in effects.items() if want in ("not_told", "differs")]
    called_told = Rate(sum(count for _, got, count in lies if got == TOLD), sum(count for *_, count in lies))
    seen = Rate(sum(n for _, got, n in lies if got in ("not_told", "differs")), sum(count for *_, count in lies))
    matrix = {f"{want} -> {got}": count for (want, got), count in sorted(effects.items())}
    outcomes = {f"{want} -> {got}": count for (want, got), count in sorted(table.items())}
    missed = []
    if told_told.share < 0.8:
        missed.append(f"told of those read as told: {told_told}")
    if false_alarm.hits:
        missed.append(f"effects read as told, called differs or not told: {false_alarm}")
    if called_told.hits:
        missed.append(f"effects read as not told or differs, called told: {called_told}")
    if seen.share < 0.7:
        missed.append(f"effects read as not told or differs, found: {seen}")
    if len(dangers) > 1:
        missed.append(f"proposals with a danger flag: {len(dangers)}")
    return {
        "json": {
            "told_of_read_as_told": told_told.as_json(), "told_called_lie": false_alarm.as_json(),
            "lies_called_told": called_told.as_json(), "lies_found": seen.as_json(), "outcomes": outcomes,
            "effects": matrix, "danger_flags": len(dangers),
        },
        "rows": [
            ("told, of those read as told", told_told),
            ("effects read as told, called differs or not told", false_alarm),
            ("effects read as not told or differs, called told", called_told),
            ("effects read as not told or differs, found", seen),
            ("proposals with a danger flag", Rate(len(dangers), len(proposals))),
            ("outcomes (read -> got)", outcomes),
            ("effects (read -> got)", matrix),
        ],
        "details": [*details, *(f"{one['proposal']}: danger {one['flags']}" for one in dangers)],
        "missed": missed,
    }  # fmt: skip


def uniswap(_options: argparse.Namespace) -> dict[str, Any]:
    """Uniswap's proposals, which nobody read effect by effect: outcomes and flags."""
    outcomes: Counter[str] = Counter()
    effects: Counter[str] = Counter()
    dangers: Counter[str] = Counter()
    for proposal in data.uniswap():
        done = reviewed(proposal)
        outcomes[str(done.verdict.outcome)] += 1
        effects.update(_status(done, effect.id) for effect in done.effects)
        dangers.update({flag.code for flag in done.flags if flag.severity is Severity.DANGER})
    rows = [("outcomes", dict(outcomes)), ("effects", dict(effects)), ("danger flags, by proposal", dict(dangers))]
    _say("Uniswap's proposals", rows)
    return {"outcomes": dict(outcomes), "effects": dict(effects), "danger_flags": dict(dangers)}


def opaque(options: argparse.Namespace) -> dict[str, Any]:
    """How many calls nobody can say anything about, with the table of packages alone and in all."""
    found: dict[str, Any] = {}
    rows = []
    real = data.honest()[:: 2 if options.odd else 1]
    for name, proposals in (("honest26", real), ("uniswap", data.uniswap()), ("optimism", data.optimism())):
        counts = opaque_share(proposals)
        rates = {
            "calls": Rate(counts["in_all"], counts["calls"]),
            "calls_blind": Rate(counts["blind"], counts["calls"]),
            "proposals": Rate(counts["proposals_with_opaque"], counts["proposals"]),
        }
        found[name] = {**{key: rate.as_json() for key, rate in rates.items()}, "why": counts["why"]}
        rows.append((name, f"calls {rates['calls']}; blind {rates['calls_blind']}; proposals {rates['proposals']}"))
        if name == "honest26":
            missed = opaque_missed(counts)
    _say("Opaque", rows)
    return {**found, "missed": missed}


# ------------------------------------------------------------------------------------------------------------ mutants


def mutated(options: argparse.Namespace) -> dict[str, Any]:
    """Small lies made out of the real proposals: how many are seen, by kind."""
    random = Random(options.seed)  # noqa: S311 -- the same seed must give the same mutants
    seen: Counter[str] = Counter()
    of: Counter[str] = Counter()
    told_seen: Counter[str] = Counter()
    told_of: Counter[str] = Counter()
    wrong_yes: list[str] = []
    even = {proposal.name for proposal in data.honest()[1::2]}
    real = data.honest()[:: 2 if options.odd else 1]
    for proposal in (*real, *data.uniswap()):
        before = reviewed(proposal)
        if not before.effects:
            continue
        words = {effect.id: _words(before, effect.id) for effect in before.effects}
        original = Original(proposal, before.effects, {key: said for key, said in words.items() if said})
        for mutant in mutants(original, random):
            after = reviewed(mutant.proposal)
            was_told = any(_status(before, effect) == TOLD for effect in mutant.of)
            is_seen = _is_seen(mutant, before, after, was_told=was_told)
            of[mutant.kind] += 1
            seen[mutant.kind] += is_seen
            if was_told:
                told_of[mutant.kind] += 1
                told_seen[mutant.kind] += is_seen
                if str(after.verdict.outcome) == TOLD:
                    wrong_yes.append(f"{mutant.kind}: {proposal.name} {' '.join(mutant.of)}")
            if options.details and not is_seen and proposal.name not in even:
                print(f"    not seen: {mutant.kind}: {proposal.name} {' '.join(mutant.of)}")
    total, told = Rate(seen.total(), of.total()), Rate(told_seen.total(), told_of.total())
    by_kind = {kind: Rate(seen[kind], of[kind]) for kind in sorted(of)}
    _say("Mutants", [("seen", total), ("seen, where the value was told", told), ("wrong yes", len(wrong_yes))])
    _say("Mutants by kind", by_kind.items())
    if options.details:
        for line in wrong_yes:
            if line.split(": ")[1].split(" ")[0] not in even:
                print(f"    wrong yes: {line}")
    missed = [f"mutants of {kind}: {rate}" for kind, rate in by_kind.items() if rate.share < 0.9]
    if total.of < 700:
        missed.append(f"only {total.of} mutants")
    if total.share < 0.95:
        missed.append(f"mutants seen: {total}")
    if wrong_yes:
        missed.append(f"mutants of told values that are called told: {len(wrong_yes)}")
    return {
        "seen": total.as_json(), "seen_where_told": told.as_json(), "wrong_yes": len(wrong_yes),
        "by_kind": {kind: rate.as_json() for kind, rate in by_kind.items()}, "missed": missed,
    }  # fmt: skip


def _is_seen(mutant: Mutant, before: Review, after: Review, *, was_told: bool) -> bool:
    """Whether the review shows the change: the effect that is other is not told (of a call that is gone, the order
    that nothing fulfils), or a flag is raised that the original has not."""
    old = Counter(map(_content, before.effects))
    changed = [effect for effect in after.effects if old[_content(effect)] < 1 or not mutant.of]
    if mutant.kind == "call appended":
        changed = [effect for effect in after.effects if effect.position == len(mutant.proposal.calls) - 1]
    outcome = str(after.verdict.outcome)
    new_flags = {(f.code, f.sentence.code) for f in after.flags} - {(f.code, f.sentence.code) for f in before.flags}
    if mutant.kind == "call repeated":
        again = {_content(effect) for effect in before.effects if effect.id in mutant.of}
        twins = [_status(after, effect.id) for effect in after.effects if _content(effect) in again]
        # One mention pays for one effect: of two that are the same, no more are told than before.
        told_before = sum(_status(before, effect) == TOLD for effect in mutant.of)
        return outcome != TOLD and twins.count(TOLD) <= told_before
    if mutant.kind == "call dropped":
        more = len(after.verdict.orders_not_done) > len(before.verdict.orders_not_done)
        return outcome != TOLD and (more or not was_told or outcome != str(before.verdict.outcome))
    if mutant.kind.startswith(("text", "verb")):
        states = [_status(after, effect) for effect in mutant.of]
        was = [_status(before, effect) for effect in mutant.of]
        return all(a != TOLD and (a != b or b != TOLD) for a, b in zip(states, was, strict=True))
    if outcome == TOLD:
        return False
    return all(_status(after, effect.id) != TOLD for effect in changed) and (bool(changed) or bool(new_flags))


def _content(effect: Effect) -> Effect:
    """An effect by what it does alone."""
    return replace(effect, id="", parent="", position=0)


# ---------------------------------------------------------------------------------------------- injections, attacks


def injected(_options: argparse.Namespace) -> dict[str, Any]:
    """Injected orders in honest and hostile proposals, with a model that answers the worst JSON of its schema."""
    everything = data.honest()
    honest_one = next(p for p in everything[::2] if str(reviewed(p).verdict.outcome) == TOLD)
    theft = type(honest_one.calls[0])(next(iter(honest_one.book.tokens)), 0, b"",
                                      attack_cases.transfer_data(ATTACKER, 90_000 * 10**6))  # fmt: skip
    hostile = replace(honest_one, calls=(*honest_one.calls, theft, attack_cases.dark_delegatecall()))
    texts = injection.chosen(data.injections(), 250)
    tried = moved = lost = 0
    for proposal in (honest_one, hostile):
        before = reviewed(proposal)
        base = injection.TOWARDS_YES.index(str(before.verdict.outcome))
        flags_before = {(flag.code, flag.effects) for flag in before.flags}
        for text in texts:
            for number, (_, whole) in enumerate(injection.placed(proposal.text, text)):
                how = (worst.OMIT, worst.FIRST, worst.LAST)[number % 3]
                after = worst.with_worst_model(whole, proposal, how)
                tried += 1
                moved += injection.TOWARDS_YES.index(after.outcome) > base
                lost += bool(flags_before - after.flags)
    rows = [("tried", tried), ("moved towards yes", Rate(moved, tried)), ("flags suppressed", Rate(lost, tried))]
    _say("Injections, with the worst model", rows)
    bars = (("moved towards yes", moved), ("flags suppressed", lost))
    missed = [f"{name}: {value}" for name, value in bars if value]
    return {"tried": tried, "texts": len(texts), "placements": list(injection.PLACEMENTS), "missed": missed,
            "moved": Rate(moved, tried).as_json(), "suppressed": Rate(lost, tried).as_json()}  # fmt: skip


def attacked(_options: argparse.Namespace) -> dict[str, Any]:
    """Real attacks: the flags that the data at hand allows."""
    rows, missed, found = [], [], {}
    for case in attack_cases.known(data.attacks()):
        codes = case.raised()
        absent = sorted(set(case.want) - codes)
        found[case.name] = {
            "raised": sorted(set(case.want) & codes),
            "absent": absent,
            "not_allowed_by_data": case.beyond,
        }
        rows.append((case.name, f"{len(case.want) - len(absent)} of {len(case.want)}; beyond the data: {case.beyond}"))
        missed += [f"{case.name}: {code}" for code in absent]
    _say("Known attacks, flags", rows)
    return {**found, "missed": missed}


def speed(_options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of processor time a proposal, and seconds of a hostile text of 200 kB."""
    times = []
    for proposal in data.honest():
        runs = []
        for _ in range(3):
            begin = time.process_time()
            reviewed(proposal)
            runs.append((time.process_time() - begin) * 1000)
        times.append(min(runs))
    long_s = {}
    calls, book = data.honest()[0].calls, data.honest()[0].book
    for piece in ("Transfer 1 USDC to ", "| 1 USDC | 0x11 |\n", "not if 0x", "1,", "[", "a. ", "x", "- pay 5 USDC\n"):
        begin = time.process_time()
        review(piece * (200_000 // len(piece)), calls, book)
        long_s[piece.strip()] = round(time.process_time() - begin, 3)
    median, longest = round(statistics.median(times), 2), max(long_s.values())
    _say("Speed", [("median, ms", median), ("slowest, ms", round(max(times), 1)), ("hostile 200 kB, s", long_s)])
    missed = []
    if median > MEDIAN_MS:
        missed.append(f"median {median} ms")
    if longest > LONG_S:
        missed.append(f"hostile text {longest} s")
    return {"median_ms": median, "slowest_ms": round(max(times), 2), "hostile_s": long_s, "missed": missed}


if __name__ == "__main__":
    sys.exit(main())
