# SPDX-License-Identifier: Apache-2.0
"""Tests that stand beside a policy: those of the templates hold, wrong ones fail, and files that are none say so."""

import json
from pathlib import Path

import pytest

from governance.chain import abi
from policies.answer.evaluate import Allowed, Mode, PolicyState, evaluate
from policies.code.call import Call
from policies.command import main
from policies.files import Loaded, load
from policies.notation.problems import PolicyError
from policies.session import vocabulary
from policies.trial.calls import calls_of_json, read_act
from policies.trial.clauses import act_checked
from policies.trial.policy_tests import Expected, read_tests, run
from policies.trial_actions import call_reader
from policies.words.wording import Vocabulary

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
NAMES = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
PAYROLL = TEMPLATES / "payroll.yaml"
HEAD = "tests:\n  - name: x\n"


def loaded(name: str = "payroll") -> Loaded:
    path = TEMPLATES / f"{name}.yaml"
    return load(path.read_text(), str(path))


def offline(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(one) for one in arguments])
    return status, *capsys.readouterr()


def outcome(test: str, name: str = "payroll") -> tuple[Expected, str]:
    policy = loaded(name)
    (one,) = read_tests(HEAD + test, "t", policy.code, call_reader(policy))
    result = run(policy.code, bytes(32), policy.functions, one, vocabulary(policy))
    return result.found, result.problem


