// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base, IDelegate} from "./support/Base.sol";

contract ObjectTest is Base {
    event ActObjected(
        bytes32 indexed policyId,
        bytes32 indexed actId,
        address indexed account,
        uint256 power,
        uint256 total,
        uint256 threshold
    );
    event ActKilled(bytes32 indexed policyId, bytes32 indexed actId, uint256 total);

    bytes32 private actId;

    function setUp() public override {
        super.setUp();
        actId = schedule(pay(0, 5000 * USDC));
        pass(1);
    }

    function test_object_below_the_threshold_lets_it_live() public {
        vm.expectEmit(true, true, true, true, address(module));
        emit ActObjected(ID, actId, ben, 90_000e18, 90_000e18, 100_000e18);
        objectAs(ben, actId);
        pass(DELAY);
        release(actId, pay(0, 5000 * USDC));
    }

    function test_object_at_the_threshold_kills() public {
        objectAs(ben, actId);
        vm.expectEmit(true, true, true, true, address(module));
        emit ActObjected(ID, actId, chloe, 90_000e18, 180_000e18, 100_000e18);
        vm.expectEmit(true, true, true, true, address(module));
        emit ActKilled(ID, actId, 180_000e18);
        objectAs(chloe, actId);
        (uint256 objections, bool live) = module.pending(ID, actId);
        require(isOver(actId) && !live, "killed");
        equal(objections, 180_000e18, "objections");
        pass(DELAY);
        refuseRelease(actId, pay(0, 5000 * USDC), err(IPolicyModule.NotPending.selector));
    }

    /// Exactly the threshold is enough, one vote less is not.
    function test_object_threshold_is_exact(bool oneLess) public {
        vm.prank(ada);
        IERC20(votes).transfer(address(0x777), 200_000e18 + (oneLess ? 1 : 0)); // ada keeps 10 % or one less
        pass(COOLDOWN);
        bytes32 id = schedule(pay(0, 1));
        objectAs(ada, id);
        require(isOver(id) == !oneLess && isLive(id) == oneLess, "threshold");
    }

    function test_object_several_at_once() public {
        pass(COOLDOWN);
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = (actId, schedule(pay(1, 1)));
        vm.prank(ada);
        module.object(ID, ids);
        for (uint256 i; i < 2; ++i) {
            require(isOver(ids[i]), "killed");
        }
    }

    function test_object_revert_AlreadyObjected() public {
        objectAs(ben, actId);
        vm.expectRevert(IPolicyModule.AlreadyObjected.selector);
        this.objectExternal(ben, actId);
    }

    function test_object_revert_AlreadyObjected_sameIdTwice() public {
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = (actId, actId);
        vm.prank(ben);
        vm.expectRevert(IPolicyModule.AlreadyObjected.selector);
        module.object(ID, ids);
    }

    function test_object_revert_NoPower(address who) public {
        vm.assume(who != ada && who != ben && who != chloe);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        this.objectExternal(who, actId);
    }

    function test_object_revert_NoPower_undelegated() public {
        vm.expectRevert(IPolicyModule.NoPower.selector);
        this.objectExternal(owner, actId); // 52 % of the supply, delegated to nobody
    }

    /// Power counts as it stood before scheduling: what is bought, borrowed or delegated since then does not.
    function test_object_revert_NoPower_movedVotes() public {
        vm.prank(ada);
        IERC20(votes).transfer(dana, 300_000e18);
        vm.prank(dana);
        IDelegate(votes).delegate(dana);
        pass(1);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        this.objectExternal(dana, actId);
        objectAs(ada, actId); // and what is sold since then does
    }

    function test_object_delegated_power_counts_at_the_delegate() public {
        vm.prank(ada);
        IDelegate(votes).delegate(dana);
        pass(COOLDOWN);
        bytes32 id = schedule(pay(1, 1));
        vm.expectRevert(IPolicyModule.NoPower.selector);
        this.objectExternal(ada, id);
        objectAs(dana, id);
        require(isOver(id), "killed");
    }

    /// Votes that arrive in the second of scheduling come too late, so a loan inside one transaction is worth nothing.
    function test_object_revert_NoPower_votesOfTheSameSecond() public {
        pass(COOLDOWN);
        vm.prank(ada);
        IDelegate(votes).delegate(dana);
        bytes32 id = schedule(pay(1, 1));
        vm.expectRevert(IPolicyModule.NoPower.selector);
        this.objectExternal(dana, id);
    }

    function test_object_revert_NotPending(bytes32 other) public {
        vm.assume(other != actId);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        this.objectExternal(ada, other);
    }

    function test_object_revert_NotPending_killed() public {
        objectAs(ada, actId);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        this.objectExternal(ben, actId);
    }

    function test_object_revert_Expired(uint256 wait) public {
        uint256 due = block.timestamp - 1 + DELAY + WINDOW;
        pass(bound(wait, DELAY + WINDOW, 300 days));
        vm.expectRevert(err(IPolicyModule.Expired.selector, due));
        this.objectExternal(ada, actId);
    }

    function test_object_revert_Voided() public {
        put(payroll());
        vm.expectRevert(IPolicyModule.Voided.selector);
        this.objectExternal(ada, actId);
    }

    /// In the window after the delay, too, as long as it is not released.
    function test_object_counts_until_release(uint256 wait) public {
        pass(bound(wait, DELAY, DELAY + WINDOW - 2));
        objectAs(ada, actId);
        refuseRelease(actId, pay(0, 5000 * USDC), err(IPolicyModule.NotPending.selector));
    }

    /// The prank must be the call that expectRevert watches.
    function objectExternal(address member, bytes32 id) external {
        objectAs(member, id);
    }
}
