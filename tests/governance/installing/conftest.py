# SPDX-License-Identifier: Apache-2.0
"""The command `module` on DAOs of the tests' chain."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import Deployed

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(settings, deployed: Deployed) -> Run:
    """Run an action; its exit status, and what it says on both streams or in its one line of refusal."""
    settings.RPC_URLS = {31337: [deployed.url]}

    def act(*arguments: object) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("module", *map(str, arguments), stdout=out, stderr=out)
        except SystemExit as end:
            return int(end.code or 0), out.getvalue()
        except CommandError as error:
            return 1, out.getvalue() + str(error)
        return 0, out.getvalue()

    return act


@pytest.fixture
def keystore(deployed: Deployed, tmp_path: Path) -> list[str]:
    """The options that name ada's keystore, encrypted as fast as can be."""
    (tmp_path / "ada.json").write_text(json.dumps(deployed.accounts["ada"].encrypt("open sesame", iterations=2)))
    (tmp_path / "password").write_text("open sesame\n")
    return ["--keystore", str(tmp_path / "ada.json"), "--password-file", str(tmp_path / "password")]


def parsed(said: str) -> Any:
    """The JSON that an action printed; what it says on the other stream is behind it."""
    return json.JSONDecoder().raw_decode(said)[0]
