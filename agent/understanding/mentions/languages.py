# SPDX-License-Identifier: Apache-2.0
"""The words by which a sentence orders, denies, remembers or makes conditions: one table a language, as data.

`_` stands for a space. A new word is one entry in its list. A word too few in `ACTS` costs a "told"; a word too few in
`DENIALS`, `CONDITIONS` or `REMEMBRANCE` may give a false one, so these lists are long.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache


class Act(StrEnum):
    """What a verb says is done."""

    TRANSFER = "transfer"
    RECEIVE = "receive"  # a transfer, told of its recipient
    APPROVE = "approve"
    MINT = "mint"
    BURN = "burn"
    STREAM = "stream"
    WRAP = "wrap"
    SWAP = "swap"
    CLAIM = "claim"
    GRANT = "grant"
    REVOKE = "revoke"
    SET = "set"
    UPGRADE = "upgrade"
    DELEGATE = "delegate"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    RENEW = "renew"
    CALL = "call"
    CREATE = "create"
    CANCEL = "cancel"


class Tense(StrEnum):
    """How a form of a verb places the act in time."""

    NOW = "now"  # imperative, present, future, infinitive, or a noun
    DONE = "done"  # a past form, which behind "is", "will be" and the like orders all the same


NAMES = ("en", "es", "pt", "fr", "de", "zh")

# Words that tell languages apart, none of them in two lists.
MARKS: Mapping[str, str] = {
    "en": "the and of this is with will from for by on our we it be are its that",
    "es": "el los las una del al esta este propuesta y con por desde hacia para que se transferir enviar pagar",
    "pt": "os uma do da dos das ao à esta este proposta e com pelo pela para que não transferir enviar pagar",
    "fr": "le les une du des au aux cette ce proposition et avec par depuis pour que est sera à envoyer verser "
    "payer transférer envoyons",
    "de": "der die das den dem ein eine einen dieser diese vorschlag und mit von vom an für zum zur wird werden ist",
}

ACTS: Mapping[str, Mapping[Act, tuple[str, str]]] = {  # language -> act -> (forms of now, forms of done)
    "en": {
        Act.TRANSFER: (
            "transfer transfers transferring send sends sending pay pays paying payment payments disburse disburses "
            "disbursing disbursement donate donates donating donation award awards awarding reimburse reimburses "
            "reimbursing reimbursement compensate compensates compensating compensation refund refunds refunding "
            "remit remits remitting wire wires wiring distribute distributes distributing distribution payout "
            "allocate allocates allocating allocation fund funds funding give gives giving grant grants granting "
            "move moves moving release releases releasing repay repays go goes",
            "transferred sent paid disbursed donated awarded reimbursed compensated refunded remitted wired "
            "distributed allocated funded given gave granted moved released repaid",
        ),
        Act.RECEIVE: ("receive receives receiving get gets", "received got"),
        Act.APPROVE: (
            "approve approves approving approval allow allows allowing allowance permit permits permitting let lets "
            "letting authorize authorizes authorizing authorise authorises authorising",
            "approved allowed permitted authorized authorised",
        ),
        Act.MINT: ("mint mints minting issue issues issuing issuance", "minted issued"),
        Act.BURN: ("burn burns burning destroy destroys destroying", "burned burnt destroyed"),
        Act.STREAM: (
            "stream streams streaming vest vests vesting",
            "streamed vested",
        ),
        Act.WRAP: ("wrap wraps wrapping deposit deposits depositing", "wrapped deposited"),
        Act.SWAP: (
            "swap swaps swapping convert converts converting exchange exchanges exchanging sell sells selling buy buys "
            "buying",
            "swapped converted exchanged sold bought",
        ),
        Act.CLAIM: (
            "claim claims claiming withdraw withdraws withdrawing withdrawal sweep sweeps sweeping redeem redeems "
            "redeeming unwrap unwraps unwrapping",
            "claimed withdrawn withdrew swept redeemed unwrapped",
        ),
        Act.GRANT: (
            "grant grants granting give gives giving add adds adding addition appoint appoints appointing assign "
            "assigns assigning make makes making enable enables enabling authorize authorizes authorise authorises "
            "authorizing authorising allow allows nominate nominates install installs whitelist whitelists",
            "granted given added appointed assigned made enabled authorized authorised nominated installed",
        ),
        Act.REVOKE: (
            "revoke revokes revoking remove removes removing removal take_away takes_away strip strips disable "
            "disables disabling dismiss dismisses no_longer give_up gives_up giving_up renounce "
            "renounces renouncing end ends ending deauthorize deauthorizes",
            "revoked removed stripped disabled dismissed renounced ended",
        ),
        Act.SET: (
            "set sets setting change changes changing update updates updating become becomes raise raises raising "
            "lower lowers lowering increase increases increasing decrease decreases decreasing reduce reduces reducing "
            "adjust adjusts extend extends shorten shortens assign assigns assigning transfer transfers transferring "
            "hand_over hands_over point points replace replaces configure configures register registers adopt adopts "
            "reverted move moves make makes give gives name names",
            "changed updated raised lowered increased decreased reduced adjusted extended shortened assigned "
            "transferred replaced configured registered handed_over moved made given",
        ),
        Act.UPGRADE: (
            "upgrade upgrades upgrading replace replaces replacing switch switches",
            "upgraded replaced switched",
        ),
        Act.DELEGATE: ("delegate delegates delegating delegation", "delegated"),
        Act.PAUSE: ("pause pauses pausing halt halts", "paused halted"),
        Act.UNPAUSE: ("unpause unpauses unpausing resume resumes resuming", "unpaused resumed"),
        Act.RENEW: ("renew renews renewing", "renewed"),
        Act.CALL: ("call calls calling execute executes executing invoke invokes", "called executed invoked"),
        Act.CREATE: ("create creates creating recreate recreates open opens start starts deploy deploys", "created"),
        Act.CANCEL: ("cancel cancels cancelling canceling", "cancelled canceled"),
    },
    "es": {
        Act.TRANSFER: (
            "transferir transfiere transfieren transfiera transferirá transferimos transferencia enviar envía envíe "
            "enviará enviamos envío pagar paga pague pagará pagamos pago pagos abonar abona abone donar dona done "
            "desembolsar desembolsa reembolsar reembolsa conceder concede otorgar otorga",
            "transferido transferidos transferida transferidas transfirió transferimos enviado enviados enviada "
            "envió pagado pagados pagó abonado donado donó reembolsado",
        ),
        Act.RECEIVE: ("recibe reciben recibirá", "recibió recibido"),
        Act.APPROVE: ("aprobar aprueba apruebe autorizar autoriza autorice permitir permite", "aprobado aprobó"),
        Act.MINT: ("acuñar acuña emitir emite mintear mintea", "acuñó acuñado emitió emitido"),
        Act.BURN: ("quemar quema destruir destruye", "quemó quemado"),
        Act.GRANT: ("otorgar otorga conceder concede asignar asigna añadir añade nombrar nombra", "otorgó asignó"),
        Act.REVOKE: ("revocar revoca retirar retira quitar quita eliminar elimina", "revocó revocado"),
        Act.SET: (
            "fijar fija establecer establece cambiar cambia aumentar aumenta reducir reduce actualizar actualiza pasa "
            "transferir transfiere",
            "fijó estableció cambió aumentó redujo",
        ),
        Act.UPGRADE: ("actualizar actualiza reemplazar reemplaza", "actualizó actualizado"),
        Act.DELEGATE: ("delegar delega", "delegó delegado"),
    },
    "pt": {
        Act.TRANSFER: (
            "transferir transfere transferem transfira transferirá transferimos transferência enviar envia envie "
            "enviará enviamos envio pagar paga pague pagará pagamos pagamento doar doa doe desembolsar desembolsa "
            "reembolsar reembolsa conceder concede",
            "transferido transferidos transferida transferidas transferiu enviado enviados enviada enviou pago pagos "
            "pagou doado doou reembolsado",
        ),
        Act.RECEIVE: ("recebe recebem receberá", "recebeu recebido"),
        Act.APPROVE: ("aprovar aprova aprove autorizar autoriza permitir permite", "aprovado aprovou"),
        Act.MINT: ("cunhar cunha emitir emite mintar", "cunhou emitiu"),
        Act.BURN: ("queimar queima destruir destrói", "queimou queimado"),
        Act.GRANT: ("conceder concede atribuir atribui adicionar adiciona nomear nomeia", "concedeu atribuiu"),
        Act.REVOKE: ("revogar revoga retirar retira remover remove", "revogou revogado removeu"),
        Act.SET: (
            "definir define fixar fixa alterar altera mudar muda aumentar aumenta reduzir reduz atualizar atualiza "
            "passa transferir transfere",
            "definiu fixou alterou mudou aumentou",
        ),
        Act.UPGRADE: ("atualizar atualiza substituir substitui", "atualizou"),
        Act.DELEGATE: ("delegar delega", "delegou delegado"),
    },
    "fr": {
        Act.TRANSFER: (
            "transférer transfère transfèrent transférez transférons transférera transfert envoyer envoie envoyez "
            "envoyons enverra envoi verser verse versent versez versons versera versement payer paie paye payez payons "
            "paiera payera paiement donner donne attribuer attribue rembourser rembourse virer virement",
            "transféré transférés transférée transférées envoyé envoyés envoyée versé versés versée payé payés payée "
            "donné attribué remboursé viré",
        ),
        Act.RECEIVE: ("reçoit reçoivent recevra", "reçu"),
        Act.APPROVE: ("approuver approuve autoriser autorise permettre permet", "approuvé autorisé"),
        Act.MINT: ("émettre émet frapper frappe créer crée minter", "émis frappé créé"),
        Act.BURN: ("brûler brûle détruire détruit", "brûlé"),
        Act.GRANT: ("accorder accorde attribuer attribue donner donne ajouter ajoute nommer nomme", "accordé attribué"),
        Act.REVOKE: ("révoquer révoque retirer retire supprimer supprime", "révoqué retiré supprimé"),
        Act.SET: (
            "fixer fixe définir définit changer change modifier modifie augmenter augmente réduire réduit passe "
            "transférer transfère",
            "fixé défini changé modifié augmenté",
        ),
        Act.UPGRADE: ("remplacer remplace mettre_à_jour met_à_jour", "remplacé mis_à_jour"),
        Act.DELEGATE: ("déléguer délègue", "délégué"),
    },
    "de": {
        Act.TRANSFER: (
            "überweisen überweist überweise überweisung übertragen überträgt übertragung senden sendet sende schicken "
            "schickt zahlen zahlt zahle zahlung auszahlen auszahlung bezahlen spenden spendet spende transferieren "
            "transferiert erstatten erstattet vergeben gewähren gewährt",
            "überwiesen überwies gesendet sandte geschickt schickte gezahlt zahlte bezahlt bezahlte ausgezahlt "
            "gespendet erstattete",
        ),
        Act.RECEIVE: ("erhält erhalten bekommt bekommen", "erhielt bekam"),
        Act.APPROVE: ("genehmigen genehmigt erlauben erlaubt freigeben", "genehmigte erlaubte freigegeben"),
        Act.MINT: ("prägen prägt ausgeben minten", "prägte geprägt"),
        Act.BURN: ("verbrennen verbrennt vernichten vernichtet", "verbrannte verbrannt"),
        Act.GRANT: ("erteilen erteilt vergeben vergibt hinzufügen ernennen ernennt geben gibt", "erteilte ernannt"),
        Act.REVOKE: ("entziehen entzieht entfernen entfernt widerrufen widerruft", "entzogen entzog widerrief"),
        Act.SET: (
            "setzen setzt ändern ändert erhöhen erhöht senken senkt verlängern verlängert verkürzen verkürzt "
            "festlegen übertragen überträgt",
            "setzte geändert änderte erhöhte senkte",
        ),
        Act.UPGRADE: ("ersetzen ersetzt aktualisieren aktualisiert", "ersetzte aktualisierte"),
        Act.DELEGATE: ("delegieren delegiert", "delegierte"),
    },
    "zh": {
        Act.TRANSFER: ("转账 转移 转给 转 支付 发送 汇款 拨付 拨款 付款 捐赠 付", "已支付 已转 已付 支付了 转了 付了"),
        Act.RECEIVE: ("获得 收到 领取", "收到了"),
        Act.APPROVE: ("批准 授权 允许", "已批准"),
        Act.MINT: ("铸造 增发", "已铸造"),
        Act.BURN: ("销毁", "已销毁"),
        Act.GRANT: ("授予 添加 任命", "已授予"),
        Act.REVOKE: ("撤销 移除", "已撤销"),
        Act.SET: ("设置 设为 改为 更改 提高 降低 调整 修改", "已设置"),
        Act.UPGRADE: ("升级 替换", "已升级"),
        Act.DELEGATE: ("委托", "已委托"),
    },
}

# Behind one of these a form of "done" orders: "is sent", "will be sent", "to be paid".
ORDERS_DONE = (
    "is are be being gets get it's se serán será sean sea son es ser ser_á sera seront est sont être soit soient "
    "wird werden werde sollen soll seja sejam são é to_be"
)
# Behind one of these it tells of the past: "was sent", "has been paid", "is already paid".
REMEMBERS = (
    "was were been had has have having already ago fue fueron ha han había habían sido foi foram tem têm tinha a_été "
    "ont avait avaient été était wurde wurden hat haben hatte war waren worden bereits schon déjà ya já"
)

# A sentence with one of these denies what it names.
DENIALS = (
    "not no never nor neither none nobody nothing nowhere cannot without instead_of in_lieu_of rather_than except "
    "excluding excludes n't nt dont doesnt didnt isnt arent wont cant cancel cancels cancelled canceled cancelling "
    "canceling reject rejects rejected decline declines declined refuse refuses refused refrain refrains avoid avoids "
    "avoided prevent prevents stop stops stopped abandon abandons abandoned drop drops dropped scrap scrapped skip "
    "skips skipped omit omits omitted withhold withholds withheld oppose opposes opposed against veto vetoes vetoed "
    "forbid forbids prohibit prohibits blocked off_the_table forgo forgoes waive waives void voided revert reverts "
    "rescind rescinds rescinded undo undoes undone far_from anything_but hardly barely zero_of fails_to fail_to "
    "abstain abstains deny denies denied unlike discontinue discontinues terminate terminates terminated suspend "
    "suspends "
    "suspended postpone postpones postponed defer defers deferred delay_the delays_the end_the ends_the "
    "ended_the end_all "
    "reverse_the reverses_the reversed_the recover recovers recovered claw_back claws_back halt halts halted "
    "nunca jamás ni sin tampoco ningún ninguna en_lugar_de en_vez_de cancela cancelar não nunca nem sem nenhum "
    "nenhuma em_vez_de ne n' pas jamais aucun aucune sans au_lieu_de annuler annule nicht kein keine keinen keinem "
    "keiner nie niemals ohne statt anstatt anstelle 不 没 未 无 勿 别 取消 拒绝 停止 而不是 并非 否决"
)
# A sentence with one of these says what is done only in some case.
CONDITIONS = (
    "if unless provided providing once when whenever until till subject_to conditional conditionally contingent "
    "depending depends in_case in_the_event assuming assumes pending only_after only_when as_long_as so_long_as "
    "whether "
    "may might could should_the hypothetical hypothetically suppose supposing imagine would_have eventually someday "
    "sometime perhaps maybe possibly potentially should ought later future_proposal future next_vote next_transaction "
    "next_proposal next_payment next_call last_payment unpaid disapproved collateral loan lend lends borrowed dry_run "
    "sake_of_argument every_month each_month every_year every_week half_of third_of quarter_of part_of_the "
    "cuando siempre_que salvo_que quizás podría podrían pourrait lorsque quand à_condition peut-être poderia talvez "
    "caso wenn falls sofern sobald könnte vielleicht würde 如果 若 假如 当 一旦 除非 可能 也许 或许"
)
CONDITIONS_IN: Mapping[str, str] = {"es": "si", "fr": "si s'il", "pt": "se quando", "en": "", "de": "", "zh": ""}
# A sentence with one of these tells how things are or were, whatever its verbs.
REMEMBRANCE = (
    "currently presently previously formerly historically yesterday last_year last_month last_week last_quarter "
    "last_spring last_summer last_autumn last_winter last_fall "
    "last_season last_term last_round last_epoch last_cycle last_time used_to back_in back_then so_far to_date "
    "until_now up_to_now in_the_past earlier_this ago each_month_since has_been have_been had_been "
    "actualmente anteriormente antes el_año_pasado el_mes_pasado hasta_ahora hace_un atualmente no_ano_passado "
    "no_mês_passado até_agora há_um auparavant actuellement l'année_dernière l'an_dernier le_mois_dernier "
    "jusqu'ici derzeit zuvor früher letztes_jahr letzten_monat bisher damals vor_einem "
    "曾 曾经 之前 以前 去年 上个月 目前 "
    "已 "
    "此前 已经"
)
# A sentence with one of these repeats others' words, or makes an example.
REPORTS = (
    "said says claimed claims_that alleged alleges suggested suggests_that asked_us argued argues stated according_to "
    "quote quotes quoted quoting reads_as for_example e.g for_instance example examples such_as as_an_illustration "
    "illustrates illustrative fictional fictitious sample samples template placeholder imaginary "
    "another_proposal other_proposal other_proposals earlier_proposal previous_proposal last_proposal "
    "rival_proposal competing_proposal their_proposal his_proposal her_proposal other_dao other_daos another_dao "
    "in_other_daos joke jokes joking kidding rumour rumor rumours rumors test_only scam scams phishing attacker "
    "attackers por_ejemplo según par_exemple selon por_exemplo segundo_o zum_beispiel z.b laut_dem 例如 比如 据说 据称"
)
# A heading, caption or introduction with one of these takes out all that it governs.
GOVERNS_PAST = (
    "past previous previously prior history historical historic earlier former formerly paid sent transferred "
    "executed completed already recap retrospective archive archived changelog last_year last_month last_quarter "
    "expenses_to_date spent received so_far to_date done_in last_term last_season has_been have_been were was "
    "anteriores anterior pasados historial pagado précédents précédent passés historique versés payés frühere "
    "bisherige "
    "vergangene bezahlt gezahlt passados histórico pagos_em 历史 以往 过去 已支付 此前"
)
GOVERNS_OTHER = (
    "alternative alternatives alternatively example examples illustration sample out_of_scope non-goals nongoals "
    "not no never none without instead rejected declined cancelled canceled excluded exclusions dropped withdrawn "
    "unless if hypothetical scenario scenarios options considered other_proposals comparison comparisons draft drafts "
    "template faq questions risks risk objections dissent future_work next_steps future_plans later roadmap phase_2 "
    "phase_two optional todo tbd superseded obsolete void deprecated errata disclaimer quotes feedback comments "
    "alternativas ejemplo ejemplos rechazado exemple exemples exemplo exemplos beispiel beispiele alternativen "
    "abgelehnt rejeté rejeitado 示例 例子 备选 替代方案 被拒绝 不"
)
# A list, table or sentence under one of these gives reasons, and orders only what it says in a whole sentence.
GOVERNS_ASIDE = (
    "background motivation rationale context why introduction reasons reasoning team about_us about deliverables "
    "budget_breakdown breakdown costs cost usage_of_funds use_of_funds kpis metrics holdings balances balance "
    "portfolio assets signers links contact contacts references resources treasury_report report reports "
    "antecedentes motivación contexte motivação hintergrund begründung 背景 动机"
)

# A title with one of these makes every order under it doubtful.
TITLE_DOUBTS = (
    "cancelled canceled cancel rejected withdrawn void superseded obsolete example template test sample not no never "
    "without hypothetical draft fake joke how_to lost letter_from did story others asked temperature_check "
    "anulado cancelado annulé abgelehnt "
    "作废 取消 示例 测试 不"
)

# Verbs behind which a payment as a noun is ordered: "makes a payment of", "initiates a transfer of".
MAKES = (
    "initiate initiates initiating execute executes executing make makes making perform performs approve approves "
    "authorize authorizes authorise authorises request requests requesting propose proposes proposing seek seeks "
    "include includes including contain contains consist consists enable enables award awards issue issues process "
    "processes trigger triggers implement implements is are ask asks provide provides carry carries following will do "
    "does call calls result results aggregates to be one two three four five for via through"
)
# Behind one of these an infinitive is ordered: "proposes to transfer".
SETS_OUT = (
    "propose proposes proposing proposed seek seeks aim aims ask asks request requests instruct instructs instructing "
    "direct directs authorize authorizes authorise authorises vote votes resolve resolves is are going order "
    "used serves "
    "call calls proposal dao treasury timelock executor we function transaction and"
)

# Headings under which a bare order counts: "Transfer 100 USDC to ..." without a subject, a row, a record.
ORDER_HEADINGS = (
    "specification specifications spec payload transfers transfer payments payment transactions transaction summary "
    "abstract proposal "
    "details detail execution executable grant grants funding orders order actions action calls call request requests "
    "compensation components component recipients implementation steps step overview description call_data calldata "
    "amount amounts budget allocation allocations distribution reward rewards bounty bounties additions removals "
    "changes "
    "change parameters parameter upgrade upgrades roles role terms disbursement reimbursement payout payouts "
    "instructions "
    "what_it_does what_this_does what_happens on-chain onchain technical scope structure streams stream swap swaps "
    "permissions resumen especificación propuesta transferencias pagos résumé spécification paiements transferts "
    "zusammenfassung spezifikation vorschlag zahlungen überweisungen resumo especificação pagamentos transferências "
    "摘要 规范 提案 付款 转账 执行 明细 "
    "tl;dr tldr set assign authorise authorize add remove pay send mint burn delegate fund"
)
# A short sentence with one of these may introduce others' words or another time.
INTRODUCES = (
    "plan plans idea ideas poem line lines bid bids letter novel story text words example draft imagine recall "
    "follows reads "
    "full went asked asks wants pleads sings writes wrote says said season seasons fond proposal_in a_proposal "
    "losing lost "
    "others ep compound aave maker did dreams dream wish wishes hopes what_if suppose once quote speech song "
    "minutes history "
    "reject rejects rejected nothing not never nicht nichts rien no ne past earlier relic of_2020 of_2021 "
    "of_2022 of_2023 of_2024"
)

# Words of another sentence that take an order back, together with one of POINTS_BACK.
TAKES_BACK = (
    "not no never none nothing ignore ignores ignored disregard disregarded cancel cancels cancelled canceled void "
    "withdrawn superseded supersedes replaced replaces obsolete outdated wrong mistake mistaken error "
    "erroneous incorrect invalid fictional fictitious hypothetical example illustration illustrative joke joking "
    "kidding fake untrue false lie strike struck retracted retract dropped scrapped removed deleted postponed "
    "rejected declined reversed instead differs placeholder test cannot don't won't isn't aren't doesn't n't "
    "anulado ignorar cancelado ignore_z annulé ungültig hinfällig nicht kein não 作废 取消 忽略 不 无效"
)
POINTS_BACK = (
    "the_following what_follows listed_below described_below "
    "above aforementioned foregoing preceding this_section this_list this_table this_paragraph this_sentence "
    "that_section that_list that_table the_list the_table the_specification this_specification the_section "
    "the_paragraph the_sentence the_order the_orders these_orders previous_section previous_sentence "
    "previous_paragraph the_payment the_payments this_payment these_payments that_payment the_transfer the_transfers "
    "this_transfer these_transfers that_transfer the_transaction the_transactions this_transaction these_transactions "
    "the_call the_calls these_calls this_call the_grant this_grant that_grant the_approval this_approval "
    "the_upgrade this_upgrade first_payment second_payment last_payment first_transfer second_transfer last_transfer "
    "first_item second_item last_item item_1 item_2 item_3 step_1 step_2 step_3 all_of_it any_of_it none_of_it "
    "all_of_this any_of_this none_of_this any_of_the any_of_these none_of_these none_of_the all_of_the everything "
    "anything it_is_void it_will_not that_is_wrong which_is lo_anterior el_pago la_transferencia ci-dessus le_paiement "
    "le_transfert o_pagamento a_transferência acima oben die_zahlung die_überweisung 上述 以上 这笔"
)
# Words that do so alone.
TAKES_BACK_ALONE = (
    "disapprove disapproves these_words line_above lines_above untouched stays_as_it_is withholds overruled "
    "overrule moot decorative dry_run unpaid "
    "we_mean stand_for stands_for wink "
    "april_fool disapproved shot_down shot_it_down ship_has_sailed fictional gelogen onwaar erfindung made_up_text "
    "this_is_a_draft this_is_a_test this_text_is a_test_of our_tooling imagine_this nothing_below nothing_above "
    "reject_this "
    "rejects_this decimal_point from_a_novel called_off call_off not_meant is_void are_void yeah_right"
)
# Words by which the sentence behind an order undoes it: "It is postponed", "This was done in March".
UNDOES = (
    "postponed pending depends already was were has_been have_been done_in happened only_when only_if only_after "
    "test draft "
    "relic waits moot void cancelled canceled suspended withdrawn delayed deferred void later if unless once "
    "until void "
    "refused reverted undone dropped stopped annulled fictional example joke cents mistake wrong is_done reads read "
    "nichts nicht rien ne nada não 不 没"
)
SHORT_TAKES_BACK = (
    "not_really just_kidding kidding psych never_mind nevermind scratch_that strike_that forget_it forget_that or_not "
    "not no nope nah ignore_that ignore_this joke jk lol cancelled canceled void sike april_fools not_so not_anymore"
)

# Phrases with words of the lists above that deny and condition nothing of an order; they are blanked before.
HARMLESS = (
    r"(?:and |, )?(?:it |this |which )?(?:does|do|will do|is|are|has|have|makes?) (?:nothing else|no other \w+)",
    r"nothing else (?:happens|is done|changes)",
    r"\bno (?:other|further|additional) (?:calls?|payments?|transfers?|actions?|effects?|changes?)"
    r"(?: (?:is|are) (?:made|done))?",
    r"(?:if|once|when|upon|on|after|following|provided|assuming)(?: that)? (?:this|the) (?:executable |onchain |"
    r"on-chain )?"
    r"(?:proposal|vote) (?:is |has been |gets )?(?:passes|passed|approved|approval|executed|execution|succeeds|"
    r"carries)",
    r"(?:if|once|when|upon|on|after|following) (?:approved|passed|executed|approval|execution|passing)(?=[ ,.;:]|$)",
    r"(?:as|was|were)? ?(?:previously|already) (?:approved|agreed|discussed|passed|ratified|authori[sz]ed|voted)",
    r"as (?:already )?(?:agreed|approved|discussed)",
    r"approved (?:in|by|through|under) (?:the )?(?:previously passed )?(?:social )?(?:proposals?|votes?|snapshot|ep)\b",
    r"previously passed",
    r"no later than",
    r"whether or not",
    r"\bno impact\b",
    r"\bgrants (?=(?:committee|council|programme?|team|round|working group|stewards?|lead)\b)",
    r"\brather than usdc\b(?!.)",
    r"(?:please )?(?:do not hesitate|don't hesitate)",
)

SELF = (
    r"(?:this|the|our|that|such)?\s*(?:executable|on-?chain|first|second|third|fourth|fifth|last|single)?\s*"
    r"(?:proposal|vote|call|calls|transaction|transactions|payload|motion|dao|treasury|timelock|executor|action|step|"
    r"grant|governor|it|we|i|members|you|safe|proposals|following|below)"
)

NUMBER_WORDS: Mapping[str, int] = {
    **{
        word: number
        for number, words in enumerate(
            (
                "zero null", "one uno una um uma un une ein eine einen eins", "two dos dois duas deux zwei",
                "three tres três trois drei", "four cuatro quatro quatre vier", "five cinco cinq fünf",
                "six seis sechs", "seven siete sete sept sieben", "eight ocho oito huit acht",
                "nine nueve nove neuf neun",
                "ten diez dez dix zehn", "eleven onze elf", "twelve doce doze douze zwölf",
                "thirteen trece treize",
                "fourteen catorce quatorze", "fifteen quince quinze fünfzehn", "sixteen", "seventeen", "eighteen",
                "nineteen", "twenty veinte vinte vingt zwanzig",
            )
        )
        for word in words.split()
    },
    "thirty": 30, "treinta": 30, "trinta": 30, "trente": 30, "dreißig": 30, "forty": 40, "cuarenta": 40,
    "quarenta": 40, "quarante": 40, "vierzig": 40, "fifty": 50, "cincuenta": 50, "cinquenta": 50, "cinquante": 50,
    "fünfzig": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
SCALES: Mapping[str, int] = {
    "hundred": 100, "k": 10**3, "thousand": 10**3, "mil": 10**3, "mille": 10**3, "tausend": 10**3, "grand": 10**3,
    "m": 10**6, "mm": 10**6, "mio": 10**6, "million": 10**6, "millions": 10**6, "millón": 10**6, "millones": 10**6,
    "milhão": 10**6, "milhões": 10**6, "millionen": 10**6, "b": 10**9, "bn": 10**9, "billion": 10**9,
    "billions": 10**9, "milliard": 10**9, "milliarden": 10**9, "百": 100, "千": 10**3, "万": 10**4, "萬": 10**4,
    "百万": 10**6, "亿": 10**8, "億": 10**8,
}  # fmt: skip
TIMES_WORDS: Mapping[str, int] = {
    "twice": 2, "thrice": 3, "both": 2, "dos_veces": 2, "deux_fois": 2, "zweimal": 2, "duas_vezes": 2,
    "three_times": 3, "four_times": 4, "five_times": 5, "two_times": 2, "dreimal": 3, "trois_fois": 3,
}  # fmt: skip

TIME_UNITS: Mapping[str, int] = {  # seconds
    **dict.fromkeys(
        [
            "second",
            "seconds",
            "sec",
            "secs",
            "s",
            "segundo",
            "segundos",
            "seconde",
            "secondes",
            "sekunde",
            "sekunden",
            "秒",
        ],
        1,
    ),
    **dict.fromkeys(["minute", "minutes", "min", "mins", "minuto", "minutos", "minuten", "分钟"], 60),
    **dict.fromkeys(
        ["hour", "hours", "hr", "hrs", "hora", "horas", "heure", "heures", "stunde", "stunden", "小时"], 3_600
    ),
    **dict.fromkeys(
        ["day", "days", "día", "días", "dia", "dias", "jour", "jours", "tag", "tage", "tagen", "天", "日"], 86_400
    ),
    **dict.fromkeys(["week", "weeks", "semana", "semanas", "semaine", "semaines", "woche", "wochen", "周"], 604_800),
    **dict.fromkeys(["month", "months", "mo", "mes", "meses", "mois", "monat", "monate", "月"], 2_629_800),
    **dict.fromkeys(
        ["year", "years", "yr", "año", "años", "ano", "anos", "an", "ans", "année", "années", "jahr", "jahre", "年"],
        31_557_600,
    ),
}


@dataclass(frozen=True)
class Listed:
    """A pattern that finds any of some words. Where the text has none of the words that they begin with, which is what
    most sentences have, it isn't even asked."""

    pattern: re.Pattern[str]
    firsts: frozenset[str]
    others: tuple[str, ...]  # of scripts without blanks

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        return self.pattern.search(text, start) if self._may_find(text) else None

    def finditer(self, text: str, start: int = 0) -> Iterator[re.Match[str]]:
        return self.pattern.finditer(text, start) if self._may_find(text) else iter(())

    def _may_find(self, text: str) -> bool:
        if not self.firsts.isdisjoint(_words_of(text)):
            return True
        return bool(self.others) and not text.isascii() and any(word in text for word in self.others)


