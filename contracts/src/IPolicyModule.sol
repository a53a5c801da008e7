// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IPolicyModule
/// @notice An agent spends from a treasury only inside a policy that the members voted for.
/// @dev The bytes of a policy are described in docs/policy-code.md. Times are Unix seconds of the chain's clock.
interface IPolicyModule {
    /// @notice One call of an act, made by the treasury as a plain CALL.
    struct Call {
        address to;
        uint256 value; // wei
        bytes data;
    }

    /// @notice A scheduled act that holds one of its policy's four places.
    struct PendingAct {
        uint48 snapshot; // objections count with the power held then, in the votes token's clock
        uint32 epoch; // pause epoch, when it was scheduled
        uint16 version; // of the policy, when it was scheduled
        uint24 number;
        uint32 releasableAt;
        uint32 expiresAt; // the first second at which it can't be released any more; 0: released, killed or vetoed
        uint32 quietUntil; // of place 0: nothing is scheduled before, because an act was killed
        bytes32 actId;
    }

    /// @notice Members who ask for a pause.
    struct Petition {
        uint48 snapshot; // signatures count with the power held then, in the votes token's clock
        uint40 until;
        uint32 epoch; // pause epoch, when it opened; a pause voids it
        uint32 serial; // counts the policy's petitions, from 1
        uint256 power; // that has signed
    }

    // ---------------------------------------------------------------- events

    /// @notice The owner put a policy in force; version `version - 1` and its pending acts are void.
    event PolicySet(
        bytes32 indexed policyId, address indexed agent, uint16 version, bytes32 codehash, address pointer
    );
    /// @notice The policy ends earlier: `end` as stored, a whole hour.
    event PolicyShortened(bytes32 indexed policyId, uint40 end);
    /// @notice An act was performed under the policy in force: the version that the last `PolicySet` named.
    event ActExecuted(
        bytes32 indexed policyId, address indexed agent, bytes32 indexed decision, uint24 number
    );
    /// @notice An act was announced: from now until `releasableAt` members can object, with the power that they held at
    /// `snapshot`; then the agent can release it, until `expiresAt`. `calls` is the whole of what it would do.
    event ActScheduled(
        bytes32 indexed policyId,
        address indexed agent,
        bytes32 indexed decision,
        bytes32 actId,
        uint24 number,
        uint16 version,
        uint40 releasableAt,
        uint40 expiresAt,
        uint48 snapshot,
        Call[] calls
    );
    /// @notice A scheduled act was performed. It is not pending any more.
    event ActReleased(
        bytes32 indexed policyId, address indexed agent, bytes32 indexed decision, bytes32 actId
    );
    /// @notice `account` objected with `power`; the objections are now `total`, and `threshold` kills.
    event ActObjected(
        bytes32 indexed policyId,
        bytes32 indexed actId,
        address indexed account,
        uint256 power,
        uint256 total,
        uint256 threshold
    );
    /// @notice The objections, `total`, have reached the threshold: the act is never released.
    event ActKilled(bytes32 indexed policyId, bytes32 indexed actId, uint256 total);
    /// @notice The guardian or the owner, `by`, stopped the act: it is never released.
    event ActVetoed(bytes32 indexed policyId, bytes32 indexed actId, address by);
    /// @notice A member asks for a pause. Others may join until `until`, with the power that they held at `snapshot`;
    /// `threshold` pauses.
    event PetitionOpened(bytes32 indexed policyId, uint32 serial, uint48 snapshot, uint40 until, uint256 threshold);
    /// @notice `account` signed the petition `serial` with `power`; it has now `total`.
    event PetitionSigned(
        bytes32 indexed policyId, address indexed account, uint32 serial, uint256 power, uint256 total
    );
    /// @notice Nothing is performed or announced until `Unpaused`, and what was pending is void. `by` is the guardian,
    /// the owner, or the member whose signature carried a petition; `epoch` counts the pauses.
    event Paused(address by, uint32 epoch);
    /// @notice A vote ended the pause `epoch`.
    event Unpaused(uint32 epoch);
    /// @notice `guardian` may veto, pause and shorten from now on; zero means nobody.
    event GuardianSet(address guardian);

