# SPDX-License-Identifier: Apache-2.0
"""Effects that are no plain amounts against the text: roles, upgrades, parameters, names, and any decoded call.

A sentence, item, row or section tells such an effect where it has the verb, what it is about (role, parameter, code),
the target and every argument. Code alone (the function's name with its arguments, or call data) tells it in part.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from agent.understanding.arguments import flat
from agent.understanding.by_name import bids_call, swaps_arguments, swaps_target
from agent.understanding.effects import Book, Effect
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.quantities import Quantity, Unit
from agent.understanding.moods import ActWord, Mood, is_explicit, mood_of
from agent.understanding.orders import Read
from agent.understanding.passages import Shape
from agent.understanding.permissions import beyond_lists, is_permission, tell_permission
from agent.understanding.role_hints import hinted_role
from agent.understanding.scopes import Scope
from agent.understanding.telling import Level, Telling
from governance.chain import abi
from governance.chain.address import ZERO
from policies.notation.amounts import write_time
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

MAX_VALUES = 80  # of one call's arguments; a longer call is told by no text


# ------------------------------------------------------------------------------------------------- what an effect needs


@dataclass(frozen=True)
class Need:
    """What words must say of an effect."""

    acts: frozenset[Act]
    opposite: frozenset[Act]
    subjects: tuple[str, ...]  # one of these must be there; none where the verb says all
    holder: bytes | None  # whom it is about
    target_words: tuple[str, ...]  # what the target may be called, where the book knows its kind
    is_role: bool = False


_GRANTS = frozenset({Act.GRANT, Act.SET, Act.TRANSFER, Act.APPROVE})
_REVOKES = frozenset({Act.REVOKE})
_BY_VERB: Mapping[str, frozenset[Act]] = {
    "set": frozenset({Act.SET, Act.GRANT, Act.TRANSFER}), "update": frozenset({Act.SET}),
    "change": frozenset({Act.SET}),
    "add": frozenset({Act.GRANT, Act.SET}), "grant": frozenset({Act.GRANT}), "assign": frozenset({Act.GRANT, Act.SET}),
    "allow": frozenset({Act.GRANT, Act.APPROVE}), "enable": frozenset({Act.GRANT, Act.SET}), "remove": _REVOKES,
    "revoke": _REVOKES, "disable": _REVOKES, "renounce": _REVOKES, "transfer": frozenset({Act.TRANSFER, Act.SET}),
    "upgrade": frozenset({Act.UPGRADE, Act.SET, Act.WRAP}), "delegate": frozenset({Act.DELEGATE}),
    "pause": frozenset({Act.PAUSE}), "unpause": frozenset({Act.UNPAUSE}),
    "withdraw": frozenset({Act.CLAIM, Act.TRANSFER}),
    "claim": frozenset({Act.CLAIM}), "renew": frozenset({Act.RENEW}), "register": frozenset({Act.SET}),
    "create": frozenset({Act.CREATE, Act.STREAM}), "cancel": frozenset({Act.CANCEL, Act.REVOKE}),
    "deposit": frozenset({Act.WRAP}), "wrap": frozenset({Act.WRAP}), "redeem": frozenset({Act.CLAIM}),
    "mint": frozenset({Act.MINT}), "burn": frozenset({Act.BURN}), "approve": frozenset({Act.APPROVE}),
    "swap": frozenset({Act.SWAP}), "accept": frozenset({Act.GRANT, Act.SET}), "initialize": frozenset({Act.CREATE}),
    "scope": frozenset({Act.GRANT}), "vote": frozenset({Act.CALL}), "cast": frozenset({Act.CALL}),
}  # fmt: skip
_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "voting period": ("voting period", "voting window", "vote duration", "período de votación", "période de vote",
                      "durée du vote", "periodo de votación", "abstimmungsfrist", "abstimmungsdauer",
                      "abstimmungszeitraum", "período de votação", "投票期", "投票周期"),
    "voting delay": ("voting delay", "retraso de votación", "délai de vote", "投票延迟"),
    "late-quorum extension": ("late-quorum extension", "late quorum extension", "vote extension", "late quorum"),
    "proposal threshold": ("proposal threshold", "umbral de propuesta", "seuil de proposition", "提案门槛"),
    "quorum": ("quorum", "quórum", "法定人数"),
    "timelock delay": ("timelock delay", "timelock's delay", "delay of the timelock", "minimum delay", "min delay",
                       "execution delay", "delay", "verzögerung", "délai", "retraso", "atraso"),
    "number of signatures needed": ("threshold", "signatures", "number of signatures", "confirmations"),
    "owner": ("owner", "ownership", "owns", "propriétaire", "propiedad", "eigentümer", "所有权", "所有者"),
    "signer": ("signer", "owner", "signatory", "keyholder"), "module": ("module",), "controller": ("controller",),
    "guard": ("guard",), "fallback handler": ("fallback handler", "fallback"), "guardian": ("guardian",),
    "minter": ("minter", "mint"), "admin": ("admin", "administrator", "administration"), "timelock": ("timelock",),
    "code": (),
}  # fmt: skip


@lru_cache(maxsize=4_096)
def camel_words(name: str) -> tuple[str, ...]:
    """The words of a function's name: setSubnodeOwner -> set, subnode, owner."""
    return tuple(word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name))


