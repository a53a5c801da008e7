# SPDX-License-Identifier: Apache-2.0
"""A document -> passages: each sentence, list item, table row and record, with the words that govern it.

A heading governs its section, an introduction (a line that ends with a colon) the list, table or paragraph after it, a
list item the items inside it. A record is a list or table of names and values: "Amount: 100 USDC", "Recipient: ...".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from agent.understanding.ingest import Document
from governance.text import Block, BlockKind

MAX_PASSAGES = 1_500  # of one text; what comes after is not read, and nothing counts as told then
MAX_TITLE = 1_000  # characters of all titles together; a longer one leaves a doubt about every order
MAX_CHARS = 1_200  # of one passage; a longer one orders nothing


class Shape(StrEnum):
    """How a passage stands in the text."""

    SENTENCE = "sentence"
    ITEM = "item"  # a sentence of a list item
    ROW = "row"
    RECORD = "record"
    HEADING = "heading"
    CODE = "code"


@dataclass(frozen=True)
class Field:
    """One cell of a row or one value of a record, with what names it."""

    key: str  # a key of KEYS, "" for another
    name: str  # the words themselves
    text: str
    start: int
    begin: int = -1  # of the name


@dataclass(frozen=True)
class Passage:
    """`document.text[start:end]`, with all that governs it, outermost first."""

    shape: Shape
    start: int
    end: int
    text: str
    section: int
    group: int  # passages of one list, of one table, or of the prose of one section
    headings: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()  # introductions, captions, the items around
    fields: tuple[Field, ...] = ()
    is_quoted: bool = False
    is_struck: bool = False
    is_title: bool = False
    introduction: str = ""  # the sentence before, in the same section, where it may make this one somebody else's
    title: str = ""  # the document's first heading of the first level


@dataclass
class Section:
    """The text between two headings."""

    heading: str
    start: int
    end: int
    passages: list[Passage] = field(default_factory=list)


_KEYS = {
    "recipient": "recipient recipients to beneficiary beneficiaries payee payees receiver destination wallet paid_to "
    "recipient_address recipient_wallet receiving_address destination_address address addresses account "
    "payment_address "
    "destinatario beneficiario bénéficiaire destinataire empfänger destinatário beneficiário 收款人 接收人 "
    "收款地址 接收方",
    "amount": "amount amounts value sum grant grant_size total total_amount amount_requested requested "
    "requested_amount "
    "funding payment budget cantidad importe monto montant betrag valor quantia 金额 数量 数额",
    "payer": "from payer sender source paid_from de_la_part desde von 付款人 来自",
    "token": "token asset currency coin unit moneda devise währung moeda 代币 币种",
    "spender": "spender approved_spender spender_address",
    "role": "role permission rol rôle rolle",
    "contract": "contract target target_contract contract_address on proxy contrato contrat vertrag 合约 目标",
    "function": "function functions method function_call signature call_function",
    "parameter": "parameter parameters arguments args setting",
    "new": "new new_value new_setting proposed proposed_value after nuevo nouveau neu novo 新值",
    "old": "old current current_value old_value before existing actual actuel alt atual 旧值",
    "calldata": "calldata encoded_calldata data call_data",
    "holder": "holder grantee account_granted member signer owner new_owner implementation new_implementation "
    "delegatee",
}
KEYS = {word.replace("_", " "): key for key, words in _KEYS.items() for word in words.split()}
_KEY_LINE = re.compile(r"^(?P<name>[^\W\d_][^:\n|]{0,40}?)\s?[:：](?:\s|$)(?P<value>.*)$", re.DOTALL)
_DASHED = re.compile(r"^(?P<name>[^\W\d_][^:\n|–—]{0,40}?)\s[–—-]\s(?P<value>.*)$", re.DOTALL)
_END = re.compile(
    r"(?:(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\W_])|(?<=[。！？；])\s*|\n(?=\s*(?:[-*•‣]|\d{1,3}[.)])\s))"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no|approx|inc|ltd|mr|ms|mrs|dr|st|fig|sec|art|ca|z\.b|u\.s)|\b[A-Za-z])\.$",
    re.IGNORECASE,
)
_LEAD = re.compile(r"[:：]\s*$")
_UNIT_IN_HEADER = re.compile(r"\(\s*\$?([A-Za-z][\w.]{1,11})\s*\)|\bin\s+\$?([A-Z][\w.]{1,11})\b")


def key_of(name: str) -> str:
    """Return what a name of a value or column means: a key of KEYS, or ""."""
    plain = re.sub(r"\([^)]*\)", "", name).casefold().strip(" *_`.#:")
    plain = " ".join(plain.split())
    if plain in KEYS:
        return KEYS[plain]
    words = plain.split()
    if 1 < len(words) <= 4:
        for word in (words[-1], words[0]):
            if word in KEYS and KEYS[word] in ("recipient", "amount", "token", "spender"):
                return KEYS[word]
    return ""


def unit_in_header(name: str) -> str:
    """Return the symbol that a column's name gives for its numbers: "Amount (USDC)"; "" for none."""
    found = _UNIT_IN_HEADER.search(name)
    return (found[1] or found[2]) if found else ""


