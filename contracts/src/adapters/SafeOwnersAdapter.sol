// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVotesAdapter} from "./IVotesAdapter.sol";

/// @notice What a Safe tells of its owners.
interface ISafeOwners {
    function isOwner(address owner) external view returns (bool);
    function getOwners() external view returns (address[] memory);
}

/// @title SafeOwnersAdapter
/// @notice Counts one vote for each owner of a Safe, **as of now**, for a Safe keeps no past of its owners. An owner that was
/// removed can't object any more, and one that was added can, also to acts that were announced before. Owners that are
/// exchanged between two objections count both; it takes the Safe's own threshold to exchange them.
/// @dev Its clock counts seconds. Nothing can be changed.
contract SafeOwnersAdapter is IVotesAdapter {
    /// @inheritdoc IVotesAdapter
    address public immutable adaptedToken;

    /// @param safe whose owners vote. Reverts unless it is a contract that has owners
    constructor(address safe) {
        // An account with a key that runs a contract's code (EIP-7702) answers only as long as it likes.
        if (safe.code.length == 0 || bytes3(safe.code) == 0xef0100) revert NothingToCount();
        adaptedToken = safe;
        address[] memory owners = ISafeOwners(safe).getOwners();
        if (owners.length == 0 || !ISafeOwners(safe).isOwner(owners[0])) revert NothingToCount();
    }

    /// @inheritdoc IVotesAdapter
    /// @dev 1 for an owner of now, whichever past second is asked about, and 0 for everybody else.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        _requirePast(timepoint);
        return ISafeOwners(adaptedToken).isOwner(account) ? 1 : 0;
    }

    /// @inheritdoc IVotesAdapter
    /// @dev How many owners there are now, whichever past second is asked about.
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        _requirePast(timepoint);
        return ISafeOwners(adaptedToken).getOwners().length;
    }

    /// @notice The block's time in Unix seconds (ERC-6372).
    function clock() public view returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice How the clock counts, as ERC-6372 writes it.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    function _requirePast(uint256 timepoint) private view {
        if (timepoint >= block.timestamp) revert FutureLookup(timepoint, clock());
    }
}
