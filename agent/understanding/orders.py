# SPDX-License-Identifier: Apache-2.0
"""Passages -> orders: what a sentence, row or record says is paid, approved, minted or burned, to whom and by whom."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from agent.understanding.forms import is_odd_between
from agent.understanding.mentions import languages as words
from agent.understanding.mentions.languages import Act, Tense
from agent.understanding.mentions.parties import Names, Party, folded, parties
from agent.understanding.mentions.quantities import Quantity, Symbols, Unit, quantities
from agent.understanding.moods import ActWord, Mood, Voice, level, mood_of, voice_of
from agent.understanding.passages import MAX_CHARS, Field, Passage, Shape, unit_in_header

MONEY_ACTS = frozenset(
    {Act.TRANSFER, Act.RECEIVE, Act.APPROVE, Act.MINT, Act.BURN, Act.STREAM, Act.WRAP, Act.SWAP, Act.CLAIM}
)
MAX_ORDERS = 1_000


@dataclass(frozen=True)
class Order:
    """One movement of money that a passage speaks of.

    `recipients` are addresses of which each is meant where `is_each`, else they contradict or are alternatives.
    `recipient_name` is a name that nobody resolves. No `quantity`: the amount is not said (or is "without limit").
    """

    passage: Passage
    acts: frozenset[Act]
    mood: Mood
    doubt: str  # a code, "" for none
    quantity: Quantity | None
    recipients: tuple[bytes, ...] = ()
    recipient_name: str = ""
    is_each: bool = False
    payers: tuple[bytes, ...] = ()
    payer_name: str = ""
    times: int = 1
    is_implied: bool = False  # no verb of its own: the heading, introduction or table says what it is
    is_again: bool = False  # "another", "again"
    is_unlimited: bool = False
    symbols: tuple[str, ...] = ()  # of an order without an amount: the tokens that it names
    has_conflict: bool = False
    is_sum: bool = False  # a record's value that is called a total
    is_to_somebody: bool = False  # a row or record with a recipient's field, named in whatever way
    is_incoming: bool = False  # from somebody else to the DAO itself
    start: int = 0  # of the quantity in the document
    end: int = 0

    @property
    def key(self) -> tuple:
        """What makes two orders say the same."""
        quantity = self.quantity
        number = (quantity.readings, quantity.unit, quantity.symbol, quantity.per_s) if quantity else None
        return (self.acts, number, self.recipients, self.recipient_name, self.payers, self.is_unlimited)


@dataclass(frozen=True)
class Read:
    """One passage with all that was read in it."""

    passage: Passage
    voice: Voice
    quantities: tuple[Quantity, ...]
    parties: tuple[Party, ...]


def read_passage(passage: Passage, names: Names, symbols: Symbols) -> Read:
    """Read one passage's words once, for all that compare them."""
    text = passage.text
    if len(text) > MAX_CHARS or passage.shape is Shape.CODE:
        passage_voice = voice_of(replace(passage, text=text[:200]))
        return Read(passage, passage_voice, (), ())
    found = tuple(quantities(text, symbols)) if _HAS_NUMBER.search(text) else ()
    named = tuple(parties(text, names))
    voice = voice_of(passage)
    if voice.language in _DECIMAL_COMMA:
        found = tuple(_read_both_ways(one, text) for one in found)
    in_names = [(party.start, party.end) for party in named if party.name in names.known]
    return Read(passage, replace(voice, acts=_outside(in_names, voice.acts)) if in_names else voice, found, named)


_DECIMAL_COMMA = ("es", "pt", "fr", "de")
_ONE_COMMA = re.compile(r"\d{1,3},\d{3}(?![\d.,])")


def _read_both_ways(quantity: Quantity, text: str) -> Quantity:
    """A number such as "1,500" in a sentence of a language that writes a comma before decimals, which may mean 1.5."""
    if _ONE_COMMA.match(text, quantity.start) is None or len(quantity.readings) != 1:
        return quantity
    return replace(quantity, readings=(quantity.readings[0], quantity.readings[0] / 1_000))


