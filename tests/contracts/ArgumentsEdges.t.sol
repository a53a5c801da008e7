// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Arguments} from "../../contracts/src/libraries/Arguments.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice The reading of a call's arguments by itself, exactly: what has the rule's form and what has not, also where
/// the sender wrote something behind the data; and the values at every kind of place (docs/assurance.md, "Mutation").
contract ArgumentsEdgesTest is Base {
    uint256 private constant NO_SELECTOR = uint256(1) << 56;
    bytes4 private constant F = 0xf0f0f0f0;

    /// The head of a rule whose body begins where the code does: with `dynamics`, then `clauses` clauses.
    function headOf(uint256 words, uint256 dynamics, uint256 clauses) private pure returns (uint256) {
        return (words << 48) | (dynamics << 40) | (clauses << 32);
    }

    function positionOf(bytes memory bytes_) private pure returns (uint256 position) {
        assembly {
            position := add(bytes_, 32)
        }
    }

    // ---------------------------------------------------------------- form

    function fit(uint256 head, bytes memory body, bytes calldata data) external pure returns (bool) {
        return Arguments.fit(positionOf(body), head, data);
    }

    /// Calls `fit`, and writes `behind` where the data end.
    function fits(uint256 head, bytes memory body, bytes memory data, bytes memory behind) private view returns (bool) {
        (bool done, bytes memory answer) = address(this).staticcall(
            abi.encodePacked(
                abi.encodeWithSelector(this.fit.selector, head, 96, 160, body.length, bytes32(body)),
                data.length,
                data,
                behind
            )
        );
        require(done, "reverted");
        return abi.decode(answer, (bool));
    }

    function test_form_without_selector_is_no_data() public view {
        require(fits(NO_SELECTOR, "", "", ""), "nothing");
        require(fits(NO_SELECTOR, "", "", abi.encode(1)), "something behind");
        require(!fits(NO_SELECTOR, "", hex"00", ""), "a byte");
        require(!fits(NO_SELECTOR, "", abi.encodePacked(F), ""), "a selector");
    }

    function test_form_of_static_words_is_their_length() public view {
        for (uint256 words; words < 4; ++words) {
            for (uint256 size; size < 4 + 32 * 4; ++size) {
                bool wanted = size == 4 + 32 * words;
                require(fits(headOf(words, 0, 0), "", new bytes(size), new bytes(64)) == wanted, "length");
            }
        }
    }

    /// One array of each width, and bytes: cut off or longer by any number of bytes, they have not the form.
    function test_form_of_one_dynamic_argument() public view {
        for (uint8 width; width < 4; ++width) {
            bytes memory body = Build.array(1, width);
            for (uint256 count = width == 0 ? 0 : 1; count < 3; ++count) {
                uint256 length = width == 0 ? 32 * count : count;
                bytes memory tail = new bytes(width == 0 ? length : 32 * count * width);
                bytes memory data = abi.encodePacked(F, uint256(7), uint256(64), length, tail);
                uint256 size = data.length;
                require(fits(headOf(2, 1, 0), body, data, ""), "fits");
                require(!fits(headOf(2, 1, 0), body, abi.encodePacked(data, uint8(0)), ""), "a byte more");
                require(!fits(headOf(2, 1, 0), body, abi.encodePacked(data, uint256(0)), ""), "a word more");
                for (uint256 less = 1; less <= size; less += less < 34 ? 1 : 31) {
                    bytes memory behind = new bytes(less);
                    for (uint256 i; i < less; ++i) {
                        behind[i] = data[size - less + i];
                    }
                    assembly {
                        mstore(data, sub(size, less))
                    }
                    require(!fits(headOf(2, 1, 0), body, data, behind), "the rest lies behind the data");
                    assembly {
                        mstore(data, size)
                    }
                }
            }
            // An offset that is not where the head ends.
            uint256[6] memory offsets = [uint256(0), 32, 63, 64, 65, 96];
            for (uint256 i; i < offsets.length; ++i) {
                // One element, or no bytes.
                bytes memory tail = abi.encodePacked(uint256(width == 0 ? 0 : 1), new bytes(32 * uint256(width)));
                bytes memory data = abi.encodePacked(F, uint256(7), offsets[i], tail);
                require(fits(headOf(2, 1, 0), body, data, "") == (offsets[i] == 64), "offset");
            }
        }
    }

    /// An array is never empty; bytes may be.
    function test_form_of_nothing() public view {
        for (uint8 width; width < 3; ++width) {
            bytes memory data = abi.encodePacked(F, uint256(32), uint256(0));
            require(fits(headOf(1, 1, 0), Build.array(0, width), data, "") == (width == 0), "empty");
        }
    }

    /// Bytes are padded with zeros to whole words, and with nothing else.
    function test_form_of_padding() public view {
        bytes memory body = Build.array(0, 0);
        for (uint256 length = 1; length < 67; ++length) {
            uint256 padded = (length + 31) / 32 * 32;
            bytes memory data = abi.encodePacked(F, uint256(32), length, new bytes(padded));
            for (uint256 i; i < length; ++i) {
                data[68 + i] = 0xff;
            }
            require(fits(headOf(1, 1, 0), body, data, ""), "zeros");
            if (padded == length) continue;
            require(!fits(headOf(1, 1, 0), body, abi.encodePacked(data, uint256(0)), ""), "a word of zeros more");
            data[68 + length] = 0x01;
            require(!fits(headOf(1, 1, 0), body, data, ""), "the first byte behind");
            data[68 + length] = 0x00;
            data[67 + padded] = 0x80;
            require(!fits(headOf(1, 1, 0), body, data, ""), "the last byte");
        }
    }

    /// A tail that reaches behind the data is wrong even where the next one's length, which the sender wrote behind the
    /// data, is so large that the sizes wrap round and end with the data after all.
    function test_form_that_wraps_round() public view {
        // Less than the head: the offset and the length lie behind the data.
        bytes memory behind = abi.encode(32, type(uint256).max / 32 - 1);
        require(!fits(headOf(1, 1, 0), Build.array(0, 1), abi.encodePacked(F), behind), "less than the head");
        // Three elements of two words, of which there is room for one and a half; the second array begins behind.
        bytes memory body = abi.encodePacked(Build.array(0, 2), Build.array(1, 1));
        bytes memory data = abi.encodePacked(F, uint256(64), uint256(288), uint256(3), new bytes(96));
        behind = abi.encode(0, 0, 0, type(uint256).max / 32 - 3);
        require(!fits(headOf(2, 2, 0), body, data, behind), "an array that reaches behind");
        for (uint256 more = 1; more < 4; ++more) {
            // Elements of one word, of which so many lie behind.
            body = abi.encodePacked(Build.array(0, 1), Build.array(1, 1));
            data = abi.encodePacked(F, uint256(64), 128 + 32 * more, 1 + more, uint256(0));
            behind = abi.encodePacked(new bytes(32 * more), type(uint256).max / 32 - more);
            require(!fits(headOf(2, 2, 0), body, data, behind), "elements behind");
        }
        // 64 bytes, of which there is room for 32.
        body = abi.encodePacked(Build.array(0, 0), Build.array(1, 1));
        data = abi.encodePacked(F, uint256(64), uint256(160), uint256(64), new bytes(32));
        behind = abi.encode(0, type(uint256).max / 32 - 1);
        require(!fits(headOf(2, 2, 0), body, data, behind), "bytes that reach behind");
        // 33 bytes, whose padding would reach behind.
        data = abi.encodePacked(F, uint256(64), uint256(160), uint256(33), new bytes(33));
        behind = abi.encodePacked(new bytes(31), type(uint256).max / 32 - 1);
        require(!fits(headOf(2, 2, 0), body, data, behind), "padding that reaches behind");
    }

    // ---------------------------------------------------------------- values

    // Of four words: a static one, three elements of two words, five bytes, and one element of one word.
    uint256 private constant FOUR = (uint256(4) << 48) | (uint256(3) << 40);

    function bodyOfFour() private pure returns (bytes memory) {
        return abi.encodePacked(Build.array(1, 2), Build.array(2, 0), Build.array(3, 1));
    }

    function dataOfFour() private pure returns (bytes memory) {
        return abi.encodePacked(
            abi.encodeWithSelector(F, 7, 128, 352, 416),
            abi.encode(3, 11, 101, 13, 103, 17, 107),
            abi.encode(5, bytes32("bytes")),
            abi.encode(1, 19)
        );
    }

    function place(bytes memory body, bytes calldata data, uint256 word, uint256 column, uint256 operand)
        external
        pure
        returns (uint256 sum, bool isHash, uint256 equals, uint256 atMost, uint256 last)
    {
        uint256 c = positionOf(body);
        isHash = Arguments.isHash(c, FOUR, word, column);
        if (!isHash) sum = Arguments.total(c, FOUR, data, word, column);
        bool holds;
        (holds, last) = Arguments.holdsForAll(c, FOUR, data, clauseOf(word, column, EQUAL), operand);
        if (holds) equals = 1;
        (holds, last) = Arguments.holdsForAll(c, FOUR, data, clauseOf(word, column, AT_MOST), operand);
        if (holds) atMost = 1;
    }

    function clauseOf(uint256 word, uint256 column, uint256 kind) private pure returns (uint256) {
        return (word << 248) | (column << 240) | (kind << 232);
    }

    function test_values_at_every_place() public view {
        require(fits(FOUR, bodyOfFour(), dataOfFour(), ""), "the form");
        at_(0, 0, 7, 7, 7);
        at_(1, 0, 41, 17, 11);
        at_(1, 1, 311, 107, 101);
        at_(1, 2, 3, 3, 3); // how many
        at_(2, 0, 5, 5, 5); // how many bytes
        at_(3, 0, 19, 19, 19);
        at_(3, 1, 1, 1, 1); // how many
        uint256 hash = uint256(keccak256("bytes"));
        (uint256 sum, bool isHash, uint256 equals, uint256 atMost, uint256 last) =
            this.place(bodyOfFour(), dataOfFour(), 2, 1, hash);
        require(isHash && sum == 0 && equals == 1 && atMost == 1 && last == hash, "the hash");
        (,, equals, atMost, last) = this.place(bodyOfFour(), dataOfFour(), 2, 1, hash - 1);
        require(equals == 0 && atMost == 0 && last == hash, "another hash");
    }

    /// The values at a place add up to `sum`, `most` is the largest and the last, `first` is the first.
    function at_(uint256 word, uint256 column, uint256 sum, uint256 most, uint256 first) private view {
        (uint256 sum_, bool isHash, uint256 equals, uint256 atMost, uint256 last) =
            this.place(bodyOfFour(), dataOfFour(), word, column, most);
        equal(sum_, sum, "sum");
        require(!isHash, "no hash");
        equal(equals, first == most ? 1 : 0, "equal");
        equal(atMost, 1, "at most the largest");
        equal(last, most, "the last one");
        (,,, atMost, last) = this.place(bodyOfFour(), dataOfFour(), word, column, most - 1);
        equal(atMost, 0, "not at most one less");
        equal(last, most, "the one that fails");
        (,, equals,, last) = this.place(bodyOfFour(), dataOfFour(), word, column, 0);
        equal(equals, 0, "not nothing");
        equal(last, first, "the first one fails");
    }

    /// A call that fits says nothing of a value; it says whether the rule has caps, static or not.
    function test_failing_says_nothing_of_a_call_that_fits() public view {
        for (uint8 kind = AT_MOST; kind <= CAP; kind += CAP - AT_MOST) {
            for (uint256 i; i < 2; ++i) {
                bytes memory body = abi.encodePacked(i == 0 ? bytes("") : Build.array(1, 0), Build.clause(0, kind, 9));
                bytes memory data = i == 0
                    ? abi.encodeWithSelector(F, 9)
                    : abi.encodePacked(abi.encodeWithSelector(F, 9, 64), uint256(0));
                (uint256 index, uint256 value, bool capped) = this.failing(headOf(1 + i, i, 1), body, data);
                equal(index, type(uint256).max, "none");
                equal(value, 0, "no value");
                require(capped == (kind == CAP), "capped");
                data[35] = bytes1(uint8(10));
                (index, value, capped) = this.failing(headOf(1 + i, i, 1), body, data);
                equal(index, kind == CAP ? type(uint256).max : 0, "the clause");
                equal(value, kind == CAP ? 0 : 10, "the value");
                require(capped == (kind == CAP), "capped or failed");
                (index, value, capped) = this.failing(headOf(1 + i, i, 1), body, abi.encodePacked(data, uint8(0)));
                equal(index, type(uint256).max - 1, "the form");
                require(value == 0 && !capped, "and nothing else");
            }
        }
    }

    function failing(uint256 head, bytes memory body, bytes calldata data)
        external
        pure
        returns (uint256, uint256, bool)
    {
        return Arguments.failing(positionOf(body), head, data);
    }

    function test_saturatingAdd_at_the_edge() public pure {
        uint256 most = type(uint256).max;
        equal(Arguments.saturatingAdd(most - 1, 1), most, "just");
        equal(Arguments.saturatingAdd(most, 1), most, "just not");
        equal(Arguments.saturatingAdd(2, most - 1), most, "over");
        equal(Arguments.saturatingAdd(most, most), most, "far over");
        equal(Arguments.saturatingAdd(most, 0), most, "and nothing");
        equal(Arguments.saturatingAdd(3, 4), 7, "a sum");
        equal(Arguments.saturatingAdd(0, 0), 0, "nothing");
    }
}
