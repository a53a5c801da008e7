# SPDX-License-Identifier: Apache-2.0
"""Tables and parameters: a row makes a rule and a budget, and what comes out is a plain document."""

import difflib
from pathlib import Path
from time import process_time

import pytest

from policies.code.document_model import Sources
from policies.code.encoding import encode
from policies.command import main
from policies.document.document import load
from policies.document.published import published
from policies.document.table_text import read_table
from policies.notation.primitives import checksum
from policies.notation.problems import PolicyError

HEAD = """version: 1
name: payroll
agent: "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4"
operator: "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"
valid: {from: 2026-11-01T00:00Z, until: 2027-11-01T00:00Z}
cooldown: 10 minutes
objection: {delay: 2 days, release within: 5 days, threshold: 5 %}
tokens: {USDC: {address: "0x5c0000000000000000000000000000000000dEAD", decimals: 6}}
"""
EACH = """tables: {people: {file: people.csv}}
addresses: {for each people: {$name: $address}}
budgets: {for each people: {$name: {limit: $amount USDC, period: 24 days, without objection: $amount USDC}}}
rules:
  - {for each: people, call: "transfer(address to, uint256 amount)", on: USDC, where: {to: {equals: $name}},
     charge: {$name: amount}}
"""
NAMES = ("ines", "jon", "kim", "lea", "max", "nia", "ola", "pia")


def address(number: int) -> str:
    return checksum(bytes([16 * number]) + bytes(18) + bytes([number]))


def people(separator: str = ",", end: str = "\n", start: str = "") -> str:
    rows = [f"{name}{separator}{address(number)}{separator}{number}500" for number, name in enumerate(NAMES, 1)]
    return start + end.join([f"name{separator}address{separator}amount", *rows]) + end


def written_out() -> str:
    """The same policy as somebody would write it by hand."""
    named = "".join(f"  {name}: {address(number)!r}\n" for number, name in enumerate(NAMES, 1))
    budgets = "".join(
        f"  {name}: {{limit: {number}500 USDC, period: 24 days, without objection: {number}500 USDC}}\n"
        for number, name in enumerate(NAMES, 1)
    )
    call = 'call: "transfer(address to, uint256 amount)", on: USDC'
    rules = "".join(
        f"  - {{{call}, where: {{to: {{equals: {name}}}}}, charge: {{{name}: amount}}}}\n" for name in NAMES
    )
    return f"{HEAD}addresses:\n{named}budgets:\n{budgets}rules:\n{rules}"


def sources(table: str, **parameters: str) -> Sources:
    return Sources(read_table=lambda _: read_table(table), parameters=parameters)


def refused(text: str, table: str = "name\nines\n", **parameters: str) -> list[str]:
    with pytest.raises(PolicyError) as error:
        load(text, sources=sources(table, **parameters))
    return [str(problem) for problem in error.value.problems]


def test_a_payroll_of_eight_takes_fifteen_lines_and_is_the_one_written_by_hand() -> None:
    text = HEAD + EACH
    assert len(text.splitlines()) <= 15
    made, by_hand = load(text, sources=sources(people())), load(written_out())
    assert encode(made) == encode(by_hand)
    assert made.content == by_hand.content  # and so the hash that members vote on
    assert made.warnings == by_hand.warnings == ()


@pytest.mark.parametrize(
    "table", [people(";"), people("\t"), people(end="\r\n"), people(start="\ufeff"), people() + "\n,,\n\n"]
)
def test_every_way_in_which_spreadsheets_write_makes_the_same_document(table: str) -> None:
    assert load(HEAD + EACH, sources=sources(table)).content == load(written_out()).content


def test_thousands_may_be_separated_where_the_cell_is_quoted() -> None:
    table = f'name,address,amount\nines,{address(1)},"4,500"\n'
    assert load(HEAD + EACH, sources=sources(table)).budgets[0].limit == 4_500_000_000
    line = refused(HEAD + EACH, table.replace('"4,500"', "4.500"))[0]
    assert 'line 2 of the table: "4.500 USDC" can be read as 4,500 or as 4.500' in line


