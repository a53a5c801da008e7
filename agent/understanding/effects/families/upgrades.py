# SPDX-License-Identifier: Apache-2.0
"""Code that replaces other code, and what is run in it at once."""

from typing import Any

from django.utils.translation import gettext_noop

from agent.understanding.effects.act import Act, Handler, Made, make
from agent.understanding.effects.book import Book
from agent.understanding.effects.effect import Kind
from agent.understanding.effects.wording import TABLE

SENTENCES = {"upgrade": gettext_noop("Replaces the code of {proxy} by that of {code}.")}
say = TABLE.add(SENTENCES)


def _upgrade(*, proxy: int | None = None, data: int | None = None) -> Handler:
    """A new implementation, the argument behind `proxy` (the target itself where None); `data` is run in it."""

    def handler(act: Act, book: Book, function: str, a: tuple[Any, ...]) -> Made:
        of, code = (act.target, a[0]) if proxy is None else (a[proxy], a[proxy + 1])
        sentence = say("upgrade", proxy=book.party(of), code=book.party(code))
        effect = make(act, Kind.UPGRADE, sentence, function, recipient=code, subject="code", others=[of])
        run = () if data is None or not a[data] else (act.initial(function.split("(")[0], of, a[data]),)
        return Made((effect,), run)

    return handler


MEANINGS: dict[str, Handler] = {
    "upgradeTo(address)": _upgrade(),
    "upgradeToAndCall(address,bytes)": _upgrade(data=1),
    "upgrade(address,address)": _upgrade(proxy=0),
    "upgradeAndCall(address,address,bytes)": _upgrade(proxy=0, data=2),
    "setImplementation(address)": _upgrade(),
    "_setImplementation(address)": _upgrade(),
}
