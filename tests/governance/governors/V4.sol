// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Governors of OpenZeppelin v4.9's own modules, for tests/governance/test_state_lives.py.

import {Governor, IGovernor} from "@openzeppelin/contracts-v4/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts-v4/governance/TimelockController.sol";
import {GovernorCompatibilityBravo} from
    "@openzeppelin/contracts-v4/governance/compatibility/GovernorCompatibilityBravo.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts-v4/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts-v4/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorTimelockCompound} from "@openzeppelin/contracts-v4/governance/extensions/GovernorTimelockCompound.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts-v4/governance/extensions/GovernorTimelockControl.sol";
import {IGovernorTimelock} from "@openzeppelin/contracts-v4/governance/extensions/IGovernorTimelock.sol";
import {GovernorVotes} from "@openzeppelin/contracts-v4/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from
    "@openzeppelin/contracts-v4/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts-v4/governance/utils/IVotes.sol";
import {IERC165} from "@openzeppelin/contracts-v4/interfaces/IERC165.sol";
import {ICompoundTimelock} from "@openzeppelin/contracts-v4/vendor/compound/ICompoundTimelock.sol";

abstract contract Short4 is Governor, GovernorVotesQuorumFraction {
    constructor(IVotes votes) Governor("Four") GovernorVotes(votes) GovernorVotesQuorumFraction(40) {}

    function votingDelay() public pure override returns (uint256) {
        return 4;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 20;
    }
}

contract Simple4 is Short4, GovernorCountingSimple, GovernorTimelockControl, GovernorPreventLateQuorum {
    constructor(IVotes votes, TimelockController timelock)
        Short4(votes)
        GovernorTimelockControl(timelock)
        GovernorPreventLateQuorum(9)
    {}

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalDeadline(uint256 id)
        public
        view
        override(Governor, IGovernor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(id);
    }

    function supportsInterface(bytes4 id) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.supportsInterface(id);
    }

    function _castVote(uint256 id, address account, uint8 support, string memory reason, bytes memory params)
        internal
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super._castVote(id, account, support, reason, params);
    }

    function _execute(uint256 id, address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockControl)
    {
        super._execute(id, to, value, data, text);
    }

    function _cancel(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint256)
    {
        return super._cancel(to, value, data, text);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}

contract Bravo4 is Short4, GovernorCompatibilityBravo, GovernorTimelockCompound {
    constructor(IVotes votes, ICompoundTimelock timelock) Short4(votes) GovernorTimelockCompound(timelock) {}

    function state(uint256 id)
        public
        view
        override(Governor, IGovernor, GovernorTimelockCompound)
        returns (ProposalState)
    {
        return super.state(id);
    }

    function proposalEta(uint256 id)
        public
        view
        override(IGovernorTimelock, GovernorTimelockCompound)
        returns (uint256)
    {
        return super.proposalEta(id);
    }

    function timelock() public view override(IGovernorTimelock, GovernorTimelockCompound) returns (address) {
        return super.timelock();
    }

    function queue(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        public
        override(IGovernorTimelock, GovernorTimelockCompound)
        returns (uint256)
    {
        return super.queue(to, value, data, text);
    }

    function propose(address[] memory to, uint256[] memory value, bytes[] memory data, string memory text)
        public
        override(Governor, IGovernor, GovernorCompatibilityBravo)
        returns (uint256)
    {
        return super.propose(to, value, data, text);
    }

    function cancel(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        public
        override(Governor, IGovernor, GovernorCompatibilityBravo)
        returns (uint256)
    {
        return super.cancel(to, value, data, text);
    }

    function supportsInterface(bytes4 id)
        public
        view
        override(Governor, IERC165, GovernorTimelockCompound)
        returns (bool)
    {
        return super.supportsInterface(id);
    }

    function _execute(uint256 id, address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockCompound)
    {
        super._execute(id, to, value, data, text);
    }

    function _cancel(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockCompound)
        returns (uint256)
    {
        return super._cancel(to, value, data, text);
    }

    function _executor() internal view override(Governor, GovernorTimelockCompound) returns (address) {
        return super._executor();
    }
}
