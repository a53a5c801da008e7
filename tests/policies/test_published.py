# SPDX-License-Identifier: Apache-2.0
"""What is published under a hash is what the hash is of: no parameter, table or comment tells another story."""

from pathlib import Path

import pytest

from policies.document.document import load
from policies.document.published import published
from policies.notation.problems import PolicyError

PAYROLL = (Path(__file__).resolve().parents[2] / "policies" / "templates" / "payroll.yaml").read_text()
LIMIT = "limit: 12,000 USDC"


def test_the_plain_document_is_published_and_not_how_it_was_written() -> None:
    """A parameter that is filled in leaves no name behind that says something else."""
    assert LIMIT in PAYROLL
    own = "parameters: {the_real_limit_is_10_USDC: '12,000 USDC'}"
    written = f"{PAYROLL.replace(LIMIT, 'limit: $the_real_limit_is_10_USDC')}\n{own}\n"
    found, text = published(written)
    assert found == load(PAYROLL).document_hash == load(text).document_hash
    assert "the_real_limit_is_10_USDC" not in text
    assert "parameters" not in text
    assert published(text) == (found, text)


def test_a_parameter_that_is_used_nowhere_is_refused() -> None:
    with pytest.raises(PolicyError, match='"READ_ME" is used nowhere; write \\$READ_ME, or remove it'):
        load(f"{PAYROLL}\nparameters: {{READ_ME: the real limit is 10 USDC}}\n")
