# SPDX-License-Identifier: Apache-2.0
"""Try a call and look at what it would leave behind, in one question to the node that changes nothing.

The code runs as that of a contract which is being created: `eth_call` without a recipient runs and forgets it.
"""

MOST_CODE = 49_152  # bytes of code that creates a contract (EIP-3860)


def trial(to: bytes, calldata: bytes, asked: bytes, question: bytes) -> bytes:
    """Return EVM code that calls `to`, then asks the contract `asked`, and returns whether the question went well (a
    word of 0 or 1) and what was answered. That the call itself went well shows in the answer alone."""

    def push(number: int) -> bytes:
        return b"\x62" + number.to_bytes(3, "big")  # PUSH3

    def put(size: int, offset: int) -> bytes:  # CODECOPY to the beginning of memory
        return push(size) + push(offset) + push(0) + b"\x39"

    def code(first: int) -> bytes:
        return b"".join(
            [
                put(len(calldata), first),
                # CALL(gas, to, 0, 0, size, 0, 0); what comes of it shows below
                push(0), push(0), push(len(calldata)), push(0), push(0), b"\x73", to, b"\x5a\xf1\x50",
                put(len(question), first + len(calldata)),
                # STATICCALL(gas, asked, 0, size, 0, 0), and its success as the first word
                push(0), push(0), push(len(question)), push(0), b"\x73", asked, b"\x5a\xfa", push(0), b"\x52",
                # the answer behind it: RETURNDATACOPY(32, 0, RETURNDATASIZE)
                b"\x3d", push(0), push(32), b"\x3e",
                # RETURN(0, 32 + RETURNDATASIZE)
                b"\x3d", push(32), b"\x01", push(0), b"\xf3",
            ]
        )  # fmt: skip

    return code(len(code(0))) + calldata + question
