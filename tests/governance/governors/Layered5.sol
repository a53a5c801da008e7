// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Votes whose clock counts another chain's blocks, as contracts on Arbitrum see them, for
// tests/governance/test_clocks.py and the lives: a clock that anybody can set stands in for the chain below.

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

contract LayerBelow {
    uint48 public number;

    constructor(uint48 first) {
        number = first;
    }

    function set(uint48 next) external {
        number = next;
    }
}

contract LayeredVotes5 is ERC20Votes {
    LayerBelow private immutable BELOW;

    constructor(LayerBelow below) ERC20("Votes", "V") EIP712("Votes", "1") {
        BELOW = below;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function clock() public view override returns (uint48) {
        return BELOW.number();
    }

    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=blocknumber&from=default";
    }
}
