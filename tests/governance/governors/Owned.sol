// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// What a DAO may have before our module comes: a Safe, and votes of COMP's kind under a governor that counts them.

import {Governor, IGovernor} from "@openzeppelin/contracts-v4/governance/Governor.sol";
import {GovernorCompatibilityBravo} from
    "@openzeppelin/contracts-v4/governance/compatibility/GovernorCompatibilityBravo.sol";
import {GovernorTimelockCompound} from "@openzeppelin/contracts-v4/governance/extensions/GovernorTimelockCompound.sol";
import {GovernorVotesComp} from "@openzeppelin/contracts-v4/governance/extensions/GovernorVotesComp.sol";
import {IGovernorTimelock} from "@openzeppelin/contracts-v4/governance/extensions/IGovernorTimelock.sol";
import {IERC165} from "@openzeppelin/contracts-v4/interfaces/IERC165.sol";
import {ERC20VotesComp} from "@openzeppelin/contracts-v4/token/ERC20/extensions/ERC20VotesComp.sol";
import {ICompoundTimelock} from "@openzeppelin/contracts-v4/vendor/compound/ICompoundTimelock.sol";

/// @notice As much of a Safe 1.4.1 as a module and its operators meet, under the same names: owners and a threshold,
/// signatures of keys (v of 27 or 28) and of an owner's own call (v of 1), a list of modules, a guard's place. The Safe
/// itself, from its own package, runs in the same tests where `make bench-gas` has installed it.
contract SmallSafe {
    string public constant VERSION = "1.4.1";
    bytes32 private constant GUARD = keccak256("guard_manager.guard.address");
    address private constant FIRST = address(1);

    address[] private _owners;
    uint256 public getThreshold;
    uint256 public nonce;
    mapping(address module => address next) private _modules;

    constructor(address[] memory owners, uint256 threshold) {
        _owners = owners;
        getThreshold = threshold;
        _modules[FIRST] = FIRST;
    }

    receive() external payable {}

    modifier self() {
        require(msg.sender == address(this), "GS031");
        _;
    }

    function getOwners() external view returns (address[] memory) {
        return _owners;
    }

    function isOwner(address owner) public view returns (bool) {
        for (uint256 i; i < _owners.length; ++i) {
            if (_owners[i] == owner) return true;
        }
        return false;
    }

    function isModuleEnabled(address module) public view returns (bool) {
        return module != FIRST && _modules[module] != address(0);
    }

    function getModulesPaginated(address start, uint256 size) external view returns (address[] memory found, address next) {
        found = new address[](size);
        uint256 count;
        next = _modules[start];
        while (next != address(0) && next != FIRST && count < size) {
            found[count++] = next;
            next = _modules[next];
        }
        if (next != FIRST) next = found[count - 1];
        assembly {
            mstore(found, count)
        }
    }

    function enableModule(address module) external self {
        require(module > FIRST && _modules[module] == address(0), "GS102");
        (_modules[module], _modules[FIRST]) = (_modules[FIRST], module);
    }

    function disableModule(address previous, address module) external self {
        require(_modules[previous] == module, "GS103");
        (_modules[previous], _modules[module]) = (_modules[module], address(0));
    }

    function setGuard(address guard) external self {
        bytes32 slot = GUARD;
        assembly {
            sstore(slot, guard)
        }
    }

    function getTransactionHash(address to, uint256 value, bytes calldata data, uint256 number) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), to, value, data, number));
    }

    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256,
        uint256,
        uint256,
        address,
        address payable,
        bytes calldata signatures
    ) external payable returns (bool) {
        require(operation == 0);
        bytes32 hash = getTransactionHash(to, value, data, nonce++);
        address last;
        for (uint256 i; i < getThreshold; ++i) {
            bytes calldata part = signatures[65 * i:65 * i + 65];
            uint8 v = uint8(part[64]);
            address owner = v == 1
                ? address(uint160(uint256(bytes32(part[:32]))))
                : ecrecover(hash, v, bytes32(part[:32]), bytes32(part[32:64]));
            require(v != 1 || owner == msg.sender, "GS025");
            require(owner > last && isOwner(owner), "GS026");
            last = owner;
        }
        (bool done,) = to.call{value: value}(data);
        require(done, "GS013");
        return true;
    }

    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool, bytes memory)
    {
        require(isModuleEnabled(msg.sender) && operation == 0, "GS104");
        return to.call{value: value}(data);
    }
}

/// @notice Votes of COMP's kind: past votes by getPriorVotes alone, a supply without a past.
contract PriorVotes {
    struct Checkpoint {
        uint256 fromBlock;
        uint256 votes;
    }

    event DelegateVotesChanged(address indexed delegate, uint256 previousBalance, uint256 newBalance);

    string public constant name = "Prior";
    string public constant symbol = "PRIOR";
    uint8 public constant decimals = 18;
    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => address) public delegates;
    mapping(address account => Checkpoint[]) private _checkpoints;

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        _move(address(0), delegates[to], amount);
    }

    function delegate(address to) external {
        _move(delegates[msg.sender], to, balanceOf[msg.sender]);
        delegates[msg.sender] = to;
    }

    function getCurrentVotes(address account) public view returns (uint96) {
        Checkpoint[] storage all = _checkpoints[account];
        return all.length == 0 ? 0 : uint96(all[all.length - 1].votes);
    }

    function getPriorVotes(address account, uint256 blockNumber) external view returns (uint96) {
        require(blockNumber < block.number, "not yet determined");
        Checkpoint[] storage all = _checkpoints[account];
        for (uint256 i = all.length; i != 0; --i) {
            if (all[i - 1].fromBlock <= blockNumber) return uint96(all[i - 1].votes);
        }
        return 0;
    }

    function _move(address from, address to, uint256 amount) private {
        if (from == to) return;
        if (from != address(0)) _write(from, getCurrentVotes(from) - amount);
        if (to != address(0)) _write(to, getCurrentVotes(to) + amount);
    }

    function _write(address account, uint256 votes) private {
        emit DelegateVotesChanged(account, getCurrentVotes(account), votes);
        _checkpoints[account].push(Checkpoint(block.number, votes));
    }
}

/// @notice A governor of Bravo's kind that counts such votes, behind Compound's timelock.
contract Prior4 is GovernorVotesComp, GovernorCompatibilityBravo, GovernorTimelockCompound {
    constructor(ERC20VotesComp votes, ICompoundTimelock timelock_)
        Governor("Prior")
        GovernorVotesComp(votes)
        GovernorTimelockCompound(timelock_)
    {}

    function votingDelay() public pure override returns (uint256) {
        return 1;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 5;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 10;
    }

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
