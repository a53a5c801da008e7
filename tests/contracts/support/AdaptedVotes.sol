// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A votes token of COMP's kind: checkpoints of delegated votes by block, and a supply without a past. Anybody mints.
contract PriorVotesLedger {
    struct Checkpoint {
        uint256 fromBlock;
        uint256 votes;
    }

    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => address) public delegates;
    mapping(address account => Checkpoint[]) private _checkpoints;

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        _moveVotes(address(0), delegates[to], amount);
    }

    function burn(address from, uint256 amount) external {
        totalSupply -= amount;
        balanceOf[from] -= amount;
        _moveVotes(delegates[from], address(0), amount);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        _moveVotes(delegates[msg.sender], delegates[to], amount);
        return true;
    }

    function delegate(address to) external {
        _moveVotes(delegates[msg.sender], to, balanceOf[msg.sender]);
        delegates[msg.sender] = to;
    }

    function getPriorVotes(address account, uint256 blockNumber) external view returns (uint96) {
        require(blockNumber < block.number, "not yet determined");
        Checkpoint[] storage all = _checkpoints[account];
        for (uint256 i = all.length; i != 0; --i) {
            if (all[i - 1].fromBlock <= blockNumber) return uint96(all[i - 1].votes);
        }
        return 0;
    }

    function _moveVotes(address from, address to, uint256 amount) private {
        if (from == to) return;
        if (from != address(0)) _write(from, _now(from) - amount);
        if (to != address(0)) _write(to, _now(to) + amount);
    }

    function _now(address account) private view returns (uint256) {
        Checkpoint[] storage all = _checkpoints[account];
        return all.length == 0 ? 0 : all[all.length - 1].votes;
    }

    function _write(address account, uint256 votes) private {
        Checkpoint[] storage all = _checkpoints[account];
        if (all.length != 0 && all[all.length - 1].fromBlock == block.number) all[all.length - 1].votes = votes;
        else all.push(Checkpoint(block.number, votes));
    }
}

/// @notice The part of a Safe that says who owns it; anybody changes that here.
contract OwnedSafe {
    address[] private _owners;

    constructor(address[] memory owners) {
        _owners = owners;
    }

    function getOwners() external view returns (address[] memory) {
        return _owners;
    }

    function isOwner(address account) external view returns (bool) {
        for (uint256 i; i < _owners.length; ++i) {
            if (_owners[i] == account) return true;
        }
        return false;
    }

    function add(address account) external {
        _owners.push(account);
    }

    function remove(address account) external {
        for (uint256 i; i < _owners.length; ++i) {
            if (_owners[i] != account) continue;
            _owners[i] = _owners[_owners.length - 1];
            _owners.pop();
            return;
        }
    }
}
