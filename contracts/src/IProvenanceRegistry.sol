// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IProvenanceRegistry
/// @notice Two registers that share nothing but content hashes. **Entries**: models and data sets that the members stand
/// behind; only a vote writes here. **Statements**: content hashes co-signed by a declared set of parties, as when
/// everyone in a recording signs its hash; anybody may open one, and it is complete when those who must sign have.
/// @dev What each means, and does not, is in docs/provenance-registry.md. Every string is hostile text: show it as such.
/// Times are Unix seconds of the chain's clock. A content hash is whatever function the content's kind uses; the registry
/// never sees the content.
interface IProvenanceRegistry {
    enum Kind {
        None, // no such entry
        Model,
        DataSet
    }

    /// @notice A model or a data set. It is in force from `registeredAt` until `endedAt`, and never again after.
    struct Entry {
        Kind kind;
        uint40 registeredAt;
        uint40 endedAt; // superseded or withdrawn, whichever came first; 0 while in force
        bool withdrawn; // don't rely on it: says more than being superseded, and may follow it
        bytes32 successor; // what superseded it, or 0
        string uri; // where it can be had today; may be empty. Only the hash says what it is
    }

    /// @notice A content hash and who must sign it. Its id is the EIP-712 hash of all its terms, so it can't be changed.
    struct Statement {
        bytes32 contentHash;
        uint40 openedAt; // 0: no such statement
        uint40 completedAt; // 0 until `threshold` parties have signed; never changes after
        uint16 threshold;
        uint16 signatures; // how many bits of `signed` are set
        uint256 signed; // bit i: parties[i] has signed
        uint256 declined; // bit i: parties[i] never will
        address[] parties; // strictly ascending
    }

    /// @notice One party's word.
    struct Signature {
        uint256 index; // the party's place in the statement's list, from 0
        bytes signature; // 65 bytes of an account, or what the party's contract takes (ERC-1271)
    }

    // ---------------------------------------------------------------- events

    /// @notice The members stand behind this model or data set from now on.
    event Registered(bytes32 indexed contentHash, Kind indexed kind, string uri);
    /// @notice It can be had elsewhere now.
    event Relocated(bytes32 indexed contentHash, string uri);
    event Superseded(bytes32 indexed contentHash, bytes32 indexed successor);
    event Withdrawn(bytes32 indexed contentHash);
    /// @notice `threshold` of `parties` must sign that `contentHash` is what `text` says. The text stands only here.
    event StatementOpened(
        bytes32 indexed id,
        bytes32 indexed contentHash,
        address indexed opener,
        address[] parties,
        uint256 threshold,
        string text
    );
    event Signed(bytes32 indexed id, address indexed party);
    /// @notice The party will never sign this statement; if it had, its signature counts no more.
    event Declined(bytes32 indexed id, address indexed party);
    /// @notice Those who must sign have. For ever.
    event Completed(bytes32 indexed id, bytes32 indexed contentHash);

    // ---------------------------------------------------------------- errors: entries

    error NotOwner();
    error NoAddress();
    /// @notice The content hash is zero.
    error NoHash();
    error NoKind();
    /// @notice A text may have `MAX_TEXT` bytes.
    error TooLong(uint256 bytes_);
    /// @notice A content hash is registered once and for all; what ended does not come back.
    error AlreadyRegistered(bytes32 contentHash);
    error NotRegistered(bytes32 contentHash);
    error NotInForce(bytes32 contentHash);
    /// @notice A model does not supersede a data set.
    error OtherKind(Kind kind);
    error AlreadyWithdrawn(bytes32 contentHash);
    /// @notice The second has not passed yet: the answer could still change.
    error NotYet(uint256 time);

    // ---------------------------------------------------------------- errors: statements

