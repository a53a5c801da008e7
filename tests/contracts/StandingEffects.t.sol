// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice Streams, debts, operators, signatures and changes of control: no rule may name one. What else is on the list is
/// in PolicyCheckerEdges.t.sol.
contract StandingEffectsTest is Base {
    using Build for Build.Policy;

    function test_standing_effects_of_other_families() public {
        string[50] memory known = [
            "grantPermissions(address,address)",
            "updateFlowOperatorPermissions(address,address,uint8,int96)",
            "setUserPositionManager(address,bool)",
            "setDelegate(address)",
            "urnAllow(address,uint256)",
            "allowBySig(address,address,bool,uint256,uint256,uint8,bytes32,bytes32)",
            "setAuthorizationWithSig((address,address,bool,uint256,uint256),(uint8,bytes32,bytes32))",
            "delegationWithSig(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "setDelegate(bytes32,address)",
            "delegateByType(address,uint8)",
            "setFlowrate(address,address,int96)",
            "createFlow(address,address,address,int96,bytes)",
            "updateFlow(address,address,address,int96,bytes)",
            "distributeFlow(address,address,address,int96,bytes)",
            "callAgreement(address,bytes,bytes)",
            "forwardBatchCall((uint32,address,bytes)[])",
            "batchCall((uint32,address,bytes)[])",
            "createStream(address,uint216)",
            "createStreamWithReason(address,uint216,string)",
            "depositAndCreate(uint256,address,uint216)",
            "create(address,address,uint128,address,bool)",
            "create(address,address,uint128,uint40,address,bool)",
            "adjustRatePerSecond(uint256,uint128)",
            "borrow(address,uint256,uint256,uint16,address)",
            "setUserUseReserveAsCollateral(address,bool)",
            "enterMarkets(address[])",
            "borrow(uint256)",
            "transferOwnership(address)",
            "grantRole(bytes32,address)",
            "grantRole(uint64,address,uint32)",
            "setOwner(address)",
            "setOwner(bytes32,address)",
            "setRecord(bytes32,address,address,uint64)",
            "setSubnodeOwner(bytes32,bytes32,address)",
            "setSubnodeRecord(bytes32,bytes32,address,address,uint64)",
            "setResolver(bytes32,address)",
            "rely(address)",
            "addMinter(address)",
            "setMinter(address)",
            "configureMinter(address,uint256)",
            "upgradeTo(address)",
            "upgradeToAndCall(address,bytes)",
            "changeAdmin(address)",
            "enableModule(address)",
            "addOwnerWithThreshold(address,uint256)",
            "setFallbackHandler(address)",
            "setGuard(address)",
            "setPendingAdmin(address)",
            "setInterfaceImplementer(address,bytes32,address)",
            "setSafeMethod(bytes4,bytes32)"
        ];
        for (uint256 i; i < known.length; ++i) {
            bytes4 selector = bytes4(keccak256(bytes(known[i])));
            refusePolicy(naming(selector), 120, "outlives every budget");
            put(naming(bytes4(uint32(selector) + 1))); // and none beside it
        }
    }

    /// Exceptions, each with its reason: a wrap, and a stream whose whole deposit is charged when it begins.
    function test_functions_that_only_sound_alike() public {
        string[4] memory harmless = [
            "upgrade(uint256)",
            "downgrade(uint256)",
            "createStream(address,uint256,address,uint256,uint256)",
            "castVote(uint256,uint8)"
        ];
        for (uint256 i; i < harmless.length; ++i) {
            put(naming(bytes4(keccak256(bytes(harmless[i])))));
        }
    }

    function naming(bytes4 selector) private view returns (Build.Policy memory p) {
        p = payroll();
        (p.budgets, p.lists) = (new bytes[](0), new bytes[](0));
        p.rules = one(Build.rule(usdc, selector, 0, 1, "", ""));
    }
}
