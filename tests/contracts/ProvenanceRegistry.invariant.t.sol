// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProvenanceRegistry} from "../../contracts/src/IProvenanceRegistry.sol";
import {ProvenanceBase} from "./support/ProvenanceBase.sol";
import {MoodyWallet, SimpleWallet} from "./support/Signers.sol";

/// @notice A voting owner, people with keys, two wallets, a meddler and a clock against the whole registry, beside a naive
/// model: what each said, and what the owner did. Whatever is tried, the model says whether it must succeed.
contract ProvenanceHandler is ProvenanceBase {
    enum Said {
        Nothing,
        Signed,
        Declined
    }

    struct Opened {
        bytes32 id;
        bytes32 contentHash;
        address[] parties;
        uint256 threshold;
        uint256 openedAt;
        uint256 completedAt;
        Said[] said;
    }

    Opened[] private opened;
    IProvenanceRegistry.Entry[7] private entries; // of hashes 0 to 6; nothing is ever registered under 0
    mapping(address party => uint256 key) private keyOf; // of a wallet: its owner's
    address[] private crew; // people and the wallets, ascending
    MoodyWallet private moody;
    uint256 public accepted;
    uint256 public refused;
    uint256 public completed;

    constructor() {
        setUp();
        moody = new MoodyWallet();
        SimpleWallet wallet = new SimpleWallet(people[0]); // one of its parties' keys is another's too
        for (uint256 i; i < 5; ++i) {
            keyOf[people[i]] = keys[i];
            crew.push(people[i]);
        }
        keyOf[address(wallet)] = keys[0];
        crew.push(address(wallet));
        crew.push(address(moody));
        for (uint256 i = 1; i < crew.length; ++i) {
            for (uint256 j = i; j != 0 && crew[j - 1] > crew[j]; --j) {
                (crew[j - 1], crew[j]) = (crew[j], crew[j - 1]);
            }
        }
    }

    // ---------------------------------------------------------------- what may happen to statements

    /// Any subset of the crew, any threshold, right or wrong.
    function openOne(uint256 subset, uint256 threshold, uint256 content) external {
        uint256 count;
        for (uint256 i; i < crew.length; ++i) {
            if (subset >> i & 1 == 1) ++count;
        }
        address[] memory parties = new address[](count);
        for (uint256 i = crew.length; i != 0; --i) {
            if (subset >> (i - 1) & 1 == 1) parties[--count] = crew[i - 1];
        }
        threshold %= parties.length + 2;
        bytes32 contentHash = bytes32(content % 3);
        bytes32 id = idOf(contentHash, TEXT, parties, threshold);
        bool fine = contentHash != 0 && threshold != 0 && threshold <= parties.length;
        for (uint256 i; i < opened.length; ++i) {
            if (opened[i].id == id) fine = false;
        }
        vm.prank(crew[subset % crew.length]);
        try registry.open(contentHash, TEXT, parties, threshold) returns (bytes32 made) {
            require(fine && made == id, "opened what must not be opened");
            opened.push(Opened(id, contentHash, parties, threshold, block.timestamp, 0, new Said[](parties.length)));
            ++accepted;
        } catch {
            require(!fine, "refused for nothing: open");
            ++refused;
        }
    }

    /// The party's own signature, or what a forger would try in its place.
    function signOne(uint256 which, uint256 index, uint256 forgery) external {
        if (opened.length == 0) return;
        Opened storage s = opened[which % opened.length];
        index %= s.parties.length + 1; // sometimes nobody's
        address party = index == s.parties.length ? stranger : s.parties[index];
        forgery %= 12;
        bytes memory signature = signatureOf(s, party, forgery);
        bool agrees = party == address(moody) ? moody.mood() == MoodyWallet.Mood.Yes : forgery > 5;
        bool honest = forgery == 5 || agrees; // 5: no signature at all, but sent by the party
        vm.prank(forgery == 5 ? party : stranger);
        try registry.sign{gas: 2_000_000}(s.id, one(index, signature)) {
            require(index < s.parties.length && s.said[index] != Said.Declined, "nobody's, or one who declined");
            require(honest || s.said[index] == Said.Signed, "forged");
            record(s, index, Said.Signed);
            ++accepted;
        } catch {
            bool fine = index < s.parties.length && s.said[index] != Said.Declined;
            require(!fine || (!honest && s.said[index] == Said.Nothing), "refused for nothing: sign");
            ++refused;
        }
    }

    /// Everybody who has not declined, at once.
    function signAll(uint256 which) external {
        if (opened.length == 0 || which % 3 != 0) return;
        Opened storage s = opened[which / 3 % opened.length];
        uint256 count;
        for (uint256 i; i < s.parties.length; ++i) {
            if (s.said[i] != Said.Declined) ++count;
        }
        IProvenanceRegistry.Signature[] memory batch = new IProvenanceRegistry.Signature[](count);
        for (uint256 i = s.parties.length; i != 0; --i) {
            if (s.said[i - 1] == Said.Declined) continue;
            batch[--count] = IProvenanceRegistry.Signature(i - 1, signatureOf(s, s.parties[i - 1], 6));
        }
        moody.become(MoodyWallet.Mood.Yes);
        registry.sign(s.id, batch);
        for (uint256 i; i < s.parties.length; ++i) {
            if (s.said[i] != Said.Declined) record(s, i, Said.Signed);
        }
    }

    /// By the party, or by somebody else in its place.
    function declineOne(uint256 which, uint256 index, uint256 who) external {
        if (opened.length == 0) return;
        Opened storage s = opened[which % opened.length];
        index %= s.parties.length;
        address sender = who % 3 == 0 ? crew[who / 3 % crew.length] : s.parties[index];
        bool fine = sender == s.parties[index] && s.completedAt == 0 && s.said[index] != Said.Declined;
        vm.prank(sender);
        try registry.decline(s.id, index) {
            require(fine, "declined what can't be declined");
            record(s, index, Said.Declined);
            ++accepted;
        } catch {
            require(!fine, "refused for nothing: decline");
            ++refused;
        }
    }

    function changeMood(uint256 mood) external {
        moody.become(MoodyWallet.Mood(mood % 8));
    }

    // ---------------------------------------------------------------- what may happen to entries

    function registerOne(uint256 which, uint256 kind, uint256 who) external {
        (which, kind) = (which % 7, kind % 3);
        IProvenanceRegistry.Entry storage e = entries[which];
        bool fine = byOwner(who) && which != 0 && kind != 0 && e.kind == IProvenanceRegistry.Kind.None;
        try registry.register(bytes32(which), IProvenanceRegistry.Kind(kind), "a") {
            require(fine, "registered what must not be registered");
            (e.kind, e.registeredAt, e.uri) = (IProvenanceRegistry.Kind(kind), uint40(block.timestamp), "a");
            ++accepted;
        } catch {
            require(!fine, "refused for nothing: register");
            ++refused;
        }
    }

    function relocateOne(uint256 which, uint256 where, uint256 who) external {
        IProvenanceRegistry.Entry storage e = entries[which % 7];
        bool fine = byOwner(who) && e.kind != IProvenanceRegistry.Kind.None;
        string memory uri = vm.toString(where % 10);
        try registry.relocate(bytes32(which % 7), uri) {
            require(fine, "relocated what must not be relocated");
            e.uri = uri;
            ++accepted;
        } catch {
            require(!fine, "refused for nothing: relocate");
            ++refused;
        }
    }

    function supersedeOne(uint256 which, uint256 by, uint256 who) external {
        (which, by) = (which % 7, by % 7);
        IProvenanceRegistry.Entry storage e = entries[which];
        bool fine = byOwner(who) && which != by && inForce(which) && inForce(by) && e.kind == entries[by].kind;
        try registry.supersede(bytes32(which), bytes32(by)) {
            require(fine, "superseded what must not be superseded");
            (e.endedAt, e.successor) = (uint40(block.timestamp), bytes32(by));
            ++accepted;
        } catch {
            require(!fine, "refused for nothing: supersede");
            ++refused;
        }
    }

    function withdrawOne(uint256 which, uint256 who) external {
        IProvenanceRegistry.Entry storage e = entries[which % 7];
        bool fine = byOwner(who) && e.kind != IProvenanceRegistry.Kind.None && !e.withdrawn;
        try registry.withdraw(bytes32(which % 7)) {
            require(fine, "withdrew what must not be withdrawn");
            e.withdrawn = true;
            if (e.endedAt == 0) e.endedAt = uint40(block.timestamp);
            ++accepted;
        } catch {
            require(!fine, "refused for nothing: withdraw");
            ++refused;
        }
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 1000);
    }

    // ---------------------------------------------------------------- what must hold

    /// Complete <=> as many of exactly the declared parties signed as must; and nothing else is ever otherwise.
    function checkStatements() external view {
        for (uint256 i; i < opened.length; ++i) {
            Opened storage s = opened[i];
            IProvenanceRegistry.Statement memory now_ = registry.statement(s.id);
            (uint256 signers, uint256 decliners, uint256 count) = (0, 0, 0);
            for (uint256 j; j < s.parties.length; ++j) {
                if (s.said[j] == Said.Declined) decliners |= 1 << j;
                if (s.said[j] != Said.Signed) continue;
                signers |= 1 << j;
                ++count;
            }
            require(registry.isComplete(s.id) == (count >= s.threshold), "complete, but for those who must sign");
            require(now_.signed == signers && now_.signatures == count, "who signed");
            require(now_.declined == decliners, "who declined");
            require(now_.completedAt == s.completedAt && now_.openedAt == s.openedAt, "when");
            require(now_.contentHash == s.contentHash && now_.threshold == s.threshold, "what");
            require(keccak256(abi.encode(now_.parties)) == keccak256(abi.encode(s.parties)), "who must");
        }
    }

    /// Nothing that the owner did not do changes the register; and what was in force at a time stays so.
    function checkEntries() external view {
        for (uint256 i; i < 7; ++i) {
            IProvenanceRegistry.Entry storage e = entries[i];
            require(keccak256(abi.encode(registry.entry(bytes32(i)))) == keccak256(abi.encode(e)), "entry");
            require(registry.isInForce(bytes32(i)) == inForce(i), "in force");
            if (e.registeredAt == 0 || e.registeredAt == block.timestamp) continue;
            require(registry.wasInForce(bytes32(i), e.registeredAt) == (e.endedAt != e.registeredAt), "was in force");
            if (e.endedAt == 0) require(registry.wasInForce(bytes32(i), block.timestamp - 1), "is in force");
            else if (e.endedAt < block.timestamp) require(!registry.wasInForce(bytes32(i), e.endedAt), "has ended");
        }
        require(!registry.isInForce(RECORDING), "what was never registered");
    }

    // ---------------------------------------------------------------- small things

    function record(Opened storage s, uint256 index, Said said) private {
        s.said[index] = said;
        uint256 count;
        for (uint256 i; i < s.said.length; ++i) {
            if (s.said[i] == Said.Signed) ++count;
        }
        if (s.completedAt != 0 || count < s.threshold) return;
        s.completedAt = block.timestamp;
        ++completed;
    }

    /// Up to 4 it is forged, at 5 empty, above it is right.
    function signatureOf(Opened storage s, address party, uint256 forgery) private view returns (bytes memory) {
        uint256 key = keyOf[party] == 0 ? STRANGERS_KEY : keyOf[party];
        if (forgery == 0) return signed(STRANGERS_KEY, registry.digest(s.id, party));
        if (forgery == 1) return signed(key, registry.digest(s.id, address(registry))); // for another party
        if (forgery == 2) return signed(key, registry.digest(keccak256(abi.encode(s.id)), party)); // another statement
        if (forgery == 3) return signed(key, digestOf(s.id, party, block.chainid + 1, address(registry)));
        if (forgery == 4) return signed(key, digestOf(s.id, party, block.chainid, address(this)));
        if (forgery == 5) return "";
        return signed(key, registry.digest(s.id, party));
    }

    function inForce(uint256 which) private view returns (bool) {
        return entries[which].registeredAt != 0 && entries[which].endedAt == 0;
    }

    /// Three times of four; else whoever else there is. The next call is theirs.
    function byOwner(uint256 who) private returns (bool) {
        bool isOwner = who % 4 != 0;
        vm.prank(isOwner ? timelock : who % 8 == 0 ? stranger : crew[who / 8 % crew.length]);
        return isOwner;
    }
}

