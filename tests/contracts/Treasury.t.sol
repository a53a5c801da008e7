// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Base} from "./support/Base.sol";

interface ITreasuryFull {
    function owner() external view returns (address);
    function isModuleEnabled(address) external view returns (bool);
    function enableModule(address) external;
    function disableModule(address) external;
    function perform(address, uint256, bytes calldata) external returns (bytes memory);
    function execTransactionFromModule(address, uint256, bytes calldata, uint8) external returns (bool);
    function execTransactionFromModuleReturnData(address, uint256, bytes calldata, uint8)
        external
        returns (bool, bytes memory);
}

contract TreasuryTest is Base {
    event Received(address indexed from, uint256 value);
    event Sent(address indexed to, uint256 value);

    ITreasuryFull private vault;

    function setUp() public override {
        super.setUp();
        vault = ITreasuryFull(treasury);
    }

    function test_receive(uint96 value) public {
        vm.deal(stranger, value);
        vm.expectEmit(true, true, true, true, treasury);
        emit Received(stranger, value);
        vm.prank(stranger);
        (bool done,) = treasury.call{value: value}("");
        require(done, "received");
    }

    function test_perform_by_vote(uint96 value) public {
        value = uint96(bound(value, 1, 100 ether));
        vm.expectEmit(true, true, true, true, treasury);
        emit Sent(stranger, value);
        vm.prank(owner);
        vault.perform(stranger, value, "");
        equal(stranger.balance, value, "ether");
        vm.prank(owner);
        bytes memory returned = vault.perform(usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, 7));
        require(abi.decode(returned, (bool)), "true");
        equal(IERC20(usdc).balanceOf(stranger), 7, "usdc");
    }

    function test_perform_revert_NotOwner(address who) public {
        vm.assume(who != owner);
        vm.prank(who);
        vm.expectRevert(bytes4(keccak256("NotOwner()")));
        vault.perform(stranger, 1, "");
    }

    function test_perform_revert_NoCode(bytes calldata data) public {
        vm.assume(data.length != 0);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSignature("NoCode(address)", stranger));
        vault.perform(stranger, 0, data);
    }

    function test_perform_revert_reason(uint256 amount) public {
        amount = bound(amount, 1_000_000 * USDC + 1, type(uint256).max);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSignature(
                "ERC20InsufficientBalance(address,uint256,uint256)", treasury, 1_000_000 * USDC, amount
            )
        );
        vault.perform(usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, amount));
    }

    function test_execTransactionFromModule(uint96 value) public {
        value = uint96(bound(value, 0, 100 ether));
        vm.prank(address(module));
        require(vault.execTransactionFromModule(stranger, value, "", 0), "done");
        equal(stranger.balance, value, "ether");
        vm.prank(address(module));
        (bool done, bytes memory reason) = vault.execTransactionFromModuleReturnData(stranger, 1000 ether, "", 0);
        require(!done && reason.length == 0, "not enough, and no error of the treasury");
    }

    function test_execTransactionFromModule_revert_NotModule(address who) public {
        vm.assume(who != address(module));
        vm.prank(who);
        vm.expectRevert(bytes4(keccak256("NotModule()")));
        vault.execTransactionFromModule(stranger, 1, "", 0);
        vm.prank(who);
        vm.expectRevert(bytes4(keccak256("NotModule()")));
        vault.execTransactionFromModuleReturnData(stranger, 1, "", 0);
    }

    function test_execTransactionFromModule_revert_OnlyCall(uint8 operation) public {
        vm.assume(operation != 0);
        vm.prank(address(module));
        vm.expectRevert(bytes4(keccak256("OnlyCall()")));
        vault.execTransactionFromModule(stranger, 0, "", operation);
    }

    /// Not even a module can make the treasury loosen itself: it is not its own owner.
    function test_enableModule_revert_NotOwner(address who) public {
        vm.assume(who != owner && who != address(module));
        vm.prank(who);
        vm.expectRevert(bytes4(keccak256("NotOwner()")));
        vault.enableModule(who);
        bytes memory data = abi.encodeWithSignature("enableModule(address)", who);
        vm.prank(address(module));
        require(!vault.execTransactionFromModule(treasury, 0, data, 0), "refused");
        require(!vault.isModuleEnabled(who), "not enabled");
    }

    function test_enableModule_revert_NoAddress() public {
        vm.prank(owner);
        vm.expectRevert(bytes4(keccak256("NoAddress()")));
        vault.enableModule(address(0));
    }

    function test_disableModule_stops_the_agent() public {
        vm.prank(owner);
        vault.disableModule(address(module));
        vm.prank(agent);
        vm.expectRevert(bytes4(keccak256("NotModule()")));
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
        vm.prank(stranger);
        vm.expectRevert(bytes4(keccak256("NotOwner()")));
        vault.disableModule(address(module));
    }

    function test_constructor_revert_NoAddress() public {
        vm.expectRevert();
        this.deploy(address(0));
    }

    function deploy(address owner_) external returns (address) {
        return vm.deployCode("Treasury.sol:Treasury", abi.encode(owner_, new address[](0)));
    }
}
