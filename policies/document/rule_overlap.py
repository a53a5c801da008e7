# SPDX-License-Identifier: Apache-2.0
"""Rules that permit what an earlier rule of the document permits: never reached, wider, or an alternative."""

from policies.code.document_model import DocumentClause, DocumentRule
from policies.code.encoding import MAX_COUNT
from policies.code.policy_code import Kind
from policies.document.reading_context import ReadingContext
from policies.notation.problems import Place


def check_overlap(context: ReadingContext, placed: tuple[tuple[DocumentRule, Place], ...]) -> None:
    """Report each rule that is written twice, that an earlier one leaves nothing to, or that shares its function.

    More rules than a policy's code can hold are not compared with each other: there are too many as they are.
    """
    if len(placed) > MAX_COUNT:
        return
    before: dict[tuple[bytes, bytes | None], list[DocumentRule]] = {}
    told: set[tuple[bytes, bytes | None]] = set()
    for rule, place in placed:
        of_function = before.setdefault(_key(rule), [])
        if rule in of_function:
            context.unsafe(place, "the same rule is written twice", "remove one of them")
        elif earlier := [other for other in of_function if not _exclude_each_other(other, rule)]:
            _check_alternative(context, place, rule, earlier, told)
        of_function.append(rule)


def _check_alternative(
    context: ReadingContext,
    place: Place,
    rule: DocumentRule,
    earlier: list[DocumentRule],
    told: set[tuple[bytes, bytes | None]],
) -> None:
    """A rule for a function that earlier rules permit already. `told` has the functions where that was said."""
    if any(_permits_all_of(other, rule) for other in earlier):
        context.unsafe(
            place,
            "this rule is never reached: an earlier one permits every call that it permits",
            "put the narrower rule first, or remove it",
        )
    elif any(_permits_all_of(rule, other) for other in earlier):
        context.warnings.add(
            place,
            "this rule permits more than an earlier one for the same function, whose bounds a call can so avoid",
            "make sure that is meant: the first rule whose bounds all hold applies",
        )
    elif _key(rule) not in told:
        told.add(_key(rule))
        context.warnings.add(
            place,
            "several rules permit the same function",
            "the first whose bounds all hold applies; caps hold for each rule alone",
        )


def _key(rule: DocumentRule) -> tuple[bytes, bytes | None]:
    return (rule.target, rule.function.selector if rule.function else None)


def _exclude_each_other(one: DocumentRule, other: DocumentRule) -> bool:
    """Whether no call fits both, for an argument must be one of some values here and one of others there."""
    if one.function is None or other.function is None:
        return False
    if (one.function.words, one.function.dynamics) != (other.function.words, other.function.dynamics):
        return False
    return any(
        (mine.word, mine.column) == (theirs.word, theirs.column) and not set(mine.values) & set(theirs.values)
        for mine in one.clauses
        for theirs in other.clauses
        if mine.kind in (Kind.EQUAL, Kind.IN_LIST) and theirs.kind in (Kind.EQUAL, Kind.IN_LIST)
    )


def _permits_all_of(wide: DocumentRule, narrow: DocumentRule) -> bool:
    """Whether every call that fits `narrow` fits `wide`, caps apart. Where it can't be seen at once: no."""
    if wide.function is None or narrow.function is None:
        return wide.function is narrow.function
    if (wide.function.words, wide.function.dynamics) != (narrow.function.words, narrow.function.dynamics):
        return False
    return all(_follows(clause, narrow) for clause in wide.clauses if clause.kind is not Kind.CAP)


def _follows(clause: DocumentClause, rule: DocumentRule) -> bool:
    """Whether the rule's own clauses on the place make the clause hold."""
    place = (clause.word, clause.column)
    others = [other for other in rule.clauses if (other.word, other.column) == place]
    return any(_implies(other, clause) for other in others)


def _implies(given: DocumentClause, wanted: DocumentClause) -> bool:
    if given.kind in (Kind.EQUAL, Kind.IN_LIST):
        return all(_holds(wanted, value) for value in given.values)
    if given.kind is not wanted.kind:
        return given.kind is Kind.CAP and wanted.kind is Kind.AT_MOST and given.values[0] <= wanted.values[0]
    match given.kind:
        case Kind.AT_MOST:
            return given.values[0] <= wanted.values[0]
        case Kind.AT_LEAST:
            return given.values[0] >= wanted.values[0]
        case _:
            return given.values == wanted.values


def _holds(clause: DocumentClause, value: int) -> bool:
    match clause.kind:
        case Kind.EQUAL | Kind.IN_LIST:
            return value in clause.values
        case Kind.NOT_EQUAL:
            return value != clause.values[0]
        case Kind.AT_MOST:
            return value <= clause.values[0]
        case Kind.AT_LEAST:
            return value >= clause.values[0]
        case Kind.CAP:
            return True
