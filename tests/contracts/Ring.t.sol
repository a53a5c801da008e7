// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Ring} from "../../contracts/src/libraries/Ring.sol";
import {Vm} from "./support/Vm.sol";

/// @notice The ring alone, against a list of charges with their times.
contract RingTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct Charge {
        uint256 time;
        uint256 units;
    }

    Charge[] private charges;

    function test_ring_window(uint32 period, uint32 limit, uint256 start, uint256[48] calldata seeds) public {
        run(uint32(7 + period % 90 days), 1 + limit % uint32(Ring.MAX), start % 2 ** 31, seeds);
    }

    /// Short periods: most charges fall on segment edges.
    function test_ring_window_short(uint32 period, uint32 limit, uint256[48] calldata seeds) public {
        run(7 + period % 60, 1 + limit % 50, 1_800_000_000, seeds);
    }

    /// 30 days: rounding the segment down would allow the limit twice within 2,591,996 s.
    function test_ring_thirty_days_around_the_edge() public pure {
        uint256 period = 30 days;
        uint256 segment = Ring.segmentOf(period);
        require(7 * segment >= period && 7 * (period / 7) < period, "rounding down would fall short");
        for (uint256 offset; offset < 8; ++offset) {
            uint256 time = 1_800_000_000 / segment * segment + offset * segment;
            uint256 word = Ring.add(Ring.turn(0, time, segment), 100);
            require(Ring.sum(Ring.turn(word, time + 2_591_996, segment)) == 100, "still counts");
            require(Ring.sum(Ring.turn(word, time + 30 days - 1, segment)) == 100, "to the last second");
            require(Ring.sum(Ring.turn(word, time + 8 * segment, segment)) == 0, "and not for ever");
        }
        // Charged in the last second of a segment, it is gone after 7 segments: just not before the period is over.
        uint256 late = 1_800_000_000 / segment * segment + segment - 1;
        uint256 ring = Ring.add(Ring.turn(0, late, segment), 100);
        require(Ring.sum(Ring.turn(ring, late + 7 * segment, segment)) == 100, "7 segments");
        require(Ring.sum(Ring.turn(ring, late + 7 * segment + 1, segment)) == 0, "and a second");
    }

    function test_ring_units_round_up(uint256 amount, uint8 exponent) public pure {
        uint256 unit = 10 ** (exponent % 78);
        uint256 units = Ring.unitsOf(amount, unit);
        uint256 whole = amount / unit;
        require(units >= whole, "not below");
        require(units - whole <= 1, "at most one more");
        require((units == whole) == (whole * unit == amount), "exact when exact");
    }

    function test_ring_keeps_buckets_apart(uint256[8] calldata units, uint32 segment) public pure {
        uint256 period = uint256(segment) % 1e6 + 1;
        uint256 word;
        uint256 total;
        for (uint256 i; i < 8; ++i) {
            uint256 add = units[i] % (Ring.MAX / 8);
            word = Ring.add(Ring.turn(word, (100 + i) * period, period), add);
            total += add;
        }
        require(Ring.sum(word) == total, "sum");
        for (uint256 i; i < 8; ++i) {
            word = Ring.turn(word, (108 + i) * period, period);
            total -= units[i] % (Ring.MAX / 8);
            require(Ring.sum(word) == total, "one bucket leaves at a time");
        }
    }

    function test_ring_revert_BadTime(uint256 time, uint256 back) public {
        time = time % 2 ** 32;
        uint256 word = Ring.turn(0, time, 1);
        back = back % (time + 1);
        if (back == 0) {
            require(this.turn(word, time, 1) == word, "same");
            return;
        }
        vm.expectRevert(IPolicyModule.BadTime.selector);
        this.turn(word, time - back, 1);
    }

    function test_ring_revert_BadTime_pastTheIndex(uint256 time) public {
        vm.assume(time >= 2 ** 32);
        vm.expectRevert(IPolicyModule.BadTime.selector);
        this.turn(0, time, 1);
    }

    function turn(uint256 word, uint256 time, uint256 segment) external pure returns (uint256) {
        return Ring.turn(word, time, segment);
    }

    /// Charges whatever the ring lets through, then asks the list: never more than the limit in any period; and what the
    /// list says is free for sure (nothing charged for 8 segments back) the ring lets through.
    function run(uint256 period, uint256 limit, uint256 time, uint256[48] calldata seeds) private {
        uint256 segment = Ring.segmentOf(period);
        uint256 word;
        for (uint256 i; i < seeds.length; ++i) {
            time += step(seeds[i], segment, period);
            if (time / segment > type(uint32).max) break;
            uint256 units = seeds[i] % 3 == 0 ? limit : (seeds[i] >> 64) % (limit + 1);
            uint256 turned = Ring.turn(word, time, segment);
            uint256 spent = Ring.sum(turned);
            require(spent >= sum(time, period), "the ring forgets too early");
            require(spent <= sum(time, 8 * segment), "the ring forgets too late");
            if (spent + units > limit) continue;
            word = Ring.add(turned, units);
            charges.push(Charge(time, units));
            require(sum(time, period) <= limit, "over the limit");
        }
    }

    /// Units charged in the half-open interval of this length that ends now (now included).
    function sum(uint256 time, uint256 length) private view returns (uint256 units) {
        for (uint256 i = charges.length; i != 0 && charges[i - 1].time + length > time; --i) {
            units += charges[i - 1].units;
        }
    }

    /// Steps that fall on the edges of segments and periods more often than chance would have it.
    function step(uint256 seed, uint256 segment, uint256 period) private pure returns (uint256) {
        uint256 kind = (seed >> 32) % 10;
        if (kind == 0) return 0;
        if (kind == 1) return 1;
        if (kind == 2) return segment - 1;
        if (kind == 3) return segment;
        if (kind == 4) return segment + 1;
        if (kind == 5) return period - 1;
        if (kind == 6) return period;
        if (kind == 7) return 7 * segment + 1;
        return (seed >> 128) % (2 * segment);
    }
}
