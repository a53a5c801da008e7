# SPDX-License-Identifier: Apache-2.0
"""A demo whose contracts are of another version is refused by name, not run into."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from dao.local import founding


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "built"
    folder.mkdir()
    (folder / "Treasury.json").write_text(json.dumps({"bytecode": "0x6001"}))
    monkeypatch.setattr(founding, "BUILT", folder)
    return folder


def recorded(tmp_path: Path, **fields: object) -> Path:
    file = tmp_path / "deployment-dao.json"
    file.write_text(json.dumps({"contracts": {}, **fields}))
    return file


def test_the_same_bytes_are_the_same_contracts(tmp_path: Path, built: Path) -> None:
    file = recorded(tmp_path, built={"Treasury": sha256(b"0x6001").hexdigest()})
    assert founding.same_contracts(file)
    (built / "Treasury.json").write_text(json.dumps({"bytecode": "0x6002"}))
    assert not founding.same_contracts(file)
    (built / "Treasury.json").unlink()
    assert not founding.same_contracts(file)


@pytest.mark.usefixtures("built")
def test_a_deployment_that_does_not_say_is_of_another_version(tmp_path: Path) -> None:
    assert not founding.same_contracts(recorded(tmp_path))
    assert "make demo-reset" in founding.OTHER_VERSION
