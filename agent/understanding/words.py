# SPDX-License-Identifier: Apache-2.0
"""The sentences about a proposal: flags, what the verdict rests on, and why there is no summary.

Rows keep the text of its time, the code and the values (`governance.sentences`): a sentence with other values gets
another code.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from agent.llm import words as llm_words
from agent.understanding import flags
from governance.sentences import Table, Template

SENTENCES: Mapping[str, Template] = {
    **flags.WORDS,  # each flag has its words in its own file
    # What the verdict rests on.
    "claimed_not_done": gettext_noop("No call does what this sentence names."),
    "no_order": gettext_noop("Code found no sentence that orders exactly this call and nothing more."),
    "numbers_only": gettext_noop("The text has the numbers and addresses of this call. Code found no order for it."),
    "opaque": gettext_noop("Nobody can tell from the call what it does."),
    "claimed_and_done": gettext_noop("The text says so, and the call does it."),
    "parameter_differs": gettext_noop("A sentence about such a call names another amount or another address."),
    "not_compared": gettext_noop("A sentence speaks of such a call; the values could not be compared."),
    "done_not_claimed": gettext_noop("Code matched no sentence to this call."),
    # Why code could not compare a text with its calls, in rows of before.
    "not_all_read": gettext_noop("Other sites hide a part of the text, or not all of it was read."),
    "no_calls": gettext_noop("The proposal has no calls."),
    "too_many_to_look_at": gettext_noop("There are too many calls to look at all of them."),
    "counts_otherwise": gettext_noop("The text counts the calls in another way than it orders them."),
    "orders_more": gettext_noop("The text orders something that no call does, or that is done only once."),
    "title_differs": gettext_noop(
        "The title or the first sentence names another amount or another party than the orders."
    ),
    "heading": gettext_noop("A heading has words that code can't weigh."),
    "table_or_code": gettext_noop("The text has a table, a quotation or code, which code can't weigh."),
    "introduction": gettext_noop("A part of the text is introduced by words that code can't weigh."),
    "item_no_order": gettext_noop("A list of orders has an item that is no order."),
    "title_ambiguous": gettext_noop("The title has an amount that can be read in two ways."),
    "title_says_else": gettext_noop("The title says something else than what is paid."),
    "title_limits": gettext_noop("The title or the first sentence limits or counts what is paid."),
    "after_orders": gettext_noop("After the orders comes something that code can't weigh."),
    "signs": gettext_noop("The text has quotation marks or other signs that code can't weigh."),
    "too_short": gettext_noop("A sentence is too short to say what it means for the orders."),
    "language": gettext_noop("Part of the text is in no language that code compares."),
    "turn": gettext_noop("The text has a negation, a condition, a doubt or another turn that code can't weigh."),
    "takes_back": gettext_noop("The text has words that may take back an order, or promise more."),
    "speaks_of_this": gettext_noop(
        "A sentence speaks of what is done here, and is no plain order that code can compare."
    ),
    "refers": gettext_noop("A sentence speaks of another one, or of another text, in a way that code can't weigh."),
    "speaks_of_money": gettext_noop("A sentence speaks of money, and is no plain order that code can compare."),
    "has_address": gettext_noop("A sentence has an address, and is no plain order that code can compare."),
    "may_order": gettext_noop("A sentence may order something, and is no plain order that code can compare."),
    "sentence_too_long": gettext_noop("A sentence is too long for code to compare it."),
    "text_too_long": gettext_noop("The text is too long for code to compare it sentence by sentence."),
    "entities": gettext_noop("The text has codes for characters, which pages show in different ways."),
    "html": gettext_noop("The text has HTML, which pages show in different ways."),
    "struck_out": gettext_noop("The text has struck-out words."),
    "not_shown": gettext_noop("The text has words that no page shows."),
    "letters": gettext_noop("The text has letters or signs that code does not compare."),
    # A summary that code writes (gist.py).
    "gist_no_calls": gettext_noop("The vote alone changes nothing on chain: the proposal has no calls."),
    "gist_differs": gettext_noop("The text says something else than the calls do."),
    "gist_not_told": gettext_noop("The calls do something that the text does not mention."),
    "gist_cant_be_checked": gettext_noop("Not every call can be decoded, so the text can't be checked."),
    "gist_told_in_part": gettext_noop("The text mentions what the calls do, but not all of it."),
    "gist_more": gettext_noop("The calls do {count} things more."),
    # Why there is no summary, or not yet.
    "proposal_gone": gettext_noop("the proposal is gone: a reorg undid it"),
    "no_text": gettext_noop("there is no text to read, or next to none"),
    "no_sentence_found": gettext_noop("the model found no sentence that says what the proposal does"),
    "no_sentences": gettext_noop("the words that the model pointed at are no sentences"),
    "nothing_may_be_shown": gettext_noop("nothing that the model chose for the summary may be shown"),
    "canary_repeated": gettext_noop("the model repeated the secret of its instructions"),
    "text_not_taken": gettext_noop(
        "the model server does not take this text (HTTP {http_status}); it may be too long for the model"
    ),
    "answer_not_usable": gettext_noop("the model's answer could not be used, twice: {problem}"),
    **llm_words.SENTENCES,
}


TABLE = Table("proposals", SENTENCES, as_written=flags.AS_WRITTEN)
say = TABLE.say
shown = TABLE.shown
