# SPDX-License-Identifier: Apache-2.0
"""The words that decide what a sentence may be: lists, so that whoever misses a word adds it in one place.

`*` stands for the rest of a word, `_` for a space. A word too many costs a "matches"; a word too few may give a false
one. So the lists are long, and hold words that are harmless most of the time.
"""

import re


def _listed(words: str) -> list[str]:
    return words.split()


def _words(listed: str) -> re.Pattern[str]:
    """A pattern that finds any of the listed words, in any case, as a whole word."""
    each = [re.escape(word).replace(r"\*", "[A-Za-z]*").replace("_", " ") for word in _listed(listed)]
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(each)})(?![A-Za-z])", re.IGNORECASE)


# A text with one of these anywhere may say that an order is none, and is not compared.
TURNS = _words("""
    no not non none nor neither never nobody nothing nowhere cannot without instead except* unless rather lieu
    hardly barely scarcely seldom rarely zero lest far_from anything_but all_but contrary opposite oppos* against
    avoid* counter* don't doesn't didn't isn't aren't wasn't weren't hasn't haven't hadn't won't can't couldn't
    wouldn't shouldn't mustn't shan't needn't ain't dont doesnt didnt isnt arent wasnt werent hasnt havent wont cant
    couldnt wouldnt shouldnt less* than beyond nix nope nay minus

    cancel* call_off calls_off called_off calling_off withdr* revers* reject* declin* refus* refrain* abstain* drop
    dropped drops dropping discard* abandon* scrap* skip* omit* leave_out leaves_out left_out stop* ceas* halt*
    suspend* postpon* delay* defer* on_hold paus* hold* block blocks blocked blocking prevent* forb* prohibit* ban
    bans banned veto* deny denies denied dismiss* exclu* supersed* obsolete outdated void* null* invalid* expir*
    retract* retir* deprecat* ignor* disregard* errat* correction* mistak* error* wrong* false* fail* alternativ*
    out_of_scope off_the_table ruled_out rules_out undo* undone unlike differ* resist* lack* missing misses spar*
    forgo* forego* renounc* waiv* eschew* shelv* shelf kill* keep_back kept_back kept no_longer any_more anymore
    remov* delet* strike* struck cross* scratch* erase* terminat* lapse* repeal* rescind* overturn* annul* nullif*
    amend* revis* replac* vote_down voted_down turn_down turned_down

    example* e.g i.e instance* sampl* illustrat* hypothe* imagin* suppos* pretend* fiction* fictitious fictional
    template* placeholder* dummy lorem draft* test tests testing tested demo* jok* kidding satir* parod* quot* cite*
    citing citation* claim* alleg* rumo* said say says saying wrote would could might may should ought maybe perhaps
    possib* probabl* potential* theor* scenario* mock* fake* scam* attack* malicious fraud* phish* look_like
    looks_like such_as so-called idea* option* consider* discuss* debat* question* wonder* wish* hope* hoping want*
    try tries tried attempt* almost nearly meant intend* intent* nominal* symbolic* notional* simulat* rehears*
    exercise* dream* story tale legend puzzle guess* doubt* unlikely likely unclear uncertain* undecided open_point
    tbd tba todo

    if once when whenever while until till provided subject_to condition* contingent* depend* pending whether only
    assum* as_long_as in_case in_the_event event eventually someday later after afterward* future tomorrow
    following_year next upon by_then unlock* milestone* deadline* approv* ratif* confirm* sign signs signed agree
    agrees

    currently presently at_present today already previous* prior earlier former* past histor* archiv* old older
    yesterday ago used_to last_year* last_month* last_week* last_quarter* last_spring last_summer last_autumn
    last_fall last_winter last_time last_round last_season last_epoch last_term last_vote last_proposal was were had
    been happened recap* minutes changelog retrospect* back_then in_those_days formerly bygone ancient long_since
    since

    recurring repeat* twice thrice doubl* tripl* again another addition* likewise same as_well also moreover
    furthermore besides too extra more further plus both times per_day per_week per_month per_quarter per_year
    per_annum every_day every_week every_month every_quarter every_year each_day each_week each_month each_quarter
    each_year each_one each_of daily weekly monthly quarterly yearly annual* instal* tranche* vest* ongoing continu*
    as_much as_many the_like alike equal* similar*

    above* below recall* relic* record* reference* appendix annex* excerpt* transcript* verbatim copy copied copies
    reprint* as_follows in_full reads footnote* text_of this_text this_line these_lines these_words order orders
    paragraph* bullet*

    nicht nichts kein* nur beispiel* nein nie niemals ohne statt wenn falls abgelehnt sin nunca ejemplo* ninguna
    ninguno nada si ne pas jamais exemple* sans rien mai esempio senza nao sem exemplo niet geen voorbeeld* nooit
    zonder ikke inte nej bez aucun* nessun* anul*
""")

