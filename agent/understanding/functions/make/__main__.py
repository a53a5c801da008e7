# SPDX-License-Identifier: Apache-2.0
"""python -m agent.understanding.functions.make [--check]: write functions.tsv, addresses.tsv, tokens.tsv and
labels.tsv again; tokens.tsv lies in policies/known/.

Packages are fetched with npm into a temporary folder and read; nothing of them is run or kept. `--check` writes nothing
and exits with 1 where a file would change.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.understanding.functions.lines import FOLDER
from agent.understanding.functions.make import deployments
from agent.understanding.functions.make.abis import functions
from agent.understanding.functions.make.packages import PACKAGES, BadPackage, Package, fetch
from governance.chain import abi
from governance.chain.address import checksum
from policies.known.tokens import FILE as TOKENS
from policies.notation.hexadecimal import hex_bytes

_FACTS = "# Facts of other people's packages (names, numbers, addresses); their licences are beside them. Made by\n"


def main(arguments: list[str] | None = None) -> int:
    """Return 0, or 1 where a package can't be read or, with --check, a file is not as it would be written."""
    options = argparse.ArgumentParser(prog="python -m agent.understanding.functions.make", description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file would change")
    chosen = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as several:
        try:
            packages = list(several.map(lambda key: fetch(Path(folder), key), PACKAGES))
            made = {
                "functions.tsv": function_lines(packages),
                "addresses.tsv": address_lines(packages),
                "tokens.tsv": token_lines(packages),
                "labels.tsv": label_lines(packages),
            }
        except BadPackage as problem:
            print(f"functions: {problem}", file=sys.stderr)
            return 1
    changed = 0
    for name, lines in made.items():
        used = {line.rsplit("\t", 1)[1] for line in lines}
        text = _head([one for one in packages if one.key in used]) + "\n".join(lines) + "\n"
        path = TOKENS if name == TOKENS.name else FOLDER / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            print(f"{name}: {len(lines):,} lines, as before")
            continue
        changed = 1
        print(f"{name}: {len(lines):,} lines, changed")
        if not chosen.check:
            path.write_text(text, encoding="utf-8")
    return changed if chosen.check else 0


def function_lines(packages: list[Package]) -> list[str]:
    """Return `selector, signature with names, key`, sorted; each signature once, as the first package has it."""
    found: dict[str, tuple[str, str]] = {}
    for package in packages:
        for signature, text in functions(package).items():
            before = found.get(signature)
            # A package that names its parameters tells more than one that doesn't.
            if before is None or (before[0] == signature != text):
                found[signature] = (text, package.key)
    return sorted(f"{abi.selector(signature).hex()}\t{text}\t{key}" for signature, (text, key) in found.items())


def address_lines(packages: list[Package]) -> list[str]:
    """Return `address, chains, kind, name, key`, sorted; one line for each address and name of a package."""
    found: dict[tuple[str, str, str], set[int]] = {}
    for package in packages:
        for chain, address, name in deployments.addresses(package):
            place = (checksum(hex_bytes(address.lower())), package.key, name)
            found.setdefault(place, set()).add(chain)
    taken: set[tuple[str, int]] = set()
    lines = []
    for (address, key, name), chains in found.items():
        free = sorted(chain for chain in chains if (address, chain) not in taken)
        taken |= {(address, chain) for chain in free}
        if free:
            kind = deployments.kind_of(key, name)
            lines.append(f"{address}\t{','.join(map(str, free))}\t{kind}\t{name}\t{key}")
    return sorted(lines)


def token_lines(packages: list[Package]) -> list[str]:
    """Return `chain, address, symbol, decimals, key`, sorted. Raises BadPackage where two lists differ in decimals."""
    found: dict[tuple[int, str], tuple[str, int, str]] = {}
    for package in packages:
        for chain, address, symbol, decimals in deployments.tokens(package):
            place = (chain, checksum(hex_bytes(address.lower())))
            before = found.setdefault(place, (symbol, decimals, package.key))
            if before[1] != decimals:
                raise BadPackage(f"{package.spec} and {PACKAGES[before[2]]} differ in the decimals of {place[1]}")
    return [f"{chain}\t{at}\t{symbol}\t{held}\t{key}" for (chain, at), (symbol, held, key) in sorted(found.items())]


def label_lines(packages: list[Package]) -> list[str]:
    """Return `label, key`, sorted: the top-level domains in plain letters."""
    found = {label: one.key for one in packages for label in deployments.top_level_domains(one)}
    return sorted(f"{label}\t{key}" for label, key in found.items())


def _head(packages: list[Package]) -> str:
    named = "".join(f"# {one.key} {one.spec} {one.licence} {one.integrity}\n" for one in packages)
    return f"{_FACTS}# python -m agent.understanding.functions.make; don't edit.\n{named}"


if __name__ == "__main__":
    raise SystemExit(main())