_ENDS = frozenset({Act.REVOKE, Act.CANCEL})
_TAKES = frozenset({"revoke", "remove", "disable", "renounce", "deny", "diss", "delete"})


def need_of(effect: Effect, book: Book) -> Need:
    """What words must say to tell this effect."""
    kind = str(effect.kind)
    name = effect.function.split("(")[0].lstrip("_")
    camel = camel_words(name)
    verb = camel[0] if camel else ""
    acts = _BY_VERB.get(verb, frozenset())
    opposite: frozenset[Act] = frozenset()
    flags = [argument.value for argument in effect.arguments if argument.type == "bool"]
    nouns = tuple(word for word in camel[1:] if word not in _EMPTY_NOUNS)
    plain = _plain_subject(effect.subject) if kind != "call" else ()
    subjects = _SUBJECTS.get(effect.subject, (*plain, *nouns))
    subjects += tuple(one.replace(" ", "") for one in subjects if " " in one and one.isascii())  # `votingPeriod`
    is_role = False
    if kind == "role_change":
        is_off = verb in _TAKES or (len(flags) == 1 and flags[0] is False)
        is_off = is_off or (effect.recipient == ZERO and verb != "grant")
        acts, opposite = (_REVOKES, frozenset({Act.GRANT})) if is_off else (_GRANTS | acts, _REVOKES)
        role = _role_words(effect)
        is_role = bool(role)
        subjects = role or subjects
    elif kind == "upgrade":
        acts, subjects = frozenset({Act.UPGRADE}), ()
    elif kind == "delegate":
        acts, subjects = frozenset({Act.DELEGATE}), ()
    elif kind == "parameter_change":
        acts = acts | {Act.SET}
    elif kind == "pause":
        is_off = verb in ("unpause", "end") or (bool(flags) and not any(flags))
        acts, opposite = ((frozenset({Act.UNPAUSE}), frozenset({Act.PAUSE})) if is_off else (
            frozenset({Act.PAUSE}), frozenset({Act.UNPAUSE})))  # fmt: skip
    elif kind == "policy_ended":  # not `set`, which is also what extends
        acts, opposite, subjects = _ENDS, frozenset({Act.GRANT, Act.UNPAUSE}), ("policy", "policies", "mandate")
    elif kind == "name":
        acts = acts | {Act.SET, Act.GRANT}
    elif len(flags) == 1 and verb in _SETS_FLAGS:
        acts, opposite = (acts | {Act.GRANT}, _REVOKES) if flags[0] else (_REVOKES, frozenset({Act.GRANT}))
    return Need(
        acts,
        opposite,
        subjects,
        effect.recipient,
        _kind_words(effect.target, book, is_votes=kind == "delegate"),
        is_role,
    )


def _plain_subject(subject: str) -> tuple[str, ...]:
    """What a text may call a subject that no table has: each of its longer words."""
    found: dict[str, None] = {}
    for word in re.findall(r"[a-z]{4,}", subject.casefold()):
        found |= dict.fromkeys(_SUBJECTS.get(word, (word,)))
    return tuple(found)


_EMPTY_NOUNS = {"for", "and", "to", "of", "with", "from", "call", "the", "new", "pending", "by", "on", "in", "a"}


def _role_words(effect: Effect) -> tuple[str, ...]:
    """What a text may call the role that grantRole and revokeRole change; () for other functions."""
    if not re.match(r"(?:grant|revoke|renounce)Role\(", effect.function):
        return ()
    constant = re.search(r"[A-Z]+(?:_[A-Z]+)*_ROLE", effect.subject)
    if constant is None:
        return (effect.subject.split()[-1].casefold(),)
    plain = constant[0].casefold()
    short = plain.removesuffix("_role").replace("_", " ")
    if plain == "default_admin_role":
        return (plain, "default admin", "default admin role", "admin role")
    return (plain, f"{short} role", f"{short}-role", f"role of {short}", f"role {short}", f"{short}s")