def _outside(in_names: Sequence[tuple[int, int]], acts: Sequence[ActWord]) -> tuple[ActWord, ...]:
    """The verbs of a sentence but for those that are part of a name, as in "the swap router", and say another thing."""
    kept: list[ActWord] = []
    for act in acts:
        is_in_name = any(start <= act.start < end for start, end in in_names)
        if not is_in_name or any(act.acts & one.acts for one in kept):
            kept.append(act)
    return tuple(kept)


_HAS_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|hundred|thousand|million|half|un[ao]?|une?|dos|tres|cinco|diez|mil|cent|mille|deux|trois|"
    r"ein\w*|zwei|"
    r"drei|fünf|zehn|tausend|dois|duas|dez)\b|[百千万亿]",
    re.IGNORECASE,
)


def orders_in(read: Read, names: Names, symbols: Symbols) -> list[Order]:
    """Return the movements of money that one passage speaks of, in order."""
    passage = read.passage
    if passage.shape is Shape.CODE or len(passage.text) > MAX_CHARS:
        return []
    if passage.shape is Shape.ROW:
        found = _of_row(read, names, symbols)
    elif passage.shape is Shape.RECORD:
        found = _of_record(read, names, symbols)
    else:
        found = _of_sentence(read, symbols)
    found = [replace(order, is_incoming=True) if _comes_in(order, names) else order for order in found]
    return [_qualified(order, read, symbols, names) for order in found]


_REPEATED = re.compile(
    r"\b(?:each|every|monthly|weekly|yearly|annually|quarterly|instal?lments?|tranches)\b|"
    r"\bper (?:day|week|month|quarter|year|annum|person|member|chapter|recipient|head|term|season|epoch)\b"
)
_PART_OF = re.compile(
    r"\b(?:half|third|quarter|part|portion|share|fraction|double|twice the|percent|\d{1,3} ?%) (?:of )?(?:the |"
    r"these |those )?$"
)
_ASIDE = re.compile(r"\((?:in )?(?P<word>[^()]{1,24})\)")
_SPLITS = re.compile(r"\b(?:on behalf of|in the name of|instead of|for onward|to be passed on|half|x\s?\d+|\d+\s?x)\b")
_GOODS = re.compile(
    r"^\s?(?:shares?|bonds?|options?|notes?|futures|receipts?|vouchers?|points?|lp|vaults?|pairs?|debt|loans?|worth)\b"
)


def _qualified(order: Order, read: Read, symbols: Symbols, names: Names) -> Order:
    """The order with a doubt, where words beside it change what is paid, how often or to whom."""
    if order.mood is not Mood.ORDER:
        return order
    folded, quantity = read.voice.folded, order.quantity
    code = ""
    if (
        _REPEATED.search(folded)
        and not (order.is_each and len(order.recipients) > 1)
        and not (order.times > 1 and set(_REPEATED.findall(folded)) == {"each"})
        and read.passage.shape is not Shape.RECORD
    ):
        code = "each"
    if quantity is not None and read.passage.shape not in (Shape.ROW, Shape.RECORD):
        if _PART_OF.search(folded[max(0, quantity.start - 24) : quantity.start]):
            code = "part_of"
        if _GOODS.match(folded[quantity.end :]):
            code = "goods"
        for one in read.quantities:
            inside = folded.rfind("(", quantity.end, one.start)
            if inside >= 0 and one.start - inside <= 2 and one.start - quantity.end <= 3 and one.unit is Unit.BARE:
                decimals = [10**power for power in (0, 6, 8, 18)]
                if not any(quantity.readings[0] * scale == one.readings[0] for scale in decimals):
                    code = "two_amounts"
        for aside in _ASIDE.finditer(read.passage.text):
            found = symbols.of(aside["word"].strip())
            if found is not None and found != quantity.symbol:
                code = "two_tokens"
        if _SPLITS.search(folded):
            code = "on_behalf"
        if not code and not order.doubt and _is_odd_between(order, read, symbols):
            return replace(order, doubt="form")
    if read.passage.shape in (Shape.SENTENCE, Shape.ITEM):
        used = {*order.recipients, *order.payers, *names.own, *names.tokens}
        for party in read.parties:
            if party.marker in ("for", "by") and party.addresses and not set(party.addresses) & used:
                code = "on_behalf"
    return replace(order, mood=Mood.DOUBT, doubt=code) if code else order


