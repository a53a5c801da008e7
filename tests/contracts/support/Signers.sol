// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProvenanceRegistry} from "../../../contracts/src/IProvenanceRegistry.sol";

/// @notice The simplest wallet: takes its owner's signature over the very hash it is asked about.
contract SimpleWallet {
    address public owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer = ecrecover(hash, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer == owner ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    function act(address to, bytes calldata data) external {
        (bool done,) = to.call(data);
        require(done, "act");
    }
}

/// @notice Answers as it is told, in every way that is not a yes, and in the one that is.
contract MoodyWallet {
    enum Mood {
        Yes,
        No,
        Reverts,
        BurnsGas,
        AnswersNothing,
        AnswersShort, // 31 bytes of a yes
        AnswersDirty, // a yes with something after it in the same word
        AnswersTrue,
        Bomb // a megabyte of yes
    }

    Mood public mood;

    function become(Mood mood_) external {
        mood = mood_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        Mood now_ = mood;
        if (now_ == Mood.No) return 0;
        if (now_ == Mood.Reverts) revert("no");
        if (now_ == Mood.BurnsGas) while (true) {}
        if (now_ == Mood.Yes) return 0x1626ba7e;
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            switch now_
            case 4 { return(0, 0) }
            case 5 { return(0, 31) }
            case 6 {
                mstore(0, or(shl(224, 0x1626ba7e), 1))
                return(0, 32)
            }
            case 7 {
                mstore(0, 1)
                return(0, 32)
            }
            default { return(0, 1000000) }
        }
    }
}

/// @notice Says yes to everything, and meanwhile tries to make the registry do something.
contract ReenteringWallet {
    address private target;
    bytes private data;

    function aim(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    /// @dev Not `view`, so that it really tries.
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (bool done,) = target.call(data);
        return done ? bytes4(0) : this.isValidSignature.selector;
    }
}

/// @notice Signs only what a given party has signed before.
contract FollowingWallet {
    IProvenanceRegistry private registry;
    bytes32 private id;
    uint256 private leader;

    function follow(IProvenanceRegistry registry_, bytes32 id_, uint256 leader_) external {
        (registry, id, leader) = (registry_, id_, leader_);
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return registry.statement(id).signed >> leader & 1 == 1 ? this.isValidSignature.selector : bytes4(0);
    }
}
