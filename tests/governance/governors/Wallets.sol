// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice A wallet of several owners who all sign, one behind the other in the order of the owners: 65 bytes each, or
/// with v raised by 4 where an owner's wallet put eth_sign's prefix before the hash.
contract TeamWallet {
    address[] public owners;

    constructor(address[] memory owners_) {
        owners = owners_;
    }

    /// @dev So that tests see which block was asked.
    function leave() external {
        delete owners;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (owners.length == 0 || signature.length != 65 * owners.length) return 0;
        bytes32 prefixed = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", hash));
        for (uint256 i = 0; i < owners.length; i++) {
            bytes calldata part = signature[65 * i:65 * i + 65];
            uint8 v = uint8(part[64]);
            bytes32 signed = v > 30 ? prefixed : hash;
            address signer = ecrecover(signed, v > 30 ? v - 4 : v, bytes32(part[:32]), bytes32(part[32:64]));
            if (signer == address(0) || signer != owners[i]) return 0;
        }
        return this.isValidSignature.selector;
    }
}

/// @notice Puts a team's wallet where everybody can say beforehand that it will stand (CREATE2).
contract WalletFactory {
    function make(address[] calldata owners, uint256 salt) external returns (address) {
        return address(new TeamWallet{salt: bytes32(salt)}(owners));
    }
}

/// @notice What an account with a key may delegate its code to (EIP-7702), and that accepts nothing.
contract RefusingDelegate {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }
}
