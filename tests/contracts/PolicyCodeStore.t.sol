// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PolicyCode} from "../../contracts/src/libraries/PolicyCode.sol";
import {Base} from "./support/Base.sol";

/// @notice Storing by itself, without the checker that would refuse such a length (docs/assurance.md, "Mutation").
contract PolicyCodeStoreTest is Base {
    /// The length stands in 16 bits: of more bytes only the first would be stored, so none are.
    function test_store_takes_no_more_than_it_can_count() public {
        for (uint256 more; more < 3; ++more) {
            bytes memory code_ = new bytes(65_535 + more);
            vm.expectRevert(PolicyCode.NotStored.selector);
            this.store(code_);
        }
    }

    function store(bytes calldata code_) external returns (address) {
        return PolicyCode.store(code_);
    }
}
