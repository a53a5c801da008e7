// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// What the differential test puts around the real module: an agent that acts and looks, and targets that do whatever the
// test has written down for them. None of this is deployed; the test puts it in place for one eth_call.

/// @notice Stands at the agent's address: asks the module for something, then reads what there is to see.
contract Agent {
    function run(address module, bytes calldata act, bytes[] calldata probes)
        external
        returns (bool success, bytes memory answer, bytes[] memory seen)
    {
        (success, answer) = module.call(act);
        seen = new bytes[](probes.length);
        for (uint256 i; i < probes.length; ++i) {
            (, seen[i]) = module.staticcall(probes[i]);
        }
    }
}

/// @notice Holds the script, by call: slot `call << 8` and those behind it; balances by asset; allowances by hash.
contract Stage {
    uint256 private constant CALLS_MADE = 0;
    uint256 private constant TREASURY = 1;

    function read(uint256 slot) private view returns (uint256 word) {
        assembly {
            word := sload(slot)
        }
    }

    function balanceOf(address asset, uint256 holder) external view returns (uint256) {
        return holder == read(TREASURY) ? read(uint160(asset)) : 0;
    }

    function allowance(address asset, uint256 holder, uint256 spender) external view returns (uint256) {
        return holder == read(TREASURY) ? read(uint256(keccak256(abi.encode(asset, spender)))) : 0;
    }

    /// @notice Plays the next call's part: sets balances, and says what the target shall do.
    function play() external returns (bool fails, uint256 etherBack, bytes memory answer) {
        uint256 made = read(CALLS_MADE) + 1;
        uint256 first = made << 8;
        assembly {
            sstore(CALLS_MADE, made)
        }
        for (uint256 i = read(first + 4); i != 0; --i) {
            uint256 asset = read(first + 4 + 2 * i);
            uint256 amount = read(first + 5 + 2 * i);
            assembly {
                sstore(asset, amount)
            }
        }
        answer = new bytes(read(first + 2));
        if (answer.length != 0) {
            uint256 word = read(first + 3);
            assembly {
                mstore(add(answer, 32), word)
            }
        }
        return (read(first) != 0, read(first + 1), answer);
    }
}

/// @notice A target, and a token that says what the script says.
contract Puppet {
    Stage private constant STAGE = Stage(0x57A6E057a6E057A6E057A6e057A6e057a6e057A6);

    fallback() external payable {
        bytes memory answer;
        if (msg.sig == 0x70a08231) {
            answer = abi.encode(STAGE.balanceOf(address(this), abi.decode(msg.data[4:], (uint256))));
        } else if (msg.sig == 0xdd62ed3e) {
            (uint256 holder, uint256 spender) = abi.decode(msg.data[4:], (uint256, uint256));
            answer = abi.encode(STAGE.allowance(address(this), holder, spender));
        } else {
            bool fails;
            uint256 back;
            (fails, back, answer) = STAGE.play();
            if (back != 0) {
                (bool sent,) = msg.sender.call{value: back}("");
                require(sent);
            }
            if (fails) {
                assembly {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
        assembly {
            return(add(answer, 32), mload(answer))
        }
    }
}
