// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyLens} from "../../contracts/src/IPolicyLens.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice Places that `make coverage` found no test to reach for sure: only a fuzzer's luck, if any.
contract CoverageTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    IPolicyLens private lens;

    function setUp() public override {
        super.setUp();
        lens = IPolicyLens(vm.deployCode("PolicyLens.sol:PolicyLens", ""));
    }

    /// The bytes fit into the data, but the zeros that pad them to whole words do not.
    function test_arguments_bytes_without_their_padding() public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(address(sink), TRANSFER, 0, 1, "", "").dynamic(Build.array(0, 0)));
        put(p);
        for (uint256 size = 1; size < 32; ++size) {
            bytes memory data = abi.encodePacked(TRANSFER, uint256(32), uint256(1), new bytes(size));
            refuseExecute(calling(address(sink), 0, data), err(IPolicyModule.BadCalldata.selector, 0));
        }
        execute(calling(address(sink), 0, abi.encodePacked(TRANSFER, uint256(32), uint256(1), new bytes(32))));
    }

    /// No chain goes back in time; where one did, the ring would charge nothing, and the lens says so.
    function test_lens_of_a_time_before_the_last_charge() public {
        execute(pay(0, 1));
        IPolicyLens.Headroom[] memory budgets = lens.headroom(module, ID);
        equal(budgets[0].left, LIMIT - 1, "left");
        vm.warp(block.timestamp - 2 * SEGMENT);
        budgets = lens.headroom(module, ID);
        equal(budgets[0].left, 0, "nothing left");
        equal(budgets[0].instantLeft, 0, "nothing left at once");
        require(finds(IPolicyLens.Mode.EXECUTE, err(IPolicyModule.BadTime.selector)) == 1, "found");
    }

    function test_lens_of_a_policy_that_announces_nothing() public {
        bytes memory notSchedulable = err(IPolicyModule.NotSchedulable.selector);
        require(finds(IPolicyLens.Mode.SCHEDULE, notSchedulable) == 0, "this one does");
        Build.Policy memory p = payroll();
        (p.objectionDelay, p.releaseWindow) = (0, 0);
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, LIMIT, LIMIT, "day"));
        put(p);
        require(finds(IPolicyLens.Mode.SCHEDULE, notSchedulable) == 1, "found");
        refuseSchedule(pay(0, 1), notSchedulable);
    }

    function test_lens_of_an_act_that_would_expire_too_late() public {
        bytes memory badTime = err(IPolicyModule.BadTime.selector);
        Build.Policy memory p = payroll();
        p.end = type(uint32).max / 3600 * 3600;
        p.releaseWindow = uint32(type(uint32).max - block.timestamp - DELAY);
        put(p);
        require(finds(IPolicyLens.Mode.SCHEDULE, badTime) == 0, "just in time");
        ++p.releaseWindow;
        put(p);
        require(finds(IPolicyLens.Mode.SCHEDULE, badTime) == 1, "found");
        refuseSchedule(pay(0, 1), badTime);
    }

    function test_lens_of_an_act_that_could_never_be_released() public {
        uint256 end = T0 + 365 days;
        bytes memory tooSoon = abi.encodeWithSelector(IPolicyModule.EndsTooSoon.selector, end, end);
        vm.warp(end - DELAY - 1);
        require(finds(IPolicyLens.Mode.SCHEDULE, tooSoon) == 0, "just in time");
        vm.warp(end - DELAY);
        require(finds(IPolicyLens.Mode.SCHEDULE, tooSoon) == 1, "found");
        require(finds(IPolicyLens.Mode.EXECUTE, tooSoon) == 0, "at once is another matter");
        refuseSchedule(pay(0, 1), tooSoon);
        vm.warp(end);
        require(finds(IPolicyLens.Mode.SCHEDULE, err(IPolicyModule.Ended.selector, end)) == 1, "ended");
        tooSoon = abi.encodeWithSelector(IPolicyModule.EndsTooSoon.selector, end + DELAY, end);
        require(finds(IPolicyLens.Mode.SCHEDULE, tooSoon) == 0, "which says all");
    }

    function test_lens_of_a_fifth_pending_act() public {
        uint256 first = block.timestamp + DELAY + WINDOW;
        bytes memory tooMany = err(IPolicyModule.TooManyPending.selector, first);
        for (uint256 i; i < 4; ++i) {
            require(finds(IPolicyLens.Mode.SCHEDULE, tooMany) == 0, "room for it");
            schedule(pay(i, 1));
            pass(COOLDOWN);
        }
        require(finds(IPolicyLens.Mode.SCHEDULE, tooMany) == 1, "found");
        refuseSchedule(pay(4, 1), tooMany);
    }

    /// How many of the lens's findings are this one.
    function finds(IPolicyLens.Mode mode, bytes memory revertData) private view returns (uint256 count) {
        IPolicyLens.Act memory act = IPolicyLens.Act(mode, ID, codehash, pay(0, 1), nextNumber(), DECISION, agent);
        (IPolicyLens.Finding[] memory findings,) = lens.check(module, act);
        for (uint256 i; i < findings.length; ++i) {
            if (keccak256(findings[i].revertData) == keccak256(revertData)) ++count;
        }
    }
}
