# SPDX-License-Identifier: Apache-2.0
"""How long compiling and evaluating a policy takes, as JSON: `python -m bench.policies`."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from policies.document import load
from policies.encoding import decode, encode, policy_id
from policies.evaluate import Allowed, Call, Mode, PolicyState, evaluate
from policies.explain import explain
from policies.primitives import word

PAYROLL = Path(__file__).resolve().parent.parent / "policies" / "templates" / "payroll.yaml"
TRANSFER = bytes.fromhex("a9059cbb")


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """The median time of one run."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(times), 4)


def main() -> None:
    text = PAYROLL.read_text()
    document = load(text)
    code = encode(document)
    policy = decode(code)
    state = PolicyState(policy_id(document.name), 1, 0, 0, policy.end_s, paused=False)
    people = [address.rjust(32, b"\0") for _, address in document.addresses]
    calls = [Call(policy.rules[0].target, 0, TRANSFER + who + word(1_000_000)) for who in people]
    now_s = policy.start_s + 3600

    def act() -> None:
        assert isinstance(evaluate(policy, state, calls, now_s, Mode.EXECUTE), Allowed)

    print(
        json.dumps(
            {
                "compile_ms": milliseconds(lambda: encode(load(text)), 50),
                "decode_ms": milliseconds(lambda: decode(code), 500),
                "evaluate_act_ms": (whole := milliseconds(act, 2000)),
                "evaluate_call_ms": round(whole / len(calls), 4),
                "explain_ms": milliseconds(lambda: explain(policy, {}, {}), 200),
                "calls_an_act": len(calls),
                "code_bytes": len(code),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