contract ProvenanceInvariantTest is ProvenanceBase {
    ProvenanceHandler private handler;

    function setUp() public override {
        handler = new ProvenanceHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        bytes4[] memory s = new bytes4[](14);
        s[0] = ProvenanceHandler.openOne.selector;
        s[1] = ProvenanceHandler.openOne.selector;
        s[2] = ProvenanceHandler.signOne.selector;
        s[3] = ProvenanceHandler.signOne.selector;
        s[4] = ProvenanceHandler.signOne.selector;
        s[5] = ProvenanceHandler.signOne.selector;
        s[6] = ProvenanceHandler.signAll.selector;
        s[7] = ProvenanceHandler.declineOne.selector;
        s[8] = ProvenanceHandler.changeMood.selector;
        s[9] = ProvenanceHandler.registerOne.selector;
        s[10] = ProvenanceHandler.relocateOne.selector;
        s[11] = ProvenanceHandler.supersedeOne.selector;
        s[12] = ProvenanceHandler.withdrawOne.selector;
        s[13] = ProvenanceHandler.wait.selector;
        targets[0].selectors = s;
    }

    function invariant_complete_iff_the_declared_parties_signed() public view {
        handler.checkStatements();
    }

    function invariant_only_the_owner_changes_the_register() public view {
        handler.checkEntries();
    }

    /// Things do get through the handler, or the invariants would say nothing.
    function test_the_handler_acts() public {
        handler.openOne(7, 2, 1); // three of the crew, two of whom must sign
        handler.signOne(0, 0, 6);
        handler.signOne(0, 1, 0); // forged: refused, unless it is the wallet that says yes to all
        handler.signAll(0);
        equal(handler.completed(), 1, "completed");
        handler.registerOne(1, 1, 1);
        handler.registerOne(2, 1, 0); // a stranger: refused
        handler.registerOne(2, 1, 1);
        handler.supersedeOne(1, 2, 1);
        handler.withdrawOne(1, 1);
        handler.relocateOne(1, 1, 1);
        equal(handler.accepted() + handler.refused(), 9, "tried");
        require(handler.accepted() >= 7 && handler.refused() >= 1, "accepted and refused");
        handler.checkStatements();
        handler.checkEntries();
    }
}