def _kind_words(target: bytes, book: Book, *, is_votes: bool) -> tuple[str, ...]:
    """What a text may call a target that the book knows the kind of. Votes are called by the token's symbol alone."""
    kind = book.contracts[target].kind if target in book.contracts else ""
    if target in book.tokens:
        symbol = book.tokens[target].symbol.casefold()
        return (f"{symbol} token", f"{symbol} contract", f"{symbol}'s", *((symbol,) if is_votes else ()))
    plain = kind.replace("_", " ")
    alone = sum(one.kind == kind for one in book.contracts.values()) == 1
    return (plain, *_KIND_NAMES.get(kind, ())) if kind and alone else ()


_KIND_NAMES = {
    "ens_root": ("root contract", "ens root", "root"), "ens_registry": ("registry",), "ens_registrar": ("registrar",),
    "ens_reverse_registrar": ("reverse registrar",), "ens_name_wrapper": ("name wrapper",),
    "ens_dns_registrar": ("dns registrar", "dnssec registrar"), "governor": ("governor", "gobernador", "gouverneur"),
    "timelock": ("timelock",), "zodiac_roles_v2": ("roles modifier", "roles module", "zodiac roles"),
    "safe": ("safe", "multisig"), "token": ("token",),
}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ comparing


def tell(effect: Effect, found: Sequence[Scope], book: Book) -> Telling | None:
    """Return how the text tells an effect that is no plain amount; None where no words are near it."""
    need = need_of(effect, book)
    values = list(flat(effect))
    if len(values) > MAX_VALUES:
        values = values[:MAX_VALUES]
    best: Telling | None = None
    for scope in found:
        telling = _in_scope(effect, need, values, scope, book)
        if telling is not None and (
            best is None
            or telling.level > best.level
            or (telling.level == best.level and len(telling.codes) < len(best.codes))
        ):
            best = telling
        if best is not None and best.level is Level.WHOLE:
            break
    if best is not None and best.level is Level.WHOLE and _is_denied(effect, need, found):
        return Telling(Level.PART, ("also_denied",), best.start, best.end)
    if is_permission(effect):
        beyond = beyond_lists(effect, found, book)
        return beyond or best or tell_permission(effect, found, book)
    if best is None or best.level <= Level.OFF:
        return hinted_role(effect, found, book, need.target_words) or (best or _hinted_setting(effect, found, book))
    return best


# What a parameter asks of whom, where its own name isn't said.
_ASKS = {
    "proposal threshold": re.compile(r"\bproposers? (?:will |shall |must )?(?:need|have|hold)s? (?:at least )?$"),
    "timelock delay": re.compile(r"\btimelock (?:will |shall |must )?waits? (?:for )?(?:at least )?$"),
}
_RATHER = re.compile(r"\b(?:instead of|rather than|up from|down from) (?:the )?(?:current )?$")
_NOT_SET = re.compile(r"\b(?:not|no|never|nobody|without|only|else|such)\b|n't\b")


def _hinted_setting(effect: Effect, found: Sequence[Scope], book: Book) -> Telling | None:
    """The sentence that says what a new value asks, "the timelock will wait 2 days rather than 1 day": told in part."""
    asks = _ASKS.get(effect.subject)
    if asks is None or not effect.new_value.isdecimal() or effect.target not in book.contracts:
        return None
    clock = "time" if effect.subject == "timelock delay" else book.contracts[effect.target].clock
    for scope in found:
        read, folded = scope.reads[0], scope.reads[0].voice.folded
        if scope.is_section or read.passage.is_quoted or read.passage.shape not in (Shape.SENTENCE, Shape.ITEM):
            continue
        if _NOT_NEW.search(folded.replace("current ", "")) or _NOT_SET.search(folded) or read.voice.has_condition:
            continue
        new = [one for one in read.quantities if asks.search(folded[: one.start])]
        old = [one for one in read.quantities if _RATHER.search(folded[: one.start])]
        if len(new) != 1 or len(new) + len(old) != len(read.quantities):
            continue
        if _number_fits(effect.subject, int(effect.new_value), new[0], clock) == "yes":
            return Telling(Level.PART, ("subject",), scope.start, scope.end)
    return None


def _is_denied(effect: Effect, need: Need, found: Sequence[Scope]) -> bool:
    """Whether a passage denies such an effect: "Do not set the default resolver". What it is about stands in it."""
    subjects = set(need.subjects)
    enough = min(1 if effect.subject in _SUBJECTS else 2, len(subjects))  # of synonyms one, of a name's words two
    for scope in found:
        if scope.is_section or not scope.reads[0].voice.denials:
            continue
        if sum(_holds(scope.folded, word) for word in subjects) < enough:
            continue
        act, mood, _doubt, _against = _verb(need, scope)
        if act is not None and mood is Mood.DENIED:
            return True
    return False


