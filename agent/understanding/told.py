# SPDX-License-Identifier: Apache-2.0
"""The gate before "matches": does each effect have a sentence of its own, and each order in the text its effect?

A wrong yes costs members money, a missing yes costs them a look. So code says yes only to a text that it can read to
the end. Orders are read by a grammar, word by word; a sentence outside the grammar is no order. Every other sentence
must be one that can neither take an order back nor give one more. Where a text may do either (a negation, a condition,
a quotation, another amount, another language), nothing of it counts as told. No model takes part.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext

from agent.understanding.effects import ETHER, MAX_EFFECTS, UNLIMITED, Book, Effect, Kind, base_units
from agent.understanding.ingest import Document
from agent.understanding.plain_words import (
    ACTS,
    ACTS_SOFTLY,
    ELSEWHERE,
    ENGLISH,
    FOREIGN,
    GOES_ON,
    MONEY,
    OWN_ACT,
    PARTY,
    TURNS,
    TURNS_A_LABEL,
    TURNS_A_PURPOSE,
    TURNS_ALL,
    TURNS_BY_PREFIX,
)
from agent.understanding.words import say
from governance.chain.address import checksum
from governance.sentences import Sentence
from governance.text import Block, BlockKind
from policies.notation.hexadecimal import hex_bytes

MAX_CHARS = 20_000  # a longer text is no plain text
MAX_SENTENCE_CHARS = 400  # the same of a sentence, and of a title


@dataclass(frozen=True)
class Order:
    """What one sentence orders, or what one effect does, in the form that both are compared in."""

    kind: Kind
    asset: bytes | None = None
    amount: int | None = None  # base units of `asset`
    recipient: bytes | None = None
    target: bytes | None = None
    subject: str = ""  # what is changed: "owner", or "grant" or "revoke" with the role's name


@dataclass(frozen=True)
class Told:
    """Which effects the text tells, by id. `problems` say on a page why none counts as told."""

    effects: frozenset[str]
    problems: tuple[Sentence, ...] = ()

    def is_whole(self, effects: Sequence[Effect]) -> bool:
        """Return whether the text tells every effect and orders nothing else."""
        return bool(effects) and not self.problems and all(effect.id in self.effects for effect in effects)


def told(document: Document, effects: Sequence[Effect], book: Book) -> Told:
    """Compare every sentence that the page shows with every effect. Never raises, whatever the text holds."""
    nothing: frozenset[str] = frozenset()
    if document.hidden or document.truncated:
        return Told(nothing, (say("not_all_read"),))
    if not effects:
        return Told(nothing, (say("no_calls"),))
    if len(effects) >= MAX_EFFECTS:
        return Told(nothing, (say("too_many_to_look_at"),))
    text = _Text(_Known(book))
    try:
        text.read(document)
    except _Unreadable as why:
        return Told(nothing, (why.sentence,))
    found = _assigned(text, effects, book)
    if not text.counts_truly():
        return Told(nothing, (say("counts_otherwise"),))
    if len(found) < len(text.orders):
        return Told(nothing, (say("orders_more"),))
    if not text.restates([said.order for said in found.values()]) or not text.calls_truly(book):
        return Told(nothing, (say("title_differs"),))
    return Told(frozenset(found))


def _assigned(text: "_Text", effects: Sequence[Effect], book: Book) -> dict[str, "_Said"]:
    """The effects that have an order of their own, by id: one order tells one effect."""
    done = {effect.id: _order_of(effect, book) for effect in effects}
    found: dict[str, _Said] = {}
    for said in sorted(text.orders, key=lambda said: not said.payer):  # those that fit fewer effects come first
        for effect in effects:
            if effect.id not in found and done[effect.id] == said.order and _pays(effect, said, book, text.known):
                found[effect.id] = said
                break
    return found


# ------------------------------------------------------------------------------------------------------- the effects


# Functions of the DAO's own contracts that make the call they are given, at once, and revert when it fails.
_PERFORMS = {"perform": "treasury", "execTransaction": "treasury", "relay": "governor"}


def _order_of(effect: Effect, book: Book) -> Order | None:
    """The order that tells this effect; None for an effect that no sentence can be compared with."""
    for function, contract in zip(effect.path, effect.through, strict=True):
        if function not in _PERFORMS or book.kind(contract) != _PERFORMS[function]:
            return None
    is_ether = effect.kind is Kind.TRANSFER and effect.asset == ETHER
    if effect.delegatecall or effect.besides or effect.sender is not None or effect.along:
        return None
    of_amount = Order(effect.kind, effect.asset, effect.amount, effect.recipient)
    if is_ether or effect.function in {"transfer(address,uint256)", "mint(address,uint256)", "burn(uint256)"}:
        return of_amount
    if effect.function == "approve(address,uint256)":
        return of_amount if (effect.amount or 0) < UNLIMITED else None
    if effect.target not in book.names and effect.target not in book.tokens:
        return None  # what a stranger's contract does with this function, nobody knows
    of_power = Order(effect.kind, recipient=effect.recipient, target=effect.target)
    if effect.function in {"grantRole(bytes32,address)", "revokeRole(bytes32,address)"}:
        role = re.search(rf"\b{_ROLE}\b", effect.subject)
        verb = "grant" if effect.function.startswith("grant") else "revoke"
        return replace(of_power, subject=f"{verb} {role[0]}") if role else None
    if effect.function == "transferOwnership(address)":
        return replace(of_power, subject="owner")
    whole = {"upgradeTo(address)", "upgradeToAndCall(address,bytes)", "delegate(address)"}
    return of_power if effect.function in whole else None


def _pays(effect: Effect, said: "_Said", book: Book, known: "_Known") -> bool:
    """Whether the sentence's words about who pays are true of the call."""
    if not said.payer:
        return True
    payer = effect.through[-1] if effect.through else book.executor
    if (named := known.address_of(said.payer)) is not None:
        return named == payer
    if re.fullmatch(r"(?:(?:the|our|its) )?(?:DAO(?:'s)? )?treasury|the DAO", said.payer, re.IGNORECASE) is None:
        return False
    treasuries = {address for address, contract in book.contracts.items() if contract.kind == "treasury"}
    return payer in treasuries if treasuries else not effect.through


