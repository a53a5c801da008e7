# SPDX-License-Identifier: Apache-2.0
"""Policy documents that somebody damaged on purpose, and a search for one that ends in anything but a clear answer.

`python -m tests.policies.hostile_documents 200000` reads so many of them; the tests read a few hundred.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter, process_time

from policies.code.document_model import Sources
from policies.code.encoding import decode, encode, pack
from policies.document.document import PolicyDocument, load, references
from policies.document.from_code import document_of
from policies.notation.problems import PolicyError, Problem
from policies.words.diff import diff
from policies.words.explain import explain

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "policies"  # absent outside the workshop

VALUES = (
    "", "~", "null", "yes", "-1", "0", "1", "1e9", ".nan", ".inf", "-.inf", "0x", "0x0", "[]", "{}", "[[]]", "{a: b}",
    "f()", "f((uint256 a)[] b)", "f(bytes x)", "0x12345678(word w0)", "f(uint256[99999] a)", "f(uint256[255] a)",
    "f(uint256[2][2][2][2][2][2][2][2] a)", "f(uint999 a)", "f(bytes32[][] a)",
    "f(((((((((uint256 a) b) c) d) e) f) g) h) i)", "ETH", "USDC", "ines", "value", "amount", "to", "anyone",
    "anything", "empty", "nothing", "none", "back to zero", "whole policy", "1 day", "0 days", "1 second",
    "9999999999 weeks", "99999999999 days", "-1 days", "1.5 days", "7 seconds", "0 %", "100 %", "100.00 %", "101 %",
    "999 %", "0.01%", "٣ %", "3 days", "٣ days", "²", "0000-01-01T00:00Z", "0001-01-01T00:00Z",
    "1969-12-31T23:59:59Z", "1969-01-01T00:00Z", "1970-01-01T00:00Z", "9999-12-31T23:00Z", "10000-01-01T00:00Z",
    "2106-02-07T06:00Z", "2106-02-07T07:00Z", "2016-12-31T23:59:60Z", "2026-02-29T00:00Z", "2026-11-01T24:00Z",
    "2026-11-01T00:00:00Z", "٢٠٢٦-11-01T00:00Z", "0 USDC", "-1 USDC", "1e9 USDC", "0.0000001 USDC",
    "115,792,089,237,316,195 ETH", f"{'9' * 120} ETH", f"{'9' * 121} ETH", f"0.{'0' * 119}1 ETH", f"{2**256} ETH",
    f"{2**256}", f"{2**256 - 1}", "9" * 5000, f"0x{'f' * 64}", f"0x{'f' * 65}", f"0x{'0' * 40}",
    "at least 1 WETH per USDC", "at least 0 WETH per USDC", f"at least {'9' * 120} WETH per USDC",
    f"at least 0.{'0' * 118}1 WETH per USDC", "at least 1 base units of WETH per 0 base units of USDC",
    "at least 1 USDC per USDC", "at least .5 WETH per USDC", "{equals: 1}", "{not: 1}", "{at most: 1}", "{cap: 1}",
    "{one of: [1, 2]}", "{one of: []}", "{equals: {equals: 1}}", "{equals: -1}", "[{at least: 1}, {at most: 0}]",
    "[[{at most: 1}]]", "{at most: [1]}", "{file: people.txt}", "{file: ../../etc/passwd}", '"\\U00110000"',
    '"\\UFFFFFFFF"', '"\\ud800"', '"\\udc00\\ud800"', '"\\0"', '"\\x7f"', '"\\N\\_\\L\\P"', '"\\', '"\\q"',
    '"\\U0011"', "&a x", "*a", "!!int 5", "!x y", "!<tag:yaml.org,2002:str> x", "<<", "|", ">", "|9", ">-\n      x",
    "? x", "- x", "x: y: z", "'x", '"x', "[x", "{x", "]", "}", "%YAML 1.1", "---", "...", "# x", "\t", "\r", "\u0085",
    "\u2028", "\u202e", "\ufeff", "\x00", "\x1b[2J", "\ud800", "\U0010ffff", "é", "a" * 300, "a" * 70_000, "ines.eth",
    "jön.eth", "ines.eth is 0x1000000000000000000000000000000000000001", "xn--a.eth", ".eth", "x.",
    "0x1000000000000000000000000000000000000001",
)  # fmt: skip
WHOLE: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", "\r"),
    lambda text: "\ufeff" + text,
    lambda text: text.replace("  ", "\t"),
    lambda text: text + "\n---\n" + text,
    lambda text: text + text,
    lambda text: "%YAML 1.1\n---\n" + text,
    lambda text: f"%YAML {'9' * 5000}.1\n---\n" + text,
    lambda text: "%TAG ! tag:x,2000:\n---\n" + text,
    lambda text: text.encode("utf-16", "surrogatepass").decode("latin-1"),
    lambda text: text + "summary2: " + "[" * 2000,
    lambda text: text + "summary2: " + "{a: " * 2000,
    lambda text: text + "<<: {version: 1}\n",
    lambda text: text + "x: &a [*a, *a]\n",
    lambda text: text + "version: 1\n",
    lambda text: "{" + text.replace("\n", ",") + "}",
    lambda text: "- " + text.replace("\n", "\n  "),
    lambda text: text.upper(),
    lambda text: text * 400,
    lambda text: text[:0],
)
SLOW_S = 1.0
LETTERS = "{}[]:,'\"&*!|>%@`-?0 \t\r\n#\\~=<.\u202e\u0085\ud800\x00é٣"


def damaged(random: Random, texts: list[str]) -> str:
    """One of the texts, damaged in one to four places."""
    text = random.choice(texts)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        text = _damaged_once(random, text, texts)
    return text


def _damaged_once(random: Random, text: str, texts: list[str]) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    line = lines[at]
    match random.randrange(10):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, random.choice(lines))
        case 2:
            lines.insert(at, random.choice(random.choice(texts).split("\n")))
        case 3 | 4 | 5:
            lines[at] = f"{line.partition(': ')[0]}: {random.choice(VALUES)}"
        case 6:
            words = line.split(" ")
            words[random.randrange(len(words))] = random.choice(VALUES)
            lines[at] = " ".join(words)
        case 7:
            place = random.randrange(len(line) + 1)
            lines[at] = line[:place] + random.choice(LETTERS) + line[place + random.randrange(2) :]
        case 8:
            lines[at] = " " * random.randrange(8) + line.strip()
        case _:
            return random.choice(WHOLE)(text) if random.random() < 0.3 else text[: random.randrange(len(text) + 1)]
    return "\n".join(lines)


def answer(text: str, *, read_back: bool = False, sources: Sources | None = None) -> PolicyDocument | None:
    """The document, put through everything that reads one; None where it was refused with the reason in one line."""
    document, problems = _loaded(text, read_back, sources)
    assert (document is None) == bool(problems)
    assert all(str(problem).isprintable() and len(str(problem)) < 3000 for problem in problems)
    if document is None:
        return None
    code = decode(encode(document))
    assert pack(code) == encode(document)
    tokens = {token.address: token for token in document.tokens}
    names = {address: name for name, address in document.addresses}
    functions = {rule.function.selector: rule.function for rule in document.rules if rule.function}
    sentences = explain(code, names, tokens, functions, document=document)
    assert all(sentence.isprintable() for sentence in sentences)
    assert all(str(warning).isprintable() for warning in document.warnings)
    assert not diff(code, code, names, tokens, functions)
    assert encode(load(document_of(code, name=document.name), read_back=True)) == encode(document)
    return document


def _loaded(text: str, read_back: bool, sources: Sources | None) -> tuple[PolicyDocument | None, tuple[Problem, ...]]:
    try:
        document = load(text, read_back=read_back, sources=sources)
        references(text)
    except PolicyError as error:
        return None, error.problems
    return document, ()


def read(folder: Path) -> list[str]:
    """The documents of a folder, each as it is and without its comments, where most damage would do nothing."""
    texts = [file.read_text() for file in sorted(folder.glob("*.yaml"))]
    return [*texts, *("".join(re.sub(r" *#.*", "", line) for line in text.splitlines(True)) for text in texts)]


def search(count: int, texts: list[str], seed: int = 1) -> Iterator[tuple[str, str]]:
    """Each damaged document with what became of it: "read", "refused", or the name of an exception that escaped.

    One that took longer than people wait is "slow".
    """
    random = Random(seed)
    before = None
    for _ in range(count):
        text = damaged(random, texts)
        read_back = random.random() < 0.1
        began_s = perf_counter()
        try:
            document = answer(text, read_back=read_back)
            if document and before:
                diff(decode(encode(before)), decode(encode(document)), {}, {})
            before = document or before
        except Exception as error:  # noqa: BLE001 whatever it is, it is what is looked for
            yield f"{type(error).__name__}: {error}"[:100], text
        else:
            yield outcome_of(document, began_s, partial(answer, text, read_back=read_back)), text


def outcome_of(document: object | None, began_s: float, again: Callable[[], object]) -> str:
    """What became of a document that was put in at `began_s` (of perf_counter).

    To ask for this process's own time costs a millisecond on some machines: it is asked where it took long, again.
    """
    if perf_counter() - began_s > SLOW_S:
        began_s = process_time()
        again()
        if process_time() - began_s > SLOW_S:
            return "slow"
    return "read" if document else "refused"


def main(count: int, seed: int) -> int:
    return report(search(count, [*read(TEMPLATES), *read(CASES)], seed))


def report(outcomes: Iterable[tuple[str, str]]) -> int:
    """Print how many had which outcome, with the first text of each that is neither read nor refused."""
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for outcome, text in outcomes:
        found[outcome] += 1
        first.setdefault(outcome, text)
    for outcome, times in found.most_common():
        print(f"{times:>8} {outcome}")
        if outcome not in ("read", "refused"):
            print(f"{first[outcome][:4000]!r}")
    return 0 if set(found) <= {"read", "refused"} else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), int(sys.argv[2], 0) if len(sys.argv) > 2 else 1))
