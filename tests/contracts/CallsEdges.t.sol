// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Calls} from "../../contracts/src/libraries/Calls.sol";
import {Base} from "./support/Base.sol";

/// @notice A treasury that keeps what it was asked.
contract AskedTreasury {
    bytes public asked;

    fallback() external {
        asked = msg.data;
        bytes memory answer = abi.encode(true, "");
        assembly {
            return(add(answer, 32), mload(answer))
        }
    }
}

/// @notice What the module asks of a treasury is what the compiler would encode, for data of every length around whole
/// words: not a byte less or more (docs/assurance.md, "Mutation").
contract CallsEdgesTest is Base {
    function test_perform_asks_what_the_compiler_would_encode() public {
        AskedTreasury asked = new AskedTreasury();
        for (uint256 size; size < 67; ++size) {
            bytes memory data = new bytes(size);
            for (uint256 i; i < size; ++i) {
                data[i] = bytes1(uint8(0xff - i));
            }
            this.perform(address(asked), address(type(uint160).max), size, data);
            bytes memory wanted = abi.encodeWithSignature(
                "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)",
                address(type(uint160).max),
                size,
                data,
                0
            );
            require(keccak256(AskedTreasury(asked).asked()) == keccak256(wanted), "asked");
        }
    }

    /// In memory that was written to before.
    function perform(address treasury_, address to, uint256 value, bytes calldata data) external {
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 640) { i := add(i, 1) } { mstore8(add(free, i), 0xee) }
        }
        Calls.perform(treasury_, to, value, data);
    }
}
