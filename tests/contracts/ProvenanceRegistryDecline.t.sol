// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProvenanceRegistry} from "../../contracts/src/IProvenanceRegistry.sol";
import {ProvenanceBase} from "./support/ProvenanceBase.sol";

/// @notice Several parties decline, signed or not: each one's refusal stands beside the others' (docs/assurance.md,
/// "Mutation").
contract ProvenanceRegistryDeclineTest is ProvenanceBase {
    function test_decline_one_after_another() public {
        bytes32 id = registry.open(RECORDING, TEXT, people, 5);
        registry.sign(id, words(id, 0, 3));
        uint256 declined;
        for (uint256 i = 1; i < 5; ++i) {
            vm.prank(people[i]);
            registry.decline(id, i);
            declined |= 1 << i;
            IProvenanceRegistry.Statement memory now_ = registry.statement(id);
            equal(now_.declined, declined, "declined");
            equal(now_.signed, 7 & ~declined, "signed");
            equal(now_.signatures, i == 1 ? 2 : 1, "signatures");
            for (uint256 j = 1; j <= i; ++j) {
                bytes memory problem = abi.encodeWithSelector(IProvenanceRegistry.HasDeclined.selector, people[j]);
                refuse(id, j, word(id, j), problem);
                vm.prank(people[j]);
                vm.expectRevert(problem);
                registry.decline(id, j);
            }
        }
    }
}
