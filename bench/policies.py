# SPDX-License-Identifier: Apache-2.0
"""How long compiling and evaluating a policy takes: `python -m bench.policies` prints bench/results/policies.json.

Each template, with an act of five calls that its first rules permit by their form (most of them are then refused for
something, which takes longer than being allowed), and a policy as large as a contract can hold; and the whole of
`python -m policies`, from start to end. Times are the median of many runs (of five for the command, with the quickest
and the slowest), in milliseconds of processor time; `bounds` are what they must stay under, and the exit status says
whether they do.
"""

import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from policies.answer.evaluate import Allowed, Mode, PolicyState, evaluate
from policies.code.call import Call
from policies.code.calldata import Value, pack_call
from policies.code.encoding import decode, encode
from policies.code.policy_code import PolicyCode, Rule
from policies.document.document import load
from policies.notation.primitives import checksum, keccak
from policies.words.explain import explain

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "policies" / "templates"
RESULTS = ROOT / "bench" / "results" / "policies.json"
BOUNDS = {"compile_ms": 50.0, "evaluate_call_ms": 0.2, "command_ms": 400.0}
CALLS = 5


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """The median time of one run."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        times.append((time.process_time() - begin) * 1000)
    return round(statistics.median(times), 4)


def measured(name: str, text: str, functions: bool) -> dict[str, Any]:
    """The times of one policy."""
    document = load(text)
    code = encode(document)
    policy = decode(code)
    names = {rule.function.selector: rule.function for rule in document.rules if rule.function}
    state = PolicyState(keccak(b"bench"), 1, 0, 0, policy.end_s, paused=False)
    calls = _calls(policy)
    now_s = policy.start_s + 3600
    act_ms = milliseconds(lambda: evaluate(policy, state, calls, now_s, Mode.EXECUTE), 2000)
    answer = evaluate(policy, state, calls, now_s, Mode.EXECUTE)
    return {
        "policy": name,
        "code_bytes": len(code),
        "rules": len(policy.rules),
        "compile_ms": milliseconds(lambda: encode(load(text)), 50 if functions else 5),
        "decode_ms": milliseconds(lambda: decode(code), 300),
        "evaluate_act_ms": act_ms,
        "evaluate_call_ms": round(act_ms / len(calls), 4),
        "calls": len(calls),
        "answer": "allowed" if isinstance(answer, Allowed) else answer.reasons[0].error,
        "explain_ms": milliseconds(lambda: explain(policy, {}, {}, names), 50 if functions else 5),
    }


def command(action: str, *files: Path) -> dict[str, Any]:
    """The times of one run of `python -m policies`, from the interpreter's start to its end."""
    times = []
    for _ in range(5):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "policies", action, *map(str, files)],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append((end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime) * 1000)
    return {
        "command": action,
        "command_ms": round(statistics.median(times), 1),
        "spread_ms": [round(min(times), 1), round(max(times), 1)],
    }


def _calls(policy: PolicyCode) -> list[Call]:
    rules = (policy.rules * CALLS)[:CALLS]
    return [
        Call(rule.target, 0, pack_call(rule, [_value(rule, policy, index) for index in range(rule.words)]))
        for rule in rules
    ]


def _value(rule: Rule, policy: PolicyCode, index: int) -> Value:
    """One that clauses on the word name, or a small one."""
    width = rule.width(index)
    if width == 0:
        return b"a reason of some length, as people write them"
    named = [clause for clause in rule.clauses if clause.word == index and clause.kind in (1, 5)]
    values = [policy.lists[one.operand][-1] if one.kind == 5 else one.operand for one in named]
    return (values or [1])[0] if width is None else [[(values or [1])[0]] * width] * 20


def largest() -> str:
    """Payments in eight tokens to a list of 600: about as much as a contract can hold."""
    people = [checksum(keccak(number.to_bytes(4, "big"))[:20]) for number in range(600)]
    tokens = {f"T{number}": checksum(keccak(b"token" + bytes([number]))[:20]) for number in range(8)}
    return json.dumps(
        {
            "version": "1",
            "name": "largest",
            "agent": checksum(keccak(b"agent")[:20]),
            "operator": checksum(keccak(b"operator")[:20]),
            "valid": {"from": "2026-11-01T00:00Z", "until": "2027-11-01T00:00Z"},
            "cooldown": "none",
            "objection": {"delay": "2 days", "release within": "5 days", "threshold": "5 %"},
            "tokens": {symbol: {"address": address, "decimals": "6"} for symbol, address in tokens.items()},
            "lists": {"people": people},
            "budgets": {
                f"pay in {symbol}": {
                    "limit": f"9,000 {symbol}",
                    "period": "24 days",
                    "without objection": f"0 {symbol}",
                }
                for symbol in tokens
            },
            "rules": [
                {
                    "call": "transfer(address to, uint256 amount)",
                    "on": symbol,
                    "where": {"to": {"one of": "people"}, "amount": {"cap": f"5,000 {symbol}"}},
                    "charge": {f"pay in {symbol}": "amount"},
                }
                for symbol in tokens
            ],
        }
    )


def main() -> int:
    rows = [measured(path.stem, path.read_text(), True) for path in sorted(TEMPLATES.glob("*.yaml"))]
    rows.append(measured("largest", largest(), False))
    payroll = TEMPLATES / "payroll.yaml"
    commands = [command(action, payroll) for action in ("check", "compile", "explain")]
    commands.append(command("diff", payroll, payroll))
    late = [
        f"{row.get('policy') or row['command']}: {key}"
        for row in (*rows, *commands)
        for key, most in BOUNDS.items()
        if row.get(key, 0) > most
    ]
    # The largest policy is beyond what people write; its times are shown, not bounded.
    late = [one for one in late if not one.startswith("largest")]
    result: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "bounds": BOUNDS,
        "rows": rows,
    }
    result["commands"] = commands
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(RESULTS.read_text(), end="")
    print(f"too slow: {', '.join(late)}" if late else "all within their bounds", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