def _is_odd_between(order: Order, read: Read, symbols: Symbols) -> bool:
    """Whether the words between verb, amount and receiver are none that orders have. Of English sentences alone."""
    if order.quantity is None or read.voice.language != "en":
        return False
    acts = [act for act in read.voice.acts if act.acts & order.acts and act.start < order.quantity.start]
    receivers = [one for one in read.parties if order.recipients and set(one.addresses) & set(order.recipients)]
    if not acts or len(receivers) != 1 or len(order.recipients) != 1:
        return False
    # Other verbs and payers between them are parts of the order too.
    first, last = acts[-1].start, max(order.quantity.end, receivers[0].end)
    spans = {(one.start, one.end) for one in read.quantities if first <= one.start < last}
    spans |= {(act.start, act.end) for act in read.voice.acts if first <= act.start < last}
    spans |= {(one.start, one.end) for one in read.parties if first <= one.start < last}
    return is_odd_between(read.passage.text, sorted(spans), symbols)


def _comes_in(order: Order, names: Names) -> bool:
    return (
        bool(order.recipients)
        and set(order.recipients) <= names.own
        and bool(order.payers)
        and not set(order.payers) & names.own
    )


# ----------------------------------------------------------------------------------------------------------- sentences


_UNLIMITED = re.compile(
    r"\b(?:unlimited|without (?:any )?limit|any amount|infinite|max(?:imum)? (?:uint|approval|allowance)|no limit|"
    r"ilimitad[oa]|illimité|unbegrenzt|ilimitad[oa])\b|无限"
)
_EACH = re.compile(r"\b(?:each|every|both|respectively each|apiece|cada|chacun|chaque|jeweils|je|ambos)\b|各|每")
_AGAIN = re.compile(
    r"\b(?:another|again|second|third|further|additional|otra|otro|nochmals|weitere|encore|outra|outro)\b|再|另"
)
_TIMES = re.compile(r"(?<![\w.])(\d{1,3})\s?(?:x|×|times|veces|fois|mal|vezes|次)(?![\w])|\b([a-z]+) times\b")
_TWICE = words.compiled(" ".join(words.TIMES_WORDS))
_SPENDS = re.compile(r"\bto (?:spend|take|pull|use|transfer|move|draw)\b")
_NAME_AFTER_TO = re.compile(
    r"^\s{0,3}(?:will be |are |is |be )?(?:sent |paid |transferred |given |wired )?(?:to|into|a|al|à|au|an|para|"
    r"ao|zu|给)\s+"
    r"(?P<name>[^\W\d_][^,;:.!?()\n]{1,80})"
)
_PURPOSE = re.compile(
    r"\b(?:for|as|in|on|from|by|over|through|with|so|which|who|to|that|and|per|under|via|until|during|at)\b"
)
_NO_NAME = re.compile(
    r"^(?:the |its |their |our |this |that |following |a |new |same |recipient |given |stated |above |below )*"
    r"(?:address|addresses|wallet|account|multisig|safe|recipient|following|below|cover|fund|support|pay|ensure|"
    r"spend|take|use|allow|provide|be|enable|continue|maintain|them|it|him|her|reimburse|compensate|replenish)\b"
)


def _governing(read: Read, quantity: Quantity) -> ActWord | None:
    """The act that governs a quantity: the nearest money verb before it in its clause, else the nearest after it."""
    folded = read.voice.folded
    stop = max(folded.rfind(";", 0, quantity.start), folded.rfind("。", 0, quantity.start))
    acts = [act for act in read.voice.acts if act.acts & MONEY_ACTS]
    before = [act for act in acts if stop < act.start < quantity.start]
    if before:
        return _main(before, folded, quantity)
    end = folded.find(";", quantity.end)
    after = [act for act in acts if act.start >= quantity.end and (end < 0 or act.start < end)]
    return after[0] if after else None


