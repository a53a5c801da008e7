# SPDX-License-Identifier: Apache-2.0
"""The closed sets of words that a plain order is made of. Everything else counts as left over.

A word too few costs a "told"; a word too many may give a false one. A new word belongs here only if no sentence around
an order can mean another payment, time, condition or receiver by it.
"""


def words_of(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


_set = words_of


# Words of an order beside its verb, amount, receiver and subject, in any place.
GLUE = _set(
    "a an the of to from into out at on in by via through with and be is are will shall would s hereby she he then "
    "also finally first second third lastly now so please this these following follows as proposal vote call calls "
    "calling transaction transactions payload action actions step steps order orders item payment payments transfer "
    "transfers disbursement grant grants award request requests requested requesting propose proposes proposed seek "
    "seeks ask asks want instruct instructs authorize authorizes authorise authorises direct directs initiate "
    "initiates make makes making execute executes executed executing perform performs implement implements "
    "executable onchain on-chain specification summary abstract description details detail overview reason tl dr "
    "tldr amount amounts sum total exactly precisely single one-time one-off dao dao's forum treasury timelock "
    "executor governor we i me it our its their her his below each both twice legacy verified includes include "
    "contains contain consists hash namehash labelhash keccak256 passing passes argument arguments parameter "
    "parameters directly straight two three four five six wallet address addresses account contract recipient "
    "recipients receiver beneficiary team token tokens coins stablecoin stablecoins function method sends members "
    "community equal proposal's treasury's timelock's governor's wallet's contract's safe multisig new sent paid "
    "transferred bounty prize reward donation contribution"
)
# Of these, what only orders of money have: where no call moves money, they say of a payment that nobody makes.
OF_PAYING = _set(
    "pay pays paid payment payments disbursement sends sent bounty prize reward donation contribution coins stablecoin "
    "stablecoins"
)
# The same in other languages that the verbs are known of. What else such a sentence says leaves a doubt.
GLUE_IN: dict[str, frozenset[str]] = {
    "es": _set("el la los las un una de del al a para por desde esta este propuesta y se serán será dao tesorería"),
    "pt": _set("o a os as um uma de do da dos das para por esta este proposta e serão será dao tesouraria ao à"),
    "fr": _set("le la les un une de du des au aux à pour par cette ce proposition et seront sera dao trésorerie"),
    "de": _set(
        "der die das den dem ein eine einen dieser diese vorschlag an von vom aus für und werden wird dao zum zur"
    ),
    "zh": _set(""),
}
COUNTS = _set("two three four five six")  # of GLUE: how many payments, receivers or calls there are
# What an amount may be the costs of.
COSTS = _set(
    "legal audit hosting server servers travel gas development translation translations printing hardware design "
    "operating running event venue infrastructure security marketing administrative accounting storage domain "
    "maintenance research recording editing shipping visa registration"
)
HAN = frozenset("本提案该此向给由从从的将会把至到支付转账移发送予项笔金额个枚国库，。：；、（）")

# A purpose begins with one of these, behind the amount or the receiver.
PURPOSE = _set("for as to towards toward pour para für")
# Verbs by which a purpose is told: "to cover the cost of".
AIMS = _set(
    "pay cover fund finance support sponsor build develop run organise organize host maintain improve translate "
    "produce write create design hire buy audit help continue enable ensure provide secure grow promote publish "
    "expand reward thank compensate reimburse settle replenish refill sustain operate research test educate onboard "
    "strengthen deliver allow prepare document monitor protect defend meet give let make keep bring start launch "
    "complete finish"
)
# What a payment may be "as": nouns by which no condition, time or return is meant.
KINDS = _set(
    "round programme program grant bounty reward compensation payment reimbursement thank-you thanks thank bonus "
    "prize award contribution "
    "donation honorarium funding fee refund retroactive gift budget remuneration retrospective sponsorship subsidy "
    "agreed discussed approved described requested planned specified set stated outlined proposed"
)
# Words that no purpose, label or cell may have: they bind a payment to a time, a condition, a part, another token,
# another receiver or chain, or say that it comes back.
BINDING = _set(
    "if unless until till when whenever while once after before during upon later soon pending subject provided "
    "assuming contingent conditional conditionally depending depends whether or either nor not no never none nothing "
    "nobody without except excluding instead rather but only just merely solely even against minus plus less more "
    "most least about around approximately roughly nearly almost over under above below beyond maximum minimum max "
    "min up may might can could should must would will shall is are was were be been being has have had do does did "
    "who whom whose which that what where why how it this these those they them he she him us me you each every per "
    "any all both half part parts portion share third quarter remainder remaining rest balance twice double day days "
    "week weeks weekly month months monthly year years yearly annual annually quarterly season daily hour hours "
    "minute minutes tomorrow yesterday today annum recurring repeatedly instalment instalments installment "
    "installments tranche tranches milestone milestones vesting vested vest lock locked stream streams streamed "
    "escrow escrowed trust custody safekeeping collateral loan loans lent lend borrow borrowed deposit deposited "
    "advance repay repaid repayable return returns returned back refundable revocable recoverable interest exchange "
    "swap swapped sale sold purchase delivery completion acceptance approval consent discretion veto condition "
    "conditions onward onwards behalf nominee chain network l2 layer base polygon arbitrum optimism "
    "gnosis sepolia goerli "
    "testnet linea scroll zksync avalanche solana celo starknet bnb bsc fantom mantle blast bridged bridge wrapped "
    "staked test dummy fake void cancelled canceled rejected declined refused denied withdrawn postponed deferred "
    "suspended expired dropped unpaid done paid stake stakes equity shares seat seats right rights option options "
    "example placeholder hypothetical draft tbd tba tbc thousand thousands million millions cents percent net gross "
    "tax same another other others additional extra"
)
# What a purpose by "to" and a verb may have all the same: "to finish the other six and keep it current for a year".
FREE_IN_AIMS = _set(
    "other others quarter quarters season it them this these that year years month months week weeks additional "
    "more all both"
)
# Words behind "and" that are no verbs.
SMALL = _set("the a an of for in on at by with from to as all its our her his their also then")
# What a label of a receiver may not be: places where money stays, or belongs to somebody else.
PLACES = _set(
    "own our cold hot burn burned staking vault pool exchange bridge governor timelock treasury dao holders holder "
    "owner owners everybody everyone anybody someone whoever everything listed deployer contract contracts protocol "
    "market markets future next final temporary replaced replacement reserve reserves savings insurance buyback "
    "buybacks "
    "sender senders refund refunds endowment custodian place places"
)
# What accounts of every DAO are called: a name is nobody's by such a word.
HOLDERS = _set(
    "eth com org xyz wallet multisig safe account address treasury fund funds working group team "
    "committee main cold hot "
    "ops operations multi sig pod the and for labs foundation manager dao timelock governor executor grants grant"
)
# Words around a number that repeats the amount in base units: "(2500000000 considering USDC's 6 decimal places)".
UNITS = _set("considering decimal decimals places base units wei raw with in i.e ie = smallest unit atomic")

CHAINS = _set(
    "chain network l2 base polygon arbitrum optimism gnosis sepolia goerli testnet linea scroll zksync avalanche "
    "solana celo starknet bnb bsc fantom mantle blast mainnet sidechain rollup"
)
# What texts call the effects of a kind, besides the verbs.
OF_KIND: dict[str, frozenset[str]] = {
    "transfer": _set("leave leaves"),
    "approve": _set("spend use take draw allowance up to most at limit unlimited infinite maximum"),
    "delegate": _set("votes voting power vote delegate delegates delegation"),
    "upgrade": _set("proxy implementation code logic version"),
    "stream": _set("stream streams rate second sec per"),
    "role_change": _set("role roles permission"),
    "name": _set("name names record records resolver owner ownership domain tld node label"),
    "mint": _set("minted newly"),
}

# Words that every English sentence has some of.
ENGLISH = _set(
    "the a an of to and in is are was were be been for we our it its with by on at this that these those i you he "
    "she they their his her has have had will would can as from not or but if when who which how what more most all "
    "many some no my your us them there here about after before than so also please see thank thanks"
)
# A line that is a greeting or a farewell, whatever names stand beside it.
COURTESY = _set(
    "hello hi good morning evening afternoon dear all everyone members delegates friends thank thanks you best "
    "regards kind cheers sincerely yours voting reading your support for the and in advance very much gm greetings "
    "team community warm"
)

GREETINGS = _set(
    "hello hi good morning evening afternoon dear thank thanks best regards cheers sincerely yours gm greetings"
)

# Verbs by which a sentence tells how things are, what people think, or what they did; none changes anything.
DESCRIBES = _set(
    "thank thanks was were has have had can can't cannot could couldn't don't doesn't didn't help "
    "helps explain explains describe "
    "describes show shows teach teaches contain contains need needs want wants know knows think thinks believe "
    "believes feel feels hope hopes ask asks answer answers read reads find finds miss misses see sees hear hears "
    "learn learns understand understands remember remembers live lives work works publish publishes maintain "
    "maintains keep keeps run runs use uses write writes lead leads meet meets speak speaks cost costs depend wrote "
    "made led ran gave won built found held took came began grew spent saw told thought did met kept knew left spoke "
    "taught brought went sent felt became stood lost allow allows enable enables provide provides support supports "
    "ensure ensures make makes include includes mean means offer offers exist exists remain remains serve serves"
)
# Behind "is" and "are" these say that something is done to something, as words on "-ed" do.
PARTICIPLES = _set(
    "sent given taken made put sold bought paid held kept lost broken frozen withdrawn set cut shut split spent lent "
    "bound built sworn thrown drawn driven written overridden being now also no not void due moot over off out up"
)
# A sentence that opens with one of these sends readers elsewhere.
READS = _set("see read visit find watch join thank thanks note more")

# Nouns for the order or the text itself. With "the", "this" or the like before them they speak of the order.
REFERS = _set(
    "payment payments transfer transfers grant grants money funds fund tokens amount amounts sum sums figure figures "
    "number numbers price recipient recipients receiver wallet wallets address addresses order orders item items "
    "line lines sentence sentences paragraph paragraphs section list table row rows words wording comma proposal "
    "proposals vote votes transaction transactions call calls upgrade approval allowance role above below former "
    "latter plan request requests award bounty decision resolution motion balance budget following"
)
# Nouns of what only calls can change: a sentence about one may speak of a call.
ON_CHAIN = _set(
    "safe multisig vault signer signers owner owners ownership keys guardian guardians module modules quorum "
    "threshold governor timelock executor proxy implementation allowance allowances delegate delegates supply oracle "
    "stream streams veto mandate signature signatures admin minter pauser role roles contract contracts domain pool "
    "treasury escrow period delay window controller resolver registrar"
)
# Headings under which sentences give reasons or tell about people, and the orders are in another section.
ASIDE = _set(
    "background motivation rationale context why reasons reasoning about team us contact contacts deliverables risks "
    "considerations security references links resources benefits impact conclusion introduction purpose breakdown "
    "goals objectives discussion history copyright license problem compensation contribution qualifications "
    "experience credits acknowledgements acknowledgments abstract summary overview solution faq questions disclaimer "
    "appendix metrics kpis authority proof"
)
# Columns and names of a record whose values change nothing, as far as no binding word is in them.
PLAIN_NAMES = _set(
    "# no we get you purpose description reason for project title item working group wg team category delegate "
    "contributor name names work memo link links forum discussion thread author authors date id contract function "
    "target method type reference proposal number topic task role label operation network chain status frequency "
    "notes note comment comments value signature decimals recipient's recipient payee who what why activity service "
    "services position vendor grantee sponsor applicant payer from token asset field contributor's person member "
    "node nodes snapshot"
)
PLAIN_STATUS = _set("active proposed new open requested executable live voting ready confirmed final")
PLAIN_CHAIN = _set("ethereum mainnet eth l1 chain layer 1")
PLAIN_FREQUENCY = _set("once one-time one-off single one time off")
FIELD_NAMES = _set(
    "recipient amount requested request total budget funding allocation size current new proposed old parameter "
    "setting to from destination beneficiary usd main holder role spender token asset currency considering raw order "
    "usdc"
)
# Introductions of a list or table of orders.
LEADS = _set(
    "payments actions transfers changes grants calls made contains includes consists contributors people projects "
    "teams spenders groups done components recipients listed below batch details"
)
# What a row says about the proposal itself.
META = _set("status discussion thread author authors forum snapshot link links date title total")

# Nouns of the text and of what it orders. A sentence whose subject is one speaks of the orders.
OF_TEXT = _set(
    "amount amounts figure figures number numbers recipient recipients wallet wallets address addresses line lines "
    "text sentence sentences paragraph list table row order orders item wording sum sums payment payments transfer "
    "transfers section"
)
# Behind a symbol these say what it means.
DEFINES = _set("is are was means mean meant read reads denotes denote refers refer here throughout")
# A line that opens with one of these and has none of the verbs is no sentence: "On the day of the conference."
OPENS = _set("on in at under during by upon with without after before until since for from")
VERBS = _set("is are was were be been has have had will would can could do does did may must")
DETERMINERS = _set("the this that these those our its all both any each every a an no")
# Words that turn what a sentence says of an order.
TURNS = _set("not no never if unless until till when once only after before but later cancelled void")
RECURS = _set(
    "monthly weekly yearly annual annually quarterly recurring month week every each year years months salary "
    "salaries stipend"
)
# In the name of a column they say that its numbers are others than they look.
SCALES = _set("thousand thousands million millions k m cents percent %")
# Other verbs by which a title says what a proposal is for.
TITLES = _set("fix print repair renovate translate welcome celebrate honour honor better longer onboard about on for")
# What the value of a line such as "What we get: ..." may have all the same.
FREE_IN_LINES = _set("under over both all each every before after is are will has")
REMARKS = _set("note notes comment comments memo status")  # names of lines that may say anything
# Words by which a sentence that only describes may take back what was ordered.
TURNED = _set(
    "other another otherwise instead changed lapsed expired ended stopped dropped cancelled canceled declined refused "
    "rejected abandoned reversed overruled replaced void"
)

# ------------------------------------------------------------------------------------------------ titles and headings

# Words that a title over an order may have, though they bind in other places.
FREE_IN_TITLES = _set(
    "all both any how what this these more additional extra season it do over under around about above may delivery"
)
# What titles are about, where no sentence of the text says it again: things and trades that no payment can turn into.
TOPICS = _set(
    "handbook newsletter writer writers "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "audit audits auditor auditors developer developers education ecosystem hardware software infrastructure "
    "security research marketing operations community documentation design designer designers translation "
    "translators legal accounting event events conference meetup hackathon workshop workshops tooling library "
    "website treasury governance protocol steward stewards contributor contributors delegate delegates working "
    "group groups committee council collective ep eip aip uip prop january february march april june july "
    "august september october november december validator validators node nodes server servers hosting votes vote "
    "voting period delay threshold quorum parameter parameters proposer proposers canceller cancellers minter "
    "minters registrar resolver registry"
)
# Nouns of titles that pay, and words that tie a title to no order: the names of what every proposal has.
MONEY_NOUNS = (
    KINDS
    | _set(
        "refill top-up replenishment rewards awards prizes donations contributions reimbursements fees payment "
        "payments transfer transfers grants funds budgets costs salary expenses bounties"
    )
) - _set("agreed discussed approved described requested planned specified set stated outlined proposed")
PLAIN_HEADINGS = _set(
    "specification specifications abstract summary overview details description introduction background motivation "
    "action actions transaction transactions executable proposal the tl dr tldr and technical call calls"
)
UNTIED_EVER = _set("proposal proposals executable dao season address addresses call calls from")
UNTIED = UNTIED_EVER | _set("treasury votes vote token tokens role")
SETTING_NOUNS = _set(
    "parameter parameters setting settings upgrade upgrades role roles permission permissions owner ownership signer "
    "signers delegation resolver record records registrar controller migration configuration"
)
# Words of a few that stand alone in a section, by which what stands elsewhere is another's, of another time, or none.
ASIDE_TURNS = _set(
    "last past former formerly previous previously prior old earlier already history historic joke jokes parody satire "
    "fiction story tale poem test tests testing trial mock quiz exercise example examples sample samples template "
    "templates draft drafts obsolete superseded expired failed lost withdrawn vetoed debt debts debtor owe owes owed "
    "iou again ourselves themselves freeze freezes frozen ban bans block blocks bar bars curb cap caps save saves save "
    "keep keeps close closed shut reverse recall retrieve reclaim recoup return repeal nullify annul end ends ended "
    "reject rejects rejected refuse refuses deny denies denied abandon abandons drop drops dropped scrap scraps stop "
    "stops halt halts cancel cancels void archive archived planned upcoming eventually someday "
    "non next hypothetical alternative alternatives option options against"
)
# Verbs by which a title bids a payment.
TITLE_VERBS = (
    AIMS
    | TITLES
    | _set(
        "send transfer donate award grant refund refill extend renew sponsor invest boost elevate establish introduce "
        "recognise recognize honor honour support thank restock top engage retain hire fund pay buy purchase acquire "
        "commission contribute request launch kickstart bootstrap scale upgrade modernise modernize migrate rent book"
    )
) - _set(
    "keep protect defend let make bring meet give get provide allow enable ensure secure welcome on about for better "
    "longer"
)
# Verbs by which a title bids another act, by the act.
TITLE_VERBS_OF: dict[str, frozenset[str]] = {
    "grant": _set("assign add hand appoint make give name elect welcome onboard allow trust enable promote confirm "
                  "nominate "
                  "authorise authorize let empower"),
    "revoke": _set("remove revoke retire rotate thank offboard dismiss withdraw"),
    "delegate": _set("delegate give put activate use entrust"),
    "mint": _set("mint issue reward grant give pay award thank allocate onboard welcome"),
    "approve": _set("approve allow let permit authorise authorize give enable fund"),
    "upgrade": _set("upgrade fix replace update improve switch patch deploy repair"),
    "set": _set("assign set hand change adjust update extend lengthen shorten raise lower increase decrease reduce "
                "configure "
                "enable register transfer move point"),
    "renew": _set("renew extend keep"),
    "stream": _set("stream fund pay"),
}  # fmt: skip
# Words of a section's heading over an order.
SECTIONS = (
    GLUE
    | PLAIN_NAMES
    | FIELD_NAMES
    | LEADS
    | KINDS
    | AIMS
    | _set(
        "specification specifications technical implementation execution overview simple executive proposed change "
        "changes ask funding cost costs plan scope solution how what do does motivation rationale context background "
        "introduction abstract conclusion deliverables breakdown payload calldata transaction parameters recipients "
        "governance operations working budget action code onchain offchain decision resolution reimbursement "
        "bounty bounties prize prizes rewards award awards description applicant applicants contributor contributors "
        "delegate delegates maintenance usage use milestone"
    )
) - _set("chain network status date old keep protect defend")

# ------------------------------------------------------------------------------------------- prose away from the orders

# Nouns for what is ordered, behind "the", "this", "her" and the like.
OF_ORDER = _set(
    "payment payments transfer transfers grant grants money funds tokens amount amounts sum sums figure figures "
    "recipient recipients receiver order orders item items line lines sentence sentences paragraph wording proposal "
    "vote executable transaction transactions call calls upgrade approval allowance role request requests award bounty "
    "decision resolution motion budget delegation appointment text draft version numbers"
)
# What is said of it: what it is, where it was spoken of, what it is about.
OF_ORDER_SAID = _set(
    "covers cover covering represents reflects used meant intended spent for based calculated discussed posted "
    "published written reviewed agreed audited tested supported comes came belongs aims seeks asks requests "
    "requested proposes proposed supports builds build follows continues helps allows enables ensures contains "
    "lasts opens starts started runs ran available attached public known provides provide introduces improves "
    "needed necessary important small large fair reasonable described explained submitted drafted process period "
    "options thread discussion itself author authors team"
)
# What is done with it.
WITH_ORDER = _set(
    "action discussed discuss discusses reviewed review reviews posted published wrote write drafted supports support "
    "supported recommend recommends recommended endorse endorses endorsed submitted before since about behind audited "
    "tested welcome welcomed welcomes explain explains explained describe describes described see read requested "
    "earned deserves deserve justify justifies"
)
# Verbs of acts among the words of an order that move something all the same.
MOVING = _set("transfer transfers grant grants give gives sends sent paid transferred")

# -------------------------------------------------------------------------------------------------- against an order

# What may have become of a receiver, or be wrong with it, so that nobody would pay it by this text alone.
LOST = _set(
    "left leaves gone died dead death deceased passed lost loses losing quit quits resigned resigns "
    "retired fired dismissed convicted sentenced accused charged indicted arrested jailed prison sanctioned sanctions "
    "herself himself themselves bankrupt insolvent dissolved liquidated hacked compromised phished stolen stole steals "
    "theft fraud fraudulent "
    "scam scams scammer fake impostor imposter impersonates impersonated banned expelled blocked frozen blacklisted "
    "unknown anonymous stranger wrong false criminal crime laundering launderer thief hacker attacker exploiter "
    "disappeared vanished unreachable missing withdrew withdrawn declined declines refused refuses renounced waived "
    "returned repaid sued lied lies cheated copied plagiarised plagiarized owes bribed conflict competitor closed "
    "sold replaced suspended untrustworthy unreliable late failed fails never nothing nobody"
)
# Words that may stand between a receiver and the verb of what it does.
HELPING = _set(
    "has have had been be is are was were will would can also then still now already always often and both all who "
    "which that together recently successfully previously originally since"
)
# Verbs of work and of praise, by which a short sentence about a receiver changes nothing.
WORKS = _set(
    "wrote write writes written writing built build builds building made make makes making maintain maintains "
    "maintained maintaining run runs ran running lead leads led leading work works worked working teach teaches "
    "taught help helps helped helping design designs designed develop develops developed developing translate "
    "translates translated host hosts hosted organise organises organised organize organizes organized answer answers "
    "answered review reviews reviewed audit audits audited found finds fixed fixes fix deliver delivers delivered "
    "publish publishes published support supports supported provide provides provided create creates created research "
    "researches researched contribute contributes contributed serve serves served live lives lived speak speaks earn "
    "earns earned deserve deserves joined joins started began founded co-founded collect collects collected keep keeps "
    "kept edit edits edited print prints printed draw draws drew paint painted teaching spent gave has "
    "operate operates operated manage manages managed coordinate coordinates coordinated deploy deploys deployed "
    "ship ships shipped use uses used know knows met reports reported analysed analyzed tested tests monitors "
    "monitored represent represents represented consists includes attended represents trains trained moderates "
    "moderated done did hire hires hired bought buys paid ordered thanks asks proposes wants needs requests "
    "done did"
)
# Words of refusal. Beside a receiver or what is paid for they are a reason against the order.
AGAINST = _set(
    "reject rejected rejects rejecting rejection refuse refused refuses refusal decline declined declines oppose "
    "opposed opposes opposing opposition objected objections objection disagree disagreed disagrees "
    "worthless useless pointless overpriced unneeded unnecessary wasteful waste wasted fraud scam scams false untrue "
    "mislead misleads misled misleading copied plagiarised plagiarized fake stolen lied illegal unlawful "
    "forbidden banned mistaken mistake wrong wrongly undelivered unfinished abandoned vetoed cancelled canceled "
    "withdrawn revoked overruled condemned doubt doubts doubted doubtful distrust sceptical skeptical harmful "
    "against unwanted unpopular bogus hoax pretext invalid cheaper better elsewhere instead"
)
# Words of orders and titles that say nothing of what an order is about.
GENERAL = _set(
    "governance protocol treasury community ecosystem proposal executable season payment payments funding grant grants "
    "request working group budget token tokens security timelock governor council period delay quorum threshold role "
    "proposer canceller minter upgrade contract contracts voting votes"
)