_WHOLE = re.compile(r"\w+")


@lru_cache(maxsize=512)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(_WHOLE.findall(text))


def compiled(words: str, *, more: str = "") -> Listed:
    """Return a pattern that finds any of the listed words as a whole word, in casefolded text. Linear in the text."""
    return _compiled(f"{words} {more}")


@cache
def _compiled(words: str) -> Listed:
    latin, rest, firsts = [], [], set()
    for word in dict.fromkeys(words.split()):
        plain = re.escape(word.replace("_", " ").strip())
        if not plain:
            continue
        if re.match(r"[\w']", word, re.ASCII) or ord(word[0]) < 0x2E80:
            latin.append(plain)
            firsts.add("t" if word == "n't" else _WHOLE.findall(word.replace("_", " "))[0])
        else:
            rest.append(word.replace("_", " ").strip())
    latin.sort(key=len, reverse=True)
    rest.sort(key=len, reverse=True)
    forms = []
    if latin:
        suffixes = [word for word in latin if word in ("n't", "n'")]
        whole = [word for word in latin if word not in suffixes]
        forms.append(rf"(?<![\w'’-])(?:{'|'.join(whole)})(?![\w-])")
        if "n't" in suffixes:
            forms.append("n't(?!\\w)")
        if "n'" in suffixes:
            forms.append(r"(?<!\w)n'(?=\w)")
    if rest:
        forms.append("|".join(map(re.escape, rest)))
    return Listed(re.compile("|".join(forms)), frozenset(firsts), tuple(rest))