# ------------------------------------------------------------------------------------------------ amounts and parties


_ADDRESS = r"0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])"
_ROLE = r"(?-i:[A-Z]+(?:_[A-Z]+)*_ROLE)"
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,30}|\d{1,30})(?:\.\d{1,30})?(?![.,]{0,3}\d)"
_DOLLARS = {"USDC", "USDT", "DAI", "USDS"}  # of these a text may say "$5 in USDC" and mean 5
_SCALES = {"": 1, "k": 10**3, "thousand": 10**3, "million": 10**6}
_NO_SYMBOLS = {"to", "for", "from", "the", "and", "in", "of", "on", "at", "as", "with", "thousand", "million"}
_PLACE = r"(?:the )?(?:new |recipient )?(?:address|wallet|account|multisig|safe|contract|proxy|implementation)"


def _skeleton(text: str) -> str:
    """The form in which words that look alike are equal: `ops team` and `ops-team`, `b8` and `bb`."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("rn", "m").replace("vv", "w")
    return "".join(filter(str.isalnum, plain)).translate(str.maketrans("l105289", "iioszbg"))


class _Known:
    """The book's names and symbols, as far as each can mean one thing only."""

    def __init__(self, book: Book) -> None:
        symbols = [(ETHER, book.ether, 18), *((a, token.symbol, token.decimals) for a, token in book.tokens.items())]
        alike = Counter(_skeleton(symbol) for _, symbol, _ in symbols)
        self._assets = {
            symbol: (asset, decimals)
            for asset, symbol, decimals in symbols
            if alike[_skeleton(symbol)] == 1
            and re.fullmatch(r"[A-Za-z][A-Za-z0-9]{1,10}", symbol)
            and symbol.casefold() not in _NO_SYMBOLS
        }
        self._parties = [(_bare(name), address) for address, name in book.names.items()]
        alike = Counter(_skeleton(name) for name, _ in self._parties)
        self._names = {
            name: address
            for name, address in self._parties
            if alike[_skeleton(name)] == 1
            and re.fullmatch(r"[a-z][a-z0-9 .'&-]{1,60}", name)
            and not any(words.search(name) for words in (PARTY, TURNS, TURNS_A_LABEL))
            and "0x" not in name
        }
        self._symbols = {symbol.casefold() for _, symbol, _ in symbols}
        symbol = rf"(?-i:{'|'.join(sorted(self._assets, key=len, reverse=True)) or '(?!)'})(?![\w-]|\.\w)"
        self.amount = (
            rf"(?<![\w.,$])(?:(?P<number>{_NUMBER})(?: ?(?P<scale>k|thousand|million))? (?P<symbol>{symbol})"
            rf"|(?P<symbol_first>{symbol}) (?P<number_after>{_NUMBER})"
            rf"|\$(?P<dollars>{_NUMBER}) in (?P<dollar_symbol>{symbol}))"
        )

    def amount_of(self, match: re.Match[str]) -> tuple[bytes, int] | None:
        """Asset and base units of a match of `amount`. None for a number that can be read in two ways."""
        text = match["number"] or match["number_after"] or match["dollars"]
        symbol = match["symbol"] or match["symbol_first"] or match["dollar_symbol"]
        whole, _, fraction = text.partition(".")
        if match["dollars"] and symbol not in _DOLLARS:
            return None
        if len(fraction) == 3 and "," not in whole and whole != "0":
            return None  # 1.500 is one and a half in some countries and fifteen hundred in others
        if len(whole) > 1 and whole.startswith("0"):
            return None
        asset, decimals = self._assets[symbol]
        with localcontext(Context(prec=200)):  # the default precision of 28 digits would round
            number = Decimal(text.replace(",", "")) * _SCALES[(match["scale"] or "").casefold()]
        amount = base_units(number, decimals)
        return None if amount is None else (asset, amount)

    def address_of(self, words: str) -> bytes | None:
        """The address of a party that is named in full or by one name of the book. None where it is not sure."""
        found = re.findall(_ADDRESS, words)
        if not found:
            return self._names.get(_bare(words))
        match = re.fullmatch(
            rf"(?:(?P<label>[^()]*?) )??(?:(?P<at>at )?{_ADDRESS}(?: \((?P<aside>[^()]*)\))?|(?P<in>\({_ADDRESS}\)))",
            words,
        )
        address = hex_bytes(found[0])
        if match is None or len(found) > 1 or found[0] != checksum(address):
            return None
        label = match["label"] or ""
        is_its_own = re.fullmatch(_PLACE, label, re.IGNORECASE) or self._names.get(_bare(label)) == address
        if label and not (match["at"] or match["in"] or is_its_own):
            return None  # "Ben via 0x..." is no name of 0x...
        return address if all(self._may_label(text, address) for text in (label, match["aside"] or "")) else None

    def _may_label(self, label: str, address: bytes) -> bool:
        """Whether words beside an address only call it something, and nothing that is another's in the book."""
        if not label:
            return True
        if re.fullmatch(r"[A-Za-z][\w.'-]*(?: [A-Za-z0-9][\w.'-]*){0,5}", label, re.ASCII) is None:
            return False
        if any(words.search(label) for words in (TURNS, TURNS_BY_PREFIX, ACTS, TURNS_A_LABEL, MONEY)):
            return False
        if re.search(r"\d", label) or self.has_symbol(label):
            return False
        return all(named == address for named in self.parties_in(label))

    def parties_in(self, text: str) -> list[bytes]:
        """The addresses of all names that stand in a text, also of those that mean several."""
        folded = text.casefold()
        return [address for name, address in self._parties if name and name in folded and _holds(text, name)]

    def has_symbol(self, text: str) -> bool:
        """Whether any token's symbol stands in a text, in any case."""
        folded = text.casefold()
        return any(_holds(text, symbol) for symbol in self._symbols if symbol and symbol in folded)


