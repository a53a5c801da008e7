// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

contract ReleaseTest is Base {
    using Build for Build.Policy;

    event ActReleased(
        bytes32 indexed policyId, address indexed agent, bytes32 indexed decision, bytes32 actId
    );

    function test_release_pays_and_charges(uint256 amount, uint256 wait) public {
        amount = bound(amount, 0, MOST);
        bytes32 actId = schedule(pay(2, amount));
        pass(bound(wait, DELAY, DELAY + WINDOW - 1));
        vm.expectEmit(true, true, true, true, address(module));
        emit ActReleased(ID, agent, DECISION, actId);
        release(actId, pay(2, amount));
        equal(IERC20(usdc).balanceOf(address(uint160(people[2]))), amount, "balance");
        equal(module.spent(key(), SEGMENT), units(amount), "spent");
        refuseRelease(actId, pay(2, amount), err(IPolicyModule.NotPending.selector)); // once only
    }

    function test_release_may_pass_the_instant_limit() public {
        bytes32 actId = schedule(pay(1, 5000 * USDC));
        pass(DELAY);
        execute(pay(0, 5000 * USDC));
        release(actId, pay(1, 5000 * USDC)); // 10,000 in the window; only 6,000 may go at once
        pass(COOLDOWN);
        refuseExecute(pay(0, 1), abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), 1, 0));
    }

    function test_release_has_no_cooldown() public {
        bytes32 actId = schedule(pay(0, 1));
        pass(DELAY);
        execute(pay(0, 1));
        release(actId, pay(0, 1));
    }

    function test_release_revert_NotPending(uint24 number) public {
        schedule(pay(0, 1));
        pass(DELAY);
        vm.assume(number != 1);
        numberOf["other"] = number;
        refuseRelease("other", pay(0, 1), err(IPolicyModule.NotPending.selector));
    }

    function test_release_revert_NotAgent(address who) public {
        vm.assume(who != agent);
        bytes32 actId = schedule(pay(0, 1));
        pass(DELAY);
        vm.prank(who);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.NotAgent.selector, agent));
        module.release(ID, 1, pay(0, 1), DECISION);
    }

    function test_release_revert_NotYet(uint256 wait) public {
        bytes32 actId = schedule(pay(0, 1));
        uint256 due = block.timestamp + DELAY;
        pass(bound(wait, 0, DELAY - 1));
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.NotYet.selector, due));
    }

    function test_release_revert_Expired(uint256 wait) public {
        bytes32 actId = schedule(pay(0, 1));
        uint256 due = block.timestamp + DELAY + WINDOW;
        pass(bound(wait, DELAY + WINDOW, 300 days));
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.Expired.selector, due));
    }

    function test_release_revert_OtherCalls(uint256 amount, uint256 other, uint256 who) public {
        amount = bound(amount, 0, MOST);
        other = bound(other, 0, MOST);
        vm.assume(amount != other || who % 5 != 0);
        bytes32 actId = schedule(pay(0, amount));
        pass(DELAY);
        refuseRelease(actId, pay(who, other), err(IPolicyModule.OtherCalls.selector));
        refuseRelease(actId, payTwice(amount, 0), err(IPolicyModule.OtherCalls.selector));
    }

    function test_release_revert_OverBudget() public {
        // Checked again on release: what was spent in between counts.
        bytes32 first = schedule(pay(0, 5000 * USDC));
        pass(COOLDOWN);
        bytes32 second = schedule(pay(0, 5000 * USDC));
        pass(COOLDOWN);
        bytes32 third = schedule(pay(0, 5000 * USDC));
        pass(DELAY);
        release(first, pay(0, 5000 * USDC));
        release(second, pay(0, 5000 * USDC));
        uint256 left = LIMIT - 2 * units(5000 * USDC);
        refuseRelease(
            third,
            pay(0, 5000 * USDC),
            abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), units(5000 * USDC), left)
        );
        pass(WINDOW - DELAY - 3 * COOLDOWN); // nearly a period later: what was paid still counts
        vm.prank(agent);
        vm.expectPartialRevert(IPolicyModule.OverBudget.selector);
        module.release(ID, 3, pay(0, 5000 * USDC), DECISION);
    }

    function test_release_later_in_the_window_when_the_ring_has_turned() public {
        execute(pay(0, 5000 * USDC));
        pass(COOLDOWN);
        bytes32 first = schedule(pay(0, 5000 * USDC));
        pass(COOLDOWN);
        bytes32 third = schedule(pay(0, 5000 * USDC));
        pass(DELAY);
        release(first, pay(0, 5000 * USDC));
        pass(DELAY / 7);
        release(third, pay(0, 5000 * USDC));
    }

    function test_release_revert_CallFailed_and_stays_pending() public {
        bytes32 actId = schedule(pay(0, 5));
        pass(DELAY);
        vm.prank(treasury);
        IERC20(usdc).transfer(stranger, 1_000_000 * USDC);
        vm.prank(agent);
        vm.expectPartialRevert(IPolicyModule.CallFailed.selector);
        module.release(ID, 1, pay(0, 5), DECISION);
        vm.prank(stranger);
        IERC20(usdc).transfer(treasury, 5);
        release(actId, pay(0, 5));
    }

    // ---------------------------------------------------------------- voided for ever

    function test_release_revert_Voided_replaced(bool same) public {
        bytes32 actId = schedule(pay(0, 1));
        Build.Policy memory p = payroll();
        if (!same) p.cooldown += 1;
        put(p);
        pass(DELAY);
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.Voided.selector));
        require(!isLive(actId), "not live");
    }

    function test_release_revert_Voided_paused(bool unpaused) public {
        bytes32 actId = schedule(pay(0, 1));
        vm.prank(guardian);
        module.pause();
        if (unpaused) {
            vm.prank(owner);
            module.unpause();
        }
        pass(DELAY);
        refuseRelease(
            actId, pay(0, 1), err(unpaused ? IPolicyModule.Voided.selector : IPolicyModule.IsPaused.selector)
        );
    }

    function test_release_revert_Voided_shortened() public {
        bytes32 actId = schedule(pay(0, 1));
        vm.prank(guardian);
        module.shorten(ID, uint40(block.timestamp));
        pass(DELAY);
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.Voided.selector));
        put(payroll()); // not even a new term brings it back
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.Voided.selector));
    }

    function test_release_revert_Voided_renounced() public {
        bytes32 actId = schedule(pay(0, 1));
        vm.prank(agent);
        module.renounce(ID);
        pass(DELAY);
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.Voided.selector));
    }

    function test_release_revert_Voided_ended() public {
        vm.warp(T0 + 365 days - DELAY - 1); // a second later it could never be released, and is not announced
        bytes32 actId = schedule(pay(0, 1));
        vm.warp(T0 + 365 days);
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.Voided.selector));
    }

    function test_release_revert_NotPending_killed() public {
        bytes32 actId = schedule(pay(0, 1));
        objectAs(ada, actId);
        pass(DELAY);
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.NotPending.selector));
    }

    function test_release_revert_NotPending_vetoed(bool byOwner) public {
        bytes32 actId = schedule(pay(0, 1));
        vm.prank(byOwner ? owner : guardian);
        module.veto(ID, actId);
        pass(DELAY);
        refuseRelease(actId, pay(0, 1), err(IPolicyModule.NotPending.selector));
    }
}
