// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A policy as a tree, and its bytes: docs/policy-code.md a second time, written for plainness, sharing nothing with
/// the contracts. `decode` refuses what it can't represent; `encode` sorts and computes what the format prescribes. So
/// bytes that come back changed from decoding and encoding are not canonical.
library SlowPolicy {
    struct Budget {
        uint8 scope;
        address asset;
        uint8 exponent;
        bool measured;
        uint32 period;
        uint32 instant;
        uint32 limit;
        string name;
    }

    struct Clause {
        uint8 word;
        uint8 column;
        uint8 kind;
        uint256 operand;
    }

    struct Charge {
        uint8 budget;
        bool ofValue;
        uint8 word;
        uint8 column;
    }

    struct Income {
        address asset;
        uint8 budget;
        uint128 numerator;
        uint128 denominator;
    }

    struct Rule {
        address target;
        bytes4 selector;
        bool bare;
        bool mustReturnTrue;
        bool approval;
        uint8 words;
        uint8[] dynamicWords;
        uint8[] widths;
        Clause[] clauses;
        Charge[] charges;
        Income[] incomes;
    }

    struct Policy {
        address agent;
        address operator;
        uint256 start;
        uint256 end;
        uint256 cooldown;
        uint256 delay;
        uint256 window;
        uint256 bps;
        bytes32 document;
        Budget[] budgets;
        uint256[][] lists;
        Rule[] rules;
    }

    /// @dev Bytes being read. `bad` once anything was missing or not representable.
    struct Reader {
        bytes data;
        uint256 at;
        bool bad;
    }

    uint8 internal constant CAP = 6;

    // ================================================================ bytes to tree

    function decode(bytes memory code) internal pure returns (bool good, Policy memory p) {
        Reader memory r = Reader(code, 0, false);
        if (take(r, 1) != 2) r.bad = true;
        p.agent = address(uint160(take(r, 20)));
        p.operator = address(uint160(take(r, 20)));
        p.start = take(r, 5);
        p.end = take(r, 5);
        p.cooldown = take(r, 4);
        p.delay = take(r, 4);
        p.window = take(r, 4);
        p.bps = take(r, 2);
        p.document = bytes32(take(r, 32));
        p.budgets = new Budget[](take(r, 1));
        p.lists = new uint256[][](take(r, 1));
        p.rules = new Rule[](take(r, 1));
        for (uint256 i; i < p.budgets.length; ++i) {
            decodeBudget(r, p.budgets[i]);
        }
        uint256[4][] memory counts = new uint256[4][](p.rules.length);
        for (uint256 i; i < p.rules.length; ++i) {
            decodeHead(r, p.rules[i], counts[i]);
        }
        for (uint256 i; i < p.lists.length && !r.bad; ++i) {
            uint256 count = take(r, 2);
            if (r.at + 32 * count > code.length) r.bad = true;
            if (r.bad) break;
            p.lists[i] = new uint256[](count);
            for (uint256 j; j < count; ++j) {
                p.lists[i][j] = take(r, 32);
            }
        }
        for (uint256 i; i < p.rules.length && !r.bad; ++i) {
            decodeBody(r, p.rules[i], counts[i]);
        }
        good = !r.bad && r.at == code.length;
    }

    function decodeBudget(Reader memory r, Budget memory b) private pure {
        b.scope = uint8(take(r, 1));
        b.asset = address(uint160(take(r, 20)));
        b.exponent = uint8(take(r, 1));
        uint256 flags = take(r, 1);
        b.measured = flags & 1 == 1;
        b.period = uint32(take(r, 4));
        b.instant = uint32(take(r, 4));
        b.limit = uint32(take(r, 4));
        bytes32 name = bytes32(take(r, 32));
        uint256 length;
        while (length < 32 && name[length] != 0) ++length;
        bytes memory letters = new bytes(length);
        for (uint256 i; i < length; ++i) {
            letters[i] = name[i];
        }
        b.name = string(letters);
    }

    function decodeHead(Reader memory r, Rule memory rule, uint256[4] memory counts) private pure {
        rule.target = address(uint160(take(r, 20)));
        rule.selector = bytes4(uint32(take(r, 4)));
        uint256 flags = take(r, 1);
        rule.bare = flags & 1 != 0;
        rule.mustReturnTrue = flags & 2 != 0;
        rule.approval = flags & 4 != 0;
        rule.words = uint8(take(r, 1));
        for (uint256 i; i < 4; ++i) {
            counts[i] = take(r, 1);
        }
        take(r, 2); // where the body lies is computed when encoding
    }

    function decodeBody(Reader memory r, Rule memory rule, uint256[4] memory counts) private pure {
        rule.dynamicWords = new uint8[](counts[0]);
        rule.widths = new uint8[](counts[0]);
        for (uint256 i; i < counts[0]; ++i) {
            (rule.dynamicWords[i], rule.widths[i]) = (uint8(take(r, 1)), uint8(take(r, 1)));
        }
        rule.clauses = new Clause[](counts[1]);
        for (uint256 i; i < counts[1]; ++i) {
            rule.clauses[i] = Clause(uint8(take(r, 1)), uint8(take(r, 1)), uint8(take(r, 1)), take(r, 32));
        }
        rule.charges = new Charge[](counts[2]);
        for (uint256 i; i < counts[2]; ++i) {
            rule.charges[i] = Charge(uint8(take(r, 1)), take(r, 1) == 1, uint8(take(r, 1)), uint8(take(r, 1)));
        }
        rule.incomes = new Income[](counts[3]);
        for (uint256 i; i < counts[3]; ++i) {
            address asset = address(uint160(take(r, 20)));
            uint8 budget = uint8(take(r, 1));
            rule.incomes[i] = Income(asset, budget, uint128(take(r, 16)), uint128(take(r, 16)));
        }
    }

    function take(Reader memory r, uint256 size) private pure returns (uint256 value) {
        if (r.bad || r.at + size > r.data.length) {
            r.bad = true;
            return 0;
        }
        bytes memory data = r.data;
        uint256 at = r.at;
        assembly ("memory-safe") {
            value := shr(sub(256, mul(8, size)), mload(add(add(data, 32), at)))
        }
        r.at = at + size;
    }

    // ================================================================ tree to bytes

    /// @notice The canonical bytes. Charges and incomes name budgets by their place in `p.budgets`, whatever its order.
    function encode(Policy memory p) internal pure returns (bytes memory code) {
        bytes[] memory budgets = new bytes[](p.budgets.length);
        for (uint256 i; i < budgets.length; ++i) {
            budgets[i] = budgetBytes(p.budgets[i]);
        }
        uint256[] memory order = sorted(budgets, 67);
        uint8[] memory rank = new uint8[](order.length);
        code = headerBytes(p);
        for (uint256 i; i < order.length; ++i) {
            rank[order[i]] = uint8(i);
            code = bytes.concat(code, budgets[order[i]]);
        }
        return bytes.concat(code, rulesBytes(p, rank, code.length));
    }

    function headerBytes(Policy memory p) private pure returns (bytes memory code) {
        code = abi.encodePacked(uint8(2), p.agent, p.operator, uint40(p.start), uint40(p.end), uint32(p.cooldown));
        code = abi.encodePacked(code, uint32(p.delay), uint32(p.window), uint16(p.bps), p.document);
        return abi.encodePacked(code, uint8(p.budgets.length), uint8(p.lists.length), uint8(p.rules.length));
    }

    function budgetBytes(Budget memory b) private pure returns (bytes memory) {
        return abi.encodePacked(
            b.scope, b.asset, b.exponent, b.measured, b.period, b.instant, b.limit, bytes32(bytes(b.name))
        );
    }

    function rulesBytes(Policy memory p, uint8[] memory rank, uint256 at) private pure returns (bytes memory) {
        bytes[] memory keys = new bytes[](p.rules.length);
        for (uint256 i; i < keys.length; ++i) {
            keys[i] = abi.encodePacked(p.rules[i].target, p.rules[i].selector, p.rules[i].bare);
        }
        uint256[] memory order = sorted(keys, 25);
        bytes memory lists;
        for (uint256 i; i < p.lists.length; ++i) {
            lists = bytes.concat(lists, listBytes(p.lists[i]));
        }
        bytes memory heads;
        bytes memory bodies;
        at += 32 * keys.length + lists.length;
        for (uint256 i; i < order.length; ++i) {
            Rule memory rule = p.rules[order[i]];
            heads = bytes.concat(heads, headBytes(rule, at + bodies.length));
            bodies = bytes.concat(bodies, bodyBytes(rule, rank));
        }
        return bytes.concat(heads, lists, bodies);
    }

    function listBytes(uint256[] memory list) private pure returns (bytes memory) {
        bytes[] memory words = new bytes[](list.length);
        for (uint256 i; i < list.length; ++i) {
            words[i] = abi.encode(list[i]);
        }
        return bytes.concat(bytes2(uint16(list.length)), joined(words, 32));
    }

    function headBytes(Rule memory rule, uint256 body) private pure returns (bytes memory) {
        uint8 flags = (rule.bare ? 1 : 0) | (rule.mustReturnTrue ? 2 : 0) | (rule.approval ? 4 : 0);
        return abi.encodePacked(
            abi.encodePacked(rule.target, rule.selector, flags, rule.words, uint8(rule.dynamicWords.length)),
            abi.encodePacked(uint8(rule.clauses.length), uint8(rule.charges.length), uint8(rule.incomes.length)),
            uint16(body)
        );
    }

    function bodyBytes(Rule memory rule, uint8[] memory rank) private pure returns (bytes memory) {
        bytes[] memory dynamics = new bytes[](rule.dynamicWords.length);
        for (uint256 i; i < dynamics.length; ++i) {
            dynamics[i] = abi.encodePacked(rule.dynamicWords[i], rule.widths[i]);
        }
        bytes[] memory clauses = new bytes[](rule.clauses.length);
        for (uint256 i; i < clauses.length; ++i) {
            Clause memory c = rule.clauses[i];
            clauses[i] = abi.encodePacked(c.word, c.column, c.kind, c.operand);
        }
        bytes[] memory charges = new bytes[](rule.charges.length);
        for (uint256 i; i < charges.length; ++i) {
            Charge memory c = rule.charges[i];
            charges[i] = abi.encodePacked(rank[c.budget], c.ofValue, c.word, c.column);
        }
        bytes[] memory incomes = new bytes[](rule.incomes.length);
        for (uint256 i; i < incomes.length; ++i) {
            Income memory c = rule.incomes[i];
            incomes[i] = abi.encodePacked(c.asset, rank[c.budget], c.numerator, c.denominator);
        }
        return bytes.concat(joined(dynamics, 2), joined(clauses, 35), joined(charges, 4), joined(incomes, 53));
    }

    /// @dev The order of the parts when sorted: ascending, and equal ones as they came (a set's equal ones only once).
    function sorted(bytes[] memory parts, uint256 size) private pure returns (uint256[] memory order) {
        order = new uint256[](parts.length);
        for (uint256 i; i < parts.length; ++i) {
            uint256 at = i;
            for (; at != 0 && isBefore(parts[i], parts[order[at - 1]], size); --at) {
                order[at] = order[at - 1];
            }
            order[at] = i;
        }
    }

    /// @dev A set: equal parts are written once, which the count in front then betrays.
    function joined(bytes[] memory parts, uint256 size) private pure returns (bytes memory all) {
        uint256[] memory order = sorted(parts, size);
        for (uint256 i; i < order.length; ++i) {
            if (i != 0 && keccak256(parts[order[i]]) == keccak256(parts[order[i - 1]])) continue;
            all = bytes.concat(all, parts[order[i]]);
        }
    }

    function isBefore(bytes memory a, bytes memory b, uint256 size) private pure returns (bool) {
        for (uint256 i; i < size; i += 32) {
            (bytes32 x, bytes32 y) = (chunk(a, i, size), chunk(b, i, size));
            if (x != y) return x < y;
        }
        return false;
    }

    /// @dev 32 bytes from `at`, with zeros behind `size`.
    function chunk(bytes memory data, uint256 at, uint256 size) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), at))
        }
        if (size - at < 32) word = word >> (8 * (32 - size + at)) << (8 * (32 - size + at));
    }

    // ================================================================ calls against rules

    uint256 internal constant NONE = type(uint256).max;

    /// @notice The first rule that permits the call, caps apart: every rule is looked at, one after the other.
    function ruleFor(Policy memory p, address to, bytes memory data) internal pure returns (uint256) {
        for (uint256 i; i < p.rules.length; ++i) {
            Rule memory rule = p.rules[i];
            if (rule.target != to) continue;
            if (rule.bare) {
                if (data.length == 0) return i;
                continue;
            }
            if (data.length < 4 || bytes4(data) != rule.selector) continue;
            (bool fits, uint256[][] memory cells) = parse(rule, data);
            if (fits && holds(p, rule, cells)) return i;
        }
        return NONE;
    }

    /// @notice The values of each of the head's words: itself; an array's elements; or length and hash of bytes. It fits if
    /// the values, written down again in the canonical form, are the data.
    function parse(Rule memory rule, bytes memory data) internal pure returns (bool fits, uint256[][] memory cells) {
        cells = new uint256[][](rule.words);
        uint256 size = 32 * uint256(rule.words);
        if (rule.bare || data.length < 4 + size) return (rule.bare && data.length == 0, cells);
        bytes memory head = bytes.concat(rule.selector);
        bytes memory tails;
        for (uint256 i; i < rule.words; ++i) {
            uint256 width = widthOf(rule, i);
            uint256 value = wordOf(data, 4 + 32 * i);
            cells[i] = new uint256[](1);
            cells[i][0] = value;
            if (width == NONE) {
                head = abi.encodePacked(head, value);
                continue;
            }
            head = abi.encodePacked(head, size + tails.length);
            if (value > data.length || value + 36 > data.length) return (false, cells);
            bytes memory tail;
            (fits, tail, cells[i]) = parseTail(data, 4 + value, width);
            if (!fits) return (false, cells);
            tails = bytes.concat(tails, tail);
        }
        fits = keccak256(bytes.concat(head, tails)) == keccak256(data);
    }

    function parseTail(bytes memory data, uint256 at, uint256 width)
        private
        pure
        returns (bool fits, bytes memory tail, uint256[] memory values)
    {
        uint256 count = wordOf(data, at);
        if (count > data.length) return (false, tail, values);
        uint256 length = width == 0 ? count : 32 * width * count;
        if (length > data.length || at + 32 + length > data.length) return (false, tail, values);
        bytes memory content = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(content, 32), add(add(data, 64), at), length)
        }
        if (width == 0) {
            values = new uint256[](2);
            (values[0], values[1]) = (length, uint256(keccak256(content)));
            return (true, abi.encodePacked(count, content, new bytes((32 - length % 32) % 32)), values);
        }
        values = new uint256[](length / 32);
        for (uint256 i; i < values.length; ++i) {
            values[i] = wordOf(content, 32 * i);
        }
        return (count != 0, abi.encodePacked(count, content), values);
    }

    function holds(Policy memory p, Rule memory rule, uint256[][] memory cells) private pure returns (bool) {
        for (uint256 i; i < rule.clauses.length; ++i) {
            Clause memory c = rule.clauses[i];
            if (c.kind == CAP) continue;
            uint256[] memory values = valuesAt(rule, cells, c.word, c.column);
            for (uint256 j; j < values.length; ++j) {
                if (!holdsFor(p, c, values[j])) return false;
            }
        }
        return true;
    }

    function holdsFor(Policy memory p, Clause memory c, uint256 value) private pure returns (bool) {
        if (c.kind == 1) return value == c.operand;
        if (c.kind == 2) return value != c.operand;
        if (c.kind == 3) return value <= c.operand;
        if (c.kind == 4) return value >= c.operand;
        for (uint256 i; i < p.lists[c.operand].length; ++i) {
            if (p.lists[c.operand][i] == value) return true;
        }
        return false;
    }

    /// @notice All the values at a place, as the document says.
    function valuesAt(Rule memory rule, uint256[][] memory cells, uint256 word, uint256 column)
        internal
        pure
        returns (uint256[] memory values)
    {
        uint256 width = widthOf(rule, word);
        if (width == NONE) return cells[word];
        values = new uint256[](1);
        if (width == 0) {
            values[0] = cells[word][column];
        } else if (column == width) {
            values[0] = cells[word].length / width;
        } else {
            values = new uint256[](cells[word].length / width);
            for (uint256 i; i < values.length; ++i) {
                values[i] = cells[word][i * width + column];
            }
        }
    }

    function sumAt(Rule memory rule, uint256[][] memory cells, uint256 word, uint256 column)
        internal
        pure
        returns (uint256 sum)
    {
        uint256[] memory values = valuesAt(rule, cells, word, column);
        for (uint256 i; i < values.length; ++i) {
            sum = plus(sum, values[i]);
        }
    }

    /// @notice a + b, or the most there is.
    function plus(uint256 a, uint256 b) internal pure returns (uint256) {
        return b > type(uint256).max - a ? type(uint256).max : a + b;
    }

    function widthOf(Rule memory rule, uint256 word) private pure returns (uint256) {
        for (uint256 i; i < rule.dynamicWords.length; ++i) {
            if (rule.dynamicWords[i] == word) return rule.widths[i];
        }
        return NONE;
    }

    function wordOf(bytes memory data, uint256 at) private pure returns (uint256 value) {
        require(at + 32 <= data.length, "the model reads past the data");
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), at))
        }
    }

    // ================================================================ rings

    /// @notice The ring that a budget counts in.
    function keyOf(Policy memory p, Budget memory b, bytes32 policyId) internal pure returns (bytes32) {
        bytes32 scopeId = b.scope == 0 ? policyId : b.scope == 1 ? bytes32(uint256(uint160(p.agent))) : bytes32(0);
        return keccak256(
            abi.encode(uint256(b.scope), scopeId, b.asset, uint256(b.exponent), segmentOf(b), bytes32(bytes(b.name)))
        );
    }

    /// @notice A seventh of the period, rounded up.
    function segmentOf(Budget memory b) internal pure returns (uint256) {
        return (uint256(b.period) + 6) / 7;
    }

    /// @notice What a ring's word holds at `time`, bucket by bucket.
    function spentIn(uint256 word, uint256 time, uint256 segment) internal pure returns (uint256 units) {
        uint256 last = word >> 224;
        uint256 now_ = time / segment;
        for (uint256 back; back < 8 && back <= now_; ++back) {
            uint256 index = now_ - back;
            if (index > last || index + 8 <= last) continue;
            units += (word >> (28 * (index % 8))) & 0xfffffff;
        }
    }
}
