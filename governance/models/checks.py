# SPDX-License-Identifier: Apache-2.0
"""What the chain answers, compared with what the mirror says."""

from django.db import models

from governance.fields import Bytes32Field
from governance.models.chains import Dao

__all__ = ["NOT_TOLD", "OnchainCheck"]

# What the mirror says of a state that it can't tell (`governance.state.State.UNKNOWN`).
NOT_TOLD = "Unknown"


class _Checks(models.QuerySet["OnchainCheck"]):
    def differing(self) -> "_Checks":
        """Those in which somebody is wrong: the mirror says another thing than the chain, or two nodes contradict each
        other. Where the mirror can't tell a state, the chain's word contradicts nothing."""
        return self.filter(matched=False).exclude(
            subject__startswith="proposal:", subject__endswith=":state", mirror_says=NOT_TOLD, other_says=""
        )


class OnchainCheck(models.Model):
    """What the chain itself answered at a pinned block, beside what the mirror says. Shown on the page.

    `governance.chain_word` says where it counts in place of what the mirror says.
    """

    dao = models.ForeignKey(Dao, on_delete=models.CASCADE)
    subject = models.CharField(max_length=200)  # e.g. "proposal:<id>:state", "proposal:<id>:votes", "power:<0x..>"
    block_number = models.BigIntegerField()
    block_hash = Bytes32Field()
    chain_says = models.CharField(max_length=400)
    mirror_says = models.CharField(max_length=400)
    matched = models.BooleanField()
    # Of an answer that differs a second endpoint is asked, where one is set: how many gave it, and what the second one
    # answered where that was something else. Then it matches nothing, whatever the mirror says.
    endpoints = models.PositiveSmallIntegerField(default=1)
    other_says = models.CharField(max_length=400, blank=True)
    checked_at = models.DateTimeField(auto_now=True)

    objects = _Checks.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dao", "subject"], name="check_latest_only")]
        indexes = [
            models.Index(fields=["dao", "subject"], condition=models.Q(matched=False), name="check_that_differs"),
            models.Index(fields=["dao", "-block_number"], condition=models.Q(matched=True), name="check_that_matches"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {'matched' if self.matched else 'differs'}"

    @property
    def words(self) -> str:
        """What was answered, beside what the mirror says: for people who run the site."""
        other = f", another node {self.other_says}" if self.other_says else ""
        return f"{'one node' if other else 'the chain'} says {self.chain_says}{other}, the mirror {self.mirror_says}"
