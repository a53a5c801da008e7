// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Tokens as they are met on chain, and worse. Anybody mints.

/// @notice What all of them share: books, and no checks but that nobody spends what it does not have.
abstract contract Books {
    mapping(address account => uint256) internal _balances;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    error NotEnough();

    function balanceOf(address account) public view virtual returns (uint256) {
        return _balances[account];
    }

    function mint(address to, uint256 amount) external {
        _balances[to] += amount;
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        if (_balances[from] < amount) revert NotEnough();
        _balances[from] -= amount;
        _balances[to] += amount;
    }

    function _use(address from, uint256 amount) internal {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < amount) revert NotEnough();
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - amount;
    }
}

/// @notice A well-behaved token of 6, 18 or however many decimals.
contract Token is Books {
    uint8 public immutable decimals;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) public virtual returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) public virtual returns (bool) {
        _use(from, amount);
        _move(from, to, amount);
        return true;
    }
}

/// @notice Returns nothing, as the first dollar token did.
contract NoReturnToken is Books {
    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _use(from, amount);
        _move(from, to, amount);
    }
}

/// @notice Takes its fee on top: more leaves than the amount says.
contract FeeToken is Token(18) {
    address public constant COLLECTOR = address(0xFEE);
    uint256 public bps = 100;

    function setBps(uint256 bps_) external {
        bps = bps_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        super._move(from, COLLECTOR, amount * bps / 10_000);
    }
}

/// @notice Says false where others revert.
contract FalseToken is Token(18) {
    function transfer(address to, uint256 amount) public override returns (bool) {
        if (_balances[msg.sender] < amount) return false;
        return super.transfer(to, amount);
    }
}

/// @notice Pays nobody on its list.
contract BlockingToken is Token(6) {
    mapping(address account => bool) public blocked;

    error Blocked(address account);

    function setBlocked(address account, bool blocked_) external {
        blocked[account] = blocked_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        super._move(from, to, amount);
    }
}

/// @notice Calls back, on its transfer, into whatever it was told to call; once.
contract CallingToken is Token(18) {
    address private target;
    bytes private data;
    bool public wasCalled;
    bool public succeeded;
    bytes public answer;

    function set(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function transfer(address, uint256) public override returns (bool) {
        if (data.length != 0) {
            wasCalled = true;
            bytes memory data_ = data;
            delete data;
            (succeeded, answer) = target.call(data_);
        }
        return true;
    }
}

/// @notice Tells a balance that it was told to tell, or none at all.
contract LyingToken is Token(18) {
    enum Lie {
        None,
        Constant,
        Reverts,
        Short
    }

    Lie public lie;
    uint256 public told;

    function set(Lie lie_, uint256 told_) external {
        (lie, told) = (lie_, told_);
    }

    function balanceOf(address account) public view override returns (uint256) {
        if (lie == Lie.Constant) return told;
        if (lie == Lie.Reverts) revert("no balance");
        if (lie == Lie.Short) {
            assembly {
                return(0, 31)
            }
        }
        return super.balanceOf(account);
    }
}
