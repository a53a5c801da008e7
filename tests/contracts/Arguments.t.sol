// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice Dynamic arguments: their one canonical form, clauses on columns, counts and bytes, caps and charges of sums.
contract ArgumentsTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    struct Pair {
        uint256 to;
        uint256 amount;
    }

    // f(uint256 flat, uint256[] words, Pair[] pairs, bytes note): where things lie in its calldata.
    bytes4 private constant F = 0xf0f0f0f0;
    uint8 private constant FLAT = 0;
    uint8 private constant WORDS = 1;
    uint8 private constant PAIRS = 2;
    uint8 private constant NOTE = 3;

    Sink private sink;

    function setUp() public override {
        super.setUp();
        sink = new Sink();
        putRule("", "");
    }

    // ---------------------------------------------------------------- the form

    /// What the compiler encodes is canonical, and arrives as it was sent.
    function test_form_accepts_what_the_compiler_encodes(
        uint256 flat,
        uint256[] memory words,
        Pair[] memory pairs,
        bytes memory note
    ) public {
        vm.assume(words.length != 0 && pairs.length != 0);
        bytes memory data = abi.encodeWithSelector(F, flat, words, pairs, note);
        execute(calling(address(sink), 0, data));
        require(sink.last() == keccak256(data), "arrived as it was sent");
    }

    /// Any calldata at all is accepted if and only if decoding it and encoding it again gives the same bytes.
    function test_form_accepts_exactly_what_encodes_to_itself(uint256 seed, uint256 kind, uint256 position, uint256 value)
        public
    {
        bytes memory data = sample(seed);
        kind = bound(kind, 0, 4);
        if (kind == 0) {
            data[4 + position % (data.length - 4)] = bytes1(uint8(value)); // any byte
        } else if (kind == 1) {
            setWord(data, 4 + position % (data.length - 4) / 32 * 32, value); // any word to anything
        } else if (kind == 2) {
            // any word to a small number, which offsets and lengths are
            setWord(data, 4 + position % (data.length - 4) / 32 * 32, value % 16 * 32);
        } else if (kind == 3) {
            data = abi.encodePacked(data, new bytes(1 + value % 64));
        } else {
            uint256 length = 4 + value % (data.length - 4);
            assembly {
                mstore(data, length)
            }
        }
        bool canonical;
        try this.encodeAgain(data) returns (bytes memory again, bool empty) {
            canonical = !empty && keccak256(again) == keccak256(data);
        } catch {}
        if (canonical) execute(calling(address(sink), 0, data));
        else refuse(data);
    }

    function test_form_revert_BadCalldata_offset(uint256 which, uint256 offset) public {
        bytes memory data = sample(0);
        which = bound(which, 1, 3);
        vm.assume(offset != word(data, 4 + 32 * which));
        setWord(data, 4 + 32 * which, offset);
        refuse(data);
    }

    function test_form_revert_BadCalldata_gap(uint256 gap, bytes32 inside) public {
        gap = bound(gap, 1, 10) * 32;
        // The last tail lies `gap` further on than it should.
        bytes memory tails = abi.encodePacked(uint256(1), uint256(7), uint256(1), uint256(8), uint256(9));
        bytes memory hidden = new bytes(gap);
        setWord(hidden, 0, uint256(inside));
        bytes memory data = abi.encodePacked(F, uint256(0), uint256(128), uint256(192), 288 + gap);
        data = abi.encodePacked(data, tails, hidden, uint256(0));
        refuse(data);
        execute(calling(address(sink), 0, abi.encodeWithSelector(F, 0, numbers(7), pairs1(8, 9), "")));
    }

    /// Two arguments that share a tail: what a clause sees at one would also be the other.
    function test_form_revert_BadCalldata_overlap() public {
        bytes memory data = abi.encodePacked(F, uint256(0), uint256(128), uint256(128), uint256(224));
        data = abi.encodePacked(data, uint256(1), uint256(7), uint256(8), uint256(0));
        refuse(data);
    }

    function test_form_revert_BadCalldata_swappedTails() public {
        bytes memory data = abi.encodePacked(F, uint256(0), uint256(224), uint256(128), uint256(288));
        data = abi.encodePacked(data, uint256(1), uint256(8), uint256(9), uint256(1), uint256(7), uint256(0));
        refuse(data);
    }

    function test_form_revert_BadCalldata_offsetIntoTheHead() public {
        bytes memory data = sample(0);
        setWord(data, 4 + 32, 0);
        refuse(data);
        setWord(data, 4 + 32, type(uint256).max - 31); // points before the arguments
        refuse(data);
    }

    function test_form_revert_BadCalldata_overlong(bytes memory more) public {
        vm.assume(more.length != 0);
        refuse(abi.encodePacked(sample(0), more));
    }

    function test_form_revert_BadCalldata_cutOff(uint256 length) public {
        bytes memory data = sample(1);
        length = bound(length, 4, data.length - 1);
        assembly {
            mstore(data, length)
        }
        refuse(data);
    }

    function test_form_revert_BadCalldata_dirtyPadding(uint256 length, uint256 position, uint8 dirt) public {
        length = bound(length, 1, 100);
        vm.assume(length % 32 != 0 && dirt != 0);
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), new bytes(length));
        uint256 padding = 32 - length % 32;
        execute(calling(address(sink), 0, data));
        data[data.length - padding + position % padding] = bytes1(dirt);
        refuse(data);
    }

    function test_form_revert_BadCalldata_noElements() public {
        refuse(abi.encodeWithSelector(F, 0, new uint256[](0), pairs1(1, 1), "note"));
        refuse(abi.encodeWithSelector(F, 0, numbers(1), new Pair[](0), "note"));
        execute(calling(address(sink), 0, abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), ""))); // bytes may be
    }

    /// A count times the width of an element, which wraps around to what is there.
    function test_form_revert_BadCalldata_countOverflows(uint256 more, uint256 shift) public {
        bytes memory data = sample(0);
        uint256 pairs = 4 + word(data, 4 + 32 * PAIRS);
        uint256 count = word(data, pairs);
        shift = bound(shift, 250, 255); // 2 words, or 64 bytes, times 2^shift is nothing
        more = bound(more, 1, (1 << (256 - shift)) - 1);
        setWord(data, pairs, count + (more << shift));
        refuse(data);
        uint256 words = 4 + word(data, 4 + 32 * WORDS);
        data = sample(0);
        setWord(data, words, word(data, words) + (more << shift));
        refuse(data);
    }

    function test_form_revert_BadCalldata_countHuge(uint256 count) public {
        bytes memory data = sample(0);
        uint256 words = 4 + word(data, 4 + 32 * WORDS);
        vm.assume(count != word(data, words));
        setWord(data, words, count);
        refuse(data);
    }

    function test_form_revert_BadCalldata_lengthOverflows(uint256 length) public {
        bytes memory data = sample(0);
        uint256 note = 4 + word(data, 4 + 32 * NOTE);
        length = bound(length, type(uint256).max - 64, type(uint256).max);
        setWord(data, note, length); // rounded up to whole words it would be nothing
        refuse(data);
    }

    /// The data itself may claim to be longer than all calldata; what isn't there is zeros, and is not affordable.
    function test_form_revert_dataLongerThanAnything(uint256 length, uint256 count) public {
        length = bound(length, 2 ** 40, type(uint256).max);
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), "");
        setWord(data, 4 + 128, count);
        bytes memory call_ = abi.encode(address(sink), 0, 96, length);
        bytes memory all = abi.encodePacked(
            IPolicyModule.execute.selector, abi.encode(ID, codehash, 160, 1, DECISION, 1, 32), call_, data
        );
        vm.prank(agent);
        (bool done,) = address(module).call{gas: 3_000_000}(all);
        require(!done && sink.calls() == 0, "refused");
    }

    /// A rule with dynamics in any of its words, in any order of kinds.
    function test_form_several_dynamics_anywhere(uint256 seed) public {
        uint256 words = 1 + seed % 6;
        bytes memory dynamics;
        bytes memory head = abi.encodePacked(F);
        bytes memory tails;
        for (uint256 i; i < words; ++i) {
            uint256 what = uint256(keccak256(abi.encode(seed, i)));
            if (what % 3 == 0) {
                head = abi.encodePacked(head, what);
                continue;
            }
            head = abi.encodePacked(head, 32 * words + tails.length);
            uint8 width = uint8(what >> 8) % 4;
            dynamics = abi.encodePacked(dynamics, Build.array(uint8(i), width));
            uint256 count = (width == 0 ? 0 : 1) + (what >> 16) % 5;
            tails = abi.encodePacked(tails, count);
            for (uint256 j; j < count * width; ++j) {
                tails = abi.encodePacked(tails, keccak256(abi.encode(what, j)));
            }
            if (width == 0 && count != 0) tails = abi.encodePacked(tails, bytes32(what << (8 * (32 - count))));
        }
        Build.Policy memory p = free();
        p.rules = one(Build.rule(address(sink), F, 0, uint8(words), "", "").dynamic(dynamics));
        put(p);
        bytes memory data = abi.encodePacked(head, tails);
        execute(calling(address(sink), 0, data));
        refuse(abi.encodePacked(data, new bytes(32)));
    }

    // ---------------------------------------------------------------- clauses on columns, counts and bytes

    function test_clause_must_hold_for_every_element(
        uint256[] memory words,
        uint256 kind,
        uint256 operand,
        uint256 similar
    ) public {
        vm.assume(words.length != 0);
        kind = bound(kind, EQUAL, AT_LEAST);
        for (uint256 i; i < words.length; ++i) {
            if ((similar >> i) & 1 != 0) words[i] = operand;
        }
        putRule(Build.clause(WORDS, 0, uint8(kind), operand), "");
        bytes memory data = abi.encodeWithSelector(F, 0, words, pairs1(1, 1), "");
        for (uint256 i; i < words.length; ++i) {
            if (holds(kind, words[i], operand)) continue;
            refuse(data, failed(0, words[i])); // the first that fails
            return;
        }
        execute(calling(address(sink), 0, data));
    }

    /// Each column of an array of tuples has clauses of its own.
    function test_clause_on_a_column(uint256 seed, uint256 count) public {
        count = bound(count, 1, 12);
        Pair[] memory pairs = new Pair[](count);
        uint256 bad = seed % (3 * count); // an element with a bad recipient, or a bad amount, or none
        for (uint256 i; i < count; ++i) {
            pairs[i] = Pair(people[uint256(keccak256(abi.encode(seed, i))) % 5], i);
        }
        if (bad < count) pairs[bad].to = 0x1005;
        else if (bad < 2 * count) pairs[bad - count].amount = 1000 + bad;
        putRule(abi.encodePacked(Build.clause(PAIRS, 0, IN_LIST, 0), Build.clause(PAIRS, 1, AT_MOST, 999)), "");
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1), pairs, "");
        if (bad < count) refuse(data, failed(0, 0x1005));
        else if (bad < 2 * count) refuse(data, failed(1, 1000 + bad));
        else execute(calling(address(sink), 0, data));
    }

    function test_clause_on_the_number_of_elements(uint256 count, uint256 most) public {
        count = bound(count, 1, 20);
        most = bound(most, 1, 20);
        putRule(abi.encodePacked(Build.clause(WORDS, 1, AT_MOST, most), Build.clause(PAIRS, 2, EQUAL, 1)), "");
        bytes memory data = abi.encodeWithSelector(F, 0, new uint256[](count), pairs1(1, 1), "");
        if (count > most) refuse(data, failed(0, count));
        else execute(calling(address(sink), 0, data));
        data = abi.encodeWithSelector(F, 0, numbers(1), new Pair[](count), "");
        if (count != 1) refuse(data, failed(1, count));
    }

    function test_clause_on_the_length_of_bytes(bytes memory note, uint256 most) public {
        most = bound(most, 0, 2 * note.length);
        putRule(Build.clause(NOTE, 0, AT_MOST, most), "");
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), note);
        if (note.length > most) refuse(data, failed(0, note.length));
        else execute(calling(address(sink), 0, data));
    }

    function test_clause_on_the_hash_of_bytes(bytes memory note, bytes memory other) public {
        putRule(Build.clause(NOTE, 1, EQUAL, uint256(keccak256(note))), "");
        execute(calling(address(sink), 0, abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), note)));
        if (keccak256(note) == keccak256(other)) return;
        refuse(
            abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), other), failed(0, uint256(keccak256(other)))
        );
    }

    function test_clause_on_the_hash_of_bytes_in_a_list(uint256 pick) public {
        uint256[] memory hashes = new uint256[](2);
        (hashes[0], hashes[1]) = (uint256(keccak256("yes")), uint256(keccak256("no")));
        if (hashes[0] > hashes[1]) (hashes[0], hashes[1]) = (hashes[1], hashes[0]);
        Build.Policy memory p = free();
        p.lists = two(Build.list(people), Build.list(hashes));
        p.rules = one(fRule(Build.clause(NOTE, 1, IN_LIST, 1), ""));
        put(p);
        bytes[3] memory notes = [bytes("yes"), "no", "maybe"];
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1), pairs1(1, 1), notes[pick % 3]);
        if (pick % 3 == 2) refuse(data, failed(0, uint256(keccak256("maybe"))));
        else execute(calling(address(sink), 0, data));
    }

    /// Static words beside dynamic ones.
    function test_clause_on_a_static_word_beside_dynamics(uint256 flat, uint256 operand) public {
        putRule(Build.clause(FLAT, 0, AT_LEAST, operand), "");
        bytes memory data = abi.encodeWithSelector(F, flat, numbers(1), pairs1(1, 1), "");
        if (flat < operand) refuse(data, failed(0, flat));
        else execute(calling(address(sink), 0, data));
    }

    /// An alternative of another form: the first that fits applies.
    function test_alternatives_of_different_form(uint256 flat, bool dynamic) public {
        Build.Policy memory p = free();
        p.rules = two(fRule("", ""), Build.rule(address(sink), F, 0, 2, Build.clause(0, EQUAL, 7), ""));
        put(p);
        if (dynamic) {
            execute(calling(address(sink), 0, sample(flat)));
        } else if (flat != 7) {
            bytes memory reason = abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 1, 0, flat);
            refuse(abi.encodeWithSelector(F, flat, 1), reason);
        }
        pass(COOLDOWN);
        execute(calling(address(sink), 0, abi.encodeWithSelector(F, 7, flat)));
    }

    // ---------------------------------------------------------------- caps and charges of sums

    function test_cap_counts_the_sum_of_a_column_over_the_act(uint256[4] memory amounts, uint256 cap) public {
        cap = bound(cap, 0, 4e6);
        for (uint256 i; i < 4; ++i) {
            amounts[i] = bound(amounts[i], 0, 1e6);
        }
        putRule(Build.clause(PAIRS, 1, CAP, cap), "");
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        for (uint256 i; i < 2; ++i) {
            Pair[] memory pairs = new Pair[](2);
            (pairs[0].amount, pairs[1].amount) = (amounts[2 * i], amounts[2 * i + 1]);
            (pairs[0].to, pairs[1].to) = (1e30, 1e30); // another column does not count
            calls[i] = calling(address(sink), 0, abi.encodeWithSelector(F, 0, numbers(1), pairs, ""))[0];
        }
        uint256 first = amounts[0] + amounts[1];
        uint256 second = amounts[2] + amounts[3];
        if (first > cap) refuseExecute(calls, overCap(0, first, cap));
        else if (first + second > cap) refuseExecute(calls, overCap(1, second, cap - first));
        else execute(calls);
    }

    function test_cap_sum_saturates(uint256 first) public {
        first = bound(first, 1, type(uint256).max);
        putRule(Build.clause(WORDS, 0, CAP, 1000), "");
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (first, type(uint256).max - first + 1);
        refuse(
            abi.encodeWithSelector(F, 0, words, pairs1(1, 1), ""), overCap(0, type(uint256).max, 1000)
        );
    }

    function test_cap_on_counts_and_lengths(uint256 count, uint256 length) public {
        count = bound(count, 1, 8);
        length = bound(length, 0, 80);
        putRule(abi.encodePacked(Build.clause(PAIRS, 2, CAP, 5), Build.clause(NOTE, 0, CAP, 40)), "");
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1), new Pair[](count), new bytes(length));
        if (count > 5) refuse(data, overCap(0, count, 5));
        else if (length > 40) refuse(data, abi.encodeWithSelector(IPolicyModule.OverCap.selector, 0, 0, 1, length, 40));
        else execute(calling(address(sink), 0, data));
    }

    function test_charge_takes_the_sum_of_a_column(uint256[3] memory amounts) public {
        putRule("", Build.charge(0, 0, PAIRS, 1));
        Pair[] memory pairs = new Pair[](3);
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            pairs[i] = Pair(type(uint256).max, bound(amounts[i], 0, 2500 * USDC));
            sum += pairs[i].amount;
        }
        bytes memory data = abi.encodeWithSelector(F, 0, numbers(1e30), pairs, "");
        if (units(sum) > INSTANT) {
            refuse(data, abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), units(sum), INSTANT));
        } else {
            execute(calling(address(sink), 0, data));
            equal(module.spent(key(), SEGMENT), units(sum), "spent");
        }
    }

    /// Amounts whose sum wraps round to nothing must not be nothing.
    function test_charge_of_a_sum_saturates(uint256 first, uint256 second) public {
        putRule("", Build.charge(0, 0, WORDS, 0));
        first = bound(first, 1, type(uint256).max);
        uint256[] memory words = new uint256[](3);
        (words[0], words[1], words[2]) = (first, type(uint256).max - first + 1, second % (1000 * USDC));
        refuse(
            abi.encodeWithSelector(F, 0, words, pairs1(1, 1), ""),
            abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), units(type(uint256).max), LIMIT)
        );
    }

    /// A charge of a static word beside dynamics, of a column, and of the value: three budgets at once.
    function test_charges_of_several_budgets(uint256 flat, uint256 column, uint256 value) public {
        flat = bound(flat, 0, 6000 * USDC);
        column = bound(column, 0, 3000 * USDC);
        value = bound(value, 0, 5 ether);
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](3);
        p.budgets[0] = Build.budget(0, address(0), 11, PERIOD, 5e7, 5e7, "ether");
        p.budgets[1] = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        p.budgets[2] = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "flat");
        p.rules = one(
            fRule(
                "",
                abi.encodePacked(
                    Build.charge(0, 1, 0), Build.charge(1, 0, PAIRS, 0), Build.charge(2, 0, FLAT)
                )
            )
        );
        put(p);
        Pair[] memory pairs = new Pair[](2);
        (pairs[0].to, pairs[1].to) = (column, column);
        execute(calling(address(sink), value, abi.encodeWithSelector(F, flat, numbers(1), pairs, "")));
        equal(sink.received(), value, "value");
        bytes32 ether_ = keccak256(abi.encode(0, ID, 0, 11, SEGMENT, bytes32("ether")));
        bytes32 flat_ = keccak256(abi.encode(0, ID, usdc, EXPONENT, SEGMENT, bytes32("flat")));
        equal(module.spent(ether_, SEGMENT), (value + 1e11 - 1) / 1e11, "ether");
        equal(module.spent(key(), SEGMENT), units(2 * column), "column");
        equal(module.spent(flat_, SEGMENT), units(flat), "flat");
    }

    // ---------------------------------------------------------------- small things

    /// No budgets, no cooldown: what is under test is the form.
    function free() private view returns (Build.Policy memory p) {
        p = payroll();
        p.cooldown = 0;
        p.budgets = new bytes[](0);
    }

    function fRule(bytes memory clauses, bytes memory charges) private view returns (Build.Rule memory) {
        return Build.rule(address(sink), F, 0, 4, clauses, charges).dynamic(
            abi.encodePacked(Build.array(WORDS, 1), Build.array(PAIRS, 2), Build.array(NOTE, 0))
        );
    }

    function putRule(bytes memory clauses, bytes memory charges) private {
        Build.Policy memory p = charges.length == 0 ? free() : payroll();
        p.rules = one(fRule(clauses, charges));
        put(p);
    }

    function sample(uint256 seed) private pure returns (bytes memory) {
        uint256[] memory words = new uint256[](1 + seed % 3);
        Pair[] memory pairs = new Pair[](1 + (seed >> 8) % 3);
        for (uint256 i; i < words.length; ++i) {
            words[i] = uint256(keccak256(abi.encode(seed, i)));
        }
        for (uint256 i; i < pairs.length; ++i) {
            pairs[i] = Pair(seed + i, i);
        }
        bytes memory note = new bytes((seed >> 16) % 70);
        for (uint256 i; i < note.length; ++i) {
            note[i] = bytes1(uint8(seed >> (i % 32)));
        }
        return abi.encodeWithSelector(F, seed, words, pairs, note);
    }

    function encodeAgain(bytes calldata data) external pure returns (bytes memory, bool empty) {
        (uint256 flat, uint256[] memory words, Pair[] memory pairs, bytes memory note) =
            abi.decode(data[4:], (uint256, uint256[], Pair[], bytes));
        return (abi.encodeWithSelector(bytes4(data), flat, words, pairs, note), words.length * pairs.length == 0);
    }

    function refuse(bytes memory data) private {
        refuse(data, err(IPolicyModule.BadCalldata.selector, 0));
    }

    function refuse(bytes memory data, bytes memory reason) private {
        refuseExecute(calling(address(sink), 0, data), reason);
    }

    function failed(uint256 clause, uint256 argument) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, clause, argument);
    }

    function overCap(uint256 call, uint256 amount, uint256 left) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPolicyModule.OverCap.selector, call, 0, 0, amount, left);
    }

    function holds(uint256 kind, uint256 value, uint256 operand) private pure returns (bool) {
        if (kind == EQUAL) return value == operand;
        if (kind == NOT_EQUAL) return value != operand;
        return kind == AT_MOST ? value <= operand : value >= operand;
    }

    function numbers(uint256 a) private pure returns (uint256[] memory words) {
        words = new uint256[](1);
        words[0] = a;
    }

    function pairs1(uint256 a, uint256 b) private pure returns (Pair[] memory pairs) {
        pairs = new Pair[](1);
        pairs[0] = Pair(a, b);
    }

    function word(bytes memory data, uint256 place) private pure returns (uint256 value) {
        assembly {
            value := mload(add(add(data, 32), place))
        }
    }

    function setWord(bytes memory data, uint256 place, uint256 value) private pure {
        for (uint256 i; i < 32 && place + i < data.length; ++i) {
            data[place + i] = bytes1(uint8(value >> (8 * (31 - i))));
        }
    }
}
