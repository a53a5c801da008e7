# SPDX-License-Identifier: Apache-2.0
"""A roster's lines as people write them on a page: one a line, a name, an address, and what it is paid each month."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from agent.acts.rosters import MAX_ENTRIES, NAMES, Line, RosterError
from governance.chain.address import BadAddress, checksum, to_bytes
from policies.notation.amounts import Token, Unclear, parse_supply_amount, write_amount

MOST_LINE = 300
# A name may have blanks: it ends where an address begins. Found in one look over the line, whoever wrote it.
_ADDRESS = re.compile(r"(?<=[\s,;])0[xX]\w++(?![^\s,;])")
_BETWEEN = ",; "


def read(text: str, tokens: Mapping[str, Token], kind: str) -> list[Line]:
    """Return the lines that a text means: `ines 0x52.. 1,000 USDC`; of names without amounts, `ines 0x52..`.

    `tokens` are those that the policy has a budget for, by symbol; a name for one-off payments gets the first of them.
    Raises RosterError with the number of the line and what is wrong with it.
    """
    if not tokens:
        raise RosterError("the policy has no budget in a token whose symbol can be written here")
    written = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(written) > MAX_ENTRIES:
        raise RosterError(f"a roster has at most {MAX_ENTRIES} entries, this one has {len(written)}")
    return [_line(number, line, tokens, kind) for number, line in written]


def _line(number: int, text: str, tokens: Mapping[str, Token], kind: str) -> Line:
    where = f"line {number}"
    if len(text) > MOST_LINE:
        raise RosterError(f"{where} has more than {MOST_LINE} characters")
    # Blanks of every script are one blank, so that what stands between the parts can be taken off.
    text = " ".join(text.split())
    found = _ADDRESS.search(text)
    if found is None:
        raise RosterError(f"{where}: write a name, an address and an amount, such as `ines 0x… 1,000 USDC`")
    address = found.group()
    name, amount = text[: found.start()].rstrip(_BETWEEN), text[found.end() :].lstrip(_BETWEEN)
    try:
        recipient = to_bytes(address)
    except BadAddress as error:
        raise RosterError(f"{where}: {error.problem}") from error
    if address != checksum(recipient):
        raise RosterError(f"{where}: {address} is not checksummed (EIP-55); copy the address from a wallet or explorer")
    if kind == NAMES:
        if amount:
            raise RosterError(f"{where}: a roster of names has no amounts: remove {amount}")
        return Line(unicodedata.normalize("NFKC", name), recipient, next(iter(tokens.values())).address, 0)
    try:
        units, token = parse_supply_amount(amount.strip(), dict(tokens))
    except Unclear as error:
        if error.unknown is not None:
            problem = f"the policy has no budget in {error.unknown}: write one of {', '.join(sorted(tokens))}"
            raise RosterError(f"{where}: {problem}") from error
        raise RosterError(f"{where}: {error}") from error
    return Line(unicodedata.normalize("NFKC", name), recipient, token.address, units)


def written(lines: Sequence[Line], tokens: Mapping[str, Token], *, apart: bool = True) -> str:
    """Return lines as `read` takes them, without those that are `left_out`; thousands `apart`, or without commas."""
    of = {token.address: token for token in tokens.values()}
    texts = []
    for line in lines:
        token = of.get(line.asset)
        if not line.amount:  # a name alone, whatever token it was signed with
            texts.append(f"{line.name} {checksum(line.recipient)}")
        elif token is not None:
            amount = write_amount(line.amount, token)
            texts.append(f"{line.name} {checksum(line.recipient)} {amount if apart else amount.replace(',', '')}")
    return "\n".join(texts)


def left_out(lines: Sequence[Line], tokens: Mapping[str, Token]) -> list[Line]:
    """The lines that can't be written: of an amount in a token that is not among `tokens`."""
    known = {token.address for token in tokens.values()}
    return [line for line in lines if line.amount and line.asset not in known]
