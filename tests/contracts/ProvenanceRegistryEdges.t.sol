// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProvenanceRegistry} from "../../contracts/src/IProvenanceRegistry.sol";
import {ProvenanceBase} from "./support/ProvenanceBase.sol";

/// @notice The registry at its edges: the last byte of a text, the last party, the second, and each state that an entry
/// can be in, written out (docs/assurance.md, "Mutation"). ProvenanceRegistry.t.sol draws its values.
contract ProvenanceRegistryEdgesTest is ProvenanceBase {
    // ---------------------------------------------------------------- texts and parties

    function test_text_to_the_last_byte() public {
        string memory longest = string(new bytes(1024));
        string memory longer = string(new bytes(1025));
        bytes memory problem = abi.encodeWithSelector(IProvenanceRegistry.TooLong.selector, 1025);
        vm.startPrank(timelock);
        vm.expectRevert(problem);
        registry.register(MODEL, A_MODEL, longer);
        registry.register(MODEL, A_MODEL, longest);
        vm.expectRevert(problem);
        registry.relocate(MODEL, longer);
        registry.relocate(MODEL, longest);
        vm.stopPrank();
        vm.expectRevert(problem);
        registry.open(RECORDING, longer, people, 5);
        registry.open(RECORDING, longest, people, 5);
    }

    function test_parties_and_threshold_to_the_last() public {
        for (uint256 count = 255; count < 258; ++count) {
            address[] memory parties = new address[](count);
            for (uint256 i; i < count; ++i) {
                parties[i] = address(uint160(i + 1)); // from the first address that is not zero
            }
            if (count > 256) {
                vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadPartyCount.selector, count));
                registry.open(RECORDING, TEXT, parties, 1);
                continue;
            }
            vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadThreshold.selector, count + 1));
            registry.open(RECORDING, TEXT, parties, count + 1);
            vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadThreshold.selector, 0));
            registry.open(RECORDING, TEXT, parties, 0);
            registry.open(RECORDING, TEXT, parties, 1);
            bytes32 id = registry.open(RECORDING, TEXT, parties, count);
            // The last party's bit is its own.
            vm.prank(parties[count - 1]);
            registry.sign(id, one(count - 1, ""));
            require(registry.statement(id).signed == uint256(1) << (count - 1), "signed");
            vm.prank(parties[count - 1]);
            registry.decline(id, count - 1);
            require(registry.statement(id).declined == uint256(1) << (count - 1), "declined");
            require(registry.statement(id).signed == 0 && registry.statement(id).signatures == 0, "and not signed");
            vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NoParty.selector, count));
            registry.sign(id, one(count, ""));
            vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NoParty.selector, count));
            registry.decline(id, count);
        }
    }

    /// Each place that breaks the order is named: the same party twice, or one that comes before.
    function test_parties_ascend_at_every_place() public {
        for (uint256 place; place < 5; ++place) {
            address[] memory parties = people;
            address before = place == 0 ? address(0) : parties[place - 1];
            for (uint256 i; i < 2; ++i) {
                parties[place] = i == 0 || place == 0 ? before : address(uint160(before) - 1);
                vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NotAscending.selector, place));
                registry.open(RECORDING, TEXT, parties, 1);
            }
            if (place == 4) continue;
            parties[place] = address(uint160(before) + 1);
            registry.open(RECORDING, TEXT, parties, 1);
        }
    }

    // ---------------------------------------------------------------- signing

    /// Complete with the signature that is the threshold's, in its second, and never again.
    function test_complete_with_each_threshold() public {
        for (uint256 threshold = 1; threshold <= 5; ++threshold) {
            vm.warp(T0);
            bytes32 id = registry.open(RECORDING, TEXT, people, threshold);
            for (uint256 i; i < 5; ++i) {
                vm.warp(T0 + 10 * (i + 1));
                registry.sign(id, one(i, word(id, i)));
                IProvenanceRegistry.Statement memory now_ = registry.statement(id);
                equal(now_.signatures, i + 1, "signatures");
                equal(now_.signed, 2 ** (i + 1) - 1, "signed");
                equal(now_.completedAt, i + 1 < threshold ? 0 : T0 + 10 * threshold, "completed");
                equal(now_.openedAt, T0, "opened");
                require(registry.isComplete(id) == (i + 1 >= threshold), "complete");
            }
        }
    }

    // ---------------------------------------------------------------- entries

    /// Only what is in force can be superseded, and only by what is in force. Of the states that there are: never
    /// registered, in force, superseded, withdrawn, superseded and withdrawn.
    function test_supersede_in_every_state() public {
        for (uint256 i; i < 5; ++i) {
            for (uint256 j; j < 5; ++j) {
                bytes32 first = keccak256(abi.encode("first", i, j));
                bytes32 second = keccak256(abi.encode("second", i, j));
                bring(first, i);
                bring(second, j);
                require(registry.isInForce(first) == (i == 1), "in force");
                uint40 endedBefore = registry.entry(first).endedAt;
                bytes4 problem = IProvenanceRegistry.NotInForce.selector;
                if (i != 1 || j != 1) vm.expectRevert(err(problem, i != 1 ? first : second));
                supersede(first, second);
                IProvenanceRegistry.Entry memory entry = registry.entry(first);
                if (i != 1 || j != 1) equal(entry.endedAt, endedBefore, "as before");
                else require(entry.endedAt == block.timestamp && entry.successor == second, "superseded");
            }
        }
    }

    /// No hash is registered twice, in whatever state it is.
    function test_register_in_every_state() public {
        for (uint256 i; i < 5; ++i) {
            bytes32 hash = keccak256(abi.encode("hash", i));
            bring(hash, i);
            if (i != 0) vm.expectRevert(err(IProvenanceRegistry.AlreadyRegistered.selector, hash));
            register(hash, A_DATA_SET);
            equal(uint256(registry.entry(hash).kind), uint256(i == 0 ? A_DATA_SET : A_MODEL), "kind");
        }
    }

    /// To withdraw what was superseded does not change when it ended; to withdraw twice is a mistake.
    function test_withdraw_in_every_state() public {
        for (uint256 i; i < 5; ++i) {
            vm.warp(T0 + 100 * i);
            bytes32 hash = keccak256(abi.encode("hash", i));
            bring(hash, i);
            vm.warp(T0 + 100 * i + 7);
            if (i == 0) vm.expectRevert(err(IProvenanceRegistry.NotRegistered.selector, hash));
            if (i > 2) vm.expectRevert(err(IProvenanceRegistry.AlreadyWithdrawn.selector, hash));
            withdraw(hash);
            uint256 ended = registry.entry(hash).endedAt;
            equal(ended, i == 0 ? 0 : T0 + 100 * i + (i == 1 ? 7 : 0), "ended");
            require(registry.entry(hash).withdrawn == (i != 0), "withdrawn");
        }
    }

    /// Of a second that is not over nobody can say whether it was in force to its end.
    function test_wasInForce_to_the_second() public {
        register(MODEL, A_MODEL);
        vm.warp(T0 + 10);
        require(registry.wasInForce(MODEL, T0) && registry.wasInForce(MODEL, T0 + 9), "while in force");
        require(!registry.wasInForce(MODEL, T0 - 1) && !registry.wasInForce(BETTER, T0), "before, and never");
        for (uint256 time = T0 + 10; time < T0 + 12; ++time) {
            vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NotYet.selector, time));
            registry.wasInForce(MODEL, time);
        }
        withdraw(MODEL);
        vm.warp(T0 + 12);
        require(registry.wasInForce(MODEL, T0 + 9), "the last second");
        require(!registry.wasInForce(MODEL, T0 + 10) && !registry.wasInForce(MODEL, T0 + 11), "after");
    }

    function bring(bytes32 hash, uint256 state) private {
        if (state == 0) return;
        register(hash, A_MODEL);
        if (state == 2 || state == 4) {
            bytes32 next = keccak256(abi.encode(hash));
            register(next, A_MODEL);
            supersede(hash, next);
        }
        if (state > 2) withdraw(hash);
    }
}
