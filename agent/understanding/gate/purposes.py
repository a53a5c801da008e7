# SPDX-License-Identifier: Apache-2.0
"""What a payment is for: the words that a purpose may have, and the places in it where a word makes another order.

A purpose is free by all of its words: work, things, costs and names. Whom money goes on to, what is bought for the DAO,
votes, and words that nobody listed leave a doubt, however plain the sentence around them is.
"""

import re
from collections.abc import Sequence

from agent.understanding.gate import words as sets
from agent.understanding.gate.facts import Facts
from agent.understanding.gate.inert_words import is_inert_word
from agent.understanding.gate.pieces import Piece
from agent.understanding.orders import Read

_TOWARDS = sets.words_of("for to among amongst between onto towards toward with para pour für")
# Who may be given something, and where money lies: at the end of what stands behind "for" or "to" they are receivers.
_RECEIVERS = sets.words_of(
    "member members delegate delegates community contributor contributors voter voters holder holders team "
    "teams people person persons user users council committee foundation company association steward stewards "
    "founder founders author authors writer writers developer developers treasury dao wallet wallets account "
    "accounts address addresses safe multisig vault timelock governor everyone everybody us them her him "
    "friend friends family partner partners investor investors group groups newcomer newcomers volunteer "
    "volunteers student students lawyer lawyers neighbour neighbours operator operators participant participants "
    "artist artists entrepreneur entrepreneurs enterprise enterprises entity entities citizen citizens woman women "
    "man men startup startups vendor vendors supplier suppliers provider providers coordinator coordinators moderator "
    "moderators regulator regulators engineer engineers ngo ngos nonprofit nonprofits government governments child "
    "children household households stakeholder stakeholders customer customers client clients home homes house houses "
    "bidder bidders grantee grantees winner winners speaker speakers teacher teachers researcher researchers editor "
    "editors translator translators designer designers maintainer maintainers auditor auditors"
)
_GIVES = sets.words_of(
    "pay give compensate reimburse reward thank fund refund repay buy hire support sponsor send transfer"
)
# What is bought by a payment, or held by it, though it is no work.
_BOUGHT = sets.words_of(
    "vote votes token tokens coin coins silence gold resale power influence love hope respect refund refunds "
    "share shares sharing"
)
WITH_OBJECT = sets.words_of("keep let give bring make meet")  # alone they say that somebody has the money
_FREE = (
    sets.SMALL
    | sets.AIMS
    | sets.TOPICS
    | sets.COSTS
    | sets.KINDS
    | sets.words_of("& cost costs expense expenses invoice invoices bill bills fees")
)
# Things that are made, shown, held or won, and how they are: nobody is paid on, and nothing bought, by one of them.
_THINGS = (
    sets.words_of(
        "camp concert song album film movie documentary episode series show radio television theatre play game "
        "games contest competition tournament race cup match dinner lunch breakfast party ceremony exhibition "
        "festival parade call calls class lecture seminar bootcamp retreat residency fellowship scholarship "
        "internship thesis dissertation block blocks node nodes validator wiki archive catalogue index "
        "glossary calendar timeline roadmap transaction transactions liquidity conversion streaming stream "
        "streams incentive incentives analytics statistics metrics benchmark benchmarks simulation formal proof "
        "proofs specification specifications standardisation standardization contract contracts oracle relayer "
        "bot bots client clients light compiler debugger linter parser shipment postage rental furniture chairs "
        "tables tent tents booth banner banners flag flags catering snacks tea water electricity heating "
        "cleaning repair repairs garden bench playground childcare accessibility captions subtitles "
        "interpretation interpreter interpreters dubbing voice-over narration winning pursuing running hosting "
        "keeping finishing writing reading drawing filming speaking teaching incurred interrupted sufficient "
        "adequate current up-to-date necessary overdue late summer winter spring autumn annual theme final "
        "initial ordinary usual common joint shared"
    )
    - sets.BINDING
)
_NO_WORK = sets.words_of("refund refunds retroactive token tokens") | sets.words_of("vote votes")
_LIMITS = (",", ";", ":", ".", "!", "(", ")", "–", "—")