def test_one_rule_with_a_cap_each_and_one_budget() -> None:
    text = HEAD + EACH.replace(
        "budgets: {for each people: {$name: {limit: $amount USDC, period: 24 days, without objection: $amount USDC}}}",
        'budgets: {pay: {limit: "40,000 USDC", period: 24 days, without objection: "40,000 USDC"}}',
    ).replace("where: {to: {equals: $name}}", "where: {to: {equals: $name}, amount: {cap: $amount USDC}}").replace(
        "charge: {$name: amount}", "charge: {pay: amount}"
    )
    policy = load(text, sources=sources(people()))
    assert [rule.clauses[-1].values[0] for rule in policy.rules] == [n * 10**9 + 500 * 10**6 for n in range(1, 9)]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("", "is empty; begin with a header"),
        ("name,address\n", "has no rows"),
        ("name,the address\n", 'line 1: "the address" is no name of a column'),
        ("name,name\nines,jon\n", "line 1: two columns are called name"),
        (f"name,address,amount\nines,{address(1)},4,500\n", "line 2: 4 cells below 3 columns; put a cell with a comma"),
        (f"name,address,amount\nines,{address(1)}\n", "line 2: 2 cells below 3 columns"),
        (f"name,address,amount\nines,{address(1)},\n", "line 2: nothing is written under amount"),
        (f"name,address,amount\nines,{address(1)},1\nInes,{address(2)},2\n", 'line 3: "Ines" is in line 2 as well'),
        ("name,address,amount\nines,0xAb00000000000000000000000000000000000001,1\n", "line 2: 0xAb0000"),
        ('name,address\nines,"0x\n', "line 2: this is not CSV"),
        ("name,address\nin\u200bes,x\n", "line 2: what is written under name"),
        ("name\n" + "x\n" * 1, ""),
    ],
)
def test_says_what_is_wrong_with_a_table_in_one_line(table: str, line: str) -> None:
    if not line:
        assert [row.cells for row in read_table(table)] == [{"name": "x"}]
        return
    (only,) = refused(HEAD + EACH, table)
    assert f'9:25: "people.csv" {line}' in only


def test_what_is_wrong_in_the_text_is_said_once_and_not_for_every_row() -> None:
    (line,) = refused(HEAD + EACH.replace("limit: $amount", "limt: $amount"), people())
    assert line.endswith('the budget has no key "limt"; write `limit`')
    assert "item" not in line
    (line,) = refused(HEAD + EACH.replace("$amount USDC, period", "$amont USDC, period"), people())
    assert "nothing is called $amont here; what can be written here is: $name, $address, $amount" in line


def test_what_is_wrong_in_one_row_names_its_line() -> None:
    line = refused(HEAD + EACH, people().replace("3500", "many"))[0]
    assert 'line 4 of the table: "many USDC" is not an amount' in line


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("1500", "1500 USDC", '11:44: line 2 of the table: "1500 USDC USDC" is not an amount'),
        ("jon,", "José,", '10:31: line 3 of the table: "José" is not a name'),
        (address(2), address(1), "10:38: line 3 of the table: " + address(1) + " is already called ines"),
        (address(2), address(2)[:-1], '10:38: line 3 of the table: "' + address(2)[:-1] + '" is not an address'),
        (",amount\n", "\n", '9:25: "people.csv" line 1: the header names 2 columns, and each row has 3 cells'),
    ],
)
def test_a_cell_is_wrong_once_and_nothing_follows_from_it(old: str, new: str, line: str) -> None:
    (only,) = refused(HEAD + EACH, people().replace(old, new))
    assert only.startswith(line)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("tables: {people: {file: people.csv}}\n", "", 'there is no table "people"; add `tables: {people: {file: p'),
        ("tables:", "table:", 'the policy has no key "table"; write `tables`'),
        ("{for each people: {$name: $address}}", "{for people: {$name: $address}}", '"for people" writes nothing out'),
        ("{for each: people, call", "{call", "nothing is called $name here; add it under `parameters`, or write `for"),
        (
            "limit: $amount USDC",
            "limit: $amount",
            '"1500" has no token (something is wrong here in 7 more rows); write the token behind',
        ),
        ("for each: people", "for each: peple", 'there is no table "peple"; the tables are: people'),
        ("{for each people: {$name: $address}}", "{for each people: x}", "`for each people` has no entries"),
        ("{$name: $address}", "{ines: $address}", '"ines" is written twice'),
        ("{people: {file: people.csv}}", "{people: people.csv}", 'the table "people" names no file'),
        ("tables: {people: {file: people.csv}}", "tables: []", "`tables` names nothing"),
    ],
)
def test_says_what_is_wrong_with_the_text(old: str, new: str, line: str) -> None:
    found = refused(HEAD + EACH.replace(old, new), people())
    assert line in found[0]
    assert len(found) == 1, found


def test_parameters_have_values_that_the_caller_may_set() -> None:
    text = written_out().replace("threshold: 5 %", "threshold: $share") + "parameters: {share: 5 %}\n"
    assert load(text).content == load(written_out()).content
    assert '"unused" is used nowhere' in refused(text.replace("5 %}", "5 %, unused: $$}"))[0]
    assert load(text, sources=Sources(parameters={"share": "7 %"})).objection_threshold_bps == 700
    assert "7 is not" not in str(refused(text, share="7"))
    assert '"7" is not a share' in refused(text, share="7")[0]
    assert "the document has no parameter" in refused(text, other="7")[0]
    assert "the document has no parameter" in refused(written_out(), other="7")[0]


