// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title TestUSDC
/// @notice A worthless dollar for local chains and tests: 6 decimals, and its deployer mints as much as it likes.
contract TestUSDC is ERC20("Test USD Coin", "USDC") {
    /// @notice Who may mint: the deployer.
    address public immutable minter = msg.sender;

    error NotMinter();

    /// @notice Makes `amount` (base units, 6 decimals) out of nothing for `to`.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NotMinter();
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