def _bare(name: str) -> str:
    return re.sub(r"^(?:the|our) ", "", " ".join(name.casefold().split()))


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text, re.IGNORECASE) is not None


# -------------------------------------------------------------------------------------------------------- the orders


_ONE_CALL = r"(?:(?:first|second|third|fourth|fifth|only) )?(?:call|transaction|payment)"
_SUBJECT = (
    r"(?:(?:call|transaction|step|payment) \d{1,2}: )?"
    rf"(?:(?:this (?:proposal|vote)|it|we|this {_ONE_CALL}|the {_ONE_CALL}(?: below)?"
    r"|(?P<payer_first>the (?:DAO|treasury|timelock|DAO's treasury)))(?: will| shall)? "
    r"|(?:we|i) propose to |this proposal (?:proposes |asks (?:the DAO |members )?)to )?"
)
_PAYER = r"(?P<payer>[^,;:]{1,90}?)"
_FROM = rf"(?: from {_PAYER})?"
_TO = r"(?P<to>[^,;:]{1,140}?)"
_ON = r"(?P<on>[^,;:]{1,140}?)"
_ENDING = (
    r"(?P<purpose>(?:,? (?:for|towards|to cover|to fund|to support) [a-z][a-z' -]{1,160}?)?(?:,? as agreed)?)"
    r"(?:,? and (?:it )?does nothing else)?[.!]?"
)


