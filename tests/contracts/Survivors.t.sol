// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Balances} from "../../contracts/src/libraries/Balances.sol";
import {Calls} from "../../contracts/src/libraries/Calls.sol";
import {PolicyCode} from "../../contracts/src/libraries/PolicyCode.sol";
import {Ring} from "../../contracts/src/libraries/Ring.sol";
import {Words} from "../../contracts/src/libraries/Words.sol";
import {Base, IMint} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice A treasury that answers whatever it was told to.
contract Answering {
    bytes private answer;
    bool private fails;
    bytes32 public asked; // the hash of what it was called with

    function set(bytes calldata answer_, bool fails_) external {
        (answer, fails) = (answer_, fails_);
    }

    fallback() external {
        asked = keccak256(msg.data);
        bytes memory answer_ = answer;
        bool fails_ = fails;
        assembly {
            if fails_ { revert(add(answer_, 32), mload(answer_)) }
            return(add(answer_, 32), mload(answer_))
        }
    }
}

/// @notice Tests that tell small mistakes apart which the other suites would let through, by the function they are in
/// (docs/assurance.md, "Mutation"). All are exact: none hangs on what a fuzzer happens to draw.
contract SurvivorsTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    // ---------------------------------------------------------------- Ring

    function test_ring_turn_to_the_last_index_there_is() public {
        uint256 last = type(uint32).max;
        equal(Ring.turn(0, last, 1), last << 224, "the last second of an index of 32 bits");
        vm.expectRevert(IPolicyModule.BadTime.selector);
        this.turn(0, last + 1, 1);
        equal(Ring.turn(0, 7 * last + 6, 7), last << 224, "the last second of the last segment");
        vm.expectRevert(IPolicyModule.BadTime.selector);
        this.turn(0, 7 * last + 7, 7);
        vm.expectRevert(IPolicyModule.BadTime.selector);
        this.turn(2 << 224, 1, 1);
    }

    /// From each place, by each distance: exactly the buckets of the segments passed are emptied.
    function test_ring_turn_empties_exactly_what_was_passed() public pure {
        for (uint256 from = 100; from < 108; ++from) {
            uint256 word = from << 224;
            for (uint256 i; i < 8; ++i) {
                word |= (Ring.MAX - i) << (28 * i);
            }
            for (uint256 passed; passed < 10; ++passed) {
                uint256 expected = (from + passed) << 224;
                for (uint256 i; i < 8; ++i) {
                    uint256 age = (from - i) % 8; // segments since bucket i was the newest
                    if (age + passed < 8) expected |= (Ring.MAX - i) << (28 * i);
                }
                equal(Ring.turn(word, from + passed, 1), expected, "turned");
            }
        }
    }

    function test_ring_add_and_sum_of_each_bucket() public pure {
        for (uint256 i; i < 8; ++i) {
            uint256 word = Ring.add((100 + i) << 224, Ring.MAX);
            equal(word, ((100 + i) << 224) | Ring.MAX << (28 * ((100 + i) % 8)), "the newest bucket alone");
            equal(Ring.sum(word), Ring.MAX, "the most there is");
            equal(Ring.sum(uint256(1) << (28 * i)), 1, "the least there is");
        }
    }

    function test_ring_units_at_the_edges() public pure {
        equal(Ring.unitsOf(0, 1000), 0, "none");
        equal(Ring.unitsOf(1, 1000), 1, "up");
        equal(Ring.unitsOf(1000, 1000), 1, "exact");
        equal(Ring.unitsOf(1001, 1000), 2, "up again");
        equal(Ring.unitsOf(type(uint256).max, 1), type(uint256).max, "of one");
        equal(Ring.segmentOf(7), 1, "7");
        equal(Ring.segmentOf(8), 2, "8");
        equal(Ring.segmentOf(14), 2, "14");
        equal(Ring.segmentOf(15), 3, "15");
    }

    function turn(uint256 word, uint256 time, uint256 segment) external pure returns (uint256) {
        return Ring.turn(word, time, segment);
    }

    // ---------------------------------------------------------------- Words

    /// In memory that was written to before: two arrays, apart from each other and from what is taken after them, all
    /// zeros.
    function test_words_make_in_used_memory() public pure {
        for (uint256 count; count < 4; ++count) {
            for (uint256 otherCount; otherCount < 4; ++otherCount) {
                assembly {
                    let free := mload(0x40)
                    for { let i := 0 } lt(i, 640) { i := add(i, 1) } { mstore8(add(free, i), 0xee) }
                }
                (uint256[] memory words, uint256[] memory others) = Words.make(count, otherCount);
                uint256[1] memory next = [uint256(7)];
                equal(words.length, count, "length");
                equal(others.length, otherCount, "the other's length");
                for (uint256 i; i < count; ++i) {
                    equal(Words.get(words, i), 0, "zero");
                    Words.set(words, i, 10 + i);
                }
                for (uint256 i; i < otherCount; ++i) {
                    equal(Words.get(others, i), 0, "zero in the other");
                    Words.set(others, i, 20 + i);
                }
                for (uint256 i; i < count; ++i) {
                    equal(words[i], 10 + i, "kept");
                }
                for (uint256 i; i < otherCount; ++i) {
                    equal(others[i], 20 + i, "kept in the other");
                }
                equal(words.length, count, "length after");
                equal(others.length, otherCount, "the other's length after");
                equal(next[0], 7, "what was taken after them");
                assembly {
                    mstore(next, 0xeeee)
                }
                for (uint256 i; i < otherCount; ++i) {
                    equal(others[i], 20 + i, "and is apart from it");
                }
            }
        }
    }

    function test_words_first() public pure {
        equal(Words.first(abi.encode(5, 6)), 5, "first");
    }

    // ---------------------------------------------------------------- PolicyCode.contains, find, alternative

    /// Lists of every length that halving can meet: each word is found, and neither what lies between them, nor before
    /// nor behind, although the looked for word follows at once in memory.
    function test_policyCode_contains() public pure {
        for (uint256 count = 1; count < 36; ++count) {
            bytes memory list_ = abi.encodePacked(uint16(count));
            for (uint256 i; i < count; ++i) {
                list_ = abi.encodePacked(list_, 10 * (i + 1));
            }
            for (uint256 i; i < count; ++i) {
                require(has(list_, 10 * (i + 1)), "found");
                require(!has(list_, 10 * (i + 1) + 1), "not found between");
            }
            require(!has(list_, 9) && !has(list_, 0) && !has(list_, type(uint256).max), "not found outside");
            require(!has(list_, 10 * (count + 1)), "not found behind");
        }
    }

    function has(bytes memory list_, uint256 value) private pure returns (bool) {
        bytes memory all = abi.encodePacked(uint256(value), list_, value, value, value, value, value);
        uint256 start;
        assembly {
            start := add(all, 64)
        }
        return PolicyCode.contains(start, value);
    }

    /// Of tables with no rule up to twenty, some with alternatives: the first with the key, or none.
    function test_policyCode_find() public view {
        for (uint256 count = 1; count < 20; ++count) {
            Build.Policy memory p = payroll();
            p.lists = new bytes[](0);
            p.budgets = new bytes[](count % 3);
            for (uint256 i; i < count % 3; ++i) {
                p.budgets[i] = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, bytes32(i + 1));
            }
            p.rules = new Build.Rule[](count);
            for (uint256 i; i < count; ++i) {
                p.rules[i] = Build.rule(address(uint160(10 * (i / 2 + 1))), TRANSFER, 0, uint8(i), "", "");
            }
            uint256 code_ = place(p.encode());
            for (uint256 i; i < count; ++i) {
                uint256 wanted = keyAt(10 * (i / 2 + 1));
                (uint256 low, uint256 head) = PolicyCode.find(code_, wanted);
                equal(low, i / 2 * 2, "place");
                equal(PolicyCode.words(head), i / 2 * 2, "head");
                uint256 next = PolicyCode.alternative(code_, low + 1, wanted);
                require((next != 0) == (low + 1 < count), "an alternative");
                require(next == 0 || PolicyCode.words(next) == low + 1, "it is the next");
                equal(PolicyCode.alternative(code_, low + 2, wanted), 0, "the next has another key");
                (, head) = PolicyCode.find(code_, wanted + 1);
                equal(head, 0, "no such key");
                (, head) = PolicyCode.find(code_, keyAt(10 * (i / 2 + 1) + 1));
                equal(head, 0, "no such target");
            }
            (, uint256 none) = PolicyCode.find(code_, keyAt(9));
            equal(none, 0, "below all");
            equal(PolicyCode.alternative(code_, count, 0), 0, "behind the last there is none, whatever lies there");
        }
    }

    /// What lies behind the table of rules is no rule, even if it looks like one with the key.
    function test_policyCode_alternative_ends_with_the_table() public view {
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(usdc, TRANSFER, 0, 2, "", ""));
        bytes memory encoded = p.encode();
        uint256 code_ = place(abi.encodePacked(encoded, PolicyCode.headAt(place(encoded), 0)));
        uint256 wanted = PolicyCode.keyOf(PolicyCode.headAt(code_, 0));
        require(PolicyCode.headAt(code_, 1) == PolicyCode.headAt(code_, 0), "it does look like one");
        equal(PolicyCode.alternative(code_, 1, wanted), 0, "but is none");
    }

    function keyAt(uint256 target) private pure returns (uint256) {
        return ((target << 32) | uint32(TRANSFER)) << 1;
    }

    function place(bytes memory encoded) private pure returns (uint256 code_) {
        assembly {
            code_ := add(encoded, 32)
        }
    }

    // ---------------------------------------------------------------- Arguments._tailEnd

    /// The data end where a tail should begin, and behind them the sender put a length that leads back to their end.
    function test_arguments_tail_behind_the_data() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.cooldown = 0;
        p.rules = one(Build.rule(address(sink), TRANSFER, 0, 1, "", "").dynamic(Build.array(0, 0)));
        put(p);
        for (uint256 i; i < 34; ++i) {
            bytes memory data = abi.encodePacked(
                IPolicyModule.execute.selector,
                abi.encode(ID, codehash, 160, nextNumber(), DECISION, 1, 32),
                abi.encode(sink, 0, 96, 36),
                abi.encodePacked(TRANSFER, uint256(32), type(uint256).max - i)
            );
            vm.prank(agent);
            (bool done,) = address(module).call{gas: 3_000_000}(data);
            require(!done && sink.calls() == 0, "refused");
        }
    }

    /// Bytes and elements that end exactly with the data, and those that would end a byte or a word behind them.
    function test_arguments_tail_that_ends_with_the_data() public {
        Sink sink = new Sink();
        for (uint8 width; width < 4; ++width) {
            Build.Policy memory p = payroll();
            p.budgets = new bytes[](0);
            p.cooldown = 0;
            p.rules = one(Build.rule(address(sink), TRANSFER, 0, 1, "", "").dynamic(Build.array(0, width)));
            put(p);
            for (uint256 count = width == 0 ? 0 : 1; count < 4; ++count) {
                uint256 size = width == 0 ? 32 * count : 32 * count * width;
                uint256 length = width == 0 ? size : count;
                bytes memory data = abi.encodePacked(TRANSFER, uint256(32), length, new bytes(size));
                execute(calling(address(sink), 0, data));
                bytes memory bad = err(IPolicyModule.BadCalldata.selector, 0);
                refuseExecute(
                    calling(address(sink), 0, abi.encodePacked(TRANSFER, uint256(32), length + 1, new bytes(size))), bad
                );
                refuseExecute(calling(address(sink), 0, abi.encodePacked(data, uint256(0))), bad);
                refuseExecute(calling(address(sink), 0, abi.encodePacked(data, uint8(0))), bad);
            }
        }
    }

    // ---------------------------------------------------------------- Calls.hash, Calls.at_

    /// The name of an act, written out a second time, for data of every length around whole words; in memory that was
    /// written to before, of which nothing is taken for good and nothing before it is touched.
    function test_calls_hash_of_every_length() public view {
        for (uint256 length; length < 67; ++length) {
            IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](length % 4);
            for (uint256 i; i < calls.length; ++i) {
                bytes memory data = new bytes(length + i);
                for (uint256 j; j < data.length; ++j) {
                    data[j] = bytes1(uint8(1 + j));
                }
                calls[i] = IPolicyModule.Call(address(uint160(type(uint160).max - i)), length + 7 * i, data);
            }
            require(this.named(calls) == nameOf(calls), "the name");
        }
    }

    function nameOf(IPolicyModule.Call[] memory calls) private view returns (bytes32) {
        bytes memory all = abi.encode(block.chainid, this, ID, 3, 9, DECISION);
        for (uint256 i; i < calls.length; ++i) {
            bytes memory data = calls[i].data;
            bytes memory padding = new bytes((32 - data.length % 32) % 32);
            all = abi.encodePacked(all, abi.encode(calls[i].to, calls[i].value, data.length), data, padding);
        }
        return keccak256(all);
    }

    function named(IPolicyModule.Call[] calldata calls) external view returns (bytes32 name) {
        uint256[2] memory kept = [uint256(11), 12];
        uint256 free;
        assembly {
            free := mload(0x40)
            for { let i := 0 } lt(i, 1280) { i := add(i, 1) } { mstore8(add(free, i), 0xee) }
        }
        name = Calls.hash(calls, ID, 3, 9, DECISION);
        uint256 freeAfter;
        assembly {
            freeAfter := mload(0x40)
        }
        equal(freeAfter, free, "memory taken");
        require(kept[0] == 11 && kept[1] == 12, "memory touched");
        for (uint256 i; i < calls.length; ++i) {
            (address to, uint256 value, bytes calldata data) = Calls.at_(calls, i);
            require(to == calls[i].to && value == calls[i].value, "target and value");
            require(keccak256(data) == keccak256(calls[i].data), "data");
        }
    }

    // ---------------------------------------------------------------- Calls.perform

    /// What a treasury may answer, and what it may not, to the byte.
    function test_calls_perform_takes_only_a_proper_answer() public {
        Answering treasury_ = new Answering();
        answers(treasury_, abi.encode(true, ""), true, "");
        answers(treasury_, abi.encode(true, "answer"), true, "answer");
        answers(treasury_, abi.encode(false, "reason"), false, "reason");
        answers(treasury_, abi.encode(2, 64, 0), false, ""); // only one is true
        answers(treasury_, abi.encode(type(uint256).max, 64, 0), false, "");
        answers(treasury_, abi.encodePacked(uint256(1), uint256(64), uint256(5), "hello"), true, "hello");
        answers(treasury_, abi.encodePacked(uint256(1), uint256(64), uint256(4), "hello"), true, "hell");
        answersBadly(treasury_, abi.encodePacked(uint256(1), uint256(64), uint256(6), "hello"));
        answersBadly(treasury_, abi.encode(1, 64, 1));
        answersBadly(treasury_, abi.encode(1, 64, type(uint256).max));
        answersBadly(treasury_, abi.encode(1, 63, 0));
        answersBadly(treasury_, abi.encode(1, 65, 0));
        answersBadly(treasury_, abi.encode(1, 96, 0, 0));
        answersBadly(treasury_, abi.encode(1, 0, 0));
        answersBadly(treasury_, abi.encodePacked(uint256(1), uint256(64), new bytes(31)));
        answersBadly(treasury_, abi.encode(1, 64));
        answersBadly(treasury_, "");
        treasury_.set("no", true);
        vm.expectRevert(bytes("no"));
        this.perform(address(treasury_), address(0xabc), 5, "data");
    }

    function answers(Answering treasury_, bytes memory answer, bool success, bytes memory returned) private {
        treasury_.set(answer, false);
        bytes memory data = abi.encodePacked("data of ", answer);
        (bool done, bytes memory got) = this.perform(address(treasury_), address(0xabc), 5, data);
        require(done == success && keccak256(got) == keccak256(returned), "the answer");
        bytes memory asked = abi.encodeWithSignature(
            "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)", address(0xabc), 5, data, 0
        );
        require(treasury_.asked() == keccak256(asked), "the question");
    }

    function answersBadly(Answering treasury_, bytes memory answer) private {
        treasury_.set(answer, false);
        vm.expectRevert(bytes(""));
        this.perform(address(treasury_), address(0xabc), 5, "data");
    }

    /// In memory that was written to before; and what is taken after the answer does not overwrite it.
    function perform(address treasury_, address to, uint256 value, bytes calldata data)
        external
        returns (bool success, bytes memory returned)
    {
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 640) { i := add(i, 1) } { mstore8(add(free, i), 0xee) }
        }
        (success, returned) = Calls.perform(treasury_, to, value, data);
        bytes32 before = keccak256(returned);
        uint256[3] memory next = [type(uint256).max, type(uint256).max, type(uint256).max];
        require(keccak256(returned) == before && next[2] != 0, "overwritten");
    }

    // ---------------------------------------------------------------- Balances

    /// Of each budget what is held if it is measured, and nothing if not; then of each income.
    function test_balances_read() public {
        vm.deal(address(0xabc), 5 ether);
        IMint(usdc).mint(address(0xabc), 77);
        for (uint8 measured; measured < 4; ++measured) {
            Build.Policy memory p = payroll();
            p.budgets = two(
                budgetOf(measured % 2 == 1, address(0), "ether"), budgetOf(measured / 2 == 1, usdc, "day")
            );
            bytes memory incomes;
            for (uint256 i; i < 3; ++i) {
                p.rules = one(payRule().earning(incomes));
                uint256 code_ = place(p.encode());
                uint256[] memory balances = Balances.read(code_, PolicyCode.headAt(code_, 0), address(0xabc));
                equal(balances.length, 2 + i, "how many");
                equal(balances[0], measured % 2 == 1 ? 5 ether : 0, "ether");
                equal(balances[1], measured / 2 == 1 ? 77 : 0, "token");
                if (i > 0) equal(balances[2], 77, "first income");
                if (i > 1) equal(balances[3], 5 ether, "second income");
                incomes = abi.encodePacked(incomes, Build.income(i == 0 ? usdc : address(0), 0, 1, 1));
            }
        }
    }

    function budgetOf(bool measured, address asset, bytes32 name) private pure returns (bytes memory) {
        if (measured) return Build.measured(0, asset, EXPONENT, PERIOD, INSTANT, LIMIT, name);
        return Build.budget(0, asset, EXPONENT, PERIOD, INSTANT, LIMIT, name);
    }

    /// The share of an income, to the base unit: rounded up, and the most there is where it does not fit.
    function test_balances_incomes_to_the_unit() public {
        income(100, 1, 3, 34);
        income(99, 1, 3, 33);
        income(100, 7, 1, 700);
        income(0, 1, 1, 0);
        income(type(uint256).max, 1, 1, type(uint256).max);
        income(type(uint256).max, 2, 1, type(uint256).max);
        income(2 ** 255, 2, 1, type(uint256).max); // the product is just above what fits
        income(2 ** 255, 2, 2, 2 ** 255);
        income(2 ** 255, 4, 2, type(uint256).max);
    }

    function income(uint256 charged, uint128 numerator, uint128 denominator, uint256 needed) private {
        bytes4 tooLittle = IPolicyModule.TooLittleIncome.selector;
        this.requireIncome(charged, numerator, denominator, 0, needed);
        if (needed < 2 ** 255) this.requireIncome(charged, numerator, denominator, 7, needed + 7);
        if (needed == 0) {
            this.requireIncome(charged, numerator, denominator, 8, 7); // a fall is a rise of nothing
            return;
        }
        vm.expectRevert(abi.encodeWithSelector(tooLittle, 3, usdc, needed - 1, needed));
        this.requireIncome(charged, numerator, denominator, 0, needed - 1);
        vm.expectRevert(abi.encodeWithSelector(tooLittle, 3, usdc, 0, needed));
        this.requireIncome(charged, numerator, denominator, 1, 0);
    }

    function requireIncome(
        uint256 charged,
        uint128 numerator,
        uint128 denominator,
        uint256 before_,
        uint256 afterwards_
    ) external view {
        Build.Policy memory p = payroll();
        p.rules = one(payRule().earning(Build.income(usdc, 0, numerator, denominator)));
        uint256 code_ = place(p.encode());
        uint256[] memory charges = new uint256[](1);
        uint256[] memory before = new uint256[](2);
        uint256[] memory afterwards = new uint256[](2);
        (charges[0], before[1], afterwards[1]) = (charged, before_, afterwards_);
        Balances.requireIncomes(code_, PolicyCode.headAt(code_, 0), 3, charges, before, afterwards);
    }
}
