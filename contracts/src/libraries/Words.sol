// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Words
/// @notice Arrays of words in memory, as the compiler knows them, without its checks: for lengths and indices that are
/// known to be right.
library Words {
    /// @notice Two new arrays of zeros. Their lengths are at most what calldata and policy code can hold.
    function make(uint256 count, uint256 otherCount)
        internal
        pure
        returns (uint256[] memory words, uint256[] memory others)
    {
        assembly ("memory-safe") {
            words := mload(0x40)
            others := add(words, shl(5, add(count, 1)))
            let end := add(others, shl(5, add(otherCount, 1)))
            calldatacopy(words, calldatasize(), sub(end, words)) // what lies behind the calldata is zeros
            mstore(words, count)
            mstore(others, otherCount)
            mstore(0x40, end)
        }
    }

    /// @notice The first word of bytes that are at least one word long.
    function first(bytes memory data) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(data, 32))
        }
    }

    function get(uint256[] memory words, uint256 index) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(words, 32), shl(5, index)))
        }
    }

    function set(uint256[] memory words, uint256 index, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(words, 32), shl(5, index)), word)
        }
    }
}
