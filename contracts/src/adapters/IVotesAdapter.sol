// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";

/// @title IVotesAdapter
/// @notice Lets a policy module count votes that do not come as ERC-5805 votes. It holds nothing and nobody owns it; the
/// module is given its address as the votes token.
interface IVotesAdapter is IERC6372 {
    /// @notice The moment asked about has not passed yet, in the adapter's clock, which shows `clock`.
    error FutureLookup(uint256 timepoint, uint48 clock);
    /// @notice There is no contract whose votes could be counted.
    error NothingToCount();

    /// @notice The contract whose votes are counted: a token, or a Safe. No policy of the module may call it, but for a
    /// token's `transfer`, so that an agent can't move the votes that judge it.
    function adaptedToken() external view returns (address);

    /// @notice The votes that an account had at a moment that has passed; how exactly, the adapter says.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256);

    /// @notice All votes that count, of which a threshold is a part; how exactly, the adapter says.
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256);
}
