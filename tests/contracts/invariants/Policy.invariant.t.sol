// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Adversary} from "./Adversary.sol";
import {BlockVotes, TestSafe} from "./Hostile.sol";
import {IVotesToken} from "./World.sol";

/// @notice Our own treasury, votes by time. The targets tell what they were called with.
contract OwnTreasury is Adversary {
    function build(address[] memory holders, uint256[] memory amounts) internal override returns (bool) {
        votes = IVotesToken(vm.deployCode("VotesToken.sol:VotesToken", abi.encode("Mandate", "MAND", holders, amounts)));
        treasury = payable(vm.deployCode("Treasury.sol:Treasury", abi.encode(owner, new address[](0))));
        return false;
    }

    function enableModule() internal override {
        vm.prank(owner);
        (bool done,) = treasury.call(abi.encodeWithSignature("enableModule(address)", module));
        require(done);
    }
}

/// @notice A treasury that obeys any module in anything, as a Safe does; votes by block. The treasury tells what it did.
contract ForeignTreasury is Adversary {
    function build(address[] memory holders, uint256[] memory amounts) internal override returns (bool) {
        votes = IVotesToken(address(new BlockVotes(holders, amounts)));
        treasury = payable(address(new TestSafe(journal)));
        return true;
    }

    function enableModule() internal override {
        TestSafe(treasury).enableModule(address(module));
    }
}

abstract contract PolicyInvariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Adversary internal world;

    function setUp() public virtual;

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(world);
    }

    /// @dev A step is drawn by its weight: how often it stands here.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(world);
        bytes4[] memory s = new bytes4[](20);
        for (uint256 i; i < 6; ++i) {
            s[i] = Adversary.execute.selector;
        }
        (s[6], s[7], s[8]) = (Adversary.schedule.selector, Adversary.schedule.selector, Adversary.release.selector);
        (s[9], s[10], s[11]) = (Adversary.release.selector, Adversary.release.selector, Adversary.wait.selector);
        (s[12], s[13], s[14]) = (Adversary.wait.selector, Adversary.vote.selector, Adversary.vote.selector);
        (s[15], s[16], s[17]) = (Adversary.stop.selector, Adversary.stop.selector, Adversary.decide.selector);
        (s[18], s[19]) = (Adversary.turn.selector, Adversary.code.selector);
        targets[0].selectors = s;
    }

    /// Every step checks the act it has tried; here, what module and ghosts must agree on between any two steps.
    /// `make test` runs few; the long form is run.py beside this file. No step takes more than a seed, so values that the
    /// fuzzer has seen on chain are worth nothing.
    function invariant_properties() public view {
        world.check();
    }

    function afterInvariant() public {
        world.finish();
    }
}

/// forge-config: default.invariant.runs = 6
/// forge-config: default.invariant.depth = 120
/// forge-config: default.invariant.dictionary_weight = 0
/// forge-config: default.invariant.include_storage = false
/// forge-config: default.invariant.include_push_bytes = false
contract OwnTreasuryInvariantTest is PolicyInvariants {
    function setUp() public override {
        world = new OwnTreasury();
    }
}

/// forge-config: default.invariant.runs = 6
/// forge-config: default.invariant.depth = 120
/// forge-config: default.invariant.dictionary_weight = 0
/// forge-config: default.invariant.include_storage = false
/// forge-config: default.invariant.include_push_bytes = false
contract ForeignTreasuryInvariantTest is PolicyInvariants {
    function setUp() public override {
        world = new ForeignTreasury();
    }
}