# A sentence that begins so goes on with what another one says, or speaks of it.
GOES_ON = re.compile(
    r"(?:and|or|but|plus|yet|nor|so|then|ditto|for|this(?! proposal\b)|that|these|those|it|all|both|such|everything"
    r"|here)\b",
    re.IGNORECASE,
)

# A sentence with one of these may be an order in words that the grammar lacks.
ACTS = _words("""
    transfer transfers transferred transferring send sends sending sent pay pays paying paid payout* repay* repaid
    disburs* reimburs* refund* compensat* remunerat* remit* donat* wire wires wired deposit* swap* sell* sold buy*
    bought purchas* mint* burn* allow* permit* authori* let lets letting revok* revoc* appoint* upgrad* delegate
    delegated delegating delegation loan* lend* lent borrow* bridge bridges bridged stake stakes staked staking
    unstak* wrap* unwrap* stream* allocat* award* distribut* execute executes executed deploy* migrat* install*
    granted granting gets receiv* go_to goes_to goes_out payment_to payments_to payment_for payments_for payment_of
    payments_of transfer_to transfer_of grant_to grant_of grants_to give gives given gave giving hand_over
    hands_over forward* invest* liquidat* airdrop* redeem* sweep* drain* assign* whitelist* budget* salar* bonus*
    owner* admin* signer* role roles set sets setting becom* change changes changed changing increas* decreas* raise
    raises raised raising lower* reduc* extend* shorten* adjust* enabl* disabl* turn_on turn_off turns_on turns_off
    guardian* provid* suppl* credit* debit* owe owes owed charg* collect* convert* exchang* trade* lock locks locked
    bount* prize* stipend* fee fees commission* tip tips bribe* top_up tops_up hand hands spend* spent empt* share
    shares split* divid* return* settle* contribut* bequeath* ueberweis* zahl* senden transfier* envia* paga* payer
    envoyer verser invia* trasferi* betaal* stuur*
""")

# Verbs that are nouns as well. They are orders at the beginning of a sentence, or behind who gives the order.
_GIVERS = (
    r"(?:this|the|that) (?:proposal|vote|call|transaction|dao|treasury|governor|timelock|team|multisig)s?(?: below)?"
    r"|it|we|they|i|which|and|then|please|will|shall|must|to be|now|finally|first|second|third"
)
ACTS_SOFTLY = re.compile(
    rf"(?:^|\b(?:{_GIVERS})[,:]? )(?:grants?|funds?|adds?|makes?|moves?|updates?|takes?|puts?|starts?|opens?"
    r"|supports?|issues?|creates?|delegates?|names?|elects?|hires?|renews?|releases?|covers?|finances?|sponsors?"
    r"|rewards?|goes|go)\b",
    re.IGNORECASE,
)

# Amounts in any form, and words that stand for one.
MONEY = re.compile(
    r"[$\u20ac\u00a3]|\b(?:dollars?|euros?|pounds?|usd|eur|gbp|ether|wei|gwei|btc|bitcoin|stablecoins?|tokens|hundreds?"
    r"|thousands?|millions?|billions?|amounts?|sums?|money|funds|cash|rest|remainder|remaining|balance|proceeds|surplus"
    r"|leftovers?|half|everything|per ?cent)\b"
    r"|\b\d[\d,.]{0,60} ?(?:k|m|mm|bn)\b|\b\d{1,3}(?:,\d{3})|(?<![\w.])\d{3,}|\d ?%"
    r"|: ?(?:\d|(?:ten|eleven|twelve|[a-z]+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b)"
    r"|\b\d[\d,.]{0,60} ?(?-i:[A-Z][A-Z0-9]{1,10}[a-z]?)\b",
    re.IGNORECASE,
)

# Another proposal, or another time of the DAO.
ELSEWHERE = re.compile(r"\b(?:EP|EIP|proposal|season|round|epoch|term|vote|version|v) ?#?\d", re.IGNORECASE)

PARTY = re.compile(r"0x[0-9a-fA-F]{6,}|\w\.eth\b", re.IGNORECASE)

