// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITreasury} from "./ITreasury.sol";

/// @title Treasury
/// @notice Holds the DAO's funds. The owner (the timelock, so: a vote) can do everything; enabled modules can make it
/// call out through the interface that Safe has. There is no delegatecall, no upgrade and no contract signature.
contract Treasury is ITreasury {
    /// @notice The timelock. It never changes: a DAO that moves to another timelock moves its funds to another treasury.
    address public immutable owner;

    /// @inheritdoc ITreasury
    mapping(address module => bool) public isModuleEnabled;

    event ModuleEnabled(address indexed module);
    event ModuleDisabled(address indexed module);
    /// @notice Ether came in with empty calldata.
    event Received(address indexed from, uint256 value);
    /// @notice Ether went out. Tokens tell of themselves.
    event Sent(address indexed to, uint256 value);

    error NotOwner();
    error NotModule();
    error NoAddress();
    error OnlyCall();
    error NoCode(address to);

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    /// @param owner_ the timelock
    /// @param modules the modules enabled from the start, so that the deployer never needs a role here
    constructor(address owner_, address[] memory modules) {
        if (owner_ == address(0)) revert NoAddress();
        owner = owner_;
        for (uint256 i; i < modules.length; ++i) {
            _enable(modules[i]);
        }
    }

    receive() external payable {
        emit Received(msg.sender, msg.value);
    }

    /// @notice Lets `module` make this treasury call out. A module that is not bounded by a policy can take everything.
    function enableModule(address module) external onlyOwner {
        _enable(module);
    }

    /// @notice Takes that right away again.
    function disableModule(address module) external onlyOwner {
        isModuleEnabled[module] = false;
        emit ModuleDisabled(module);
    }

    /// @notice Calls out by vote. Reverts with the target's own reason.
    /// @param value ether to send, in wei
    function perform(address to, uint256 value, bytes calldata data) external onlyOwner returns (bytes memory returned) {
        // A call with data to an address without code succeeds and does nothing: surely not what was voted for.
        if (data.length != 0 && to.code.length == 0) revert NoCode(to);
        bool success;
        (success, returned) = _call(to, value, data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(returned, 32), mload(returned))
            }
        }
    }

    /// @notice As in Safe: performs a call for an enabled module.
    function execTransactionFromModule(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success)
    {
        (success,) = _callForModule(to, value, data, operation);
    }

    /// @inheritdoc ITreasury
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory returnData)
    {
        return _callForModule(to, value, data, operation);
    }

    function _callForModule(address to, uint256 value, bytes calldata data, uint8 operation)
        private
        returns (bool, bytes memory)
    {
        if (!isModuleEnabled[msg.sender]) revert NotModule();
        if (operation != 0) revert OnlyCall();
        return _call(to, value, data);
    }

    function _call(address to, uint256 value, bytes calldata data) private returns (bool success, bytes memory returned) {
        (success, returned) = to.call{value: value}(data);
        if (success && value != 0) emit Sent(to, value);
    }

    function _enable(address module) private {
        if (module == address(0)) revert NoAddress();
        isModuleEnabled[module] = true;
        emit ModuleEnabled(module);
    }
}