def whole_scopes(effect: Effect, found: Sequence[Scope], book: Book) -> list[Scope]:
    """Each stretch of text that alone tells all of an effect."""
    need = need_of(effect, book)
    values = list(flat(effect))[:MAX_VALUES]
    told = ((scope, _in_scope(effect, need, values, scope, book)) for scope in found)
    return [scope for scope, telling in told if telling is not None and telling.level is Level.WHOLE]


def _in_scope(
    effect: Effect, need: Need, values: Sequence[tuple[str, str, object]], scope: Scope, book: Book
) -> Telling | None:
    is_parameter = str(effect.kind) == "parameter_change"
    has_subject = not need.subjects or _holds_any(scope, need.subjects)
    name = effect.function.split("(")[0]
    plain_name = name.casefold()
    has_function = (
        bool(name)
        and plain_name in scope.folded
        and re.search(rf"(?<!\w){re.escape(plain_name)}(?!\w)", scope.folded) is not None
    )
    has_holder = need.holder is None or need.holder in scope.addresses
    is_near = (
        has_function
        or (has_subject and need.subjects)
        or (need.holder is not None and has_holder)
        or (need.holder is None and str(effect.kind) == "role_change" and _names_in_list(effect, scope))
    )
    if not is_near and (str(effect.kind) not in ("pause", "upgrade") or effect.target not in scope.addresses):
        return None
    act, mood, doubt, against = scope.once((need.acts, need.opposite, need.subjects), lambda: _verb(need, scope))
    if act is None and Act.SET in need.acts and (row := _row_of_new_values(scope)) is not None:
        act = ActWord(0, 0, frozenset({Act.SET}), Tense.NOW, "")
        mood, doubt = mood_of(row.voice, None, 0, row.passage)
    is_open = has_function and not need.is_role and (act is None or not has_subject)
    if is_open and (called := bids_call(effect, plain_name, scope)) is not None:
        act, mood, doubt = called
        has_subject, against = True, False
    missing: list[str] = []
    off: list[str] = []
    numbers_ok = _numbers(effect, scope, book, missing, off) if is_parameter else True
    lacking = _lacking(effect, values, scope, skip_numbers=is_parameter)
    if lacking or _names_another_hash(scope, values):
        missing.append("arguments")
    if not has_subject:
        missing.append("subject")
    has_target = effect.target in scope.addresses or _holds_any(scope, need.target_words)
    if not has_target:
        implied = is_parameter and need.target_words and need.subjects != ()
        if not implied:
            missing.append("target")
    if act is None:
        missing.append("verb")
    elif mood is not Mood.ORDER:
        if mood in (Mood.DENIED, Mood.PAST, Mood.CONDITION):
            if has_subject and not lacking and numbers_ok and (has_holder or need.holder is None):
                return Telling(Level.OFF, (str(mood),), scope.start, scope.end)
            return None
        if mood is Mood.QUOTED:
            return None
    if act is not None and doubt:
        missing.append(f"doubt_{doubt}")
    if against and act is None and has_subject and has_holder:
        off.append("direction")
    if need.is_role and has_holder and not has_subject and act is not None and _other_role(scope, need):
        off.append("role")
    if (
        need.holder is not None and not has_holder and act is not None and has_subject and need.subjects
        and not scope.is_section and effect.target in scope.addresses
        and scope.spelled - {effect.target} - set(book.contracts) - set(book.tokens)
    ):  # fmt: skip
        off.append("holder")
    if swaps_target(effect, need.holder, scope):
        off.append("direction")
    if swaps_arguments(effect, scope):
        off.append("arguments")
    if off:
        return Telling(Level.OFF, tuple(off), scope.start, scope.end)
    if effect.besides:
        missing.append("besides")
    if need.is_role and _other_role(scope, need) and not scope.is_section:
        missing.append("more_roles")
    if str(effect.kind) == "upgrade" and re.search(
        r"\b(?:run|runs|call|calls|initiali[sz]\w*|and then)\b", scope.folded
    ):
        missing.append("more")
    if (
        need.holder is not None
        and not scope.is_section
        and any(quantity.unit is Unit.TIME for read in scope.reads for quantity in read.quantities)
    ):
        missing.append("more")  # for a time, which no call limits
    if need.holder is not None and _is_from(need, scope):
        missing.append("direction")
    if not missing:
        level = Level.PART if effect.source == "proposal" else Level.WHOLE
        codes = ("proposals_word",) if level is Level.PART else ()
        return Telling(level, codes, scope.start, scope.end)
    if missing == ["verb"] and has_function:
        return Telling(Level.PART, ("code_only",), scope.start, scope.end)
    if _speaks(effect, need, scope, missing, has_function=has_function, has_subject=has_subject, has_holder=has_holder,
               act=act):  # fmt: skip
        return Telling(Level.PART, tuple(missing), scope.start, scope.end)
    return None


