# SPDX-License-Identifier: Apache-2.0
"""What a contract's code alone says: whether it can destroy itself, whether it runs other code, what it does not name.

Nothing is proved by what is found: code may be reached that never runs. What is *not* found is sure.
"""

from collections.abc import Iterator

_STOP, _JUMP, _JUMPDEST, _PUSH1, _PUSH32 = 0x00, 0x56, 0x5B, 0x60, 0x7F
_CALLCODE, _RETURN, _DELEGATECALL, _REVERT, _INVALID, _SELFDESTRUCT = 0xF2, 0xF3, 0xF4, 0xFD, 0xFE, 0xFF
_ENDS = frozenset({_STOP, _JUMP, _RETURN, _REVERT, _INVALID, _SELFDESTRUCT})
_DELEGATION = b"\xef\x01\x00"  # EIP-7702: an account that lends itself other code
_MOST_METADATA = 200  # bytes: what compilers append names a hash and a version


def can_destroy_itself(code: bytes) -> bool:
    """Whether SELFDESTRUCT stands where code may come to: not in data, and not behind an end without a jump's mark."""
    return any(op == _SELFDESTRUCT and is_live for op, is_live in _operations(_without_metadata(code)))


def runs_other_code(code: bytes) -> bool:
    """Whether the contract may run code that is not its own: a proxy, a diamond, an account with delegated code."""
    return code.startswith(_DELEGATION) or any(
        op in (_DELEGATECALL, _CALLCODE) for op, _ in _operations(_without_metadata(code))
    )


def lacks(code: bytes, selector: bytes) -> bool:
    """Whether this code has no function of a selector for sure: it runs no other code, and the selector's bytes (those
    behind its zeros, as compilers push it) stand nowhere in it."""
    seen = selector.lstrip(b"\0")
    return bool(code) and len(seen) > 1 and seen not in code and not runs_other_code(code)


def _operations(code: bytes) -> Iterator[tuple[int, bool]]:
    """Each operation's byte, and whether code may come to it."""
    place, is_live = 0, True
    while place < len(code):
        op = code[place]
        is_live = is_live or op == _JUMPDEST
        yield op, is_live
        if op in _ENDS:
            is_live = False
        place += 2 + op - _PUSH1 if _PUSH1 <= op <= _PUSH32 else 1


def _without_metadata(code: bytes) -> bytes:
    """The code without the CBOR map that compilers append; its length is in the last two bytes."""
    if len(code) < 4:
        return code
    begins = len(code) - 2 - int.from_bytes(code[-2:], "big")
    is_map = begins > 0 and len(code) - begins <= _MOST_METADATA and 0xA1 <= code[begins] <= 0xA5
    return code[:begins] if is_map else code
