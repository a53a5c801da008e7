// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base, IDelegate} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

contract ScheduleTest is Base {
    using Build for Build.Policy;

    event ActScheduled(
        bytes32 indexed policyId,
        address indexed agent,
        bytes32 indexed decision,
        bytes32 actId,
        uint24 number,
        uint16 version,
        uint40 releasableAt,
        uint40 expiresAt,
        uint48 snapshot,
        IPolicyModule.Call[] calls
    );

    function test_schedule_announces_and_charges_nothing(uint256 amount) public {
        amount = bound(amount, 0, MOST);
        uint40 time = uint40(block.timestamp);
        bytes32 expected = actIdOf(pay(0, amount), 1, 1);
        vm.expectEmit(true, true, true, true, address(module));
        emit ActScheduled(
            ID, agent, DECISION, expected, 1, 1, time + DELAY, time + DELAY + WINDOW, time - 1, pay(0, amount)
        );
        bytes32 actId = schedule(pay(0, amount));
        require(actId == expected, "act id");
        equal(module.spent(key(), SEGMENT), 0, "spent");
        require(isLive(actId), "live");
        IPolicyModule.PendingAct memory act = module.pendingActs(ID)[0];
        require(act.actId == actId, "in the first place");
        equal(act.number, 1, "number");
        equal(act.version, 1, "version");
        equal(act.epoch, 0, "epoch");
        equal(act.releasableAt, time + DELAY, "releasable");
        equal(act.expiresAt, time + DELAY + WINDOW, "expires");
        equal(act.snapshot, time - 1, "snapshot");
    }

    function test_schedule_uses_up_a_number_and_the_cooldown() public {
        schedule(pay(0, 1));
        refuseExecute(pay(0, 1), err(IPolicyModule.Cooling.selector, block.timestamp + COOLDOWN));
        pass(COOLDOWN);
        vm.prank(agent);
        vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 2));
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
    }

    function test_schedule_revert_NotAgent(address who) public {
        vm.assume(who != agent);
        vm.prank(who);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.NotAgent.selector, agent));
        module.schedule(ID, codehash, pay(0, 1), 1, DECISION);
    }

    function test_schedule_revert_IsPaused() public {
        vm.prank(guardian);
        module.pause();
        refuseSchedule(pay(0, 1), err(IPolicyModule.IsPaused.selector));
    }

    function test_schedule_revert_OverBudget(uint256 amount) public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        amount = bound(amount, 12_000 * USDC + 1, type(uint256).max);
        refuseSchedule(
            pay(0, amount), abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), units(amount), LIMIT)
        );
        schedule(pay(0, 12_000 * USDC));
    }

    function test_schedule_revert_ClauseFailed(uint256 amount) public {
        amount = bound(amount, MOST + 1, type(uint256).max);
        refuseSchedule(
            pay(0, amount), abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, 1, amount)
        );
    }

    function test_schedule_revert_TooManyPending(uint256 gap) public {
        gap = bound(gap, COOLDOWN, 1000);
        for (uint256 i; i < 4; ++i) {
            schedule(pay(0, 1));
            pass(gap);
        }
        uint256 free = T0 + 10 + DELAY + WINDOW; // not from block.timestamp: `make coverage` compiles tests by the IR pipeline
        refuseSchedule(pay(0, 1), err(IPolicyModule.TooManyPending.selector, free));
        vm.warp(free); // the first has expired
        schedule(pay(0, 1));
        pass(COOLDOWN);
        if (gap > COOLDOWN) refuseSchedule(pay(0, 1), err(IPolicyModule.TooManyPending.selector, free + gap));
    }

    function test_schedule_a_place_is_free_again(uint256 how, uint256 which) public {
        bytes32[4] memory ids;
        for (uint256 i; i < 4; ++i) {
            ids[i] = schedule(pay(0, 1));
            pass(COOLDOWN);
        }
        how = bound(how, 0, 3);
        if (how == 0) {
            vm.prank(guardian);
            module.veto(ID, ids[which % 4]);
        } else if (how == 1) {
            vm.warp(T0 + 1 days + 1000);
            release(ids[which % 4], pay(0, 1));
        } else if (how == 2) {
            put(payroll());
        } else {
            vm.prank(guardian);
            module.pause();
            vm.prank(owner);
            module.unpause();
        }
        schedule(pay(0, 1));
        pass(COOLDOWN);
        if (how < 2) {
            uint24 number = nextNumber();
            vm.prank(agent);
            vm.expectPartialRevert(IPolicyModule.TooManyPending.selector);
            module.schedule(ID, codehash, pay(0, 1), number, DECISION);
        }
    }

    function test_schedule_revert_Quiet(uint256 wait) public {
        bytes32 actId = schedule(pay(0, 1));
        pass(COOLDOWN);
        objectAs(ada, actId);
        uint256 until = block.timestamp + DELAY;
        pass(bound(wait, 0, DELAY - COOLDOWN));
        refuseSchedule(pay(0, 1), err(IPolicyModule.Quiet.selector, until));
        execute(pay(0, 1)); // what needs no objection window goes on
        vm.warp(until - 1);
        if (wait % 2 == 0) refuseSchedule(pay(0, 1), quietOrCooling(until));
        vm.warp(until);
        schedule(pay(0, 1));
    }

    /// Times of pending acts are 32 bits: what lies beyond the year 2106 can't be announced.
    function test_schedule_revert_BadTime(uint32 delay, uint32 window) public {
        Build.Policy memory p = payroll();
        p.end = type(uint32).max / 3600 * 3600;
        p.objectionDelay = uint32(bound(delay, 1, p.end - block.timestamp - 1));
        p.releaseWindow = uint32(bound(window, 1, type(uint32).max));
        put(p);
        uint256 expires = block.timestamp + p.objectionDelay + p.releaseWindow;
        if (expires > type(uint32).max) refuseSchedule(pay(0, 1), err(IPolicyModule.BadTime.selector));
        else schedule(pay(0, 1));
    }

    /// An act whose time to object ends with the policy, or after it, could never be released: it is refused at once. It
    /// takes no number, no place and no cooldown, and members have nothing to watch.
    function test_schedule_revert_EndsTooSoon(uint256 time, bool shortened) public {
        uint256 end = T0 + 365 days;
        if (shortened) {
            end = T0 + 40 days;
            vm.prank(guardian);
            module.shorten(ID, uint40(end));
        }
        time = bound(time, end - DELAY, end - 1);
        vm.warp(time);
        refuseSchedule(pay(0, 1), abi.encodeWithSelector(IPolicyModule.EndsTooSoon.selector, time + DELAY, end));
        equal(module.pendingActs(ID)[0].expiresAt, 0, "no place is taken");
        equal(nextNumber(), 1, "no number is used");
        execute(pay(0, 1)); // what needs no objection window goes on to the last second
        vm.warp(end);
        refuseSchedule(pay(0, 1), err(IPolicyModule.Ended.selector, end));
    }

    /// To the second: what can be released in the policy's last second is announced, and released.
    function test_schedule_to_be_released_in_the_last_second() public {
        uint256 end = T0 + 365 days;
        vm.warp(end - DELAY - 1);
        bytes32 actId = schedule(pay(0, 1));
        vm.warp(end - 1);
        release(actId, pay(0, 1));
        require(isOver(actId), "released");
    }

    /// Nor does the quiet time wrap round: it is for ever, then.
    function test_schedule_revert_Quiet_untilTheEndOfTime(uint256 wait) public {
        Build.Policy memory p = payroll();
        p.end = type(uint32).max / 3600 * 3600;
        p.objectionDelay = uint32(p.end - block.timestamp - 1);
        p.releaseWindow = 1;
        put(p);
        bytes32 actId = schedule(pay(0, 1));
        pass(bound(wait, COOLDOWN, 30 * 365 days));
        objectAs(ada, actId);
        uint256 until = block.timestamp + p.objectionDelay;
        refuseSchedule(pay(0, 1), abi.encodeWithSelector(IPolicyModule.EndsTooSoon.selector, until, p.end));
        equal(module.pendingActs(ID)[0].quietUntil, until > type(uint32).max ? type(uint32).max : until, "quiet");
    }

    /// A votes token without a clock counts blocks, and so do its snapshots.
    function test_schedule_snapshot_in_blocks(uint256 blocks) public {
        answerPastVotes(usdc);
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, usdc, guardian))
        );
        put(payroll());
        blocks = bound(blocks, 1001, 1e9);
        vm.roll(blocks);
        schedule(pay(0, 1));
        equal(module.pendingActs(ID)[0].snapshot, blocks - 1, "snapshot");
    }

    function quietOrCooling(uint256 until) private view returns (bytes memory) {
        (,,, uint32 lastAct,) = module.policyState(ID);
        return block.timestamp < lastAct + COOLDOWN
            ? err(IPolicyModule.Cooling.selector, lastAct + COOLDOWN)
            : err(IPolicyModule.Quiet.selector, until);
    }

    function test_schedule_threshold_is_at_least_one() public {
        address[] memory holders = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (holders[0], amounts[0]) = (ada, 5);
        votes = vm.deployCode("VotesToken.sol:VotesToken", abi.encode("Small", "S", holders, amounts));
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian))
        );
        pass(1);
        Build.Policy memory p = payroll();
        p.objectionBps = 1;
        put(p);
        bytes32 actId = schedule(pay(0, 1));
        equal(module.threshold(ID, uint48(block.timestamp - 1)), 1, "threshold");
        vm.prank(ada);
        IDelegate(votes).delegate(ada);
        pass(COOLDOWN);
        bytes32 second = schedule(pay(0, 1));
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.NoPower.selector); // delegated too late for the first
        module.object(ID, list(actId));
        objectAs(ada, second);
        require(isLive(actId) && isOver(second), "killed");
    }
}