def _names_in_list(effect: Effect, scope: Scope) -> bool:
    """Whether a row or item of a list has an address that a permission is about."""
    shapes = (Shape.ROW, Shape.ITEM, Shape.RECORD)
    if scope.is_section or not scope.spelled or scope.reads[0].passage.shape not in shapes:
        return False
    return bool((set(effect.addresses) - {effect.target}) & scope.spelled)


def _speaks(effect: Effect, need: Need, scope: Scope, missing: Sequence[str], *, has_function: bool, has_subject: bool,
            has_holder: bool, act: ActWord | None) -> bool:  # fmt: skip
    """Whether words that lack something speak of this effect all the same, and not of any other one."""
    if effect.moves == "power" or effect.moves == "money":
        knows_who = need.holder is None or has_holder
        if need.holder is None and str(effect.kind) == "role_change" and _names_in_list(effect, scope):
            return True
        if has_function and effect.target in scope.addresses and "arguments" not in missing:
            return True
        if act is None and not has_function:
            return has_subject and knows_who and _says_without_verb(effect, need, scope, missing)
        if need.subjects and not has_subject:
            return False
        if "value" in missing:
            return False
        return knows_who and (bool(need.subjects) or need.holder is not None or effect.target in scope.addresses)
    return has_function or (act is not None and has_subject)


def _says_without_verb(effect: Effect, need: Need, scope: Scope, missing: Sequence[str]) -> bool:
    """Whether words without a verb set what they name, "Voting delay: 2 days", or list what is granted."""
    passage = scope.reads[0].passage
    around = " ".join((*passage.leads, *passage.headings[-1:], scope.folded)).casefold()
    if scope.is_section or passage.is_quoted or passage.shape is Shape.CODE or _NOT_NEW.search(around) is not None:
        return False
    if any(read.voice.denials or read.voice.has_condition for read in scope.reads):
        return False
    if str(effect.kind) == "parameter_change":
        return "value" not in missing
    verbs = _TAKES_IN_LEAD if need.acts <= _REVOKES else _GIVES_IN_LEAD
    return need.is_role and verbs.search(" ".join(passage.leads).casefold()) is not None


_NOT_NEW = re.compile(
    r"\b(?:current(?:ly)?|at present|presently|today|now|so far|until|previous(?:ly)?|past|former(?:ly)?|"
    r"old|was|were|had|"
    r"been|last|example|if|would|actuel\w*|actual\w*|aktuell\w*|bisher\w*|derzeit\w*)\b"
)
_GIVES_IN_LEAD = re.compile(r"\b(?:grant|give|assign|add)(?:s|ed|ing)?\b")
_TAKES_IN_LEAD = re.compile(r"\b(?:revoke|remove|take|end)(?:s|d|ed|ing)?\b")


def _is_from(need: Need, scope: Scope) -> bool:
    """Whether the words take power from whom the call gives it to, or the other way."""
    markers = {p.marker for read in scope.reads for p in read.parties if need.holder in p.addresses}
    return "from" in markers and not need.acts <= _REVOKES


def _row_of_new_values(scope: Scope) -> Read | None:
    """A table's row with a column of new values: it sets what it names, without a verb."""
    for read in scope.reads:
        if (
            read.passage.shape is Shape.ROW
            and any(one.key == "new" for one in read.passage.fields)
            and not scope.is_section
        ):
            return read
    return None


def _is_aside(read: Read, need: Need, scope: Scope) -> bool:
    """Whether a sentence of a section says nothing of what changes, so that its verb is another's."""
    if not scope.is_section or not need.subjects or read.passage.shape is Shape.HEADING:
        return False
    small = read.passage.text.casefold()
    return not any(_holds(small, word) for word in need.subjects)


_NAMED_FIRST = re.compile(r"\W*(?:the |new )?")
_CUTS = re.compile(r"[:;]|\bfor a\b|\band (?:thank|then)\b")


def _reaches(act: ActWord, read: Read, need: Need, scope: Scope) -> bool:
    """Whether a verb governs what changes: nothing between the two begins another thing."""
    small = read.voice.folded
    if act.word == "delegates" and not is_explicit(read.voice, act):
        return False  # people
    if read.passage.shape is Shape.HEADING:
        return True
    if need.subjects:
        places = [small.find(word) for word in need.subjects if _holds(small, word)]
        if not places:
            return True  # the subject is elsewhere in the scope, or is missing
        place = min(places, key=lambda at: abs(at - act.start))
        between = small[min(place, act.end) : max(place, act.start)]
        if place < act.start and _NAMED_FIRST.fullmatch(small[:place]) and re.search(r"^[\w ]+: $", between):
            return True  # "Voting period: set to 7 days"
        return _CUTS.search(between) is None
    if scope.is_section and not read.parties:
        return False
    first = next((party.start for party in read.parties if party.start >= act.end), act.end)
    return _CUTS.search(small[act.end : first]) is None


