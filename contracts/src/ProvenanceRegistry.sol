// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IProvenanceRegistry} from "./IProvenanceRegistry.sol";

/// @title ProvenanceRegistry
/// @notice Models and data sets that the members voted for, and content hashes co-signed by a declared set of parties.
/// Nothing here moves money. What was in force and what is complete stays on record: no vote and no party can undo it.
/// @dev No initialiser, no upgrade, no ether. The only call that leaves here is ERC-1271's, a STATICCALL.
contract ProvenanceRegistry is IProvenanceRegistry, EIP712 {
    // Storage, by slot:
    //   0, 1  unused (the EIP-712 library's old fallbacks)
    //   2     _entries:    contentHash -> | withdrawn (8) | ended (40) | registered (40) | kind (8) |
    //                                     | successor                                               |
    //                                     | uri                                                     |
    //   3     _statements: id ->          | contentHash                                             |
    //                                     | signatures (16) | threshold (16) | completed (40) | opened (40) |
    //                                     | signed, a bit for each party                            |
    //                                     | declined, a bit for each party                          |
    //                                     | parties                                                 |

    bytes32 private constant STATEMENT_TYPEHASH =
        keccak256("Statement(bytes32 contentHash,string text,address[] parties,uint256 threshold)");
    bytes32 private constant CO_SIGNATURE_TYPEHASH = keccak256(
        "CoSignature(address party,Statement statement)"
        "Statement(bytes32 contentHash,string text,address[] parties,uint256 threshold)"
    );

    /// @inheritdoc IProvenanceRegistry
    uint256 public constant MAX_TEXT = 1024;
    /// @inheritdoc IProvenanceRegistry
    uint256 public constant MAX_PARTIES = 256; // the bits of a word

    /// @inheritdoc IProvenanceRegistry
    address public immutable owner;

    mapping(bytes32 contentHash => Entry) private _entries;
    mapping(bytes32 id => Statement) private _statements;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    /// @param owner_ the timelock
    constructor(address owner_) EIP712("Mandate provenance registry", "1") {
        if (owner_ == address(0)) revert NoAddress();
        owner = owner_;
    }

    // ================================================================ entries: what the members stand behind

    /// @inheritdoc IProvenanceRegistry
    function register(bytes32 contentHash, Kind kind, string calldata uri) external onlyOwner {
        if (contentHash == 0) revert NoHash();
        if (kind == Kind.None) revert NoKind();
        _checkLength(uri);
        Entry storage made = _entries[contentHash];
        if (made.kind != Kind.None) revert AlreadyRegistered(contentHash);
        made.kind = kind;
        made.registeredAt = uint40(block.timestamp);
        made.uri = uri;
        emit Registered(contentHash, kind, uri);
    }

    /// @inheritdoc IProvenanceRegistry
    function relocate(bytes32 contentHash, string calldata uri) external onlyOwner {
        _checkLength(uri);
        _registered(contentHash).uri = uri;
        emit Relocated(contentHash, uri);
    }

    /// @inheritdoc IProvenanceRegistry
    function supersede(bytes32 contentHash, bytes32 successor) external onlyOwner {
        if (!isInForce(contentHash)) revert NotInForce(contentHash);
        Entry storage ended = _entries[contentHash];
        ended.endedAt = uint40(block.timestamp);
        ended.successor = successor;
        // Asked only now, so that nothing succeeds itself. What ended never returns, so there is no circle either.
        if (!isInForce(successor)) revert NotInForce(successor);
        if (_entries[successor].kind != ended.kind) revert OtherKind(ended.kind);
        emit Superseded(contentHash, successor);
    }

    /// @inheritdoc IProvenanceRegistry
    function withdraw(bytes32 contentHash) external onlyOwner {
        Entry storage ended = _registered(contentHash);
        if (ended.withdrawn) revert AlreadyWithdrawn(contentHash);
        ended.withdrawn = true;
        if (ended.endedAt == 0) ended.endedAt = uint40(block.timestamp);
        emit Withdrawn(contentHash);
    }

    /// @inheritdoc IProvenanceRegistry
    function entry(bytes32 contentHash) external view returns (Entry memory) {
        return _entries[contentHash];
    }

    /// @inheritdoc IProvenanceRegistry
    function isInForce(bytes32 contentHash) public view returns (bool) {
        Entry storage asked = _entries[contentHash];
        return asked.kind != Kind.None && asked.endedAt == 0;
    }

    /// @inheritdoc IProvenanceRegistry
    function wasInForce(bytes32 contentHash, uint256 time) external view returns (bool) {
        if (time >= block.timestamp) revert NotYet(time);
        Entry storage asked = _entries[contentHash];
        return asked.kind != Kind.None && asked.registeredAt <= time && (asked.endedAt == 0 || time < asked.endedAt);
    }

    // ================================================================ statements: what parties sign

    /// @inheritdoc IProvenanceRegistry
    function open(bytes32 contentHash, string calldata text, address[] calldata parties, uint256 threshold)
        external
        returns (bytes32 id)
    {
        if (contentHash == 0) revert NoHash();
        _checkLength(text);
        if (parties.length == 0 || parties.length > MAX_PARTIES) revert BadPartyCount(parties.length);
        if (threshold == 0 || threshold > parties.length) revert BadThreshold(threshold);
        address last; // from zero on: nobody below
        for (uint256 i; i < parties.length; ++i) {
            if (parties[i] <= last) revert NotAscending(i);
            last = parties[i];
        }
        id = idOf(contentHash, text, parties, threshold);
        Statement storage made = _statements[id];
        if (made.openedAt != 0) revert AlreadyOpen(id);
        made.contentHash = contentHash;
        made.openedAt = uint40(block.timestamp);
        made.threshold = uint16(threshold);
        made.parties = parties;
        emit StatementOpened(id, contentHash, msg.sender, parties, threshold, text);
    }

    /// @inheritdoc IProvenanceRegistry
    function sign(bytes32 id, Signature[] calldata signatures) external {
        Statement storage asked = _opened(id);
        for (uint256 i; i < signatures.length; ++i) {
            address party = _party(asked, signatures[i].index);
            uint256 bit = 1 << signatures[i].index;
            if (asked.signed & bit != 0) continue;
            if (asked.declined & bit != 0) revert HasDeclined(party);
            if (!_isWordOf(party, digest(id, party), signatures[i].signature)) revert InvalidSignature(party);
            asked.signed |= bit;
            emit Signed(id, party);
            // Passed once: nobody can decline after completion, so the count never comes back to the threshold.
            if (++asked.signatures == asked.threshold) {
                asked.completedAt = uint40(block.timestamp);
                emit Completed(id, asked.contentHash);
            }
        }
    }

    /// @inheritdoc IProvenanceRegistry
    function decline(bytes32 id, uint256 index) external {
        Statement storage asked = _opened(id);
        address party = _party(asked, index);
        uint256 bit = 1 << index;
        if (msg.sender != party) revert NotParty(party);
        if (asked.completedAt != 0) revert AlreadyComplete(id);
        if (asked.declined & bit != 0) revert HasDeclined(party);
        asked.declined |= bit;
        if (asked.signed & bit != 0) {
            asked.signed &= ~bit;
            --asked.signatures;
        }
        emit Declined(id, party);
    }

    /// @inheritdoc IProvenanceRegistry
    function statement(bytes32 id) external view returns (Statement memory) {
        return _statements[id];
    }

    /// @inheritdoc IProvenanceRegistry
    function isComplete(bytes32 id) external view returns (bool) {
        return _statements[id].completedAt != 0;
    }

    /// @inheritdoc IProvenanceRegistry
    function idOf(bytes32 contentHash, string calldata text, address[] calldata parties, uint256 threshold)
        public
        pure
        returns (bytes32 id)
    {
        // Packing an array pads each element to a word: what EIP-712 asks for.
        return keccak256(
            abi.encode(
                STATEMENT_TYPEHASH, contentHash, keccak256(bytes(text)), keccak256(abi.encodePacked(parties)), threshold
            )
        );
    }

    /// @inheritdoc IProvenanceRegistry
    function digest(bytes32 id, address party) public view returns (bytes32) {
        // The party is part of what it signs: where two parties (an account and a simple wallet of its own, say) take the
        // same key's signature, one signature still counts for one of them only.
        return _hashTypedDataV4(keccak256(abi.encode(CO_SIGNATURE_TYPEHASH, party, id)));
    }

    // ---------------------------------------------------------------- what these share

    function _checkLength(string calldata text) private pure {
        if (bytes(text).length > MAX_TEXT) revert TooLong(bytes(text).length);
    }

    function _registered(bytes32 contentHash) private view returns (Entry storage found) {
        found = _entries[contentHash];
        if (found.kind == Kind.None) revert NotRegistered(contentHash);
    }

    function _opened(bytes32 id) private view returns (Statement storage found) {
        found = _statements[id];
        if (found.openedAt == 0) revert NotOpen(id);
    }

    function _party(Statement storage asked, uint256 index) private view returns (address) {
        if (index >= asked.parties.length) revert NoParty(index);
        return asked.parties[index];
    }

    /// @dev The key first, so that an account which runs code (EIP-7702) keeps its own signature: whoever has the key can
    /// do anything in its name anyway. No contract has a key. `tryRecover` gives zero for what is no signature, and no
    /// party is zero. ERC-1271 is asked by STATICCALL and 32 bytes are read: the signer can change nothing meanwhile.
    function _isWordOf(address party, bytes32 hash, bytes calldata signature) private view returns (bool) {
        if (msg.sender == party) return true;
        (address recovered,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return recovered == party || SignatureChecker.isValidERC1271SignatureNowCalldata(party, hash, signature);
    }
}
