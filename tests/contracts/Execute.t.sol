// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

contract ExecuteTest is Base {
    using Build for Build.Policy;

    event ActExecuted(
        bytes32 indexed policyId, address indexed agent, bytes32 indexed decision, uint24 number
    );

    function test_execute_pays(uint256 who, uint256 amount) public {
        amount = bound(amount, 0, MOST);
        vm.expectEmit(true, true, true, true, address(module));
        emit ActExecuted(ID, agent, DECISION, 1);
        execute(pay(who, amount));
        equal(IERC20(usdc).balanceOf(address(uint160(people[who % 5]))), amount, "balance");
        equal(module.spent(key(), SEGMENT), units(amount), "spent");
        (,, uint24 number, uint32 lastAct,) = module.policyState(ID);
        equal(number, 1, "number");
        equal(lastAct, block.timestamp, "last act");
    }

    function test_execute_pays_a_batch(uint256 first, uint256 second) public {
        first = bound(first, 0, 3000 * USDC);
        second = bound(second, 0, 3000 * USDC);
        execute(payTwice(first, second));
        equal(module.spent(key(), SEGMENT), units(first + second), "rounded up once");
    }

    function test_execute_revert_NoPolicy(bytes32 other) public {
        vm.assume(other != ID);
        vm.prank(agent);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        module.execute(other, codehash, pay(0, 1), 1, DECISION);
    }

    function test_execute_revert_StalePolicy(bytes32 other) public {
        vm.assume(other != codehash);
        vm.prank(agent);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.StalePolicy.selector, codehash));
        module.execute(ID, other, pay(0, 1), 1, DECISION);
    }

    function test_execute_revert_NotAgent(address who) public {
        vm.assume(who != agent);
        vm.prank(who);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.NotAgent.selector, agent));
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
    }

    function test_execute_revert_WrongNumber(uint24 number) public {
        execute(pay(0, 1));
        pass(COOLDOWN);
        vm.assume(number != 2);
        vm.prank(agent);
        vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 2));
        module.execute(ID, codehash, pay(0, 1), number, DECISION);
    }

    function test_execute_revert_NoDecision() public {
        vm.prank(agent);
        vm.expectRevert(IPolicyModule.NoDecision.selector);
        module.execute(ID, codehash, pay(0, 1), 1, 0);
    }

    function test_execute_revert_NotStarted(uint256 early) public {
        early = bound(early, 1, 1000);
        Build.Policy memory p = payroll();
        p.start = uint40(block.timestamp + early);
        put(p);
        refuseExecute(pay(0, 1), err(IPolicyModule.NotStarted.selector, p.start));
        pass(early);
        execute(pay(0, 1));
    }

    function test_execute_revert_Ended(uint256 late) public {
        uint256 end = T0 + 365 days;
        vm.warp(end - 1);
        execute(pay(0, 1));
        vm.warp(end + bound(late, 0, 1e9));
        refuseExecute(pay(0, 1), err(IPolicyModule.Ended.selector, end));
    }

    function test_execute_revert_Cooling(uint256 wait) public {
        execute(pay(0, 1));
        uint256 until = block.timestamp + COOLDOWN;
        pass(bound(wait, 0, COOLDOWN - 1));
        refuseExecute(pay(0, 1), err(IPolicyModule.Cooling.selector, until));
        vm.warp(until);
        execute(pay(0, 1));
    }

    function test_execute_revert_IsPaused() public {
        vm.prank(guardian);
        module.pause();
        refuseExecute(pay(0, 1), err(IPolicyModule.IsPaused.selector));
    }

    function test_execute_revert_NoCalls() public {
        refuseExecute(new IPolicyModule.Call[](0), err(IPolicyModule.NoCalls.selector));
    }

    function test_execute_revert_NoRule_target(address target) public {
        vm.assume(target != usdc);
        bytes memory data = abi.encodeWithSelector(TRANSFER, address(uint160(people[0])), 1);
        refuseExecute(
            calling(target, 0, data), abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, target, TRANSFER)
        );
    }

    function test_execute_revert_NoRule_selector(bytes4 selector) public {
        vm.assume(selector != TRANSFER);
        bytes memory data = abi.encodeWithSelector(selector, address(uint160(people[0])), 1);
        refuseExecute(
            calling(usdc, 0, data), abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, usdc, selector)
        );
    }

    function test_execute_revert_NoRule_emptyData() public {
        refuseExecute(
            calling(usdc, 0, ""), abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, usdc, bytes4(0))
        );
    }

    /// A policy with a rule for selector 00000000 permits no plain ether, and the other way round.
    function test_execute_revert_NoRule_zeroSelectorIsNotNone() public {
        Build.Policy memory p = payroll();
        address target = address(0x1234); // sorts first
        vm.etch(target, hex"00");
        p.rules = two(Build.rule(target, bytes4(0), 0, 0, "", ""), payRule());
        put(p);
        refuseExecute(
            calling(target, 0, ""), abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, target, bytes4(0))
        );
        execute(calling(target, 0, hex"00000000"));
        p.rules = two(Build.rule(target, bytes4(0), 1, 0, "", ""), payRule());
        put(p);
        pass(COOLDOWN);
        refuseExecute(
            calling(target, 0, hex"00000000"), abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, target, bytes4(0))
        );
        execute(calling(target, 0, ""));
    }

    function test_execute_revert_BadCalldata(uint256 length) public {
        length = bound(length, 1, 200);
        bytes memory data = new bytes(length);
        for (uint256 i; i < 4 && i < length; ++i) {
            data[i] = TRANSFER[i];
        }
        vm.assume(length != 68);
        refuseExecute(calling(usdc, 0, data), err(IPolicyModule.BadCalldata.selector, 0));
    }

    function test_execute_revert_ValueNotCharged(uint256 value) public {
        value = bound(value, 1, 100 ether);
        IPolicyModule.Call[] memory calls = pay(0, 1);
        calls[0].value = value;
        refuseExecute(calls, err(IPolicyModule.ValueNotCharged.selector, 0));
    }

    function test_execute_revert_ClauseFailed_inList(address who) public {
        vm.assume(uint160(who) < 0x1000 || uint160(who) > 0x1004);
        bytes memory data = abi.encodeWithSelector(TRANSFER, who, 1);
        refuseExecute(calling(usdc, 0, data), clauseFailed(0, 0, 0, uint256(uint160(who))));
    }

    function test_execute_revert_ClauseFailed_dirtyAddress(uint96 dirt) public {
        vm.assume(dirt != 0);
        uint256 word = uint256(dirt) << 160 | people[0];
        refuseExecute(calling(usdc, 0, abi.encodeWithSelector(TRANSFER, word, 1)), clauseFailed(0, 0, 0, word));
    }

    function test_execute_revert_ClauseFailed_atMost(uint256 amount) public {
        amount = bound(amount, MOST + 1, type(uint256).max);
        refuseExecute(pay(0, amount), clauseFailed(0, 0, 1, amount));
    }

    function test_execute_every_kind_of_clause(uint256 operand, uint256 argument, uint256 kind) public {
        kind = bound(kind, EQUAL, AT_LEAST);
        if (argument % 4 == 0) argument = operand;
        if (argument % 4 == 1 && operand > 0) argument = operand - 1;
        // Anybody may be paid, and the amount charged is the first word: what is under test is the second.
        Build.Policy memory p = payroll();
        p.rules = one(
            Build.rule(usdc, 0xaabbccdd, 0, 2, Build.clause(1, uint8(kind), operand), Build.charge(0, 0, 0))
        );
        vm.mockCall(usdc, hex"aabbccdd", "");
        put(p);
        bool holds = kind == EQUAL
            ? argument == operand
            : kind == NOT_EQUAL ? argument != operand : kind == AT_MOST ? argument <= operand : argument >= operand;
        IPolicyModule.Call[] memory calls =
            calling(usdc, 0, abi.encodeWithSelector(bytes4(0xaabbccdd), uint256(1), argument));
        if (holds) execute(calls);
        else refuseExecute(calls, clauseFailed(0, 0, 0, argument));
    }

    function test_execute_finds_every_list_item(uint256 size, uint256 seed, uint256 pick) public {
        size = bound(size, 1, 60);
        uint256[] memory words = new uint256[](size);
        uint256 last;
        for (uint256 i; i < size; ++i) {
            last += 2 + uint256(keccak256(abi.encode(seed, i))) % 1000;
            words[i] = last;
        }
        Build.Policy memory p = payroll();
        p.lists = one(Build.list(words));
        put(p);
        uint256 word = words[pick % size];
        execute(calling(usdc, 0, abi.encodeWithSelector(TRANSFER, word, 1)));
        pass(COOLDOWN);
        // One beside an item is not in the list, since items are at least two apart.
        refuseExecute(
            calling(usdc, 0, abi.encodeWithSelector(TRANSFER, word + 1, 1)), clauseFailed(0, 0, 0, word + 1)
        );
    }

    function test_execute_takes_the_first_alternative_that_fits(uint256 amount) public {
        amount = bound(amount, 1, 2000 * USDC);
        // Up to 1,000 for anybody in the list without a charge of the second budget, above that with it.
        Build.Policy memory p = payroll();
        p.budgets = two(
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"),
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "large")
        );
        p.rules = two(
            Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, AT_MOST, 1000 * USDC), Build.charge(0, 0, 1)),
            Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, AT_MOST, 1500 * USDC), Build.charge(1, 0, 1))
        );
        put(p);
        if (amount > 1500 * USDC) {
            refuseExecute(pay(0, amount), clauseFailed(0, 1, 0, amount)); // of the last alternative
            return;
        }
        execute(pay(0, amount));
        bytes32 large = keccak256(abi.encode(0, ID, usdc, EXPONENT, SEGMENT, bytes32("large")));
        equal(module.spent(key(), SEGMENT), amount <= 1000 * USDC ? units(amount) : 0, "day");
        equal(module.spent(large, SEGMENT), amount > 1000 * USDC ? units(amount) : 0, "large");
    }

    function test_execute_revert_OverCap(uint256 first, uint256 second) public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, CAP, MOST), Build.charge(0, 0, 1)));
        put(p);
        first = bound(first, 0, MOST);
        second = bound(second, 0, MOST);
        if (first + second <= MOST) {
            execute(payTwice(first, second));
        } else {
            refuseExecute(
                payTwice(first, second),
                abi.encodeWithSelector(IPolicyModule.OverCap.selector, 1, 0, 0, second, MOST - first)
            );
        }
    }

    function test_execute_revert_OverCap_overflow(uint256 first, uint256 second) public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, CAP, MOST), Build.charge(0, 0, 1)));
        put(p);
        first = bound(first, 1, MOST);
        second = bound(second, type(uint256).max - first + 1, type(uint256).max);
        refuseExecute(
            payTwice(first, second), abi.encodeWithSelector(IPolicyModule.OverCap.selector, 1, 0, 0, second, MOST - first)
        );
    }

    /// The cap is per act, and the policy on chain is not touched by counting.
    function test_execute_cap_is_fresh_for_every_act() public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, CAP, 2000 * USDC), Build.charge(0, 0, 1)));
        put(p);
        for (uint256 i; i < 3; ++i) {
            execute(payTwice(1000 * USDC, 1000 * USDC));
            pass(COOLDOWN);
        }
    }

    function test_execute_revert_OverInstant(uint256 first, uint256 second) public {
        first = bound(first, 2001 * USDC, MOST);
        second = bound(second, 6000 * USDC - first + 1, MOST);
        execute(pay(0, first));
        pass(COOLDOWN);
        uint256 left = INSTANT - units(first);
        if (units(second) > left) {
            refuseExecute(
                pay(1, second), abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), units(second), left)
            );
        }
    }

    function test_execute_revert_OverBudget(uint256 amount) public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        amount = bound(amount, 12_000 * USDC + 1, type(uint256).max);
        refuseExecute(
            pay(0, amount), abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), units(amount), LIMIT)
        );
    }

    /// Two huge amounts must not wrap round into a small one.
    function test_execute_revert_OverBudget_sumSaturates(uint256 first) public {
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, usdc, 0, PERIOD, 1000, 1000, "day"));
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        first = bound(first, 1, type(uint256).max);
        bytes32 k = keccak256(abi.encode(0, ID, usdc, 0, SEGMENT, bytes32("day")));
        refuseExecute(
            payTwice(first, type(uint256).max - first + 1),
            abi.encodeWithSelector(IPolicyModule.OverBudget.selector, k, type(uint256).max, 1000)
        );
    }

    /// After a limit is lowered below what is spent, nothing is left, and nothing underflows.
    function test_execute_revert_OverBudget_loweredLimit() public {
        execute(pay(0, 5000 * USDC));
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, 10, 10, "day"));
        put(p);
        pass(COOLDOWN);
        refuseExecute(pay(0, 1), abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), 1, 0));
    }

    function test_execute_replacing_a_policy_never_refills_its_budget() public {
        execute(pay(0, 5000 * USDC));
        put(payroll());
        pass(COOLDOWN);
        refuseExecute(
            pay(0, 2000 * USDC),
            abi.encodeWithSelector(
                IPolicyModule.OverInstant.selector, key(), units(2000 * USDC), INSTANT - units(5000 * USDC)
            )
        );
    }

    function test_execute_revert_CallFailed() public {
        IERC20 token = IERC20(usdc);
        vm.prank(treasury);
        token.transfer(stranger, 1_000_000 * USDC - 1);
        bytes memory reason =
            abi.encodeWithSignature("ERC20InsufficientBalance(address,uint256,uint256)", treasury, 1, 2);
        refuseExecute(pay(0, 2), abi.encodeWithSelector(IPolicyModule.CallFailed.selector, 0, reason));
    }

    function test_execute_undoes_all_when_one_call_fails() public {
        IERC20 token = IERC20(usdc);
        vm.prank(treasury);
        token.transfer(stranger, 1_000_000 * USDC - 10);
        vm.prank(agent);
        vm.expectRevert();
        module.execute(ID, codehash, payTwice(10, 1), 1, DECISION);
        equal(token.balanceOf(treasury), 10, "nothing moved");
        equal(module.spent(key(), SEGMENT), 0, "nothing charged");
    }

    function test_execute_revert_NotTrue(bytes memory returned) public {
        vm.assume(returned.length != 0);
        vm.assume(returned.length < 32 || bytes32(returned) != bytes32(uint256(1)));
        vm.mockCall(usdc, abi.encodePacked(TRANSFER), returned);
        refuseExecute(pay(0, 1), err(IPolicyModule.NotTrue.selector, 0));
    }

    function test_execute_accepts_a_token_that_returns_nothing() public {
        vm.mockCall(usdc, abi.encodePacked(TRANSFER), "");
        execute(pay(0, 1));
    }

    function test_execute_revert_NotTrue_codeVanished() public {
        vm.etch(usdc, "");
        refuseExecute(pay(0, 1), err(IPolicyModule.NotTrue.selector, 0));
    }

    function test_execute_sends_and_charges_ether(uint256 value) public {
        value = bound(value, 0, 3 ether);
        Build.Policy memory p = payroll();
        // A unit is 10^11 wei.
        p.budgets = one(Build.budget(0, address(0), 11, PERIOD, 1 ether / 1e11, 2 ether / 1e11, "eth"));
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(stranger, bytes4(0), 1, 0, "", Build.charge(0, 1, 0)));
        put(p);
        bytes32 k = keccak256(abi.encode(0, ID, address(0), 11, SEGMENT, bytes32("eth")));
        uint256 needed = (value + 1e11 - 1) / 1e11;
        uint256 limit = 2 ether / 1e11;
        uint256 instant = 1 ether / 1e11;
        if (needed > limit) {
            refuseExecute(
                calling(stranger, value, ""), abi.encodeWithSelector(IPolicyModule.OverBudget.selector, k, needed, limit)
            );
        } else if (needed > instant) {
            refuseExecute(
                calling(stranger, value, ""),
                abi.encodeWithSelector(IPolicyModule.OverInstant.selector, k, needed, instant)
            );
        } else {
            execute(calling(stranger, value, ""));
            equal(stranger.balance, value, "ether");
        }
    }

    /// The agent's ring is shared by its policies, the DAO's by everybody's.
    function test_execute_shares_rings_by_scope() public {
        Build.Policy memory p = payroll();
        p.budgets = two(
            Build.budget(1, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "all"),
            Build.budget(2, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "all")
        );
        p.rules = one(
            Build.rule(
                usdc, TRANSFER, 2, 2, "", abi.encodePacked(Build.charge(0, 0, 1), Build.charge(1, 0, 1))
            )
        );
        put(p);
        execute(pay(0, 4000 * USDC));
        bytes memory same = p.encode();
        vm.prank(owner);
        module.setPolicy("other", same);
        bytes32 hash = codehash;
        bytes32 agents = keccak256(abi.encode(1, agent, usdc, EXPONENT, SEGMENT, bytes32("all")));
        vm.prank(agent);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPolicyModule.OverInstant.selector, agents, units(4000 * USDC), INSTANT - units(4000 * USDC)
            )
        );
        module.execute("other", hash, pay(0, 4000 * USDC), 1, DECISION);
        p.agent = stranger;
        same = p.encode();
        vm.prank(owner);
        module.setPolicy("third", same);
        bytes32 daos = keccak256(abi.encode(2, 0, usdc, EXPONENT, SEGMENT, bytes32("all")));
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPolicyModule.OverInstant.selector, daos, units(4000 * USDC), INSTANT - units(4000 * USDC)
            )
        );
        module.execute("third", keccak256(abi.encodePacked(hex"00", same)), pay(0, 4000 * USDC), 1, DECISION);
    }

    /// A clock that runs backwards, past what was charged, forgets nothing: it stops.
    function test_execute_revert_BadTime(uint256 back) public {
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(2, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "all"));
        put(p);
        vm.warp(block.timestamp / SEGMENT * SEGMENT + 20 * uint256(SEGMENT));
        execute(pay(0, 1));
        bytes memory same = code;
        vm.prank(owner);
        module.setPolicy("other", same);
        bytes32 hash = codehash;
        vm.warp(block.timestamp - bound(back, 1, 10 * uint256(SEGMENT)));
        vm.prank(agent);
        vm.expectRevert(IPolicyModule.BadTime.selector);
        module.execute("other", hash, pay(0, 1), 1, DECISION);
    }

    function clauseFailed(uint256 call, uint256 rule, uint256 clause, uint256 argument)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, call, rule, clause, argument);
    }
}
