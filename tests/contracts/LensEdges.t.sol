// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyLens} from "../../contracts/src/IPolicyLens.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice The lens says what the module answers at the exact edges: the second, the unit, the byte. Lens.t.sol draws
/// its acts; here each is written out (docs/assurance.md, "Mutation").
contract LensEdgesTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    uint256 private constant NOWHERE = type(uint256).max;

    IPolicyLens private lens;

    function setUp() public override {
        super.setUp();
        lens = IPolicyLens(vm.deployCode("PolicyLens.sol:PolicyLens", ""));
    }

    // ---------------------------------------------------------------- hands

    function actOf(IPolicyLens.Mode mode, IPolicyModule.Call[] memory calls)
        private
        view
        returns (IPolicyLens.Act memory act)
    {
        act = IPolicyLens.Act(mode, ID, codehash, calls, nextNumber(), DECISION, agent);
    }

    function executing(IPolicyModule.Call[] memory calls) private view returns (IPolicyLens.Act memory) {
        return actOf(IPolicyLens.Mode.EXECUTE, calls);
    }

    function scheduling(IPolicyModule.Call[] memory calls) private view returns (IPolicyLens.Act memory) {
        return actOf(IPolicyLens.Mode.SCHEDULE, calls);
    }

    function releasing(bytes32 actId, IPolicyModule.Call[] memory calls)
        private
        view
        returns (IPolicyLens.Act memory act)
    {
        act = actOf(IPolicyLens.Mode.RELEASE, calls);
        act.number = numberOf[actId];
    }

    /// What the module answers; nothing is kept of it.
    function attempt(IPolicyLens.Act calldata act) external {
        bytes memory data = act.mode == IPolicyLens.Mode.RELEASE
            ? abi.encodeCall(IPolicyModule.release, (act.policyId, act.number, act.calls, act.decision))
            : abi.encodeWithSelector(
                act.mode == IPolicyLens.Mode.EXECUTE ? IPolicyModule.execute.selector : IPolicyModule.schedule.selector,
                act.policyId,
                act.codehash,
                act.calls,
                act.number,
                act.decision
            );
        vm.prank(act.sender);
        (bool done, bytes memory answer) = address(module).call(data);
        bytes memory all = abi.encode(done, answer);
        assembly {
            revert(add(all, 32), mload(all))
        }
    }

    /// The lens finds as many reasons as `count`, and the first is the module's own; with none, the module does it.
    function agree(IPolicyLens.Act memory act, uint256 count) private returns (IPolicyLens.Finding[] memory all) {
        (all,) = lens.check(module, act);
        (, bytes memory said) = address(this).call(abi.encodeCall(this.attempt, (act)));
        (bool done, bytes memory answer) = abi.decode(said, (bool, bytes));
        equal(all.length, count, "findings");
        require(done == (count == 0), "the module");
        if (count != 0) require(keccak256(all[0].revertData) == keccak256(answer), "the first finding");
    }

    function found(IPolicyLens.Finding memory one_, uint256 call_, uint256 rule, bytes memory revertData) private pure {
        equal(one_.call, call_, "call");
        equal(one_.rule, rule, "rule");
        require(keccak256(one_.revertData) == keccak256(revertData), "revert data");
    }

    // ---------------------------------------------------------------- who and when

    function test_execute_from_the_first_second_to_the_last() public {
        Build.Policy memory p = payroll();
        (p.start, p.end) = (uint40(T0 + 100), uint40(T0 + 2 hours));
        put(p);
        vm.warp(T0 + 99);
        agree(executing(pay(0, 1)), 1);
        vm.warp(T0 + 100);
        agree(executing(pay(0, 1)), 0);
        execute(pay(0, 1));
        vm.warp(T0 + 100 + COOLDOWN - 1);
        agree(executing(pay(0, 1)), 1);
        vm.warp(T0 + 100 + COOLDOWN);
        agree(executing(pay(0, 1)), 0);
        vm.warp(T0 + 2 hours - 1);
        agree(executing(pay(0, 1)), 0);
        vm.warp(T0 + 2 hours);
        agree(executing(pay(0, 1)), 1);
    }

    /// Each part of what goes with an act, wrong by itself.
    function test_execute_with_one_part_wrong() public {
        execute(pay(0, 1));
        pass(COOLDOWN);
        IPolicyLens.Act memory act = executing(pay(0, 1));
        act.codehash = bytes32(uint256(act.codehash) + 1);
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.StalePolicy.selector, uint256(codehash)));
        act = executing(pay(0, 1));
        act.sender = address(uint160(agent) + 1);
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.NotAgent.selector, uint160(agent)));
        for (uint24 number; number < 4; ++number) {
            act = executing(pay(0, 1));
            act.number = number;
            IPolicyLens.Finding[] memory all = agree(act, number == 2 ? 0 : 1);
            if (number != 2) found(all[0], NOWHERE, NOWHERE, err(IPolicyModule.WrongNumber.selector, 2));
        }
        act = executing(pay(0, 1));
        act.decision = 0;
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.NoDecision.selector));
        act.decision = bytes32(uint256(1));
        agree(act, 0);
        act = executing(new IPolicyModule.Call[](0));
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.NoCalls.selector));
        vm.prank(guardian);
        module.pause();
        found(agree(executing(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.IsPaused.selector));
    }

    function test_release_from_the_first_second_to_the_last() public {
        bytes32 first = schedule(pay(0, 1));
        uint256 due = block.timestamp + DELAY;
        pass(COOLDOWN);
        bytes32 second = schedule(pay(0, 2));
        vm.warp(due - 1);
        agree(releasing(first, pay(0, 1)), 1);
        vm.warp(due);
        agree(releasing(first, pay(0, 1)), 0);
        agree(releasing(second, pay(0, 2)), 1);
        vm.warp(due + WINDOW - 1);
        agree(releasing(first, pay(0, 1)), 0);
        vm.warp(due + WINDOW);
        bytes memory over = err(IPolicyModule.Expired.selector, due + WINDOW);
        found(agree(releasing(first, pay(0, 1)), 1)[0], NOWHERE, NOWHERE, over);
        agree(releasing(second, pay(0, 2)), 0);
        vm.prank(guardian);
        module.veto(ID, second);
        found(agree(releasing(second, pay(0, 2)), 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.NotPending.selector));
    }

    /// What makes an act void, each by itself; and what must be the same as was announced.
    function test_release_of_a_void_or_another_act() public {
        bytes32 id = schedule(pay(0, 1));
        pass(DELAY);
        IPolicyLens.Act memory act = releasing(id, pay(0, 2));
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.OtherCalls.selector));
        act = releasing(id, pay(0, 1));
        act.decision = bytes32(uint256(1));
        agree(act, 1);
        act = releasing(id, pay(0, 1));
        act.sender = stranger;
        agree(act, 1);
        act = releasing(id, pay(0, 1));
        vm.prank(guardian);
        module.shorten(ID, uint40(block.timestamp + 3600));
        vm.warp((T0 + 10 + DELAY + 3600) / 3600 * 3600 - 1);
        agree(act, 0);
        pass(1);
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.Voided.selector)); // the end
        vm.prank(owner);
        module.setPolicy(ID, code);
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.Voided.selector)); // another version
        id = schedule(pay(0, 1));
        pass(DELAY);
        act = releasing(id, pay(0, 1));
        agree(act, 0);
        vm.prank(guardian);
        module.pause();
        IPolicyLens.Finding[] memory all = agree(act, 2);
        found(all[0], NOWHERE, NOWHERE, err(IPolicyModule.IsPaused.selector));
        found(all[1], NOWHERE, NOWHERE, err(IPolicyModule.Voided.selector));
        vm.prank(owner);
        module.unpause();
        found(agree(act, 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.Voided.selector)); // a pause
    }

    /// The act's name, of several calls with data of several lengths, or none.
    function test_release_of_several_calls() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        (p.budgets, p.lists, p.cooldown) = (new bytes[](0), new bytes[](0), 0);
        p.rules = two(
            Build.rule(address(sink), TRANSFER, 0, 1, "", "").dynamic(Build.array(0, 0)),
            Build.rule(address(type(uint160).max), bytes4(0), 1, 0, "", "")
        );
        put(p);
        for (uint256 size; size < 3; ++size) {
            IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2 + size);
            for (uint256 i; i < calls.length; ++i) {
                bytes memory data = abi.encodePacked(TRANSFER, uint256(32), 32 * size, new bytes(32 * size));
                calls[i] = IPolicyModule.Call(address(sink), 0, data);
            }
            calls[size] = IPolicyModule.Call(address(type(uint160).max), 0, "");
            bytes32 id = schedule(calls);
            agree(releasing(id, calls), 1);
            pass(DELAY);
            agree(releasing(id, calls), 0);
            calls[size + 1].data[3] = 0xff;
            agree(releasing(id, calls), 2); // other calls, and no rule for them
            calls[size + 1].data[3] = bytes1(uint8(uint32(TRANSFER)));
            release(id, calls);
        }
    }

    // ---------------------------------------------------------------- announcing

    function test_schedule_needs_both_a_delay_and_a_window() public {
        for (uint256 i; i < 3; ++i) {
            Build.Policy memory p = payroll();
            p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, LIMIT, LIMIT, "day"));
            p.objectionDelay = i == 0 ? 1 : 0;
            p.releaseWindow = i == 1 ? 1 : 0;
            put(p);
            found(agree(scheduling(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.NotSchedulable.selector));
            agree(executing(pay(0, 1)), 0);
        }
    }

    function test_schedule_up_to_the_last_second_of_32_bits() public {
        Build.Policy memory p = payroll();
        p.end = type(uint32).max / 3600 * 3600;
        p.objectionDelay = 5;
        p.releaseWindow = uint32(type(uint32).max - block.timestamp - 5);
        put(p);
        agree(scheduling(pay(0, 1)), 0);
        pass(1);
        found(agree(scheduling(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.BadTime.selector));
        agree(executing(pay(0, 1)), 0);
    }

    function test_schedule_after_the_quiet_time_to_the_second() public {
        bytes32 actId = schedule(pay(0, 1));
        pass(COOLDOWN);
        objectAs(ada, actId);
        uint256 until = block.timestamp + DELAY;
        vm.warp(until - 1);
        found(agree(scheduling(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, err(IPolicyModule.Quiet.selector, until));
        agree(executing(pay(0, 1)), 0);
        vm.warp(until);
        agree(scheduling(pay(0, 1)), 0);
    }

    /// All four places are taken, and the first to be free is any of them: there is one when its act is over, or void.
    function test_schedule_needs_a_free_place() public {
        bytes32 first = schedule(pay(0, 1));
        pass(COOLDOWN);
        uint256 free = block.timestamp + DELAY + WINDOW;
        for (uint256 i; i < 3; ++i) {
            agree(scheduling(pay(0, 1)), 0);
            schedule(pay(0, 1));
            pass(COOLDOWN);
        }
        vm.prank(guardian);
        module.veto(ID, first);
        agree(scheduling(pay(0, 1)), 0);
        schedule(pay(0, 1));
        pass(COOLDOWN);
        bytes memory reason = err(IPolicyModule.TooManyPending.selector, free);
        found(agree(scheduling(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, reason);
        agree(executing(pay(0, 1)), 0);
        vm.warp(free - 1);
        found(agree(scheduling(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, reason);
        vm.warp(free);
        agree(scheduling(pay(0, 1)), 0);
        vm.warp(free - 1);
        vm.prank(owner);
        module.setPolicy(ID, code);
        agree(scheduling(pay(0, 1)), 0); // void by another version
    }

    function test_schedule_where_a_pause_made_places_free() public {
        for (uint256 i; i < 4; ++i) {
            schedule(pay(0, 1));
            pass(COOLDOWN);
        }
        agree(scheduling(pay(0, 1)), 1);
        vm.prank(guardian);
        module.pause();
        agree(scheduling(pay(0, 1)), 1); // paused, and nothing else
        vm.prank(owner);
        module.unpause();
        agree(scheduling(pay(0, 1)), 0);
    }

    // ---------------------------------------------------------------- calls

    function test_data_shorter_than_a_selector() public {
        for (uint256 size; size < 6; ++size) {
            IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
            calls[0] = pay(0, 1)[0];
            calls[1] = IPolicyModule.Call(usdc, 0, new bytes(size));
            calls[2] = IPolicyModule.Call(stranger, 0, "");
            IPolicyLens.Finding[] memory all = agree(executing(calls), 2);
            bytes memory reason = size != 0 && size < 4
                ? err(IPolicyModule.BadCalldata.selector, 1)
                : abi.encodeWithSelector(IPolicyModule.NoRule.selector, 1, usdc, bytes4(0));
            found(all[0], 1, NOWHERE, reason);
            found(all[1], 2, NOWHERE, abi.encodeWithSelector(IPolicyModule.NoRule.selector, 2, stranger, bytes4(0)));
        }
    }

    /// Three alternatives: the first that fits counts, and if none does each says why, the last one first.
    function test_alternatives() public {
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        p.rules = new Build.Rule[](4);
        bytes memory charge = Build.charge(0, 0, 1);
        p.rules[0] = Build.rule(address(1), bytes4(0), 1, 0, "", "");
        bytes memory clauses = abi.encodePacked(Build.clause(0, EQUAL, people[0]), Build.clause(1, AT_MOST, 10));
        p.rules[1] = Build.rule(usdc, TRANSFER, 2, 2, clauses, charge);
        p.rules[2] = Build.rule(usdc, TRANSFER, 2, 3, Build.clause(0, EQUAL, people[0]), charge);
        clauses = abi.encodePacked(
            Build.clause(0, NOT_EQUAL, people[4]), Build.clause(1, AT_MOST, 20), Build.clause(1, CAP, 30)
        );
        p.rules[3] = Build.rule(usdc, TRANSFER, 2, 2, clauses, charge);
        put(p);
        agree(executing(pay(0, 10)), 0);
        agree(executing(pay(0, 20)), 0);
        agree(executing(pay(1, 20)), 0);
        bytes4 failed = IPolicyModule.ClauseFailed.selector;
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        (calls[0], calls[1]) = (pay(0, 1)[0], pay(4, 21)[0]);
        IPolicyLens.Finding[] memory all = agree(executing(calls), 5);
        found(all[0], 1, 3, abi.encodeWithSelector(failed, 1, 3, 0, people[4]));
        found(all[1], 1, 3, abi.encodeWithSelector(failed, 1, 3, 1, 21));
        found(all[2], 1, 2, err(IPolicyModule.BadCalldata.selector, 1));
        found(all[3], 1, 1, abi.encodeWithSelector(failed, 1, 1, 0, people[4]));
        found(all[4], 1, 1, abi.encodeWithSelector(failed, 1, 1, 1, 21));
        all = agree(executing(pay(0, 21)), 3);
        found(all[0], 0, 3, abi.encodeWithSelector(failed, 0, 3, 1, 21));
        found(all[1], 0, 2, err(IPolicyModule.BadCalldata.selector, 0));
        found(all[2], 0, 1, abi.encodeWithSelector(failed, 0, 1, 1, 21));
    }

    /// A cap counts over the calls of its rule, to the base unit; once it is broken nothing is left of it.
    function test_caps_to_the_unit() public {
        Build.Policy memory p = payroll();
        bytes memory clauses = abi.encodePacked(Build.clause(1, AT_MOST, 90), Build.clause(1, CAP, 100));
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, clauses, Build.charge(0, 0, 1)));
        put(p);
        agree(executing(payTwice(60, 40)), 0);
        bytes4 over = IPolicyModule.OverCap.selector;
        found(agree(executing(payTwice(60, 41)), 1)[0], 1, 0, abi.encodeWithSelector(over, 1, 0, 1, 41, 40));
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](4);
        (calls[0], calls[1], calls[2], calls[3]) = (pay(0, 60)[0], pay(0, 90)[0], pay(0, 0)[0], pay(0, 1)[0]);
        IPolicyLens.Finding[] memory all = agree(executing(calls), 2);
        found(all[0], 1, 0, abi.encodeWithSelector(over, 1, 0, 1, 90, 40));
        found(all[1], 3, 0, abi.encodeWithSelector(over, 3, 0, 1, 1, 0));
    }

    /// A cap on the second column of an array, and a charge by its first; several findings of one call.
    function test_caps_and_charges_of_columns() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        bytes memory clauses = abi.encodePacked(Build.clause(0, 0, CAP, 50), Build.clause(0, 1, CAP, 70 * UNIT));
        p.rules = one(
            Build.rule(address(sink), TRANSFER, 0, 1, clauses, Build.charge(0, 0, 0, 1)).dynamic(Build.array(0, 2))
        );
        put(p);
        bytes memory data = abi.encodePacked(TRANSFER, abi.encode(32, 2, 20, 30 * UNIT, 30, 40 * UNIT));
        (IPolicyLens.Finding[] memory none, IPolicyLens.Headroom[] memory budgets) =
            lens.check(module, executing(calling(address(sink), 0, data)));
        equal(none.length, 0, "fits");
        equal(budgets[0].charged, 70, "charged");
        agree(executing(calling(address(sink), 0, data)), 0);
        data = abi.encodePacked(TRANSFER, abi.encode(32, 2, 21, 30 * UNIT, 30, 41 * UNIT));
        IPolicyLens.Finding[] memory all = agree(executing(calling(address(sink), 7, data)), 3);
        bytes4 over = IPolicyModule.OverCap.selector;
        found(all[0], 0, 0, abi.encodeWithSelector(over, 0, 0, 0, 51, 50));
        found(all[1], 0, 0, abi.encodeWithSelector(over, 0, 0, 1, 71 * UNIT, 70 * UNIT));
        found(all[2], 0, 0, err(IPolicyModule.ValueNotCharged.selector, 0));
    }

    /// Ether is charged where a charge says so, whichever of several that is.
    function test_value_charged_by_any_charge() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.budgets = two(
            Build.budget(0, address(0), 0, PERIOD, 100, 200, "ether"),
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day")
        );
        p.rules = two(
            Build.rule(
                address(sink), 0x00000001, 0, 1, "", abi.encodePacked(Build.charge(0, 1, 0), Build.charge(1, 0, 0))
            ),
            Build.rule(address(sink), 0x00000002, 0, 1, "", Build.charge(1, 0, 0))
        );
        put(p);
        bytes memory first = abi.encodeWithSelector(bytes4(0x00000001), 1);
        bytes memory second = abi.encodeWithSelector(bytes4(0x00000002), 1);
        agree(executing(calling(address(sink), 100, first)), 0);
        agree(executing(calling(address(sink), 101, first)), 1);
        agree(scheduling(calling(address(sink), 200, first)), 0);
        agree(scheduling(calling(address(sink), 201, first)), 1);
        agree(executing(calling(address(sink), 0, second)), 0);
        found(
            agree(executing(calling(address(sink), 1, second)), 1)[0],
            0,
            1,
            err(IPolicyModule.ValueNotCharged.selector, 0)
        );
    }

    // ---------------------------------------------------------------- budgets

    function test_budget_to_the_unit() public {
        bytes32 ring = key();
        uint256 most = uint256(INSTANT) * UNIT;
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        agree(executing(pay(0, most)), 0);
        bytes4 instant = IPolicyModule.OverInstant.selector;
        bytes4 over = IPolicyModule.OverBudget.selector;
        bytes memory reason = abi.encodeWithSelector(instant, ring, INSTANT + 1, INSTANT);
        found(agree(executing(pay(0, most + 1)), 1)[0], NOWHERE, NOWHERE, reason);
        agree(scheduling(pay(0, most + 1)), 0);
        execute(payTwice(most - UNIT, 1));
        equal(module.spent(ring, SEGMENT), INSTANT, "all of it, by a part of a unit");
        reason = abi.encodeWithSelector(instant, ring, 1, 0);
        found(agree(executing(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, reason);
        most = uint256(LIMIT - INSTANT) * UNIT;
        agree(scheduling(pay(0, most)), 0);
        reason = abi.encodeWithSelector(over, ring, LIMIT - INSTANT + 1, LIMIT - INSTANT);
        found(agree(scheduling(pay(0, most + 1)), 1)[0], NOWHERE, NOWHERE, reason);
        found(agree(executing(pay(0, most + 1)), 1)[0], NOWHERE, NOWHERE, reason);
        agree(scheduling(pay(0, 0)), 0); // nothing is charged
        // Limits below what is spent: nothing is left, and a call that charges nothing is not asked.
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, 1, 2, "day"));
        put(p);
        reason = abi.encodeWithSelector(over, ring, 1, 0);
        found(agree(executing(pay(0, 1)), 1)[0], NOWHERE, NOWHERE, reason);
        agree(executing(pay(0, 0)), 0);
        IPolicyLens.Headroom[] memory budgets = lens.headroom(module, ID);
        equal(budgets.length, 1, "budgets");
        require(budgets[0].key == ring, "key");
        equal(budgets[0].unit, UNIT, "unit");
        equal(budgets[0].left + budgets[0].instantLeft + budgets[0].charged, 0, "nothing left");
    }

    /// Sums that do not fit 256 bits stay above every limit.
    function test_budget_that_saturates() public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        IPolicyModule.Call[] memory calls = payTwice(type(uint256).max, 2);
        IPolicyLens.Finding[] memory all = agree(executing(calls), 1);
        bytes4 over = IPolicyModule.OverBudget.selector;
        found(all[0], NOWHERE, NOWHERE, abi.encodeWithSelector(over, key(), units(type(uint256).max), LIMIT));
    }

    /// A ring knows no time before its last charge, and takes any of the same segment. No chain goes back in time.
    function test_budget_before_its_last_charge() public {
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        put(p);
        uint256 begins = (T0 / SEGMENT + 2) * SEGMENT;
        vm.warp(begins);
        execute(pay(0, UNIT));
        vm.warp(begins + SEGMENT - 1);
        agree(executing(pay(0, 1)), 0);
        equal(lens.headroom(module, ID)[0].left, LIMIT - 1, "left");
        vm.warp(begins + 7 * uint256(SEGMENT));
        equal(lens.headroom(module, ID)[0].left, LIMIT - 1, "left to the last");
        vm.warp(begins + 8 * uint256(SEGMENT));
        equal(lens.headroom(module, ID)[0].left, LIMIT, "all of it again");
        vm.warp(begins - 1);
        IPolicyLens.Act memory act = executing(pay(0, 1));
        IPolicyLens.Finding[] memory all = agree(act, 2);
        found(all[0], NOWHERE, NOWHERE, err(IPolicyModule.Cooling.selector, begins));
        found(all[1], NOWHERE, NOWHERE, err(IPolicyModule.BadTime.selector));
        agree(executing(pay(0, 0)), 1); // a call that charges nothing does not ask it
        equal(lens.headroom(module, ID)[0].left, 0, "nothing is left");
        equal(lens.headroom(module, ID)[0].instantLeft, 0, "nor at once");
    }

    /// A ring of the shortest period goes to the last second that 32 bits number.
    function test_budget_up_to_the_last_segment() public {
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, usdc, EXPONENT, 7, INSTANT, LIMIT, "day"));
        put(p);
        vm.warp(type(uint32).max);
        equal(lens.headroom(module, ID)[0].left, LIMIT, "the last second");
        vm.warp(uint256(type(uint32).max) + 1);
        equal(lens.headroom(module, ID)[0].left, 0, "none after");
    }

    // ---------------------------------------------------------------- many findings

    /// However many: none is lost when the list grows, twice, and all are in order.
    function test_as_many_findings_as_calls() public {
        for (uint256 count = 6; count < 36; count += count < 20 ? 1 : 6) {
            IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](count);
            for (uint256 i; i < count; ++i) {
                calls[i] = IPolicyModule.Call(address(uint160(0x9900 + i)), 0, abi.encodeWithSelector(TRANSFER));
            }
            IPolicyLens.Finding[] memory all = agree(executing(calls), count);
            for (uint256 i; i < count; ++i) {
                bytes4 none = IPolicyModule.NoRule.selector;
                found(all[i], i, NOWHERE, abi.encodeWithSelector(none, i, address(uint160(0x9900 + i)), TRANSFER));
            }
        }
    }

    // ---------------------------------------------------------------- reading

    function test_policy_of_several_lengths() public {
        for (uint256 i; i < 4; ++i) {
            Build.Policy memory p = payroll();
            bytes memory clauses;
            for (uint256 j; j < i; ++j) {
                clauses = abi.encodePacked(clauses, Build.clause(1, NOT_EQUAL, 1e30 + j));
            }
            p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, clauses, Build.charge(0, 0, 1)));
            put(p);
            (bytes memory code_, bytes32 codehash_) = lens.policy(module, ID);
            require(keccak256(code_) == keccak256(code) && codehash_ == codehash, "as it was set");
        }
    }
}
