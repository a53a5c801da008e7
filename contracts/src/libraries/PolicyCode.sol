// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ring} from "./Ring.sol";

/// @title PolicyCode
/// @notice Reads policy code in memory. The format is docs/policy-code.md.
/// @dev A `code` is the memory position of the header's first byte; a `budget`, `list`, `body`, `clause`, `charge` or
/// `income` that of its own. A `head` is a rule's head itself, which is one word. Readers check nothing, and count
/// unchecked: PolicyChecker has seen that all lies inside the code, before the bytes were ever stored. A reader may load
/// a word that begins in the code and ends behind it; the rest is shifted out.
library PolicyCode {
    uint256 internal constant FORMAT = 2;
    /// @dev What EIP-170 lets a contract hold, less the STOP byte in front.
    uint256 internal constant MAX_LENGTH = 24_575;
    uint256 internal constant HEADER = 100;
    uint256 internal constant BUDGET = 67;
    uint256 internal constant HEAD = 32;
    uint256 internal constant DYNAMIC = 2;
    uint256 internal constant CLAUSE = 35;
    uint256 internal constant CHARGE = 4;
    uint256 internal constant INCOME = 53;

    // Kinds of clauses.
    uint256 internal constant EQUAL = 1;
    uint256 internal constant NOT_EQUAL = 2;
    uint256 internal constant AT_MOST = 3;
    uint256 internal constant AT_LEAST = 4;
    uint256 internal constant IN_LIST = 5;
    uint256 internal constant CAP = 6;

    // Sources of charges.
    uint256 internal constant FROM_PLACE = 0;
    uint256 internal constant FROM_VALUE = 1;

    // A rule's flags.
    uint256 internal constant NO_SELECTOR = 1;
    uint256 internal constant MUST_RETURN_TRUE = 2;
    uint256 internal constant APPROVAL = 4;

    // A budget's flags.
    uint256 internal constant MEASURED = 1;

    uint256 internal constant SCOPE_POLICY = 0;
    uint256 internal constant SCOPE_AGENT = 1;
    uint256 internal constant SCOPE_DAO = 2;

    /// @notice The chain did not take the policy code as a contract.
    error NotStored();

    // ---------------------------------------------------------------- storing and loading

    /// @notice Deploys the bytes as contract code behind one STOP, so that they can be read but never run or changed.
    function store(bytes calldata code) internal returns (address pointer) {
        // PUSH2 size, DUP1, PUSH1 10 (where the code begins), PUSH0, CODECOPY, PUSH0, RETURN; then STOP and the code.
        bytes memory creation = abi.encodePacked(hex"61", uint16(code.length + 1), hex"80600a5f395ff300", code);
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 32), mload(creation))
        }
        if (pointer == address(0) || pointer.code.length != code.length + 1) revert NotStored();
    }

    /// @notice Copies stored policy code into memory, whole.
    function load(address pointer) internal view returns (uint256 code) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(pointer), 1)
            code := mload(0x40)
            mstore(0x40, and(add(add(code, size), 63), not(31)))
            extcodecopy(pointer, code, 1, size)
        }
    }

    // ---------------------------------------------------------------- header

    function wordAt(uint256 position) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(position)
        }
    }

    function byteAt(uint256 position) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, mload(position))
        }
    }

    function agent(uint256 code) internal pure returns (address) {
        unchecked {
            return address(uint160(wordAt(code + 1) >> 96));
        }
    }

    function operator(uint256 code) internal pure returns (address) {
        unchecked {
            return address(uint160(wordAt(code + 21) >> 96));
        }
    }

    function start(uint256 code) internal pure returns (uint256) {
        unchecked {
            return wordAt(code + 41) >> 216;
        }
    }

    function end(uint256 code) internal pure returns (uint256) {
        unchecked {
            return wordAt(code + 46) >> 216;
        }
    }

    function cooldown(uint256 code) internal pure returns (uint256) {
        unchecked {
            return wordAt(code + 51) >> 224;
        }
    }

    function objectionDelay(uint256 code) internal pure returns (uint256) {
        unchecked {
            return wordAt(code + 55) >> 224;
        }
    }

    function releaseWindow(uint256 code) internal pure returns (uint256) {
        unchecked {
            return wordAt(code + 59) >> 224;
        }
    }

    function objectionBps(uint256 code) internal pure returns (uint256) {
        unchecked {
            return wordAt(code + 63) >> 240;
        }
    }

    function budgets(uint256 code) internal pure returns (uint256) {
        unchecked {
            return byteAt(code + 97);
        }
    }

    function lists(uint256 code) internal pure returns (uint256) {
        unchecked {
            return byteAt(code + 98);
        }
    }

    function rules(uint256 code) internal pure returns (uint256) {
        unchecked {
            return byteAt(code + 99);
        }
    }

    // ---------------------------------------------------------------- budgets

    function budgetAt(uint256 code, uint256 index) internal pure returns (uint256 budget) {
        unchecked {
            return code + HEADER + BUDGET * index;
        }
    }

    function scope(uint256 budget) internal pure returns (uint256) {
        return byteAt(budget);
    }

    function asset(uint256 budget) internal pure returns (address) {
        unchecked {
            return address(uint160(wordAt(budget + 1) >> 96));
        }
    }

    function exponent(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return byteAt(budget + 21);
        }
    }

    /// @notice Base units in one unit.
    function unitOf(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return 10 ** exponent(budget);
        }
    }

    function budgetFlags(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return byteAt(budget + 22);
        }
    }

    function isMeasured(uint256 budget) internal pure returns (bool) {
        return budgetFlags(budget) & MEASURED != 0;
    }

    function period(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return wordAt(budget + 23) >> 224;
        }
    }

    function instantLimit(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return wordAt(budget + 27) >> 224;
        }
    }

    function limit(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return wordAt(budget + 31) >> 224;
        }
    }

    function name(uint256 budget) internal pure returns (uint256) {
        unchecked {
            return wordAt(budget + 35);
        }
    }

    /// @notice The ring's key. What is not in it (limits, measuring, the policy's version) may change without refilling
    /// the budget.
    function ringKey(uint256 budget, bytes32 policyId, address agent_) internal pure returns (bytes32 key) {
        uint256 scope_ = scope(budget);
        uint256 scopeId;
        if (scope_ == SCOPE_POLICY) scopeId = uint256(policyId);
        else if (scope_ == SCOPE_AGENT) scopeId = uint160(agent_);
        address asset_ = asset(budget);
        uint256 exponent_ = exponent(budget);
        uint256 segment = Ring.segmentOf(period(budget));
        uint256 name_ = name(budget);
        // keccak256(abi.encode(...)) without taking the memory for good.
        assembly ("memory-safe") {
            let start_ := mload(0x40)
            mstore(start_, scope_)
            mstore(add(start_, 32), scopeId)
            mstore(add(start_, 64), asset_)
            mstore(add(start_, 96), exponent_)
            mstore(add(start_, 128), segment)
            mstore(add(start_, 160), name_)
            key := keccak256(start_, 192)
        }
    }

    // ---------------------------------------------------------------- rule heads
    // | target (160) | selector (32) | flags (8) | words (8) | dynamics (8) | clauses (8) | charges (8) | incomes (8) |
    // | body (16) |

    /// @notice Where the rule heads lie.
    function headsOf(uint256 code) internal pure returns (uint256) {
        unchecked {
            return code + HEADER + BUDGET * budgets(code);
        }
    }

    function headAt(uint256 code, uint256 index) internal pure returns (uint256 head) {
        unchecked {
            return wordAt(headsOf(code) + HEAD * index);
        }
    }

    function target(uint256 head) internal pure returns (address) {
        return address(uint160(head >> 96));
    }

    function selector(uint256 head) internal pure returns (bytes4) {
        return bytes4(uint32(head >> 64));
    }

    function flags(uint256 head) internal pure returns (uint256) {
        return (head >> 56) & 0xff;
    }

    function words(uint256 head) internal pure returns (uint256) {
        return (head >> 48) & 0xff;
    }

    function dynamics(uint256 head) internal pure returns (uint256) {
        return (head >> 40) & 0xff;
    }

    function clauses(uint256 head) internal pure returns (uint256) {
        return (head >> 32) & 0xff;
    }

    function charges(uint256 head) internal pure returns (uint256) {
        return (head >> 24) & 0xff;
    }

    function incomes(uint256 head) internal pure returns (uint256) {
        return (head >> 16) & 0xff;
    }

    function bodyOffset(uint256 head) internal pure returns (uint256) {
        return head & 0xffff;
    }

    /// @notice What rules are ordered and found by: target, selector, and whether there is none.
    function keyOf(uint256 head) internal pure returns (uint256) {
        return (head >> 64 << 1) | (flags(head) & NO_SELECTOR);
    }

    /// @notice The same of a call whose data are empty or at least a selector long.
    function keyOf(address to, bytes calldata data) internal pure returns (uint256 key) {
        assembly ("memory-safe") {
            key := NO_SELECTOR
            if data.length { key := shl(1, shr(224, calldataload(data.offset))) }
            key := or(shl(33, to), key)
        }
    }

    function selectorOf(uint256 key) internal pure returns (bytes4) {
        return bytes4(uint32(key >> 1));
    }

    /// @notice The first rule with the key: its place among the rules and its head; a zero head if there is none.
    function find(uint256 code, uint256 key) internal pure returns (uint256 low, uint256 head) {
        unchecked {
            uint256 table = headsOf(code);
            uint256 high = rules(code);
            uint256 found; // the key of `head`, the lowest that is known not to be below the one wanted
            while (low < high) {
                uint256 middle = (low + high) / 2;
                uint256 candidate = wordAt(table + HEAD * middle);
                uint256 candidateKey = keyOf(candidate);
                if (candidateKey < key) {
                    low = middle + 1;
                } else {
                    (high, head, found) = (middle, candidate, candidateKey);
                }
            }
            if (found != key) head = 0;
        }
    }

    /// @notice The head of rule number `index` if it has the key; zero if not, or if there is no such rule.
    function alternative(uint256 code, uint256 index, uint256 key) internal pure returns (uint256 head) {
        if (index >= rules(code)) return 0;
        head = headAt(code, index);
        if (keyOf(head) != key) head = 0;
    }

    // ---------------------------------------------------------------- lists

    /// @notice Where list number `index` lies; for the number of lists: where the rule bodies begin.
    function listAt(uint256 code, uint256 index) internal pure returns (uint256 list) {
        unchecked {
            list = headsOf(code) + HEAD * rules(code);
            for (; index != 0; --index) {
                list += 2 + 32 * (wordAt(list) >> 240);
            }
        }
    }

    /// @notice Whether a list, which is ascending and not empty, holds the value.
    function contains(uint256 list, uint256 value) internal pure returns (bool found) {
        assembly ("memory-safe") {
            let count := shr(240, mload(list))
            let item := add(list, 2)
            let last := add(list, sub(shl(5, count), 30))
            // Halve what is left to eight words, of which the first is not above the value if any before it is not; then
            // halve three times without a jump. `item` moves on to a word only if that is not above the value.
            for {} gt(count, 8) {} {
                let half := shr(1, count)
                let middle := add(item, shl(5, half))
                item := add(item, mul(shl(5, half), iszero(gt(mload(middle), value))))
                count := sub(count, half)
            }
            let next := add(item, 128)
            item := add(item, mul(128, and(iszero(gt(next, last)), iszero(gt(mload(next), value)))))
            next := add(item, 64)
            item := add(item, mul(64, and(iszero(gt(next, last)), iszero(gt(mload(next), value)))))
            next := add(item, 32)
            item := add(item, mul(32, and(iszero(gt(next, last)), iszero(gt(mload(next), value)))))
            found := eq(mload(item), value)
        }
    }

    // ---------------------------------------------------------------- rule bodies

    function bodyOf(uint256 code, uint256 head) internal pure returns (uint256 body) {
        unchecked {
            return code + bodyOffset(head);
        }
    }

    /// @notice A dynamic argument: the head's word that holds its offset, and the words of an element (0: it is bytes).
    function dynamicAt(uint256 body, uint256 index) internal pure returns (uint256 word, uint256 width) {
        unchecked {
            uint256 dynamic = wordAt(body + DYNAMIC * index);
            return (dynamic >> 248, (dynamic >> 240) & 0xff);
        }
    }

    function clauseAt(uint256 code, uint256 head, uint256 index) internal pure returns (uint256 clause) {
        unchecked {
            return bodyOf(code, head) + DYNAMIC * dynamics(head) + CLAUSE * index;
        }
    }

    // A clause's first word: | word (8) | column (8) | kind (8) | the operand's first 232 bits |

    function wordOf(uint256 clauseHead) internal pure returns (uint256) {
        return clauseHead >> 248;
    }

    function columnOf(uint256 clauseHead) internal pure returns (uint256) {
        return (clauseHead >> 240) & 0xff;
    }

    function kindOf(uint256 clauseHead) internal pure returns (uint256) {
        return (clauseHead >> 232) & 0xff;
    }

    function operandOf(uint256 clause) internal pure returns (uint256) {
        unchecked {
            return wordAt(clause + 3);
        }
    }

    /// @notice Overwrites a clause's operand in memory. What is stored on chain can't change.
    function setOperand(uint256 clause, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(add(clause, 3), value)
        }
    }

    function chargeAt(uint256 code, uint256 head, uint256 index) internal pure returns (uint256 charge) {
        unchecked {
            return clauseAt(code, head, clauses(head)) + CHARGE * index;
        }
    }

    function chargeOf(uint256 charge)
        internal
        pure
        returns (uint256 budget, uint256 source, uint256 word, uint256 column)
    {
        uint256 start_ = wordAt(charge);
        return (start_ >> 248, (start_ >> 240) & 0xff, (start_ >> 232) & 0xff, (start_ >> 224) & 0xff);
    }

    function incomeAt(uint256 code, uint256 head, uint256 index) internal pure returns (uint256 income) {
        unchecked {
            return chargeAt(code, head, charges(head)) + INCOME * index;
        }
    }

    function incomeOf(uint256 income)
        internal
        pure
        returns (address asset_, uint256 budget, uint256 numerator, uint256 denominator)
    {
        unchecked {
            uint256 start_ = wordAt(income);
            return (
                address(uint160(start_ >> 96)),
                (start_ >> 88) & 0xff,
                wordAt(income + 21) >> 128,
                wordAt(income + 37) >> 128
            );
        }
    }
}
