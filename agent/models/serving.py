# SPDX-License-Identifier: Apache-2.0
"""What is known of the model server: why it can't be used, and until when it is left alone."""

from django.db import models

from governance.fields import Bytes32Field

__all__ = ["ModelTrouble"]


class ModelTrouble(models.Model):
    """Why the model can't be used now. The row goes when the model works again: no row, nothing known to be wrong.

    Shared by all processes, so that each need not find out for itself. A row is of one set-up (address, model, extra
    fields): another set-up starts without it.
    """

    setup = Bytes32Field(primary_key=True)  # agent.llm.serving.setup()
    trouble = models.CharField(max_length=16)  # agent.llm.client.Trouble
    values = models.JSONField(default=dict)  # {"http_status", "names", "said", ...}; the last two the server's words
    failures = models.PositiveIntegerField(default=1)  # with this trouble, one after the other
    ask_again_at = models.DateTimeField(null=True)  # not asked before; null: may be asked
    since = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.trouble
