# SPDX-License-Identifier: Apache-2.0
"""The shared cases of policies: each file has its answer; effects that go on are refused by family, or qualified."""

from pathlib import Path

import pytest

from policies.code.encoding import decode, encode
from policies.code.families import Family
from policies.document.document import load
from policies.notation.problems import PolicyError
from policies.words.explain import not_known_to_end
from policies.words.explanation import explanation
from policies.words.wording import Vocabulary

SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases" / "policies"
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/cases is not here"),
]
REFUSED = {
    "a07c-llamapay": Family.STREAM,
    "a07d-superfluid": Family.STREAM,
    "a09c-snapshot-delegate": Family.DELEGATION,
    "b02-sablier-flow-create": Family.STREAM,
    "b06-ens-setRecord": Family.CONTROL,
    "c1-stream-measured": Family.STREAM,
}
NESTED = "nests values without fixed size"  # for the format of policy code that holds them
# What each of the others is told, where a part of it is enough to know the reason by.
ANSWERS = {
    "a03-lido-stake": ["on the token stETH only `transfer` can be bounded without measuring"],
    "a06b-uni-v3-exactInput-path": [NESTED],
    "a07b-sablier-lockup-v20": [NESTED],
    "a08-ens-renew": ["of `renew` it is not known whether its effect ends with the act"],
    "a11b-claim-merkl": [NESTED],
    "h1-dai-push": ["this is the token DAI on Ethereum"],
    "h3-1s-delay-100pct": [
        "members have 1 second to object",
        "stopping an announced act takes 100 % of all votes",
        "to may be anything",
    ],
}


def test_every_file_has_its_answer() -> None:
    assert {file.stem for file in SHARED.glob("*.yaml")} == {*REFUSED, *ANSWERS}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_one_cause_is_one_line(name: str) -> None:
    try:
        found = load((SHARED / f"{name}.yaml").read_text()).warnings
    except PolicyError as error:
        found = error.problems
    assert len(found) == len(ANSWERS[name]), found
    assert all(part in one.problem for part, one in zip(ANSWERS[name], found, strict=True))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_goes_on_is_refused_by_family(name: str) -> None:
    with pytest.raises(PolicyError) as refused:
        load((SHARED / f"{name}.yaml").read_text())
    assert any(REFUSED[name].value in problem.problem for problem in refused.value.problems)


def test_no_case_gives_a_number_that_is_not_qualified_where_a_function_is_not_understood() -> None:
    explained = 0
    for file in sorted(SHARED.glob("*.yaml")):
        try:
            document = load(file.read_text())
        except PolicyError:
            continue
        explained += 1
        code = decode(encode(document))
        said = explanation(code, {}, {}, document=document)
        names = {address: name for name, address in document.addresses}
        unknown = not_known_to_end(code, Vocabulary(names, {token.address: token for token in document.tokens}))
        numbers = [*said.together[1:], *(line for line in said.sentences if line.startswith("Worst case for"))]
        if unknown and code.budgets:
            assert all("true only if" in line for line in numbers), file.name
    assert explained


def test_names_of_ens_stand_as_they_are_written() -> None:
    document = load((SHARED / "a08-ens-renew.yaml").read_text())
    lines = "\n".join(explanation(decode(encode(document)), {}, {}, document=document).lines)
    assert "“ens” (0x" in lines
    assert "“nick” (0x" in lines
