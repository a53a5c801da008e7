// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyLens} from "../../contracts/src/IPolicyLens.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice The lens says what the module answers. Of a policy with two budgets, alternatives and a cap.
contract LensTest is Base {
    using Build for Build.Policy;

    uint256 internal constant CAPPED = 7_000 * USDC;
    uint256 internal constant SMALL = 10 * USDC;
    uint32 internal constant ETHER_INSTANT = 2000; // units of a thousandth
    uint32 internal constant ETHER_LIMIT = 3000;

    IPolicyLens internal lens;
    uint256 internal luck;
    IPolicyModule.Call[] internal announced;
    uint24 internal announcedNumber;

    function setUp() public override {
        super.setUp();
        lens = IPolicyLens(vm.deployCode("PolicyLens.sol:PolicyLens", ""));
        put(policy());
    }

    function policy() internal view returns (Build.Policy memory p) {
        p = payroll();
        p.budgets = two(
            Build.budget(0, address(0), 15, PERIOD, ETHER_INSTANT, ETHER_LIMIT, "ether"),
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day")
        );
        bytes memory listed = abi.encodePacked(
            Build.clause(0, IN_LIST, 0), Build.clause(1, AT_MOST, MOST), Build.clause(1, CAP, CAPPED)
        );
        bytes memory strange =
            abi.encodePacked(Build.clause(0, EQUAL, uint160(stranger)), Build.clause(1, AT_MOST, SMALL));
        p.rules = new Build.Rule[](3);
        p.rules[0] = Build.rule(address(uint160(people[0])), bytes4(0), 1, 0, "", Build.charge(0, 1, 0));
        p.rules[1] = Build.rule(usdc, TRANSFER, 2, 2, listed, Build.charge(1, 0, 1));
        p.rules[2] = Build.rule(usdc, TRANSFER, 2, 2, strange, Build.charge(1, 0, 1));
    }

    // ---------------------------------------------------------------- agreement

    /// Whatever has happened, and whatever is asked: the first finding is the module's error, and none is none.
    function test_check_agrees_with_the_module(uint256 seed) public {
        luck = seed;
        for (uint256 i; i < 10; ++i) {
            happen();
            agree(draw());
        }
    }

    function agree(IPolicyLens.Act memory act) internal {
        (IPolicyLens.Finding[] memory findings, IPolicyLens.Headroom[] memory before) = lens.check(module, act);
        vm.prank(act.sender);
        (bool done, bytes memory answer) = address(module).call(encode(act));
        if (!done) {
            require(findings.length != 0, "the lens found nothing and the module refused");
            require(keccak256(findings[0].revertData) == keccak256(answer), "another error than the first finding");
            return;
        }
        require(findings.length == 0, "the lens found something and the module did it");
        if (act.mode == IPolicyLens.Mode.SCHEDULE) {
            delete announced;
            for (uint256 i; i < act.calls.length; ++i) {
                announced.push(act.calls[i]);
            }
            announcedNumber = act.number;
        } else {
            charged(before, lens.headroom(module, act.policyId));
        }
    }

    /// What the lens said would be charged has been, and is gone from what is left.
    function charged(IPolicyLens.Headroom[] memory before, IPolicyLens.Headroom[] memory afterwards) internal pure {
        equal(before.length, afterwards.length, "budgets");
        for (uint256 i; i < before.length; ++i) {
            require(before[i].key == afterwards[i].key, "key");
            equal(before[i].left - before[i].charged, afterwards[i].left, "left");
            uint256 atOnce = before[i].instantLeft;
            atOnce = atOnce > before[i].charged ? atOnce - before[i].charged : 0;
            equal(atOnce, afterwards[i].instantLeft, "left at once");
            equal(afterwards[i].charged, 0, "no act");
        }
    }

    function encode(IPolicyLens.Act memory act) internal pure returns (bytes memory) {
        if (act.mode == IPolicyLens.Mode.RELEASE) {
            return abi.encodeCall(IPolicyModule.release, (act.policyId, act.number, act.calls, act.decision));
        }
        if (act.mode == IPolicyLens.Mode.SCHEDULE) {
            return abi.encodeCall(
                IPolicyModule.schedule, (act.policyId, act.codehash, act.calls, act.number, act.decision)
            );
        }
        return abi.encodeCall(IPolicyModule.execute, (act.policyId, act.codehash, act.calls, act.number, act.decision));
    }

    function pick(uint256 count) internal returns (uint256) {
        luck = uint256(keccak256(abi.encode(luck)));
        return luck % count;
    }

    function happen() internal {
        uint256 what = pick(16);
        if (what < 5) pass(COOLDOWN);
        else if (what == 5) pass(pick(2) == 0 ? DELAY : SEGMENT);
        else if (what == 6) pass(DELAY + WINDOW);
        else if (what == 7) pass(pick(8) == 0 ? 365 days : 8 * uint256(SEGMENT));
        else if (what == 8) vm.warp(block.timestamp - pick(2) * SEGMENT); // no chain does that; the ring refuses it
        else if (what == 9) put(policy());
        else if (what == 10) stop();
        else if (what == 11) kill();
        // otherwise nothing happens
    }

    function stop() internal {
        bool isPaused = module.paused();
        if (!isPaused) {
            vm.prank(owner);
            module.pause();
            if (pick(2) == 0) return;
        }
        vm.prank(owner);
        module.unpause();
    }

    /// Kills what was announced last, where members can: afterwards it is quiet.
    function kill() internal {
        IPolicyModule.PendingAct[4] memory places = module.pendingActs(ID);
        for (uint256 i; i < 4; ++i) {
            (, bool live) = module.pending(ID, places[i].actId);
            if (!live || places[i].number != announcedNumber) continue;
            vm.prank(ada);
            (bool done,) = address(module).call(abi.encodeCall(IPolicyModule.object, (ID, list(places[i].actId))));
            done; // a clock that was turned back can say no
        }
    }

    /// An act; sometimes one part of what goes with it is wrong, sometimes several.
    function draw() internal returns (IPolicyLens.Act memory act) {
        act.mode = IPolicyLens.Mode(pick(3));
        bool releases = act.mode == IPolicyLens.Mode.RELEASE;
        act.policyId = pick(32) == 0 ? bytes32(uint256(1)) : ID;
        act.codehash = pick(24) == 0 ? bytes32(uint256(2)) : codehash;
        act.number = releases ? announcedNumber : nextNumber();
        if (pick(24) == 0) act.number = uint24(pick(4));
        act.decision = pick(24) == 0 ? bytes32(pick(2)) : DECISION;
        act.sender = pick(24) == 0 ? stranger : agent;
        if (releases && pick(8) != 0) {
            act.calls = announced;
            return act;
        }
        uint256 count = pick(3) + 1;
        if (pick(24) == 0) count = 0;
        act.calls = new IPolicyModule.Call[](count);
        for (uint256 i; i < count; ++i) {
            act.calls[i] = drawCall();
        }
    }

    function drawCall() internal returns (IPolicyModule.Call memory) {
        uint256 what = pick(24);
        if (what == 0) return IPolicyModule.Call(usdc, 0, hex"a9059c");
        if (what == 1) return IPolicyModule.Call(address(uint160(people[pick(2)])), 1, hex"00000000");
        if (what == 2) return IPolicyModule.Call(usdc, 0, abi.encodeWithSelector(TRANSFER, people[0], 1, 1));
        if (what < 8) return IPolicyModule.Call(address(uint160(people[0])), pick(5) * 0.5 ether + pick(2), "");
        address to = pick(8) == 0 ? stranger : address(uint160(people[pick(5)]));
        uint256 amount = [0, 1, SMALL, SMALL + 1, 1000 * USDC, 3000 * USDC, MOST, MOST + 1][pick(8)];
        uint256 value = pick(24) == 0 ? 1 : 0;
        return IPolicyModule.Call(usdc, value, abi.encodeWithSelector(TRANSFER, to, amount));
    }

    // ---------------------------------------------------------------- all of them

    function actOf(IPolicyModule.Call[] memory calls) internal view returns (IPolicyLens.Act memory act) {
        act = IPolicyLens.Act(IPolicyLens.Mode.EXECUTE, ID, codehash, calls, nextNumber(), DECISION, agent);
    }

    function finding(IPolicyLens.Finding memory one, uint256 call_, uint256 rule, bytes memory revertData) internal pure {
        equal(one.call, call_, "call");
        equal(one.rule, rule, "rule");
        require(keccak256(one.revertData) == keccak256(revertData), "revert data");
    }

    function test_check_finds_everything_about_the_moment() public {
        execute(pay(0, 1));
        vm.prank(guardian);
        module.pause();
        Build.Policy memory later = policy();
        later.start = uint40(block.timestamp + 5);
        put(later);
        vm.prank(guardian);
        module.shorten(ID, uint40(T0 - 1 hours));

        IPolicyLens.Act memory act = actOf(new IPolicyModule.Call[](0));
        (act.codehash, act.sender, act.number, act.decision) = (0, stranger, 9, 0);
        (IPolicyLens.Finding[] memory found,) = lens.check(module, act);
        equal(found.length, 9, "findings");
        uint256 none = type(uint256).max;
        finding(found[0], none, none, err(IPolicyModule.IsPaused.selector));
        finding(found[1], none, none, err(IPolicyModule.StalePolicy.selector, uint256(codehash)));
        finding(found[2], none, none, err(IPolicyModule.NotAgent.selector, uint160(agent)));
        finding(found[3], none, none, err(IPolicyModule.WrongNumber.selector, 2));
        finding(found[4], none, none, err(IPolicyModule.NoDecision.selector));
        finding(found[5], none, none, err(IPolicyModule.NotStarted.selector, later.start));
        finding(found[6], none, none, err(IPolicyModule.Ended.selector, T0 - 1 hours));
        finding(found[7], none, none, err(IPolicyModule.Cooling.selector, block.timestamp + COOLDOWN));
        finding(found[8], none, none, err(IPolicyModule.NoCalls.selector));
    }

    /// Of a call that no alternative fits: the last one's clauses, then those of the one before.
    function test_check_finds_every_failing_clause_of_every_alternative() public view {
        address nobody = address(0x9999);
        bytes memory data = abi.encodeWithSelector(TRANSFER, nobody, MOST + 1);
        (IPolicyLens.Finding[] memory found,) = lens.check(module, actOf(calling(usdc, 1, data)));
        equal(found.length, 4, "findings");
        bytes4 failed = IPolicyModule.ClauseFailed.selector;
        finding(found[0], 0, 2, abi.encodeWithSelector(failed, 0, 2, 0, uint160(nobody)));
        finding(found[1], 0, 2, abi.encodeWithSelector(failed, 0, 2, 1, MOST + 1));
        finding(found[2], 0, 1, abi.encodeWithSelector(failed, 0, 1, 0, uint160(nobody)));
        finding(found[3], 0, 1, abi.encodeWithSelector(failed, 0, 1, 1, MOST + 1));
    }

    /// Caps, ether that is not charged, and both budgets.
    function test_check_finds_every_bound_that_an_act_breaks() public view {
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](4);
        (calls[0], calls[1], calls[2]) = (pay(0, MOST)[0], pay(1, MOST)[0], pay(2, MOST)[0]);
        calls[1].value = 1;
        calls[3] = IPolicyModule.Call(address(uint160(people[0])), 2.5 ether, "");
        (IPolicyLens.Finding[] memory found, IPolicyLens.Headroom[] memory budgets) = lens.check(module, actOf(calls));
        equal(found.length, 5, "findings");
        bytes4 cap = IPolicyModule.OverCap.selector;
        finding(found[0], 1, 1, abi.encodeWithSelector(cap, 1, 1, 2, MOST, CAPPED - MOST));
        finding(found[1], 1, 1, err(IPolicyModule.ValueNotCharged.selector, 1));
        finding(found[2], 2, 1, abi.encodeWithSelector(cap, 2, 1, 2, MOST, 0));
        uint256 none = type(uint256).max;
        bytes4 instant = IPolicyModule.OverInstant.selector;
        finding(found[3], none, none, abi.encodeWithSelector(instant, budgets[0].key, 2500, ETHER_INSTANT));
        bytes4 over = IPolicyModule.OverBudget.selector;
        finding(found[4], none, none, abi.encodeWithSelector(over, key(), units(3 * MOST), LIMIT));

        require(budgets[1].key == key(), "key");
        equal(budgets[1].unit, UNIT, "unit");
        equal(budgets[1].charged, units(3 * MOST), "charged");
        equal(budgets[1].left, LIMIT, "left");
        equal(budgets[1].instantLeft, INSTANT, "left at once");
        equal(budgets[0].charged, 2500, "ether charged");
        equal(budgets[0].left, ETHER_LIMIT, "ether left");
    }

    function test_check_finds_everything_about_a_release() public {
        bytes32 id = schedule(pay(0, 1));
        put(policy()); // voids it
        IPolicyLens.Act memory act = actOf(pay(0, 2));
        (act.mode, act.number, act.sender) = (IPolicyLens.Mode.RELEASE, numberOf[id], stranger);
        vm.prank(guardian);
        module.pause();
        uint256 none = type(uint256).max;
        (IPolicyLens.Finding[] memory found,) = lens.check(module, act);
        equal(found.length, 5, "findings");
        finding(found[0], none, none, err(IPolicyModule.IsPaused.selector));
        finding(found[1], none, none, err(IPolicyModule.Voided.selector));
        finding(found[2], none, none, err(IPolicyModule.NotYet.selector, block.timestamp + DELAY));
        finding(found[3], none, none, err(IPolicyModule.NotAgent.selector, uint160(agent)));
        finding(found[4], none, none, err(IPolicyModule.OtherCalls.selector));
        pass(DELAY + WINDOW);
        (found,) = lens.check(module, act);
        finding(found[2], none, none, err(IPolicyModule.Expired.selector, block.timestamp));

        act.number = 7;
        (found,) = lens.check(module, act);
        equal(found.length, 3, "findings");
        finding(found[0], none, none, err(IPolicyModule.NotPending.selector));
    }

    /// After 16,777,215 acts no number is right, and the module names 0.
    function test_check_agrees_on_the_last_number() public {
        IPolicyLens.Act memory act = actOf(pay(0, 1));
        bytes32 slot = keccak256(abi.encode(ID, uint256(3)));
        vm.store(address(module), slot, vm.load(address(module), slot) | bytes32(uint256(type(uint24).max) << 176));
        (,, uint24 number,,) = module.policyState(ID);
        equal(number, type(uint24).max, "the slot");
        for (uint256 i; i < 2; ++i) {
            act.number = i == 0 ? 0 : type(uint24).max;
            (IPolicyLens.Finding[] memory found,) = lens.check(module, act);
            finding(
                found[0], type(uint256).max, type(uint256).max, err(IPolicyModule.WrongNumber.selector, 0)
            );
            agree(act);
        }
    }

    // ---------------------------------------------------------------- reading

    function test_policy_is_what_was_set() public view {
        (bytes memory code_, bytes32 codehash_) = lens.policy(module, ID);
        require(keccak256(code_) == keccak256(code), "code");
        require(codehash_ == codehash, "codehash");
    }

    function test_headroom_comes_back_with_the_window(uint256 amount) public {
        amount = bound(amount, 1, MOST);
        execute(pay(0, amount));
        IPolicyLens.Headroom[] memory budgets = lens.headroom(module, ID);
        equal(budgets[1].left, LIMIT - units(amount), "left");
        equal(budgets[1].instantLeft, INSTANT - units(amount), "left at once");
        equal(budgets[0].left, ETHER_LIMIT, "another budget");
        pass(8 * uint256(SEGMENT));
        equal(lens.headroom(module, ID)[1].left, LIMIT, "all of it");
    }

    function test_revert_NoPolicy(bytes32 other) public {
        vm.assume(other != ID);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        lens.headroom(module, other);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        lens.policy(module, other);
        IPolicyLens.Act memory act = actOf(pay(0, 1));
        act.policyId = other;
        (IPolicyLens.Finding[] memory found, IPolicyLens.Headroom[] memory budgets) = lens.check(module, act);
        equal(found.length, 1, "findings");
        finding(found[0], type(uint256).max, type(uint256).max, err(IPolicyModule.NoPolicy.selector));
        equal(budgets.length, 0, "budgets");
    }

    function test_the_lens_fits_a_contract_and_holds_nothing() public view {
        require(address(lens).code.length <= 24_576, "too large (EIP-170)");
        for (uint256 i; i < 8; ++i) {
            require(vm.load(address(lens), bytes32(i)) == 0, "storage");
        }
    }
}
