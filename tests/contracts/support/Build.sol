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
        Rule[] rules;
    }

    /// @dev Each section of the body as it is written, one part after the other.
    struct Rule {
        address target;
        bytes4 selector;
        uint8 flags;
        uint8 words;
        bytes dynamics;
        bytes clauses;
        bytes charges;
        bytes incomes;
    }

    function encode(Policy memory p) internal pure returns (bytes memory code) {
        code = abi.encodePacked(uint8(2), p.agent, p.operator, p.start, p.end, p.cooldown);
        code = abi.encodePacked(code, p.objectionDelay, p.releaseWindow, p.objectionBps, p.documentHash);
        code = abi.encodePacked(code, uint8(p.budgets.length), uint8(p.lists.length), uint8(p.rules.length));
        code = abi.encodePacked(code, join(p.budgets));
        bytes memory lists = join(p.lists);
        bytes memory heads;
        bytes memory bodies;
        uint256 first = code.length + 32 * p.rules.length + lists.length;
        for (uint256 i; i < p.rules.length; ++i) {
            heads = abi.encodePacked(heads, headOf(p.rules[i], first + bodies.length));
            bodies = abi.encodePacked(bodies, bodyOf(p.rules[i]));
        }
        code = abi.encodePacked(code, heads, lists, bodies);
    }

    function headOf(Rule memory r, uint256 body) private pure returns (bytes memory) {
        return abi.encodePacked(
            r.target,
            r.selector,
            r.flags,
            r.words,
            uint8(r.dynamics.length / 2),
            uint8(r.clauses.length / 35),
            uint8(r.charges.length / 4),
            uint8(r.incomes.length / 53),
            uint16(body)
        );
    }

    function bodyOf(Rule memory r) internal pure returns (bytes memory) {
        return abi.encodePacked(r.dynamics, r.clauses, r.charges, r.incomes);
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
        return abi.encodePacked(scope, asset, exponent, uint8(0), period, instantLimit, limit, name);
    }

    /// @notice A budget that is charged with what the balance falls, too.
    function measured(
        uint8 scope,
        address asset,
        uint8 exponent,
        uint32 period,
        uint32 instantLimit,
        uint32 limit,
        bytes32 name
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(scope, asset, exponent, uint8(1), period, instantLimit, limit, name);
    }

    function list(uint256[] memory words) internal pure returns (bytes memory) {
        return abi.encodePacked(uint16(words.length), words);
    }

    /// @notice A rule for static arguments only, without incomes.
    function rule(address target, bytes4 selector, uint8 flags, uint8 words, bytes memory clauses, bytes memory charges)
        internal
        pure
        returns (Rule memory)
    {
        return Rule(target, selector, flags, words, "", clauses, charges, "");
    }

    /// @notice The same rule with dynamic arguments.
    function dynamic(Rule memory r, bytes memory dynamics) internal pure returns (Rule memory) {
        r.dynamics = dynamics;
        return r;
    }

    /// @notice The same rule with incomes.
    function earning(Rule memory r, bytes memory incomes) internal pure returns (Rule memory) {
        r.incomes = incomes;
        return r;
    }

    function array(uint8 word, uint8 width) internal pure returns (bytes memory) {
        return abi.encodePacked(word, width);
    }

    function clause(uint8 word, uint8 kind, uint256 operand) internal pure returns (bytes memory) {
        return abi.encodePacked(word, uint8(0), kind, operand);
    }

    function clause(uint8 word, uint8 column, uint8 kind, uint256 operand) internal pure returns (bytes memory) {
        return abi.encodePacked(word, column, kind, operand);
    }

    function charge(uint8 budgetIndex, uint8 source, uint8 word) internal pure returns (bytes memory) {
        return abi.encodePacked(budgetIndex, source, word, uint8(0));
    }

    function charge(uint8 budgetIndex, uint8 source, uint8 word, uint8 column) internal pure returns (bytes memory) {
        return abi.encodePacked(budgetIndex, source, word, column);
    }

    function income(address asset, uint8 budgetIndex, uint128 numerator, uint128 denominator)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(asset, budgetIndex, numerator, denominator);
    }
}
