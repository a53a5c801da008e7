# SPDX-License-Identifier: Apache-2.0
"""Orders against effects that move money: which order tells which effect, whole or in part, and what differs.

One mention pays for one effect: within a list, a table or the prose of a section orders and effects are matched one to
one. The same order in another part of the text is the same order again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context as Precision
from decimal import Decimal, localcontext
from enum import IntEnum

from agent.understanding.effects import ETHER, UNLIMITED, Book, Effect
from agent.understanding.mentions.languages import Act
from agent.understanding.mentions.quantities import Unit
from agent.understanding.moods import Mood, is_explicit, is_imperative, voice_of
from agent.understanding.orders import Order, Read
from agent.understanding.passages import Shape
from policies.notation.amounts import base_units

MAX_PAIRS = 200_000  # of orders and effects that are compared; past it nothing more counts as told
_DOLLARS = {"USDC", "USDT", "DAI", "USDS", "GHO", "LUSD", "PYUSD", "RLUSD", "FRAX", "BUSD", "TUSD", "xDAI"}
_FITS: Mapping[str, frozenset[Act]] = {
    "transfer": frozenset({Act.TRANSFER}),
    "approve": frozenset({Act.APPROVE}),
    "mint": frozenset({Act.MINT}),
    "burn": frozenset({Act.BURN}),
    "stream": frozenset({Act.STREAM}),
    "bridge": frozenset({Act.TRANSFER}),
    "refund": frozenset(),
}
_CALLS: Mapping[str, frozenset[Act]] = {  # functions that turn an asset into another one
    "upgrade": frozenset({Act.WRAP, Act.SWAP, Act.UPGRADE}),
    "downgrade": frozenset({Act.CLAIM, Act.SWAP}),
    "deposit": frozenset({Act.WRAP}),
    "wrap": frozenset({Act.WRAP, Act.SWAP}),
    "withdraw": frozenset({Act.CLAIM}),
    "redeem": frozenset({Act.CLAIM}),
    "unwrap": frozenset({Act.CLAIM, Act.SWAP}),
}


def acts_for(effect: Effect) -> frozenset[Act]:
    """The acts of verbs that tell a movement of money."""
    if str(effect.kind) == "call":
        return _CALLS.get(effect.function.split("(")[0], frozenset())
    return _FITS.get(str(effect.kind), frozenset())


_FIRM_ACTS = frozenset({Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN, Act.STREAM, Act.WRAP, Act.CLAIM})
_SOFT = frozenset({Act.SWAP, Act.WRAP, Act.CLAIM, Act.STREAM})


class Level(IntEnum):
    """How far words tell an effect."""

    NOTHING = 0
    OFF = 1  # they speak of such an effect, and something differs
    PART = 2
    WHOLE = 3


@dataclass(frozen=True)
class Fit:
    """One order beside one effect. `missing` and `off` are codes of what is not said, and of what differs."""

    level: Level
    missing: tuple[str, ...] = ()
    off: tuple[str, ...] = ()


@dataclass(frozen=True)
class Telling:
    """What the text says of one effect, and where."""

    level: Level
    codes: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    order: Order | None = None


@dataclass
class Context:
    """What orders are compared with."""

    book: Book
    symbols: Mapping[str, tuple[bytes, ...]]  # the book's spelling -> assets
    own: frozenset[bytes]
    group_recipients: Mapping[int, frozenset[bytes]] = field(default_factory=dict)
    section_recipients: Mapping[int, frozenset[bytes]] = field(default_factory=dict)
    tokens: frozenset[bytes] = frozenset()
    named: Mapping[tuple[int, int], frozenset[bytes]] = field(default_factory=dict)  # by passage, whom it names


def is_money(effect: Effect) -> bool:
    """Whether an effect is an amount of an asset that moves, or may be moved."""
    is_kind = str(effect.kind) in _FITS or bool(acts_for(effect))
    return is_kind and effect.asset is not None and effect.amount is not None


# ------------------------------------------------------------------------------------------------------------ one pair


_TAKES_ALLOWANCE = re.compile(
    r"\b(?:revok|remov|withdraw|reduc|decreas|lower|reclaim|strip)\w*[^.;:]{0,80}\b(?:allowances?|approvals?)\b"
)


def fit(order: Order, effect: Effect, context: Context) -> Fit:
    """Compare one order with one effect, whatever its mood."""
    missing: list[str] = []
    off: list[str] = []
    if not order.acts:
        missing.append("verb")
    elif not order.acts & acts_for(effect):
        is_near = order.acts <= _SOFT and str(effect.kind) == "transfer"
        (missing if is_near else off).append("verb")
    elif str(effect.kind) == "stream" and Act.STREAM not in order.acts:
        off.append("verb")
    is_given = str(effect.kind) == "approve" and effect.amount and not effect.function.startswith("decrease")
    if is_given and _TAKES_ALLOWANCE.search(order.passage.text[: order.end - order.passage.start].casefold()):
        off.append("direction")
    _amount(order, effect, context, missing, off)
    _recipient(order, effect, context, missing, off)
    _payer(order, effect, context, missing, off)
    if order.has_conflict:
        missing.append("names_conflict")
    if effect.source in ("table", "proposal") and str(effect.kind) != "call":
        # Who else takes part, or what else is set, no order of money names: a broker, a period that starts it anew.
        compared = {effect.target, effect.asset, effect.recipient, effect.sender}
        if (effect.new_value and effect.new_value != str(effect.amount)) or set(effect.addresses) - compared:
            missing.append("arguments")
    if effect.besides or any(name.startswith("execTransactionFromModule") for name in effect.path):
        missing.append("besides")  # it may fail unnoticed, or comes later: no sentence is compared with that
    if effect.function and effect.target != effect.asset and not context.book.knows(effect.target):
        missing.append("stranger")  # what a stranger's contract does with this function, nobody knows
    if effect.function.startswith("increase"):
        missing.append("adds")
    if off:
        return Fit(Level.OFF, tuple(missing), tuple(off))
    return Fit(Level.PART if missing else Level.WHOLE, tuple(missing))


def _amount(order: Order, effect: Effect, context: Context, missing: list[str], off: list[str]) -> None:
    quantity = order.quantity
    assert effect.asset is not None
    assert effect.amount is not None
    if quantity is None:
        if order.is_unlimited and str(effect.kind) == "approve" and effect.amount >= UNLIMITED:
            if order.symbols != (context.book.symbol(effect.asset),):
                (off if order.symbols and context.book.symbol(effect.asset) not in order.symbols else missing).append(
                    "token"
                )
            return
        missing.append("amount")
        return
    if str(effect.kind) == "approve" and effect.amount >= UNLIMITED and not order.is_unlimited:
        off.append("amount")
        return
    decimals = _decimals(effect.asset, context.book)
    symbol = quantity.symbol
    if quantity.unit is Unit.TOKEN:
        assets = context.symbols.get(symbol, ())
        is_turned = str(effect.kind) == "call" and _says_symbol(order, context.book.symbol(effect.asset))
        if assets and effect.asset not in assets and not is_turned:
            off.append("token")
            return
        if len(assets) > 1:
            missing.append("token_ambiguous")
        if not assets:
            if decimals is not None:
                off.append("token")
                return
            missing.append("token_unknown")
    elif quantity.unit is Unit.MONEY:
        if context.book.symbol(effect.asset) not in _DOLLARS:
            missing.append("amount_in_money")
            return
        missing.append("token")
    else:
        missing.append("token")
    if str(effect.kind) == "stream":
        _rate(order, effect, decimals, missing, off)
        return
    if not _equals(quantity.readings, effect.amount, decimals, is_bare=quantity.unit is Unit.BARE):
        off.append("amount")
        return
    if len(quantity.readings) > 1:
        missing.append("amount_ambiguous")
    if quantity.per_s:
        missing.append("amount_is_rate")
    if quantity.is_about or (quantity.is_limit and str(effect.kind) != "approve"):
        missing.append("amount_is_about")
    if quantity.is_total and not (order.recipients or str(effect.kind) == "burn"):
        missing.append("amount_is_total")


def _says_symbol(order: Order, symbol: str) -> bool:
    """Whether an order's sentence also has this symbol: "wrap 100 USDC into USDCx"."""
    return bool(symbol) and re.search(rf"(?<!\w){re.escape(symbol)}(?!\w)", order.passage.text) is not None


