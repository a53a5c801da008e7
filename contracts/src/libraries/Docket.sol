// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Docket
/// @notice Which acts of a policy are pending, at most four, and until when nothing may be scheduled: one storage word.
/// @dev Layout: `quiet until (32 bits) | place 3 | ... | place 0`, each place `expires (32 bits) | act number (24 bits)`.
/// A place is free once its expiry has passed. A vacated place keeps its number, so the word never returns to zero and
/// writing it stays cheap.
library Docket {
    uint256 internal constant PLACES = 4;
    uint256 private constant BITS = 56;
    uint256 private constant PLACE = (1 << BITS) - 1;
    uint256 private constant NUMBER = (1 << 24) - 1;

    /// @notice Until when nothing may be scheduled.
    function quietUntil(uint256 docket) internal pure returns (uint256) {
        return docket >> (PLACES * BITS);
    }

    /// @dev A time past the last that fits is the last that fits: quietening must never fail.
    function quieten(uint256 docket, uint256 until) internal pure returns (uint256) {
        if (until > type(uint32).max) until = type(uint32).max;
        return (docket & ((1 << (PLACES * BITS)) - 1)) | (until << (PLACES * BITS));
    }

    /// @notice Enters an act into a free place.
    /// @return entered the new word, or 0 if no place is free
    /// @return firstExpiry when the first place becomes free, if none is
    function enter(uint256 docket, uint256 time, uint256 number, uint256 expiresAt)
        internal
        pure
        returns (uint256 entered, uint256 firstExpiry)
    {
        firstExpiry = type(uint256).max;
        for (uint256 shift; shift < PLACES * BITS; shift += BITS) {
            uint256 expiry = (docket >> (shift + 24)) & type(uint32).max;
            if (expiry <= time) {
                return ((docket & ~(PLACE << shift)) | (((expiresAt << 24) | number) << shift), 0);
            }
            if (expiry < firstExpiry) firstExpiry = expiry;
        }
    }

    /// @notice Frees the place of an act, if it has one.
    function vacate(uint256 docket, uint256 number) internal pure returns (uint256) {
        for (uint256 shift; shift < PLACES * BITS; shift += BITS) {
            if ((docket >> shift) & NUMBER == number) return docket & ~(uint256(type(uint32).max) << (shift + 24));
        }
        return docket;
    }
}