    // ---------------------------------------------------------------- errors: who

    /// @notice Only the owner may.
    error NotOwner();
    /// @notice Only the agent that the policy in force names may: `agent`.
    error NotAgent(address agent);
    /// @notice Only the guardian or the owner may.
    error NotGuardian();

    // ---------------------------------------------------------------- errors: when

    /// @notice The module is paused.
    error IsPaused();
    /// @notice The module is not paused, so nothing ends a pause.
    error NotPaused();
    /// @notice No policy was ever set under this id.
    error NoPolicy();
    /// @notice The act was planned under another policy than the one in force, whose code hash is `inForce`.
    error StalePolicy(bytes32 inForce);
    /// @notice The number is not the one that is due: `expected`.
    error WrongNumber(uint24 expected);
    /// @notice The act names no decision record.
    error NoDecision();
    /// @notice The policy is not yet in force; it is from `start` on.
    error NotStarted(uint40 start);
    /// @notice The policy is in force no more; it ended at `end`.
    error Ended(uint40 end);
    /// @notice The cooldown after the last act lasts until `until`.
    error Cooling(uint40 until);
    /// @notice A call came back into the module while an act was being performed.
    error Locked();

    // ---------------------------------------------------------------- errors: what

    /// @notice The act holds no call.
    error NoCalls();
    /// @notice The policy permits no such function (or no plain ether) at this target.
    error NoRule(uint256 call, address target, bytes4 selector);
    /// @notice The calldata has not exactly the form that the rule names: selector, words, canonical tails.
    error BadCalldata(uint256 call);
    /// @notice The call sends ether and its rule does not charge it.
    error ValueNotCharged(uint256 call);
    /// @notice The failing clause of the only, or else the last, alternative.
    /// @param rule the rule's place in the policy, from 0
    /// @param clause the clause's place in the rule, from 0
    error ClauseFailed(uint256 call, uint256 rule, uint256 clause, bytes32 argument);
    /// @notice The rule's calls of this act come to more than the rule lets one act have.
    /// @param rule the rule's place in the policy, from 0
    /// @param clause the cap's place in the rule, from 0
    /// @param amount what the call would add under the cap
    /// @param left what the calls before it in this act have left of it
    error OverCap(uint256 call, uint256 rule, uint256 clause, uint256 amount, uint256 left);
    /// @notice More than may be spent at once, but not more than may be scheduled.
    /// @param key the ring's key
    /// @param units what the act would charge
    /// @param left what may still be charged at once
    error OverInstant(bytes32 key, uint256 units, uint256 left);
    /// @notice More than the policy permits at all in this window.
    error OverBudget(bytes32 key, uint256 units, uint256 left);
    /// @notice The chain's time lies before the ring's last charge, or past what can be counted (the year 2106).
    error BadTime();
    /// @notice The treasury said no, or the target reverted with `reason`.
    error CallFailed(uint256 call, bytes reason);
    /// @notice The target did not return true although the rule demands it.
    error NotTrue(uint256 call);
    /// @notice The treasury's balance of the asset rose by `risen`, less than the `needed` that the rule demands.
    error TooLittleIncome(uint256 call, address asset, uint256 risen, uint256 needed);
    /// @notice The act ended with an allowance for the spender; it must end with none.
    error AllowanceLeft(uint256 call, address spender, uint256 allowance);

    // ---------------------------------------------------------------- errors: pending acts