def passages(document: Document) -> tuple[list[Passage], list[Section]]:
    """Return the passages of a document in order, and its sections. Linear in the text."""
    return _Reader(document).read()


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentences of `text[start:end]`."""
    begin = start
    for match in _END.finditer(text, start, end):
        if _ABBREVIATION.search(text[max(begin, match.start() - 12) : match.start()]):
            continue
        if text[begin : match.start()].strip():
            yield _strip(text, begin, match.start())
        begin = match.end()
    if text[begin:end].strip():
        yield _strip(text, begin, end)


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


class _Marks:
    """Quotation marks and brackets that passages before have opened and not closed."""

    def __init__(self) -> None:
        self._plain = self._curly = self._brackets = 0
        self._fences: set[str] = set()

    @property
    def is_open(self) -> bool:
        return bool(self._plain % 2 or self._curly > 0 or self._brackets > 0 or self._fences)

    def read(self, text: str) -> None:
        self._plain += text.count('"')
        self._curly = max(0, self._curly + sum(map(text.count, "“„«「")) - sum(map(text.count, "”»」")))
        self._brackets = max(0, self._brackets + text.count("(") - text.count(")"))
        if len(text) <= 6 and not any(map(str.isalnum, text)) and not set(text) <= set('()"“”„«»「」 '):
            self._fences ^= {"".join(sorted(set(text)))}


class _Reader:
    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._blocks = document.blocks
        self._lines = document.source.split("\n")
        self._headings: list[tuple[int, str]] = []
        self._found: list[Passage] = []
        self._sections = [Section("", 0, 0)]
        self._group = 0
        self._prose_group = 0
        self._lead = ""
        self._has_prose = False
        self._title = ""
        self._before = ""  # the sentence before, in the same section
        self._open = _Marks()
        self._single: list[tuple[Field, Block]] = []

    def read(self) -> tuple[list[Passage], list[Section]]:
        index = 0
        while index < len(self._blocks) and len(self._found) < MAX_PASSAGES:
            block = self._blocks[index]
            if block.kind is BlockKind.HEADING:
                self._heading(block)
                index += 1
            elif block.kind is BlockKind.ROW:
                stop = index
                while stop < len(self._blocks) and self._blocks[stop].kind is BlockKind.ROW:
                    if stop > index and self._blocks[stop].lines[0] > self._blocks[stop - 1].lines[1] + 1:
                        break
                    stop += 1
                self._table(self._blocks[index:stop])
                self._lead = ""
                index = stop
            elif block.kind is BlockKind.ITEM:
                stop = index
                while stop < len(self._blocks) and self._blocks[stop].kind in (BlockKind.ITEM, BlockKind.CODE):
                    stop += 1
                self._list(self._blocks[index:stop])
                self._lead = ""
                index = stop
            else:
                self._prose(block)
                index += 1
        self._flush()
        self._sections[-1].end = len(self._text)
        return self._found, self._sections

    def _new_group(self) -> int:
        self._group += 1
        return self._group

    def _add(self, shape: Shape, start: int, end: int, group: int, leads: Iterable[str] = (),
             block: Block | None = None, fields: tuple[Field, ...] = (), is_title: bool = False) -> None:  # fmt: skip
        text = self._text[start:end]
        if not text.strip() or len(self._found) >= MAX_PASSAGES:
            return
        is_inside = shape is not Shape.CODE and self._open.is_open
        if shape is not Shape.CODE:
            self._open.read(text)
        passage = Passage(
            shape, start, end, text, len(self._sections) - 1, group,
            tuple(heading for _, heading in self._headings), tuple(lead for lead in leads if lead), fields,
            is_quoted=is_inside or (block is not None and block.kind is BlockKind.QUOTATION),
            introduction=self._before,
            is_struck=block is not None and block.has_struck_words, is_title=is_title,
            title=self._title,
        )  # fmt: skip
        if shape is not Shape.ROW:  # a sentence above a table stands above each of its rows
            is_prose = shape in (Shape.SENTENCE, Shape.ITEM) and len(text) < 200
            self._before = " ".join(text.split()) if is_prose else ""
        self._found.append(passage)
        self._sections[-1].passages.append(passage)

    def _heading(self, block: Block) -> None:
        self._flush()
        words = " ".join(self._text[block.start : block.end].split())
        line = self._lines[block.lines[0]].lstrip() if block.lines[0] < len(self._lines) else ""
        level = len(line) - len(line.lstrip("#")) or (2 if self._ends_with(block, "-") else 1)
        is_title = level == 1 and not self._has_prose and not self._headings
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._sections[-1].end = block.start
        self._before, self._open = "", _Marks()
        self._sections.append(Section(words, block.start, block.end))
        self._lead = ""
        self._prose_group = self._new_group()
        self._add(Shape.HEADING, block.start, block.end, self._new_group(), block=block, is_title=is_title)
        if is_title:
            self._title = " ".join((self._title, words)).strip()[:MAX_TITLE]
        else:
            self._headings.append((level, words))

    def _ends_with(self, block: Block, mark: str) -> bool:
        last = block.lines[1] - 1
        return 0 <= last < len(self._lines) and self._lines[last].strip().startswith(mark)

    def _prose(self, block: Block) -> None:
        self._has_prose = True
        if block.kind is BlockKind.CODE:
            self._flush()
            self._add(Shape.CODE, block.start, block.end, self._new_group(), (self._lead,), block)
            self._lead = ""
            return
        lines = [piece for piece in _lines(self._text, block.start, block.end)]
        keyed = [self._keyed(*piece) for piece in lines]
        if len(lines) > 1 and sum(bool(one and one.key) for one in keyed) >= 2:
            self._record([one for one in keyed if one], block, (self._lead,), self._new_group())
            self._lead = ""
            return
        if len(lines) == 1 and keyed[0] is not None and keyed[0].key in _RECORD_KEYS and keyed[0].text:
            self._single.append((keyed[0], block))
            return
        self._flush()
        parts = list(sentences(self._text, block.start, block.end))
        lead = self._lead
        for start, end in parts:
            self._add(Shape.SENTENCE, start, end, self._prose_group, (lead,), block)
        last = " ".join(self._text[parts[-1][0] : parts[-1][1]].split()) if parts else ""
        self._lead = ""
        if _LEAD.search(last) or (len(parts) == 1 and len(last.split()) <= 8 and last[-1:] not in ".!?。"):
            self._lead = " ".join((lead, last)).strip() if _LEAD.search(lead) and lead else last

    def _flush(self) -> None:
        """Lines of one name and value each, a paragraph apart: together they are a record."""
        single, self._single = self._single, []
        if single:
            self._record([one for one, _ in single], single[0][1], (self._lead,), self._new_group())
            self._lead = ""

    def _keyed(self, start: int, end: int) -> Field | None:
        text = self._text[start:end]
        match = _KEY_LINE.match(text) or _DASHED.match(text)
        if match is not None and match.re is _DASHED and key_of(match["name"]) not in _RECORD_KEYS:
            return None
        if match is None or len(match["name"].split()) > 5:
            return None
        name, value = match["name"].strip(" *_`"), match["value"]
        return Field(key_of(name), name, value.strip(), start + match.start("value"), start)

    def _record(self, fields: Sequence[Field], block: Block, leads: Sequence[str], group: int) -> None:
        """Names and values as records: a repeated name begins the next one."""
        current: list[Field] = []
        seen: set[str] = set()
        records: list[list[Field]] = []
        for one in fields:
            name = one.name.casefold()
            if name in seen and one.key in ("recipient", "amount", "role", "function", "contract", "payer"):
                records.append(current)
                current, seen = [], set()
            seen.add(name)
            current.append(one)
        records.append(current)
        for record in records:
            if not record:
                continue
            last = record[-1]
            end = min(last.start + len(last.text), len(self._text))
            self._add(Shape.RECORD, record[0].begin if record[0].begin >= 0 else record[0].start,
                      end, group, leads, block, tuple(record))  # fmt: skip

    def _list(self, blocks: Sequence[Block]) -> None:
        self._flush()
        self._has_prose = True
        group = self._new_group()
        around: list[tuple[int, str]] = []  # indentation and first words of the items around
        pending: list[Field] = []
        first: Block | None = None
        pending_leads: tuple[str, ...] = ()

        def flush() -> None:
            nonlocal pending, first
            if pending and first is not None:
                self._record(pending, first, pending_leads, group)
            pending, first = [], None

        for block in blocks:
            if block.kind is BlockKind.CODE:
                self._add(Shape.CODE, block.start, block.end, group, (self._lead,), block)
                continue
            line = self._lines[block.lines[0]] if block.lines[0] < len(self._lines) else ""
            indent = len(line) - len(line.lstrip(" \t"))
            while around and around[-1][0] >= indent:
                around.pop()
            leads = (self._lead, *(words for _, words in around))
            keyed = self._keyed(block.start, block.end)
            if keyed is not None and keyed.key and keyed.text:
                if pending and leads != pending_leads:
                    flush()
                first, pending_leads = first or block, leads
                pending.append(keyed)
            elif keyed is not None and keyed.key == "recipient":
                pass
            else:
                for start, end in sentences(self._text, block.start, block.end):
                    self._add(Shape.ITEM, start, end, group, leads, block)
            around.append((indent, " ".join(self._text[block.start : block.end].split())[:200]))
        flush()

    def _table(self, rows: Sequence[Block]) -> None:
        self._flush()
        self._has_prose = True
        group = self._new_group()
        cells = [list(self._cells(row)) for row in rows]
        if not cells:
            return
        pairs = [row for row in cells if len(row) == 2]
        is_headed = len(cells[0]) == 2 and all(
            key_of(text) in _RECORD_KEYS for _, text in cells[0]
        )  # "Recipient | Amount"
        is_record = not is_headed and sum(key_of(row[0][1]) in _RECORD_KEYS for row in cells) >= 2
        if len(pairs) == len(cells) and is_record:
            fields = [Field(key_of(name), name, value, at, begin) for (begin, name), (at, value) in cells]
            self._record(fields, rows[0], (self._lead,), group)
            return
        header = [" ".join(text.split()) for _, text in cells[0]]
        caption = " | ".join(header)
        for row, block in zip(cells[1:], rows[1:], strict=True):
            fields = tuple(
                Field(key_of(header[n]) if n < len(header) else "", header[n] if n < len(header) else "", text, at)
                for n, (at, text) in enumerate(row)
            )
            self._add(Shape.ROW, block.start, block.end, group, (self._lead, caption), block, fields)
        self._add(Shape.HEADING, rows[0].start, rows[0].end, group, (self._lead,), rows[0])

    def _cells(self, row: Block) -> Iterator[tuple[int, str]]:
        start = row.start
        for text in self._text[row.start : row.end].split("\t"):
            yield start, text.strip()
            start += len(text) + 1


_RECORD_KEYS = ("recipient", "amount", "payer", "token", "spender", "role", "contract")


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for line in text[start:end].split("\n"):
        if line.strip():
            yield _strip(text, begin, begin + len(line))
        begin += len(line) + 1
