// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../IPolicyModule.sol";
import {Ring} from "./Ring.sol";

/// @title PolicyCode
/// @notice Reads policy code, and accepts only canonical bytes. The format is docs/policy-code.md.
/// @dev Reading works on memory positions: a `code` is where the first byte of the header lies, a `rule`, `clause`,
/// `charge` or `budget` where the first byte of that lies. Readers check nothing: `validate` has, before the bytes were
/// ever stored. A reader may load a word that begins in the code and ends behind it; the rest is shifted out.
library PolicyCode {
    /// @dev What EIP-170 lets a contract hold, less the STOP byte in front.
    uint256 internal constant MAX_LENGTH = 24_575;
    uint256 internal constant HEADER = 100;
    uint256 internal constant BUDGET = 66;
    uint256 internal constant RULE_HEAD = 28;
    uint256 internal constant CLAUSE = 34;
    uint256 internal constant CHARGE = 3;

    uint256 internal constant EQUAL = 1;
    uint256 internal constant NOT_EQUAL = 2;
    uint256 internal constant AT_MOST = 3;
    uint256 internal constant AT_LEAST = 4;
    uint256 internal constant IN_LIST = 5;
    uint256 internal constant CAP = 6;

    uint256 internal constant FROM_VALUE = 1;
    uint256 internal constant NO_SELECTOR = 1;
    uint256 internal constant MUST_RETURN_TRUE = 2;

    uint256 internal constant SCOPE_POLICY = 0;
    uint256 internal constant SCOPE_AGENT = 1;

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

    // ---------------------------------------------------------------- reading

    function byteAt(uint256 position) internal pure returns (uint256 value) {
        return wordAt(position) >> 248;
    }

    function wordAt(uint256 position) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(position)
        }
    }

    function agent(uint256 code) internal pure returns (address) {
        return address(uint160(wordAt(code + 1) >> 96));
    }

    function start(uint256 code) internal pure returns (uint40) {
        return uint40(wordAt(code + 41) >> 216);
    }

    function end(uint256 code) internal pure returns (uint40) {
        return uint40(wordAt(code + 46) >> 216);
    }

    function cooldown(uint256 code) internal pure returns (uint256) {
        return wordAt(code + 51) >> 224;
    }

    function objectionDelay(uint256 code) internal pure returns (uint256) {
        return wordAt(code + 55) >> 224;
    }

    function releaseWindow(uint256 code) internal pure returns (uint256) {
        return wordAt(code + 59) >> 224;
    }

    function objectionBps(uint256 code) internal pure returns (uint256) {
        return wordAt(code + 63) >> 240;
    }

    function budgets(uint256 code) internal pure returns (uint256) {
        return byteAt(code + 97);
    }

    function lists(uint256 code) internal pure returns (uint256) {
        return byteAt(code + 98);
    }

    function rules(uint256 code) internal pure returns (uint256) {
        return byteAt(code + 99);
    }

    function budgetAt(uint256 code, uint256 index) internal pure returns (uint256 budget) {
        return code + HEADER + BUDGET * index;
    }

    function scope(uint256 budget) internal pure returns (uint256) {
        return byteAt(budget);
    }

    function asset(uint256 budget) internal pure returns (address) {
        return address(uint160(wordAt(budget + 1) >> 96));
    }

    function exponent(uint256 budget) internal pure returns (uint256) {
        return byteAt(budget + 21);
    }

    function period(uint256 budget) internal pure returns (uint256) {
        return wordAt(budget + 22) >> 224;
    }

    function instantLimit(uint256 budget) internal pure returns (uint256) {
        return wordAt(budget + 26) >> 224;
    }

    function limit(uint256 budget) internal pure returns (uint256) {
        return wordAt(budget + 30) >> 224;
    }

    function name(uint256 budget) internal pure returns (bytes32) {
        return bytes32(wordAt(budget + 34));
    }

    /// @notice The ring's key. What is not in it (limits, the policy's version) may change without refilling the budget.
    function ringKey(uint256 budget, bytes32 policyId, address agent_) internal pure returns (bytes32) {
        uint256 scope_ = scope(budget);
        bytes32 scopeId;
        if (scope_ == SCOPE_POLICY) scopeId = policyId;
        else if (scope_ == SCOPE_AGENT) scopeId = bytes32(uint256(uint160(agent_)));
        return keccak256(
            abi.encode(
                scope_, scopeId, asset(budget), exponent(budget), Ring.segmentOf(period(budget)), name(budget)
            )
        );
    }

    /// @notice Where list number `index` lies; for the number of lists: where the rules begin.
    function listAt(uint256 code, uint256 index) internal pure returns (uint256 list) {
        list = budgetAt(code, budgets(code));
        for (; index != 0; --index) {
            list += 2 + 32 * (wordAt(list) >> 240);
        }
    }

    /// @notice Whether a list, which is ascending, holds the value.
    function contains(uint256 list, uint256 value) internal pure returns (bool) {
        uint256 low;
        uint256 high = wordAt(list) >> 240;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            uint256 item = wordAt(list + 2 + 32 * middle);
            if (item == value) return true;
            if (item < value) low = middle + 1;
            else high = middle;
        }
        return false;
    }

    /// @notice What rules are ordered and matched by: target, selector, and whether there is none.
    function ruleKey(uint256 rule) internal pure returns (uint256) {
        uint256 head = wordAt(rule);
        return ((head >> 64) << 1) | ((head >> 56) & NO_SELECTOR);
    }

    function keyOf(address target, bytes4 selector, bool noSelector) internal pure returns (uint256) {
        return (uint256(uint160(target)) << 33) | (uint256(uint32(selector)) << 1) | (noSelector ? 1 : 0);
    }

    function flags(uint256 rule) internal pure returns (uint256) {
        return byteAt(rule + 24);
    }

    function words(uint256 rule) internal pure returns (uint256) {
        return byteAt(rule + 25);
    }

    function clauses(uint256 rule) internal pure returns (uint256) {
        return byteAt(rule + 26);
    }

    function charges(uint256 rule) internal pure returns (uint256) {
        return byteAt(rule + 27);
    }

    function nextRule(uint256 rule) internal pure returns (uint256) {
        return rule + RULE_HEAD + CLAUSE * clauses(rule) + CHARGE * charges(rule);
    }

    function clauseAt(uint256 rule, uint256 index) internal pure returns (uint256) {
        return rule + RULE_HEAD + CLAUSE * index;
    }

    function clauseWord(uint256 clause) internal pure returns (uint256) {
        return byteAt(clause);
    }

    function clauseKind(uint256 clause) internal pure returns (uint256) {
        return byteAt(clause + 1);
    }

    function operand(uint256 clause) internal pure returns (uint256) {
        return wordAt(clause + 2);
    }

    /// @notice Overwrites a clause's operand in memory. What is stored on chain can't change.
    function setOperand(uint256 clause, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(add(clause, 2), value)
        }
    }

    function chargeAt(uint256 rule, uint256 index) internal pure returns (uint256) {
        return rule + RULE_HEAD + CLAUSE * clauses(rule) + CHARGE * index;
    }

    function chargedBudget(uint256 charge) internal pure returns (uint256) {
        return byteAt(charge);
    }

    function chargeSource(uint256 charge) internal pure returns (uint256) {
        return byteAt(charge + 1);
    }

    function chargeWord(uint256 charge) internal pure returns (uint256) {
        return byteAt(charge + 2);
    }

    // ---------------------------------------------------------------- accepting

    /// @notice Reverts unless the bytes are canonical policy code. Which targets are forbidden the module knows.
    /// @return code where they lie in memory
    function validate(bytes memory bytes_) internal pure returns (uint256 code) {
        assembly ("memory-safe") {
            code := add(bytes_, 32)
        }
        uint256 length = bytes_.length;
        _require(length <= MAX_LENGTH, MAX_LENGTH, "too long");
        _require(length >= HEADER, length, "header cut off");
        _validateHeader(code);
        uint256 offset = _validateBudgets(code, length);
        offset = _validateLists(code, offset, length);
        offset = _validateRules(code, offset, length);
        _require(offset == length, offset, "bytes left over");
    }

    function _validateHeader(uint256 code) private pure {
        _require(byteAt(code) == 1, 0, "unknown format");
        _require(agent(code) != address(0), 1, "no agent");
        _require(wordAt(code + 21) >> 96 != 0, 21, "no operator");
        _require(start(code) < end(code), 46, "end is not after start");
        _require(end(code) % 1 hours == 0, 46, "end is not a whole hour");
        _require(end(code) / 1 hours <= type(uint24).max, 46, "end too late");
        uint256 bps = objectionBps(code);
        _require(bps != 0 && bps <= 10_000, 63, "threshold not 1 to 10000 bps");
        _require(rules(code) != 0, 99, "no rules");
    }

    function _validateBudgets(uint256 code, uint256 length) private pure returns (uint256 offset) {
        offset = HEADER;
        uint256 count = budgets(code);
        for (uint256 i; i < count; ++i) {
            _require(offset + BUDGET <= length, length, "budget cut off");
            uint256 budget = code + offset;
            _require(scope(budget) <= 2, offset, "unknown scope");
            _require(exponent(budget) <= 228, offset + 21, "unit too large");
            _require(period(budget) >= 7, offset + 22, "period too short");
            uint256 limit_ = limit(budget);
            _require(limit_ != 0 && limit_ <= Ring.MAX, offset + 30, "limit not 1 to 2^28 - 1");
            uint256 instant = instantLimit(budget);
            _require(instant <= limit_, offset + 26, "instant limit above limit");
            if (instant < limit_) {
                _require(objectionDelay(code) != 0, 55, "no objection delay");
                _require(releaseWindow(code) != 0, 59, "no release window");
            }
            _validateName(uint256(name(budget)), offset + 34);
            if (i != 0) _require(_compare(budget - BUDGET, budget, BUDGET), offset, "budgets not ascending");
            for (uint256 j; j < i; ++j) {
                _require(!_sameRing(budgetAt(code, j), budget), offset, "two budgets share a ring");
            }
            offset += BUDGET;
        }
    }

    /// @dev Printable ASCII, then only zeros: so that one name has one spelling, and shows as what it is.
    function _validateName(uint256 name_, uint256 offset) private pure {
        for (; name_ != 0; name_ <<= 8) {
            uint256 letter = name_ >> 248;
            _require(letter >= 0x20 && letter <= 0x7e, offset, "name not printable ASCII");
        }
    }

    function _sameRing(uint256 a, uint256 b) private pure returns (bool) {
        // Scope, asset and exponent are the first 22 bytes.
        return wordAt(a) >> 80 == wordAt(b) >> 80 && name(a) == name(b)
            && Ring.segmentOf(period(a)) == Ring.segmentOf(period(b));
    }

    function _validateLists(uint256 code, uint256 offset, uint256 length) private pure returns (uint256) {
        for (uint256 left = lists(code); left != 0; --left) {
            _require(offset + 2 <= length, length, "list cut off");
            uint256 count = wordAt(code + offset) >> 240;
            _require(count != 0, offset, "empty list");
            offset += 2;
            _require(offset + 32 * count <= length, length, "list cut off");
            for (uint256 i; i < count; ++i) {
                if (i != 0) _require(wordAt(code + offset - 32) < wordAt(code + offset), offset, "list not ascending");
                offset += 32;
            }
        }
        return offset;
    }

    function _validateRules(uint256 code, uint256 offset, uint256 length) private pure returns (uint256) {
        uint256 charged; // a bit for each budget
        uint256 lastKey;
        for (uint256 left = rules(code); left != 0; --left) {
            _require(offset + RULE_HEAD <= length, length, "rule cut off");
            uint256 rule = code + offset;
            _require(nextRule(rule) <= code + length, length, "rule cut off");
            uint256 key = ruleKey(rule);
            _require(lastKey <= key, offset, "rules not ascending");
            lastKey = key;
            _validateRuleHead(rule, offset);
            _validateClauses(code, rule, offset);
            charged |= _validateCharges(code, rule, offset);
            offset = nextRule(rule) - code;
        }
        uint256 count = budgets(code);
        _require(charged == (1 << count) - 1, HEADER, "budget never charged");
        return offset;
    }

    function _validateRuleHead(uint256 rule, uint256 offset) private pure {
        uint256 flags_ = flags(rule);
        _require(flags_ <= NO_SELECTOR | MUST_RETURN_TRUE, offset + 24, "unknown flag");
        if (flags_ & NO_SELECTOR != 0) {
            _require(uint32(wordAt(rule) >> 64) == 0, offset + 20, "selector given for none");
            _require(words(rule) == 0, offset + 25, "arguments without selector");
        }
        _require(words(rule) <= 32, offset + 25, "too many arguments");
    }

    function _validateClauses(uint256 code, uint256 rule, uint256 ruleOffset) private pure {
        uint256 count = clauses(rule);
        for (uint256 i; i < count; ++i) {
            uint256 clause = clauseAt(rule, i);
            uint256 offset = ruleOffset + clause - rule;
            _require(clauseWord(clause) < words(rule), offset, "clause on no argument");
            uint256 kind = clauseKind(clause);
            _require(kind >= EQUAL && kind <= CAP, offset + 1, "unknown clause");
            if (kind == IN_LIST) _require(operand(clause) < lists(code), offset + 2, "no such list");
            if (i != 0) _require(_compare(clause - CLAUSE, clause, CLAUSE), offset, "clauses not ascending");
        }
    }

    function _validateCharges(uint256 code, uint256 rule, uint256 ruleOffset) private pure returns (uint256 charged) {
        uint256 count = charges(rule);
        for (uint256 i; i < count; ++i) {
            uint256 charge = chargeAt(rule, i);
            uint256 offset = ruleOffset + charge - rule;
            uint256 budget = chargedBudget(charge);
            _require(budget < budgets(code), offset, "no such budget");
            _require(charged >> budget == 0, offset, "charges not ascending");
            charged |= 1 << budget;
            uint256 source = chargeSource(charge);
            _require(source <= FROM_VALUE, offset + 1, "unknown source");
            if (source == FROM_VALUE) _require(chargeWord(charge) == 0, offset + 2, "argument of value");
            else _require(chargeWord(charge) < words(rule), offset + 2, "charge of no argument");
        }
    }

    /// @dev Whether the bytes at `a` come before those at `b`; 32 < size <= 96.
    function _compare(uint256 a, uint256 b, uint256 size) private pure returns (bool) {
        for (; size > 32; size -= 32) {
            if (wordAt(a) != wordAt(b)) return wordAt(a) < wordAt(b);
            a += 32;
            b += 32;
        }
        uint256 rest = 8 * (32 - size);
        return wordAt(a) >> rest < wordAt(b) >> rest;
    }

    function _require(bool holds, uint256 offset, bytes32 problem) private pure {
        if (!holds) revert IPolicyModule.BadPolicy(offset, problem);
    }
}