def _main(before: Sequence[ActWord], folded: str, quantity: Quantity) -> ActWord:
    """Of the verbs before a quantity the nearest; "approve the transfer of" and "allow ... to spend" are one verb."""
    nearest = before[-1]
    for act in reversed(before):
        if Act.APPROVE in act.acts and act.tense is Tense.NOW and act is not nearest:
            between = folded[act.end : quantity.start]
            if _SPENDS.search(between):
                return replace(act, acts=frozenset({Act.APPROVE}))
    # "grants" and "gives" also give roles: with an amount they pay
    if nearest.tense is Tense.DONE:
        now = [act for act in before if act.tense is Tense.NOW]
        noun = folded[nearest.end : quantity.start].strip()
        if now and noun and not re.match(r"^(?:of|for|the|a|to|by)?\s*$", noun):
            verb = now[-1]
            # "transfer the previously agreed 2,500 USDC": the participle belongs to the noun, the verb governs
            if len(folded[verb.end : nearest.start].split()) <= 3 and len(noun.split()) <= 2:
                return verb
    return nearest


def _of_sentence(read: Read, symbols: Symbols) -> list[Order]:
    passage, voice = read.passage, read.voice
    found: list[Order] = []
    amounts = [q for q in read.quantities if _is_amount(q, read)]
    real = [q for q in amounts if q.unit is Unit.TOKEN]
    if real:
        amounts = [q for q in amounts if q.unit is Unit.TOKEN]
    if not amounts:
        unlimited = _UNLIMITED.search(voice.folded) is not None
        order = _without_amount(read, symbols, unlimited=unlimited)
        return [order] if order is not None else []
    is_each = _EACH.search(voice.folded) is not None
    is_again = _AGAIN.search(voice.folded) is not None
    times = _times(voice.folded)
    named = {address for party in read.parties if not party.is_own for address in party.addresses}
    if times == 1 and len(amounts) == 1 and len(named) == 1 and (counted := _PAYMENTS_OF.search(voice.folded)):
        times = words.NUMBER_WORDS.get(counted[1], 1)
    for index, quantity in enumerate(amounts):
        act = _governing(read, quantity)
        mood, doubt = mood_of(voice, act, quantity.start, passage)
        acts = act.acts & MONEY_ACTS if act is not None else frozenset()
        is_implied = act is None
        if act is None:
            acts = _acts_of_context(passage)
        recipients, name, payer, payer_name, conflict = _parties_of(read, amounts, index, act, is_each=is_each)
        if acts >= {Act.RECEIVE}:
            acts = (acts - {Act.RECEIVE}) | {Act.TRANSFER}
        found.append(
            Order(
                passage, acts, mood, doubt, quantity, recipients, name, is_each and len(recipients) > 1, payer,
                payer_name, times, is_implied, is_again, has_conflict=conflict,
                start=passage.start + quantity.start, end=passage.start + quantity.end,
            )
        )  # fmt: skip
    return found


_PAYMENTS_OF = re.compile(r"\b(two|three|four|five|six) (?:equal |separate )?(?:transfers|payments|grants) of \$?\d")


def _is_amount(quantity: Quantity, read: Read) -> bool:
    if quantity.unit in (Unit.TOKEN, Unit.MONEY):
        return not quantity.is_conversion
    if quantity.unit is not Unit.BARE:
        return False
    # A bare number may be an amount only right behind a verb of payment: "pay 2,500 to Ana"
    before = read.voice.folded[max(0, quantity.start - 12) : quantity.start]
    number = quantity.readings[0]
    return (
        number >= 10
        and any(
            act.end >= quantity.start - 4 and act.start < quantity.start and act.acts & MONEY_ACTS
            for act in read.voice.acts
        )
        and "#" not in before
    )


def _times(folded: str) -> int:
    match = _TIMES.search(folded)
    if match is not None:
        if match[1]:
            return max(1, int(match[1]))
        return words.NUMBER_WORDS.get(match[2], 1) or 1
    word = _TWICE.search(folded)
    if word is not None and word[0] != "both":
        return words.TIMES_WORDS.get(word[0].replace(" ", "_"), 1)
    return 1


def _acts_of_context(passage: Passage) -> frozenset[Act]:
    """What headings and introductions say is done with the amounts under them, nearest first."""
    for text in (*reversed(passage.leads), *reversed(passage.headings)):
        acts = _acts_of_heading(text)
        if acts:
            return acts
    return frozenset()


_IS_DONE = re.compile(r"\b(?:are|is) $")  # "The following tokens are minted:"


