# SPDX-License-Identifier: Apache-2.0
"""The shared cases of policies whose effect goes on after the act: refused by family, or every number qualified."""

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
