# SPDX-License-Identifier: Apache-2.0
"""What an author reads: one cause, one line, and what to write. Each line here was read as a new author would."""

import json
from pathlib import Path

import pytest

from policies.command import main
from policies.document.document import load
from policies.notation.problems import PolicyError, shown

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
PAYROLL = (TEMPLATES / "payroll.yaml").read_text()

BROKEN = [
    tuple(map(json.loads, line.split("\t")))
    for line in Path(__file__).with_name("broken_documents.tsv").read_text().splitlines()[1:]
]


def said(text: str) -> list[str]:
    """All that is wrong with a document; where nothing is, its warnings."""
    try:
        found = load(text).warnings
    except PolicyError as error:
        found = error.problems
    return [f"{one.problem}; {one.suggestion}" for one in found]


@pytest.mark.parametrize(("old", "new", "line"), BROKEN)
def test_one_cause_is_one_line_that_says_what_to_do(old: str, new: str, line: str) -> None:
    assert old in PAYROLL
    assert said(PAYROLL.replace(old, new, 1)) == [line]


BROKEN_TEMPLATES = [
    (name, *map(json.loads, rest))
    for name, *rest in (
        line.split("\t") for line in Path(__file__).with_name("broken_templates.tsv").read_text().splitlines()[1:]
    )
]


@pytest.mark.parametrize(("template", "old", "new", "line"), BROKEN_TEMPLATES)
def test_what_is_said_stands_where_the_cause_is_and_nothing_follows_from_it(
    template: str, old: str, new: str, line: str
) -> None:
    text = (TEMPLATES / f"{template}.yaml").read_text()
    assert old in text
    with pytest.raises(PolicyError) as refused:
        load(text.replace(old, new, 1))
    assert [str(one) for one in refused.value.problems] == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "the file is empty; start with `version: 1`"),
        ("Pay ines 100 USDC a month.", "the policy must be a mapping"),
        ("<html>", "the policy must be a mapping"),
        ("# payroll\n# to do\n", "the file has nothing but comments; start with `version: 1`"),
        ("[policy]\nversion = 1\n", "this line can't follow the one above it; write `key: value` on each line"),
        (PAYROLL[: PAYROLL.index("{one of:") + 1], "the file ends within a value"),
        (PAYROLL[: PAYROLL.index("rules:")] + "rules:\n", "`rules` must be a list with items"),
        ("```yaml\n" + PAYROLL, "no value can begin with '`'"),
        ("\ufeff" + PAYROLL, "the file begins with a byte order mark (U+FEFF); save it as UTF-8 without BOM"),
        ('{"version": 1}', "the policy has no `name`, `agent`, `operator`, `valid`, `cooldown`, `objection`, `rules`"),
        (PAYROLL + "x: " + "[" * 2000, "this is nested too deep"),
        (PAYROLL + "a: &a [x, x]\nb: [*a, *a]\n", "anchors and aliases (& and *) are not allowed"),
        (PAYROLL + "# x\n" * 100_000, "the file is larger than 256 KiB"),
    ],
)
def test_a_file_that_is_no_policy_is_one_line(text: str, line: str) -> None:
    (only,) = said(text)
    assert only.startswith(line)


