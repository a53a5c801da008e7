# SPDX-License-Identifier: Apache-2.0
"""Quantities as people write them: amounts of tokens, money, durations, shares and bare numbers. Exact, never a float.

A number that can be read in two ways (1.500) keeps both readings; who compares must say so. Time is linear in the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from functools import cache

from agent.understanding.mentions.languages import NUMBER_WORDS, SCALES, TIME_UNITS

MAX_DIGITS = 90  # a longer number is no amount


class Unit(StrEnum):
    """What a number counts."""

    TOKEN = "token"  # noqa: S105 - the symbol is in `symbol`, in the book or not
    MONEY = "money"  # dollars or euros, in no token
    TIME = "time"  # seconds
    BLOCKS = "blocks"
    PERCENT = "percent"
    BPS = "bps"
    BARE = "bare"


@dataclass(frozen=True)
class Quantity:
    """A number in a text at `[start:end]`. `readings` has two where the digits can be read in two ways.

    `symbol` is the token's as the book spells it (or, of a token that the book lacks, as the text does). Times are in
    seconds. `per_s` is the seconds of a rate (0 for none). `is_about` marks an approximation or a limit.
    """

    start: int
    end: int
    readings: tuple[Decimal, ...]
    unit: Unit
    symbol: str = ""
    is_known: bool = False  # the book has the symbol
    per_s: int = 0
    is_about: bool = False
    is_limit: bool = False  # "up to"
    is_total: bool = False
    is_conversion: bool = False  # what another amount is worth: "6,000 ETH (~$20M)"


_DIGITS = (
    r"(?:\d{1,3}(?:[ \u00a0\u202f\u2009'’]\d{3}){1,25}(?:[.,]\d{1,30})?(?!\d)"  # 2 500, 2'500.00
    r"|\d{1,3}(?:,\d{2,3}){1,25}(?:\.\d{1,30})?(?!\d)"  # 2,500.00
    r"|\d{1,3}(?:\.\d{3}){1,25}(?:,\d{1,30})?(?!\d)"  # 2.500,00
    r"|\d{1,90}(?:[.,]\d{1,30})?(?!\d))(?![xX])"
)
_WORDS = "|".join(sorted((re.escape(w) for w in NUMBER_WORDS if not w.endswith("_")), key=len, reverse=True))
_LONG = [word for word in SCALES if len(word) > 2 or not word.isascii()]
_SCALE_WORDS = "|".join(sorted(map(re.escape, _LONG), key=len, reverse=True))
_LONG_SCALES = rf"(?:{_SCALE_WORDS})"
_SPELLED = rf"(?:{_WORDS}|half a|a|{_LONG_SCALES})(?:(?:[ -]| and | y | e | et )(?:{_WORDS}|{_LONG_SCALES})){{0,8}}"
_SIGN = r"(?:US\$|USD|EUR|[$€£])"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![A-Za-z]){_SIGN}\s?)?(?<![\w.,\u2019'-])(?P<digits>{_DIGITS})"
    rf"(?:[ \u00a0-]?(?P<scale>{_LONG_SCALES}|mm|bn|[kKmMbB])(?![\w]))?"
    rf"|(?<![\w-])(?P<spelled>{_SPELLED})(?![\w])",
    re.IGNORECASE,
)
_ADJECTIVES = (
    "vested|native|mainnet|wrapped|liquid|unlocked|additional|worth of|worth|units of|of|in|de|en|em|d'|的|个|枚"
)
_AFTER = re.compile(
    rf"\s{{0,3}}(?:(?:{_ADJECTIVES})\s{{1,2}}){{0,2}}(?P<unit>\$?[A-Za-z€$£%‰\u4e00-\u9fff][\w.$+-]{{0,24}}|%|‰)",
    re.IGNORECASE,
)
_MONEY_IN = re.compile(r"\s{0,2}\(?(?:worth )?(?:in|of|en|em|worth of|的)\s(?P<symbol>[A-Za-z][\w.+]{0,14})")
_BEFORE = re.compile(r"(?<![\w.-])\$?(?P<symbol>[A-Za-z][\w.+]{0,14})[ \u00a0:]{1,2}$")
_RATE = re.compile(
    r"\s{0,2}(?:tokens?\s)?(?:/|per\s|a\s|an\s|each\s|every\s|por\s|al\s|par\s|pro\s|每)\s?(?P<time>[^\W\d_]{1,10})"
    r"|\s(?P<adverb>monthly|yearly|annually|weekly|daily|quarterly|mensual(?:es)?|mensuel(?:s)?|monatlich|"
    r"jährlich)(?!\w)"
)
_ADVERBS = {"daily": 86_400, "weekly": 604_800, "quarterly": 7_889_400}
_ABOUT = re.compile(
    r"(?:~|≈|<|>|\b(?:about|approximately|approx\.?|around|roughly|circa|ca\.?|nearly|almost|close to|over|more than|"
    r"less than|fewer than|at least|some|estimated|leaving|remaining|aproximadamente|cerca de|unos|environ|etwa|rund|"
    r"mehr als|más de|mais de|plus de|大约|约|至少|超过))\s{0,2}(?:a\s)?(?:US)?[$€£]?$"
)
_LIMIT = re.compile(
    r"\b(?:up to|at most|no more than|not more than|not exceeding|not to exceed|maximum(?: of)?|max\.?|hasta|jusqu'à|"
    r"bis zu|até|最多)\s{0,2}(?:a total of )?[$€£]?$"
)
_WORTH = re.compile(r"[ -]{0,2}(?:tokens? )?(?:worth\b|equivalent|denominated|in value|valued?\b|-pegged|on average)")
_IN_SYMBOL = re.compile(r"\s(?:in|as) ([A-Za-z][\w.]{1,11})")
_COUNTED = re.compile(r"[ -](?:[\w$]{2,11} )?(?:transfers|payments|transactions|calls|approvals|streams|proposals)\b")
_NUMBER_BEFORE = re.compile(r"(?<![\w.])\d{1,3}\s$")
_TOTAL = re.compile(
    r"\b(?:total|totals|totalling|totaling|in all|altogether|combined|sum|sums|aggregate|overall|summe|insgesamt|"
    r"gesamt|somme|en total|合计|总计|共计)\b"
)
_STABLE = (
    "USDC",
    "USDT",
    "DAI",
    "USDS",
    "LUSD",
    "GHO",
    "PYUSD",
    "RLUSD",
    "USDC.e",
    "xDAI",
    "crvUSD",
    "FRAX",
    "BUSD",
    "TUSD",
)
_MONEY_UNITS = {
    "$",
    "usd",
    "us$",
    "dollar",
    "dollars",
    "dólares",
    "dolares",
    "€",
    "eur",
    "euro",
    "euros",
    "£",
    "gbp",
    "美元",
}
_NO_TOKEN = set(
    [
        "EP",
        "EIP",
        "ERC",
        "TLD",
        "UTC",
        "GMT",
        "AM",
        "PM",
        "KB",
        "MB",
        "GB",
        "TB",
        "AND",
        "OR",
        "TO",
        "FOR",
        "FROM",
        "THE",
        "IN",
        "OF",
        "ON",
        "AT",
        "AS",
        "WITH",
        "BY",
        "TWAP",
        "SPP",
        "SP",
        "DAO",
        "DAOS",
        "ID",
        "IDS",
        "URL",
        "DNS",
        "API",
        "PR",
        "PRS",
        "FAQ",
        "KPI",
        "KPIS",
        "WG",
        "WGS",
        "Q1",
        "Q2",
        "Q3",
        "Q4",
        "MIT",
        "AI",
        "UI",
        "UX",
        "NFT",
        "NFTS",
        "L1",
        "L2",
        "L2S",
        "EVM",
        "HTTP",
        "HTTPS",
        "PDF",
        "CEO",
        "CTO",
        "LLC",
        "A",
        "AN",
        "IS",
        "IT",
        "II",
        "III",
        "IV",
        "EST",
        "CET",
        "PST",
        "BPS",
        "ETC",
        "VS",
        "NOT",
        "NO",
        "IF",
    ]
)


@dataclass(frozen=True)
class Symbols:
    """The book's token symbols by their casefolded form; one that two tokens share means neither."""

    known: Mapping[str, str]

    def of(self, word: str) -> str | None:
        """Return the book's spelling of a symbol in a text, or None."""
        word = word.lstrip("$").rstrip(".")
        found = self.known.get(word.casefold())
        if found is None:
            return None
        # A short symbol in small letters is more likely a word: "ens" for ENS is none, "usdc" is.
        return found if word == found or not word.islower() or len(word) >= 4 or word == "eth" else None