def _grammar(amount: str) -> list[tuple[Kind, str, re.Pattern[str]]]:
    """Kind, subject and form of the sentences that give an order."""
    a = f"(?:{amount})"
    role = rf"(?:the )?(?P<role>{_ROLE})(?: role)?"
    pay = "transfers?|sends?|pays?|disburses?|grants?|awards?"
    forms = [
        (Kind.TRANSFER, "", rf"(?:{pay}|donates?) {a}{_FROM} to {_TO}"),
        (Kind.TRANSFER, "", rf"(?:{pay}|donates?) {a} to {_TO} from {_PAYER}"),
        (Kind.TRANSFER, "", rf"(?:sends?|pays?|grants?|awards?) {_TO} {a}{_FROM}"),
        (Kind.APPROVE, "", rf"(?:approves?|allows?|permits?) {_TO} to (?:spend|take|pull) (?:up to )?{a}{_FROM}"),
        (Kind.APPROVE, "", rf"lets? {_TO} (?:spend|take|pull) (?:up to )?{a}{_FROM}"),
        (Kind.MINT, "", rf"mints? {a} (?:to|for) {_TO}"),
        (Kind.BURN, "", rf"burns? {a}{_FROM}"),
        (Kind.ROLE_CHANGE, "grant", rf"grants? {role} on {_ON} to {_TO}"),
        (Kind.ROLE_CHANGE, "revoke", rf"revokes? {role} on {_ON} from {_TO}"),
        (Kind.ROLE_CHANGE, "owner", rf"transfers? (?:the )?ownership of {_ON} to {_TO}"),
        (Kind.UPGRADE, "", rf"upgrades? {_ON} to (?:the (?:new )?(?:implementation|code)(?: at)? )?{_TO}"),
        (Kind.DELEGATE, "", rf"delegates? (?:the|our|its) (?:voting power|votes) on {_ON} to {_TO}"),
    ]
    return [(kind, what, re.compile(f"{_SUBJECT}{form}{_ENDING}", re.IGNORECASE)) for kind, what, form in forms]


@dataclass(frozen=True)
class _Said:
    """An order, and the words of its sentence about who pays and who is paid, "" for none."""

    order: Order
    payer: str
    party: str  # without the address


