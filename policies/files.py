# SPDX-License-Identifier: Apache-2.0
"""Policies from files: the document or code, and the lists and ABIs that a document names, relative to it.

Files come from strangers: a document can't make this read anything outside its own folder, nor anything large.
"""

import json
import re
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.code import encoding
from policies.code.document_model import PolicyDocument, Sources
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function
from policies.document import document
from policies.document.references import is_ens_name
from policies.document.table_text import read_table
from policies.notation.amounts import Token

MAX_FILE_BYTES = 1024 * 1024
MAX_LIST_ITEMS = 2000
_HEX = re.compile(r"\s*(0x)?([0-9a-fA-F\s]*)")


class FileProblem(Exception):
    """A file that can't be used: one line that says which, why, and what to do."""


@dataclass(frozen=True)
class Resolved:
    """The address that an ENS name stands for, and a note on it for people to compare before they vote."""

    address: bytes
    note: str


# Asks a chain for the addresses of ENS names, all of them. Raises FileProblem.
Resolve = Callable[[Sequence[str]], Mapping[str, Resolved]]


@dataclass(frozen=True)
class Loaded:
    """A policy as it was found, and what its document lends to explain it (nothing, where there is only code)."""

    code: PolicyCode
    raw: bytes
    document: PolicyDocument | None
    names: Mapping[bytes, str]
    tokens: Mapping[bytes, Token]
    functions: Mapping[bytes, Function]
    notes: tuple[str, ...] = ()


def read_text(file: str) -> str:
    """The text of a file, or of standard input for `-`. Raises FileProblem."""
    if file == "-" and sys.stdin is None:
        raise FileProblem("-: standard input is closed; name a file")
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileProblem(f"{file}: can't be read ({error.strerror}); name an existing file") from None
    if len(raw) > MAX_FILE_BYTES:
        raise FileProblem(f"{file}: the file is larger than {MAX_FILE_BYTES} bytes; write a shorter policy")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        guess = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "Latin-1 or another encoding"
        raise FileProblem(
            f"{file}:{line}: this is not UTF-8 but {guess} (byte {error.start}); save the file as UTF-8 text"
        ) from None


def is_code(text: str) -> bool:
    """Whether the text is policy code in hexadecimal."""
    return text.lstrip().startswith("0x") and _HEX.fullmatch(text) is not None


def code_bytes(text: str, file: str) -> bytes:
    """Policy code from hexadecimal text. Raises FileProblem."""
    match = _HEX.fullmatch(text)
    digits = "".join(match[2].split()) if match else ""
    if not digits or len(digits) % 2:
        raise FileProblem(f"{file}: this is no policy code; write it in hexadecimal, 0x first")
    return bytes.fromhex(digits)


def load_code(raw: bytes, file: str) -> Loaded:
    """Policy code by itself. Raises FileProblem."""
    try:
        return Loaded(encoding.decode(raw), raw, None, {}, {}, {})
    except encoding.DecodeError as error:
        raise FileProblem(f"{file}: this is no policy code: {error}") from None


def load_document(
    text: str,
    file: str,
    resolve: Resolve | None = None,
    *,
    read_back: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> Loaded:
    """A document with what it refers to: files in its folder, and ENS names if the caller can resolve them.

    `parameters` are set in place of the document's own. Without `resolve` the document's own reading says which name
    was not resolved, and where it stands. With `read_back` the document is one that was made of code
    (policies.document.from_code). Raises FileProblem, or PolicyError with every problem of the document.
    """
    wanted = document.references(text, source=file)
    folder = Path.cwd() if file == "-" else Path(file).resolve().parent
    ens = _ens_names(wanted, folder) if resolve else ()
    names = resolve(ens) if resolve and ens else {}
    sources = Sources(
        abis={name: _abi(folder, name) for name in wanted.abis},
        ens={name: resolved.address for name, resolved in names.items()},
        read_list=lambda name: _list(folder, name),
        read_table=lambda name: read_table(_inside(folder, name).read_text(encoding="utf-8")),
        parameters=parameters or {},
    )
    policy = document.load(text, source=file, sources=sources, read_back=read_back)
    raw = encoding.encode(policy)
    return Loaded(
        code=encoding.decode(raw),
        raw=raw,
        document=policy,
        names={address: name for name, address in policy.addresses},
        tokens={token.address: token for token in policy.tokens},
        functions={rule.function.selector: rule.function for rule in policy.rules if rule.function},
        notes=tuple(resolved.note for resolved in names.values()),
    )


def load(
    text: str, file: str, resolve: Resolve | None = None, *, parameters: Mapping[str, str] | None = None
) -> Loaded:
    """A document, or policy code in hexadecimal. Raises FileProblem or PolicyError."""
    if is_code(text):
        return load_code(code_bytes(text, file), file)
    return load_document(text, file, resolve, parameters=parameters)


def _ens_names(wanted: document.References, folder: Path) -> tuple[str, ...]:
    """The ENS names of a document and of its lists' files, each once."""
    names = dict.fromkeys(wanted.ens)
    for file in wanted.files:
        with suppress(OSError, ValueError):  # the document's reading refuses such a file, at its place
            names.update(dict.fromkeys(filter(is_ens_name, _list(folder, file))))
    return tuple(names)


def _inside(folder: Path, name: str) -> Path:
    """The file that a document names, if it lies in the document's folder or below it. Raises ValueError."""
    try:
        path = (folder / name).resolve()
    except RuntimeError:  # what Python 3.11 raises for links that lead back to themselves
        raise ValueError("it is a link that leads nowhere") from None
    if not path.is_relative_to(folder.resolve()):
        raise ValueError("it lies outside the document's folder")
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no plain file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES} bytes")
    return path


def _list(folder: Path, name: str) -> list[str]:
    """The items of a list, one a line; blank lines and what follows `#` are left out. Raises OSError, ValueError."""
    lines = _inside(folder, name).read_text(encoding="utf-8").splitlines()
    items = [text for line in lines if (text := line.partition("#")[0].strip())]
    if len(items) > MAX_LIST_ITEMS:
        raise ValueError(f"it has more than {MAX_LIST_ITEMS} items")
    return items


def _abi(folder: Path, name: str) -> list[dict[str, Any]]:
    """A JSON ABI, or the ABI in a compiler's artifact. Raises FileProblem."""
    try:
        found = json.loads(_inside(folder, name).read_text(encoding="utf-8"))
    except OSError as error:
        raise FileProblem(f"{name}: can't be read ({error.strerror}); name an ABI beside the document") from None
    except (ValueError, RecursionError) as error:
        what = "this is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        raise FileProblem(f"{name}: {what}; name a JSON ABI beside the document") from None
    abi = found.get("abi") if isinstance(found, dict) else found
    if not isinstance(abi, list) or not all(isinstance(item, dict) for item in abi):
        raise FileProblem(f"{name}: this is no ABI; name a JSON ABI beside the document")
    return abi