# In what a payment is for: words that make of the purpose a time, a limit or another recipient.
TURNS_A_PURPOSE = _words("""
    last back then before during each every per apiece name show but or return_to behalf resale safekeeping custody
    time_being now onward hour hours day days week weeks fortnight* month months quarter quarters year years decade*
    collateral interest security pledge argument* laugh* parallel starters
""")

# In what stands beside an address: words that make of a label two parties, or all parties but one.
TURNS_A_LABEL = _words("""
    and or but via through anyone everyone everybody anybody someone somebody all any every each near of from to for
    by part who whom whose which that other others like in on with as at into under two three four five six seven eight
    nine ten eleven twelve dozen* hundred* times monthly weekly people persons
""")

# In a sentence that is no order: further words that take back, belittle, look back, promise or explain away.
TURNS_ALL = _words("""
    april_fool* fool* psych gotcha nah yeah prank* hoax* bluff* lie lies lied lying fib fibs fable* fantas* mirage*
    fabricat* invent* iron* sarcas* humor* humour* clown* novel novels decorat* ornament* formality purely pure
    make_believe dry_run blank* empty letter letters poem* song* sing sings plea pleas plead* fond whisper* writes
    stay stays remain remains as_it_is as_they_are freez* froze frozen moot inert inop* ineff* defunct abort* bar bars
    barred quash* axe axes axed shun* mothball* nixed bin bins binned tabled sank sink* shot_down die dies died dead
    lost lose loses losing beat beaten defeat* opt_out opts_out out_of back_out backs_out backed_out backtrack* peril
    sailed shut shuts close closes closed closing down fall falls mean means meaning meant_as stand_for stands_for
    counts_as backward* multipl* wait waits waiting sleep* did done made went took came ran gone over shy instead_of
    resil* relinquish* surrender* quit quits hollow bogus sham shams nonsense rubbish gibberish tale_of believe*

    coin coins unit units figure figures tax taxes taxed vat cent cents comma commas decimal* digit* net_of on_top due
    earn earns earned obtain* acquir* inherit* promise* entitl* deserv* hire hires hired join joins joined leaves run
    runs manage manages steer* head heads in_charge take_over takes_over pass_on passes bring brings carry carries
    front proxy merge* retool* register* become_a guard guards rule rules control controls own owns

    number numbers name names alias* address* wallet* account* chain chains actual* truth real* true reality pretext*
    wink jest fun ghost* shell dummy often season* trial* bond bonds code codes party parties short_for winner* heir*

    treasury treasuries vault vaults safe safes timelock timelocks governor executor module modules multisig multisigs
    council key keys policy policies roster* domain domains moved
""")
# The same by a prefix: "untouched", "disapproves", "misread", "overruled", "withholds".
TURNS_BY_PREFIX = re.compile(
    r"(?<![A-Za-z])(?:un(?!der\b|ion|iqu|ivers|ited?\b|til\b)[a-z]{3,}"
    r"|dis(?!c[ou]|t[ai]|tr[iou]|pl)[a-z]{2,}|mis[a-z]{3,}|non[a-z-]{3,}|over[a-z]{3,}|with(?:h|st)[a-z]+|anti[a-z-]+"
    r"|in(?:act|adm|app|cor|oper|sin|val)[a-z]+)",
    re.IGNORECASE,
)

# A sentence of whoever acts here says what is done, and is an order in words that the grammar lacks.
OWN_ACT = re.compile(
    r"(?:we|our|members|(?:the|this|our) (?:dao|proposal|vote|voting|quorum|call|transaction|payment|members?"
    r"|delegates?|community|team|council))\b",
    re.IGNORECASE,
)

# Words of other languages that look English to a rule that counts "in", "is" and "do".
FOREIGN = _words("""
    der das und ist sind wird werden dem den des ein eine einer im zum zur von zu mit auf aus alles dieser diese dieses
    het een van zijn wordt dit dat deze voor op en le la les du est sont ce cette et ou el los las una es este esta
    esto para il gli sono questo questa di che os uma det er og som alle alla tutto tutti todo todos toda tous tout sich
    de que se por al
""")

# Short words that stand in nearly every English sentence.
ENGLISH = frozenset(
    _listed("""
    a about all an and are as at by can do does each for from has have how i in is it its of on one or our she
    he they that the their them these this those to two we what where which who why will with you your her his
    us into over so
    """)
)