def _acts_of_heading(text: str) -> frozenset[Act]:
    plain = level(text)
    language = words.language_of(plain)
    found: set[Act] = set()
    for tongue in dict.fromkeys((language, "en")):
        pattern, meanings = words.acts_of(tongue)
        for match in pattern.finditer(plain):
            is_ordered = _IS_DONE.search(plain[max(0, match.start() - 12) : match.start()]) is not None
            found |= {act for act, tense in meanings.get(match[0], ()) if tense is Tense.NOW or is_ordered}
    money = found & MONEY_ACTS
    if Act.APPROVE in money and Act.TRANSFER in money:
        money -= {Act.APPROVE}
    return frozenset(money)


def _without_amount(read: Read, symbols: Symbols, *, unlimited: bool) -> Order | None:
    """A sentence that speaks of a payment and names no amount: its parties, and whether it sets no limit."""
    acts = [act for act in read.voice.acts if act.acts & MONEY_ACTS]
    if not acts:
        return None
    act = acts[0]
    direct = _DIRECT_NAME.match(read.passage.text[act.end :]) if act.word in _PAYS_SOMEBODY else None
    if not (read.parties or unlimited or direct):
        return None
    approve = [one for one in acts if Act.APPROVE in one.acts]
    if unlimited and approve:
        act = approve[0]
    mood, doubt = mood_of(read.voice, act, act.start, read.passage)
    recipients: list[bytes] = []
    payers: list[bytes] = []
    name = ""
    for party in read.parties:
        if party.marker == "from":
            payers += party.addresses
        elif not is_given_to(party, act, read):
            continue
        elif party.addresses:
            recipients += party.addresses
        else:
            name = name or party.name
    if not name and not recipients and direct is not None:
        name = folded(direct["name"])
    if not name and not recipients and (match := _NAME_AFTER_TO.match(read.passage.text[act.end :])) is not None:
        name = _name_in(match["name"])
    start = read.passage.start + act.start
    named = tuple(found for word in re.findall(r"[A-Za-z$][\w.]*", read.passage.text) if (found := symbols.of(word)))
    return Order(
        read.passage, act.acts & MONEY_ACTS, mood, doubt, None, tuple(dict.fromkeys(recipients)), name,
        payers=tuple(payers), is_unlimited=unlimited, symbols=tuple(dict.fromkeys(named)), start=start,
        end=read.passage.start + act.end,
    )  # fmt: skip


_PAYS_SOMEBODY = frozenset(
    ["pay", "pays", "send", "sends", "reimburse", "reimburses", "compensate", "compensates", "award", "awards"]
)
_DIRECT_NAME = re.compile(r"\s(?:to )?(?P<name>[A-Z][a-z][\w'-]*(?: [A-Z][\w'-]+){0,3})(?=[\s.,:]|$)")


def is_given_to(party: Party, act: ActWord, read: Read) -> bool:
    """Whether a party stands where a verb's recipient does: behind "to", or right behind the verb."""
    between = read.voice.folded[act.end : party.start] if act.end <= party.start else None
    if between is None:
        return False
    if read.passage.shape is Shape.HEADING and party.marker == "for":
        return True
    return party.marker == "to" or re.fullmatch(r"\s*(?:the|our|to|out)?\s*", between) is not None


def _name_in(words_after: str) -> str:
    plain = folded(words_after)
    if _NO_NAME.match(plain) or not plain:
        return ""
    cut = _PURPOSE.search(plain)
    if cut is not None and cut.start() > 0:
        plain = plain[: cut.start()].strip()
    return "" if not plain or _NO_NAME.match(plain) else plain[:80]