@cache
def acts_of(language: str) -> tuple[Listed, Mapping[str, tuple[tuple[Act, Tense], ...]]]:
    """Return the pattern that finds a language's verbs in casefolded text, and what each form means."""
    meanings: dict[str, list[tuple[Act, Tense]]] = {}
    for act, (now, done) in ACTS[language].items():
        for tense, words in ((Tense.NOW, now), (Tense.DONE, done)):
            for word in words.split():
                meanings.setdefault(word.replace("_", " "), []).append((act, tense))
    pattern = compiled(" ".join(word.replace(" ", "_") for word in meanings))
    return pattern, {word: tuple(found) for word, found in meanings.items()}


@cache
def _marks() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for language, words in MARKS.items():
        for word in words.split():
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")


_HEX = re.compile(r"0x\w+")  # its letters are no words: "e" is one of Portuguese


def language_of(text: str) -> str:
    """Return the language that most of a casefolded text's small words belong to, English where none leads."""
    if len(_HAN.findall(text)) >= 2:
        return "zh"
    score = dict.fromkeys(MARKS, 0)
    for word in _WORD.findall(_HEX.sub(" ", text[:600])):
        for language in _marks().get(word, ()):
            score[language] += 1
    best = max(score, key=lambda language: score[language])
    return best if score[best] > score["en"] else "en"