def _verb(need: Need, scope: Scope) -> tuple[ActWord | None, Mood, str, bool]:
    """The verb in a scope that fits, how it is meant, and whether the opposite verb is there."""
    best: tuple[ActWord | None, Mood, str] = (None, Mood.ORDER, "")
    against = False
    for read in scope.reads:
        if read.passage.shape is Shape.CODE or _is_aside(read, need, scope):
            continue
        pays = any(quantity.unit in (Unit.TOKEN, Unit.MONEY) for quantity in read.quantities)
        for act in read.voice.acts:
            if pays and act.acts & {Act.TRANSFER}:
                continue  # it moves money; the owner beside it is an owner already
            if act.acts & need.opposite and not act.acts & need.acts and act.tense is Tense.NOW:
                against = True
            if not act.acts & need.acts or not _reaches(act, read, need, scope):
                continue
            mood, doubt = mood_of(read.voice, act, act.start, read.passage)
            if mood is Mood.ORDER and not doubt and not against:
                return act, mood, doubt, against
            if best[0] is None or mood is Mood.ORDER:
                best = (act, mood, doubt)
    if against and best[0] is not None:
        return best[0], Mood.DOUBT, "both", False
    return (*best, against)


def _holds(folded: str, word: str) -> bool:
    if not word or word not in folded:
        return False
    return not word[0].isascii() or _whole_word(word).search(folded) is not None


def _holds_any(scope: Scope, words: tuple[str, ...]) -> bool:
    return scope.once(words, lambda: any(_holds(scope.folded, word) for word in words))


@lru_cache(maxsize=4_096)
def _whole_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w]){re.escape(word)}(?:s|'s|’s)?(?![\w])")


_PLAIN_ROLE = re.compile(
    r"\b(?:proposer|executor|canceller|minter|pauser|burner|upgrader|guardian|operator|manager|admin) role\b"
)


def _other_role(scope: Scope, need: Need) -> bool:
    """Whether a scope names a role beside the one that changes."""
    roles = {match.casefold() for match in re.findall(r"[A-Z]+(?:_[A-Z]+)*_ROLE", scope.text)}
    return bool((roles | set(_PLAIN_ROLE.findall(scope.folded))) - set(need.subjects))


# ------------------------------------------------------------------------------------------------------------ arguments


def _lacking(
    effect: Effect, values: Sequence[tuple[str, str, object]], scope: Scope, *, skip_numbers: bool
) -> list[str]:
    """The names of the arguments that a scope does not have. What the verb says (bool, role) is left to it."""
    if not effect.arguments:
        needed = [a for a in effect.addresses if a not in (effect.target, effect.asset)]
        return ["address" for address in needed if address not in scope.addresses]
    lacking = []
    for place, (name, kind, value) in enumerate(values):
        if not _has(effect, kind, value, scope, place, skip_numbers=skip_numbers):
            lacking.append(name or kind)
    return lacking


def _has(effect: Effect, kind: str, value: object, scope: Scope, place: int, *, skip_numbers: bool) -> bool:
    if kind == "address":
        return value in scope.addresses or value == effect.target
    if kind == "bool":
        return _has_flag(effect, bool(value), scope)
    if kind.startswith(("uint", "int")):
        if skip_numbers and place == 0:
            return True
        if str(effect.kind) == "policy_ended":
            return _has_moment(int(value), scope)  # type: ignore[call-overload]
        return _has_number(int(value), scope)  # type: ignore[call-overload]
    if kind == "string":
        return str(value).casefold() in scope.folded
    if isinstance(value, bytes):
        if not value.strip(b"\0"):
            return True
        if place == 0 and _role_words(effect):
            return True  # the role, which the subject compares
        text = hex_text(value)
        if text in scope.folded:
            return True
        return kind == "bytes32" and value in _hashes(scope.text)
    return False


def _has_moment(end_s: int, scope: Scope) -> bool:
    """Whether a scope names one moment alone, and it is that at which a policy ends: the hour that the module keeps, or
    what the call says. A date without an hour is none. Beside a time of no named zone, or of another one than UTC
    ("UTC+5", "CET"), none is read: which of them is meant, or what it is in UTC, is for a reader to say."""
    named = list(_MOMENT.finditer(scope.text))
    kept = {end_s, end_s // 3600 * 3600}
    meant = {write_time(second) for second in kept if second < _YEAR_10000_S}
    plain = {f"{match['day']}T{match['hour']}{match['second'] or ':00'}Z" for match in named}
    return bool(named) and all(match["utc"] for match in named) and plain <= meant


_YEAR_10000_S = 253_402_300_800
# What stands behind UTC may shift it: a sign, a digit, "plus 5", in brackets or not.
_SHIFTS = r"[ \t\u00a0(\[,]*(?:[-+\u2010-\u2015\u2212\u00b1\uff0b\uff0d\u2795\u2796\d]|(?:plus|minus|offset|shifted)\b)"
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<hour>\d\d:\d\d)(?P<second>:\d\d)?"
    rf"(?P<utc> ?(?:Z|UTC)\b(?!{_SHIFTS}))?",
    re.IGNORECASE,
)