def _parties_of(
    read: Read, amounts: Sequence[Quantity], index: int, act: ActWord | None, *, is_each: bool
) -> tuple[tuple[bytes, ...], str, tuple[bytes, ...], str, bool]:
    """Recipients, an unknown recipient's name, payers, an unknown payer's name, and whether names contradict."""
    quantity = amounts[index]
    begin = amounts[index - 1].end if index else 0
    end = amounts[index + 1].start if index + 1 < len(amounts) else len(read.passage.text)
    payers, payer_name = _payers(read, act)
    others = [party for party in read.parties if party.marker != "from" and not _is_unit(party, quantity)]
    after = [party for party in others if quantity.end <= party.start < end and party.marker in ("to", "for", "by")]
    approve = act is not None and Act.APPROVE in act.acts
    after = [
        p for p in after if p.marker == "to" or (p.addresses and p.marker == "for") or (approve and p.marker == "by")
    ]
    to = [party for party in after if party.marker == "to"]
    chosen = to or after
    if not chosen:
        before = [
            party
            for party in others
            if begin <= party.start < quantity.start and party.marker in ("", "to", "by", "for")
        ]
        if act is not None and act.start < quantity.start:
            behind_verb = [party for party in before if party.start >= act.end]
            before = behind_verb or ([] if Act.RECEIVE not in act.acts else before)
        chosen = before
    if not chosen and index + 1 < len(amounts) and _is_joined(read, quantity, amounts[index + 1]):
        # "110,000 USDC and 15 ETH to Ana": both go to the party behind the last one
        return _parties_of(read, amounts, index + 1, act, is_each=is_each)
    if not chosen:
        bare = [p for p in others if p.addresses and p.marker in ("", "on") and quantity.end <= p.start < end]
        if len(bare) == 1 and read.passage.shape is not Shape.SENTENCE:
            chosen = bare  # an item: "Ana - 379,000 USDC 0x..."
        elif act is None and read.passage.shape in (Shape.ITEM, Shape.HEADING):
            chosen = [p for p in others if p.addresses and begin <= p.start < quantity.start and p.marker in ("", "to")]
    chosen = [party for party in chosen if not _is_another(party, read.passage.text)]
    named = [party for party in chosen if party.addresses]
    if named:
        named = _joined_run(read, [named[0], *(p for p in others if p.addresses and named[0].end <= p.start < end)])
    recipients = tuple(dict.fromkeys(address for party in named for address in party.addresses))
    conflict = any(len(party.addresses) > 1 or party.has_conflict for party in named)
    name = ""
    if not recipients:
        unknown = [party for party in chosen if not party.addresses]
        name = unknown[0].name if unknown else _unknown_name(read, quantity, end, act)
    return recipients, name, payers, payer_name, conflict


_OF_A_NAME = re.compile(
    r"['’]s?\s+(?!address|wallet|multisig|safe|account|treasury|contract|own\b)[^\W\d_]", re.IGNORECASE
)
_LONGER_NAME = re.compile(r"\s(?:van|von|de|del|der|da|di|bin|al|[A-Z][a-z]+(?=[\s.,(]|$)|ii|iii|jr|sr)\b")


def _is_another(party: Party, text: str) -> bool:
    """Whether a name only begins another one: "lea's sister", "lea van Dam"."""
    if not party.name or "0x" in text[party.start : party.end]:
        return False
    after = text[party.end : party.end + 40]
    return _OF_A_NAME.match(after) is not None or _LONGER_NAME.match(after) is not None


def _joined_run(read: Read, named: list[Party]) -> list[Party]:
    """The first party, and those that "and" or a comma joins to it."""
    run = [named[0]]
    for party in named[1:]:
        between = read.passage.text[run[-1].end : party.start]
        if re.fullmatch(r"\s*(?:,|and|,\s*and|&|y|et|und|e|或|和|、|or)\s*(?:to\s+)?(?:the\s+)?", between):
            run.append(party)
        else:
            break
    return run


def _is_joined(read: Read, one: Quantity, other: Quantity) -> bool:
    between = read.voice.folded[one.end : other.start]
    return (
        len(between) <= 40
        and re.fullmatch(r"\s*(?:tokens?)?\s*(?:,|and|,\s*and|\+|&|y|et|und|e|plus|和|及)?\s*[\w' ]{0,20}", between)
        is not None
        and (re.search(r"and|\+|&|,|\by\b|\bet\b|und|plus|和|及", between) is not None)
    )


def _is_unit(party: Party, quantity: Quantity) -> bool:
    return party.start < quantity.end and quantity.start < party.end