# -------------------------------------------------------------------------------------------------- all other sentences


_OPENING = re.compile(
    r"(?:(?:this proposal|it) (?:will )?|we propose to )?"
    r"(?:pays?|funds?|grants?|gives?|sends?|rewards?|transfers?) (?P<rest>.+)",
    re.IGNORECASE,
)
_ASKING = (
    r"(?:she|he|they|we|i|this proposal|the [a-z]+(?: [a-z]+)?) (?:asks?|appl(?:y|ies)) for a grant of "
    r"(?P<asked>{amount})(?P<rest>[a-z' -]*)\."
)
_NOTHING_ELSE = re.compile(
    r"(?:it|this proposal|the proposal|the call|this call) does nothing else\.?|nothing else (?:happens|is done)\.?"
    r"|there are no other calls\.?|no other call is made\.?",
    re.IGNORECASE,
)
_CALLS = r"(?:payments?|transfers?|calls?|transactions?|actions?)"
_LEAD_IN = re.compile(
    r"(?:(?:this|the) proposal|it|we)(?: will| shall)? (?:makes?|does|do|performs?|contains?|has)"
    rf" (?:the following|these|(?P<count>one|two|three|four|five))(?: {_CALLS})?:"
    rf"|(?:we propose|this proposal proposes) (?:the following|these)(?: {_CALLS})?:"
    rf"|(?:(?:the|these) )?{_CALLS}(?: are| below)?:|specification:|what (?:it|this proposal) does:",
    re.IGNORECASE,
)
_SECTION_OF_ORDERS = re.compile(
    rf"(?:(?:the )?(?:{_CALLS}|specification|execution|summary|abstract|proposal|grant|details?|implementation)"
    r"|what (?:it|this|this proposal|the call|the proposal) does|what happens)[.:]?",
    re.IGNORECASE,
)
_SECTION_ASIDE = re.compile(
    r"(?:(?:the )?(?:motivation|rationale|background|purpose|goals?|why|team|deliverables?)"
    r"|what we get|how it works)[.:]?",
    re.IGNORECASE,
)
# Behind other words, only a sentence that says so itself is an order of this proposal, and no quotation.
_OF_THIS_PROPOSAL = re.compile(r"(?:this (?:proposal|vote)|the [a-z ]{4,24} below) ", re.IGNORECASE)
_PLACE_IN_ORDER = re.compile(
    r"(?:call|transaction|step|payment) (?P<digits>\d{1,2}):"
    r"|(?<![a-z])(?P<word>first|second|third|fourth|fifth|only) (?:call|transaction|payment)",
    re.IGNORECASE,
)
_COUNTS = {word: number for number, words in enumerate(
    (("one", "first", "only"), ("two", "second"), ("three", "third"), ("four", "fourth"), ("five", "fifth")), 1
) for word in words}  # fmt: skip
_SEVERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|several|many|\d+)\b", re.IGNORECASE
)
_SHORTEST_SENTENCE = 4  # words; shorter ones are exclamations, and what "Psych!" says of an order nobody can list
_SENTENCE = re.compile(r"(?=.*[A-Za-z])[\w ,.;:!'()&/%-]+", re.ASCII)


