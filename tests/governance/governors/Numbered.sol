// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice A votes token whose units are whole tokens with a number each (ERC-721), which names no decimals.
contract NumberedVotes {
    string public constant name = "Seats";
    string public constant symbol = "SEAT";
    uint256 public constant totalSupply = 7;

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0x80ac58cd;
    }

    function getVotes(address) external pure returns (uint256) {
        return 3;
    }
}

/// @notice A votes token that names no decimals either, and is of no known kind.
contract SilentVotes {
    string public constant name = "Silent";
    string public constant symbol = "HUSH";

    function getVotes(address) external pure returns (uint256) {
        return 3;
    }
}

/// @notice Answers each function with whatever bytes it was made with, and reverts for all others.
contract Answering {
    mapping(bytes4 => bytes) private answers;

    constructor(bytes4[] memory functions, bytes[] memory given) {
        for (uint256 i = 0; i < functions.length; i++) answers[functions[i]] = given[i];
    }

    fallback() external {
        bytes memory answer = answers[msg.sig];
        require(answer.length != 0);
        assembly {
            return(add(answer, 32), mload(answer))
        }
    }
}
