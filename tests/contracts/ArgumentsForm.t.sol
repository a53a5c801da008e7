// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

/// @notice A tail that is wrong in any way is wrong for good: no second tail, whose offset points to the data's first
/// bytes, makes the sizes end with the data after all (docs/assurance.md, "Mutation").
contract ArgumentsFormTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    Sink private sink;

    function setUp() public override {
        super.setUp();
        sink = new Sink();
    }

    function test_form_that_goes_on_in_front_of_the_data() public {
        wrong(1, ""); // no room for a length
        wrong(0, "");
        wrong(1, abi.encode(33)); // more than there is
        wrong(0, abi.encode(1000));
        wrong(0, abi.encode(30, 1)); // bytes, which are not padded with zeros
        wrong(0, abi.encodePacked(uint256(33), uint256(0))); // bytes, whose padding has no room
        wrong(1, abi.encode(0)); // no element
        wrong(1, abi.encode(2)); // two elements, with room for less than one
        wrong(2, abi.encode(1)); // one of two words
    }

    /// Of three words, a static one, a tail of this width, and an array whose length is read from byte 0 or 1.
    function wrong(uint8 width, bytes memory tail) private {
        Build.Policy memory p = payroll();
        (p.budgets, p.lists) = (new bytes[](0), new bytes[](0));
        Build.Rule memory rule = Build.rule(address(sink), bytes4(0), 0, 3, "", "");
        p.rules = one(rule.dynamic(abi.encodePacked(Build.array(1, width), Build.array(2, 1))));
        put(p);
        for (uint256 from; from < 2; ++from) {
            for (uint256 count = 3; count < 6; ++count) {
                // The data end where that array does; what is missing to it is noise.
                uint256 size = from + 32 + 32 * count;
                if (size < 100 + tail.length) continue;
                bytes memory rest = new bytes(size - 100 - tail.length);
                for (uint256 i; i < rest.length; ++i) {
                    rest[i] = 0xee;
                }
                uint256 length = count << (32 - 8 * from);
                uint256 back = type(uint256).max - 3 + from; // offsets count from behind the selector
                bytes memory data = abi.encodePacked(bytes4(0), length, uint256(96), back, tail, rest);
                equal(data.length, size, "size");
                refuseExecute(calling(address(sink), 0, data), err(IPolicyModule.BadCalldata.selector, 0));
            }
        }
    }
}