def _has_flag(effect: Effect, value: bool, scope: Scope) -> bool:
    """Whether the words can be held against a switch: by the verb, where `need_of` reads the flag, or literally."""
    flags = {argument.value for argument in effect.arguments if argument.type == "bool"}
    is_one = sum(argument.type == "bool" for argument in effect.arguments) == 1
    kind, camel = str(effect.kind), camel_words(effect.function.split("(")[0].lstrip("_"))
    if kind == "pause" and len(flags) == 1:
        return True
    if kind == "role_change" and is_one:
        return True
    if kind not in ("parameter_change", "pause", "name") and is_one and camel[:1] and camel[0] in _SETS_FLAGS:
        return True
    words = set(re.findall(r"\b(?:true|false)\b", scope.folded))
    return words == {str(value).casefold()} and len(flags) == 1


_SETS_FLAGS = frozenset({"set", "change", "update"})


_NUMBERED = re.compile(
    r"(?i)\b(?:action|step|call|transaction|proposal|payment|transfer|item|signer|owner|part)\s?#?\d+\b"
)


def _has_number(value: int, scope: Scope) -> bool:
    if value in scope.numbers:
        return True
    text = scope.once("numbered", lambda: _NUMBERED.sub(" ", scope.text))
    if str(value) in text and re.search(rf"(?<![\w.,]){value}(?![\w]|[.,]\d|\s?%)", text) is not None:
        return True
    return value == 0 and re.search(r"\b(?:zero|none|no)\b", scope.folded) is not None


@lru_cache(maxsize=64)
def _hashes(text: str) -> frozenset[bytes]:
    """The label and name hashes of a text's words: what a name's hash in a call stands for."""
    found: set[bytes] = set()
    for match in re.finditer(r"[\w-]+(?:\.[\w-]+)*", text):
        word = match[0].casefold()
        if len(found) > 4_000 or len(word) > 80:
            break
        found.add(_label_hash(word))
        found.add(namehash(word))
        if "." not in word and "reverse" in text:
            found.add(namehash(f"{word}.reverse"))
    return frozenset(found)


HASH_OF = re.compile(r"\b(?P<kind>name|label)_?hash\(\s*[\"'“]?(?P<name>[^\"'”()\s]{1,80})[\"'”]?\s*\)", re.IGNORECASE)


def _names_another_hash(scope: Scope, values: Sequence[tuple[str, str, object]]) -> bool:
    """Whether a scope says of a name's hash, `labelhash("abc")`, what none of the call's arguments is."""
    words = {value for _, kind, value in values if kind == "bytes32"}
    for match in HASH_OF.finditer(scope.text) if words else ():
        name = match["name"].casefold()
        if (keccak(name.encode()) if match["kind"].casefold() == "label" else namehash(name)) not in words:
            return True
    return False


@lru_cache(maxsize=16_384)
def _label_hash(word: str) -> bytes:
    return keccak(word.encode())


@lru_cache(maxsize=16_384)
def namehash(name: str) -> bytes:
    """The hash by which ENS knows a name."""
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + _label_hash(label))
    return node


# ----------------------------------------------------------------------------------------------------------- parameters


def _numbers(effect: Effect, scope: Scope, book: Book, missing: list[str], off: list[str]) -> bool:
    """Compare the new value with the numbers beside the subject. Returns whether one fits."""
    try:
        value = int(effect.new_value)
    except ValueError:
        return True
    clock = book.contracts[effect.target].clock if effect.target in book.contracts else None
    if effect.subject == "timelock delay":
        clock = "time"
    candidates = _new_values(scope, need_words=_SUBJECTS.get(effect.subject, ()))
    if not candidates:
        missing.append("value")
        return False
    outcomes = [_number_fits(effect.subject, value, quantity, clock) for quantity in candidates]
    if "yes" in outcomes:
        if any(len(q.readings) > 1 for q in candidates):
            missing.append("amount_ambiguous")
        return True
    if "perhaps" in outcomes:
        missing.append("unit")
        return True
    if "no" in outcomes and not scope.is_section:
        off.append("value")
    else:
        missing.append("value")
    return False


# Spanish, Portuguese, French: "de" behind "becomes" is no "from".
_BECOMES = re.compile(r"(?<![\w])(?:pas(?:a|ará|e)|pass(?:a|ará|e|era)) (?:a|à) (?:ser|être) de\s+$")