def _decimals(asset: bytes, book: Book) -> int | None:
    if asset == ETHER:
        return 18
    token = book.tokens.get(asset)
    return None if token is None else token.decimals


def _equals(readings: Sequence[Decimal], amount: int, decimals: int | None, *, is_bare: bool) -> bool:
    for number in readings:
        if decimals is not None:
            if base_units(number, decimals) == amount or (is_bare and number == amount):
                return True
        elif number == amount or any(base_units(number, d) == amount for d in (6, 8, 9, 18, 27)):
            return True
    return False


def _rate(order: Order, effect: Effect, decimals: int | None, missing: list[str], off: list[str]) -> None:
    """A stream's amount is what it pays a second."""
    quantity = order.quantity
    assert quantity is not None
    assert effect.amount is not None
    if not quantity.per_s:
        missing.append("amount_is_no_rate")
        return
    with localcontext(Precision(prec=200)):
        said = quantity.readings[0] / quantity.per_s
        done = Decimal(effect.amount) / Decimal(10 ** (decimals or 0))
        if said == done:
            return
        if done and abs(said - done) / abs(done) < Decimal("0.01"):
            missing.append("amount_is_about")
            return
    off.append("amount")


def _recipient(order: Order, effect: Effect, context: Context, missing: list[str], off: list[str]) -> None:
    if effect.recipient is None or str(effect.kind) == "burn":
        return
    if order.recipients:
        if effect.recipient not in order.recipients:
            # "Allow the vault to send 100 USDC to Ana": who may take is named beside who is to get it
            is_beside = _is_approved(order, effect) and effect.recipient in context.named.get(_place(order), ())
            (missing if is_beside else off).append("recipient")
        elif len(order.recipients) > 1 and not order.is_each:
            missing.append("recipient_ambiguous")
        return
    if order.recipient_name:
        missing.append("recipient_name")
        return
    near = context.group_recipients.get(order.passage.group, frozenset())
    if near:
        if effect.recipient not in near:
            # An approval that names nobody is not one for who is paid in another item of its list.
            (missing if _is_approved(order, effect) else off).append("recipient")
        elif len(near) > 1:
            missing.append("recipient_ambiguous")
        return
    section = context.section_recipients.get(order.passage.section, frozenset())
    if section == {effect.recipient}:
        return
    missing.append("recipient")


