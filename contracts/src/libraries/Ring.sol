// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../IPolicyModule.sol";

/// @title Ring
/// @notice A strict rolling window in one storage word: at most `limit` units in *any* `7 * segment` seconds.
/// @dev Layout: `index (32 bits) | bucket 7 | ... | bucket 0`, each bucket 28 bits. `index` is the newest segment that was
/// charged, counted from the epoch; bucket i holds the segment whose index is i modulo 8. The eight buckets cover between
/// 7 and 8 segments back from now, never less than 7: so with segment = ceil(period / 7) no charge is forgotten before a
/// whole period has passed. (Rounding the segment down forgets too early: twice a 30-day limit within 2,591,996 s.)
///
/// The sum of the buckets never exceeds the largest limit ever charged under, so it fits 28 bits.
library Ring {
    uint256 internal constant BUCKETS = 8;
    uint256 internal constant BITS = 28;
    /// @dev The most that a bucket, and so a limit, can hold.
    uint256 internal constant MAX = (1 << BITS) - 1;
    uint256 private constant ALL = (1 << (BITS * BUCKETS)) - 1;
    // One in every bucket: multiplying by it leaves the sum of all buckets in the highest one.
    uint256 private constant ONES = ALL / MAX;

    /// @notice Seven segments are at least the period.
    /// @param period seconds, at most 2^32 - 1
    function segmentOf(uint256 period) internal pure returns (uint256) {
        unchecked {
            return (period + 6) / 7;
        }
    }

    /// @notice Amount in whole units, rounded up: a charge is never less than what leaves.
    /// @param unit base units in one unit, not zero
    function unitsOf(uint256 amount, uint256 unit) internal pure returns (uint256 units) {
        unchecked {
            assembly ("memory-safe") {
                units := div(amount, unit)
            }
            // Where anything was cut off, the unit is at least 2, so this cannot overflow.
            if (units * unit != amount) ++units;
        }
    }

    /// @notice The same ring at `time`: segments that fell out of the window are emptied.
    function turn(uint256 word, uint256 time, uint256 segment) internal pure returns (uint256) {
        unchecked {
            uint256 newest;
            assembly ("memory-safe") {
                newest := div(time, segment) // as `/`, without asking whether the segment is zero: it is at least 1
            }
            uint256 last = word >> (BITS * BUCKETS);
            if (newest == last) return word;
            if (newest < last || newest > type(uint32).max) revert IPolicyModule.BadTime();
            uint256 passed = newest - last;
            uint256 buckets;
            if (passed < BUCKETS) {
                // The `passed` buckets after the last one, going round.
                uint256 gone = (1 << (BITS * passed)) - 1;
                uint256 from = BITS * ((last + 1) % BUCKETS);
                gone = (gone << from) | (gone >> (BITS * BUCKETS - from));
                buckets = word & ALL & ~gone;
            }
            return (newest << (BITS * BUCKETS)) | buckets;
        }
    }

    /// @notice The sum of all buckets of a turned ring.
    function sum(uint256 word) internal pure returns (uint256) {
        unchecked {
            // No bucket's partial sum carries into the next, because the whole sum fits 28 bits.
            return (((word & ALL) * ONES) >> (BITS * (BUCKETS - 1))) & MAX;
        }
    }

    /// @notice Adds to the newest bucket of a turned ring.
    /// @dev The caller has made sure that sum(word) + units <= MAX.
    function add(uint256 word, uint256 units) internal pure returns (uint256) {
        unchecked {
            return word + (units << (BITS * ((word >> (BITS * BUCKETS)) % BUCKETS)));
        }
    }
}
