// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVotesAdapter} from "./IVotesAdapter.sol";

/// @notice What COMP, UNI and their like tell of their votes.
interface IPriorVotes {
    function getPriorVotes(address account, uint256 blockNumber) external view returns (uint256 votes);
    function totalSupply() external view returns (uint256);
}

/// @title PriorVotesAdapter
/// @notice Counts the votes of a token with `getPriorVotes`: power as of the block that is asked about, supply **as of now**,
/// for such a token keeps no past supply. What is minted after an act was announced raises the power that stops it, what is
/// burned lowers it.
/// @dev Its clock counts blocks, as the token's does. Nothing can be changed.
contract PriorVotesAdapter is IVotesAdapter {
    /// @inheritdoc IVotesAdapter
    address public immutable adaptedToken;

    /// @param token the votes token. Reverts unless it is a contract that answers for prior votes and for its supply
    constructor(address token) {
        // An account with a key that runs a contract's code (EIP-7702) answers only as long as it likes.
        if (token.code.length == 0 || bytes3(token.code) == 0xef0100) revert NothingToCount();
        adaptedToken = token;
        IPriorVotes(token).getPriorVotes(address(this), block.number - 1);
        IPriorVotes(token).totalSupply();
    }

    /// @inheritdoc IVotesAdapter
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        _requirePast(timepoint);
        return IPriorVotes(adaptedToken).getPriorVotes(account, timepoint);
    }

    /// @inheritdoc IVotesAdapter
    /// @dev The supply of now, whichever past block is asked about.
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        _requirePast(timepoint);
        return IPriorVotes(adaptedToken).totalSupply();
    }

    /// @notice The block's number (ERC-6372).
    function clock() public view returns (uint48) {
        return uint48(block.number);
    }

    /// @notice How the clock counts, as ERC-6372 writes it.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=blocknumber&from=default";
    }

    function _requirePast(uint256 timepoint) private view {
        if (timepoint >= block.number) revert FutureLookup(timepoint, clock());
    }
}
