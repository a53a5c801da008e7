// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

// Stand-ins of ours for what the policy templates call, so that each can be acted out on a local chain. They hold nothing
// of value and keep nobody out: never for another chain.

/// @notice OpenZeppelin's vault as it is, in place of one that earns something.
contract StandInVault is ERC20("Stand-in vault", "siUSDC"), ERC4626 {
    constructor(IERC20 asset) ERC4626(asset) {}

    function decimals() public view override(ERC20, ERC4626) returns (uint8) {
        return ERC4626.decimals();
    }
}

/// @notice A worthless token with 18 decimals that anybody mints, in place of wrapped ether.
contract StandInToken is ERC20("Stand-in wrapped ether", "siWETH") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice A router with one price that anybody sets, and that can take less than it is told to.
contract StandInRouter {
    struct ExactInputSingleParams {
        address tokenIn;
        address tokenOut;
        uint24 fee;
        address recipient;
        uint256 deadline;
        uint256 amountIn;
        uint256 amountOutMinimum;
        uint160 sqrtPriceLimitX96;
    }

    uint256 public outPerMillionIn; // base units of tokenOut for each 1e6 base units of tokenIn
    uint256 public takenPerMille = 1000;

    // What a swap's quote is read from: the router's factory and the pool, all in one.
    uint160 public sqrtPriceX96;
    uint128 public liquidity = 1;

    function setPool(uint160 sqrtPriceX96_) external {
        sqrtPriceX96 = sqrtPriceX96_;
    }

    function factory() external view returns (address) {
        return address(this);
    }

    function getPool(address, address, uint24) external view returns (address) {
        return sqrtPriceX96 == 0 ? address(0) : address(this);
    }

    function slot0() external view returns (uint160, int24, uint16, uint16, uint16, uint8, bool) {
        return (sqrtPriceX96, 0, 0, 0, 0, 0, true);
    }

    function setLiquidity(uint128 liquidity_) external {
        liquidity = liquidity_;
    }

    function setPrice(uint256 outPerMillionIn_, uint256 takenPerMille_) external {
        (outPerMillionIn, takenPerMille) = (outPerMillionIn_, takenPerMille_);
    }

    function exactInputSingle(ExactInputSingleParams calldata params) external returns (uint256 amountOut) {
        require(params.deadline >= block.timestamp, "too late");
        uint256 taken = params.amountIn * takenPerMille / 1000;
        require(IERC20(params.tokenIn).transferFrom(msg.sender, address(this), taken), "not paid");
        amountOut = taken * outPerMillionIn / 1e6;
        require(amountOut >= params.amountOutMinimum, "too little");
        require(IERC20(params.tokenOut).transfer(params.recipient, amountOut), "not given");
    }
}

/// @notice A stream whose whole amount is paid in when it is opened.
contract StandInStreams {
    struct Stream {
        address recipient;
        uint256 deposit;
        uint256 startTime;
        uint256 stopTime;
    }

    IERC20 public immutable token;
    Stream[] public streams;

    constructor(IERC20 token_) {
        token = token_;
    }

    function createStream(
        address recipient,
        uint256 deposit,
        address tokenAddress,
        uint256 startTime,
        uint256 stopTime
    ) external returns (uint256) {
        require(tokenAddress == address(token), "another token");
        // As Sablier's: it begins in time, and each second streams a whole number of base units.
        require(startTime >= block.timestamp, "begins before now");
        require(startTime < stopTime, "no time");
        require(deposit >= stopTime - startTime && deposit % (stopTime - startTime) == 0, "no whole rate");
        require(token.transferFrom(msg.sender, address(this), deposit), "not paid");
        streams.push(Stream(recipient, deposit, startTime, stopTime));
        return streams.length;
    }
}

/// @notice Remembers the last vote, in place of another DAO's governor.
contract StandInGovernor {
    address public voter;
    uint256 public proposalId;
    uint8 public support;
    string public reason;

    function castVote(uint256 proposalId_, uint8 support_) external returns (uint256) {
        (voter, proposalId, support, reason) = (msg.sender, proposalId_, support_, "");
        return 1;
    }

    function castVoteWithReason(uint256 proposalId_, uint8 support_, string calldata reason_)
        external
        returns (uint256)
    {
        (voter, proposalId, support, reason) = (msg.sender, proposalId_, support_, reason_);
        return 1;
    }
}
