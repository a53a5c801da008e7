// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Base} from "./support/Base.sol";

contract Painting is ERC721("Painting", "P") {
    function mint(address to, uint256 id) external {
        _safeMint(to, id, "for the treasury");
    }
}

contract Edition is ERC1155("") {
    function mint(address to, uint256[] calldata ids, uint256[] calldata amounts) external {
        if (ids.length == 1) _mint(to, ids[0], amounts[0], "one");
        else _mintBatch(to, ids, amounts, "many");
    }
}

interface IPerform {
    function perform(address to, uint256 value, bytes calldata data) external returns (bytes memory);
}

/// @notice Our treasury takes NFTs that are sent safely, as a Safe does, and gives them out by vote.
contract TreasuryNftsTest is Base {
    function test_takes_an_ERC721_and_a_vote_sends_it_on(uint256 id) public {
        Painting painting = new Painting();
        painting.mint(treasury, id);
        require(painting.ownerOf(id) == treasury, "came in");
        vm.prank(owner);
        bytes4 move = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
        IPerform(treasury).perform(address(painting), 0, abi.encodeWithSelector(move, treasury, stranger, id));
        require(painting.ownerOf(id) == stranger, "went out");
        vm.prank(stranger);
        painting.safeTransferFrom(stranger, treasury, id);
        require(painting.ownerOf(id) == treasury, "and back");
    }

    function test_takes_ERC1155_alone_and_in_batches(uint256 id, uint128 amount) public {
        Edition edition = new Edition();
        uint256[] memory ids = new uint256[](2);
        uint256[] memory amounts = new uint256[](2);
        (ids[0], ids[1], amounts[0], amounts[1]) = (id, id / 2, amount, 7);
        edition.mint(treasury, ids, amounts);
        equal(edition.balanceOf(treasury, id), id == 0 ? uint256(amount) + 7 : amount, "a batch");
        (ids, amounts) = (new uint256[](1), new uint256[](1));
        (ids[0], amounts[0]) = (id, 1);
        edition.mint(treasury, ids, amounts);
        equal(edition.balanceOf(treasury, id), id == 0 ? uint256(amount) + 8 : uint256(amount) + 1, "one");
    }

    function test_answers_are_whole_words(bytes calldata rest) public {
        bytes4[3] memory hooks = [
            IERC721Receiver.onERC721Received.selector,
            IERC1155Receiver.onERC1155Received.selector,
            IERC1155Receiver.onERC1155BatchReceived.selector
        ];
        for (uint256 i; i < 3; ++i) {
            (bool done, bytes memory answer) = treasury.call(bytes.concat(hooks[i], rest));
            require(done && keccak256(answer) == keccak256(abi.encode(hooks[i])), "its own selector");
        }
    }

    function test_supportsInterface(bytes4 other) public view {
        bytes4 erc1155Receiver = type(IERC1155Receiver).interfaceId;
        require(IERC165(treasury).supportsInterface(type(IERC165).interfaceId), "ERC-165");
        require(IERC165(treasury).supportsInterface(type(IERC721Receiver).interfaceId), "ERC-721's receiver");
        require(IERC165(treasury).supportsInterface(erc1155Receiver), "ERC-1155's receiver");
        require(!IERC165(treasury).supportsInterface(0xffffffff), "what ERC-165 says is none");
        require(!IERC165(treasury).supportsInterface(type(IERC1155).interfaceId), "it is no token");
        require(!IERC165(treasury).supportsInterface(type(IERC721).interfaceId), "nor such a token");
        if (
            other == erc1155Receiver || other == type(IERC165).interfaceId || other == type(IERC721Receiver).interfaceId
        ) return;
        require(!IERC165(treasury).supportsInterface(other), "anything else");
    }

    /// A call that means nothing here reverts, as it did before there was a fallback; ether with data is not taken.
    function test_revert_for_everything_else(bytes4 selector, bytes calldata rest, uint96 value) public {
        (bool done, bytes memory answer) = treasury.call(bytes.concat(bytes4(keccak256("onTransferReceived()")), rest));
        require(!done && answer.length == 0, "another hook");
        (done,) = treasury.call(hex"150b7a");
        require(!done, "three bytes");
        if (!known(selector)) {
            (done,) = treasury.call(bytes.concat(selector, rest));
            require(!done, "no such function");
        }
        vm.deal(address(this), value);
        uint256 before = treasury.balance;
        (done,) = treasury.call{value: value}(abi.encodePacked(IERC721Receiver.onERC721Received.selector));
        require(done == (value == 0) && treasury.balance == before, "ether in a hook");
    }

    function known(bytes4 selector) private pure returns (bool) {
        return selector == IERC721Receiver.onERC721Received.selector
            || selector == IERC1155Receiver.onERC1155Received.selector
            || selector == IERC1155Receiver.onERC1155BatchReceived.selector
            || selector == IERC165.supportsInterface.selector || selector == bytes4(keccak256("owner()"))
            || selector == bytes4(keccak256("isModuleEnabled(address)"));
    }
}
