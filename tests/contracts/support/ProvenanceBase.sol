// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProvenanceRegistry} from "../../../contracts/src/IProvenanceRegistry.sol";
import {Vm} from "./Vm.sol";

interface SigningVm is Vm {
    function chainId(uint256 newChainId) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
}

/// @notice A registry owned by a timelock, five people with keys, and hands to open and sign statements with.
abstract contract ProvenanceBase {
    SigningVm internal constant vm = SigningVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant T0 = 1_800_000_000;
    uint256 internal constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141; // of secp256k1
    bytes32 internal constant MODEL = keccak256("weights");
    bytes32 internal constant BETTER = keccak256("better weights");
    bytes32 internal constant DATA = keccak256("data");
    bytes32 internal constant RECORDING = keccak256("recording");
    string internal constant TEXT = "We were in this recording and agree that it is published.";

    IProvenanceRegistry.Kind internal constant A_MODEL = IProvenanceRegistry.Kind.Model;
    IProvenanceRegistry.Kind internal constant A_DATA_SET = IProvenanceRegistry.Kind.DataSet;

    address internal timelock = address(0xA11);
    address internal stranger = address(0xF66);
    IProvenanceRegistry internal registry;
    uint256[] internal keys; // of `people`, in the same order
    address[] internal people; // strictly ascending
    uint256 internal constant STRANGERS_KEY = 0x5712A46E;

    function setUp() public virtual {
        vm.warp(T0);
        registry = deploy(timelock);
        for (uint256 key = 1; key <= 5; ++key) {
            seat(key);
        }
    }

    function deploy(address owner) public returns (IProvenanceRegistry) {
        return IProvenanceRegistry(vm.deployCode("ProvenanceRegistry.sol:ProvenanceRegistry", abi.encode(owner)));
    }

    /// Puts an account among `people`, so that they stay ascending.
    function seat(uint256 key) private {
        keys.push(key);
        people.push(vm.addr(key));
        for (uint256 i = people.length - 1; i != 0 && people[i - 1] > people[i]; --i) {
            (people[i - 1], people[i]) = (people[i], people[i - 1]);
            (keys[i - 1], keys[i]) = (keys[i], keys[i - 1]);
        }
    }

    // ---------------------------------------------------------------- statements

    function openForAll() internal returns (bytes32) {
        return registry.open(RECORDING, TEXT, people, people.length);
    }

    /// Opens a statement of people[0] and one other party, both of whom must sign; returns the other's index too.
    function openWith(address other) internal returns (bytes32 id, uint256 index) {
        index = other > people[0] ? 1 : 0;
        address[] memory parties = new address[](2);
        (parties[index], parties[1 - index]) = (other, people[0]);
        id = registry.open(RECORDING, TEXT, parties, 2);
    }

    /// EIP-712 written out a second time, so that the registry's own hashing is tested.
    function idOf(bytes32 contentHash, string memory text, address[] memory parties, uint256 threshold)
        internal
        pure
        returns (bytes32)
    {
        bytes memory list;
        for (uint256 i; i < parties.length; ++i) {
            list = abi.encodePacked(list, uint256(uint160(parties[i])));
        }
        bytes32 typehash = keccak256("Statement(bytes32 contentHash,string text,address[] parties,uint256 threshold)");
        return keccak256(abi.encode(typehash, contentHash, keccak256(bytes(text)), keccak256(list), threshold));
    }

    function digestOf(bytes32 id, address party, uint256 chain, address contract_) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Mandate provenance registry"),
                keccak256("1"),
                chain,
                contract_
            )
        );
        bytes32 typehash = keccak256(
            "CoSignature(address party,Statement statement)Statement(bytes32 contentHash,string text,address[] parties,uint256 threshold)"
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typehash, party, id))));
    }

    // ---------------------------------------------------------------- signatures

    function signed(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// people[index]'s signature of a statement.
    function word(bytes32 id, uint256 index) internal view returns (bytes memory) {
        return signed(keys[index], registry.digest(id, people[index]));
    }

    function one(uint256 index, bytes memory signature)
        internal
        pure
        returns (IProvenanceRegistry.Signature[] memory batch)
    {
        batch = new IProvenanceRegistry.Signature[](1);
        batch[0] = IProvenanceRegistry.Signature(index, signature);
    }

    /// The signatures of people[from] up to, but without, people[to].
    function words(bytes32 id, uint256 from, uint256 to)
        internal
        view
        returns (IProvenanceRegistry.Signature[] memory batch)
    {
        batch = new IProvenanceRegistry.Signature[](to - from);
        for (uint256 i = from; i < to; ++i) {
            batch[i - from] = IProvenanceRegistry.Signature(i, word(id, i));
        }
    }

    function refuse(bytes32 id, uint256 index, bytes memory signature, bytes memory problem) internal {
        vm.expectRevert(problem);
        registry.sign(id, one(index, signature));
    }

    function invalid(address party) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProvenanceRegistry.InvalidSignature.selector, party);
    }

    // ---------------------------------------------------------------- entries

    function register(bytes32 contentHash, IProvenanceRegistry.Kind kind) internal {
        vm.prank(timelock);
        registry.register(contentHash, kind, "ipfs://manifest");
    }

    function supersede(bytes32 contentHash, bytes32 successor) internal {
        vm.prank(timelock);
        registry.supersede(contentHash, successor);
    }

    function withdraw(bytes32 contentHash) internal {
        vm.prank(timelock);
        registry.withdraw(contentHash);
    }

    // ---------------------------------------------------------------- small things

    function err(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    function err(bytes4 selector, bytes32 a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a);
    }

    function equal(uint256 a, uint256 b, string memory what) internal pure {
        if (a != b) revert(string.concat(what, ": ", vm.toString(a), " is not ", vm.toString(b)));
    }

    function same(bytes32 a, bytes32 b, string memory what) internal pure {
        require(a == b, what);
    }

    function same(string memory a, string memory b, string memory what) internal pure {
        require(keccak256(bytes(a)) == keccak256(bytes(b)), what);
    }

    /// A value within [low, high], the ends more often than chance would have it.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value < 4) return low + value <= high ? low + value : high;
        if (value > type(uint256).max - 4) return high;
        return low + value % (high - low + 1);
    }
}
