// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A votes token that answers each question as it is told to, and keeps no votes: what a module must not be built on.
contract PastVotesToken {
    enum Answer {
        Word,
        Zero,
        Long, // a word and a byte
        Short, // a byte less than a word
        Nothing,
        Reverts
    }

    mapping(bytes4 selector => Answer) public answers;
    bool private immutable _hasClock;

    constructor(bool hasClock) {
        _hasClock = hasClock;
    }

    function set(bytes4 selector, Answer answer) external {
        answers[selector] = answer;
    }

    function clock() external view returns (uint48) {
        if (!_hasClock) revert("no clock");
        return uint48(block.timestamp);
    }

    fallback() external {
        Answer answer = answers[msg.sig];
        if (answer == Answer.Reverts) revert("no such votes");
        uint256 size = answer == Answer.Long ? 33 : answer == Answer.Short ? 31 : answer == Answer.Nothing ? 0 : 32;
        uint256 word = answer == Answer.Zero ? 0 : 1e18;
        assembly {
            mstore(0, word)
            return(0, size)
        }
    }
}

/// @notice Votes as COMP and UNI count them: prior votes by block number, and no past supply.
contract PriorVotesToken {
    uint256 public constant totalSupply = 1e27;

    function getPriorVotes(address, uint256 blockNumber) external view returns (uint96) {
        require(blockNumber < block.number, "not yet determined");
        return 1e26;
    }
}