def _payers(read: Read, act: ActWord | None) -> tuple[tuple[bytes, ...], str]:
    """Who pays: behind "from", the subject of the verb, or in the passive behind "by"."""
    payers: list[bytes] = []
    name = ""
    for party in read.parties:
        is_subject = (
            act is not None
            and act.tense is Tense.NOW
            and Act.RECEIVE not in act.acts
            and not party.marker
            and party.end <= act.start
            and _SUBJECT.fullmatch(read.voice.folded[party.end : act.start]) is not None
        )
        is_agent = (
            act is not None
            and party.marker == "by"
            and act.start < party.start
            and Act.APPROVE not in act.acts
            and (_PASSIVE.search(read.voice.folded[max(0, act.start - 24) : act.start]) is not None)
        )
        if party.marker == "from" or is_subject or is_agent:
            payers += party.addresses
            if not party.addresses:
                name = name or party.name
    return tuple(dict.fromkeys(payers)), name


_SUBJECT = re.compile(r"\s*(?:will|shall|then|hereby|also|now|must|should|is to|are to|agrees to|\)|\s)*")
_PASSIVE = re.compile(r"\b(?:is|are|be|being)\s+(?:\w+\s+)?$")


def _unknown_name(read: Read, quantity: Quantity, end: int, act: ActWord | None) -> str:
    text = read.passage.text
    match = _NAME_AFTER_TO.match(text[quantity.end : end])
    if match is None and act is not None and quantity.start - act.end > 3 and act.start < quantity.start:
        between = text[act.end : quantity.start].strip()
        if re.fullmatch(r"(?:the |our )?[^\W\d_][\w .'’-]{1,50}", between) and not _PURPOSE.search(between.casefold()):
            return (
                _name_in(between) if folded(between) not in ("the", "a", "up to", "of", "exactly", "grant", "") else ""
            )
        match = _NAME_AFTER_TO.match(f" {between}") if between else None
    if match is None:
        inner = re.search(r"\bto\s+(?P<name>[^\W\d_][^,;:.!?()\n]{1,80})", text[quantity.end : end])
        match = inner if inner is not None and inner.start() < 40 else None
    return _name_in(match["name"]) if match is not None else ""


# ---------------------------------------------------------------------------------------------------- rows and records


def _of_row(read: Read, names: Names, symbols: Symbols) -> list[Order]:
    passage = read.passage
    recipients: list[Party] = []
    payers: list[Party] = []
    amounts: list[tuple[Quantity, int]] = []
    others: list[Party] = []
    name, token, is_spender = "", "", False
    for one in passage.fields:
        if one.key == "token" and (found := symbols.of(one.text.split()[0] if one.text else "")):
            token = found
    for one in passage.fields:
        found_parties = [p for p in parties(one.text, names)]
        if one.key in ("recipient", "spender", "holder"):
            is_spender = is_spender or one.key == "spender"
            recipients += found_parties
            if not found_parties and one.text and not name:
                name = folded(one.text)[:80]
        elif one.key == "payer":
            payers += found_parties
        elif one.key not in ("token", "calldata", "contract", "function", "old"):
            others += found_parties
        if one.key in ("", "amount", "new") and not (
            one.key == "" and re.search(r"^\s*#|\bno\.|^#$|\b(?:id|date|year|start|end)\b", one.name, re.I)
        ):
            unit = (
                unit_in_header(one.name) or (token if one.key == "amount" else "") or _header_symbol(one.name, symbols)
            )
            kinds = {Unit.TOKEN, Unit.MONEY, *([Unit.BARE] if one.key == "amount" else [])}
            amounts += [(q, one.start) for q in quantities(one.text, symbols, unit) if q.unit in kinds]
    parties_found = recipients or others
    known = [party for party in parties_found if party.addresses]
    addresses = tuple(dict.fromkeys(address for party in known for address in party.addresses))
    if not addresses and not name:
        unknown = [party.name for party in parties_found if party.name]
        name = unknown[0] if unknown else _first_words(passage.fields)
    is_total = (
        bool(passage.fields)
        and re.match(r"\s*(?:grand )?total|sum\b|合计|总计", passage.fields[0].text, re.I) is not None
    )
    act = next((act for act in read.voice.acts if act.acts & MONEY_ACTS and act.tense is Tense.NOW), None)
    acts = act.acts & MONEY_ACTS if act else _acts_of_context(passage)
    if is_spender:
        acts = frozenset({Act.APPROVE})
    has_columns = any(one.key in ("recipient", "spender") for one in passage.fields) and any(
        one.key == "amount" or _header_symbol(one.name, symbols) for one in passage.fields
    )
    if not acts and has_columns:
        acts = frozenset({Act.TRANSFER})
    mood, doubt = mood_of(read.voice, None, 0, passage)
    real = [(q, at) for q, at in amounts if q.unit is Unit.TOKEN] or amounts
    return [
        Order(
            passage, acts, mood, doubt, replace(quantity, is_total=is_total, is_conversion=False), addresses, name,
            payers=tuple(dict.fromkeys(a for p in payers for a in p.addresses)), is_implied=True,
            is_to_somebody=any(one.key in ("recipient", "spender") and one.text for one in passage.fields),
            has_conflict=len(addresses) > 1 or any(p.has_conflict for p in known), start=at, end=at + quantity.end,
        )
        for quantity, at in real
        if quantity.readings[0] != 0
    ]  # fmt: skip