def test_a_document_without_tables_and_parameters_is_left_as_it_is() -> None:
    text = written_out().replace("name: payroll", "name: payroll\nsummary: $5 for ${everybody}, and $$", 1)
    assert load(text).summary == "$5 for ${everybody}, and $$"


def test_a_table_can_not_grow_without_bound() -> None:
    rows = "name,address,amount\n" + "".join(f"n{n},{checksum(n.to_bytes(20, 'little'))},1\n" for n in range(1, 1999))
    assert "written out, the document has more than 20000 values" in refused(HEAD + EACH, rows)[0]
    assert "has more than 2000 rows" in refused(HEAD + EACH, rows + rows.replace("n", "m").partition("\n")[2])[0]


def test_of_many_names_a_message_lists_a_few() -> None:
    rows = "name,address,amount\n" + "".join(f"n{n},{checksum(n.to_bytes(20, 'little'))},1\n" for n in range(1, 201))
    text = HEAD + EACH.replace("charge: {$name: amount}", "charge: {pay: amount}")
    line = next(one for one in refused(text, rows) if "there is no budget" in one)
    assert line.endswith("the budgets are: n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12 and 188 more")


def test_more_rows_than_a_policy_can_hold_are_refused_soon() -> None:
    rows = "name,address,amount\n" + "".join(f"n{n},{checksum(n.to_bytes(20, 'little'))},1\n" for n in range(1, 801))
    began_s = process_time()
    (line,) = refused(HEAD + EACH, rows)
    assert "more than 255 of one kind" in line
    assert process_time() - began_s < 3  # of this process's own time; rules compared with each other took 8


def test_the_commands_read_the_table_beside_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.yaml").write_text(HEAD + EACH)
    (tmp_path / "people.csv").write_text(people())
    assert main(["check", str(tmp_path / "p.yaml")]) == 0
    assert main(["explain", str(tmp_path / "p.yaml")]) == 0
    out = capsys.readouterr().out
    assert "8,500 USDC" in out
    assert main(["compile", "--document", str(tmp_path / "p.yaml")]) == 0
    canonical = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("document: "))
    assert published(canonical.removeprefix("document: "))[0] == load(written_out()).document_hash
    (tmp_path / "people.csv").write_bytes(people().encode("utf-16"))
    assert main(["check", str(tmp_path / "p.yaml")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "people.csv").unlink()
    assert main(["check", str(tmp_path / "p.yaml"), "--set", "x"]) == 2
    assert main(["check", str(tmp_path / "p.yaml")]) == 1
    assert "can't be read" in capsys.readouterr().err


def test_hundreds_of_wrong_names_are_held_against_a_bounded_number_of_right_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_for: list[str] = []
    close = difflib.get_close_matches
    monkeypatch.setattr(difflib, "get_close_matches", lambda *given: (looked_for.append(given[0]), close(*given))[1])
    numbers = range(700)
    addresses = (checksum(b"\1" * 17 + number.to_bytes(3, "big")) for number in numbers)
    table = "name,address,amount\n" + "".join(f"p{number},{one},100\n" for number, one in enumerate(addresses))
    (only,) = refused(HEAD + EACH.replace("equals: $name", "equals: zz$name"), table)
    assert '"zzp0" is not an address or a known name (something is wrong here in 699 more rows); write `p0`' in only
    assert 0 < sum(name.startswith("zzp") for name in looked_for) < 80  # the others took two seconds to look for


def test_a_budget_of_code_on_chain_may_be_called_like_a_table() -> None:
    """Whoever wrote the code named it so; in a document that people write it would be a table that is missing."""
    text = (
        written_out()
        .replace("ines: {limit", "for each people: {limit")
        .replace("{ines: amount}", "{for each people: amount}")
    )
    with pytest.raises(PolicyError, match='there is no table "people"'):
        load(text)
    assert load(text, read_back=True).budgets[0].name == "for each people"


def test_lists_of_several_rows_keep_their_own_items() -> None:
    """Each row's file has other items, and what is hashed has each list's own."""
    text = (
        HEAD
        + "tables: {people: {file: people.csv}}\n"
        + "lists: {for each people: {team of $name: {file: $name.txt}}}\n"
        + "budgets: {pay: {limit: 100 USDC, period: 24 days, without objection: 100 USDC}}\n"
        + 'rules:\n  - {for each: people, call: "transfer(address to, uint256 amount)", on: USDC,\n'
        + '     where: {to: {one of: team of $name}, amount: {at most: "$amount USDC"}}, charge: {pay: amount}}\n'
    )
    table = "name,amount\nines,4\njon,5\n"
    teams = {"ines.txt": [address(1), address(2)], "jon.txt": [address(3), address(4)]}
    made = load(text, sources=Sources(read_table=lambda _: read_table(table), read_list=teams.__getitem__))
    for number in range(1, 5):
        assert made.content.count(address(number).encode()) == 1
    assert load(made.content.decode()).content == made.content
