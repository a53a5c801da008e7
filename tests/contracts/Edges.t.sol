// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {ITreasury} from "../../contracts/src/ITreasury.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {GreedyAgent, Sink} from "./support/Targets.sol";

interface IRecord {
    function expectCall(address callee, bytes calldata data, uint64 count) external;
    function record() external;
    function accesses(address target) external returns (bytes32[] memory reads, bytes32[] memory writes);
}

/// @notice A token of which a holder can lose several amounts in one call.
contract Losing {
    mapping(address => uint256) public balanceOf;

    function give(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function lose(uint256[] calldata amounts) external {
        for (uint256 i; i < amounts.length; ++i) {
            balanceOf[msg.sender] -= amounts[i];
        }
    }
}

/// @notice Answers every call with a revert that is longer than a word.
contract Refusing {
    fallback() external {
        revert("this contract has no clock and says so at length");
    }
}

/// @notice The module at its edges, exactly: the second in which something begins or is over, the last unit, each part of
/// a condition by itself, and each value of an error where no two are equal. Fuzzed tests reach these by luck; mutation
/// (docs/assurance.md) shows which of them nothing else reaches.
contract EdgesTest is Base {
    using Build for Build.Policy;

    event GuardianSet(address guardian);

    // ---------------------------------------------------------------- construction

    function test_constructor_takes_no_zero_address_but_the_guardian() public {
        for (uint256 i; i < 4; ++i) {
            address[4] memory given = [owner, governor, treasury, votes];
            given[i] = address(0);
            (bool done,) = address(this).call(abi.encodeCall(this.deploy, (given, guardian)));
            require(!done, "took a zero address");
        }
        vm.expectEmit(true, true, true, true, vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        emit GuardianSet(address(0));
        require(this.deploy([owner, governor, treasury, votes], address(0)).guardian() == address(0), "no guardian");
        require(this.deploy([address(1), address(1), address(1), votes], address(1)).owner() == address(1), "one");
    }

    function deploy(address[4] memory given, address guardian_) external returns (IPolicyModule) {
        bytes memory arguments = abi.encode(given[0], given[1], given[2], given[3], guardian_);
        return IPolicyModule(vm.deployCode("PolicyModule.sol:PolicyModule", arguments));
    }

    /// A votes token that has no clock counts blocks, however it says so: by a revert, or by no answer.
    function test_constructor_counts_blocks_for_a_token_without_clock() public {
        address token = address(new Refusing());
        answerPastVotes(token);
        require(blocks(this.deploy([owner, governor, treasury, token], guardian)), "a revert with data");
        vm.etch(token, hex"00");
        require(blocks(this.deploy([owner, governor, treasury, token], guardian)), "no answer");
        vm.etch(token, hex"5f5ffd");
        require(blocks(this.deploy([owner, governor, treasury, token], guardian)), "a revert without data");
        vm.etch(token, hex"601f5ff3");
        require(blocks(this.deploy([owner, governor, treasury, token], guardian)), "a byte less than a word");
    }

    function blocks(IPolicyModule made) private view returns (bool) {
        return keccak256(bytes(made.CLOCK_MODE())) == keccak256("mode=blocknumber&from=default");
    }

    // ---------------------------------------------------------------- seconds

    function test_execute_from_the_first_second_to_the_last() public {
        Build.Policy memory p = payroll();
        p.start = uint40(T0 + 100);
        p.end = uint40(T0 + 2 hours);
        put(p);
        vm.warp(T0 + 99);
        refuseExecute(pay(0, 1), err(IPolicyModule.NotStarted.selector, T0 + 100));
        vm.warp(T0 + 100);
        execute(pay(0, 1));
        vm.warp(T0 + 100 + COOLDOWN - 1);
        refuseExecute(pay(0, 1), err(IPolicyModule.Cooling.selector, T0 + 100 + COOLDOWN));
        vm.warp(T0 + 100 + COOLDOWN);
        execute(pay(0, 1));
        vm.warp(T0 + 2 hours - 1);
        execute(pay(0, 1));
        vm.warp(T0 + 2 hours);
        refuseExecute(pay(0, 1), err(IPolicyModule.Ended.selector, T0 + 2 hours));
    }

    function test_release_from_the_first_second_to_the_last() public {
        bytes32 first = schedule(pay(0, 1));
        uint256 due = block.timestamp + DELAY;
        pass(COOLDOWN);
        bytes32 second = schedule(pay(0, 2));
        vm.warp(due - 1);
        refuseRelease(first, pay(0, 1), err(IPolicyModule.NotYet.selector, due));
        vm.warp(due);
        release(first, pay(0, 1));
        uint256 over = due + COOLDOWN + WINDOW;
        vm.warp(over - 1);
        require(isLive(second), "live to the last second");
        vm.warp(over);
        require(!isLive(second), "over");
        refuseRelease(second, pay(0, 2), err(IPolicyModule.Expired.selector, over));
        vm.prank(ada);
        vm.expectRevert(err(IPolicyModule.Expired.selector, over));
        module.object(ID, list(second));
        vm.warp(over - 1);
        release(second, pay(0, 2));
    }

    function test_object_in_the_last_second() public {
        bytes32 actId = schedule(pay(0, 1));
        pass(DELAY + WINDOW - 1);
        objectAs(ada, actId);
        require(isOver(actId), "killed");
    }

    function test_schedule_after_the_quiet_time_to_the_second() public {
        bytes32 actId = schedule(pay(0, 1));
        pass(COOLDOWN);
        objectAs(ada, actId);
        uint256 until = block.timestamp + DELAY;
        vm.warp(until - 1);
        refuseSchedule(pay(0, 1), err(IPolicyModule.Quiet.selector, until));
        vm.warp(until);
        schedule(pay(0, 1));
    }

    /// The act in the second place is the first to expire, because the first place was used again.
    function test_schedule_says_when_the_first_place_is_free() public {
        bytes32 first = schedule(pay(0, 1));
        pass(COOLDOWN);
        uint256 free = block.timestamp + DELAY + WINDOW;
        for (uint256 i; i < 3; ++i) {
            schedule(pay(0, 1));
            pass(COOLDOWN);
        }
        vm.prank(guardian);
        module.veto(ID, first);
        schedule(pay(0, 1));
        pass(COOLDOWN);
        refuseSchedule(pay(0, 1), err(IPolicyModule.TooManyPending.selector, free));
        vm.warp(free - 1);
        refuseSchedule(pay(0, 1), err(IPolicyModule.TooManyPending.selector, free));
        vm.warp(free);
        schedule(pay(0, 1));
    }

    function test_schedule_up_to_the_last_second_of_32_bits() public {
        Build.Policy memory p = payroll();
        p.objectionDelay = 1;
        p.releaseWindow = uint32(type(uint32).max - block.timestamp - 1);
        put(p);
        schedule(pay(0, 1));
        equal(module.pendingActs(ID)[0].expiresAt, type(uint32).max, "expires");
        pass(COOLDOWN);
        refuseSchedule(pay(0, 1), err(IPolicyModule.BadTime.selector));
    }

    /// Nothing can be announced under a policy without a delay, nor under one without a window.
    function test_schedule_needs_both_a_delay_and_a_window() public {
        for (uint256 i; i < 3; ++i) {
            Build.Policy memory p = payroll();
            p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, LIMIT, LIMIT, "day"));
            p.objectionDelay = i == 0 ? DELAY : 0;
            p.releaseWindow = i == 1 ? WINDOW : 0;
            put(p);
            refuseSchedule(pay(0, 1), err(IPolicyModule.NotSchedulable.selector));
            execute(pay(0, 1));
            pass(COOLDOWN);
        }
    }

    function test_petition_up_to_the_last_second() public {
        vm.prank(ben);
        module.petition(ID);
        pass(7 days - 1);
        vm.prank(ben);
        vm.expectRevert(IPolicyModule.AlreadySigned.selector);
        module.petition(ID);
        pass(1);
        vm.prank(ben);
        module.petition(ID);
        equal(module.petitionOf(ID).serial, 2, "another petition");
        vm.warp(T0 + 365 days - 1);
        vm.prank(ben);
        module.petition(ID);
        vm.warp(T0 + 365 days);
        vm.prank(chloe);
        vm.expectRevert(err(IPolicyModule.Ended.selector, T0 + 365 days));
        module.petition(ID);
    }

    // ---------------------------------------------------------------- what an act may do

    /// Call, rule and clause are three numbers, and none is another's.
    function test_cap_error_says_which_call_rule_and_clause() public {
        Build.Policy memory p = payroll();
        Build.Rule memory first = Build.rule(
            usdc, TRANSFER, 2, 2, abi.encodePacked(Build.clause(1, AT_MOST, 1)), Build.charge(0, 0, 1)
        );
        bytes memory clauses = abi.encodePacked(
            Build.clause(0, IN_LIST, 0), Build.clause(1, AT_MOST, MOST), Build.clause(1, CAP, 100)
        );
        p.rules = two(first, Build.rule(usdc, TRANSFER, 2, 2, clauses, Build.charge(0, 0, 1)));
        put(p);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](4);
        for (uint256 i; i < 4; ++i) {
            calls[i] = pay(i, 30)[0];
        }
        refuseExecute(calls, abi.encodeWithSelector(IPolicyModule.OverCap.selector, 3, 1, 2, 30, 10));
    }

    /// A policy measures if any of its budgets is measured, wherever in the list it stands.
    function test_measured_wherever_the_measured_budget_stands() public {
        bytes memory measured = Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "measured");
        for (uint8 i; i < 2; ++i) {
            // Budgets are in the order of their bytes: the exponent decides which is first.
            uint8 exponent = i == 0 ? EXPONENT + 1 : EXPONENT - 1;
            bytes memory plain = Build.budget(0, usdc, exponent, PERIOD, INSTANT, LIMIT, "plain");
            Build.Policy memory p = payroll();
            p.budgets = i == 0 ? two(measured, plain) : two(plain, measured);
            // Charges only the plain budget: what the other is charged is measured.
            p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(1 - i, 0, 1)));
            put(p);
            execute(pay(0, 100 * UNIT));
            bytes32 ring = keccak256(abi.encode(0, ID, usdc, EXPONENT, SEGMENT, bytes32("measured")));
            equal(module.spent(ring, SEGMENT), 100 * (uint256(i) + 1), "measured");
            ring = keccak256(abi.encode(0, ID, usdc, exponent, SEGMENT, bytes32("plain")));
            equal(module.spent(ring, SEGMENT), i == 0 ? 10 : 1000, "plain");
            pass(COOLDOWN);
        }
    }

    /// An act writes its policy's state and the ring it charges, and nothing else.
    function test_execute_writes_two_words() public {
        Sink sink = new Sink();
        bytes4 selector = 0xffffffff; // as a budget it would be measured, in units of 10^255
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.rules = one(
            Build.dynamic(
                Build.rule(address(sink), selector, 0, 1, "", Build.charge(0, 0, 0, 0)), Build.array(0, 1)
            )
        );
        put(p);
        uint256[] memory amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (3 * UNIT, 4 * UNIT);
        IRecord(address(vm)).record();
        execute(calling(address(sink), 0, abi.encodeWithSelector(selector, amounts)));
        (, bytes32[] memory writes) = IRecord(address(vm)).accesses(address(module));
        equal(writes.length, 2, "words written");
        equal(module.spent(key(), SEGMENT), 7, "spent");
    }

    /// What lies behind a rule's last clause is no clause, even where it looks like a cap.
    function test_cap_only_where_there_is_a_clause() public {
        Sink sink = new Sink();
        bytes4 selector = 0x12345678;
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        // The charge of word 6 would be a cap (kind 6) on word 0.
        p.rules = one(Build.rule(address(sink), selector, 0, 7, Build.clause(1, CAP, 100), Build.charge(0, 0, CAP)));
        put(p);
        uint256 most = type(uint256).max;
        execute(calling(address(sink), 0, abi.encodeWithSelector(selector, most, 100, most, most, most, most, 5)));
        equal(module.spent(key(), SEGMENT), 1, "spent");
    }

    /// A budget that an act does not touch is not asked, even one that would say no: its limit has been lowered below what
    /// is spent.
    function test_measured_budget_that_is_not_touched_is_not_asked() public {
        Build.Policy memory p = payroll();
        bytes memory day = Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        bytes memory other = Build.measured(0, votes, EXPONENT, PERIOD, 100, 100, "votes");
        bool first = uint160(votes) < uint160(usdc);
        p.budgets = first ? two(other, day) : two(day, other);
        bytes memory both = abi.encodePacked(Build.charge(0, 0, 1), Build.charge(1, 0, 1));
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", both));
        put(p);
        execute(pay(0, 100 * UNIT));
        pass(COOLDOWN);
        other = Build.measured(0, votes, EXPONENT, PERIOD, 1, 1, "votes");
        p.budgets = first ? two(other, day) : two(day, other);
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(first ? 1 : 0, 0, 1)));
        put(p);
        bytes32 untouched = keccak256(abi.encode(0, ID, votes, EXPONENT, SEGMENT, bytes32("votes")));
        execute(pay(0, 100 * UNIT));
        equal(module.spent(key(), SEGMENT), 200, "spent");
        equal(module.spent(untouched, SEGMENT), 100, "not touched");
    }

    /// Less than a word is not true, whatever lies behind it.
    function test_true_is_a_whole_word() public {
        bytes memory exec = abi.encodePacked(ITreasury.execTransactionFromModuleReturnData.selector); // of whatever
        for (uint256 length = 1; length < 32; ++length) {
            vm.mockCall(treasury, exec, abi.encode(true, 64, length, 1));
            refuseExecute(pay(0, 1), err(IPolicyModule.NotTrue.selector, 0));
        }
        vm.mockCall(treasury, exec, abi.encode(true, 64, 32, 1));
        execute(pay(0, 1));
    }

    /// Units so many that with what is spent they wrap round are more than any limit.
    function test_charge_that_wraps_round_is_over_the_budget() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, usdc, 0, PERIOD, INSTANT, LIMIT, "day"));
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(address(sink), TRANSFER, 0, 1, "", Build.charge(0, 0, 0)));
        put(p);
        execute(calling(address(sink), 0, abi.encodeWithSelector(TRANSFER, 2)));
        pass(COOLDOWN);
        bytes32 ring = keccak256(abi.encode(0, ID, usdc, 0, SEGMENT, bytes32("day")));
        for (uint256 i; i < 3; ++i) {
            uint256 amount = type(uint256).max - i;
            refuseExecute(
                calling(address(sink), 0, abi.encodeWithSelector(TRANSFER, amount)),
                abi.encodeWithSelector(IPolicyModule.OverBudget.selector, ring, amount, LIMIT - 2)
            );
        }
    }

    /// As many calls leave as there are, under a policy that measures and under one that does not.
    function test_execute_makes_as_many_calls_as_it_has() public {
        bytes memory any = abi.encodePacked(ITreasury.execTransactionFromModuleReturnData.selector);
        IRecord(address(vm)).expectCall(treasury, any, 4);
        for (uint256 i; i < 2; ++i) {
            Build.Policy memory p = payroll();
            if (i == 1) p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
            put(p);
            execute(payTwice(1, 2));
            pass(COOLDOWN);
        }
    }

    /// What a call charges by an array and what the balance falls are the same loss, once.
    function test_measured_fall_of_a_charged_array_counts_once() public {
        Losing token = new Losing();
        token.give(treasury, 1e9);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.measured(0, address(token), EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        p.lists = new bytes[](0);
        Build.Rule memory rule =
            Build.rule(address(token), Losing.lose.selector, 0, 1, "", Build.charge(0, 0, 0, 0));
        p.rules = one(Build.dynamic(rule, Build.array(0, 1)));
        put(p);
        uint256[] memory amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (3 * UNIT, 4 * UNIT);
        execute(calling(address(token), 0, abi.encodeCall(Losing.lose, (amounts))));
        bytes32 ring = keccak256(abi.encode(0, ID, token, EXPONENT, SEGMENT, bytes32("day")));
        equal(module.spent(ring, SEGMENT), 7, "spent");
    }

    /// While an act is under way no other begins, of no kind: an agent that is paid can't announce, execute or release.
    function test_lock_holds_for_every_kind_of_act() public {
        GreedyAgent greedy = new GreedyAgent();
        agent = address(greedy);
        Build.Policy memory p = payroll();
        p.agent = agent;
        p.cooldown = 0;
        p.budgets = one(Build.budget(0, address(0), 11, PERIOD, 1e7, 2e7, "eth"));
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(agent, bytes4(0), 1, 0, "", Build.charge(0, 1, 0)));
        put(p);
        IPolicyModule.Call[] memory calls = calling(agent, 1, "");
        bytes32 pending = schedule(calling(agent, 0, ""));
        pass(DELAY);
        bytes[3] memory tries = [
            abi.encodeCall(IPolicyModule.execute, (ID, codehash, calls, 3, DECISION)),
            abi.encodeCall(IPolicyModule.schedule, (ID, codehash, calls, 4, DECISION)),
            abi.encodeCall(IPolicyModule.release, (ID, 1, calling(agent, 0, ""), DECISION))
        ];
        for (uint256 i; i < 3; ++i) {
            greedy.aim(address(module), tries[i]);
            execute(calls);
            equal(greedy.tries(), i + 1, "tried");
            require(keccak256(greedy.answer()) == keccak256(err(IPolicyModule.Locked.selector)), "locked");
        }
        require(isLive(pending), "still pending");
    }

    /// Every kind of clause on a number below, at and above its operand: on a word of a call without dynamic arguments, on
    /// a word beside one, and on an array's element.
    function test_every_clause_below_at_and_above() public {
        Sink sink = new Sink();
        bytes4 selector = 0x12345678;
        for (uint8 kind = EQUAL; kind <= IN_LIST; ++kind) {
            for (uint256 form; form < 3; ++form) {
                Build.Policy memory p = payroll();
                p.budgets = new bytes[](0);
                uint256[] memory ten = new uint256[](1);
                ten[0] = 10;
                p.lists = one(Build.list(ten));
                bytes memory clause = Build.clause(form == 2 ? 1 : 0, kind, kind == IN_LIST ? 0 : 10);
                Build.Rule memory rule = Build.rule(address(sink), selector, 0, form == 0 ? 1 : 2, clause, "");
                if (form != 0) rule = Build.dynamic(rule, Build.array(1, 1));
                p.rules = one(rule);
                p.cooldown = 0;
                put(p);
                for (uint256 value = 9; value <= 11; ++value) {
                    ten[0] = value;
                    bytes memory data = form == 0
                        ? abi.encodeWithSelector(selector, value)
                        : abi.encodeWithSelector(selector, form == 1 ? value : 0, ten);
                    bool holds = (kind == EQUAL || kind == IN_LIST) && value == 10 || kind == NOT_EQUAL && value != 10
                        || kind == AT_MOST && value <= 10 || kind == AT_LEAST && value >= 10;
                    if (holds) {
                        execute(calling(address(sink), 0, data));
                    } else {
                        refuseExecute(
                            calling(address(sink), 0, data),
                            abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, 0, value)
                        );
                    }
                }
            }
        }
    }

    /// Budgets are the policy's, the agent's or the DAO's: there is no fourth scope.
    function test_setPolicy_knows_three_scopes() public {
        for (uint8 scope; scope < 5; ++scope) {
            Build.Policy memory p = payroll();
            p.budgets = one(Build.budget(scope, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
            if (scope < 3) put(p);
            else refusePolicy(p, 100, "unknown scope");
        }
    }

    /// A tail that is wrong is wrong, even where the next one's offset points in front of the arguments, so that it would
    /// end with the data.
    function test_form_that_goes_on_in_front_of_the_data() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.lists = new bytes[](0);
        Build.Rule memory rule = Build.rule(address(sink), bytes4(0), 0, 3, "", "");
        p.rules = one(Build.dynamic(rule, abi.encodePacked(Build.array(1, 1), Build.array(2, 1))));
        put(p);
        // Read from byte 0, the selector and the first word say three elements, which are all of the 128 bytes.
        bytes memory data = abi.encodePacked(bytes4(0), uint256(3) << 32, uint256(96), type(uint256).max - 3, new bytes(28));
        refuseExecute(calling(address(sink), 0, data), err(IPolicyModule.BadCalldata.selector, 0));
    }
}