def _header_symbol(name: str, symbols: Symbols) -> str:
    """A column that is named after a token: "USDC", "Amount USDC"."""
    for word in reversed(name.split()):
        if (found := symbols.of(word.strip("()"))) is not None and any(map(str.isupper, word)):
            return found
    return ""


def _first_words(fields: Iterable[Field]) -> str:
    for one in fields:
        if re.search(r"[^\W\d_]{3,}", one.text) and not re.search(r"\d", one.text):
            return folded(one.text)[:80]
    return ""


def _of_record(read: Read, names: Names, symbols: Symbols) -> list[Order]:
    passage = read.passage
    by_key: dict[str, list[Field]] = {}
    for one in passage.fields:
        by_key.setdefault(one.key, []).append(one)
    recipients = [one for one in by_key.get("recipient", ()) if one.name.casefold() not in ("to", "address", "account")]
    recipients = recipients or by_key.get("spender") or by_key.get("holder") or by_key.get("recipient") or []
    found = [(one, parties(one.text, names)) for one in recipients[:1]]
    known = [party for _, listed in found for party in listed if party.addresses]
    addresses = tuple(dict.fromkeys(a for party in known for a in party.addresses))
    name = "" if addresses or not recipients else folded(recipients[0].text)[:80]
    payers = [p for one in by_key.get("payer", ()) for p in parties(one.text, names)]
    token = ""
    for one in by_key.get("token", ()):
        token = next((s for s in map(symbols.of, re.findall(r"[A-Za-z][\w.]*", one.text)) if s), "") or token
        if not token and re.fullmatch(r"\$?[A-Z][A-Za-z0-9.]{1,11}", one.text.strip()):
            token = one.text.strip().lstrip("$")
    acts = frozenset({Act.APPROVE}) if by_key.get("spender") else _acts_of_record(read, by_key)
    mood, doubt = mood_of(read.voice, None, 0, passage)
    orders = []
    for one in by_key.get("amount", ()):
        for quantity in quantities(one.text, symbols, token or unit_in_header(one.name)):
            if quantity.unit not in (Unit.TOKEN, Unit.MONEY, Unit.BARE) or quantity.readings[0] == 0:
                continue
            if quantity.unit is Unit.BARE and any(o.start <= one.start for o in orders):
                continue  # the same in base units: "1,000 USDC (1000000000)"
            orders.append(
                Order(
                    passage, acts, mood, doubt, replace(quantity, is_total=False), addresses, name,
                    payers=tuple(dict.fromkeys(a for p in payers for a in p.addresses)), is_implied=True,
                    is_sum="total" in one.name.casefold(), has_conflict=len(addresses) > 1,
                    start=one.start + quantity.start, end=one.start + quantity.end,
                )
            )  # fmt: skip
    return orders


def _acts_of_record(read: Read, by_key: dict[str, list[Field]]) -> frozenset[Act]:
    """What a record of amount and recipient does: its function, else its introduction, else a transfer."""
    for one in by_key.get("function", ()):
        plain = one.text.casefold()
        for act in (Act.TRANSFER, Act.APPROVE, Act.MINT, Act.BURN):
            if plain.strip("` ").startswith(str(act)):
                return frozenset({act})
        return frozenset()
    acts = _acts_of_context(read.passage)
    return acts or frozenset({Act.TRANSFER} if by_key.get("recipient") and by_key.get("amount") else ())