    /// @notice The policy has no objection delay, so nothing can be scheduled under it.
    error NotSchedulable();
    /// @notice The policy ends at `end`, before members' time to object would be over at `releasableAt`: the act could
    /// never be released.
    error EndsTooSoon(uint40 releasableAt, uint40 end);
    /// @notice As many acts as permitted are pending; the first of them expires at `until`.
    error TooManyPending(uint40 until);
    /// @notice An act was killed; nothing is scheduled before `until`.
    error Quiet(uint40 until);
    /// @notice No such act is pending: it was never announced, or is released, killed or vetoed.
    error NotPending();
    /// @notice Members may still object; the act can be released from `releasableAt` on.
    error NotYet(uint40 releasableAt);
    /// @notice The act should have been released before `expiresAt`.
    error Expired(uint40 expiresAt);
    /// @notice The policy was replaced or ended, or a pause came, since the act was scheduled. It stays void for ever.
    error Voided();
    /// @notice These are not the calls, or not the decision, that were scheduled.
    error OtherCalls();
    /// @notice The account had no voting power at the snapshot.
    error NoPower();
    /// @notice The account has objected to this act before.
    error AlreadyObjected();
    /// @notice The account has signed this petition before.
    error AlreadySigned();
    /// @notice The signature is not the account's over this objection.
    error BadSignature(address account);

    // ---------------------------------------------------------------- errors: the owner's and guardian's

    /// @notice The bytes are not a policy that this module can bound. See docs/policy-code.md.
    /// @param offset where in the policy code
    /// @param problem what is wrong there, in ASCII
    error BadPolicy(uint256 offset, bytes32 problem);
    /// @notice An end can only be moved forward; the one in force is `end`.
    error NotShorter(uint40 end);
    /// @notice Owner, governor, treasury and votes token must be given.
    error NoAddress();
    /// @notice The votes token's clock is neither the block's time nor its number.
    error UnknownClock();
    /// @notice The votes token is no contract, or does not answer `getPastTotalSupply` and `getPastVotes` of the moment
    /// before: nobody could object. An answer of zero is taken.
    error NoPastVotes();

    // ---------------------------------------------------------------- the owner

    /// @notice Puts a policy in force, or another version of it. Pending acts of the version before are void; what was
    /// spent stays spent, and the act numbers and the cooldown go on.
    /// @param policyId the policy's name for ever
    /// @param code canonical policy code, without the leading 00
    function setPolicy(bytes32 policyId, bytes calldata code) external;

    /// @notice Ends a pause. What was pending before it stays void.
    function unpause() external;

    /// @notice Names another guardian; the zero address means none.
    function setGuardian(address newGuardian) external;

    // ---------------------------------------------------------------- the agent

    /// @notice Performs an act at once: everything is checked, then charged, then called; all or nothing.
    /// @param codehash the policy version that the act was planned under
    /// @param number the act number that is due: one more than the last
    /// @param decision the hash of the decision record; not zero
    function execute(
        bytes32 policyId,
        bytes32 codehash,
        Call[] calldata calls,
        uint24 number,
        bytes32 decision
    ) external;

    /// @notice Announces an act that is too large to be performed at once. Nothing is charged yet.
    /// @dev Arguments as of `execute`. The act must fit into what may be spent now, and is checked again on release. Its
    /// release must be possible before the policy ends.
    /// @return actId names the pending act
    function schedule(
        bytes32 policyId,
        bytes32 codehash,
        Call[] calldata calls,
        uint24 number,
        bytes32 decision
    ) external returns (bytes32 actId);

    /// @notice Performs a scheduled act after its objection delay and within its release window; checks all again.
    /// @param number the act number that it was scheduled under
    /// @param calls and `decision`: exactly what was scheduled
    function release(bytes32 policyId, uint24 number, Call[] calldata calls, bytes32 decision) external;

    /// @notice The agent gives its policy up: it ends now.
    function renounce(bytes32 policyId) external;

    // ---------------------------------------------------------------- those who stop it

    /// @notice Objects against pending acts with the caller's voting power at each act's snapshot. Of several, those that
    /// are over are passed by; reverts if all are.
    function object(bytes32 policyId, bytes32[] calldata actIds) external;

