// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base, IDelegate} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {AgentContract, GreedyAgent, Market, Sink} from "./support/Targets.sol";
import {BlockingToken, CallingToken, FalseToken, LyingToken, NoReturnToken, Token} from "./support/Tokens.sol";

/// @notice Attempts to take more than was voted, each named for what it tries. Every one must fail.
contract AttacksTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    bytes4 private constant APPROVE = 0x095ea7b3;
    bytes4 private constant F = 0xf0f0f0f0;

    /// The classic of resetting windows: the whole limit just before an edge, and again just after it.
    function test_attack_limit_spent_twice_around_a_segments_edge(uint256 edge, uint256 before, uint256 beyond) public {
        edge = (T0 / SEGMENT + 2 + edge % 20) * SEGMENT;
        vm.warp(edge - 1 - before % 60);
        uint256 first = block.timestamp;
        execute(payTwice(3000 * USDC, 3000 * USDC));
        // To the last second of the period, wherever in its segment the first payment was.
        vm.warp(first + COOLDOWN + beyond % (PERIOD - COOLDOWN));
        refuseExecute(
            pay(0, 1), abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), 1, 0)
        );
        // At most one segment and the rounding later it comes back.
        vm.warp(first + 8 * uint256(SEGMENT));
        execute(payTwice(3000 * USDC, 3000 * USDC));
    }

    /// Below a unit each: without rounding up, nothing would ever be charged.
    function test_attack_dust_below_a_unit(uint256 amount) public {
        amount = bound(amount, 1, UNIT / 2);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, 2, 2, "day"));
        put(p);
        execute(payTwice(amount, amount)); // one unit for both: an act is rounded up once
        pass(COOLDOWN);
        execute(pay(0, amount)); // and another for each further act
        pass(COOLDOWN);
        refuseExecute(pay(0, amount), abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), 1, 0));
    }

    /// Many small instant acts take no more than one large one.
    function test_attack_amount_split_over_instant_acts(uint256 seed) public {
        uint256 taken;
        for (uint256 i; i < 12; ++i) {
            uint256 amount = 300 * USDC + uint256(keccak256(abi.encode(seed, i))) % (700 * USDC);
            uint24 number = nextNumber();
            vm.prank(agent);
            try module.execute(ID, codehash, pay(i, amount), number, DECISION) {
                taken += amount;
            } catch {}
            pass(COOLDOWN);
        }
        require(taken <= 6000 * USDC, "more than at once");
    }

    /// A scheduled act reserves nothing and frees nothing.
    function test_attack_schedule_and_veto_refill_nothing() public {
        execute(pay(0, 5000 * USDC));
        pass(COOLDOWN);
        bytes32 actId = schedule(pay(0, 5000 * USDC));
        vm.prank(guardian);
        module.veto(ID, actId);
        pass(COOLDOWN);
        refuseExecute(
            pay(0, 2000 * USDC),
            abi.encodeWithSelector(
                IPolicyModule.OverInstant.selector, key(), units(2000 * USDC), INSTANT - units(5000 * USDC)
            )
        );
    }

    /// Re-entry through a token: into execute, into another policy, into release.
    function test_attack_reentry_through_a_token(uint256 how) public {
        CallingToken token = new CallingToken();
        AgentContract puppet = new AgentContract();
        agent = address(puppet);
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        p.budgets = one(Build.budget(0, address(token), EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        p.rules = one(Build.rule(address(token), TRANSFER, 0, 2, "", Build.charge(0, 0, 1)));
        put(p);
        bytes memory other = payroll().encode(); // the agent's own policy over real money
        vm.prank(owner);
        module.setPolicy("other", other);

        IPolicyModule.Call[] memory inner = calling(address(token), 0, abi.encodeWithSelector(TRANSFER, stranger, 1));
        bytes32 actId = schedule(inner);
        pass(DELAY);
        bytes memory data = how % 3 == 0
            ? abi.encodeCall(IPolicyModule.execute, (ID, codehash, inner, 3, DECISION))
            : how % 3 == 1
                ? abi.encodeCall(
                    IPolicyModule.execute,
                    ("other", keccak256(abi.encodePacked(hex"00", other)), pay(0, 5000 * USDC), 1, DECISION)
                )
                : abi.encodeCall(IPolicyModule.release, (ID, 1, inner, DECISION));
        token.set(address(puppet), abi.encodeCall(AgentContract.act, (address(module), data)));
        execute(inner);
        require(token.wasCalled() && token.succeeded(), "the agent's contract was called back");
        (bool done, bytes memory answer) = abi.decode(token.answer(), (bool, bytes));
        require(!done && bytes4(answer) == IPolicyModule.Locked.selector, "locked");
        equal(IERC20(usdc).balanceOf(address(uint160(people[0]))), 0, "nothing paid");
        release(actId, inner); // and the lock is gone afterwards
    }

    /// An agent that is a contract may act several times in a transaction; the budget is the same.
    function test_attack_many_acts_in_one_transaction() public {
        AgentContract puppet = new AgentContract();
        agent = address(puppet);
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        put(p);
        bytes32 hash = codehash;
        uint256 done;
        for (uint24 number = 1; number <= 10; ++number) {
            bytes memory data = abi.encodeCall(IPolicyModule.execute, (ID, hash, pay(0, 2000 * USDC), number, DECISION));
            (bool success,) = puppet.act(address(module), data);
            if (success) ++done;
        }
        equal(done, 3, "acts");
    }

    function test_attack_act_number_replayed() public {
        vm.prank(agent);
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
        pass(COOLDOWN);
        vm.prank(agent);
        vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 2));
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
        put(payroll()); // not even under a new version
        vm.prank(agent);
        vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 2));
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
    }

    function test_attack_policy_replaced_between_plan_and_act() public {
        bytes32 planned = codehash;
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        put(p);
        vm.prank(agent);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.StalePolicy.selector, codehash));
        module.execute(ID, planned, pay(0, 1), 1, DECISION);
    }

    /// Policy code is data: calling it does nothing, and nobody can deploy under its pointer again.
    function test_attack_policy_code_is_never_run(bytes calldata data) public {
        (address pointer,,,,) = module.policyState(ID);
        (bool done, bytes memory returned) = pointer.call(data);
        require(done && returned.length == 0 && pointer.code[0] == 0, "STOP");
    }

    /// Four places, and the agent can't keep them all for ever: they expire, and a kill silences it.
    function test_attack_spam_of_scheduled_acts() public {
        bytes32[] memory ids = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            ids[i] = schedule(pay(i, 5000 * USDC));
            pass(COOLDOWN);
        }
        vm.prank(ada);
        module.object(ID, ids); // one transaction stops them all
        uint256 until = block.timestamp + DELAY;
        refuseSchedule(pay(0, 1), err(IPolicyModule.Quiet.selector, until));
    }

    /// A killed act does not count as a place, and the quiet time outlives the place's next use.
    function test_attack_schedule_in_the_quiet_time_through_another_place() public {
        bytes32 first = schedule(pay(0, 1));
        pass(COOLDOWN);
        schedule(pay(0, 2));
        pass(COOLDOWN);
        objectAs(ada, first);
        uint256 until = block.timestamp + DELAY;
        pass(COOLDOWN);
        refuseSchedule(pay(0, 1), err(IPolicyModule.Quiet.selector, until));
    }

    /// The time of release is the time of the charge: a batch of releases fits one window, as a batch of acts does.
    function test_attack_releases_hoarded_for_one_moment() public {
        bytes32[4] memory ids;
        for (uint256 i; i < 4; ++i) {
            ids[i] = schedule(pay(i, 4000 * USDC));
            pass(COOLDOWN);
        }
        pass(DELAY);
        for (uint256 i; i < 3; ++i) {
            release(ids[i], pay(i, 4000 * USDC));
        }
        refuseRelease(
            ids[3], pay(3, 4000 * USDC), abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), units(4000 * USDC), 0)
        );
    }

    /// A second policy of the same name-space can't spend the first one's act, nor the first one's ring.
    function test_attack_policy_ids_do_not_mix(bytes32 other) public {
        vm.assume(other != ID);
        bytes memory same = code;
        vm.prank(owner);
        module.setPolicy(other, same);
        bytes32 hash = codehash;
        execute(pay(0, 5000 * USDC));
        vm.prank(agent);
        module.execute(other, hash, pay(0, 5000 * USDC), 1, DECISION);
        equal(module.spent(key(), SEGMENT), units(5000 * USDC), "its own ring");
    }

    /// The clause on the recipient can't be dodged by a shorter or longer call, nor by an offset.
    function test_attack_trailing_calldata(bytes calldata more) public {
        vm.assume(more.length != 0);
        bytes memory data = abi.encodePacked(pay(0, 1)[0].data, more);
        refuseExecute(calling(usdc, 0, data), err(IPolicyModule.BadCalldata.selector, 0));
    }

    /// Calls encoded so that two of them share their data: each is checked as what it will be called with.
    function test_attack_overlapping_call_data() public {
        // calls = [ {usdc, 0, data at X}, {usdc, 0, data at X} ]: two transfers of 4,000, charged as 8,000.
        bytes memory payload = abi.encodePacked(pay(0, 4000 * USDC)[0].data, new bytes(28));
        bytes memory tuple1 = abi.encode(usdc, uint256(0), uint256(0xc0)); // offset from tuple 1 to X
        bytes memory tuple2 = abi.encode(usdc, uint256(0), uint256(0x60)); // offset from tuple 2 to X
        bytes memory calls = abi.encodePacked(uint256(2), uint256(0x40), uint256(0xa0), tuple1, tuple2, uint256(68), payload);
        bytes memory head = abi.encode(ID, codehash, uint256(0xa0), uint256(1), DECISION);
        vm.prank(agent);
        (bool done, bytes memory reason) =
            address(module).call(abi.encodePacked(IPolicyModule.execute.selector, head, calls));
        require(!done, "refused");
        require(
            keccak256(reason)
                == keccak256(
                    abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), 2 * units(4000 * USDC), INSTANT)
                ),
            "charged twice"
        );
    }

    /// A guardian who went over to the thief can stop, and nothing else.
    function test_attack_guardian_loosens_nothing(uint40 end) public {
        vm.prank(guardian);
        vm.expectRevert(IPolicyModule.NotOwner.selector);
        module.setGuardian(guardian);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.NotAgent.selector, agent));
        module.execute(ID, codehash, pay(0, 1), 1, DECISION);
        end = uint40(bound(end, T0 + 365 days, type(uint40).max));
        vm.prank(guardian);
        vm.expectRevert(err(IPolicyModule.NotShorter.selector, T0 + 365 days));
        module.shorten(ID, end);
    }

    /// The votes token's transfer may be a rule, but can't be used to gain power over one's own acts.
    function test_attack_votes_paid_out_do_not_object_for_the_past() public {
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, votes, 18, PERIOD, 1000, 1000, "votes"));
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(votes, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        bytes32 actId = schedule(calling(votes, 0, abi.encodeWithSelector(TRANSFER, stranger, 1e18)));
        pass(1);
        vm.prank(ada);
        IERC20(votes).transfer(stranger, 300_000e18);
        pass(1);
        vm.prank(stranger);
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = actId;
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.object(ID, ids);
    }

    // ---------------------------------------------------------------- standing effects

    /// Approve in one window, pull in the next ones: an approval does not outlive its act, however it is used in it.
    function test_attack_approve_then_pull_across_windows(uint256 amount, uint256 used, uint256 windows) public {
        Market market = putMarket(true);
        amount = bound(amount, 1, type(uint256).max);
        used = bound(used, 0, amount - 1 < 6000 * USDC ? amount - 1 : 6000 * USDC);
        windows = bound(windows, 1, 4);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        calls[0] = calling(usdc, 0, abi.encodeWithSelector(APPROVE, market, amount))[0];
        calls[1] = trade(market, 0, used, 0)[0];
        for (uint256 i; i < windows; ++i) {
            uint24 number = nextNumber();
            vm.prank(agent);
            vm.expectPartialRevert(IPolicyModule.AllowanceLeft.selector);
            module.execute(ID, codehash, calls, number, DECISION);
            vm.prank(address(market));
            vm.expectRevert();
            Token(usdc).transferFrom(treasury, address(market), 1);
            pass(PERIOD);
        }
        calls[0] = calling(usdc, 0, abi.encodeWithSelector(APPROVE, market, used))[0];
        execute(calls); // all of it is used
        pass(PERIOD);
        vm.prank(address(market));
        vm.expectRevert();
        Token(usdc).transferFrom(treasury, address(market), used + 1);
        equal(1_000_000 * USDC - IERC20(usdc).balanceOf(treasury), used, "what left was charged in its window");
    }

    /// Twice approved and once taken back: of each spender, what is left at the end counts.
    function test_attack_second_approval_behind_the_first(uint256 amount) public {
        Market market = putMarket(true);
        amount = bound(amount, 1, 6000 * USDC);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
        calls[0] = calling(usdc, 0, abi.encodeWithSelector(APPROVE, market, amount))[0];
        calls[1] = trade(market, 0, amount, 0)[0]; // used up, and then again:
        calls[2] = calls[0];
        refuseExecute(
            calls, abi.encodeWithSelector(IPolicyModule.AllowanceLeft.selector, 0, address(market), amount)
        );
    }

    /// Votes that the treasury holds can't be delegated away by an act: no policy may permit it, on any token.
    function test_attack_votes_delegated_away(bool bySig, bool ofAnotherToken) public {
        address token = ofAnotherToken ? usdc : votes;
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = bySig
            ? one(
                Build.rule(
                    token, bytes4(keccak256("delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)")), 0, 6, "", ""
                )
            )
            : one(Build.rule(token, IDelegate.delegate.selector, 0, 1, "", ""));
        if (ofAnotherToken) refusePolicy(p, 100 + 20, "outlives every budget");
        else refusePolicy(p, 100, "votes token: only transfer");
        bytes memory data = abi.encodeWithSelector(IDelegate.delegate.selector, agent);
        refuseExecute(
            calling(votes, 0, data),
            abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, votes, IDelegate.delegate.selector)
        );
    }

    // ---------------------------------------------------------------- measuring

    /// A call that takes and, in the same breath, lets the treasury claim what was its own anyway: the balance does not
    /// fall, but the argument is charged.
    function test_attack_fall_netted_by_a_claim_inside_the_call(uint256 amount) public {
        Market market = putMarket(false);
        amount = bound(amount, 1, 6000 * USDC);
        execute(trade(market, amount, amount, amount));
        equal(module.spent(key(), SEGMENT), units(amount), "charged all the same");
        pass(COOLDOWN);
        refuseExecute(
            trade(market, 6000 * USDC, 6000 * USDC, 6000 * USDC),
            abi.encodeWithSelector(
                IPolicyModule.OverInstant.selector, key(), units(6000 * USDC), INSTANT - units(amount)
            )
        );
    }

    /// A claim in a call of its own makes up for nothing at all.
    function test_attack_fall_netted_by_a_claim_in_another_call(uint256 amount, bool claimFirst) public {
        Market market = putMarket(false);
        amount = bound(amount, 6000 * USDC + 1, 12_000 * USDC);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        calls[claimFirst ? 0 : 1] = trade(market, 0, 0, amount)[0];
        calls[claimFirst ? 1 : 0] = trade(market, 0, amount, 0)[0];
        refuseExecute(
            calls, abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), units(amount), INSTANT)
        );
    }

    /// Whatever calls say, take and give: what the treasury has less of after the act was charged.
    function test_attack_nothing_is_gone_that_was_not_charged(uint256[9] memory amounts) public {
        Market market = putMarket(false);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
        for (uint256 i; i < 3; ++i) {
            calls[i] = trade(market, amounts[3 * i] % 3e9, amounts[3 * i + 1] % 3e9, amounts[3 * i + 2] % 3e9)[0];
        }
        uint256 before = IERC20(usdc).balanceOf(treasury);
        uint24 number = nextNumber();
        vm.prank(agent);
        try module.execute(ID, codehash, calls, number, DECISION) {
            uint256 afterwards = IERC20(usdc).balanceOf(treasury);
            uint256 charged = module.spent(key(), SEGMENT) * UNIT;
            require(charged >= (before > afterwards ? before - afterwards : 0), "gone and not charged");
        } catch (bytes memory reason) {
            bytes4 why = bytes4(reason);
            require(why == IPolicyModule.OverInstant.selector || why == IPolicyModule.OverBudget.selector, "over");
            equal(IERC20(usdc).balanceOf(treasury), before, "nothing left");
        }
    }

    /// A token that tells its own balance: an argument is charged whatever the token tells; an income that is only told
    /// never comes; and one that tells nothing can't be used.
    function test_attack_token_whose_balance_lies(uint256 amount, uint256 told) public {
        LyingToken token = new LyingToken();
        token.mint(treasury, 1e24);
        amount = bound(amount, 1, 1000e18);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.measured(0, address(token), 15, PERIOD, 1e6, 1e6, "lies"));
        Build.Rule memory r = Build.rule(address(token), TRANSFER, 2, 2, "", Build.charge(0, 0, 1));
        p.rules = one(r);
        put(p);
        IPolicyModule.Call[] memory calls =
            calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[0], amount));
        token.set(LyingToken.Lie.Constant, told);
        execute(calls);
        bytes32 k = keccak256(abi.encode(0, ID, address(token), 15, SEGMENT, bytes32("lies")));
        equal(module.spent(k, SEGMENT), (amount + 1e15 - 1) / 1e15, "charged what was said");
        pass(PERIOD + SEGMENT);
        token.set(LyingToken.Lie.Reverts, 0);
        refuseExecute(calls, abi.encodeWithSignature("Error(string)", "no balance"));
        token.set(LyingToken.Lie.Short, 0);
        refuseExecute(calls, "");
        token.set(LyingToken.Lie.Constant, told);
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        p.rules = one(
            Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)).earning(
                Build.income(address(token), 0, 1, 1)
            )
        );
        put(p);
        refuseExecute(
            pay(0, 5), abi.encodeWithSelector(IPolicyModule.TooLittleIncome.selector, 0, address(token), 0, 5)
        );
    }

    // ---------------------------------------------------------------- tokens that are odd

    /// Six decimals or eighteen or any: a unit is a power of ten of base units, and what is charged is what left.
    function test_attack_decimals_confused(uint8 decimals, uint256 amount) public {
        decimals = decimals % 4 == 0 ? 6 : decimals % 4 == 1 ? 18 : decimals % 25;
        Token token = new Token(decimals);
        token.mint(treasury, 1e40);
        uint8 exponent = decimals < 3 ? 0 : decimals - 3;
        uint256 unit = 10 ** exponent;
        amount = bound(amount, 0, 1e6 * unit);
        putToken(address(token), 2, exponent, 1e6, 1e6);
        execute(calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[0], amount)));
        bytes32 k = keccak256(abi.encode(0, ID, address(token), exponent, SEGMENT, bytes32("day")));
        require(module.spent(k, SEGMENT) * unit >= 1e40 - token.balanceOf(treasury), "left without a charge");
        equal(module.spent(k, SEGMENT), amount / unit + (amount % unit == 0 ? 0 : 1), "spent");
    }

    function test_attack_token_that_returns_nothing_is_paid() public {
        NoReturnToken token = new NoReturnToken();
        token.mint(treasury, 10);
        putToken(address(token), 2, 0, 10, 10);
        execute(calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[0], 4)));
        equal(token.balanceOf(address(uint160(people[0]))), 4, "paid");
        pass(COOLDOWN);
        // But it does revert when it can't pay.
        token.mint(treasury, 0);
        vm.prank(treasury);
        token.transfer(stranger, 6);
        refuseExecute(
            calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[0], 1)),
            abi.encodeWithSelector(
                IPolicyModule.CallFailed.selector, 0, abi.encodeWithSignature("NotEnough()")
            )
        );
    }

    /// A payment that did not happen is none, whatever is charged for it: the act fails as a whole.
    function test_attack_token_that_returns_false(uint256 amount) public {
        FalseToken token = new FalseToken();
        token.mint(treasury, 10);
        putToken(address(token), 2, 0, 1000, 1000);
        amount = bound(amount, 0, 1000);
        IPolicyModule.Call[] memory calls =
            calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[0], amount));
        if (amount > 10) refuseExecute(calls, err(IPolicyModule.NotTrue.selector, 0));
        else execute(calls);
    }

    /// One recipient whom the token does not serve stops the batch, not half of it.
    function test_attack_blocklisted_recipient_in_a_batch(uint256 which) public {
        BlockingToken token = new BlockingToken();
        token.mint(treasury, 100);
        putToken(address(token), 2, 0, 100, 100);
        which = which % 3;
        token.setBlocked(address(uint160(people[which])), true);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
        for (uint256 i; i < 3; ++i) {
            calls[i] = calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[i], 10))[0];
        }
        bytes memory reason = abi.encodeWithSignature("Blocked(address)", people[which]);
        refuseExecute(calls, abi.encodeWithSelector(IPolicyModule.CallFailed.selector, which, reason));
        equal(token.balanceOf(treasury), 100, "nobody was paid");
        token.setBlocked(address(uint160(people[which])), false);
        execute(calls); // nor was anything charged, nor the act's number used up
    }

    /// Re-entry by whoever is paid in ether, while the act goes on.
    function test_attack_reentry_through_a_payment_in_ether(bool schedules) public {
        GreedyAgent puppet = new GreedyAgent();
        agent = address(puppet);
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        p.budgets = one(Build.budget(0, address(0), 11, PERIOD, 5e7, 1e8, "eth"));
        p.rules = one(Build.rule(address(puppet), bytes4(0), 1, 0, "", Build.charge(0, 1, 0)));
        put(p);
        IPolicyModule.Call[] memory calls = calling(address(puppet), 1 ether, "");
        puppet.aim(
            address(module),
            schedules
                ? abi.encodeCall(IPolicyModule.schedule, (ID, codehash, calls, 2, DECISION))
                : abi.encodeCall(IPolicyModule.execute, (ID, codehash, calls, 2, DECISION))
        );
        execute(calls);
        equal(puppet.tries(), 1, "it tried");
        require(bytes4(puppet.answer()) == IPolicyModule.Locked.selector, "locked");
        equal(address(puppet).balance, 1 ether, "paid once");
    }

    // ---------------------------------------------------------------- calldata

    /// Less than a selector is no plain ether and no function: not even where plain ether is permitted.
    function test_attack_one_to_three_bytes_of_calldata(uint256 length, bytes3 bytes_, bool plain) public {
        length = bound(length, 1, 3);
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = plain
            ? one(Build.rule(usdc, bytes4(0), 1, 0, "", ""))
            : one(Build.rule(usdc, bytes4(bytes_), 0, 0, "", "")); // the same bytes and zeros behind them
        put(p);
        bytes memory data = new bytes(length);
        for (uint256 i; i < length; ++i) {
            data[i] = bytes_[i];
        }
        refuseExecute(calling(usdc, 0, data), err(IPolicyModule.BadCalldata.selector, 0));
        refuseExecute(calling(stranger, 0, data), err(IPolicyModule.BadCalldata.selector, 0));
    }

    /// High bits over an address: equal and in-list see the whole word.
    function test_attack_dirty_high_bits_in_an_address_word(uint96 dirt, uint256 who) public {
        vm.assume(dirt != 0);
        Build.Policy memory p = payroll();
        p.rules = two(
            Build.rule(usdc, TRANSFER, 2, 2, Build.clause(0, EQUAL, people[0]), Build.charge(0, 0, 1)),
            payRule()
        );
        put(p);
        uint256 word = uint256(dirt) << 160 | people[who % 5];
        refuseExecute(
            calling(usdc, 0, abi.encodeWithSelector(TRANSFER, word, 1)),
            abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 1, 0, word)
        );
    }

    /// "Anybody but him": with high bits he is another word, and old targets drop them. A second clause, at most
    /// 2^160 - 1, refuses such words; only both together mean an address.
    function test_attack_dirty_high_bits_past_a_not_equal_clause(uint96 dirt) public {
        vm.assume(dirt != 0);
        Build.Policy memory p = payroll();
        p.rules = one(
            Build.rule(
                usdc,
                TRANSFER,
                2,
                2,
                abi.encodePacked(
                    Build.clause(0, NOT_EQUAL, uint160(stranger)), Build.clause(0, AT_MOST, type(uint160).max)
                ),
                Build.charge(0, 0, 1)
            )
        );
        put(p);
        uint256 word = uint256(dirt) << 160 | uint160(stranger);
        refuseExecute(
            calling(usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, 1)),
            abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, 0, uint256(uint160(stranger)))
        );
        refuseExecute(
            calling(usdc, 0, abi.encodeWithSelector(TRANSFER, word, 1)),
            abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, 1, word)
        );
    }

    /// Recipients and amounts that share one tail: the amounts would be the recipients' addresses, and the other way round.
    function test_attack_overlapping_array_pointers() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.rules = one(
            Build.rule(address(sink), F, 0, 2, Build.clause(0, 0, IN_LIST, 0), Build.charge(0, 0, 1, 0)).dynamic(
                abi.encodePacked(Build.array(0, 1), Build.array(1, 1))
            )
        );
        put(p);
        bytes memory data = abi.encodePacked(F, uint256(64), uint256(64), uint256(1), people[0]);
        refuseExecute(calling(address(sink), 0, data), err(IPolicyModule.BadCalldata.selector, 0));
        // With a second tail behind that nobody points to.
        data = abi.encodePacked(data, uint256(1), uint256(5));
        refuseExecute(calling(address(sink), 0, data), err(IPolicyModule.BadCalldata.selector, 0));
        uint256[] memory to = new uint256[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (people[0], 5);
        execute(calling(address(sink), 0, abi.encodeWithSelector(F, to, amounts)));
    }

    /// Ether with the call of a function that is worth nothing, selector zero among them.
    function test_attack_value_on_a_zero_selector(uint256 value) public {
        value = bound(value, 1, 100 ether);
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(address(sink), bytes4(0), 0, 0, "", ""));
        put(p);
        refuseExecute(calling(address(sink), value, hex"00000000"), err(IPolicyModule.ValueNotCharged.selector, 0));
        refuseExecute(
            calling(address(sink), value, ""),
            abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, address(sink), bytes4(0))
        );
        p.rules = one(Build.rule(address(sink), bytes4(0), 1, 0, "", ""));
        put(p);
        refuseExecute(calling(address(sink), value, ""), err(IPolicyModule.ValueNotCharged.selector, 0));
        execute(calling(address(sink), 0, ""));
    }

    // ---------------------------------------------------------------- lying policy bytes

    /// Behind the table of heads lies the first list. Its bytes can be written so that they look like another rule's head:
    /// an alternative without any clause. It is never taken for one.
    function test_attack_rule_hidden_in_a_list(uint256 amount) public {
        amount = bound(amount, 1, 1000);
        // The list's count is 1: so its head looks like one of a target whose address begins with 0001.
        address target = address(uint160(1 << 144 | 0xdead));
        vm.etch(target, hex"00");
        uint256[] memory hidden = new uint256[](1);
        // 18 bytes of target, selector, flags 0, two words, no dynamics, clauses, charges, incomes; body and two bytes more
        hidden[0] = uint256(0xdead) << 112 | uint256(uint32(TRANSFER)) << 80 | uint256(2) << 64;
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.lists = one(Build.list(hidden));
        p.rules = one(Build.rule(target, TRANSFER, 0, 2, Build.clause(1, AT_MOST, 0), ""));
        put(p);
        bytes32 head;
        bytes memory code_ = code;
        assembly {
            head := mload(add(code_, add(32, 132)))
        }
        require(bytes24(head) == bytes24(abi.encodePacked(target, TRANSFER)), "it does look like one");
        refuseExecute(
            calling(target, 0, abi.encodeWithSelector(TRANSFER, stranger, amount)),
            abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, 0, 0, 0, amount)
        );
        // Nor is it found where the target has no rule at all.
        p.rules = one(Build.rule(address(0xdead), bytes4(0), 1, 0, "", ""));
        put(p);
        refuseExecute(
            calling(target, 0, abi.encodeWithSelector(TRANSFER, stranger, amount)),
            abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, target, TRANSFER)
        );
    }

    /// A body that points into another rule's, where kinder clauses lie.
    function test_attack_body_pointing_into_another_rules() public {
        Build.Policy memory p = payroll();
        p.rules = two(
            Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, AT_MOST, 1), Build.charge(0, 0, 1)),
            Build.rule(usdc, TRANSFER, 2, 2, Build.clause(1, AT_MOST, type(uint256).max), Build.charge(0, 0, 1))
        );
        bytes memory code_ = p.encode();
        (code_[167 + 30], code_[167 + 31]) = (code_[199 + 30], code_[199 + 31]);
        refuseCode(code_, 167 + 30, "body lies elsewhere");
    }

    /// The end of a policy, in hours, can't be written so that it wraps round to another.
    function test_attack_end_that_wraps(uint40 end) public {
        Build.Policy memory p = payroll();
        end = uint40(bound(end, uint256(type(uint32).max) / 3600 + 1, type(uint40).max / 3600) * 3600);
        p.end = end;
        refusePolicy(p, 46, "end too late");
    }

    // ---------------------------------------------------------------- forbidden targets

    /// An act can't make the treasury loosen itself, or the module its policy: nobody could permit it.
    function test_attack_forbidden_targets(uint256 which, bytes4 selector, uint256 argument) public {
        address[5] memory targets = [address(module), module.checker(), treasury, owner, governor];
        address target = targets[which % 5];
        bytes memory data = abi.encodeWithSelector(selector, argument);
        refuseExecute(
            calling(target, 0, data), abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, target, selector)
        );
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(target, selector, 0, 1, "", ""));
        refusePolicy(p, 100, "forbidden target");
    }

    // ---------------------------------------------------------------- pending acts

    function test_attack_released_after_replacement(bool backAgain) public {
        IPolicyModule.Call[] memory calls = pay(0, 5000 * USDC);
        bytes32 actId = schedule(calls);
        bytes memory old = code;
        Build.Policy memory p = payroll();
        p.cooldown = 1;
        put(p);
        if (backAgain) putCode(old); // the very same bytes, but another vote
        pass(DELAY);
        refuseRelease(actId, calls, err(IPolicyModule.Voided.selector));
    }

    function test_attack_released_after_a_pause(bool byPetition, uint256 wait) public {
        IPolicyModule.Call[] memory calls = pay(0, 5000 * USDC);
        bytes32 actId = schedule(calls);
        vm.prank(byPetition ? ada : guardian);
        if (byPetition) module.petition(ID);
        else module.pause();
        pass(bound(wait, DELAY, DELAY + WINDOW - 1));
        refuseRelease(actId, calls, err(IPolicyModule.IsPaused.selector));
        vm.prank(owner);
        module.unpause();
        refuseRelease(actId, calls, err(IPolicyModule.Voided.selector));
    }

    /// A number is good for one act: not again after a release, a veto or a kill, not for another kind of act.
    function test_attack_act_number_replayed_around_a_scheduled_act(uint256 how) public {
        IPolicyModule.Call[] memory calls = pay(0, 1);
        bytes32 actId = schedule(calls);
        pass(DELAY);
        if (how % 3 == 0) {
            release(actId, calls);
        } else if (how % 3 == 1) {
            vm.prank(guardian);
            module.veto(ID, actId);
        } else {
            objectAs(ada, actId);
        }
        refuseRelease(actId, calls, err(IPolicyModule.NotPending.selector));
        vm.prank(agent);
        vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 2));
        module.schedule(ID, codehash, calls, 1, DECISION);
        vm.prank(agent);
        vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 2));
        module.execute(ID, codehash, calls, 1, DECISION);
    }

    /// Four places are all there are, whatever the agent does for weeks; and each act in them could be objected to.
    /// forge-config: default.fuzz.runs = 24
    function test_attack_spam_of_scheduled_acts_for_weeks(uint256 seed) public {
        uint256 scheduled;
        for (uint256 i; i < 40; ++i) {
            uint24 number = nextNumber();
            vm.prank(agent);
            try module.schedule(ID, codehash, pay(i, 1), number, DECISION) {
                ++scheduled;
            } catch {}
            IPolicyModule.PendingAct[4] memory places = module.pendingActs(ID);
            for (uint256 j; j < 4; ++j) {
                uint256 gap = uint256(places[j].expiresAt) - places[j].releasableAt;
                require(places[j].actId == 0 || gap == WINDOW, "a whole window each");
            }
            pass(COOLDOWN + uint256(keccak256(abi.encode(seed, i))) % 1 days);
        }
        // Each place holds its act for delay and window: 3 days.
        require(scheduled <= 4 * (1 + (block.timestamp - T0) / (DELAY + WINDOW)), "more than four at a time");
    }

    // ---------------------------------------------------------------- votes

    /// Votes borrowed for a moment: what arrives in the second of scheduling, or later, is not counted.
    function test_attack_objection_with_flash_loaned_votes(uint256 later) public {
        later = bound(later, 0, 2);
        if (later == 0) borrow();
        bytes32 actId = schedule(pay(0, 1));
        pass(later);
        if (later != 0) borrow();
        vm.expectRevert(IPolicyModule.NoPower.selector);
        vm.prank(stranger);
        module.object(ID, list(actId));
        vm.prank(stranger);
        IERC20(votes).transfer(owner, 400_000e18);
    }

    function test_attack_petition_with_flash_loaned_votes(bool opened) public {
        if (opened) {
            vm.prank(ben);
            module.petition(ID);
        }
        borrow();
        vm.prank(stranger);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.petition(ID);
        require(!module.paused(), "not paused");
    }

    /// The same votes twice: object or sign, send them on, object or sign again.
    function test_attack_votes_counted_twice_by_moving_them(bool petition, uint256 wait) public {
        bytes32 actId = schedule(pay(0, 1));
        pass(1);
        vm.prank(ben);
        if (petition) module.petition(ID);
        else module.object(ID, list(actId));
        vm.prank(ben);
        IERC20(votes).transfer(dana, 90_000e18);
        vm.prank(dana);
        IDelegate(votes).delegate(dana);
        pass(bound(wait, 1, DELAY));
        vm.prank(dana);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        if (petition) module.petition(ID);
        else module.object(ID, list(actId));
        require(isLive(actId), "9 % are not 18 %");
    }

    /// However votes move between objections to one act, the power that counts is never more than there was.
    function test_attack_more_power_than_there_is(uint256 seed) public {
        bytes32 actId = schedule(pay(0, 1));
        address[5] memory members = [ben, chloe, dana, stranger, operator];
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            address from = members[seed % 5];
            address to = members[(seed >> 8) % 5];
            uint256 amount = IERC20(votes).balanceOf(from) / (1 + (seed >> 16) % 3);
            vm.prank(from);
            IERC20(votes).transfer(to, amount);
            vm.prank(to);
            IDelegate(votes).delegate(members[(seed >> 24) % 5]);
            pass((seed >> 32) % 3);
            vm.prank(members[(seed >> 40) % 5]);
            try module.object(ID, list(actId)) {} catch {}
        }
        (uint256 objections,) = module.pending(ID, actId);
        require(objections <= 180_000e18, "ben and chloe had 18 %");
    }

    // ---------------------------------------------------------------- small things

    /// A policy over a market that may pull: by approvals in the act, or by one that a vote has given. Measured.
    function putMarket(bool approvals) private returns (Market market) {
        market = new Market();
        IERC20 token = IERC20(usdc);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        Build.Rule memory trades = Build.rule(
            address(market), Market.trade.selector, 0, 5, "", approvals ? bytes("") : Build.charge(0, 0, 0)
        );
        Build.Rule memory approves = Build.rule(usdc, APPROVE, 6, 2, "", "");
        if (approvals) {
            p.rules = uint160(address(market)) < uint160(usdc) ? two(trades, approves) : two(approves, trades);
        } else {
            p.rules = one(trades);
            vm.prank(treasury);
            token.approve(address(market), type(uint256).max);
            IMintable(usdc).mint(address(market), 100_000 * USDC);
        }
        put(p);
    }

    function trade(Market market, uint256 said, uint256 pulled, uint256 given)
        private
        view
        returns (IPolicyModule.Call[] memory)
    {
        return calling(address(market), 0, abi.encodeCall(Market.trade, (said, usdc, pulled, usdc, given)));
    }

    function putToken(address token, uint8 flags, uint8 exponent, uint32 instant, uint32 limit) private {
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, token, exponent, PERIOD, instant, limit, "day"));
        p.rules = one(Build.rule(token, TRANSFER, flags, 2, "", Build.charge(0, 0, 1)));
        put(p);
    }

    /// Power from nowhere, for a moment: the owner's undelegated votes.
    function borrow() private {
        vm.prank(owner);
        IERC20(votes).transfer(stranger, 400_000e18);
        vm.prank(stranger);
        IDelegate(votes).delegate(stranger);
    }
}

interface IMintable {
    function mint(address to, uint256 amount) external;
}