def refusal(test: str) -> str:
    policy = loaded()
    with pytest.raises(PolicyError) as error:
        read_tests(test, "t", policy.code, call_reader(policy))
    assert len(error.value.problems) == 1, error.value.problems
    return str(error.value.problems[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_template_has_tests_that_hold(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = offline(capsys, "test", TEMPLATES / f"{name}.yaml")
    assert (status, "0 not as expected" in out) == (0, True), out
    tests = (TEMPLATES / "tests" / f"{name}.yaml").read_text()
    assert {"expect: refused", "because:"} <= {word for word in ("expect: refused", "because:") if word in tests}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "metagovernance"])
def test_a_wider_policy_fails_its_tests(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each bound of a template that is taken away makes one of its tests fail, or the policy is refused."""
    text = (TEMPLATES / f"{name}.yaml").read_text()
    for old in ("one of: contributors", "equals: auditor", "equals: router", "equals: streaming", "equals: docs team"):
        if old in text:
            (tmp_path / "p.yaml").write_text(text.replace(f"{{{old}}}", "anyone", 1))
            status, out, err = offline(
                capsys, "test", tmp_path / "p.yaml", "--tests", TEMPLATES / "tests" / f"{name}.yaml"
            )
            assert status == 1, (old, out, err)
    without_limits = text.replace("at most:", "at most: 999").replace('999 "', '"999,')
    if without_limits != text and name in ("bounties", "operations"):
        (tmp_path / "p.yaml").write_text(without_limits)
        assert offline(capsys, "test", tmp_path / "p.yaml", "--tests", TEMPLATES / "tests" / f"{name}.yaml")[0] == 1


@pytest.mark.parametrize(
    ("test", "found", "problem"),
    [
        ('    do: {pay: "10 USDC", to: ines}\n    expect: allowed', "allowed", ""),
        ('    do: {pay: "10 USDC", to: ines}\n    expect: refused', "allowed", "expected refused, found allowed"),
        ('    do: {pay: "5,001 USDC", to: ines}\n    expect: allowed', "refused", "expected allowed, found refused"),
        (
            '    do: {pay: "5,001 USDC", to: ines}\n    expect: refused\n    because: argument to',
            "refused",
            "refused, but not because of ClauseFailed to",
        ),
        ('    do: {pay: "5,001 USDC", to: ines}\n    expect: refused\n    because: OverCap', "refused", ""),
        (
            '    do: {pay: "10 USDC", to: ines}\n    expect: allowed\n    left: {payroll: "11,991 USDC"}',
            "allowed",
            "of payroll 11,990 USDC are left, not 11,991 USDC",
        ),
        (
            '    after: [{at: 2026-11-01T00:00Z, do: {pay: "9 ETH", to: ines}}]\n'
            '    at: 2026-12-01T00:00Z\n    do: {pay: "10 USDC", to: ines}\n    expect: allowed',
            "refused",
            "the act 1 before it is refused",
        ),
        (
            '    do: {pay: "10 USDC", to: ines, returns: "false"}\n    expect: refused\n    because: not true',
            "refused",
            "",
        ),
        (
            '    do: {pay: "10 USDC", to: ines, returns: failure}\n    expect: refused\n    because: call failed',
            "refused",
            "",
        ),
        ('    do: {to: USDC, data: "0xa9"}\n    expect: refused\n    because: form', "refused", ""),
    ],
)
def test_says_what_is_not_as_expected(test: str, found: str, problem: str) -> None:
    assert outcome(test + "\n") == (Expected(found), problem)


def acts(*made: tuple[str, str, str]) -> str:
    """Acts before, as (time, amount, whom)."""
    return "    after:\n" + "".join(
        f'      - {{at: {at}, do: {{pay: "{amount} USDC", to: {to}}}}}\n' for at, amount, to in made
    )


ANNOUNCED = (("2026-12-02T09:00Z", "5,000", "ines"), ("2026-12-02T10:00Z", "5,000", "jon"))  # the second waits 2 days


@pytest.mark.parametrize(
    ("before", "test", "expected"),
    [
        # Announced, and not charged yet: 1,000 of the part without objection is left.
        (ANNOUNCED, ("2026-12-03T09:00Z", "1,000", "kim", "allowed", "6,000"), (Expected.ALLOWED, "")),
        # Its wait is over: now it counts.
        (ANNOUNCED, ("2026-12-04T10:00Z", "1,000", "kim", "scheduled", "1,000"), (Expected.SCHEDULED, "")),
        (ANNOUNCED, ("2026-12-04T10:00Z", "2,001", "kim", "refused", "2,000"), (Expected.REFUSED, "")),
        # What is announced later is made later, when 11,000 are spent.
        (
            (*ANNOUNCED, ("2026-12-03T09:00Z", "1,000", "kim")),
            ("2026-12-03T10:00Z", "2,000", "lea", "scheduled", "1,000"),
            (Expected.REFUSED, "expected scheduled, found refused"),
        ),
        # It counts from when it was made, which still counts, and not from when it was announced.
        (
            ANNOUNCED,
            ("2026-12-28T23:00Z", "5,000", "kim", "allowed", "2,000"),
            (Expected.SCHEDULED, "expected allowed, found scheduled"),
        ),
        # An act before that was announced and can't be made any more is said.
        (
            (*ANNOUNCED, ("2026-12-03T09:00Z", "1,000", "kim"), ("2026-12-03T10:00Z", "2,000", "lea")),
            ("2026-12-07T09:00Z", "1", "kim", "allowed", ""),
            (Expected.REFUSED, "the act 4 before it was announced, and is refused when its wait is over"),
        ),
    ],
)
def test_an_announced_act_is_charged_when_its_wait_is_over(
    before: tuple[tuple[str, str, str], ...], test: tuple[str, str, str, str, str], expected: tuple[Expected, str]
) -> None:
    at, amount, to, wanted, left = test
    text = f'    at: {at}\n    do: {{pay: "{amount} USDC", to: {to}}}\n    expect: {wanted}\n'
    assert outcome(acts(*before) + text + (f'    left: {{payroll: "{left} USDC"}}\n' if left else "")) == expected


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("tests: []\n", "`tests` must be a list with items"),
        (HEAD + "    expect: allowed\n    do: {}\n", "a call has exactly one of `pay`, `call` and `data`"),
        (HEAD + "    expect: allowed\n    do: []\n", "an act has 1 to 1000 calls"),
        (HEAD + '    expect: fine\n    do: {pay: "1 USDC", to: ines}\n', '"fine" can\'t be expected'),
        (HEAD + '    expect: allowed\n    do: {pay: "1 USDC", to: inez}\n', '"inez" is not an address or a known name'),
        (HEAD + '    expect: allowed\n    do: {pay: "1 USDC"}\n', "`pay` needs `to`"),
        (HEAD + '    expect: allowed\n    do: {pay: "1 DAI", to: ines}\n', 'the token "DAI" is not known'),
        (
            HEAD + '    expect: allowed\n    because: cap\n    do: {pay: "1 USDC", to: ines}\n',
            "only a refusal has a reason",
        ),
        (HEAD + '    expect: refused\n    because: luck\n    do: {pay: "1 USDC", to: ines}\n', '"luck" is no reason'),
        (
            HEAD + '    expect: allowed\n    left: {pay: "1 USDC"}\n    do: {pay: "1 USDC", to: ines}\n',
            "there is no budget",
        ),
        (
            HEAD + "    expect: allowed\n    do: {call: burn, on: USDC, with: {amount: 1}}\n",
            'the policy names no function "burn" there',
        ),
        (
            HEAD + "    expect: allowed\n    do: {call: transfer, on: USDC, with: {to: ines}}\n",
            "the argument amount is missing",
        ),
        (
            HEAD + "    expect: allowed\n    do: {call: transfer, on: USDC, with: {to: ines, amount: [1]}}\n",
            "amount is one value",
        ),
        (
            HEAD + "    expect: allowed\n    at: 2026-12-01T00:00Z\n    do: {pay: 1 USDC, to: ines}\n"
            "    after: {at: 2026-12-02T00:00Z, do: {pay: 1 USDC, to: ines}}\n",
            "the acts are not in order of time",
        ),
        (HEAD + '    expect: allowed\n    do: {to: ines, data: "0x123"}\n', "is not bytes"),
        (HEAD + "    expect: allowed\n    do: {to: ines, data: 0x, on: USDC}\n", "`data` goes without `on`"),
    ],
)
def test_says_what_is_wrong_with_a_file(test: str, said: str) -> None:
    assert said in refusal(test)


def test_words_and_bytes_make_the_same_call() -> None:
    """The call in words is encoded as the policy's own form demands, arrays and tuples and text alike."""
    reader = call_reader(loaded())
    words = read_act(
        "do: {call: 'f((address to, uint256[2] pair)[] payments, string note, bool on)', on: USDC,"
        " with: {payments: [{to: ines, pair: [1, 2]}, [jon, [3, 4]]], note: héllo, on: yes}}",
        "act",
        reader,
    )
    types = ["(address,uint256[2])[]", "string", "bool"]
    ines, jon = (bytes.fromhex(f"{first}{'0' * 38}{first}") for first in "12")
    values = [[(ines, [1, 2]), (jon, [3, 4])], "héllo", True]
    assert words[0].call.data == abi.selector(f"f({','.join(types)})") + abi.encode(types, values)


def test_a_safe_batch_and_its_bytes_are_the_same_act() -> None:
    reader = call_reader(loaded())
    method = {"name": "transfer", "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}]}
    values = {"to": "0x1000000000000000000000000000000000000001", "value": "5001000000"}
    token = "0x5c0000000000000000000000000000000000dEAD"
    batch = {
        "transactions": [
            {"to": token, "value": "0", "data": None, "contractMethod": method, "contractInputsValues": values}
        ]
    }
    (call,) = calls_of_json(batch, reader)
    assert read_act('{"pay": "5,001 USDC", "to": "ines"}', "a", reader)[0].call == call
    assert read_act(json.dumps(batch), "a", reader)[0].call == call
    raw = {"transactions": [{"to": token, "value": 0, "data": "0x" + call.data.hex()}]}
    assert read_act(json.dumps(raw, indent=2), "a", reader)[0].call == call


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ('{"transactions": []}', "there are no calls"),
        ('{"transactions": [{"to": "0x12", "data": "0x"}]}', 'transactions[0]: "0x12" is not an address'),
        ('{"transactions": [{"to": "ines", "value": "1.5"}]}', "is no whole number of wei"),
        ('{"transactions": [{"to": "ines", "operation": 1}]}', "is a delegatecall"),
        ('{"transactions": [{"to": "ines", "contractMethod": {"x": 1}}]}', "contractMethod is no function"),
        ('[{"to": "ines", "data": "0xabc"}]', "is not bytes"),
    ],
)
def test_says_what_is_wrong_with_a_batch(
    act: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "act.json").write_text(act)
    status, out, err = offline(capsys, "authorize", PAYROLL, tmp_path / "act.json")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert said in err


def test_authorize_shows_every_clause_and_ends_as_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    act = tmp_path / "act.yaml"
    act.write_text('- {pay: "4,000 USDC", to: ines}\n- {pay: "1,001 USDC", to: ines}\n')
    status, out, _ = offline(capsys, "authorize", PAYROLL, act)
    assert status == 1
    assert out.count("yes the recipient must be one of these 5") == 2
    assert "yes the amount comes to at most 5,000 USDC" in out
    assert "NO  the amount comes to at most 5,000 USDC" in out
    assert "comes to 5,001 USDC" in out
    assert "REFUSED" in out
    act.write_text('{pay: "4,000 USDC", to: jon}')
    assert offline(capsys, "authorize", PAYROLL, act, "--at", "2026-12-01T00:00Z")[0] == 0
    assert offline(capsys, "authorize", PAYROLL, act, "--at", "2026-10-01T00:00Z")[0] == 1
    plain = json.loads(offline(capsys, "authorize", PAYROLL, act, "--json")[1])
    assert (plain["verdict"], plain["ok"], plain["budgets"][0]["left"]) == ("allowed", True, "8000000000")
    assert all(clause["holds"] for rule in plain["calls"][0] for clause in rule["clauses"])


@pytest.mark.parametrize("name", NAMES)
def test_the_clauses_that_are_shown_agree_with_the_answer(name: str) -> None:
    """A call is allowed by its rules exactly where one rule shows nothing that fails (budgets and times apart)."""
    policy = loaded(name)
    tests = read_tests((TEMPLATES / "tests" / f"{name}.yaml").read_text(), name, policy.code, call_reader(policy))
    apart = {"OverBudget", "OverInstant", "NotStarted", "Ended", "Cooling"}
    for test in tests:
        calls: list[Call] = [call.call for call in test.act.calls]
        checked = act_checked(policy.code, calls, Vocabulary(policy.names, policy.tokens, policy.functions))
        fits = all(any(all(line.holds for line in rule.lines) for rule in rules) for rules in checked)
        state = PolicyState(bytes(32), 1, 0, 0, policy.code.end_s, paused=False)
        answer = evaluate(policy.code, state, calls, test.act.at_s, Mode.EXECUTE)
        refused = set() if isinstance(answer, Allowed) else {reason.error for reason in answer.reasons} - apart
        assert fits is not bool(refused), test.name


def test_a_history_of_calls_is_tried_like_one_of_payments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = tmp_path / "history.yaml"
    history.write_text(
        "history:\n"
        '  - {at: 2026-02-28T12:00Z, do: {pay: "5,001 USDC", to: ines}}\n'
        '  - {at: 2026-01-31T12:00Z, do: [{pay: "4,000 USDC", to: ines}, {pay: "900 USDC", to: jon}]}\n'
    )
    status, out, _ = offline(capsys, "backtest", PAYROLL, history)
    assert status == 1
    assert "act 2: 2026-02-28 12:00 UTC: refused" in out
    assert "2 acts: 1 at once" in out
    transfer = read_act('{pay: "4,000 USDC", to: ines}', "a", call_reader(loaded()))[0].call
    rows = tmp_path / "history.csv"
    rows.write_text(f"time,to,value,data\n2026-01-31T12:00Z,USDC,0,0x{transfer.data.hex()}\n")
    assert offline(capsys, "backtest", PAYROLL, rows)[:2][0] == 1  # "USDC" is a token, not a name of an account
    rows.write_text(
        f"time,to,value,data\n2026-01-31T12:00Z,0x5c0000000000000000000000000000000000dEAD,0,0x{transfer.data.hex()}\n"
    )
    status, out, _ = offline(capsys, "backtest", PAYROLL, rows)
    assert (status, "1 acts: 1 at once" in out) == (0, True), out


def test_what_the_past_took_is_counted_where_it_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = tmp_path / "history.yaml"
    did = 'falls: "60,000 USDC", rises: "60,000 vUSDC"'
    act = f'{{call: deposit, on: vUSDC, with: {{assets: "1 USDC", receiver: treasury}}, {did}}}'
    history.write_text(f"history:\n  - {{at: 2026-12-05T12:00Z, do: {act}}}\n")
    status, out, _ = offline(capsys, "backtest", TEMPLATES / "yield.yaml", history)
    assert (status, "1 refused" in out) == (1, True), out