def binds(said: Sequence[Piece], at: int, read: Read, facts: Facts) -> bool:
    """Whether the word `said[at]` of a purpose makes more of it than what a payment is for."""
    piece, text = said[at], read.passage.text
    plain = re.split("['’]", piece.text)[0]
    is_name = text[piece.start : piece.start + 1].isupper()
    if re.fullmatch(r"q[1-4]|h[12]", plain):
        return False
    if is_name and text[piece.start : piece.start + len(plain)] in read.passage.title:
        return False  # the title's name of what is paid for: "the Handbook Working Group"
    if _is_receiver(said, at, plain) or (plain in _BOUGHT | WITH_OBJECT and _is_last(said, at)):
        return True
    if plain == "staking" and at + 1 < len(said) and said[at + 1].text in _CODE:
        return _before(said, at) != "of"  # "for the review of the staking contract"; "for the staking contract" pays it
    if plain in sets.GLUE_IN.get(read.voice.language, frozenset()):
        return False
    if is_name:
        return _before(said, at) in _TOWARDS and not _is_known(plain, facts)
    return not _is_known(plain, facts)


def is_free(word: str, facts: Facts) -> bool:
    """Whether a word may stand in any place of what a payment is for."""
    return _is_known(word, facts) or word in sets.PURPOSE


def ends_on_receiver(words: Sequence[str]) -> bool:
    """Whether what a cell or a part of a sum is for ends on somebody to pay on, or on what is bought: "Pay voters"."""
    return bool(words) and words[-1] in _RECEIVERS | _BOUGHT


def is_name_of_thing(word: str, before: str) -> bool:
    """Whether a word is a name that nothing is given to: `before` stands before it, in small letters."""
    return word[:1].isupper() and before not in _TOWARDS | _GIVES


def _is_known(plain: str, facts: Facts) -> bool:
    if plain in facts.words or plain in _FREE - _NO_WORK or plain in _THINGS or plain.removesuffix("s") in _THINGS:
        return True
    halves = plain.split("-")
    if len(halves) > 1:
        return all(_is_known(half, facts) for half in halves)
    if plain.endswith("ing") and {plain[:-3], f"{plain[:-3]}e"} & (sets.AIMS - _GIVES):
        return True
    return is_inert_word(plain) and plain not in _BOUGHT


def _is_receiver(said: Sequence[Piece], at: int, plain: str) -> bool:
    if plain not in _RECEIVERS or not _is_last(said, at):
        return False
    verb = at - 1
    while verb > 0 and said[verb].text in _IN_GROUP:
        verb -= 1
    return _before(said, at) in _TOWARDS or (verb >= 0 and said[verb].text in _GIVES - {"hire", "support"})


def _is_last(said: Sequence[Piece], at: int) -> bool:
    """Whether a word ends a group of words: nothing that it could belong to stands behind."""
    if at + 1 >= len(said):
        return True
    after = said[at + 1]
    return after.kind == "mark" or after.text in sets.SMALL | _WHERE or after.text.endswith("ly")


def _before(said: Sequence[Piece], at: int) -> str:
    """The preposition that a group of words hangs on."""
    while at > 0:
        at -= 1
        text = said[at].text
        if said[at].kind == "mark" and text in _LIMITS:
            return ""
        if text == "of" and at and said[at - 1].text in _USES:
            return "for"  # "for the benefit of members"
        if text in _TOWARDS or (text in sets.SMALL and text not in _IN_GROUP):
            return text
    return ""


_CODE = sets.words_of("contract contracts code module interface")
_WHERE = sets.words_of("online worldwide here there everywhere abroad")
_USES = sets.words_of("use benefit enjoyment attention pleasure interest sake possession hands")
_IN_GROUP = sets.words_of("the a an all its our her his their and")
