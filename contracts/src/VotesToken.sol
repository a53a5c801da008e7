// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title VotesToken
/// @notice The DAO's votes: ERC-20 with ERC-2612 permits and ERC-5805 delegation, checkpointed by time (ERC-6372).
/// @dev The whole supply is minted by the constructor. Nobody can mint, burn or pause afterwards.
contract VotesToken is ERC20, ERC20Permit, ERC20Votes {
    error LengthsDiffer();

    /// @param name_ the token's name, also of its EIP-712 domain
    /// @param symbol_ the token's symbol
    /// @param holders who gets votes at the start
    /// @param amounts how much each holder gets, in base units (18 decimals)
    constructor(string memory name_, string memory symbol_, address[] memory holders, uint256[] memory amounts)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        if (holders.length != amounts.length) revert LengthsDiffer();
        for (uint256 i; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
    }

    /// @notice ERC-6372: snapshots are Unix seconds, so that "one day" means a day on every chain.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice ERC-6372: the machine-readable name of the clock.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    // Both parents have these two.

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }

    function nonces(address account) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(account);
    }
}
