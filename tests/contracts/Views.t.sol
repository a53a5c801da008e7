// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice What the module tells about itself.
contract ViewsTest is Base {
    using Build for Build.Policy;

    function test_pendingActs_holds_the_four_places(uint256 count) public {
        count = bound(count, 0, 4);
        bytes32[4] memory ids;
        uint256[4] memory times;
        for (uint256 i; i < count; ++i) {
            ids[i] = schedule(pay(i, i));
            times[i] = block.timestamp;
            pass(COOLDOWN);
        }
        IPolicyModule.PendingAct[4] memory places = module.pendingActs(ID);
        for (uint256 i; i < 4; ++i) {
            require(places[i].actId == ids[i], "act id");
            equal(places[i].number, i < count ? i + 1 : 0, "number");
            equal(places[i].version, i < count ? 1 : 0, "version");
            equal(places[i].snapshot, i < count ? times[i] - 1 : 0, "snapshot");
            equal(places[i].releasableAt, i < count ? times[i] + DELAY : 0, "releasable");
            equal(places[i].expiresAt, i < count ? times[i] + DELAY + WINDOW : 0, "expires");
            equal(places[i].quietUntil, 0, "quiet");
            equal(places[i].epoch, 0, "epoch");
        }
    }

    /// An act keeps the version and epoch that it was scheduled under; a place is used again as soon as its act is void.
    function test_pendingActs_uses_void_places_again(bool byPause) public {
        bytes32 first = schedule(pay(0, 1));
        if (byPause) {
            vm.prank(guardian);
            module.pause();
            vm.prank(owner);
            module.unpause();
        } else {
            put(payroll());
        }
        IPolicyModule.PendingAct[4] memory places = module.pendingActs(ID);
        require(places[0].actId == first && !isLive(first), "void, and still there");
        pass(COOLDOWN);
        bytes32 second = schedule(pay(0, 1));
        places = module.pendingActs(ID);
        require(places[0].actId == second && places[1].actId == 0, "in the same place");
        equal(places[0].version, byPause ? 1 : 2, "version");
        equal(places[0].epoch, byPause ? 1 : 0, "epoch");
    }

    /// A kill leaves its quiet time in the first place, whichever place the act had, and nothing overwrites it.
    function test_pendingActs_remember_the_quiet_time(uint256 which) public {
        bytes32[4] memory ids;
        for (uint256 i; i < 4; ++i) {
            ids[i] = schedule(pay(0, i));
            pass(COOLDOWN);
        }
        uint256 until = block.timestamp + DELAY;
        objectAs(ada, ids[which % 4]);
        equal(module.pendingActs(ID)[0].quietUntil, until, "quiet until");
        equal(module.pendingActs(ID)[which % 4].expiresAt, 0, "free");
        objectAs(ada, ids[(which % 4 + 1) % 4]);
        equal(module.pendingActs(ID)[0].quietUntil, until, "quiet until");
    }

    function test_pending_until_it_expires(uint256 wait) public {
        bytes32 actId = schedule(pay(0, 1));
        wait = bound(wait, 0, 10 days);
        pass(wait);
        (uint256 objections, bool live) = module.pending(ID, actId);
        equal(objections, 0, "objections");
        require(live == (wait < DELAY + WINDOW), "live");
    }

    function test_pending_counts_objections(bool chloeToo) public {
        bytes32 actId = schedule(pay(0, 1));
        objectAs(ben, actId);
        (uint256 objections, bool live) = module.pending(ID, actId);
        equal(objections, 90_000e18, "objections");
        require(live, "live");
        if (!chloeToo) return;
        objectAs(chloe, actId);
        (objections, live) = module.pending(ID, actId);
        equal(objections, 180_000e18, "objections, also after");
        require(!live, "killed");
    }

    function test_pending_ends_with_release() public {
        bytes32 actId = schedule(pay(0, 1));
        pass(DELAY);
        require(isLive(actId), "live");
        release(actId, pay(0, 1));
        require(!isLive(actId), "released");
    }

    function test_pending_ends_with_the_policy(uint40 end) public {
        bytes32 actId = schedule(pay(0, 1));
        end = uint40(bound(end, 0, T0 + 3 days));
        vm.prank(guardian);
        module.shorten(ID, end);
        require(isLive(actId) == (block.timestamp < end / 3600 * 3600), "live");
    }

    /// Of another policy, or not at all.
    function test_pending_of_others(bytes32 policyId, bytes32 actId) public {
        vm.assume(policyId != ID);
        bytes32 mine = schedule(pay(0, 1));
        vm.assume(actId != mine);
        (uint256 objections, bool live) = module.pending(policyId, mine);
        require(!live && objections == 0, "another policy's");
        (objections, live) = module.pending(ID, actId);
        require(!live && objections == 0, "none");
    }

    /// No act has the id zero, though places that were never used have.
    function test_pending_of_nothing() public view {
        require(!isLive(0), "nothing");
    }

    function test_threshold_is_a_share_of_the_past_supply(uint16 bps) public {
        bps = uint16(bound(bps, 1, 10_000));
        Build.Policy memory p = payroll();
        p.objectionBps = bps;
        put(p);
        equal(module.threshold(ID, uint48(block.timestamp - 1)), SUPPLY * bps / 10_000, "threshold");
        equal(module.threshold(ID, uint48(T0 - 1)), 1, "at least one, before there were any votes");
    }

    function test_threshold_revert_NoPolicy(bytes32 other) public {
        vm.assume(other != ID);
        vm.expectRevert(IPolicyModule.NoPolicy.selector);
        module.threshold(other, uint48(block.timestamp - 1));
    }

    /// The future's votes are not known, and the votes token says so.
    function test_threshold_revert_future() public {
        vm.expectRevert();
        module.threshold(ID, uint48(block.timestamp));
    }

    function test_spent_and_ring(uint256 amount, uint256 wait) public {
        amount = bound(amount, 1, MOST);
        execute(pay(0, amount));
        uint256 index = block.timestamp / SEGMENT;
        equal(module.ring(key()), index << 224 | units(amount) << (28 * (index % 8)), "ring");
        wait = bound(wait, 0, 3 * uint256(PERIOD));
        pass(wait);
        bool counts = block.timestamp / SEGMENT - index < 8;
        equal(module.spent(key(), SEGMENT), counts ? units(amount) : 0, "spent");
        if (wait < PERIOD) require(counts, "a whole period at least");
        equal(module.spent("another key", SEGMENT), 0, "another key");
    }

    function test_policyState_of_nothing(bytes32 other) public view {
        if (other == ID) return;
        (address pointer, uint16 version, uint24 number, uint32 lastAct, uint40 end) = module.policyState(other);
        require(pointer == address(0) && version == 0 && number == 0 && lastAct == 0 && end == 0, "nothing");
    }

    function test_immutables() public view {
        require(module.owner() == owner && module.governor() == governor, "owner, governor");
        require(module.treasury() == treasury && module.votesToken() == votes, "treasury, votes token");
        require(module.guardian() == guardian && module.checker().code.length != 0, "guardian, checker");
    }
}
