// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base, IDelegate} from "./support/Base.sol";
import {SigningVm} from "./support/ProvenanceBase.sol";
import {MoodyWallet, SimpleWallet} from "./support/Signers.sol";

/// @notice Objections that somebody else brings.
contract ObjectBySigTest is Base {
    SigningVm private constant signer = SigningVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141; // of secp256k1
    uint256 private constant KEY = 0xE7A;
    uint256 private constant OTHER_KEY = 0xBAD;

    event ActObjected(
        bytes32 indexed policyId,
        bytes32 indexed actId,
        address indexed account,
        uint256 power,
        uint256 total,
        uint256 threshold
    );

    address private eva; // signs with KEY; holds 9 %
    bytes32 private actId;

    function setUp() public override {
        super.setUp();
        eva = vm.addr(KEY);
        endow(eva, 90_000e18);
        actId = schedule(pay(0, 5000 * USDC));
        pass(1);
    }

    function test_objectBySig(address anybody) public {
        vm.assume(anybody != eva);
        vm.expectEmit(true, true, true, true, address(module));
        emit ActObjected(ID, actId, eva, 90_000e18, 90_000e18, 100_000e18);
        vm.prank(anybody);
        module.objectBySig(ID, actId, eva, signed(KEY, digestOf(ID, actId, block.chainid, address(module))));
        require(module.hasObjected(actId, eva) && !module.hasObjected(actId, anybody), "the signer's objection");
        objectAs(ben, actId); // together above the threshold
        require(isOver(actId), "killed");
    }

    function test_objectBySig_of_a_contract() public {
        address wallet = address(new SimpleWallet(eva));
        endow(wallet, 150_000e18);
        pass(COOLDOWN);
        bytes32 id = schedule(pay(1, 1));
        module.objectBySig(ID, id, wallet, signed(KEY, digestFor(wallet, ID, id, block.chainid, address(module))));
        require(module.hasObjected(id, wallet) && isOver(id), "killed");
    }

    /// A member whose account runs a contract's code (EIP-7702) signs with its key as before, whatever that code says of
    /// signatures: nothing, no, or nonsense.
    function test_objectBySig_of_an_account_with_code_by_its_key(uint256 mood) public {
        MoodyWallet wallet = new MoodyWallet();
        mood = bound(mood, 1, 7);
        vm.etch(eva, abi.encodePacked(hex"ef0100", mood == 7 ? address(usdc) : address(wallet)));
        vm.store(eva, 0, bytes32(mood));
        module.objectBySig(ID, actId, eva, signed(KEY, digestOf(ID, actId, block.chainid, address(module))));
        require(module.hasObjected(actId, eva), "the key's objection");
    }

    /// Or as that code takes it; and nobody else's signature counts.
    function test_objectBySig_of_an_account_with_code_by_its_code() public {
        vm.etch(eva, abi.encodePacked(hex"ef0100", address(new SimpleWallet(address(0)))));
        vm.store(eva, 0, bytes32(uint256(uint160(vm.addr(OTHER_KEY)))));
        bytes32 digest = digestOf(ID, actId, block.chainid, address(module));
        refuse(ID, actId, eva, signed(0x5A1, digest));
        module.objectBySig(ID, actId, eva, signed(OTHER_KEY, digest));
        require(module.hasObjected(actId, eva), "the code's word");
    }

    /// A signature that is none recovers to the zero address, which objects for nobody, even where a token says that it
    /// has votes.
    function test_objectBySig_revert_BadSignature_nobody_with_votes() public {
        vm.mockCall(votes, abi.encodeWithSignature("getPastVotes(address,uint256)", address(0)), abi.encode(1e24));
        refuse(ID, actId, address(0), new bytes(65));
        refuse(ID, actId, address(0), "");
    }

    /// What an owner signed for one wallet says nothing for another of theirs, or for the owner.
    function test_objectBySig_revert_BadSignature_forAnotherWalletOfTheSameOwner() public {
        address wallet = address(new SimpleWallet(eva));
        address other = address(new SimpleWallet(eva));
        endow(wallet, 50_000e18);
        endow(other, 50_000e18);
        pass(COOLDOWN);
        bytes32 id = schedule(pay(1, 1));
        bytes memory signature = signed(KEY, digestFor(wallet, ID, id, block.chainid, address(module)));
        refuse(ID, id, other, signature);
        refuse(ID, id, eva, signature);
        module.objectBySig(ID, id, wallet, signature);
    }

    function test_objectBySig_revert_BadSignature_ofAContract(uint256 mood) public {
        MoodyWallet wallet = new MoodyWallet();
        endow(address(wallet), 150_000e18);
        pass(COOLDOWN);
        bytes32 id = schedule(pay(1, 1));
        mood = bound(mood, 1, uint256(type(MoodyWallet.Mood).max));
        // A megabyte of yes is a yes; a yes with something behind it in the same word is none.
        wallet.become(MoodyWallet.Mood(mood));
        if (MoodyWallet.Mood(mood) != MoodyWallet.Mood.Bomb && MoodyWallet.Mood(mood) != MoodyWallet.Mood.BurnsGas) {
            refuse(ID, id, address(wallet), "");
        }
        wallet.become(MoodyWallet.Mood.Yes);
        module.objectBySig(ID, id, address(wallet), "");
        require(isOver(id), "killed");
    }

    function test_objectBySig_revert_BadSignature_wrongAccount(address account) public {
        vm.assume(account != eva && account.code.length == 0);
        refuse(ID, actId, account, signed(KEY, digestOf(ID, actId, block.chainid, address(module))));
    }

    function test_objectBySig_revert_BadSignature_anothersKey(uint256 key) public {
        key = bound(key, 1, ORDER - 1);
        vm.assume(key != KEY);
        refuse(ID, actId, eva, signed(key, digestOf(ID, actId, block.chainid, address(module))));
    }

    function test_objectBySig_revert_BadSignature_replayedToAnotherAct(bytes32 other) public {
        vm.assume(other != actId);
        refuse(ID, actId, eva, signed(KEY, digestOf(ID, other, block.chainid, address(module))));
        bytes memory signature = signed(KEY, digestOf(ID, actId, block.chainid, address(module)));
        pass(COOLDOWN);
        bytes32 next = schedule(pay(0, 5000 * USDC)); // the same calls, but another act
        refuse(ID, next, eva, signature);
    }

    function test_objectBySig_revert_BadSignature_replayedToAnotherPolicy(bytes32 other) public {
        vm.assume(other != ID);
        refuse(ID, actId, eva, signed(KEY, digestOf(other, actId, block.chainid, address(module))));
    }

    function test_objectBySig_revert_BadSignature_replayedToAnotherModule(address other) public {
        vm.assume(other != address(module));
        refuse(ID, actId, eva, signed(KEY, digestOf(ID, actId, block.chainid, other)));
    }

    function test_objectBySig_revert_BadSignature_replayedToAnotherChain(uint64 chain) public {
        vm.assume(chain != block.chainid && chain != 0);
        bytes memory signature = signed(KEY, digestOf(ID, actId, block.chainid, address(module)));
        refuse(ID, actId, eva, signed(KEY, digestOf(ID, actId, chain, address(module))));
        signer.chainId(chain); // the chain has split, and this is the other half
        refuse(ID, actId, eva, signature);
    }

    /// (r, s) and (r, -s) sign the same: only one of them counts, so that a signature has one form.
    function test_objectBySig_revert_BadSignature_malleable() public {
        bytes32 digest = digestOf(ID, actId, block.chainid, address(module));
        (uint8 v, bytes32 r, bytes32 s) = signer.sign(KEY, digest);
        v = v == 27 ? 28 : 27;
        s = bytes32(ORDER - uint256(s));
        require(ecrecover(digest, v, r, s) == eva, "signs too");
        refuse(ID, actId, eva, abi.encodePacked(r, s, v));
    }

    function test_objectBySig_revert_BadSignature_anyByteChanged(uint256 position, uint8 value) public {
        bytes memory signature = signed(KEY, digestOf(ID, actId, block.chainid, address(module)));
        position = bound(position, 0, 64);
        vm.assume(uint8(signature[position]) != value);
        signature[position] = bytes1(value);
        refuse(ID, actId, eva, signature);
    }

    function test_objectBySig_revert_BadSignature_length(uint256 length) public {
        bytes memory whole = signed(KEY, digestOf(ID, actId, block.chainid, address(module)));
        length = bound(length, 0, 130);
        vm.assume(length != 65);
        bytes memory signature = new bytes(length);
        for (uint256 i; i < length && i < 65; ++i) {
            signature[i] = whole[i];
        }
        refuse(ID, actId, eva, signature);
    }

    function test_objectBySig_revert_BadSignature_nobody() public {
        refuse(ID, actId, address(0), new bytes(65)); // what ecrecover answers for nonsense
    }

    function test_objectBySig_revert_AlreadyObjected(bool byHand) public {
        bytes memory signature = signed(KEY, digestOf(ID, actId, block.chainid, address(module)));
        if (byHand) objectAs(eva, actId);
        else module.objectBySig(ID, actId, eva, signature);
        vm.expectRevert(IPolicyModule.AlreadyObjected.selector);
        module.objectBySig(ID, actId, eva, signature);
    }

    function test_objectBySig_revert_NoPower() public {
        address powerless = vm.addr(OTHER_KEY);
        bytes memory signature = signed(OTHER_KEY, digestFor(powerless, ID, actId, block.chainid, address(module)));
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.objectBySig(ID, actId, powerless, signature);
    }

    function test_objectBySig_revert_NotPending(bytes32 other) public {
        vm.assume(other != actId);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        module.objectBySig(ID, other, eva, signed(KEY, digestOf(ID, other, block.chainid, address(module))));
    }

    function test_objectBySig_revert_Voided() public {
        put(payroll());
        vm.expectRevert(IPolicyModule.Voided.selector);
        module.objectBySig(ID, actId, eva, signed(KEY, digestOf(ID, actId, block.chainid, address(module))));
    }

    function test_objectBySig_revert_Expired() public {
        uint256 due = block.timestamp - 1 + DELAY + WINDOW;
        vm.warp(due);
        vm.expectRevert(err(IPolicyModule.Expired.selector, due));
        module.objectBySig(ID, actId, eva, signed(KEY, digestOf(ID, actId, block.chainid, address(module))));
    }

    // ---------------------------------------------------------------- small things

    function endow(address account, uint256 power) private {
        vm.prank(owner);
        IERC20(votes).transfer(account, power);
        vm.prank(account);
        IDelegate(votes).delegate(account);
        pass(1);
    }

    function refuse(bytes32 policyId, bytes32 id, address account, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.BadSignature.selector, account));
        module.objectBySig(policyId, id, account, signature);
    }

    function signed(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = signer.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// EIP-712 written out a second time, so that the module's own hashing is tested.
    function digestOf(bytes32 policyId, bytes32 id, uint256 chain, address contract_) private view returns (bytes32) {
        return digestFor(eva, policyId, id, chain, contract_);
    }

    function digestFor(address account, bytes32 policyId, bytes32 id, uint256 chain, address contract_)
        private
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Mandate PolicyModule"),
                keccak256("2"),
                chain,
                contract_
            )
        );
        bytes32 type_ = keccak256("Objection(bytes32 policyId,bytes32 actId,address account)");
        bytes32 struct_ = keccak256(abi.encode(type_, policyId, id, account));
        return keccak256(abi.encodePacked(hex"1901", domain, struct_));
    }
}