def _is_approved(order: Order, effect: Effect) -> bool:
    return str(effect.kind) == "approve" and Act.APPROVE in order.acts and not order.is_implied


def _place(order: Order) -> tuple[int, int]:
    return order.passage.start, order.passage.end


def _payer(order: Order, effect: Effect, context: Context, missing: list[str], off: list[str]) -> None:
    executor = context.book.executor
    payer = effect.sender
    if payer is None and effect.through:
        payer = effect.through[-1]
    is_own = payer is None or payer == executor or payer in context.own
    if order.payers:
        said = set(order.payers)
        if payer in said or (payer is None and (executor in said or (executor is None and said & context.own))):
            return
        if is_own and len(said) > 1 and said & context.own and effect.sender is None and not effect.through:
            return
        off.append("payer")
        return
    if effect.sender is not None and effect.sender != executor:
        off.append("payer")
        return
    if order.payer_name and not _is_own_words(order.payer_name):
        missing.append("payer_name")


def _is_own_words(name: str) -> bool:
    return any(word in name for word in ("dao", "treasury", "timelock", "budget", "fund", "reserve"))


# ------------------------------------------------------------------------------------------------------- all of a text


@dataclass
class Told:
    """What all orders say of all effects of money."""

    of: dict[str, Telling]
    not_done: list[Order]
    less_often: list[Order]
    more: list[Order]  # that no call does, and that may be none of this proposal
    whole: dict[str, list[Order]] = field(default_factory=dict)  # effect id -> each order that tells all of it


