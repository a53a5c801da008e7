# SPDX-License-Identifier: Apache-2.0
"""The tools that check the contracts' tests: mutants, their score, coverage and slither's waivers."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from tests.conftest import ROOT
from tests.contracts.evm import AtomicDB, Message, MiningChain, OutOfGas, PragueVM

sys.path[:0] = [str(ROOT / "contracts" / "scripts"), str(ROOT / "contracts" / "assurance")]

import line_coverage as coverage_tool  # noqa: E402
import mutation  # noqa: E402
import schemata  # noqa: E402
import slither_check as slither_tool  # noqa: E402
from mutants import Mutant, mutants_of  # noqa: E402


def test_this_process_recurses_no_deeper_than_any() -> None:
    """After py-evm's import every test in the process would run with less of a guard than the product."""
    assert sys.getrecursionlimit() <= 1_000


@pytest.mark.parametrize("tool", [coverage_tool, mutation])
def test_the_folder_that_is_built_has_all_that_its_sources_import(tool, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A test's contract imports the demo's stand-ins: both tools copied contracts and tests alone, and failed."""
    tool.copy_sources(tmp_path)
    imports = {
        (path.parent / name).resolve()
        for path in tmp_path.rglob("*.sol")
        for name in re.findall(r'^import .*"(\.[^"]+)";', path.read_text(), re.MULTILINE)
    }
    assert any("StandIns" in path.name for path in imports)
    assert [path for path in imports if not path.is_file()] == []


def test_an_interface_is_not_expected_in_the_report_of_coverage() -> None:
    """The adapters' interface made every run a failure."""
    source = ROOT / "contracts" / "src"
    assert not coverage_tool.has_code((source / "adapters" / "IVotesAdapter.sol").read_text())
    for name in ("PolicyModule", "libraries/Ring", "adapters/PriorVotesAdapter"):
        assert coverage_tool.has_code((source / f"{name}.sol").read_text())


SOURCE = b"""// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
contract C {
    event Put(uint256 a);
    error Big(uint256 a, uint256 b);
    uint256 x;
    modifier only() { if (msg.sender != address(this)) revert(); _; }
    function put(uint256 a, uint256 b) external only {
        if (a > b || a == 7) revert Big(a, b);
        x = a - b;
        assembly ("memory-safe") { if lt(a, b) { sstore(0, add(a, 1)) } }
        emit Put(a + 1);
    }
}
"""

PLACE = b"\x11" * 20
GENESIS = {"difficulty": 0, "gas_limit": 30_000_000, "timestamp": 1, "base_fee_per_gas": 0}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    compiler = mutation.Compiler()
    try:
        answer = compiler.run(
            {
                "language": "Solidity",
                "sources": {"C.sol": {"content": SOURCE.decode()}},
                "settings": {"outputSelection": {"*": {"": ["ast"]}}},
            }
        )
    finally:
        compiler.close()
    return mutants_of("C.sol", SOURCE, answer["sources"]["C.sol"]["ast"])


@needs_node
@pytest.mark.parametrize(
    ("operator", "after"),
    [
        ("comparison", "if (a >= b || a == 7) revert Big(a, b);"),
        ("comparison", "if (a > b || a != 7) revert Big(a, b);"),
        ("logic", "if (a > b && a == 7) revert Big(a, b);"),
        ("drop condition", "if (a > b) revert Big(a, b);"),
        ("condition false", "if (false) revert Big(a, b);"),
        ("off by one", "if (a > b || a == 8) revert Big(a, b);"),
        ("drop revert", "if (a > b || a == 7) {}"),
        ("swap arguments", "if (a > b || a == 7) revert Big(b, a);"),
        ("arithmetic", "x = a + b;"),
        ("swap operands", "x = (b) - (a);"),
        ("drop statement", "{}"),
        ("drop modifier", "function put(uint256 a, uint256 b) external {"),
        ("comparison", 'assembly ("memory-safe") { if iszero(gt(a, b)) { sstore(0, add(a, 1)) } }'),
        ("condition true", 'assembly ("memory-safe") { if 1 { sstore(0, add(a, 1)) } }'),
        ("arithmetic", 'assembly ("memory-safe") { if lt(a, b) { sstore(0, sub(a, 1)) } }'),
        ("drop statement", 'assembly ("memory-safe") { if lt(a, b) { } }'),
        ("drop event", "{}"),
    ],
)
def test_a_mistake_of_each_kind_is_made(mutants: list[Mutant], operator: str, after: str) -> None:
    assert (operator, after) in {(mutant.operator, mutant.after) for mutant in mutants}


@needs_node
def test_each_mutant_changes_the_source_and_has_a_name_of_its_own(mutants: list[Mutant]) -> None:
    assert len({mutant.apply(SOURCE) for mutant in mutants}) == len(mutants) > 30
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    assert {mutant.function for mutant in mutants} == {"C.only", "C.put"}
    # Lines above change where a mutant is, not what it is called.
    assert all(mutant.events_only == ("emit" in mutant.before) for mutant in mutants)


CHOICES = b"""// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
contract C {
    event Put(uint256 a);
    error Big(uint256 a, uint256 b);
    uint256 constant STEP = 3;
    uint256 x;
    struct Pair { uint256 a; uint256 b; }
    modifier odd() { if (x == 4) { _; return; } x += 2; _; x += 1; }
    function two(uint256 a, uint256 b) private pure returns (uint256, uint256) { return (a + b, a ^ b); }
    function rounds(uint256 a) private pure returns (uint256 r) {
        for (uint256 i; i < a % 5; ++i) { if (i == 2) continue; r += 1 << i; }
        while (r > 20 && r != 25) { r /= 2; if (r < 4) break; }
    }
    function low(uint256 a, uint256 b) private pure returns (uint256 r) {
        assembly ("memory-safe") {
            let c, d := two_(a, b)
            function two_(m, n) -> p, q { p := and(m, n) q := shr(1, m) }
            for { let i := 0 } lt(i, 3) { i := add(i, 1) } { if eq(i, 1) { continue } r := add(r, xor(c, i)) }
            if gt(d, 7) { if iszero(b) { r := not(r) } }
        }
    }
    fallback(bytes calldata data) external odd returns (bytes memory) {
        (uint256 a, uint256 b) = abi.decode(data, (uint256, uint256));
        if (a > b || a == 7) revert Big(a, b);
        (, uint256 c) = two(a, b);
        unchecked { c = c - a * STEP; }
        Pair memory pair = a < 4 ? Pair(a, b) : Pair(b, a);
        uint256 d = rounds(b);
        if (d > 6) { x = d; emit Put(d + 1); } else x -= pair.a >> 1;
        return abi.encode(c, d, pair.b & 6, low(a, b), x);
    }
}
"""


def compiled(compiler: mutation.Compiler, text: bytes, ir: bool) -> dict[str, Any]:
    output = {"*": {"": ["ast"], "*": ["evm.deployedBytecode"]}}
    settings = {"optimizer": {"enabled": False}, "viaIR": ir, "evmVersion": "prague", "outputSelection": output}
    return compiler.run(
        {"language": "Solidity", "sources": {"C.sol": {"content": text.decode()}}, "settings": settings}
    )


def behaviour(code: str) -> list[Any]:
    """What the contract answers, stores and logs for some arguments, each from a new state; py-evm runs it."""
    found = []
    for a, b in ((2, 9), (7, 9), (17, 64), (4, 23)):
        state = (
            MiningChain.configure(vm_configuration=((0, PragueVM),)).from_genesis(AtomicDB(), GENESIS).get_vm().state
        )
        state.set_code(PLACE, bytes.fromhex(code))
        state.set_storage(PLACE, 0, 5)
        data = a.to_bytes(32) + b.to_bytes(32)
        transaction = state.get_transaction_context_class()(gas_price=0, origin=PLACE)
        message = Message(gas=250_000, to=PLACE, sender=PLACE, value=0, data=data, code=bytes.fromhex(code))
        done = state.computation_class.apply_message(state, message, transaction)
        out = "gas" if isinstance(done._error, OutOfGas) else done.output
        found.append((done.is_success, out, state.get_storage(PLACE, 0), done.is_success and done.get_log_entries()))
    return found


@needs_node
@pytest.mark.parametrize("ir", [True, False])
def test_a_patched_mutant_does_what_the_mutant_compiled_alone_does(ir: bool) -> None:
    compiler = mutation.Compiler()

    def code_of(text: bytes) -> str | None:
        answer = compiled(compiler, text, ir)
        if any(error["severity"] == "error" for error in answer.get("errors", [])):
            return None
        return str(answer["contracts"]["C.sol"]["C"]["evm"]["deployedBytecode"]["object"])

    try:
        tree = compiled(compiler, CHOICES, ir)["sources"]["C.sol"]["ast"]
        sites = schemata.sites_of(CHOICES, tree)
        mutants = [mutant for mutant in mutants_of("C.sol", CHOICES, tree) if schemata.site_of(mutant, sites)]
        alone = {mutant.key: code_of(mutant.apply(CHOICES)) for mutant in mutants}
        schema = schemata.schema_of(CHOICES, sites, [mutant for mutant in mutants if alone[mutant.key]])
        original, together = code_of(CHOICES), code_of(schema.text)
    finally:
        compiler.close()
    assert original
    assert together
    assert len(schema.numbers) > 120
    normal = behaviour(original)
    assert behaviour(together) == behaviour(schemata.activate(together, 0)) == normal
    told_apart = 0
    for key, number in schema.numbers.items():
        code = alone[key]
        assert code
        does = behaviour(code)
        assert behaviour(schemata.activate(together, number)) == does, key
        told_apart += does != normal
    assert told_apart > 60


class Kept:
    def __init__(self, found: dict[str, mutation.Outcome]) -> None:
        self.found = found


def one(after: str) -> Mutant:
    return Mutant("C.sol", "C.put", "comparison", 0, 1, "x", 1, "if (a > b)", after, False)


@pytest.fixture
def three() -> tuple[list[Mutant], Any]:
    mutants = [one("if (a >= b)"), one("if (a < b)"), one("if (a == b)")]
    statuses = ("killed", "survived", "equivalent")
    outcomes = {mutant.key: mutation.Outcome(status) for mutant, status in zip(mutants, statuses, strict=True)}
    return mutants, Kept(outcomes)


def explain(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    entry = {"file": "C.sol", "function": "C.put", "before": "if (a > b)", "after": after, "why": "because"}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in entry.items())
    (tmp_path / "survivors.toml").write_text("[[survivor]]\n" + lines)
    monkeypatch.setattr(mutation, "SURVIVORS", tmp_path / "survivors.toml")


def test_a_survivor_lowers_the_score(three: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "SURVIVORS", tmp_path / "none.toml")
    figures, wrong = mutation.report(three[0], 3, three[1], [])
    assert figures["logic"]["score"] == 0.5
    assert "below 95%" in wrong[0]


def test_an_explained_survivor_does_not(three: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    explain(tmp_path, monkeypatch, "if (a < b)")
    figures, wrong = mutation.report(three[0], 3, three[1], [])
    assert (figures["logic"]["score"], wrong) == (1.0, [])
    assert figures["survivors"][0]["why"] == "because"


@pytest.mark.parametrize(("after", "told"), [("if (a >= b)", "does not survive"), ("if (a)", "no mutant is any more")])
def test_an_explanation_of_nothing_is_told(
    three: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, after: str, told: str
) -> None:
    explain(tmp_path, monkeypatch, after)
    assert any(told in line for line in mutation.report(three[0], 3, three[1], [])[1])


def test_several_mutants_of_a_function_may_have_one_reason(
    three: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [["if (a > b)", "if (a < b)"], ["if (a > b)", "if (a == c)"]]
    text = f'[[survivor]]\nfile = "C.sol"\nfunction = "C.put"\nmutants = {json.dumps(pairs)}\nwhy = "because"\n'
    (tmp_path / "survivors.toml").write_text(text)
    monkeypatch.setattr(mutation, "SURVIVORS", tmp_path / "survivors.toml")
    figures, wrong = mutation.report(three[0], 3, three[1], [])
    assert figures["logic"]["score"] == 1.0
    assert ["if (a == c)" in line and "no mutant is any more" in line for line in wrong] == [True]
    (tmp_path / "survivors.toml").write_text(text.replace('"because"', '" "'))
    with pytest.raises(mutation.MutationError, match="does not say why"):
        mutation.report(three[0], 3, three[1], [])


def test_a_part_that_was_tried_is_told_with_its_interval(
    three: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation, "SURVIVORS", tmp_path / "none.toml")
    mutants, kept = three
    del kept.found[mutants[0].key]
    figures, _ = mutation.report(mutants, 3, kept, [])
    assert (figures["files"]["C.sol"]["mutants"], figures["files"]["C.sol"]["tried"]) == (3, 2)
    assert mutation.described("C", figures["files"]["C.sol"], True).startswith("C: 0.0% (0.0% to 79.3%): mutants 3, ")
    assert [round(edge, 4) for edge in mutation.wilson(90, 100)] == [0.8256, 0.9448]
    assert mutation.wilson(0, 0) == (0.0, 1.0)


def test_a_killer_is_itself_and_not_its_neighbours() -> None:
    suite = """contract T {
    function setUp() public {}
    function test_a() public {
        if (x) {
        }
    }
    function help() {
    }
    function test_ab(uint256 a) public {
    }
}
"""
    alone = mutation.without_other_tests(suite, "test_a")
    assert alone == suite.replace("    function test_ab(uint256 a) public {\n    }\n", "")
    assert mutation.without_other_tests(suite.replace("test_ab(uint256 a)", "test_c()"), "test_a") == alone
    assert mutation.without_other_tests(suite.replace("(x)", "(y)"), "test_a") != alone
    assert mutation.without_other_tests(suite.replace("help", "helps"), "test_a") != alone


def test_a_copied_build_folder_is_linked_to_its_own_checkout(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(tmp_path)  # another checkout, which is still there
    (tmp_path / "node_modules").symlink_to(tmp_path / "gone")
    for _ in range(2):
        mutation._link(tmp_path)
        assert [(tmp_path / name).readlink() for name in ("node_modules", "docs")] == [
            ROOT / "node_modules",
            ROOT / "docs",
        ]


@pytest.mark.parametrize(
    ("trouble", "tried"), [("Stack too deep. Try", [False, True]), ("Undeclared identifier", [False])]
)
def test_a_suite_whose_stack_is_too_short_for_a_choice_is_compiled_by_the_other_pipeline(
    trouble: str, tried: list[bool]
) -> None:
    deployed = mutation.Unit("C.sol", "C", False, frozenset({"C.sol"}))
    suite = mutation.Unit("T.t.sol", "T", True, frozenset({"C.sol", "T.t.sol"}))
    other = mutation.Unit("D.sol", "D", False, frozenset({"D.sol"}))
    pipelines = []

    class Project:
        units = (deployed, suite, other)
        settings: ClassVar = {"viaIR": True}
        test_settings: ClassVar = {"viaIR": False}

        def compiled(self, _: Any, units: list[mutation.Unit], settings: dict[str, Any], __: Any) -> dict[Any, Any]:
            if units == [suite]:
                pipelines.append(settings["viaIR"])
                if not settings["viaIR"]:
                    raise mutation.Stillborn(trouble)
            return dict.fromkeys(units, settings)

    worker = object.__new__(mutation.Worker)
    worker.project, worker.compiler = cast(Any, Project()), cast(Any, None)
    if len(tried) == 2:
        built = worker._build({"C.sol": "text"})
        assert set(built) == {deployed, suite}
        assert built[suite]["optimizer"] == {"enabled": False}
    else:
        with pytest.raises(mutation.Stillborn, match=trouble):
            worker._build({"C.sol": "text"})
    assert pipelines == tried


def test_a_smaller_sample_is_a_part_of_a_larger_one(three: Any) -> None:
    more = [one(f"if (a > {number})") for number in range(40)]
    order = mutation.shuffled(more, 1)
    assert order != more
    assert mutation.shuffled(more, 2) != order
    assert mutation.shuffled(more[:20], 1) == [mutant for mutant in order if mutant in more[:20]]


def test_coverage_names_lines_and_branches_that_are_missed() -> None:
    report = (
        "SF:contracts/src/PolicyModule.sol\nDA:1,3\nDA:2,0\nBRDA:2,0,0,-\nBRDA:2,0,1,4\nend_of_record\n"
        "SF:tests/contracts/X.t.sol\nDA:1,0\nend_of_record\n"
    )
    assert coverage_tool.missed(report) == {
        "contracts/src/PolicyModule.sol": {
            "lines": 2,
            "lines_missed": [2],
            "assembly_lines": 0,
            "branches": 2,
            "branches_missed": ["2.0"],
        }
    }


def test_assembly_is_counted_apart() -> None:
    source = 'f() {\n  assembly ("memory-safe") {\n    if x { y }\n    z\n  }\n  w;\n  assembly { a }\n  b;\n}\n'
    assert coverage_tool.assembly_lines(source) == {3, 4, 5}


GAPS = """\
library L {
    function f() internal {
        return   a;
    }
    function g(bool b) internal {
        if (b) h();
        return a;
        return a;
    }
}
"""
EXPLAINED = """
[[uncovered]]
file = "L.sol"
function = "L.g"
what = "branch 0"
line = "if (b) h();"
why = "seen by test_h"
"""


def test_a_gap_in_the_coverage_is_named_by_its_function_and_text() -> None:
    found: dict[str, object] = {"lines_missed": [3, 7, 8], "branches_missed": ["6.0"]}
    assert list(coverage_tool.gaps_of("L.sol", found, GAPS)) == [
        ("L.sol", "L.f", "line", "return a;"),
        ("L.sol", "L.g", "line", "return a;"),
        ("L.sol", "L.g", "line", "return a; #2"),
        ("L.sol", "L.g", "branch 0", "if (b) h();"),
    ]


def test_a_gap_passes_only_while_it_is_one_and_is_explained() -> None:
    explained = coverage_tool.explanations(EXPLAINED)
    gap: dict[str, object] = {"lines_missed": [], "branches_missed": ["6.0"]}
    assert coverage_tool.unexplained(coverage_tool.gaps_of("L.sol", gap, GAPS), explained) == []
    assert coverage_tool.unexplained(coverage_tool.gaps_of("L.sol", gap, GAPS), {}) == [
        "L.sol:6: branch 0 of L.g not reached: if (b) h();"
    ]
    for now in ({"lines_missed": [], "branches_missed": []}, {"lines_missed": [], "branches_missed": ["6.1"]}):
        assert any(
            "explains what is reached, or no more: L.sol: branch 0 of L.g" in line
            for line in coverage_tool.unexplained(coverage_tool.gaps_of("L.sol", dict(now), GAPS), explained)
        )
    with pytest.raises(coverage_tool.CoverageError, match="does not say why"):
        coverage_tool.explanations(EXPLAINED.replace("seen by test_h", " "))
    with pytest.raises(coverage_tool.CoverageError, match="has no 'function'"):
        coverage_tool.explanations(EXPLAINED.replace('function = "L.g"', ""))
    with pytest.raises(coverage_tool.CoverageError, match="twice"):
        coverage_tool.explanations(EXPLAINED + EXPLAINED)


def test_waivers_have_a_line_each_and_serious_ones_name_their_place() -> None:
    for waiver in tomllib.loads(slither_tool.WAIVERS.read_text())["waiver"]:
        assert waiver["why"].strip(), waiver
        assert "\n" not in waiver["why"]
        if "*" in waiver["where"]:
            assert waiver["detector"] in ("timestamp", "assembly")


def test_a_finding_without_explanation_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = {"type": "contract", "name": "C", "type_specific_fields": {}}
    element = {"type": "function", "name": "f", "type_specific_fields": {"parent": contract}}
    finding = {"check": "reentrancy-eth", "impact": "High", "description": "bad\nmore", "elements": [element]}
    monkeypatch.setattr(slither_tool, "findings", lambda: [finding])
    assert slither_tool.main() == 1
    assert "not explained: High reentrancy-eth at C.f: bad" in capsys.readouterr().err


def test_a_suite_is_met_by_whatever_it_deploys_by_name() -> None:
    """Adapters.t.sol puts `name` and `.sol:` together: no suite met an adapter's mutant, and all of them survived."""
    assert mutation.deployed_names('vm.deployCode("A.sol:A", ""); f("B");') == {"A"}
    assert mutation.deployed_names('f("B"); vm.deployCode(string.concat(name, ".sol:", name), "");') == {"B"}
    project = mutation.Project()
    for file in project.files:
        assert project.suites_for(file), file
    assert "tests/contracts/Adapters.t.sol" in project.suites_for("contracts/src/adapters/SafeOwnersAdapter.sol")
    with pytest.raises(mutation.MutationError, match=r"no suite of tests is known to deploy .*Nobody\.sol"):
        project.suites_for("contracts/src/Nobody.sol")