def readings(digits: str) -> tuple[Decimal, ...]:
    """Return the numbers that these digits can mean, the likelier first."""
    text = re.sub(r"[ \u00a0\u202f\u2009'’]", "", digits)
    with localcontext(Context(prec=200)):
        if "," in text and "." in text:
            if text.rindex(",") > text.rindex("."):
                text = text.replace(".", "").replace(",", ".")
            else:
                text = text.replace(",", "")
            return (Decimal(text),)
        if "," in text:
            head, _, tail = text.rpartition(",")
            if "," in head or (len(tail) == 3 and len(head) <= 3 and head != "0"):
                return (Decimal(text.replace(",", "")),)
            return (Decimal(f"{head}.{tail}"),)
        if "." in text:
            head, _, tail = text.rpartition(".")
            if "." in head:
                return (Decimal(text.replace(".", "")),)
            if len(tail) == 3 and len(head) <= 3 and head != "0":
                return (Decimal(text), Decimal(f"{head}{tail}"))
        return (Decimal(text),)


def _spelled(words: str) -> Decimal | None:
    """Return the number that words spell, or None: "two hundred and fifty thousand" is 250000."""
    total, current, seen = 0, 0, False
    last = 10**30  # of the words before, so that "one two five" is no number
    for word in re.split(r"[ -]+", words.casefold()):
        if word in ("and", "y", "e", "et", "a", "of", ""):
            continue
        if word == "half":
            current, seen = -1, True  # half a million
        elif word in NUMBER_WORDS:
            number = NUMBER_WORDS[word]
            if number >= last or (last < 100 and not (last % 10 == 0 and number < 10)):
                return None
            current, seen, last = current + number, True, number
        elif word in SCALES:
            scale = SCALES[word]
            if current == -1:
                return Decimal(scale) / 2
            last = scale
            if scale == 100:
                current = max(current, 1) * 100
            else:
                total, current = total + max(current, 1) * scale, 0
            seen = True
        else:
            return None
    return Decimal(total + max(current, 0)) if seen else None


