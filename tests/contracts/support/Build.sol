// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Writes policy code (docs/policy-code.md), right or wrong: it checks nothing.
library Build {
    struct Policy {
        address agent;
        address operator;
        uint40 start;
        uint40 end;
        uint32 cooldown;
        uint32 objectionDelay;
        uint32 releaseWindow;
        uint16 objectionBps;
        bytes32 documentHash;
        bytes[] budgets;
        bytes[] lists;
        bytes[] rules;
    }

    function encode(Policy memory p) internal pure returns (bytes memory code) {
        code = abi.encodePacked(uint8(1), p.agent, p.operator, p.start, p.end, p.cooldown);
        code = abi.encodePacked(code, p.objectionDelay, p.releaseWindow, p.objectionBps, p.documentHash);
        code = abi.encodePacked(code, uint8(p.budgets.length), uint8(p.lists.length), uint8(p.rules.length));
        code = abi.encodePacked(code, join(p.budgets), join(p.lists), join(p.rules));
    }

    function join(bytes[] memory parts) internal pure returns (bytes memory all) {
        for (uint256 i; i < parts.length; ++i) {
            all = abi.encodePacked(all, parts[i]);
        }
    }

    function budget(
        uint8 scope,
        address asset,
        uint8 exponent,
        uint32 period,
        uint32 instantLimit,
        uint32 limit,
        bytes32 name
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(scope, asset, exponent, period, instantLimit, limit, name);
    }

    function list(uint256[] memory words) internal pure returns (bytes memory) {
        return abi.encodePacked(uint16(words.length), words);
    }

    function rule(address target, bytes4 selector, uint8 flags, uint8 words, bytes memory clauses, bytes memory charges)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            target, selector, flags, words, uint8(clauses.length / 34), uint8(charges.length / 3), clauses, charges
        );
    }

    function clause(uint8 word, uint8 kind, uint256 operand) internal pure returns (bytes memory) {
        return abi.encodePacked(word, kind, operand);
    }

    function charge(uint8 budgetIndex, uint8 source, uint8 word) internal pure returns (bytes memory) {
        return abi.encodePacked(budgetIndex, source, word);
    }
}
