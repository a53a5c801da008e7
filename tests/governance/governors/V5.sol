// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Governors of OpenZeppelin v5's own modules, for tests/governance/test_state_lives.py. Nothing of the product uses them.
// Lives are short: 4 to the snapshot, 20 to vote, in blocks or seconds as the votes token's clock says.

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingFractional} from "@openzeppelin/contracts/governance/extensions/GovernorCountingFractional.sol";
import {GovernorCountingOverridable} from "@openzeppelin/contracts/governance/extensions/GovernorCountingOverridable.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorProposalGuardian} from "@openzeppelin/contracts/governance/extensions/GovernorProposalGuardian.sol";
import {GovernorSequentialProposalId} from
    "@openzeppelin/contracts/governance/extensions/GovernorSequentialProposalId.sol";
import {GovernorStorage} from "@openzeppelin/contracts/governance/extensions/GovernorStorage.sol";
import {GovernorSuperQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorSuperQuorum.sol";
import {GovernorTimelockCompound} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockCompound.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {GovernorVotesSuperQuorumFraction} from
    "@openzeppelin/contracts/governance/extensions/GovernorVotesSuperQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {VotesExtended} from "@openzeppelin/contracts/governance/utils/VotesExtended.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ICompoundTimelock} from "@openzeppelin/contracts/vendor/compound/ICompoundTimelock.sol";

/// Votes that anybody can mint, on either clock, with the balances and delegates of the past that overrides need.
contract Votes5 is ERC20Votes, VotesExtended {
    bool private immutable BY_TIME;

    constructor(bool byTime) ERC20("Votes", "V") EIP712("Votes", "1") {
        BY_TIME = byTime;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function clock() public view override returns (uint48) {
        return uint48(BY_TIME ? block.timestamp : block.number);
    }

    function CLOCK_MODE() public view override returns (string memory) {
        return BY_TIME ? "mode=timestamp" : "mode=blocknumber&from=default";
    }

    function _delegate(address account, address to) internal override(Votes, VotesExtended) {
        super._delegate(account, to);
    }

    function _transferVotingUnits(address from, address to, uint256 amount) internal override(Votes, VotesExtended) {
        super._transferVotingUnits(from, to, amount);
    }
}

/// Asks many states at one block; 255 where `state` reverts.
contract Lens {
    function states(address governor, uint256[] calldata ids) external view returns (uint8[] memory found) {
        found = new uint8[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            // Not as IGovernor's enumeration: Nouns' goes further.
            (bool answered, bytes memory answer) = governor.staticcall(abi.encodeCall(Governor.state, (ids[i])));
            found[i] = answered ? uint8(abi.decode(answer, (uint256))) : 255;
        }
    }
}

/// Counts its calls: what the proposals do.
contract Target {
    uint256 public calls;

    function touch(uint256) external {
        ++calls;
    }
}

/// A stand-in for Compound's Timelock, which no package carries for this compiler: the queue, the delay and the grace
/// period as ICompoundTimelock names them, with a delay and a grace period that a test can live through.
contract CompoundLikeTimelock {
    uint256 public constant delay = 12;
    uint256 public constant GRACE_PERIOD = 25;
    address public admin;
    mapping(bytes32 => bool) public queuedTransactions;

    function setAdmin(address next) external {
        require(admin == address(0), "taken");
        admin = next;
    }

    function _key(address to, uint256 value, string memory signature, bytes memory data, uint256 eta)
        private
        view
        returns (bytes32)
    {
        require(msg.sender == admin, "admin only");
        return keccak256(abi.encode(to, value, signature, data, eta));
    }

    function queueTransaction(address to, uint256 value, string memory signature, bytes memory data, uint256 eta)
        external
        returns (bytes32 key)
    {
        key = _key(to, value, signature, data, eta);
        require(eta >= block.timestamp + delay, "too soon");
        queuedTransactions[key] = true;
    }

    function cancelTransaction(address to, uint256 value, string memory signature, bytes memory data, uint256 eta)
        external
    {
        queuedTransactions[_key(to, value, signature, data, eta)] = false;
    }

    function executeTransaction(address to, uint256 value, string memory signature, bytes memory data, uint256 eta)
        external
        payable
        returns (bytes memory result)
    {
        bytes32 key = _key(to, value, signature, data, eta);
        require(queuedTransactions[key] && block.timestamp >= eta, "not ready");
        require(block.timestamp <= eta + GRACE_PERIOD, "stale");
        queuedTransactions[key] = false;
        bool ok;
        (ok, result) = to.call{value: value}(data);
        require(ok, "failed");
    }

    receive() external payable {}
}

abstract contract Short5 is Governor, GovernorVotesQuorumFraction {
    constructor(IVotes votes) Governor("Five") GovernorVotes(votes) GovernorVotesQuorumFraction(40) {}

    function votingDelay() public pure override returns (uint256) {
        return 4;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 20;
    }
}

contract Simple5 is Short5, GovernorCountingSimple, GovernorTimelockControl {
    constructor(IVotes votes, TimelockController timelock) Short5(votes) GovernorTimelockControl(timelock) {}

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(id);
    }

    function _queueOperations(uint256 id, address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint48)
    {
        return super._queueOperations(id, to, value, data, text);
    }

    function _executeOperations(
        uint256 id,
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        bytes32 text
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(id, to, value, data, text);
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

contract Fractional5 is
    Short5,
    GovernorCountingFractional,
    GovernorTimelockControl,
    GovernorPreventLateQuorum
{
    constructor(IVotes votes, TimelockController timelock)
        Short5(votes)
        GovernorTimelockControl(timelock)
        GovernorPreventLateQuorum(9)
    {}

    function proposalDeadline(uint256 id)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(id);
    }

    function _tallyUpdated(uint256 id) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(id);
    }

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(id);
    }

    function _queueOperations(uint256 id, address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint48)
    {
        return super._queueOperations(id, to, value, data, text);
    }

    function _executeOperations(
        uint256 id,
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        bytes32 text
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(id, to, value, data, text);
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

contract Overridable5 is Short5, GovernorCountingOverridable, GovernorStorage, GovernorPreventLateQuorum {
    constructor(IVotes votes, TimelockController) Short5(votes) GovernorPreventLateQuorum(9) {}

    function proposalDeadline(uint256 id)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(id);
    }

    function _tallyUpdated(uint256 id) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(id);
    }

    function _propose(
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        string memory text,
        address proposer
    ) internal override(Governor, GovernorStorage) returns (uint256) {
        return super._propose(to, value, data, text, proposer);
    }
}

