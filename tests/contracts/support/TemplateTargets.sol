// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {StandInGovernor, StandInRouter, StandInStreams} from "../../../dao/local/StandIns.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

// What the policy templates call, small and for tests only: tests/policies/test_templates.py.

/// @notice OpenZeppelin's vault as it is.
contract TestVault is ERC20("Test vault", "vUSDC"), ERC4626 {
    constructor(IERC20 asset) ERC4626(asset) {}

    function decimals() public view override(ERC20, ERC4626) returns (uint8) {
        return ERC4626.decimals();
    }
}

/// @notice OpenZeppelin's governor as it is: anybody proposes, a vote begins a second later and lasts 30 days.
contract TestGovernor is Governor, GovernorCountingSimple, GovernorVotes {
    constructor(IVotes token) Governor("Another DAO") GovernorVotes(token) {}

    function votingDelay() public pure override returns (uint256) {
        return 1;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 30 days;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 1;
    }
}

/// @notice A worthless token with 18 decimals that anybody mints.
contract TestWeth is ERC20("Test wrapped ether", "WETH") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

contract TestRouter is StandInRouter {}

contract TestStreams is StandInStreams {
    constructor(IERC20 token_) StandInStreams(token_) {}
}

contract TestVotes is StandInGovernor {}

/// @notice Registry and resolver of ENS in one, which answers whatever it is told to, also what no resolver should.
contract TestEns {
    mapping(bytes32 node => address) public resolver;
    mapping(bytes32 node => bytes) public answers;

    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callback, bytes extraData);

    function set(bytes32 node, address resolver_, bytes calldata answer) external {
        (resolver[node], answers[node]) = (resolver_, answer);
    }

    function addr(bytes32 node) external view {
        bytes memory answer = answers[node];
        if (answer.length == 1) revert OffchainLookup(address(this), new string[](0), "", 0, "");
        assembly {
            return(add(answer, 32), mload(answer))
        }
    }
}
