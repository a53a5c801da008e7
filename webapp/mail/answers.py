# SPDX-License-Identifier: Apache-2.0
"""What the API answers about digests."""

from webapp.answers import Answer


class Asked(Answer):
    status: str