    /// @notice The same for an account that has signed `Objection(bytes32 policyId,bytes32 actId,address account)`
    /// (EIP-712). The account's key signs, also where the account runs a contract's code (EIP-7702); a contract answers by
    /// ERC-1271, and its owners' signatures then count for no other contract of theirs. It needs no nonce and no deadline:
    /// an account objects to an act once, and only while it is pending.
    function objectBySig(bytes32 policyId, bytes32 actId, address account, bytes calldata signature) external;

    /// @notice Asks for a pause with the caller's voting power, at the petition's snapshot; opens a petition if none is
    /// open. It is open for seven days; when it reaches the policy's objection threshold, the module is paused.
    function petition(bytes32 policyId) external;

    /// @notice Guardian or owner: the pending act is never released.
    function veto(bytes32 policyId, bytes32 actId) external;

    /// @notice Guardian or owner: nothing is performed until a vote unpauses, and all that is pending is void.
    function pause() external;

    /// @notice Guardian or owner: the policy ends earlier. `end` is rounded down to a whole hour.
    function shorten(bytes32 policyId, uint40 end) external;

    // ---------------------------------------------------------------- views

    /// @notice The policy in force.
    /// @return pointer the contract whose code is 00 and the policy code; zero if there is no such policy
    /// @return version how often the policy was set
    /// @return number the number of the last act; the next is one more
    /// @return lastAct when the last act was executed or scheduled
    /// @return end the end in force
    function policyState(bytes32 policyId)
        external
        view
        returns (address pointer, uint16 version, uint24 number, uint32 lastAct, uint40 end);

    /// @notice What a budget's ring holds at this block's time.
    /// @param segment the length of a segment in seconds, as in the key
    /// @return units spent in the window that ends now
    function spent(bytes32 key, uint32 segment) external view returns (uint256 units);

    /// @notice A budget's ring as stored: the last charged segment's index in the top 32 bits; bucket i, 28 bits from bit
    /// 28 i, holds the segment whose index is i modulo 8.
    function ring(bytes32 key) external view returns (uint256 word);

    /// @notice The policy's four places for pending acts, as stored. An act is pending while its place names its id,
    /// `expiresAt` lies ahead, and version and epoch are those in force.
    function pendingActs(bytes32 policyId) external view returns (PendingAct[4] memory);

    /// @notice The power that has objected to an act, and whether it can still be objected to, vetoed and, in its time,
    /// released.
    function pending(bytes32 policyId, bytes32 actId) external view returns (uint256 objections, bool live);

    /// @notice The policy's last petition, as stored.
    function petitionOf(bytes32 policyId) external view returns (Petition memory);

    /// @notice The serial of the last petition of the policy that the account signed; 0 for none.
    function signedPetition(bytes32 policyId, address account) external view returns (uint32);

    /// @notice The power that kills an act or carries a petition of this snapshot, under the policy in force.
    function threshold(bytes32 policyId, uint48 snapshot) external view returns (uint256);

    /// @notice Whether the account has objected to the act.
    function hasObjected(bytes32 actId, address account) external view returns (bool);

    /// @notice Whether everything is stopped. Only a vote starts it again.
    function paused() external view returns (bool);

    /// @notice How many pauses there were. What was announced in an earlier epoch is void.
    function pauseEpoch() external view returns (uint32);

    /// @notice Who may veto, pause and shorten besides the owner; zero for nobody.
    function guardian() external view returns (address);

    /// @notice The timelock, so: a vote. It never changes.
    function owner() external view returns (address);

    /// @notice The governor. Held only so that no policy can ever reach it.
    function governor() external view returns (address);

    /// @notice Whose calls the acts are: our Treasury, or a Safe.
    function treasury() external view returns (address);

    /// @notice Whose past votes count as objections and in petitions (ERC-5805).
    function votesToken() external view returns (address);

    /// @notice Says which bytes can be a policy of this module.
    function checker() external view returns (address);

    /// @notice The votes token's clock, as ERC-6372 writes it.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external view returns (string memory);
}
