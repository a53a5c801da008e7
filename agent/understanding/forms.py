# SPDX-License-Identifier: Apache-2.0
"""Does a clause have a form in which proposals give orders? Words that no such form has leave a doubt.

A list of bad words never ends: what may stand before an order's verb is a closed set, and what follows its amount and
receiver must not bind it to another time, place, part or condition. Nothing here makes an order out of a sentence.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from agent.understanding.mentions.quantities import Symbols

_BEFORE = frozenset(
    [
        "this", "the", "that", "these", "proposal", "proposals", "vote", "call", "calls", "transaction",
        "transactions", "dao", "treasury", "executor", "timelock", "governor", "safe", "multisig", "it", "we", "she",
        "he", "i", "me", "members", "community", "will", "would", "shall", "should", "be", "is", "are", "to", "hereby",
        "also",
        "then", "finally", "next", "lastly", "first", "second", "third", "and", "a", "an", "new", "our", "its",
        "their", "addr", "ask", "asks", "asked", "request", "requests", "requested", "propose", "proposes",
        "proposed", "seek", "seeks", "want", "wants", "votes", "if", "when", "once", "passes", "passed", "approved",
        "executed", "upon", "approval", "execution", "of", "step", "action", "actions", "transfer", "transfers",
        "payment", "payments", "specification", "summary", "order", "task", "grant", "funding", "please", "let",
        "by", "total", "amount", "sum", "following", "as", "follows", "for", "from", "with", "on", "in", "contract",
        "token", "funds", "voting", "period", "delay", "quorum", "threshold", "minimum", "min", "role", "proxy",
        "registry", "implementation", "owner", "ownership", "allowance", "tl", "dr", "so", "now", "all", "each",
        "both", "s", "below", "above", "listed", "ens", "name", "names", "instructs", "root", "registry's", "safe's",
        "dao's", "governor's", "timelock's", "proposal's", "treasury's", "recipient", "recipients", "bounty", "prize",
        "reward", "donation", "contribution",
    ]
)  # fmt: skip
_BINDS = re.compile(
    r"\b(?:after|until|till|unless|later|longer|shorter|in kind|in exchange|in trust|on (?:completion|delivery)|"
    r"upon (?:completion|delivery|acceptance)|on (?:base|polygon|arbitrum|optimism|gnosis|testnet)|or (?:more|less|so)|"
    r"(?:in|next|by) (?:january|february|march|april|june|july|august|september|october|november|december|year|"
    r"month|week|20\d\d)|minus|only with|and \w+ hours|or \w+ days|in case of|against|as if)\b|[🚫❌✗]|\[u\+"
)
_LIMITS = re.compile(
    r"\bfor (?:one|two|three|four|six|ten|thirty|a|an|\d+) (?:hour|day|week|month|year)s?(?: only)?\s*[.;]?$"
)

_AIM = re.compile(r"\bto [a-z]+ (?:the|our|its|it|them|a|an|this|these)\b.*")  # "to keep it current for a year"
_OF_WORK = re.compile(
    r"\b(?:did|done|made|worked?|spent|incurred|delivered) (?:so far )?in [a-z]+(?: 20\d\d)?"
)  # when work was done


_SUBJECT = re.compile(
    r", (?=(?:this (?:executable |on-?chain )?(?:proposal|vote)|we|it|the (?:dao|treasury|timelock))\b)"
)


_SAFE = re.compile(r"\b(?:the|our) [\w-]+ (?=(?:safe|multisig) )")  # "the operations Safe 0x... transfers"


def is_odd(folded: str, start: int, end: int, *, is_first: bool) -> bool:
    """Whether the words around a verb, `folded[start:end]`, are none that orders are given in. What stands before it is
    looked at where no other verb of an order is before it in the sentence."""
    clause = _SUBJECT.split(re.split(r"[.;](?=\s)|\n", folded[:start])[-1])[-1]
    if re.search(r"[`´❌🚫✗−\[]", clause):
        return True
    clause = _SAFE.sub(" ", clause)
    words = re.findall(
        r"(?<![\w.@-])[^\W\d_][^\W\d_']*(?:'s)?(?![\w@-])", re.sub(r"0x\w+|\d[\d.,\s]*\s\$?\w+", " ", clause)
    )
    is_strange = is_first and any(word not in _BEFORE for word in words)
    tail = _OF_WORK.sub(" ", folded[end:].split(". ")[0])
    return is_strange or _BINDS.search(tail) is not None or _LIMITS.search(_AIM.sub(" ", tail)) is not None


# Words that may stand between an order's verb, amount and receiver without changing what is paid to whom.
_BETWEEN = frozenset(
    [
        "a", "an", "the", "another", "total", "amount", "sum", "of", "grant", "payment", "transfer", "to", "for",
        "from", "out", "in", "at", "by", "back", "exactly", "up", "and", "will", "would", "shall", "should", "be",
        "is", "are", "it", "them", "him", "her", "us", "each", "both", "equal", "parts", "also", "hereby",
        "directly", "then", "via", "treasury", "dao", "dao's", "timelock", "executor", "governor", "safe",
        "multisig", "wallet", "address", "account", "contract", "recipient", "recipients", "team", "working",
        "group", "committee", "council", "fund", "funds", "tokens", "token", "following", "paid", "sent",
        "transferred", "bounty", "prize", "reward", "donation", "contribution",
        "its", "their", "this", "that", "our", "these", "account's", "with", "spend", "use", "take",
    ]
)  # fmt: skip
_PURPOSE = re.compile(r"\bfor\b[^,;]*?(?=\bto\b)")
_OF_COSTS = re.compile(r"\b(?:the|her|his|their|our) (?:[a-z-]+ ){0,2}(?:costs?|expenses?|fees) of\b")
_OF_SOMEBODY = re.compile(
    r"\b(?:the [a-z]{2,}|[A-Z][a-z]{2,})(?:'s|’s|s'|s’) (?=(?:address|wallet|account|multisig|safe)\b)"
)


def is_odd_between(text: str, spans: Sequence[tuple[int, int]], symbols: Symbols) -> bool:
    """Whether words between the verb, amount and receiver of an order (`spans`, in any order) may change them: "the
    invoice for", "a copy of". Names and addresses are spans; what stands in brackets or says a purpose is left out."""
    ordered = sorted(spans)
    text = re.sub(r"\([^()]*\)", lambda match: " " * len(match[0]), text)
    for (_, end), (start, _) in pairwise(ordered):
        gap = _PURPOSE.sub(" ", re.sub(r"\([^()]*\)", " ", f"{text[end:start]} to"))
        gap = _OF_COSTS.sub(" ", _OF_SOMEBODY.sub(" ", gap))
        if any(
            word.casefold() not in _BETWEEN and symbols.of(word) is None
            for word in re.findall(r"[^\W\d_][^\W\d_']*", gap)
        ):
            return True
    return False