    /// @notice A statement has 1 to `MAX_PARTIES` parties.
    error BadPartyCount(uint256 parties);
    /// @notice Parties are strictly ascending: nobody twice, nobody zero, and one id for one set.
    error NotAscending(uint256 index);
    /// @notice 1 to all parties must sign.
    error BadThreshold(uint256 threshold);
    error AlreadyOpen(bytes32 id);
    error NotOpen(bytes32 id);
    error AlreadyComplete(bytes32 id);
    /// @notice The statement has no party of this index.
    error NoParty(uint256 index);
    /// @notice Only the party itself can decline.
    error NotParty(address party);
    error HasDeclined(address party);
    error InvalidSignature(address party);

    // ---------------------------------------------------------------- entries

    /// @notice Who writes entries: the timelock, for ever.
    function owner() external view returns (address);

    /// @notice The most bytes that a URI or a statement's text may have.
    function MAX_TEXT() external view returns (uint256);

    /// @notice The most parties that a statement may have.
    function MAX_PARTIES() external view returns (uint256);

    /// @notice Puts a model or a data set into the register. Only the owner.
    /// @param contentHash of the weights' or the data's manifest; never zero, never registered before
    /// @param kind Model or DataSet
    /// @param uri where it can be had; may be empty
    function register(bytes32 contentHash, Kind kind, string calldata uri) external;

    /// @notice Changes where a registered content can be had, in force or not. Only the owner.
    function relocate(bytes32 contentHash, string calldata uri) external;

    /// @notice Ends an entry in favour of another of its kind, both in force: something better exists. Only the owner.
    function supersede(bytes32 contentHash, bytes32 successor) external;

    /// @notice Ends an entry, or marks an ended one: it should not be relied on. Only the owner, and for ever.
    function withdraw(bytes32 contentHash) external;

    /// @notice All that is known of a content hash; all zero when it was never registered.
    function entry(bytes32 contentHash) external view returns (Entry memory);

    /// @notice Whether the members stand behind the content now.
    function isInForce(bytes32 contentHash) external view returns (bool);

    /// @notice Whether they did at a past time: the answer never changes. An entry counts from the second in which it was
    /// registered until before the one in which it ended.
    /// @param time before this block's
    function wasInForce(bytes32 contentHash, uint256 time) external view returns (bool);

    // ---------------------------------------------------------------- statements

    /// @notice Fixes what is to be signed, and by whom. Anybody may; it obliges nobody.
    /// @param contentHash of what is signed; never zero
    /// @param text what the signers say of it, shown by their wallets; may be empty
    /// @param parties who may sign, strictly ascending
    /// @param threshold how many of them must, from 1 to all
    /// @return id as `idOf`
    function open(bytes32 contentHash, string calldata text, address[] calldata parties, uint256 threshold)
        external
        returns (bytes32 id);

    /// @notice Counts parties' signatures over `digest`. Anybody may relay. A party that sends the transaction itself needs
    /// no signature. One that has signed already is passed over, so that nobody can stop a batch by relaying a part of it
    /// first; any other fault undoes the whole batch. After completion the rest may still sign.
    /// @dev An account's signature has 65 bytes with the lower s; an account that runs code (EIP-7702) may sign either way.
    function sign(bytes32 id, Signature[] calldata signatures) external;

    /// @notice The caller, a party, will never sign this statement. It takes back a signature that it gave, here or only
    /// outside. Not after completion: what is complete stays complete.
    /// @param index the caller's place in the list, from 0
    function decline(bytes32 id, uint256 index) external;

    /// @notice All that is known of a statement; all zero when it was never opened.
    function statement(bytes32 id) external view returns (Statement memory);

    /// @notice Whether those who must sign have.
    function isComplete(bytes32 id) external view returns (bool);

    /// @notice A statement's id: the EIP-712 hash of `Statement(bytes32 contentHash,string text,address[] parties,uint256
    /// threshold)`, the same on every chain. It checks nothing: `open` does.
    function idOf(bytes32 contentHash, string calldata text, address[] calldata parties, uint256 threshold)
        external
        pure
        returns (bytes32 id);

    /// @notice What one party signs: the EIP-712 digest of `CoSignature(address party,Statement statement)` for this chain
    /// and this contract.
    function digest(bytes32 id, address party) external view returns (bytes32);
}
