# SPDX-License-Identifier: Apache-2.0
"""Policy documents damaged behind YAML's reader, which takes most of the time: values and keys, not characters.

`python -m tests.policies.hostile_trees 1000000` reads so many; hostile_documents damages their text.
"""

import sys
from collections.abc import Iterator
from functools import partial
from itertools import count as counting
from random import Random
from time import perf_counter
from unittest.mock import patch

from policies.document import yaml_tree
from policies.document.document import load
from policies.document.yaml_tree import MAX_DEPTH, Mapping, Node, Sequence, Text
from policies.notation.problems import Place, PolicyError
from tests.policies.hostile_documents import CASES, TEMPLATES, VALUES, answer, outcome_of, read, report

Path = tuple[int, ...]  # which item or value, from the tree's top
ANSWERED_WHOLE = 0.2  # so many of the documents that are read are also compiled, explained and read back


def search(count: int, seed: int = 1, texts: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each damaged tree with what became of it, as `hostile_documents.search` names it."""
    random = Random(seed)
    trees = [yaml_tree.parse(text, "policy.yaml") for text in texts or [*read(TEMPLATES), *read(CASES)]]
    values = [*_values(), *(node for tree in trees for _, node in _nodes(tree, ()))]
    really = yaml_tree.parse
    damaged: Node
    with patch.object(yaml_tree, "parse", lambda text, source: damaged if text == "damaged" else really(text, source)):
        for _ in range(count):
            tree = random.choice(trees)
            for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
                tree = _damaged_once(random, tree, values)
            damaged = _placed(tree, counting(1))
            put_in = partial(answer, "damaged") if random.random() < ANSWERED_WHOLE else _loaded
            began_s = perf_counter()
            try:
                outcome = outcome_of(put_in(), began_s, put_in)
            except Exception as error:  # noqa: BLE001 whatever it is, it is what is looked for
                outcome = f"{type(error).__name__}: {error}"[:100]
            yield outcome, "" if outcome in ("read", "refused") else str(damaged)


def _loaded() -> object | None:
    try:
        return load("damaged")
    except PolicyError as error:
        problems = error.problems
    assert problems
    return None


def _values() -> Iterator[Node]:
    """What a value of hostile_documents is to YAML by itself, where it is something."""
    for value in VALUES:
        try:
            yield yaml_tree.parse(value, "policy.yaml")
        except PolicyError:
            continue


def _nodes(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, node
    for at, inner in enumerate(_inner(node)):
        yield from _nodes(inner, (*path, at))


def _inner(node: Node) -> list[Node]:
    match node:
        case Sequence():
            return list(node.items)
        case Mapping():
            return [value for _, value in node.entries]
        case _:
            return []


def _damaged_once(random: Random, tree: Node, values: list[Node]) -> Node:
    """Another value or key in one place, or an entry less, twice or elsewhere."""
    path, chosen = random.choice(list(_nodes(tree, ())))
    if not path or random.random() < 0.5:
        other = random.choice(values)
        return tree if len(path) + _depth(other) > MAX_DEPTH else _with(tree, path, other)
    above = _at(tree, path[:-1])
    if isinstance(above, Mapping):
        return _with(tree, path[:-1], _mapping_damaged(random, above, path[-1], values))
    assert isinstance(above, Sequence)
    items = list(above.items)
    if random.random() < 0.5:
        del items[path[-1]]
    else:
        items.insert(random.randrange(len(items) + 1), chosen)
    return _with(tree, path[:-1], Sequence(above.place, tuple(items)))


def _mapping_damaged(random: Random, above: Mapping, at: int, values: list[Node]) -> Mapping:
    entries = list(above.entries)
    key, value = entries.pop(at)
    kind = random.randrange(4)
    names = [one for one in values if isinstance(one, Text)]
    if kind == 0:
        entries.insert(at, (random.choice(names), value))
    elif kind == 1:
        entries.extend(((key, value), (random.choice(names), value)))
    elif kind == 2:
        entries.insert(random.randrange(len(entries) + 1), (key, value))
    once = {name.text: (name, one) for name, one in entries}  # YAML's reader refuses a key that is there twice
    return Mapping(above.place, tuple(once.values()))


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, _inner(node)), default=0)


def _at(node: Node, path: Path) -> Node:
    for at in path:
        node = _inner(node)[at]
    return node


def _with(node: Node, path: Path, other: Node) -> Node:
    if not path:
        return other
    first, rest = path[0], path[1:]
    if isinstance(node, Sequence):
        items = list(node.items)
        items[first] = _with(items[first], rest, other)
        return Sequence(node.place, tuple(items))
    assert isinstance(node, Mapping)
    entries = list(node.entries)
    entries[first] = entries[first][0], _with(entries[first][1], rest, other)
    return Mapping(node.place, tuple(entries))


def _placed(node: Node, lines: Iterator[int]) -> Node:
    """The same with a place of its own for each node, as in a file with a line for each."""
    place = Place(next(lines), 1)
    match node:
        case Text():
            return Text(place, node.text)
        case Sequence():
            return Sequence(place, tuple(_placed(item, lines) for item in node.items))
        case Mapping():
            return Mapping(
                place,
                tuple((Text(Place(next(lines), 1), key.text), _placed(value, lines)) for key, value in node.entries),
            )


if __name__ == "__main__":
    raise SystemExit(report(search(int(sys.argv[1]), int(sys.argv[2], 0) if len(sys.argv) > 2 else 1)))
