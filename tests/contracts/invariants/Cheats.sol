// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Those of forge's cheatcodes that the invariant tests use.
interface Cheats {
    function addr(uint256 privateKey) external pure returns (address);
    function deal(address account, uint256 balance) external;
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    function envOr(string calldata name, string calldata otherwise) external view returns (string memory);
    function prank(address sender) external;
    function roll(uint256 blockNumber) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function toString(uint256 value) external pure returns (string memory);
    function warp(uint256 timestamp) external;
    function writeLine(string calldata path, string calldata line) external;
}