def _new_values(scope: Scope, need_words: Sequence[str]) -> list[Quantity]:
    """The numbers that a scope gives as new values: not those behind "from", "currently" or in a column of old ones."""
    found: list[Quantity] = []
    for read in scope.reads:
        folded = read.voice.folded
        old = [(f.start - read.passage.start, f.start - read.passage.start + len(f.text)) for f in read.passage.fields
               if f.key == "old"]  # fmt: skip
        for quantity in read.quantities:
            before = folded[max(0, quantity.start - 24) : quantity.start]
            if (
                not _BECOMES.search(before)
                and re.search(
                    r"\b(?:from|currently|instead of|down from|up from|of|by|de|von|desde)\s+(?:the )?(?:current )?$",
                    before,
                )
                and not (re.search(r"\bof\s+$", before))
            ):
                continue
            if any(start <= quantity.start < end for start, end in old):
                continue
            if quantity.unit in (Unit.TOKEN, Unit.MONEY) and not any("threshold" in word for word in need_words):
                continue
            if read.passage.shape is not Shape.ROW and _is_of_another(folded, quantity.start, need_words):
                continue
            found.append(quantity)
    return found


@cache
def _parameters() -> re.Pattern[str]:
    names = {name for subject, names in _SUBJECTS.items() if "vot" in subject or "quorum" in subject for name in names}
    names |= set(_SUBJECTS["proposal threshold"]) | set(_SUBJECTS["timelock delay"])
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name))))


def _is_of_another(folded: str, place: int, need_words: Sequence[str]) -> bool:
    """Whether a number stands behind the name of another parameter: "the period becomes 5 days and the delay 2"."""
    before = [match[0] for match in _parameters().finditer(folded[:place])]
    return bool(before) and before[-1] not in need_words and any(word in folded for word in need_words)


_TIMED = ("voting period", "voting delay", "late-quorum extension", "timelock delay")


_COUNTED = ("number of signatures needed", "proposal threshold")


def _number_fits(subject: str, value: int, quantity: Quantity, clock: str | None) -> str:
    """ "yes", "perhaps" (the unit is not sure) or "no"."""
    numbers = quantity.readings
    if quantity.unit is Unit.TIME:
        if subject in _TIMED:
            if clock == "time":
                return "yes" if value in numbers else "no"
            if clock == "block":
                return "perhaps" if any(number == value * 12 for number in numbers) else "no"
            return "perhaps" if any(number in (value, value * 12) for number in numbers) else "no"
        return "no"
    if quantity.unit is Unit.BLOCKS:
        if clock == "time":
            return "no"
        return ("yes" if clock == "block" else "perhaps") if value in numbers else "no"
    if quantity.unit is Unit.PERCENT:
        if subject in _TIMED:
            return "no"
        if value in numbers:
            return "no" if subject in _COUNTED else "yes"  # two of the owners' signatures are no two percent
        scaled = any(number * scale == value for number in numbers for scale in (100, 10**4, 10**16, 10**25))
        return "perhaps" if scaled else "no"
    if quantity.unit is Unit.BPS:
        return "perhaps" if value in numbers else "no"
    if subject == "proposal threshold":  # votes; a number of base units is long
        is_votes = any(number * Decimal(10**18) == value for number in numbers)
        return "yes" if is_votes or (value in numbers and value >= 10**15) else "no"
    if value in numbers:
        return "yes" if quantity.unit is Unit.BARE else "perhaps"
    return "no"


# -------------------------------------------------------------------------------------------------------------- as code


def as_code(effect: Effect, small_text: str) -> tuple[int, int] | None:
    """Where a text in small letters has an effect's call as code: its call data word for word, with its target."""
    data = calldata_of(effect)
    if data is None or len(data) < 5:
        return None
    wanted = hex_text(data)[2:]
    place = small_text.find(wanted)
    if place < 0:
        return None
    after = small_text[place + len(wanted) : place + len(wanted) + 1]
    if after and after in "0123456789abcdef":
        return None
    target = hex_text(effect.target)
    near = small_text[max(0, place - 3_000) : place + len(wanted) + 3_000]
    return (place, place + len(wanted)) if target in near else None


def calldata_of(effect: Effect) -> bytes | None:
    """The data of an effect's call, made again out of its arguments; None where that can't be."""
    if not effect.function or "(" not in effect.function or effect.along:
        return None
    try:
        values = [argument.value for argument in effect.arguments]
        if not values and not effect.function.endswith("()"):
            return None
        return effect.selector + abi.encode([argument.type for argument in effect.arguments], values)
    except abi.BadAbi:  # values that were cut or nested: this call's code can't be made again
        return None
