// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Governors with rules of their own, for tests/governance/test_chains_word.py and its neighbours: a quorum and a bar that
// are moved later, three ways to count beside OpenZeppelin's, and a proxy whose implementation is changed.

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// KIND says how it counts: 0 by support; 1 in parts, ordered against, for, abstain, whatever support says, as often as
/// weight is left; 2 in parts ordered for, against, abstain; 3 the square root of the weight.
contract Odd5 is Governor, GovernorVotes {
    event QuorumNumeratorUpdated(uint256 oldQuorumNumerator, uint256 newQuorumNumerator);
    event QuorumUpdated(uint256 oldQuorum, uint256 newQuorum);
    event SomethingElse(uint256 what);

    uint8 private immutable KIND;
    uint256 private needed;
    uint256 private bar;
    mapping(uint256 => uint256[3]) private votes;
    mapping(uint256 => mapping(address => uint256)) private used;

    constructor(IVotes token_, uint8 kind) Governor("Odd") GovernorVotes(token_) {
        KIND = kind;
    }

    function setQuorum(uint256 next, uint8 how) external {
        if (how == 1) emit QuorumNumeratorUpdated(needed, next);
        if (how == 2) emit QuorumUpdated(needed, next);
        if (how == 3) emit SomethingElse(next);
        needed = next;
    }

    /// A rule of its own: votes in favour that a proposal needs beside the quorum. No event tells of it.
    function setBar(uint256 next) external {
        bar = next;
    }

    function COUNTING_MODE() public view override returns (string memory) {
        if (KIND == 1) return "support=bravo&quorum=for,abstain&params=fractional";
        if (KIND == 2) return "support=bravo&quorum=bravo&params=fractional";
        if (KIND == 3) return "support=bravo,quadratic&quorum=for";
        return "support=bravo&quorum=for,abstain";
    }

    function votingDelay() public pure override returns (uint256) {
        return 4;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 20;
    }

    function quorum(uint256) public view override returns (uint256) {
        return needed;
    }

    function hasVoted(uint256 id, address account) public view override returns (bool) {
        return used[id][account] > 0;
    }

    function proposalVotes(uint256 id) external view returns (uint256, uint256, uint256) {
        return (votes[id][0], votes[id][1], votes[id][2]);
    }

    function _quorumReached(uint256 id) internal view override returns (bool) {
        uint256[3] storage cast_ = votes[id];
        return cast_[1] + (KIND < 2 ? cast_[2] : 0) >= needed;
    }

    function _voteSucceeded(uint256 id) internal view override returns (bool) {
        return votes[id][1] > votes[id][0] && votes[id][1] >= bar;
    }

    function _countVote(uint256 id, address account, uint8 support, uint256 weight, bytes memory params)
        internal
        override
        returns (uint256)
    {
        uint256 before = used[id][account];
        require(weight > before, "all is cast");
        if (params.length == 0 || KIND == 0 || KIND == 3) {
            require(before == 0 && support < 3, "no");
            votes[id][support] += KIND == 3 ? Math.sqrt(weight) : weight;
            used[id][account] = weight;
            return weight;
        }
        require(params.length == 48, "three parts");
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            uint128 part;
            assembly {
                part := shr(128, mload(add(add(params, 32), mul(i, 16))))
            }
            sum += part;
            votes[id][KIND == 2 && i < 2 ? 1 - i : i] += part;
        }
        require(before + sum <= weight, "too much");
        used[id][account] = before + sum;
        return weight; // all of it, however much was cast
    }
}

/// Delegates to what can be changed by anybody, and tells of it in one of the ways that proxies have.
contract Proxy5 {
    event Upgraded(address indexed implementation);
    event NewImplementation(address oldImplementation, address newImplementation);
    event AdminChanged(address previousAdmin, address newAdmin);
    event BeaconUpgraded(address indexed beacon);

    bytes32 private constant SLOT = keccak256("tests.proxy.implementation");

    constructor(address to) {
        _set(to);
        emit Upgraded(to);
    }

    function changeCode(address to, uint8 how) external {
        _set(to);
        if (how == 1) emit Upgraded(to);
        if (how == 2) emit NewImplementation(address(0), to);
        if (how == 3) emit AdminChanged(address(0), msg.sender);
        if (how == 4) emit BeaconUpgraded(to);
    }

    function _set(address to) private {
        bytes32 slot = SLOT;
        assembly {
            sstore(slot, to)
        }
    }

    fallback() external payable {
        bytes32 slot = SLOT;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), sload(slot), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}