@pytest.mark.parametrize("amount", ["9" * 5000, "1" + ".000" * 1000 + " USDC"])
def test_a_text_that_is_too_long_to_read_is_not_repeated(amount: str) -> None:
    (line,) = said(PAYROLL.replace("limit: 12,000 USDC", f"limit: {amount}"))
    assert len(line) < 300


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            PAYROLL.replace("summary: Monthly pay", "summary: Paie d\u2019\xe9t\xe9").encode("cp1252"),
            ":8: this is not UTF-8 but Latin-1",
        ),
        (PAYROLL.encode("utf-16"), ":1: this is not UTF-8 but UTF-16"),
        (b"# x\n" * 2_500_000, ": the file is larger than"),
    ],
    ids=["Latin-1", "UTF-16", "10 MB"],
)
def test_bytes_that_are_no_text_are_one_line(
    raw: bytes, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_bytes(raw)
    assert main(["check", str(tmp_path / "p.yaml")]) == 1
    err = capsys.readouterr().err
    assert (err.count("\n"), line in err) == (1, True), err


@pytest.mark.parametrize("text", [PAYROLL.replace("\n", "\r\n"), PAYROLL.replace("\n", "\r"), PAYROLL + "\n\n# end"])
def test_other_ways_to_end_a_line_are_no_trouble(text: str) -> None:
    assert said(text) == []


def test_openzeppelin_s_own_names_can_be_charged() -> None:
    text = PAYROLL.replace("uint256 amount)", "uint256 value)").replace("amount: {cap", "value: {cap")
    assert said(text.replace("{payroll: amount}", "{payroll: value}")) == []
    assert said(text.replace("{payroll: amount}", "{payroll: argument value}")) == []
    assert load(text.replace("{payroll: amount}", "{payroll: value}")).rules[0].charges[0].word == 1


def test_an_argument_called_value_is_never_taken_for_ether() -> None:
    text = (
        PAYROLL.replace("12,000 USDC", "12 ETH").replace("6,000 USDC", "6 ETH").replace("on: USDC", "on: ines")
        .replace("transfer(address to, uint256 amount)", "buy(address to, uint256 value)")
        .replace('amount: {cap: "5,000 USDC"}', "value: {cap: 5 ETH}")
    )  # fmt: skip
    (line,) = said(text.replace("{payroll: amount}", "{payroll: value}"))
    assert line.startswith("`value` is an argument of the function, and it is also the ether that goes with the call;")
    for written, word in (("argument value", 1), ("call value", 0)):
        (rule,) = load(text.replace("{payroll: amount}", f"{{payroll: {written}}}")).rules
        assert (rule.charges[0].word, rule.charges[0].source.name) == (word, "ARGUMENT" if word else "VALUE")


def rules_for(people: list[str]) -> str:
    head = PAYROLL[: PAYROLL.index("rules:")].replace("contributors: [ines, jon, kim, lea, max]", "a: [kim, lea]")
    call = "{call: 'transfer(address to, uint256 amount)', on: USDC, where: {to: WHO}, charge: {payroll: amount}}"
    return head + "rules:\n" + "".join(f"  - {call.replace('WHO', person)}\n" for person in people)


def test_rules_that_exclude_each_other_need_no_remark_and_others_need_one() -> None:
    each = ["{equals: ines}", "{equals: jon}", "{one of: a}", "{equals: max}"]
    assert said(rules_for(each)) == []
    same = ["{one of: [ines, jon]}", "{one of: [jon, kim]}", "{one of: [kim, lea]}", "{one of: a}"]
    assert said(rules_for([*same[:3], "{one of: [max, lea]}"]).replace("lists:\n  a: [kim, lea]\n", "")) == [
        "several rules permit the same function; the first whose bounds all hold applies; caps hold for each rule alone"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("delay: 2 days", "delay: 1 second", "members have 1 second to object"),
        ("threshold: 5 %", "threshold: 100 %", "stopping an announced act takes 100 % of all votes"),
        ("threshold: 5 %", "threshold: 50.01 %", "stopping an announced act takes 50.01 % of all votes"),
        ("delay: 2 days", "delay: 365 days", "nothing can ever be announced: it would wait 365 days"),
        ("delay: 2 days", "delay: 364 days", "the policy ends before an announced act has its full time"),
        ("release within: 5 days", "release within: 1 minute", "the agent has 1 minute to make an announced act"),
        ("cooldown: 10 minutes", "cooldown: 520 weeks", "the agent acts once and never again"),
        ("cooldown: 10 minutes", "cooldown: 25 days", "the cooldown (25 days) is longer than the period of the budget"),
    ],
)
def test_windows_that_cannot_work(old: str, new: str, line: str) -> None:
    (only,) = said(PAYROLL.replace(old, new, 1))
    assert only.startswith(line)
    at_once = PAYROLL.replace("without objection: 6,000 USDC", "without objection: 12,000 USDC").replace(old, new, 1)
    assert bool(said(at_once)) is old.startswith("cooldown")  # nothing is ever announced, so nothing is said of it


def test_a_policy_of_a_day_with_a_delay_of_two() -> None:
    (only,) = said(PAYROLL.replace("until: 2027-11-01T00:00Z", "until: 2026-11-02T00:00Z"))
    assert only.startswith("nothing can ever be announced: it would wait 2 days, and the policy lasts 1 day")


@pytest.mark.parametrize(
    ("token", "decimals", "line"),
    [
        ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6, None),
        ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 18, "USDC has other decimals than 18: 6 (USDC on Ethereum"),
        ("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 18, "USDC has other decimals than 18: 6 (USDC on Base"),
    ],
)
def test_published_tokens_are_known_without_a_chain(token: str, decimals: int, line: str | None) -> None:
    text = PAYROLL.replace("0x5c0000000000000000000000000000000000dEAD", token)
    found = said(text.replace("decimals: 6", f"decimals: {decimals}"))
    assert [one[: len(line or "")] for one in found] == ([line] if line else [])


def test_a_published_token_is_no_plain_target() -> None:
    dai = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
    where = "{reporter: anyone, points: anything}"
    call = f'call: "push(address reporter, uint256 points)", on: "{dai}", where: {where}, charges: nothing'
    rule = f"  - {{{call}}}\n"
    (only,) = said(PAYROLL + rule)
    assert only.startswith("this is the token DAI on Ethereum, in @")
    assert only.endswith(f'add `DAI: {{address: "{dai}", decimals: 18}}` under `tokens`')


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("lists:\n  contributors: [ines", "lists: [ines", "lists"),
        ('addresses:\n  ines: "0x1000000000000000000000000000000000000001"', "addresses:\n  - ines", "addresses"),
        ("tokens:\n  USDC: {", "tokens:\n  - {", "tokens"),
    ],
)
def test_what_could_not_be_read_is_not_said_to_be_missing_as_well(old: str, new: str, what: str) -> None:
    text = PAYROLL.replace(old, new, 1)
    if what == "addresses":
        text = "\n".join(
            line for line in text.splitlines() if not line.startswith(("  jon:", "  kim:", "  lea:", "  max:"))
        )
    assert text != PAYROLL
    line = "must be a mapping with entries; write `name: ...` on each line, or leave it out"
    assert said(text) == [f"`{what}` {line}"]


@pytest.mark.parametrize(
    ("summary", "problem"),
    [
        ("Monthly pay: \u00abdes\u00a0cinq\u00bb", "this line has a second colon"),
        ('"12\u00a0000 USDC" a month', "text goes on behind the quote that closes here"),
    ],
)
def test_a_blank_that_is_not_the_cause_is_not_blamed(summary: str, problem: str) -> None:
    (line,) = said(PAYROLL.replace("summary: Monthly pay of the five contributors.", f"summary: {summary}", 1))
    assert line.startswith(problem)


def test_letters_that_look_like_no_latin_one_are_shown_as_they_are() -> None:
    assert shown("USDC\u652f\u4ed8") == '"USDC\u652f\u4ed8"'
    assert shown("USD\u0421") != '"USD\u0421"'