@cache
def _time_unit(word: str) -> int:
    return TIME_UNITS.get(word.casefold(), 0)


def quantities(text: str, symbols: Symbols, default_unit: str = "") -> list[Quantity]:
    """Return the quantities in one sentence or cell, in order. `default_unit`: a table header's symbol, "" for none."""
    found: list[Quantity] = []
    folded = text.casefold()
    is_total = _TOTAL.search(folded) is not None
    for match in _NUMBER.finditer(text):
        quantity = _quantity(text, folded, match, symbols, default_unit, is_total=is_total)
        if quantity is not None:
            found.append(quantity)
    return found


def _quantity(
    text: str, folded: str, match: re.Match[str], symbols: Symbols, default_unit: str, *, is_total: bool
) -> Quantity | None:
    start, end = match.span()
    if match["digits"]:
        if len(match["digits"]) > MAX_DIGITS or (start > 0 and text[start - 1] in "#"):
            return None
        numbers = readings(match["digits"])
        scale = (match["scale"] or "").casefold()
        if scale:
            with localcontext(Context(prec=200)):
                scales = (
                    (SCALES[scale], 10**6) if scale == "mil" else (SCALES[scale],)
                )  # Spanish, and short for a million
                numbers = tuple(dict.fromkeys(number * one for number in numbers[:1] for one in scales))
    else:
        spelled = match["spelled"].casefold()
        if spelled in ("a", "an") or (spelled in ("m", "b", "k")):
            return None
        number = _spelled(spelled)
        if number is None:
            return None
        numbers = (number,)
    before = folded[max(0, start - 40) : start]
    if _COUNTED.match(folded, end) is not None:
        return None
    about, limit = _ABOUT.search(before) is not None, _LIMIT.search(before) is not None
    after = _AFTER.match(text, end)
    word = (after["unit"] if after else "").rstrip(".,;:-")
    sign = (match["sign"] or "").strip() if match["digits"] else ""
    unit, symbol, known = Unit.BARE, "", False
    place = end
    if after is not None and (named := symbols.of(word)) is not None and (not sign or _is_dollars(sign, named)):
        unit, symbol, known, place = Unit.TOKEN, named, True, after.end()
    elif sign or word.casefold() in _MONEY_UNITS:
        unit, place = Unit.MONEY, end if sign else after.end() if after else end
        inside = _MONEY_IN.match(text, place)
        if inside is not None and (named := symbols.of(inside["symbol"])) is not None:
            if _is_dollars(sign or word, named):
                unit, symbol, known = Unit.TOKEN, named, True
            place = inside.end()
        elif inside is not None and _is_symbol(inside["symbol"]):
            symbol = inside["symbol"]
    elif seconds := _time_unit(word):
        with localcontext(Context(prec=200)):
            numbers = tuple(number * seconds for number in numbers)
        unit, place = Unit.TIME, after.end() if after else end
    elif word.casefold() in ("block", "blocks", "bloques", "blocs", "blöcke", "blocos", "区块"):
        unit, place = Unit.BLOCKS, after.end() if after else end
    elif word[:1] in ("%",) or word.casefold() in ("percent", "percentage", "prozent", "porcentaje", "pct"):
        unit, place = Unit.PERCENT, after.end() if after else end
    elif word.casefold() in ("bps", "bp", "basis"):
        unit, place = Unit.BPS, after.end() if after else end
    elif (lead := _BEFORE.search(text[max(0, start - 18) : start])) and (
        (named := symbols.of(lead["symbol"])) is not None
    ):
        unit, symbol, known = Unit.TOKEN, named, True
    elif default_unit:
        unit, symbol, known = Unit.TOKEN, default_unit, symbols.of(default_unit) is not None
    elif after is not None and _is_symbol(word) and match["digits"]:
        unit, symbol, place = Unit.TOKEN, word.lstrip("$"), after.end()
    if unit is Unit.TOKEN and not sign:
        inside = _IN_SYMBOL.match(text, place)
        other = symbols.of(inside[1]) if inside is not None else None
        about = about or _WORTH.match(folded, place) is not None or (other is not None and other != symbol)
    if match["digits"] and (
        re.match(r"0\d", match["digits"]) or _NUMBER_BEFORE.search(text[max(0, start - 8) : start])
    ):
        about = True
    rate = _RATE.match(folded, place)
    per_s = 0
    if rate is not None:
        per_s = _time_unit(rate["time"]) if rate["time"] else _ADVERBS.get(rate["adverb"], 2_629_800)
    inside_brackets = text.rfind("(", max(0, start - 30), start) > text.rfind(")", max(0, start - 30), start)
    return Quantity(
        start,
        max(end, place),
        numbers,
        unit,
        symbol,
        known,
        per_s,
        is_about=about,
        is_limit=limit,
        is_total=is_total,
        is_conversion=unit is Unit.MONEY and (inside_brackets or about),
    )


def _is_dollars(sign: str, symbol: str) -> bool:
    """Whether so many dollars are so many of a token."""
    return symbol in _STABLE and sign.casefold() in {
        "$",
        "us$",
        "usd",
        "dollar",
        "dollars",
        "dólares",
        "dolares",
        "美元",
    }


def _is_symbol(word: str) -> bool:
    """Whether a word looks like a token's symbol that the book lacks: letters, at least two of them capitals."""
    word = word.lstrip("$")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9.]{1,11}", word) or word.upper() in _NO_TOKEN:
        return False
    return sum(map(str.isupper, word)) >= 2