class _Text:
    """Reads a whole text into its orders, and refuses one that holds anything it can't weigh."""

    def __init__(self, known: _Known) -> None:
        self.known = known
        self.orders: list[_Said] = []
        self._grammar = _grammar(known.amount)
        self._amount = re.compile(known.amount, re.IGNORECASE)
        unnamed = re.sub(r"\(\?P<\w+>", "(?:", known.amount)
        self._asking = re.compile(_ASKING.format(amount=unnamed), re.IGNORECASE)
        self._stated: list[tuple[bytes, int]] = []  # asset and base units that the title gives
        self._asked: list[tuple[bytes, int]] = []  # the same that somebody asks for
        self._parties: list[bytes | None] = []  # whom title and opening name
        self._called: list[str] = []  # the first word of what title and opening call the party
        self._counted: list[int] = []  # how many calls an introduction counts
        self._places: list[int] = []  # at which place among the calls a sentence puts its own
        self._is_aside = False  # whether this section gives reasons, not orders

    def read(self, document: Document) -> None:
        """Read the text. Raises _Unreadable with the reason."""
        before: _Block | None = None
        gave_orders, opened = False, False
        for number, block in enumerate(_blocks(document)):
            gives_orders = False
            if block.kind is BlockKind.HEADING and number == 0:
                self._read_title(block.text)
            elif block.kind is BlockKind.HEADING:
                self._is_aside = _SECTION_ASIDE.fullmatch(block.text) is not None
                if not self._is_aside and _SECTION_OF_ORDERS.fullmatch(block.text) is None:
                    raise _Unreadable("heading")
            elif block.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM):
                raise _Unreadable("table_or_code")
            elif block.text.endswith(":"):  # what introduces a list decides what the list is
                if (lead_in := _LEAD_IN.fullmatch(block.text)) is None:
                    raise _Unreadable("introduction")
                if lead_in["count"]:
                    self._counted.append(_COUNTS[lead_in["count"].casefold()])
            else:
                may_order = not self._is_aside and _may_order(block, before, gave_orders)
                gives_orders = self._read_block(block, may_order=may_order, is_first=not opened)
                opened = True
                in_list = (
                    before is not None and block.kind is BlockKind.ITEM and (gave_orders or before.text.endswith(":"))
                )
                if in_list and not gives_orders:
                    raise _Unreadable("item_no_order")
            before, gave_orders = block, gives_orders

    def restates(self, orders: Sequence[Order]) -> bool:
        """Whether title, opening and request name what the orders pay, one of them or all together, and to whom."""
        sums: Counter[bytes] = Counter()
        for order in orders:
            if order.kind is Kind.TRANSFER and order.asset is not None:
                sums[order.asset] += order.amount or 0
        each = {(order.asset, order.amount) for order in orders}
        parties = {address for order in orders for address in (order.recipient, order.target) if address is not None}
        return (
            parties.issuperset(self._parties)
            and len({asset for asset, _ in self._asked}) == len(self._asked)
            and all(amount == sums[asset] for asset, amount in self._asked)
            and all(stated in each or stated[1] == sums[stated[0]] for stated in self._stated)
        )

    def counts_truly(self) -> bool:
        """Whether the numbers of calls, and of a call among them, that the text gives fit the orders."""
        total = len(self.orders)
        return all(count == total for count in self._counted) and all(1 <= place <= total for place in self._places)

    def calls_truly(self, book: Book) -> bool:
        """Whether title and opening call nobody by a name that neither the orders nor the book give to the parties."""
        names = [f"{said.party} {book.names.get(said.order.recipient or b'', '')}" for said in self.orders]
        if any(not name.strip() for name in names):
            return True  # nobody names the address, so it may be this one
        return all(_holds(" ".join(names), word) for word in self._called)

    def _read_block(self, block: "_Block", *, may_order: bool, is_first: bool) -> bool:
        """Read a block's sentences: its orders first, then others. Returns whether it gives orders."""
        given = len(self.orders)
        for number, sentence in enumerate(re.split(r"(?<=[.!?]) ", block.text)):
            _refuse_long(sentence)
            said = self._order(sentence) if may_order else None
            if said is not None:
                self.orders.append(said)
                self._read_places(sentence)
            elif not (is_first and number == 0 and self._opens(sentence)):
                may_order = False  # what stands behind another sentence may be what that sentence speaks of
                self._pass_over(sentence, is_part=False)
        return len(self.orders) > given

    def _read_places(self, sentence: str) -> None:
        for place in _PLACE_IN_ORDER.finditer(sentence):
            self._places.append(int(place["digits"]) if place["digits"] else _COUNTS[place["word"].casefold()])
            if (place["word"] or "").casefold() == "only":
                self._counted.append(1)

    def _read_title(self, text: str) -> None:
        _refuse_long(text)
        for match in self._amount.finditer(text):
            if (stated := self.known.amount_of(match)) is None:
                raise _Unreadable("title_ambiguous")
            self._stated.append(stated)
        self._parties += [self.known.address_of(address) for address in re.findall(_ADDRESS, text)]
        self._parties += self.known.parties_in(text)
        rest = " ".join(re.sub(_ADDRESS, "", self._amount.sub("", text)).split())
        is_section = any(form.fullmatch(rest) for form in (_SECTION_OF_ORDERS, _SECTION_ASIDE))
        if rest and not is_section and not self._opens(rest):
            raise _Unreadable("title_says_else")

    def _order(self, sentence: str) -> _Said | None:
        """The order that a sentence gives, if it is all that the sentence says."""
        for kind, subject, form in self._grammar:
            match = form.fullmatch(sentence)
            if match is not None and (said := self._said(kind, subject, match)) is not None:
                return said
        return None

    def _said(self, kind: Kind, subject: str, match: re.Match[str]) -> _Said | None:
        groups = match.groupdict()
        purpose = groups["purpose"]
        if any(words.search(purpose) for words in (TURNS, TURNS_BY_PREFIX, TURNS_A_PURPOSE, ACTS, MONEY)):
            return None
        if self.known.has_symbol(purpose) or self.known.parties_in(purpose):
            return None
        if kind is not Kind.TRANSFER and purpose:
            return None  # what is paid may be paid for something; a right that is given "for a week" is limited
        asset = amount = None
        if "number" in groups:
            if (read := self.known.amount_of(match)) is None:
                return None
            asset, amount = read
        addresses = {place: self.known.address_of(groups[place]) for place in ("to", "on") if place in groups}
        payers = [words for words in (groups.get("payer"), groups.get("payer_first")) if words]
        if None in addresses.values() or len(payers) > 1:
            return None
        if groups.get("role"):
            subject = f"{subject} {groups['role']}"
        order = Order(kind, asset, amount, addresses.get("to"), addresses.get("on"), subject)
        return _Said(order, payers[0] if payers else "", re.sub(_ADDRESS, "", groups.get("to") or "").strip(" ()"))

    def _opens(self, sentence: str) -> bool:
        """Whether it says, without an amount, whom or what the payment is for. One such sentence begins many texts."""
        opening = _OPENING.fullmatch(sentence)
        if opening is None:
            return False
        self._parties += self.known.parties_in(opening["rest"])
        if TURNS_A_PURPOSE.search(opening["rest"]) or _SEVERAL.search(opening["rest"]):
            raise _Unreadable("title_limits")
        self._called += re.findall(r"(?:^|\bto )([A-Z][a-z]+)(?![A-Za-z])", opening["rest"])
        self._pass_over(opening["rest"], is_part=True)
        return True

    def _pass_over(self, sentence: str, *, is_part: bool) -> None:
        """Pass over a sentence that neither gives an order nor takes one back. Raises _Unreadable for any other.

        `is_part`: it is what a title or an opening says behind its verb, and no whole sentence.
        """
        if _NOTHING_ELSE.fullmatch(sentence):
            return
        if self.orders:
            raise _Unreadable("after_orders")
        if sentence and (_SENTENCE.fullmatch(sentence) is None or sentence.count("(") != sentence.count(")")):
            raise _Unreadable("signs")
        if not is_part and len(sentence.split()) < _SHORTEST_SENTENCE:
            raise _Unreadable("too_short")
        if not _is_english(sentence) or FOREIGN.search(sentence):
            raise _Unreadable("language")
        if (asking := self._asking.fullmatch(sentence)) is not None:
            amount = self._amount.fullmatch(asking["asked"])
            if amount is not None and (asked := self.known.amount_of(amount)) is not None:
                self._asked.append(asked)
                sentence = asking["rest"]
        if "?" in sentence or TURNS.search(sentence):
            raise _Unreadable("turn")
        if TURNS_ALL.search(sentence) or TURNS_BY_PREFIX.search(sentence):
            raise _Unreadable("takes_back")
        if not is_part and OWN_ACT.match(sentence):
            raise _Unreadable("speaks_of_this")
        if GOES_ON.match(sentence) or ELSEWHERE.search(sentence):
            raise _Unreadable("refers")
        if MONEY.search(sentence) or self.known.has_symbol(sentence):
            raise _Unreadable("speaks_of_money")
        if PARTY.search(sentence):
            raise _Unreadable("has_address")
        if ACTS.search(sentence) or ACTS_SOFTLY.search(sentence):
            raise _Unreadable("may_order")


