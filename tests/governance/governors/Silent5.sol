// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Votes} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// Votes by block number whose history anybody can ask for, and which log them in no way that OpenZeppelin's do.
abstract contract Silent5 {
    struct Mark {
        uint48 at;
        uint208 power;
    }

    mapping(address => Mark[]) internal marks;
    mapping(address => uint256) public balanceOf;
    mapping(address => address) public delegates;
    uint256 public totalSupply;
    Mark[] internal supplies;

    function clock() public view returns (uint48) {
        return uint48(block.number);
    }

    function CLOCK_MODE() public pure returns (string memory) {
        return "mode=blocknumber&from=default";
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        totalSupply += amount;
        supplies.push(Mark(clock(), uint208(totalSupply)));
        if (delegates[to] != address(0)) _add(delegates[to], amount);
    }

    function delegate(address to) external {
        address before = delegates[msg.sender];
        delegates[msg.sender] = to;
        if (before != address(0)) _set(before, getVotes(before) - balanceOf[msg.sender]);
        _add(to, balanceOf[msg.sender]);
        _delegated(msg.sender, before, to);
    }

    function getVotes(address account) public view virtual returns (uint256) {
        return _at(marks[account], clock());
    }

    function getPastVotes(address account, uint256 timepoint) public view virtual returns (uint256) {
        require(timepoint < clock(), "future");
        return _at(marks[account], timepoint);
    }

    function getPastTotalSupply(uint256 timepoint) public view returns (uint256) {
        require(timepoint < clock(), "future");
        return _at(supplies, timepoint);
    }

    function _add(address account, uint256 amount) private {
        _set(account, getVotes(account) + amount);
    }

    function _set(address account, uint256 power) private {
        marks[account].push(Mark(clock(), uint208(power)));
        _changed(account, power);
    }

    function _at(Mark[] storage kept, uint256 timepoint) internal view returns (uint256) {
        for (uint256 i = kept.length; i > 0; i--) {
            if (kept[i - 1].at <= timepoint) return kept[i - 1].power;
        }
        return 0;
    }

    function _delegated(address from, address before, address to) internal virtual;

    function _changed(address account, uint256 power) internal virtual;
}

/// Events of the same names with other parameters.
contract OtherArguments5 is Silent5 {
    event DelegateChanged(address indexed delegator, address indexed toDelegate);
    event DelegateVotesChanged(address indexed delegate, uint256 newVotes);

    function _delegated(address from, address, address to) internal override {
        emit DelegateChanged(from, to);
    }

    function _changed(address account, uint256 power) internal override {
        emit DelegateVotesChanged(account, power);
    }
}

/// The usual event of a delegation, and none of the power that it moves.
contract OnlyDelegations5 is Silent5 {
    event DelegateChanged(address indexed delegator, address indexed fromDelegate, address indexed toDelegate);

    function _delegated(address from, address before, address to) internal override {
        emit DelegateChanged(from, before, to);
    }

    function _changed(address, uint256) internal override {}
}

/// A vote escrow: power melts with each block, and nothing is logged but the deposit.
contract Escrow5 is Silent5 {
    uint256 public constant LIFE = 1_000_000;
    uint256 public immutable BEGAN = block.number;

    event Deposit(address indexed provider, uint256 value, uint256 indexed locktime);

    function getVotes(address account) public view override returns (uint256) {
        return _melted(super.getVotes(account), clock());
    }

    function getPastVotes(address account, uint256 timepoint) public view override returns (uint256) {
        return _melted(super.getPastVotes(account, timepoint), timepoint);
    }

    function _melted(uint256 power, uint256 timepoint) private view returns (uint256) {
        return (power * (BEGAN + LIFE - timepoint)) / LIFE;
    }

    function _delegated(address from, address, address) internal override {
        emit Deposit(from, balanceOf[from], BEGAN + LIFE);
    }

    function _changed(address, uint256) internal override {}
}

/// Votes of an ERC-721 token, with the usual events.
contract Seats5 is ERC721, ERC721Votes {
    uint256 private next;

    constructor() ERC721("Seats", "SEAT") EIP712("Seats", "1") {}

    function mint(address to, uint256 amount) external {
        for (uint256 i = 0; i < amount / 50; i++) _mint(to, ++next);
    }

    function totalSupply() external view returns (uint256) {
        return next;
    }

    function _update(address to, uint256 id, address auth) internal override(ERC721, ERC721Votes) returns (address) {
        return super._update(to, id, auth);
    }

    function _increaseBalance(address account, uint128 value) internal override(ERC721, ERC721Votes) {
        super._increaseBalance(account, value);
    }
}

/// Runs another contract's code (EIP-1967).
contract Behind5 {
    constructor(address implementation) {
        assembly {
            sstore(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc, implementation)
        }
    }

    fallback() external {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let to := sload(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc)
            let ok := delegatecall(gas(), to, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}
