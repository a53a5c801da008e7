# SPDX-License-Identifier: Apache-2.0
"""Words of plain prose that say nothing of an order: no denial, date, part, unit, name, price, decision or pretence.

General English of people who work, write and build, by its first form. A word belongs here only if no sentence of such
words alone can take back, limit or redefine what is ordered; so "alone", "second", "back", "money" and "page" do not.
"""

from functools import lru_cache

from agent.understanding.gate.words import words_of

SMALL = words_of(
    "am the a an and of to in on at by with from as for about into through across between among within our ours we us "
    "i my you your their they them he she his him her it its this that these those who which what how why where there "
    "here is are was were be been being has have had having do does did can could will also so very well more most "
    "many much some several since both such than too even because therefore thus while whose like one or any"
)
NOUNS = words_of(
    "community member delegate contributor developer user team group committee council steward founder engineer "
    "designer writer editor artist illustrator researcher auditor volunteer student teacher speaker organiser "
    "organizer partner organisation organization company foundation association university school ecosystem protocol "
    "project product software library tool tooling documentation doc guide handbook book article essay newsletter "
    "blog forum discord website site app application dashboard explorer interface design art drawing picture video "
    "podcast course workshop event conference meetup hackathon talk session meeting work effort task job service "
    "support help maintenance development research study audit review report analysis feedback comment question "
    "answer idea goal aim mission vision purpose need problem issue bug improvement feature standard quality security "
    "safety privacy performance growth adoption education awareness outreach marketing communication translation "
    "translator language culture experience knowledge skill expertise reputation interest attention people person "
    "friend world country city internet web ethereum blockchain governance transparency participation collaboration "
    "coordination infrastructure server hosting data database api sdk resource tutorial lesson chapter edition "
    "content media impact benefit advantage success progress opportunity challenge year month week spring summer "
    "autumn winter january february march april may june july august september october november december newcomer "
    "reader visitor neighbour audience industry field topic subject area region way life home office room hall venue "
    "museum printer press ink paper poster shirt sticker logo colour color photo camera music food coffee travel "
    "train hotel trip weather stage crowd crew staff studio expert advisor mentor lawyer accountant operator provider "
    "vendor supplier customer integrator builder implementer maintainer moderator coordinator manager leader lead "
    "gateway utility requirement aspect human machine hardware laptop disk screen robot sensor cloud resolver browser "
    "extension plugin mobile phone desktop frontend backend stack architecture framework module component system "
    "platform environment layer technology innovation science engineering practice approach method methodology "
    "process workflow technique pattern principle strategy tactic objective outcome priority focus theme scope track "
    "responsibility duty ability capacity capability potential effectiveness efficiency reliability stability "
    "resilience robustness scalability sustainability usability accessibility availability compatibility "
    "interoperability maintainability decentralisation decentralization diversity inclusion openness trustworthiness "
    "professionalism dedication commitment passion enthusiasm excitement motivation creativity insight perspective "
    "opinion view thinking reasoning rationale background introduction overview detail description explanation "
    "discussion conversation dialogue debate consultation survey interview consensus alignment relationship "
    "partnership connection bridge-building network-effect history journey beginning origin root foundation-stone "
    "base-layer core heart center centre hub space forum-thread thread post announcement news press-release "
    "media-coverage publication paper whitepaper repository code codebase commit test-suite ci pipeline monitoring "
    "uptime latency throughput bandwidth traffic load demand usage activity engagement retention onboarding "
    "support-desk helpdesk ticket incident response vulnerability bounty-hunter researcher risk surface "
    "defence defense protection mitigation safeguard best-practice law lawyer compliance regulation regulator "
    "legal-entity entity nonprofit non-profit institution government public-good good commons household family child "
    "parent woman man citizen resident population society economy sector business enterprise startup entrepreneur ngo "
    "peer colleague collaborator counterpart stakeholder participant attendee host guest panel panelist keynote booth "
    "demo showcase exhibition festival summit symposium webinar livestream recording transcript subtitle faq tutorial "
    "documentation manual cookbook wiki encyclopedia curriculum syllabus certificate diploma degree mentorship "
    "apprenticeship craft profession career talent workforce labour labor profile avatar subdomain website homepage "
    "landing-page email message chat channel server-room keyboard mouse battery cable power-supply electricity energy "
    "water air climate nature planet earth sun star sky sea river mountain forest tree flower animal cat dog bird "
    "fish farm garden kitchen house street road park square station airport harbour island village town nation "
    "continent europe asia africa america oceania portugal spain france germany italy brazil argentina chile mexico "
    "canada japan litigation publication proposals moderation validator map round legend firm dns namespace "
    "continuity spending visibility tracking dapp korea china india turkey kenya nigeria ghana lisbon berlin paris "
    "london denver istanbul bangkok singapore lyon portuguese spanish french german italian english japanese korean "
    "chinese turkish arabic hindi russian dutch polish information"
)
VERBS = words_of(
    "select build make create write design develop maintain improve run host organise organize lead help support "
    "serve work join start begin found launch publish present show explain describe teach learn study research review "
    "audit find fix solve provide offer bring contribute collaborate cooperate coordinate communicate discuss answer "
    "ask read know think believe hope want need see use rely grow live meet speak attend participate translate edit "
    "illustrate draw paint film moderate monitor manage operate include contain welcome thank appreciate enjoy love "
    "visit print travel cook play sing train hire redesign rewrite document measure watch follow depend enable allow "
    "foster strengthen encourage inspire connect educate onboard engage understand recognise recognize acknowledge "
    "identify observe notice analyse analyze examine explore investigate evaluate assess compare consider recommend "
    "suggest advise guide mentor coach facilitate simplify streamline automate accelerate enhance extend expand "
    "broaden deepen advance promote advocate represent champion celebrate honour honor respect trust listen hear feel "
    "care matter require demand deserve merit justify demonstrate illustrate highlight showcase emphasise emphasize "
    "reflect consist comprise involve relate address tackle target handle process prepare plan structure organise "
    "align integrate implement deploy ship install configure test debug refactor optimise optimize secure harden "
    "patch scale adapt adopt embrace experiment prototype iterate innovate invent discover uncover reveal surface "
    "collect gather compile curate catalogue index search browse navigate access interact integrate interface render "
    "display visualise visualize power drive fuel sustain nurture cultivate empower equip inform notify alert "
    "announce share broadcast record podcast interview photograph proofread format style brand market advertise "
    "deliver accomplish achieve reach attain succeed excel thrive flourish benefit protect defend guard preserve "
    "dedicate devote strive try attempt pursue persist endeavour endeavor operate oversee supervise steward "
    "administer register resolve query index host cache sync connect communicate built made wrote written ran led "
    "began begun taught learnt found brought knew known thought seen saw grew grown met spoke spoken drew drawn sang "
    "come came went chose chosen won understood felt heard sought shown put led"
)
QUALITIES = words_of(
    "new good great large small big long short important useful valuable helpful open public active regular local "
    "global international technical legal social visual clear simple easy hard difficult complex fast quick slow "
    "reliable secure safe robust stable modern early recent ready able necessary essential key main major central "
    "independent decentralised decentralized transparent sustainable experienced skilled talented well-known widely "
    "closely together currently recently often regularly successfully greatly highly always online beautiful lovely "
    "kind warm young busy popular famous deep broad wide strong happy proud grateful critical crucial vital "
    "significant substantial considerable fundamental core broader wider larger smaller better best higher stronger "
    "faster easier simpler clearer safer healthier healthy solid sound lean agile flexible scalable resilient "
    "accessible inclusive diverse collaborative cooperative creative innovative efficient effective productive "
    "professional qualified competent capable dedicated committed passionate enthusiastic motivated engaged "
    "responsible accountable credible trusted trustworthy respected renowned leading pioneering outstanding excellent "
    "exceptional remarkable impressive notable unique native multilingual bilingual bespoke thorough comprehensive "
    "detailed extensive rigorous careful timely consistent continuous ongoing long-term long-standing mature "
    "established academic scientific educational cultural artistic economic environmental political regional national "
    "worldwide digital virtual physical remote hybrid interactive responsive intuitive user-friendly open-source "
    "free-software nonprofit human humane technical non-technical purely largely mainly mostly particularly "
    "especially specifically generally typically usually commonly frequently increasingly rapidly steadily gradually "
    "continuously continually constantly actively deeply broadly strongly truly really clearly easily effectively "
    "efficiently reliably securely safely openly transparently jointly collectively globally locally internationally "
    "technically countless numerous various multiple diverse whole-heartedly everyday key wonderful amazing fantastic "
    "incredible exciting interesting fun curious eager confident optimistic hopeful thankful welcome possible "
    "feasible practical meaningful related suitable three four five six seven eight nine ten hundred dozen"
)
_INERT = SMALL | NOUNS | VERBS | QUALITIES
_FORMED = _INERT - SMALL
_ENDS = (
    ("s", ""),
    ("es", ""),
    ("ies", "y"),
    ("ed", ""),
    ("d", ""),
    ("ied", "y"),
    ("ing", ""),
    ("ing", "e"),
    ("ly", ""),
)
# Of verbs alone: operate -> operation, implement -> implementation, improve -> improvement, read -> reader, readable.
_ENDS_OF_VERBS = (
    ("ion", "e"), ("ion", ""), ("ions", "e"), ("ions", ""), ("ation", ""), ("ation", "e"), ("ations", ""),
    ("ations", "e"), ("ment", ""), ("ments", ""), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("or", "e"),
    ("or", ""), ("ors", "e"), ("ors", ""), ("ability", ""), ("able", ""), ("able", "e"),
)  # fmt: skip


@lru_cache(maxsize=16_384)
def is_inert_word(word: str) -> bool:
    """Whether a word, in any of its forms, is one of those that change nothing."""
    plain = word.removesuffix("'s").removesuffix("s'")
    if plain in _INERT:
        return True
    for end, more in _ENDS:
        if plain.endswith(end) and plain.removesuffix(end) + more in _FORMED:
            return True
    for end, more in _ENDS_OF_VERBS:
        if plain.endswith(end) and plain.removesuffix(end) + more in VERBS:
            return True
    halves = plain.split("-")
    return len(halves) > 1 and all(half in _INERT for half in halves)
