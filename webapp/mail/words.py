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
    "summary_being_written": gettext_noop("its summary is being written"),
}

TABLE = Table("mail", SENTENCES)
say = TABLE.say
