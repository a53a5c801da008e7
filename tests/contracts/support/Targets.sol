// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Takes any call, and remembers what it was last called with.
contract Sink {
    bytes32 public last; // the hash of it
    uint256 public calls;
    uint256 public received;

    receive() external payable {
        _take();
    }

    fallback() external payable {
        _take();
    }

    function _take() private {
        last = keccak256(msg.data);
        ++calls;
        received += msg.value;
    }
}

/// @notice Pulls what it is told to pull from its caller and gives what it is told to give, whatever it *says* it takes:
/// an exchange, honest or not.
contract Market {
    receive() external payable {}

    /// @param said what a policy would charge
    /// @param pulled what is taken from the caller, of `tokenIn` (which must be allowed)
    /// @param given what the caller gets, of `tokenOut`; the zero address for ether
    function trade(uint256 said, address tokenIn, uint256 pulled, address tokenOut, uint256 given) external payable {
        said;
        if (pulled != 0) IERC20(tokenIn).transferFrom(msg.sender, address(this), pulled);
        if (given == 0) return;
        if (tokenOut != address(0)) {
            IERC20(tokenOut).transfer(msg.sender, given);
        } else {
            (bool done,) = msg.sender.call{value: given}("");
            require(done, "ether");
        }
    }
}

/// @notice An agent that is a contract, so that it may start several acts in one transaction, or act in a callback.
contract AgentContract {
    function act(address module, bytes calldata data) external returns (bool done, bytes memory answer) {
        return module.call(data);
    }
}

/// @notice An agent that spends again whenever it is paid in ether.
contract GreedyAgent {
    address private target;
    bytes private data;
    uint256 public tries;
    bytes public answer;

    function aim(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    receive() external payable {
        ++tries;
        bool done;
        (done, answer) = target.call(data);
        require(!done, "spent again");
    }
}
