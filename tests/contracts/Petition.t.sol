// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base, IDelegate} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice Members who ask for a pause.
contract PetitionTest is Base {
    using Build for Build.Policy;

    event PetitionOpened(bytes32 indexed policyId, uint32 serial, uint48 snapshot, uint40 until, uint256 threshold);
    event PetitionSigned(
        bytes32 indexed policyId, address indexed account, uint32 serial, uint256 power, uint256 total
    );
    event Paused(address by, uint32 epoch);

    function test_petition_opens_with_the_first_signature(uint256 wait) public {
        pass(bound(wait, 0, 100 days));
        uint40 until = uint40(block.timestamp + 7 days);
        vm.expectEmit(true, true, true, true, address(module));
        emit PetitionOpened(ID, 1, uint48(block.timestamp - 1), until, SUPPLY / 10);
        vm.expectEmit(true, true, true, true, address(module));
        emit PetitionSigned(ID, ben, 1, 90_000e18, 90_000e18);
        petitionAs(ben);
        require(!module.paused(), "below the threshold");
        IPolicyModule.Petition memory asked = module.petitionOf(ID);
        equal(asked.snapshot, block.timestamp - 1, "snapshot");
        equal(asked.until, until, "until");
        equal(asked.epoch, 0, "epoch");
        equal(asked.serial, 1, "serial");
        equal(asked.power, 90_000e18, "power");
        equal(module.signedPetition(ID, ben), 1, "signed");
        equal(module.signedPetition(ID, chloe), 0, "not signed");
        execute(pay(0, 1)); // and nothing has stopped
    }

    function test_petition_pauses_at_the_threshold() public {
        bytes32 actId = schedule(pay(0, 1));
        petitionAs(ben);
        vm.expectEmit(true, true, true, true, address(module));
        emit PetitionSigned(ID, chloe, 1, 90_000e18, 180_000e18);
        vm.expectEmit(true, true, true, true, address(module));
        emit Paused(chloe, 1);
        petitionAs(chloe);
        require(module.paused() && !isLive(actId), "paused, and what was pending is void");
        refuseExecute(pay(0, 1), err(IPolicyModule.IsPaused.selector));
    }

    /// Exactly the threshold is enough, one vote less is not.
    function test_petition_threshold_is_exact(bool oneLess) public {
        vm.prank(ada);
        IERC20(votes).transfer(address(0x777), 200_000e18 + (oneLess ? 1 : 0)); // ada keeps 10 % or one less
        pass(1);
        petitionAs(ada);
        require(module.paused() == !oneLess, "threshold");
    }

    function test_petition_one_member_is_enough_with_the_power() public {
        petitionAs(ada);
        require(module.paused(), "paused");
    }

    /// The threshold is that of the policy the petition is about, as it stands when one signs.
    function test_petition_threshold_of_the_policy_in_force() public {
        petitionAs(ben);
        Build.Policy memory p = payroll();
        p.objectionBps = 5000;
        put(p);
        petitionAs(chloe);
        require(!module.paused(), "18 % is not half");
        petitionAs(ada);
        require(!module.paused(), "nor is 48 %");
        p.objectionBps = 4800;
        put(p);
        vm.prank(owner); // has no power: undelegated
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.petition(ID);
    }

    /// Power is what one had before the petition opened, however late one signs.
    function test_petition_snapshot_is_fixed_when_it_opens(uint256 wait) public {
        petitionAs(ben);
        pass(bound(wait, 1, 7 days - 1));
        vm.prank(chloe);
        IERC20(votes).transfer(dana, 90_000e18);
        vm.prank(dana);
        IDelegate(votes).delegate(dana);
        vm.warp(block.timestamp + 0);
        refuse(dana, err(IPolicyModule.NoPower.selector)); // bought since
        petitionAs(chloe); // sold since
        require(module.paused(), "counted as at the snapshot");
    }

    function test_petition_revert_AlreadySigned(uint256 wait) public {
        petitionAs(ben);
        pass(bound(wait, 0, 7 days - 1));
        refuse(ben, err(IPolicyModule.AlreadySigned.selector));
        equal(module.petitionOf(ID).power, 90_000e18, "counted once");
    }

    function test_petition_is_over_after_seven_days(uint256 wait) public {
        petitionAs(ben);
        pass(bound(wait, 7 days, 90 days));
        vm.expectEmit(true, true, true, true, address(module));
        emit PetitionOpened(ID, 2, uint48(block.timestamp - 1), uint40(block.timestamp + 7 days), SUPPLY / 10);
        petitionAs(chloe);
        require(!module.paused(), "the first petition's signatures are gone");
        equal(module.petitionOf(ID).power, 90_000e18, "only the second's");
        petitionAs(ben); // and they may sign again
        require(module.paused(), "paused");
    }

    function test_petition_is_void_after_an_unpause(bool byGuardian) public {
        petitionAs(ben);
        if (byGuardian) {
            vm.prank(guardian);
            module.pause();
        } else {
            petitionAs(chloe);
        }
        vm.prank(owner);
        module.unpause();
        petitionAs(ben); // opens another: what was signed before the vote does not count after it
        require(!module.paused(), "below the threshold");
        equal(module.petitionOf(ID).serial, 2, "another petition");
        equal(module.petitionOf(ID).epoch, 1, "of this epoch");
        equal(module.petitionOf(ID).power, 90_000e18, "power");
        petitionAs(chloe);
        equal(module.pauseEpoch(), 2, "paused again");
    }

    function test_petition_revert_IsPaused(address who) public {
        vm.prank(guardian);
        module.pause();
        refuse(who, err(IPolicyModule.IsPaused.selector));
    }

    function test_petition_revert_Ended(uint256 late) public {
        vm.warp(T0 + 365 days + bound(late, 0, 1e9));
        refuse(ada, err(IPolicyModule.Ended.selector, T0 + 365 days));
    }

    function test_petition_revert_Ended_shortened() public {
        vm.prank(guardian);
        module.shorten(ID, uint40(block.timestamp));
        refuse(ada, err(IPolicyModule.Ended.selector, T0));
    }

    function test_petition_revert_NoPolicy(bytes32 other) public {
        vm.assume(other != ID);
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        module.petition(other);
    }

    function test_petition_revert_NoPower(address who) public {
        vm.assume(who != ada && who != ben && who != chloe);
        refuse(who, err(IPolicyModule.NoPower.selector));
        equal(module.petitionOf(ID).serial, 0, "nothing was opened");
    }

    function test_petition_delegated_power_counts_at_the_delegate() public {
        vm.prank(ada);
        IDelegate(votes).delegate(dana);
        pass(1);
        refuse(ada, err(IPolicyModule.NoPower.selector));
        petitionAs(dana);
        require(module.paused(), "paused");
    }

    /// Signatures under one policy say nothing about another; the pause is of them all.
    function test_petition_is_of_one_policy() public {
        bytes memory same = code;
        vm.prank(owner);
        module.setPolicy("other", same);
        petitionAs(ben);
        vm.prank(chloe);
        module.petition("other");
        require(!module.paused(), "9 % each");
        equal(module.petitionOf("other").power, 90_000e18, "the other's");
        vm.prank(ben);
        module.petition("other");
        require(module.paused(), "18 % of one");
    }

    // ---------------------------------------------------------------- small things

    function petitionAs(address member) private {
        vm.prank(member);
        module.petition(ID);
    }

    function refuse(address who, bytes memory reason) private {
        vm.prank(who);
        vm.expectRevert(reason);
        module.petition(ID);
    }
}
