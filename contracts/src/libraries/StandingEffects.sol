// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title StandingEffects
/// @notice Functions that authorise somebody to take value *later*, past every budget. No rule may name one, but for an
/// ERC-20's `approve` under a rule that demands the allowance back to zero at the end of the act.
/// @dev A list can't be complete: any contract may have such a function under another name. It catches what is known;
/// the people who vote see target and selector of the rest, and the explanation says that foreign code is not bounded in
/// time. `policies/code/standing_effects.py` holds the same list.
library StandingEffects {
    /// @notice Whether the selector is one of the known ones.
    function has(bytes4 selector) internal pure returns (bool) {
        return _allowance(selector) || _operator(selector) || _signature(selector) || _power(selector);
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
            || s == bytes4(keccak256("setAuthorization(address,bool)")); // Morpho
    }

    function _signature(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")) // ERC-2612
            || s == bytes4(keccak256("permit(address,address,uint256,uint256,bytes)"))
            || s == bytes4(keccak256("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)")) // DAI
            || s == bytes4(keccak256("approveHash(bytes32)")) // Safe
            || s == bytes4(keccak256("setPreSignature(bytes,bool)")) // CoW
            || s == bytes4(keccak256("registerAllowedOrderSigner(address,bool)")) // 0x
            || s == bytes4(keccak256("signMessage(bytes)"));
    }

    function _power(bytes4 s) private pure returns (bool) {
        return s == bytes4(keccak256("delegate(address)"))
            || s == bytes4(keccak256("delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)"));
    }
}
