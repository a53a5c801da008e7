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

    /// @notice `module` may make this treasury call out from now on.
    event ModuleEnabled(address indexed module);
    /// @notice `module` may no more.
    event ModuleDisabled(address indexed module);
    /// @notice Ether came in with empty calldata.
    event Received(address indexed from, uint256 value);
    /// @notice Ether went out. Tokens tell of themselves.
    event Sent(address indexed to, uint256 value);

    /// @notice Only the owner may.
    error NotOwner();
    /// @notice Only an enabled module may.
    error NotModule();
    /// @notice An owner or a module must be given.
    error NoAddress();
    /// @notice Another operation than CALL was asked for. There is none here.
    error OnlyCall();
    /// @notice The call carries data, and nothing lies at `to` that could read it.
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

    /// @notice Takes NFTs that are sent safely: answers the hooks of ERC-721 and ERC-1155, and says by ERC-165 that it does.
    /// Any other call reverts. A vote takes them out again (`perform`).
    /// @dev A fallback, so that an act's way through this contract costs no more gas than without. Nothing is written, and no
    /// ether is taken.
    fallback() external {
        assembly ("memory-safe") {
            let selector := shr(224, calldataload(0))
            switch selector
            // onERC721Received, onERC1155Received, onERC1155BatchReceived: the answer is the selector itself.
            case 0x150b7a02 { mstore(0, shl(224, selector)) }
            case 0xf23a6e61 { mstore(0, shl(224, selector)) }
            case 0xbc197c81 { mstore(0, shl(224, selector)) }
            // supportsInterface: of ERC-165 itself and of the two receivers.
            case 0x01ffc9a7 {
                let asked := shr(224, calldataload(4))
                mstore(0, or(or(eq(asked, 0x01ffc9a7), eq(asked, 0x150b7a02)), eq(asked, 0x4e2312e0)))
            }
            default { revert(0, 0) }
            return(0, 32)
        }
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
        _onlyModule(operation);
        (success,) = _call(to, value, data);
    }

    /// @inheritdoc ITreasury
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory returnData)
    {
        _onlyModule(operation);
        (success, returnData) = _call(to, value, data);
        assembly ("memory-safe") {
            // What the compiler would return, without copying the bytes again: success, where they begin, length, bytes.
            // The two words in front of them are free: _call keeps them so.
            let length := mload(returnData)
            mstore(add(add(returnData, 32), length), 0)
            mstore(sub(returnData, 64), success)
            mstore(sub(returnData, 32), 64)
            return(sub(returnData, 64), add(96, and(add(length, 31), not(31))))
        }
    }

    function _onlyModule(uint8 operation) private view {
        if (!isModuleEnabled[msg.sender]) revert NotModule();
        if (operation != 0) revert OnlyCall();
    }

    /// @dev Leaves two free words in front of `returned`.
    function _call(address to, uint256 value, bytes calldata data) private returns (bool success, bytes memory returned) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            calldatacopy(start, data.offset, data.length)
            success := call(gas(), to, value, start, data.length, 0, 0)
            returned := add(start, 64)
            let length := returndatasize()
            mstore(returned, length)
            returndatacopy(add(returned, 32), 0, length)
            mstore(0x40, and(add(add(returned, length), 95), not(31)))
        }
        if (success && value != 0) emit Sent(to, value);
    }

    function _enable(address module) private {
        if (module == address(0)) revert NoAddress();
        isModuleEnabled[module] = true;
        emit ModuleEnabled(module);
    }
}
