// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice The same calls may be laid out in calldata in many ways. What is named, what is checked and what is performed
/// must be the same in all of them.
contract CallsTest is Base {
    using Build for Build.Policy;

    uint256 private seed;

    function setUp() public override {
        super.setUp();
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        put(p);
    }

    function test_calls_have_one_name_however_they_lie(uint256 seed_, uint256 count, uint256 most) public {
        seed = seed_;
        IPolicyModule.Call[] memory calls = some(bound(count, 1, 5), bound(most, 1, 2400 * USDC));
        bytes memory data = abi.encodePacked(
            IPolicyModule.schedule.selector, abi.encode(ID, codehash, 160, 1, DECISION), scattered(calls)
        );
        (bool done, bytes memory returned) = send(data);
        require(done && abi.decode(returned, (bytes32)) == actIdOf(calls, 2, 1), "the name");
        pass(DELAY);
        data = abi.encodePacked(
            IPolicyModule.release.selector, abi.encode(ID, 1, 128, DECISION), scattered(calls)
        ); // laid out in yet another way
        (done,) = send(data);
        require(done && isOver(actIdOf(calls, 2, 1)), "released");
        paid(calls);
    }

    function test_calls_are_checked_as_they_are_performed(uint256 seed_, uint256 count, uint256 most) public {
        seed = seed_;
        IPolicyModule.Call[] memory calls = some(bound(count, 1, 4), bound(most, 1, 3000 * USDC));
        bytes memory data = abi.encodePacked(
            IPolicyModule.execute.selector, abi.encode(ID, codehash, 160, 1, DECISION), scattered(calls)
        );
        (bool done, bytes memory reason) = send(data);
        uint256 sum = total(calls);
        if (units(sum) <= INSTANT) {
            require(done, "performed");
            paid(calls);
            equal(module.spent(key(), SEGMENT), units(sum), "spent");
        } else {
            bytes4 selector =
                units(sum) > LIMIT ? IPolicyModule.OverBudget.selector : IPolicyModule.OverInstant.selector;
            require(!done && bytes4(reason) == selector, "over");
        }
    }

    /// One wrong call among them is found wherever it lies.
    function test_calls_one_wrong_call_is_found(uint256 seed_, uint256 count, uint256 wrong) public {
        seed = seed_;
        count = bound(count, 1, 5);
        wrong = wrong % count;
        IPolicyModule.Call[] memory calls = some(count, 1000 * USDC);
        calls[wrong].data = abi.encodeWithSelector(TRANSFER, stranger, 1);
        bytes memory data = abi.encodePacked(
            IPolicyModule.execute.selector, abi.encode(ID, codehash, 160, 1, DECISION), scattered(calls)
        );
        (bool done, bytes memory reason) = send(data);
        require(!done, "refused");
        bytes memory expected =
            abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, wrong, 0, 0, uint256(uint160(stranger)));
        require(keccak256(reason) == keccak256(expected), "for that call's clause");
    }

    /// A call's data may begin inside the calldata and end behind it: what is missing is zeros, for all who look.
    function test_calls_data_behind_the_calldata_is_zeros(uint256 cut) public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.cooldown = 0;
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(address(sink), TRANSFER, 0, 2, Build.clause(1, EQUAL, 0), ""));
        put(p);
        bytes memory whole = abi.encodeWithSelector(TRANSFER, people[0], 0);
        IPolicyModule.Call[] memory calls = calling(address(sink), 0, whole);
        bytes32 actId = schedule(calls);
        require(actId == actIdOf(calls, 3, 1), "the name");
        pass(DELAY);
        bytes memory head = abi.encode(ID, 1, 128, DECISION, 1, 32);
        bytes memory data =
            abi.encodePacked(IPolicyModule.release.selector, head, abi.encode(sink, 0, 96, uint256(68)), whole);
        cut = bound(cut, 0, 32); // the last word is zeros, there or not
        assembly {
            mstore(data, sub(mload(data), cut))
        }
        (bool done,) = send(data);
        require(done && sink.last() == keccak256(whole), "performed as it was checked");
    }

    /// A call that lies behind the calldata altogether is a call to nobody, which no policy permits.
    function test_calls_behind_the_calldata_are_calls_to_nobody(uint256 offset) public {
        offset = bound(offset, 64, type(uint256).max - 2000);
        bytes memory data = abi.encodePacked(
            IPolicyModule.execute.selector, abi.encode(ID, codehash, 160, 1, DECISION, 1, offset)
        );
        (bool done, bytes memory reason) = send(data);
        require(!done, "refused");
        bytes memory expected = abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, address(0), bytes4(0));
        require(keccak256(reason) == keccak256(expected), "nobody");
    }

    /// More calls than the calldata holds offsets for are refused before anything is read.
    function test_calls_revert_moreThanThereAre(uint256 count) public {
        count = bound(count, 2, type(uint256).max);
        IPolicyModule.Call memory call_ = pay(0, 1)[0];
        bytes memory data = abi.encodePacked(
            IPolicyModule.execute.selector,
            abi.encode(ID, codehash, 160, 1, DECISION, count, 32),
            abi.encode(call_.to, 0, 96, uint256(68)),
            call_.data
        );
        (bool done,) = send(data);
        require(!done, "refused");
        equal(IERC20(usdc).balanceOf(treasury), 1_000_000 * USDC, "nothing left");
    }

    /// Bits above an address are no part of it: not where it is looked up, nor named, nor called.
    function test_calls_dirty_bits_above_the_target(uint96 dirt) public {
        IPolicyModule.Call memory call_ = pay(0, 5)[0];
        schedule(pay(0, 5));
        pass(DELAY);
        bytes memory data = abi.encodePacked(
            IPolicyModule.release.selector,
            abi.encode(ID, 1, 128, DECISION, 1, 32),
            abi.encode(uint256(dirt) << 160 | uint160(usdc), 0, 96, uint256(68)),
            call_.data
        );
        (bool done,) = send(data);
        require(done, "released as what it was scheduled as");
        equal(IERC20(usdc).balanceOf(address(uint160(people[0]))), 5, "paid");
        data = abi.encodePacked(
            IPolicyModule.execute.selector,
            abi.encode(ID, codehash, 160, 2, DECISION, 1, 32),
            abi.encode(uint256(dirt) << 160 | 1, 0, 96, uint256(68)),
            call_.data
        );
        bytes memory reason;
        (done, reason) = send(data);
        bytes memory expected = abi.encodeWithSelector(IPolicyModule.NoRule.selector, 0, address(1), TRANSFER);
        require(!done && keccak256(reason) == keccak256(expected), "no other target");
    }

    /// The name tells apart what differs: every field, every byte of data, its length, the order, and how data is shared
    /// out among calls.
    function test_calls_names_differ(uint256 what, uint256 position, uint8 bit) public {
        IPolicyModule.Call[] memory calls = payTwice(7, 9);
        bytes32 name = actIdOf(calls, 2, 1);
        bytes32 actId = schedule(calls);
        require(actId == name, "name");
        pass(DELAY);
        what = bound(what, 0, 6);
        if (what == 0) calls[position % 2].to = address(uint160(calls[position % 2].to) ^ uint160(1 << (bit % 160)));
        if (what == 1) calls[position % 2].value ^= 1 << bit;
        if (what == 2) calls[position % 2].data[position % 68] ^= bytes1(uint8(1 << (bit % 8)));
        if (what == 3) calls[position % 2].data = abi.encodePacked(calls[position % 2].data, bytes1(0));
        if (what == 4) (calls[0], calls[1]) = (calls[1], calls[0]);
        if (what == 5) calls = pay(0, 7);
        if (what == 6) {
            IPolicyModule.Call[] memory more = new IPolicyModule.Call[](3);
            (more[0], more[1]) = (calls[0], calls[1]);
            calls = more;
        }
        refuseRelease(actId, calls, err(IPolicyModule.OtherCalls.selector));
    }

    /// Nor can the decision be another.
    function test_calls_the_decision_is_part_of_the_name(bytes32 other) public {
        vm.assume(other != DECISION);
        schedule(pay(0, 1));
        pass(DELAY);
        vm.prank(agent);
        vm.expectRevert(IPolicyModule.OtherCalls.selector);
        module.release(ID, 1, pay(0, 1), other);
    }

    // ---------------------------------------------------------------- what the treasury answers

    /// A treasury whose answer is not two words and bytes, as the interface says, is not believed.
    function test_perform_revert_malformedAnswer(uint256 length, uint256 offset, uint256 size) public {
        length = bound(length, 0, 200);
        offset = offset % 3 == 0 ? 64 : offset;
        size = size % 2 == 0 ? bound(size, 0, 200) : size;
        bytes memory answer = abi.encodePacked(abi.encode(true, offset, size, 1), new bytes(72));
        assembly {
            mstore(answer, length)
        }
        mockTreasury(answer);
        vm.prank(agent);
        if (length < 96 || offset != 64 || size > length - 96) {
            vm.expectRevert(bytes(""));
            module.execute(ID, codehash, pay(0, 1), 1, DECISION);
        } else if (size == 0 || size >= 32) {
            module.execute(ID, codehash, pay(0, 1), 1, DECISION); // nothing, or a first word of 1: true
        } else {
            vm.expectRevert(err(IPolicyModule.NotTrue.selector, 0));
            module.execute(ID, codehash, pay(0, 1), 1, DECISION);
        }
    }

    /// Only 1 is success.
    function test_perform_revert_CallFailed_oddSuccess(uint256 success, bytes memory returned) public {
        vm.assume(success != 1);
        mockTreasury(abi.encodePacked(abi.encode(success, 64, returned.length), returned));
        refuseExecute(pay(0, 1), abi.encodeWithSelector(IPolicyModule.CallFailed.selector, 0, returned));
    }

    function mockTreasury(bytes memory answer) private {
        vm.mockCall(
            treasury,
            abi.encodePacked(bytes4(keccak256("execTransactionFromModuleReturnData(address,uint256,bytes,uint8)"))),
            answer
        );
    }

    // ---------------------------------------------------------------- scattering

    /// The calls as an ABI-encoded array, but with their parts in any order, at any place, garbage between them. Offsets
    /// only ever point within the calldata, since an event writes them out again.
    function scattered(IPolicyModule.Call[] memory calls) private returns (bytes memory) {
        uint256 count = calls.length;
        uint256[] memory tuples = new uint256[](count); // where they lie, from the first offset on
        uint256[] memory tails = new uint256[](count);
        bytes memory heap;
        uint256 start = 32 * count;
        uint256 left = 2 * count;
        while (left != 0) {
            heap = abi.encodePacked(heap, garbage());
            uint256 i = random() % count;
            if (random() % 2 == 0) {
                if (tuples[i] != 0) continue;
                tuples[i] = start + heap.length;
                heap = abi.encodePacked(heap, new bytes(96));
            } else {
                if (tails[i] != 0) continue;
                tails[i] = start + heap.length;
                heap = abi.encodePacked(heap, calls[i].data.length, calls[i].data);
            }
            --left;
        }
        heap = abi.encodePacked(heap, garbage(), new bytes(64));
        bytes memory offsets;
        for (uint256 i; i < count; ++i) {
            offsets = abi.encodePacked(offsets, tuples[i]);
            uint256 relative;
            unchecked {
                relative = tails[i] - tuples[i]; // also backwards
            }
            bytes memory tuple = abi.encode(calls[i].to, calls[i].value, relative);
            for (uint256 j; j < 96; ++j) {
                heap[tuples[i] - start + j] = tuple[j];
            }
        }
        return abi.encodePacked(count, offsets, heap);
    }

    function garbage() private returns (bytes memory all) {
        all = new bytes(random() % 40);
        for (uint256 i; i < all.length; ++i) {
            all[i] = bytes1(uint8(random()));
        }
    }

    function random() private returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed;
    }

    // ---------------------------------------------------------------- small things

    function some(uint256 count, uint256 most) private returns (IPolicyModule.Call[] memory calls) {
        calls = new IPolicyModule.Call[](count);
        for (uint256 i; i < count; ++i) {
            calls[i] = pay(i, random() % (most + 1))[0];
        }
    }

    function total(IPolicyModule.Call[] memory calls) private pure returns (uint256 sum) {
        for (uint256 i; i < calls.length; ++i) {
            sum += amountOf(calls[i].data);
        }
    }

    function paid(IPolicyModule.Call[] memory calls) private view {
        for (uint256 i; i < calls.length; ++i) {
            equal(IERC20(usdc).balanceOf(address(uint160(people[i % 5]))), amountOf(calls[i].data), "balance");
        }
    }

    function amountOf(bytes memory data) private pure returns (uint256 amount) {
        assembly {
            amount := mload(add(data, 68))
        }
    }

    function send(bytes memory data) private returns (bool done, bytes memory returned) {
        vm.prank(agent);
        return address(module).call(data);
    }
}
