// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ring} from "../../../contracts/src/libraries/Ring.sol";
import {Vm} from "../support/Vm.sol";

/// @notice The ring, for every input at once: halmos runs each `check_` with symbolic arguments (`make prove`).
///
/// What is to be shown: *over every half-open interval of one period, the sum of charges is at most the largest limit in
/// force in it.* How:
///
/// 1. `turn`, `add` and `sum` do to the packed word exactly what they should do to eight plain counters, whatever the
///    word: `check_turn_is_exact`, `check_add_is_exact`, `check_sum_is_exact`.
/// 2. Time becomes a segment's index by one division. Two times less than a period apart have indices at most 7 apart,
///    and later times have no smaller index: `check_index_*`. Solvers can't multiply two unknowns of 256 bits; these two
///    checks and `check_units` therefore take four facts of arithmetic for granted, each of which
///    contracts/assurance/arithmetic.py proves over the integers, without any bound.
/// 3. Any number of charges, by induction: `check_window_*` shows that from whatever segment on one counts, the ring
///    holds all charges made since, as long as no more than 7 segments have passed.
/// 4. And once more head on, without 1 and 3: four charges at arbitrary times, of arbitrary size, under limits that change
///    each time, with any period: `check_sequence`. It uses the two statements of 2, and that `sum` is exact.
/// 5. A charge in units is never less than the amount: `check_units`.
contract RingSymbolic {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    // ================================================================ 1. exact against eight plain counters

    function bucket(uint256 word, uint256 i) private pure returns (uint256) {
        return (word >> (28 * i)) & 0xfffffff;
    }

    function indexOf(uint256 word) private pure returns (uint256) {
        return word >> 224;
    }

    function total(uint256 word) private pure returns (uint256 units) {
        for (uint256 i; i < 8; ++i) {
            units += bucket(word, i);
        }
    }

    /// Any bucket keeps its count when the segment that it stands for is still the same one, else it is empty.
    function check_turn_is_exact(uint256 word, uint32 newest, uint8 which) external pure {
        uint256 last = indexOf(word);
        uint256 i = which & 7;
        vm.assume(newest >= last);
        uint256 turned = Ring.turn(word, newest, 1);
        assert(indexOf(turned) == newest);
        // How many segments before the newest the bucket's own segment lies: 0 to 7.
        uint256 back = (uint256(newest) + 8 - i) & 7;
        if (back < newest - last) assert(bucket(turned, i) == 0);
        else assert(bucket(turned, i) == bucket(word, i));
    }

    function check_turn_refuses_to_go_back(uint256 word, uint256 newest) external view {
        vm.assume(newest < indexOf(word) || newest > type(uint32).max);
        try this.turn(word, newest, 1) {
            assert(false);
        } catch {}
    }

    /// Nothing but the quotient of time and segment matters to `turn`: 1 and 3 may speak of indices alone.
    function check_turn_sees_only_the_index(uint256 word, uint256 time, uint256 segment) external view {
        vm.assume(segment != 0);
        uint256 index = time / segment;
        vm.assume(index <= type(uint32).max && index >= indexOf(word));
        assert(Ring.turn(word, time, segment) == Ring.turn(word, index, 1));
    }

    function check_add_is_exact(uint256 word, uint256 units, uint8 which) external pure {
        uint256 place = indexOf(word) & 7;
        uint256 i = which & 7;
        vm.assume(units <= Ring.MAX && bucket(word, place) + units <= Ring.MAX);
        uint256 added = Ring.add(word, units);
        assert(indexOf(added) == indexOf(word));
        if (i == place) assert(bucket(added, i) == bucket(word, i) + units);
        else assert(bucket(added, i) == bucket(word, i));
    }

    /// No bucket's sum carries into another while the whole is at most MAX; the module charges only under a limit that is.
    function check_sum_is_exact(uint256 word) external pure {
        vm.assume(total(word) <= Ring.MAX);
        assert(Ring.sum(word) == total(word));
    }

    // ================================================================ 2. from times to indices

    function check_index_segment_covers_the_period(uint32 period) external pure {
        vm.assume(period >= 7);
        uint256 segment = Ring.segmentOf(period);
        assert(7 * segment >= period);
        assert(7 * segment < uint256(period) + 7);
    }

    function check_index_at_most_seven_apart(uint40 earlier, uint40 later, uint32 segment, uint32 period) external pure {
        vm.assume(segment != 0 && later >= earlier && later - earlier < period);
        vm.assume(7 * uint256(segment) >= period); // check_index_segment_covers_the_period
        (uint256 first, uint256 second) = quotients(earlier, later, segment);
        assert(second >= first);
        assert(second - first <= 7);
    }

    /// Facts of arithmetic, each proven by contracts/assurance/arithmetic.py over all integers.
    function quotients(uint256 earlier, uint256 later, uint256 segment)
        private
        pure
        returns (uint256 first, uint256 second)
    {
        first = earlier / segment;
        second = later / segment;
        unchecked {
            // Fact 1, what a quotient is.
            vm.assume(first <= earlier && first * segment <= earlier && earlier - first * segment < segment);
            vm.assume(second <= later && second * segment <= later && later - second * segment < segment);
            // Fact 2, multiplication is distributive.
            vm.assume((second - first) * segment == second * segment - first * segment);
            vm.assume((first - second) * segment == first * segment - second * segment);
            // Fact 3, and monotonic; more than 7 segments are at least 8.
            vm.assume(second < first || second * segment >= first * segment);
            vm.assume(first < second || first * segment >= second * segment);
            vm.assume(second < first || second - first < 8 || (second - first) * segment >= 8 * segment);
            vm.assume(first <= second || (first - second) * segment >= segment);
        }
    }

    // ================================================================ 3. any number of charges

    /// What was charged `back` segments before the newest one.
    function ago(uint256 word, uint256 back) private pure returns (uint256) {
        return bucket(word, (indexOf(word) + 8 - back) & 7);
    }

    /// Turning moves every count back by the segments that passed; what would be 8 or more back is gone.
    function check_window_turn_moves(uint256 word, uint32 newest, uint8 which) external pure {
        uint256 last = indexOf(word);
        uint256 back = which & 7;
        vm.assume(newest >= last);
        uint256 turned = Ring.turn(word, newest, 1);
        if (back < newest - last) assert(ago(turned, back) == 0);
        else assert(ago(turned, back) == ago(word, back + last - newest));
    }

    function check_window_add_counts_now(uint256 word, uint256 units, uint8 which) external pure {
        uint256 back = which & 7;
        vm.assume(units <= Ring.MAX && ago(word, 0) + units <= Ring.MAX);
        uint256 added = Ring.add(word, units);
        if (back == 0) assert(ago(added, 0) == ago(word, 0) + units);
        else assert(ago(added, back) == ago(word, back));
    }

    /// The step of the induction, with counts as the two checks above move them: whatever was charged since `since`
    /// segments ago is still counted, and so is the new charge, as long as `since` is then at most 7. With the checks of
    /// 1: the sum that is held against the limit holds everything charged within a period.
    function check_window_step(uint256[8] calldata given, uint256 units) external pure {
        uint256[8] memory counts = given;
        unchecked {
            for (uint256 passed; passed < 8; ++passed) {
                for (uint256 since; since + passed < 8; ++since) {
                    uint256 before;
                    for (uint256 back; back <= since; ++back) {
                        before += counts[back];
                    }
                    uint256 afterwards;
                    for (uint256 back; back <= since + passed; ++back) {
                        uint256 moved = back < passed ? 0 : counts[back - passed];
                        afterwards += back == 0 ? moved + units : moved;
                    }
                    assert(afterwards == before + units);
                }
            }
        }
    }

    /// Forgotten in time as well: 8 segments later nothing is left, so a budget comes back.
    function check_window_ends(uint256 word, uint32 newest) external pure {
        vm.assume(newest >= indexOf(word) + 8);
        assert(Ring.sum(Ring.turn(word, newest, 1)) == 0);
    }

    // ================================================================ 4. four charges, head on

    uint256 private constant CHARGES = 4;

    /// Charges as the module does, each time under another limit, and asks every interval of a period that ends with
    /// the last charge. A refused charge leaves the ring as it was, so these are all charges that were let through; and
    /// one of 0 units in the first place is the same as one charge less.
    function check_sequence(
        uint40[CHARGES] calldata times,
        uint32[CHARGES] calldata units,
        uint32[CHARGES] calldata limits,
        uint32 period
    ) external pure {
        vm.assume(period >= 7);
        uint256 segment = Ring.segmentOf(period);
        vm.assume(segment != 0);
        uint256 word;
        for (uint256 i; i < CHARGES; ++i) {
            uint256 index = times[i] / segment;
            vm.assume(no(limits[i] > Ring.MAX) & no(units[i] > Ring.MAX) & no(index > type(uint32).max) == 1);
            for (uint256 j; j < i; ++j) {
                // 2. says both of these.
                vm.assume(no(times[j] > times[i]) & no(times[j] / segment > index) == 1);
                vm.assume(no(times[i] - times[j] < period) | no(index - times[j] / segment > 7) == 1);
            }
            word = Ring.turn(word, times[i], segment);
            vm.assume(no(total(word) + units[i] > limits[i]) == 1);
            word = Ring.add(word, units[i]);
        }
        uint256 sum;
        uint256 fits = 1;
        for (uint256 i = CHARGES; i != 0; --i) {
            sum += units[i - 1];
            fits &= no(times[CHARGES - 1] - times[i - 1] < period) | no(sum > limits[CHARGES - 1]);
        }
        assert(fits == 1);
    }

    /// 1 for false: a number, so that conditions joined by & and | are one path and not many.
    function no(bool condition) private pure returns (uint256 one) {
        assembly ("memory-safe") {
            one := iszero(condition)
        }
    }

    // ================================================================ 5. units

    /// Any unit but zero, so every power of ten: the quotient if nothing is left over, else one more, not wrapped.
    function check_units(uint256 amount, uint256 unit) external pure {
        unchecked {
            vm.assume(unit != 0);
            uint256 quotient = amount / unit;
            // Facts 1 and 4, what a quotient is.
            vm.assume(quotient * unit <= amount && amount - quotient * unit < unit);
            vm.assume(unit == 1 || quotient < amount || amount == 0);
            vm.assume(unit != 1 || quotient * unit == amount);
            uint256 units = Ring.unitsOf(amount, unit);
            uint256 rest = amount - quotient * unit;
            if (rest == 0) {
                assert(units == quotient); // units * unit == amount
            } else {
                assert(units == quotient + 1 && units != 0); // units * unit == amount + (unit - rest) > amount
            }
        }
    }

    function turn(uint256 word, uint256 time, uint256 segment) external pure returns (uint256) {
        return Ring.turn(word, time, segment);
    }
}
