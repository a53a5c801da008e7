// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../IPolicyModule.sol";
import {ITreasury} from "../ITreasury.sol";

/// @title Calls
/// @notice Reads an act's calls from calldata, and makes a treasury perform them.
/// @dev In assembly because these are the copies that every act pays for. Whoever sends an act may place the parts of its
/// calls wherever they like, even outside the calldata, where all is zero: what is checked and what is performed are
/// read by the same function, so they are the same bytes.
library Calls {
    /// @notice Call number i; i must be below the array's length.
    function at_(IPolicyModule.Call[] calldata calls, uint256 i)
        internal
        pure
        returns (address to, uint256 value, bytes calldata data)
    {
        assembly ("memory-safe") {
            let call_ := add(calls.offset, calldataload(add(calls.offset, shl(5, i))))
            to := shr(96, shl(96, calldataload(call_)))
            value := calldataload(add(call_, 32))
            let bytes_ := add(call_, calldataload(add(call_, 64)))
            data.length := calldataload(bytes_)
            data.offset := add(bytes_, 32)
        }
    }

    /// @notice Names an act: the hash of six words that say where and under what it was announced, and of its calls, each
    /// as target, value, the data's length, and the data padded with zeros to whole words.
    function hash(IPolicyModule.Call[] calldata calls, bytes32 policyId, uint256 version, uint256 actNumber, bytes32 decision)
        internal
        view
        returns (bytes32 actId)
    {
        uint256 start;
        uint256 end;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(start, chainid())
            mstore(add(start, 32), address())
            mstore(add(start, 64), policyId)
            mstore(add(start, 96), version)
            mstore(add(start, 128), actNumber)
            mstore(add(start, 160), decision)
            end := add(start, 192)
        }
        for (uint256 i; i < calls.length; ++i) {
            (address to, uint256 value, bytes calldata data) = at_(calls, i);
            assembly ("memory-safe") {
                mstore(end, to)
                mstore(add(end, 32), value)
                mstore(add(end, 64), data.length)
                end := add(end, 96)
                mstore(add(end, and(data.length, not(31))), 0) // what pads the data
                calldatacopy(end, data.offset, data.length)
                end := add(end, and(add(data.length, 31), not(31)))
            }
        }
        assembly ("memory-safe") {
            actId := keccak256(start, sub(end, start))
        }
    }

    /// @notice Makes the treasury call. Reverts with the treasury's reason if that itself says no.
    /// @return success whether the call went through
    /// @return returned what it returned, or its revert data
    function perform(address treasury, address to, uint256 value, bytes calldata data)
        internal
        returns (bool success, bytes memory returned)
    {
        bytes4 selector = ITreasury.execTransactionFromModuleReturnData.selector;
        assembly ("memory-safe") {
            // selector, to, value, where the data begins (128), operation (0: CALL), the data's length, the data
            let start := mload(0x40)
            let end := add(add(start, 164), data.length)
            mstore(start, selector)
            mstore(add(start, 4), to)
            mstore(add(start, 36), value)
            mstore(add(start, 68), 128)
            mstore(add(start, 100), 0)
            mstore(add(start, 132), data.length)
            calldatacopy(add(start, 164), data.offset, data.length)
            mstore(end, 0) // what pads the data to whole words
            let size := add(164, and(add(data.length, 31), not(31)))
            let performed := call(gas(), treasury, 0, start, size, 0, 0)
            size := returndatasize()
            returndatacopy(start, 0, size)
            if iszero(performed) { revert(start, size) }
            // success, where the returned bytes begin (64), their length, the bytes
            if or(lt(size, 96), iszero(eq(mload(add(start, 32)), 64))) { revert(0, 0) }
            if gt(mload(add(start, 64)), sub(size, 96)) { revert(0, 0) }
            success := eq(mload(start), 1)
            returned := add(start, 64)
            mstore(0x40, add(start, and(add(size, 63), not(31))))
        }
    }
}
