# SPDX-License-Identifier: Apache-2.0
"""The helper that holds work to linear time lets linear work through and refuses quadratic work."""

import pytest

from tests.growth import grows_linearly


def test_linear_work_passes():
    grows_linearly(lambda size: "ab" * size, lambda text: [text.upper() for _ in range(20)], 200_000)


def test_quadratic_work_does_not():
    with pytest.raises(AssertionError, match="times as long"):
        grows_linearly(
            lambda size: "ab" * size,
            lambda text: [text[place:].count("a") for place in range(0, len(text), 20)],
            100_000,
        )