def _refuse_long(sentence: str) -> None:
    if len(sentence) > MAX_SENTENCE_CHARS:
        raise _Unreadable("sentence_too_long")


def _may_order(block: "_Block", before: "_Block | None", gave_orders: bool) -> bool:
    """Whether a block can give orders: it is plain text, and what stands right before it makes it nothing else."""
    if block.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM) or block.linked:
        return False
    if before is None or gave_orders or before.text.endswith(":"):
        return True
    if before.kind is BlockKind.HEADING:  # not "What others asked for"
        return any(form.fullmatch(before.text) for form in (_SECTION_OF_ORDERS, _OPENING))
    if block.text.casefold().startswith("it "):
        return False  # nobody knows what "it" is
    if _OF_THIS_PROPOSAL.match(block.text) is None:
        return False  # it may be what the text before it quotes
    return block.kind is before.kind is BlockKind.PARAGRAPH and before.text.endswith((".", "!"))


def _is_english(text: str) -> bool:
    """Whether short words of English stand among the others, one in eight; of two words nobody can say."""
    words = re.findall(r"[a-z']+", re.sub(_ADDRESS, "", text.casefold()))
    return len(words) < 3 or sum(word in ENGLISH for word in words) * 8 >= len(words)


# -------------------------------------------------------------------------------------------------- what the page shows


