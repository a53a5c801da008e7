// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PolicyCode} from "./PolicyCode.sol";

/// @title Arguments
/// @notice Reads a call's arguments as a rule sees them: checks that they are in the rule's one canonical ABI form, and
/// finds the values at a place (word, column). Shared by the module and the lens.
library Arguments {
    /// @dev Where the values at a place lie in calldata: `count` words, `stride` bytes apart, from `first` on.
    struct Span {
        uint256 first;
        uint256 stride;
        uint256 count;
    }

    /// @dev What `failing` says when no clause fails, or when none could be looked at.
    uint256 internal constant NONE = type(uint256).max;
    uint256 internal constant FORM = type(uint256).max - 1;
    uint256 private constant HASH = type(uint256).max;
    uint256 private constant WORD = 32;

    /// @notice Whether calldata has exactly the form that the rule's head and dynamic arguments describe.
    function fit(uint256 code, uint256 head, bytes calldata data) internal pure returns (bool) {
        unchecked {
            if (PolicyCode.flags(head) & PolicyCode.NO_SELECTOR != 0) return data.length == 0;
            uint256 size = 4 + WORD * PolicyCode.words(head);
            uint256 count = PolicyCode.dynamics(head);
            if (count == 0) return data.length == size;
            if (data.length < size) return false;
            uint256 body = PolicyCode.bodyOf(code, head);
            for (uint256 i; i < count; ++i) {
                (uint256 word, uint256 width) = PolicyCode.dynamicAt(body, i);
                // Tails follow the head, and each other, without a gap: the offset is what came before, the selector apart.
                if (load(data, 4 + WORD * word) != size - 4) return false;
                size = _tailEnd(data, size, width);
                if (size == 0) return false;
            }
            return data.length == size;
        }
    }

    /// @dev Where the tail that begins at `from` ends; 0 if it is not canonical or reaches behind the data.
    function _tailEnd(bytes calldata data, uint256 from, uint256 width) private pure returns (uint256) {
        unchecked {
            uint256 left = data.length - from;
            if (left < WORD) return 0;
            left -= WORD;
            uint256 length = load(data, from);
            from += WORD;
            // No element is shorter than a byte, so a length that fits can't overflow what follows.
            if (length > left) return 0;
            if (width == 0) {
                uint256 rest = length % WORD;
                uint256 padded = rest == 0 ? length : length + WORD - rest;
                if (padded > left) return 0;
                // What the last word holds behind the bytes must be zeros.
                if (rest != 0 && load(data, from + padded - WORD) << (8 * rest) != 0) return 0;
                return from + padded;
            }
            if (length == 0 || length * width > left / WORD) return 0;
            return from + length * width * WORD;
        }
    }

    /// @notice Where the values at a place lie. Only for data that `fit`, and places that PolicyChecker accepted, but the
    /// hash of bytes (see `isHash`).
    function spanOf(uint256 code, uint256 head, bytes calldata data, uint256 word, uint256 column)
        internal
        pure
        returns (Span memory span)
    {
        unchecked {
            (bool found, uint256 width) = dynamicOf(code, head, word);
            span.first = 4 + WORD * word;
            span.count = 1;
            if (!found) return span;
            span.first = 4 + load(data, span.first); // the tail's first word: how many elements, or how many bytes
            if (column < width) {
                span.count = load(data, span.first);
                span.first += WORD + WORD * column;
                span.stride = WORD * width;
            }
        }
    }

    /// @notice Whether the place is the hash of bytes, which is nowhere in the data.
    function isHash(uint256 code, uint256 head, uint256 word, uint256 column) internal pure returns (bool) {
        if (column != 1) return false;
        (bool found, uint256 width) = dynamicOf(code, head, word);
        return found && width == 0;
    }

    /// @notice The hash of the bytes whose offset lies in the head's word `word`.
    function hashOf(bytes calldata data, uint256 word) internal pure returns (uint256) {
        unchecked {
            uint256 tail = 4 + load(data, 4 + WORD * word);
            uint256 from = tail + WORD;
            return uint256(keccak256(data[from:from + load(data, tail)]));
        }
    }

    /// @notice The sum of the values at a place; saturates: far above any limit, it stays above it.
    function total(uint256 code, uint256 head, bytes calldata data, uint256 word, uint256 column)
        internal
        pure
        returns (uint256 sum)
    {
        unchecked {
            if (PolicyCode.dynamics(head) == 0) return load(data, 4 + WORD * word);
            Span memory span = spanOf(code, head, data, word, column);
            for (uint256 i; i < span.count; ++i) {
                sum = saturatingAdd(sum, load(data, span.first + span.stride * i));
            }
        }
    }

    /// @notice What a call charges by one of its rule's charges: the budget's index, the amount in base units, and whether
    /// that is the value it sends.
    function charge(uint256 code, uint256 head, uint256 charge_, uint256 value, bytes calldata data)
        internal
        pure
        returns (uint256 budget, uint256 amount, bool isValue)
    {
        uint256 source;
        uint256 word;
        uint256 column;
        (budget, source, word, column) = PolicyCode.chargeOf(charge_);
        isValue = source == PolicyCode.FROM_VALUE;
        amount = isValue ? value : total(code, head, data, word, column);
    }

    /// @notice The first of the rule's clauses that the call fails, and the value that fails it; FORM if the data has not
    /// the rule's form; NONE if it fits. Caps count over the whole act, so of them only says whether there are any.
    function failing(uint256 code, uint256 head, bytes calldata data)
        internal
        pure
        returns (uint256 index, uint256 value, bool capped)
    {
        unchecked {
            if (!fit(code, head, data)) return (FORM, 0, false);
            uint256 first = PolicyCode.clauseAt(code, head, 0);
            uint256 end = first + PolicyCode.CLAUSE * PolicyCode.clauses(head);
            bool isStatic = PolicyCode.dynamics(head) == 0;
            for (uint256 clause = first; clause != end; clause += PolicyCode.CLAUSE) {
                uint256 clauseHead = PolicyCode.wordAt(clause);
                uint256 operand = PolicyCode.operandOf(clause);
                uint256 kind = PolicyCode.kindOf(clauseHead);
                bool holds;
                if (isStatic) {
                    value = load(data, 4 + WORD * PolicyCode.wordOf(clauseHead));
                    if (kind == PolicyCode.IN_LIST) holds = _isIn(code, operand, value);
                    else if (kind == PolicyCode.AT_MOST) holds = value <= operand;
                    else if (kind == PolicyCode.EQUAL) holds = value == operand;
                    else if (kind == PolicyCode.AT_LEAST) holds = value >= operand;
                    else if (kind == PolicyCode.NOT_EQUAL) holds = value != operand;
                    else holds = capped = true; // CAP: there is no other kind
                } else if (kind == PolicyCode.CAP) {
                    holds = capped = true;
                } else {
                    (holds, value) = holdsForAll(code, head, data, clauseHead, operand);
                }
                if (!holds) return ((clause - first) / PolicyCode.CLAUSE, value, false);
            }
            return (NONE, 0, capped);
        }
    }

    /// @notice Whether a clause, which is no cap, holds for every value at its place; the last value that was looked at:
    /// the first that fails. Only for data that `fit`.
    function holdsForAll(uint256 code, uint256 head, bytes calldata data, uint256 clauseHead, uint256 operand)
        internal
        pure
        returns (bool holds, uint256 value)
    {
        unchecked {
            uint256 word = PolicyCode.wordOf(clauseHead);
            uint256 kind = PolicyCode.kindOf(clauseHead);
            (uint256 from, uint256 stride, uint256 left) =
                _values(code, head, data, word, PolicyCode.columnOf(clauseHead));
            for (holds = true; holds && left != 0; --left) {
                // Nothing lies as far behind as HASH: the hash of bytes is nowhere in the data.
                value = from == HASH ? hashOf(data, word) : load(data, from);
                if (kind == PolicyCode.IN_LIST) holds = _isIn(code, operand, value);
                else if (kind == PolicyCode.AT_MOST) holds = value <= operand;
                else if (kind == PolicyCode.EQUAL) holds = value == operand;
                else if (kind == PolicyCode.AT_LEAST) holds = value >= operand;
                else holds = value != operand;
                from += stride;
            }
        }
    }

    function _isIn(uint256 code, uint256 index, uint256 value) private pure returns (bool) {
        return PolicyCode.contains(PolicyCode.listAt(code, index), value);
    }

    function _values(uint256 code, uint256 head, bytes calldata data, uint256 word, uint256 column)
        private
        pure
        returns (uint256 first, uint256 stride, uint256 count)
    {
        if (isHash(code, head, word, column)) return (HASH, 0, 1);
        Span memory span = spanOf(code, head, data, word, column);
        return (span.first, span.stride, span.count);
    }

    /// @notice Whether the head's word holds the offset of a dynamic argument, and how wide its elements are.
    function dynamicOf(uint256 code, uint256 head, uint256 word) internal pure returns (bool found, uint256 width) {
        unchecked {
            uint256 body = PolicyCode.bodyOf(code, head);
            for (uint256 i = PolicyCode.dynamics(head); i != 0; --i) {
                uint256 word_;
                (word_, width) = PolicyCode.dynamicAt(body, i - 1);
                if (word_ == word) return (true, width);
            }
            return (false, 0);
        }
    }

    /// @dev Loads without looking at the length: only for data that `fit`.
    function load(bytes calldata data, uint256 from) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, from))
        }
    }

    function saturatingAdd(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return a + b < a ? type(uint256).max : a + b;
        }
    }
}
