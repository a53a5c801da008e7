// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";

/// @notice veto, pause, unpause, shorten, renounce, setGuardian, and the constructor.
contract StopTest is Base {
    event ActVetoed(bytes32 indexed policyId, bytes32 indexed actId, address by);
    event Paused(address by, uint32 epoch);
    event Unpaused(uint32 epoch);
    event GuardianSet(address guardian);
    event PolicyShortened(bytes32 indexed policyId, uint40 end);

    function test_veto(bool byOwner) public {
        bytes32 actId = schedule(pay(0, 1));
        address by = byOwner ? owner : guardian;
        vm.expectEmit(true, true, true, true, address(module));
        emit ActVetoed(ID, actId, by);
        vm.prank(by);
        module.veto(ID, actId);
        require(isOver(actId) && !isLive(actId), "vetoed");
    }

    function test_veto_revert_NotGuardian(address who) public {
        vm.assume(who != guardian && who != owner);
        bytes32 actId = schedule(pay(0, 1));
        vm.prank(who);
        vm.expectRevert(IPolicyModule.NotGuardian.selector);
        module.veto(ID, actId);
    }

    function test_veto_revert_NotPending(bytes32 actId) public {
        vm.prank(guardian);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        module.veto(ID, actId);
    }

    function test_pause_stops_everything_and_unpause_is_the_owners(bool byOwner) public {
        vm.expectEmit(true, true, true, true, address(module));
        emit Paused(byOwner ? owner : guardian, 1);
        vm.prank(byOwner ? owner : guardian);
        module.pause();
        require(module.paused(), "paused");
        refuseExecute(pay(0, 1), err(IPolicyModule.IsPaused.selector));
        refuseSchedule(pay(0, 1), err(IPolicyModule.IsPaused.selector));
        vm.expectEmit(true, true, true, true, address(module));
        emit Unpaused(1);
        vm.prank(owner);
        module.unpause();
        execute(pay(0, 1));
        equal(module.pauseEpoch(), 1, "epoch");
    }

    function test_pause_revert_NotGuardian(address who) public {
        vm.assume(who != guardian && who != owner);
        vm.prank(who);
        vm.expectRevert(IPolicyModule.NotGuardian.selector);
        module.pause();
    }

    function test_pause_revert_IsPaused() public {
        vm.startPrank(guardian);
        module.pause();
        vm.expectRevert(IPolicyModule.IsPaused.selector);
        module.pause();
    }

    function test_unpause_revert_NotOwner(address who) public {
        vm.assume(who != owner);
        vm.prank(guardian);
        module.pause();
        vm.prank(who);
        vm.expectRevert(IPolicyModule.NotOwner.selector);
        module.unpause();
    }

    function test_unpause_revert_NotPaused() public {
        vm.prank(owner);
        vm.expectRevert(IPolicyModule.NotPaused.selector);
        module.unpause();
    }

    function test_shorten_rounds_down_to_the_hour(uint40 end, bool byOwner) public {
        end = uint40(bound(end, 0, T0 + 365 days - 1));
        uint40 rounded = end / 3600 * 3600;
        vm.expectEmit(true, true, true, true, address(module));
        emit PolicyShortened(ID, rounded);
        vm.prank(byOwner ? owner : guardian);
        module.shorten(ID, end);
        (,,,, uint40 inForce) = module.policyState(ID);
        equal(inForce, rounded, "end");
        if (rounded <= block.timestamp) refuseExecute(pay(0, 1), err(IPolicyModule.Ended.selector, rounded));
        else execute(pay(0, 1));
    }

    function test_shorten_to_the_future_voids_nothing_yet() public {
        bytes32 actId = schedule(pay(0, 1));
        vm.prank(guardian);
        module.shorten(ID, uint40(T0 + 30 hours));
        pass(DELAY);
        release(actId, pay(0, 1));
    }

    function test_shorten_revert_NotShorter(uint40 end) public {
        end = uint40(bound(end, T0 + 365 days, type(uint40).max));
        vm.prank(guardian);
        vm.expectRevert(err(IPolicyModule.NotShorter.selector, T0 + 365 days));
        module.shorten(ID, end);
    }

    function test_shorten_revert_NotGuardian(address who) public {
        vm.assume(who != guardian && who != owner);
        vm.prank(who);
        vm.expectRevert(IPolicyModule.NotGuardian.selector);
        module.shorten(ID, 0);
    }

    function test_shorten_revert_NoPolicy(bytes32 other) public {
        vm.assume(other != ID);
        vm.prank(guardian);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        module.shorten(other, 0);
    }

    function test_renounce_ends_it_now(uint256 later) public {
        pass(bound(later, 0, 300 days));
        vm.expectEmit(true, true, true, true, address(module));
        emit PolicyShortened(ID, uint40(block.timestamp / 3600 * 3600));
        vm.prank(agent);
        module.renounce(ID);
        refuseExecute(pay(0, 1), err(IPolicyModule.Ended.selector, block.timestamp / 3600 * 3600));
    }

    function test_renounce_revert_NotAgent(address who) public {
        vm.assume(who != agent);
        vm.prank(who);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.NotAgent.selector, agent));
        module.renounce(ID);
    }

    function test_renounce_revert_NoPolicy(bytes32 other) public {
        vm.assume(other != ID);
        vm.prank(agent);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        module.renounce(other);
    }

    function test_setGuardian(address next) public {
        vm.assume(next != guardian && next != owner);
        vm.expectEmit(true, true, true, true, address(module));
        emit GuardianSet(next);
        vm.prank(owner);
        module.setGuardian(next);
        vm.prank(guardian);
        vm.expectRevert(IPolicyModule.NotGuardian.selector);
        module.pause();
        vm.prank(next);
        module.pause();
    }

    function test_setGuardian_revert_NotOwner(address who) public {
        vm.assume(who != owner);
        vm.prank(who);
        vm.expectRevert(IPolicyModule.NotOwner.selector);
        module.setGuardian(who);
    }

    function test_constructor_revert_NoAddress(uint256 which) public {
        address[4] memory given = [owner, governor, treasury, votes];
        given[which % 4] = address(0);
        vm.expectRevert();
        this.deploy(given, guardian);
        answerPastVotes(stranger);
        vm.expectRevert();
        this.deploy([owner, governor, treasury, stranger], guardian, 5); // a token whose clock is neither
    }

    function test_constructor_probes_the_clock() public {
        require(same(module.CLOCK_MODE(), "mode=timestamp"), "time");
        answerPastVotes(stranger);
        answerPastVotes(usdc);
        vm.mockCall(stranger, abi.encodeWithSignature("clock()"), abi.encode(block.number));
        require(same(this.deploy([owner, governor, treasury, stranger], guardian).CLOCK_MODE(), BLOCKS), "blocks");
        // A token without clock() counts blocks.
        require(same(this.deploy([owner, governor, treasury, usdc], guardian).CLOCK_MODE(), BLOCKS), "no clock");
    }

    string private constant BLOCKS = "mode=blocknumber&from=default";

    function deploy(address[4] memory given, address guardian_) external returns (IPolicyModule) {
        return IPolicyModule(
            vm.deployCode(
                "PolicyModule.sol:PolicyModule", abi.encode(given[0], given[1], given[2], given[3], guardian_)
            )
        );
    }

    function deploy(address[4] memory given, address guardian_, uint256 clock) external returns (IPolicyModule) {
        vm.mockCall(given[3], abi.encodeWithSignature("clock()"), abi.encode(clock));
        return this.deploy(given, guardian_);
    }

    function same(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
