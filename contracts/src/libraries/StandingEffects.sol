// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title StandingEffects
/// @notice Functions that authorise somebody to take value *later*, past every budget, or that give control away. No
/// rule may name one, but for an ERC-20's `approve` under a rule that demands the allowance back to zero at the end of
/// the act.
/// @dev A list can't be complete: any contract may have such a function under another name. It catches what is known;
/// the people who vote see target and selector of the rest, and the explanation says that foreign code is not bounded
/// in time. Written by contracts/scripts/standing_effects.py from policies/code/outliving.tsv, which the compiler of
/// policies reads too: change the list there.
library StandingEffects {
    /// @notice Whether the selector is one of the known ones.
    function has(bytes4 selector) internal pure returns (bool) {
        return _allowance(selector)
            || _operator(selector)
            || _signature(selector)
            || _power(selector)
            || _stream(selector)
            || _debt(selector)
            || _control(selector);
    }

    function _allowance(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("approve(address,uint256)")) // ERC-20, ERC-721
            || s == bytes4(keccak256("increaseAllowance(address,uint256)"))
            || s == bytes4(keccak256("increaseApproval(address,uint256)"))
            || s == bytes4(keccak256("approve(address,uint256,uint256)")) // ERC-6909
            || s == bytes4(keccak256("approve(uint256,address,uint256)")) // ERC-3525
            || s == bytes4(keccak256("approve(address,address,uint160,uint48)")) // Permit2
            || s == bytes4(keccak256("approveAndCall(address,uint256)")) // ERC-1363
            || s == bytes4(keccak256("approveAndCall(address,uint256,bytes)"))
            || s == bytes4(keccak256("temporaryApprove(address,uint256)")) // ERC-7674: the agent's contract pulls in time
            || s == bytes4(keccak256("approveDelegation(address,uint256)")); // Aave: debt on our credit
    }

    function _operator(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("setApprovalForAll(address,bool)")) // ERC-721, ERC-1155
            || s == bytes4(keccak256("setOperator(address,bool)")) // ERC-6909, ERC-7540
            || s == bytes4(keccak256("setOperator(address,uint48)")) // ERC-7984
            || s == bytes4(keccak256("setOperator(bytes19,address,uint256)")) // Euler
            || s == bytes4(keccak256("setAccountOperator(address,address,bool)")) // Euler
            || s == bytes4(keccak256("setOperators((address,bool)[])")) // dYdX
            || s == bytes4(keccak256("setRelayerApproval(address,address,bool)")) // Balancer
            || s == bytes4(keccak256("authorizeOperator(address)")) // ERC-777
            || s == bytes4(keccak256("authorizeOperatorByPartition(bytes32,address)")) // ERC-1400
            || s == bytes4(keccak256("allow(address,bool)")) // Compound III
            || s == bytes4(keccak256("hope(address)")) // Maker
            || s == bytes4(keccak256("cdpAllow(uint256,address,uint256)")) // Maker
            || s == bytes4(keccak256("setAuthorization(address,bool)")) // Morpho
            || s == bytes4(keccak256("grantPermissions(address,address)")) // Superfluid: begins any stream
            || s == bytes4(keccak256("updateFlowOperatorPermissions(address,address,uint8,int96)")) // Superfluid: begins streams
            || s == bytes4(keccak256("setUserPositionManager(address,bool)")) // Aave 4: another contract uses every position
            || s == bytes4(keccak256("setDelegate(address)")) // LayerZero and others: a delegate with all rights
            || s == bytes4(keccak256("urnAllow(address,uint256)")); // Maker's vault manager: another account uses all vaults
    }

    function _signature(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")) // ERC-2612
            || s == bytes4(keccak256("permit(address,address,uint256,uint256,bytes)"))
            || s == bytes4(keccak256("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)")) // DAI
            || s == bytes4(keccak256("approveHash(bytes32)")) // Safe
            || s == bytes4(keccak256("setPreSignature(bytes,bool)")) // CoW
            || s == bytes4(keccak256("registerAllowedOrderSigner(address,bool)")) // 0x
            || s == bytes4(keccak256("signMessage(bytes)"))
            || s == bytes4(keccak256("allowBySig(address,address,bool,uint256,uint256,uint8,bytes32,bytes32)")) // Compound 3
            || s == bytes4(keccak256("setAuthorizationWithSig((address,address,bool,uint256,uint256),(uint8,bytes32,bytes32))")) // Morpho
            || s == bytes4(keccak256("delegationWithSig(address,address,uint256,uint256,uint8,bytes32,bytes32)")); // Aave: credit
    }

    function _power(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("delegate(address)"))
            || s == bytes4(keccak256("delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)"))
            || s == bytes4(keccak256("setDelegate(bytes32,address)")) // Snapshot's delegate registry
            || s == bytes4(keccak256("delegateByType(address,uint8)")); // Aave token: voting power
    }

    function _stream(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("setFlowrate(address,address,int96)")) // Superfluid: a stream from the balance
            || s == bytes4(keccak256("createFlow(address,address,address,int96,bytes)")) // Superfluid
            || s == bytes4(keccak256("updateFlow(address,address,address,int96,bytes)")) // Superfluid
            || s == bytes4(keccak256("distributeFlow(address,address,address,int96,bytes)")) // Superfluid: a stream to a pool
            || s == bytes4(keccak256("callAgreement(address,bytes,bytes)")) // Superfluid's host: any stream
            || s == bytes4(keccak256("forwardBatchCall((uint32,address,bytes)[])")) // Superfluid's host: any stream
            || s == bytes4(keccak256("batchCall((uint32,address,bytes)[])")) // Superfluid's host: any stream
            || s == bytes4(keccak256("createStream(address,uint216)")) // LlamaPay: a stream without an end
            || s == bytes4(keccak256("createStreamWithReason(address,uint216,string)")) // LlamaPay
            || s == bytes4(keccak256("depositAndCreate(uint256,address,uint216)")) // LlamaPay
            || s == bytes4(keccak256("create(address,address,uint128,address,bool)")) // Sablier Flow: a stream without an end
            || s == bytes4(keccak256("create(address,address,uint128,uint40,address,bool)")) // Sablier Flow: a stream without an end
            || s == bytes4(keccak256("adjustRatePerSecond(uint256,uint128)")); // Sablier Flow
    }

    function _debt(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("borrow(address,uint256,uint256,uint16,address)")) // Aave 2 and 3: debt
            || s == bytes4(keccak256("setUserUseReserveAsCollateral(address,bool)")) // Aave 2 and 3: puts supplied tokens up for debt
            || s == bytes4(keccak256("enterMarkets(address[])")) // Compound 2: puts supplied tokens up for debt
            || s == bytes4(keccak256("borrow(uint256)")); // Compound 2: debt
    }

    function _control(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("transferOwnership(address)")) // ERC-173: control for ever
            || s == bytes4(keccak256("grantRole(bytes32,address)")) // OpenZeppelin AccessControl
            || s == bytes4(keccak256("grantRole(uint64,address,uint32)")) // OpenZeppelin AccessManager
            || s == bytes4(keccak256("setOwner(address)")) // DSAuth and others
            || s == bytes4(keccak256("setOwner(bytes32,address)")) // ENS registry: control of a name
            || s == bytes4(keccak256("setRecord(bytes32,address,address,uint64)")) // ENS registry: control of a name
            || s == bytes4(keccak256("setSubnodeOwner(bytes32,bytes32,address)")) // ENS registry: control of names below
            || s == bytes4(keccak256("setSubnodeRecord(bytes32,bytes32,address,address,uint64)")) // ENS registry: control of names below
            || s == bytes4(keccak256("setResolver(bytes32,address)")) // ENS registry: where a name points
            || s == bytes4(keccak256("rely(address)")) // Maker: an administrator
            || s == bytes4(keccak256("addMinter(address)")) // OpenZeppelin 2, Arbitrum: who makes tokens
            || s == bytes4(keccak256("setMinter(address)")) // many tokens: who makes tokens
            || s == bytes4(keccak256("configureMinter(address,uint256)")) // USDC: who makes tokens
            || s == bytes4(keccak256("upgradeTo(address)")) // proxies: code replaced
            || s == bytes4(keccak256("upgradeToAndCall(address,bytes)")) // proxies: code replaced
            || s == bytes4(keccak256("changeAdmin(address)")) // proxies: who replaces code
            || s == bytes4(keccak256("enableModule(address)")) // Safe
            || s == bytes4(keccak256("addOwnerWithThreshold(address,uint256)")) // Safe
            || s == bytes4(keccak256("setFallbackHandler(address)")) // Safe
            || s == bytes4(keccak256("setGuard(address)")) // Safe
            || s == bytes4(keccak256("setPendingAdmin(address)")) // Compound Timelock
            || s == bytes4(keccak256("setInterfaceImplementer(address,bytes32,address)")) // ERC-1820: another contract is called when tokens move
            || s == bytes4(keccak256("setSafeMethod(bytes4,bytes32)")); // Safe ExtensibleFallbackHandler: another contract answers for the Safe
    }
}
