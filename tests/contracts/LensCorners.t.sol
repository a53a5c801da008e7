// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyLens} from "../../contracts/src/IPolicyLens.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice What the lens says where there is nothing to read (no policy, no rule, no pending act): it leaves out what
/// depends on it. And what it says of caps among clauses that fail, and of each scope (docs/assurance.md, "Mutation").
contract LensCornersTest is Base {
    using Build for Build.Policy;

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

    /// A cap is none of the clauses that a call fails, whatever its value is beside it: it counts over the whole act.
    function test_no_cap_among_the_clauses_that_fail() public {
        Build.Policy memory p = payroll();
        bytes memory clauses = abi.encodePacked(Build.clause(0, IN_LIST, 0), Build.clause(1, CAP, 100));
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, clauses, Build.charge(0, 0, 1)));
        put(p);
        for (uint256 amount = 99; amount < 102; ++amount) {
            IPolicyModule.Call[] memory calls =
                calling(usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, amount));
            IPolicyLens.Act memory act =
                IPolicyLens.Act(IPolicyLens.Mode.EXECUTE, ID, codehash, calls, nextNumber(), DECISION, agent);
            (IPolicyLens.Finding[] memory all,) = lens.check(module, act);
            equal(all.length, 1, "findings");
            bytes4 failed = IPolicyModule.ClauseFailed.selector;
            bytes memory reason = abi.encodeWithSelector(failed, 0, 0, 0, uint256(uint160(stranger)));
            require(keccak256(all[0].revertData) == keccak256(reason), "reason");
        }
    }

    /// What lies behind a rule's last clause is no clause, even where it looks like a cap: a charge of word 6.
    function test_no_cap_behind_the_last_clause() public {
        address sink = address(new Sink());
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(sink, TRANSFER, 0, 7, Build.clause(1, CAP, 100), Build.charge(0, 0, CAP)));
        put(p);
        uint256 most = type(uint256).max;
        IPolicyModule.Call[] memory calls =
            calling(sink, 0, abi.encodeWithSelector(TRANSFER, most, 100, most, most, most, most, 5));
        IPolicyLens.Act memory act =
            IPolicyLens.Act(IPolicyLens.Mode.EXECUTE, ID, codehash, calls, nextNumber(), DECISION, agent);
        (IPolicyLens.Finding[] memory all, IPolicyLens.Headroom[] memory budgets) = lens.check(module, act);
        equal(all.length, 0, "findings");
        equal(budgets[0].charged, 1, "charged");
    }

    /// A budget's ring is the policy's, the agent's or the DAO's, and what is left is read there.
    function test_headroom_of_each_scope() public {
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](3);
        bytes memory charges;
        for (uint8 i; i < 3; ++i) {
            p.budgets[i] = Build.budget(i, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
            charges = abi.encodePacked(charges, Build.charge(i, 0, 1));
        }
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", charges));
        put(p);
        execute(pay(0, 5 * UNIT));
        IPolicyLens.Headroom[] memory budgets = lens.headroom(module, ID);
        uint256[3] memory ids = [uint256(ID), uint160(agent), 0];
        for (uint256 i; i < 3; ++i) {
            bytes32 ring = keccak256(abi.encode(i, ids[i], usdc, EXPONENT, SEGMENT, bytes32("day")));
            require(budgets[i].key == ring, "key");
            equal(budgets[i].left, LIMIT - 5, "left");
        }
    }
}