_PLAIN = re.compile(r"[\x20-\x7e\u2013\u2014\u201c\u201d\u2026\u2022\u20ac\u00a3]*")


class _Unreadable(Exception):
    """Why the text can't be compared: the code of a sentence for a page."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.sentence = say(code)


@dataclass(frozen=True)
class _Block:
    """A paragraph, list item, heading, row of a table or quotation as the page shows it, on one line."""

    kind: BlockKind  # only a paragraph or an item can give orders
    text: str
    linked: bool = False


def _blocks(document: Document) -> list[_Block]:
    """The text as the page shows it. Raises _Unreadable for what other pages show differently, or not at all."""
    if len(document.source) > MAX_CHARS:
        raise _Unreadable("text_too_long")
    if re.search(r"&(?:#|[A-Za-z])\w*;", document.source):
        raise _Unreadable("entities")
    if document.has_html:
        raise _Unreadable("html")
    if any(block.has_struck_words for block in document.blocks):
        raise _Unreadable("struck_out")
    if document.has_definitions:  # their names are on no page
        raise _Unreadable("not_shown")
    found = [_Block(block.kind, _words(document.text, block), bool(block.targets)) for block in document.blocks]
    if any(_PLAIN.fullmatch(block.text) is None for block in found):
        raise _Unreadable("letters")
    return found


def _words(text: str, block: Block) -> str:
    """The author's words in a block, on one line: without the hosts that the page adds to links."""
    pieces, end = [], block.start
    for start, after in block.targets:
        if "0x" not in text[start:after]:  # an account that a link leads to counts like one in the words
            pieces.append(text[end:start])
            end = after
    return " ".join("".join((*pieces, text[end : block.end])).replace("\u2019", "'").split())