contract Super5 is
    Short5,
    GovernorCountingSimple,
    GovernorTimelockControl,
    GovernorVotesSuperQuorumFraction
{
    constructor(IVotes votes, TimelockController timelock)
        Short5(votes)
        GovernorTimelockControl(timelock)
        GovernorVotesSuperQuorumFraction(60)
    {}

    function state(uint256 id)
        public
        view
        override(Governor, GovernorTimelockControl, GovernorVotesSuperQuorumFraction)
        returns (ProposalState)
    {
        return super.state(id);
    }

    function proposalVotes(uint256 id)
        public
        view
        override(GovernorCountingSimple, GovernorSuperQuorum)
        returns (uint256, uint256, uint256)
    {
        return super.proposalVotes(id);
    }

    function _updateQuorumNumerator(uint256 next)
        internal
        override(GovernorVotesQuorumFraction, GovernorVotesSuperQuorumFraction)
    {
        super._updateQuorumNumerator(next);
    }

    function proposalNeedsQueuing(uint256 id)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(id);
    }

    function _queueOperations(uint256 id, address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint48)
    {
        return super._queueOperations(id, to, value, data, text);
    }

    function _executeOperations(
        uint256 id,
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        bytes32 text
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(id, to, value, data, text);
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

contract Compound5 is
    Short5,
    GovernorCountingSimple,
    GovernorTimelockCompound,
    GovernorSequentialProposalId,
    GovernorProposalGuardian
{
    constructor(IVotes votes, ICompoundTimelock timelock, address guardian)
        Short5(votes)
        GovernorTimelockCompound(timelock)
    {
        _setProposalGuardian(guardian);
    }

    function state(uint256 id) public view override(Governor, GovernorTimelockCompound) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id)
        public
        view
        override(Governor, GovernorTimelockCompound)
        returns (bool)
    {
        return super.proposalNeedsQueuing(id);
    }

    function getProposalId(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        public
        view
        override(Governor, GovernorSequentialProposalId)
        returns (uint256)
    {
        return super.getProposalId(to, value, data, text);
    }

    function _propose(
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        string memory text,
        address proposer
    ) internal override(Governor, GovernorSequentialProposalId) returns (uint256) {
        return super._propose(to, value, data, text, proposer);
    }

    function _validateCancel(uint256 id, address caller)
        internal
        view
        override(Governor, GovernorProposalGuardian)
        returns (bool)
    {
        return super._validateCancel(id, caller);
    }

    function _queueOperations(uint256 id, address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 text)
        internal
        override(Governor, GovernorTimelockCompound)
        returns (uint48)
    {
        return super._queueOperations(id, to, value, data, text);
    }

    function _executeOperations(
        uint256 id,
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        bytes32 text
    ) internal override(Governor, GovernorTimelockCompound) {
        super._executeOperations(id, to, value, data, text);
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