def recipients_by_place(
    reads: Iterable[Read], tokens: frozenset[bytes]
) -> tuple[dict[int, frozenset[bytes]], dict[int, frozenset[bytes]]]:
    """Whom a group of passages, and a section, names as a recipient: behind "to", or as a value of that name."""
    groups: dict[int, set[bytes]] = {}
    sections: dict[int, set[bytes]] = {}
    for read in reads:
        passage = read.passage
        if passage.shape is Shape.CODE or passage.is_quoted or passage.shape is Shape.ROW:
            continue
        found: set[bytes] = set()
        for party in read.parties:
            if party.marker == "to" and len(party.addresses) == 1:
                found |= set(party.addresses)
        for one in passage.fields:
            if one.key in ("recipient", "spender"):
                found |= {a for p in read.parties if p.end > one.start - passage.start for a in p.addresses[:1]
                          if p.start <= one.start - passage.start + len(one.text)}  # fmt: skip
        found -= tokens
        if found:
            if passage.shape is not Shape.SENTENCE and passage.shape is not Shape.HEADING:
                groups.setdefault(passage.group, set()).update(found)
            sections.setdefault(passage.section, set()).update(found)
    return (
        {group: frozenset(found) for group, found in groups.items()},
        {section: frozenset(found) for section, found in sections.items()},
    )


