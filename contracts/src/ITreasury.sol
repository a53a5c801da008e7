// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ITreasury
/// @notice What the policy module asks of a treasury: the module interface that Safe has, so that a Safe serves too.
interface ITreasury {
    /// @notice Performs a call as the treasury. Only for enabled modules.
    /// @param operation 0 for CALL; the policy module never passes anything else
    /// @return success whether the call went through; false is not an error of the treasury
    /// @return returnData what the call returned, or its revert data
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory returnData);

    /// @notice Whether `module` may make the treasury act.
    function isModuleEnabled(address module) external view returns (bool);
}
