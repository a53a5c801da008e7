// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice A token whose transfer calls back into whatever it was told to call.
contract CallingToken {
    address private target;
    bytes private data;
    bool public wasCalled;
    bool public succeeded;
    bytes public answer;

    function set(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function transfer(address, uint256) external returns (bool) {
        if (data.length != 0) {
            wasCalled = true;
            bytes memory data_ = data;
            delete data;
            (succeeded, answer) = target.call(data_);
        }
        return true;
    }
}

/// @notice An agent that is a contract, so that it may start several acts in one transaction, or act in a callback.
contract AgentContract {
    function act(address module, bytes calldata data) external returns (bool done, bytes memory answer) {
        return module.call(data);
    }
}

/// @notice Attempts to take more than was voted, each named for what it tries. Every one must fail.
contract AttacksTest is Base {
    using Build for Build.Policy;

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
}
