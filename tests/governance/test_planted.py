# SPDX-License-Identifier: Apache-2.0
"""The planted mistakes are mistakes in the mirror as it is now. Whether they are noticed, planted.py shows."""

import ast
from dataclasses import replace

import pytest

from tests.governance.planted import FAULTS, ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_changes_the_product_and_leaves_it_python(fault):
    changed = fault.apply(ROOT)
    assert changed
    for path, after in changed.items():
        assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(path.read_text()))


def test_a_mistake_whose_place_is_gone_is_told():
    with pytest.raises(ValueError, match="holds 0 times"):
        replace(FAULTS[0], changes=(("what stands nowhere", ""),)).apply(ROOT)