def compare(orders: Sequence[Order], effects: Sequence[Effect], context: Context) -> Told:
    """Match orders and effects, each group of orders for itself. Never raises."""
    money = [effect for effect in effects if is_money(effect)]
    told = Told({}, [], [], [])
    if len(orders) * max(1, len(money)) > MAX_PAIRS:
        orders = orders[: MAX_PAIRS // max(1, len(money))]
    fits = {(id(order), effect.id): fit(order, effect, context) for order in orders for effect in money}
    for order in orders:
        if order.mood is Mood.ORDER and not order.doubt:
            for effect in money:
                if fits[(id(order), effect.id)].level is Level.WHOLE:
                    told.whole.setdefault(effect.id, []).append(order)
    groups: dict[int, list[Order]] = {}
    for order in orders:
        groups.setdefault(order.passage.group, []).append(order)
    fulfilled: set[int] = set()
    for found in groups.values():
        _match_group(_distinct(found), money, fits, told, fulfilled)
    _sums(orders, money, context, told, fulfilled, fits)
    for order in orders:
        if id(order) in fulfilled:
            continue
        if is_firm(order):
            told.not_done.append(order)
        elif _may_be_more(order):
            told.more.append(order)
    _differing(orders, money, fits, told, fulfilled)
    return told


def _distinct(orders: Sequence[Order]) -> list[Order]:
    """Prose that says the same twice says it once, but for "another" and for one sentence right behind the other.

    A list or table means each of its rows. Of two sentences that may say the same the more exact one is kept.
    """
    found: list[Order] = []
    seen: dict[tuple, list[int]] = {}
    for order in orders:
        is_prose = order.passage.shape in (Shape.SENTENCE, Shape.HEADING)
        places = seen.setdefault(_what(order), [])
        same = next((at for at in reversed(places) if is_prose and _may_be_same(found[at], order)), None)
        if same is not None and not order.is_again:
            first = found[same]
            is_next = order.key == first.key and 0 <= order.passage.start - first.passage.end <= 2
            if not is_next:
                if first.mood is not Mood.ORDER or (order.mood is Mood.ORDER and not first.recipients):
                    found[same] = order
                continue
        places.append(len(found))
        found.append(order)
    return found


def _what(order: Order) -> tuple:
    quantity = order.quantity
    number = (quantity.readings, quantity.unit, quantity.symbol, quantity.per_s) if quantity else None
    return (order.acts & _FIRM_ACTS, number)


def _may_be_same(one: Order, other: Order) -> bool:
    """Whether two sentences of prose with one amount may mean one payment: no words tell two receivers apart."""
    if one.recipients and other.recipients:
        return one.recipients == other.recipients
    return not (one.recipient_name and other.recipient_name) or one.recipient_name == other.recipient_name


def _may_tell(order: Order) -> bool:
    return order.mood in (Mood.ORDER, Mood.DOUBT)


def _match_group(
    orders: Sequence[Order],
    money: Sequence[Effect],
    fits: Mapping[tuple[int, str], Fit],
    told: Told,
    fulfilled: set[int],
) -> None:
    slots: list[Order] = []
    bound: list[bytes | None] = []  # whom a slot pays: "each" pays every receiver once
    for order in orders:
        if _may_tell(order):
            receivers = order.recipients if order.is_each and order.recipients else (None,)
            for receiver in (receivers * order.times)[:300]:
                slots.append(order)
                bound.append(receiver)
    matched: dict[int, str] = {}  # slot -> effect
    taken: dict[str, int] = {}

    def level(slot: int, effect: Effect) -> Level:
        found = fits.get((id(slots[slot]), effect.id))
        if found is None or bound[slot] not in (None, effect.recipient):
            return Level.NOTHING
        return min(found.level, Level.PART) if slots[slot].doubt else found.level

    by_level = {
        wanted: [[effect.id for effect in money if level(slot, effect) is wanted] for slot in range(len(slots))]
        for wanted in (Level.WHOLE, Level.PART)
    }

    def place(slot: int, edges: Sequence[Sequence[str]], seen: set[str], budget: list[int]) -> bool:
        for effect in edges[slot]:
            budget[0] -= 1
            if effect in seen or budget[0] < 0:
                continue
            seen.add(effect)
            other = taken.get(effect)
            if other is None or (other < len(slots) and effect in edges[other] and place(other, edges, seen, budget)):
                taken[effect], matched[slot] = slot, effect
                return True
        return False

    budget = [50_000]
    for wanted in (Level.WHOLE, Level.PART):
        for slot in range(len(slots)):
            if slot not in matched and by_level[wanted][slot]:
                place(slot, by_level[wanted], set(), budget)
    for slot, effect_id in matched.items():
        order = slots[slot]
        found = fits[(id(order), effect_id)]
        codes = found.missing
        reached = found.level
        if order.doubt:
            reached, codes = min(reached, Level.PART), (*codes, f"doubt_{order.doubt}")
        fulfilled.add(id(order))
        best = told.of.get(effect_id)
        if best is None or reached > best.level or (reached == best.level and len(codes) < len(best.codes)):
            told.of[effect_id] = Telling(reached, codes, order.passage.start, order.passage.end, order)
    counted: Counter[int] = Counter(id(slots[slot]) for slot in matched)
    wanted_times: Counter[int] = Counter(map(id, slots))
    for order in orders:
        fits_some = any(
            fits[(id(order), effect.id)].level >= Level.PART for effect in money if (id(order), effect.id) in fits
        )
        if fits_some and counted[id(order)] < wanted_times[id(order)]:
            if order.mood is Mood.ORDER and order.quantity is not None and not order.quantity.is_total and (
                order.acts and not order.quantity.is_about
            ):  # fmt: skip
                is_counted = order.times > 1 or order.is_again or order.is_each
                is_listed = order.passage.shape in (Shape.ROW, Shape.ITEM, Shape.RECORD)
                if (is_counted or is_listed) and not order.acts & _SOFT:
                    told.less_often.append(order)
            fulfilled.add(id(order))


def is_firm(order: Order) -> bool:
    """Whether an order says so plainly that this proposal pays that it must be done."""
    quantity = order.quantity
    if order.mood is not Mood.ORDER or quantity is None or not order.acts or order.acts & _SOFT:
        return False
    if quantity.unit is not Unit.TOKEN or quantity.per_s or quantity.is_about or quantity.is_total or quantity.is_limit:
        return False
    if all(number == 0 for number in quantity.readings):
        return False
    if order.recipients and order.payers and order.is_incoming:
        return False  # what comes in is another one's doing
    if order.is_implied:
        return (bool(order.recipients) or order.is_to_somebody) and order.passage.shape in (Shape.ROW, Shape.RECORD)
    return _is_plain_order(order)


def _may_be_more(order: Order) -> bool:
    """Whether an order that nothing fulfils leaves a doubt, though it is not plain that this proposal pays it."""
    quantity = order.quantity
    if order.mood is not Mood.ORDER or quantity is None or order.is_incoming:
        return False
    if order.acts & _SOFT and (Act.SWAP in order.acts or order.is_implied or not _is_plain_order(order)):
        return False
    if quantity.per_s or quantity.is_about or quantity.is_conversion:
        return False
    if not any(quantity.readings):  # of nothing; an order it is all the same, where a sentence gives it
        return quantity.unit is Unit.TOKEN and not order.is_implied and _is_plain_order(order)
    if quantity.unit is Unit.MONEY:
        return bool(order.acts) and not order.is_implied
    return quantity.unit is Unit.TOKEN and (bool(order.acts) or quantity.is_total or order.is_sum)


def _is_plain_order(order: Order) -> bool:
    voice = voice_of(order.passage)
    place = order.start - order.passage.start
    acts = [act for act in voice.acts if act.acts & order.acts and act.start < place]
    if not acts:
        return False
    act = acts[-1]
    if act.word in _WEAK_WORDS:
        return False
    before = voice.folded[: act.start]
    clause = before.split(";")[-1]
    return is_imperative(clause) or is_explicit(voice, act) or _is_listed_verb(clause)


def _is_listed_verb(clause: str) -> bool:
    """Whether a verb stands behind "1.", "Step 2:", "we also", "propose to"."""
    return (
        re.search(
            r"(?:\d+[.)]|step \d+:?|:|,? and(?: then)?|propose[sd]? to|requests? to|seeks? to|asks? to|, )\s*$", clause
        )
        is not None
    )


_WEAK_WORDS = {
    "go", "goes",
    "fund", "funds", "funding", "compensation", "distribution", "allocation", "allocate", "allocates", "allocating",
    "give", "gives", "giving", "move", "moves", "moving", "release", "releases", "donation", "reimbursement", "payment",
    "payments",
    "grant", "grants", "award", "awards", "payout", "refund", "refunds", "distribute", "distributes", "distributing",
    "issue", "issues", "let", "lets", "get", "gets", "allow", "allows", "allowing", "permit", "permits", "paying",
    "sending", "allowance", "approval", "refunding", "compensating", "reimbursing",
}  # fmt: skip


def _sums(
    orders: Sequence[Order], money: Sequence[Effect], context: Context, told: Told, fulfilled: set[int],
    fits: Mapping[tuple[int, str], Fit],
) -> None:  # fmt: skip
    """Totals that fit the sum of effects, and parts that add up to one effect."""
    totals: Counter[bytes] = Counter()
    for effect in money:
        if str(effect.kind) == "transfer":
            totals[effect.asset or ETHER] += effect.amount or 0
    paid = frozenset(effect.recipient for effect in money)
    for order in orders:
        quantity = order.quantity
        if id(order) in fulfilled or quantity is None or quantity.unit is not Unit.TOKEN:
            continue
        if _pays_another(order, paid):
            continue
        for asset in context.symbols.get(quantity.symbol, ()):
            decimals = _decimals(asset, context.book)
            if decimals is not None and totals[asset] and base_units(quantity.readings[0], decimals) == totals[asset]:
                fulfilled.add(id(order))
    groups: dict[tuple[int, str], list[Order]] = {}
    for order in orders:
        if order.quantity is not None and order.quantity.unit is Unit.TOKEN and id(order) not in fulfilled:
            groups.setdefault((order.passage.group, order.quantity.symbol), []).append(order)
    for (_, symbol), parts in groups.items():
        if len(parts) < 2:
            continue
        for asset in context.symbols.get(symbol, ()):
            decimals = _decimals(asset, context.book)
            if decimals is None:
                continue
            sums = base_units(sum((one.quantity.readings[0] for one in parts if one.quantity), Decimal(0)), decimals)
            for effect in money:
                if (
                    effect.asset == asset
                    and effect.amount == sums
                    and not any(one.recipients and effect.recipient not in one.recipients for one in parts)
                ):
                    fulfilled.update(map(id, parts))
    del fits, told


def _pays_another(order: Order, paid: frozenset[bytes | None]) -> bool:
    """Whether an order names somebody whom no call pays: it is no total of what the calls pay, whatever its amount."""
    if order.recipients:
        return not paid.issuperset(order.recipients)
    is_total = order.quantity is not None and order.quantity.is_total
    name = order.recipient_name
    return bool(name) and not is_total and _POINTS_BACK.search(name) is None and _IS_AIM.match(name) is None


_IS_AIM = re.compile(r"[a-z]+ (?:the|our|its|it|them|a|an|this|these)\b")  # "to finish the book" names nobody
# "the new Safe", "this address" may mean whom other words name; "the design team" is somebody else.
_POINTS_BACK = re.compile(
    r"\b(?:safe|multisig|wallet|address(?:es)?|account|contract|recipients?|them|it)\b", re.IGNORECASE
)


def _differing(
    orders: Sequence[Order],
    money: Sequence[Effect],
    fits: Mapping[tuple[int, str], Fit],
    told: Told,
    fulfilled: set[int],
) -> None:
    """For each effect that no order tells: the order that comes nearest, and what differs."""
    for effect in money:
        best = told.of.get(effect.id)
        for order in orders:
            found = fits.get((id(order), effect.id))
            if found is None:
                continue
            if order.mood in (Mood.DENIED, Mood.PAST, Mood.CONDITION) and found.level >= Level.PART:
                if order.quantity is None or "amount" in found.missing:
                    continue
                code = str(order.mood)
                if best is None or best.level <= Level.OFF:
                    best = Telling(Level.OFF, (code,), order.passage.start, order.passage.end, order)
                elif order.mood is not Mood.PAST and best.level is Level.WHOLE and order.recipients:
                    best = Telling(Level.PART, (f"also_{code}",), best.start, best.end, best.order)
                continue
            if best is not None and best.level >= Level.PART:
                continue
            if found.level is not Level.OFF or not _may_tell(order) or id(order) in fulfilled or order.quantity is None:
                continue
            if not _is_near(order, effect, found):
                continue
            if best is None or not best.codes or len(found.off) < len(best.codes):
                best = Telling(Level.OFF, found.off, order.passage.start, order.passage.end, order)
        if best is not None:
            told.of[effect.id] = best


def _is_near(order: Order, effect: Effect, found: Fit) -> bool:
    """Whether an order that differs can only mean this effect: it shares the amount and token, or the recipient."""
    off = set(found.off)
    same_amount = not off & {"amount", "token"} and "amount" not in found.missing and order.quantity is not None
    names_recipient = effect.recipient is not None and effect.recipient in order.recipients
    if same_amount and order.quantity is not None and order.quantity.unit is Unit.TOKEN:
        return True
    if "token" in off and len(off) == 1 and names_recipient:
        return True
    return names_recipient and "verb" not in off
