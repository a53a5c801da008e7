// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title PolicyState
/// @notice A policy's moving parts in one storage word. Version, act number and last act never go back and never wrap.
/// @dev Layout: `end, hours (24) | last act, seconds (32) | act number (24) | version (16) | pointer (160)`.
library PolicyState {
    function pointer(uint256 state) internal pure returns (address) {
        return address(uint160(state));
    }

    function version(uint256 state) internal pure returns (uint16) {
        return uint16(state >> 160);
    }

    function number(uint256 state) internal pure returns (uint24) {
        return uint24(state >> 176);
    }

    function lastAct(uint256 state) internal pure returns (uint32) {
        return uint32(state >> 200);
    }

    function endHours(uint256 state) internal pure returns (uint24) {
        return uint24(state >> 232);
    }

    /// @notice When the policy ends, in seconds; a whole hour.
    function end(uint256 state) internal pure returns (uint40) {
        unchecked {
            return uint40(endHours(state)) * 1 hours; // at most 2^24 hours: less than 2^36 seconds
        }
    }

    function withPolicy(uint256 state, address pointer_, uint16 version_) internal pure returns (uint256) {
        return (state >> 176 << 176) | (uint256(version_) << 160) | uint160(pointer_);
    }

    function withAct(uint256 state, uint24 number_, uint32 lastAct_) internal pure returns (uint256) {
        return (state >> 232 << 232) | (uint256(lastAct_) << 200) | (uint256(number_) << 176) | uint176(state);
    }

    function withEndHours(uint256 state, uint24 endHours_) internal pure returns (uint256) {
        return (uint256(endHours_) << 232) | uint232(state);
    }
}
