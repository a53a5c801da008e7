// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyLens} from "../../contracts/src/IPolicyLens.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";

/// @notice What the lens says where there is nothing to read: no policy, no rule, no pending act. It leaves out what
/// depends on them, and reads nothing that is not there (docs/assurance.md, "Mutation").
contract LensNothingTest is Base {
    IPolicyLens private lens;

    function setUp() public override {
        super.setUp();
        lens = IPolicyLens(vm.deployCode("PolicyLens.sol:PolicyLens", ""));
    }

    /// Whoever asks, and whatever lies in memory where the code would.
    function test_no_policy_says_nothing_of_the_sender() public view {
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3; ++j) {
                address[3] memory senders = [address(0), agent, address(type(uint160).max)];
                IPolicyLens.Act memory act =
                    IPolicyLens.Act(IPolicyLens.Mode(i), bytes32(uint256(1)), 0, pay(0, 1), 1, DECISION, senders[j]);
                (IPolicyLens.Finding[] memory all, IPolicyLens.Headroom[] memory budgets) = lens.check(module, act);
                equal(all.length, 1, "findings");
                bytes4 reason = i == 2 ? IPolicyModule.NotPending.selector : IPolicyModule.NoPolicy.selector;
                require(keccak256(all[0].revertData) == keccak256(err(reason)), "reason");
                require(all[0].call == type(uint256).max && all[0].rule == type(uint256).max, "about no call");
                equal(budgets.length, 0, "budgets");
            }
        }
    }

    /// A call without a rule is no call with ether that is not charged, and charges nothing.
    function test_no_rule_says_nothing_of_the_call() public view {
        for (uint256 value; value < 2; ++value) {
            IPolicyModule.Call[] memory calls = calling(stranger, value, abi.encodeWithSelector(TRANSFER, 1, 2));
            IPolicyLens.Act memory act =
                IPolicyLens.Act(IPolicyLens.Mode.EXECUTE, ID, codehash, calls, nextNumber(), DECISION, agent);
            (IPolicyLens.Finding[] memory all, IPolicyLens.Headroom[] memory budgets) = lens.check(module, act);
            equal(all.length, 1, "findings");
            bytes memory reason = abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, stranger, TRANSFER);
            require(keccak256(all[0].revertData) == keccak256(reason), "reason");
            equal(budgets[0].charged, 0, "charged");
        }
    }

    /// A call whose only rule says no is told once, with ether or without.
    function test_no_fitting_rule_says_nothing_else_of_the_call() public view {
        for (uint256 value; value < 2; ++value) {
            IPolicyModule.Call[] memory calls = pay(0, MOST + 1);
            calls[0].value = value;
            IPolicyLens.Act memory act =
                IPolicyLens.Act(IPolicyLens.Mode.EXECUTE, ID, codehash, calls, nextNumber(), DECISION, agent);
            (IPolicyLens.Finding[] memory all, IPolicyLens.Headroom[] memory budgets) = lens.check(module, act);
            equal(all.length, 1, "findings");
            bytes memory reason = abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, 1, MOST + 1);
            require(keccak256(all[0].revertData) == keccak256(reason), "reason");
            equal(budgets[0].charged, 0, "charged");
        }
    }

    /// A number that is not pending, and one that no act ever had.
    function test_no_pending_act_says_nothing_of_its_time() public {
        schedule(pay(0, 1));
        for (uint24 number; number < 4; ++number) {
            IPolicyLens.Act memory act =
                IPolicyLens.Act(IPolicyLens.Mode.RELEASE, ID, codehash, pay(0, 1), number, DECISION, agent);
            (IPolicyLens.Finding[] memory all,) = lens.check(module, act);
            equal(all.length, 1, "findings");
            bytes memory reason = number == 1
                ? err(IPolicyModule.NotYet.selector, block.timestamp + DELAY)
                : err(IPolicyModule.NotPending.selector);
            require(keccak256(all[0].revertData) == keccak256(reason), "reason");
        }
    }
}
