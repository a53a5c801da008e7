# SPDX-License-Identifier: Apache-2.0
"""Gather the sentences of code and templates, and compile their translations, with Babel.

.venv/bin/python -m dao.local.languages            compile webapp/locale/*.po into .build/locale (as the install does)
.venv/bin/python -m dao.local.languages --gather   bring webapp/locale/*.po up to date: what is new comes in empty

The command line speaks English, so the sentences of `governance.installing`, which it alone says, are not gathered.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from dao.local.paths import ROOT

SOURCES = ROOT / "webapp" / "locale"
COMPILED = ROOT / ".build" / "locale"
LAYERS = ("governance", "replay", "agent", "presentation", "webapp", "dao")
_ENGLISH_ONLY = ROOT / "governance" / "installing"
_NO_NEWS = re.compile(
    rb'"(?:Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team'
    rb"|Generated-By): "
)
_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def files() -> Iterator[Path]:
    """Yield the files that may hold sentences."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*")):
            if (path.suffix == ".py" and _ENGLISH_ONLY not in path.parents) or (
                "templates" in path.parts and path.suffix in (".html", ".txt")
            ):
                yield path


def gathered() -> Catalog:
    """Return a catalog of all sentences, as Django's gettext looks them up."""
    from django.conf import settings
    from django.utils.translation.template import templatize

    if not settings.configured:
        settings.configure()
    found = Catalog(fuzzy=False)
    for path in files():
        text = path.read_text()
        code = text if path.suffix == ".py" else templatize(text, origin=str(path))
        name = path.relative_to(ROOT).as_posix()
        for line, message, _comments, context in extract("python", BytesIO(code.encode()), _KEYWORDS):
            if message:
                found.add(message, locations=[(name, line)], context=context)
    return found


def read(path: Path) -> Catalog:
    """Return the translations of a language; its file is called after it."""
    with path.open("rb") as source:
        return read_po(source, locale=path.stem)


def gather() -> None:
    """Bring the translations up to date with the sentences: what is new is empty, what is gone is left out."""
    template = gathered()
    for path in SOURCES.glob("*.po"):
        catalog = read(path)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        write(catalog, path)


def write(catalog: Catalog, path: Path) -> None:
    """Write translations without the lines that change at each writing, or that name nobody."""
    made = BytesIO()
    write_po(made, catalog, width=0, include_lineno=False, ignore_obsolete=True)
    lines = made.getvalue().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not _NO_NEWS.match(line)))


def compile_all() -> None:
    """Compile the translations, each file whole or not at all."""
    for path in SOURCES.glob("*.po"):
        place = COMPILED / path.stem / "LC_MESSAGES"
        place.mkdir(parents=True, exist_ok=True)
        half = place / f"django.{os.getpid()}.half"  # of two that compile at once, neither writes into the other's
        try:
            with half.open("wb") as target:
                write_mo(target, read(path))
            half.replace(place / "django.mo")
        finally:
            half.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the languages, or gather their sentences.")
    parser.add_argument("--gather", action="store_true", help="bring the translations up to date with the sentences")
    gather() if parser.parse_args().gather else compile_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
