# SPDX-License-Identifier: Apache-2.0
"""The sentences that due mails keep: why one waits, or is not sent at all."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from governance.sentences import Table, Template

SENTENCES: Mapping[str, Template] = {
    "subscription_gone": gettext_noop("the subscription is gone"),
    "unsubscribed": gettext_noop("nobody is subscribed any more"),
    "no_such_digest": gettext_noop("there is no digest about {kind}"),
    "being_sent": gettext_noop("another worker is sending it"),
    "mirror_behind": gettext_noop("blocks of long ago are being read"),
    "block_not_deep": gettext_noop("its block may still be replaced"),
    "other_message_leaving": gettext_noop("another message about it is on its way"),
    "one_node_alone": gettext_noop("one node alone shows it so far"),
    "refused_for_good": gettext_noop("the mail server refused it for good"),
    "relay_takes_nothing": gettext_noop("the mail server refused it, and takes nothing for others either"),
    "summary_being_written": gettext_noop("its summary is being written"),
    "hook_ended": gettext_noop("the webhook has ended"),
    "hook_more": gettext_noop("more is to be sent"),
    "hook_no_name": gettext_noop("its host's name was not found"),
    "hook_name_too_slow": gettext_noop("looking its host's name up took too long"),
    "hook_not_public": gettext_noop("its host's name leads to an address that is not on the public internet"),
    "hook_too_slow": gettext_noop("it took too long"),
    "hook_no_connection": gettext_noop("there was no connection, or no valid certificate"),
    "hook_broken": gettext_noop("the connection broke before there was an answer"),
    "hook_status": gettext_noop("it answered with status {status}"),
    "hook_address": gettext_noop("its address may not be called"),
    "hook_gone": gettext_noop("it answered with status 410: nothing is wanted there any more"),
    "hook_never_answered": gettext_noop("it did not take the first message within a day"),
    "hook_dead": gettext_noop("it took nothing for thirty days"),
    "hook_made_room": gettext_noop("it made room for one of an account with more voting power"),
    "hook_by_owner": gettext_noop("its owner ended it"),
    "hook_by_keeper": gettext_noop("a keeper of this site ended it"),
}

TABLE = Table("mail", SENTENCES)
say = TABLE.say
