# SPDX-License-Identifier: Apache-2.0
"""A model chooses which sentences of a text, and which effects, make its summary. It writes none of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from agent.llm.client import Model
from agent.understanding import reader, writer
from agent.understanding.effects import Book, Effect
from agent.understanding.ingest import Document


def chosen(document: Document, effects: Sequence[Effect], book: Book, model: Model) -> tuple[writer.Sentence, ...]:
    """The sentences that the model chose, word for word and each with its source; empty where it abstains.

    Raises ModelDown, ModelRefused. A model that repeats its secret has chosen nothing.
    """
    if document.is_empty:
        return ()
    canary = secrets.token_hex(4)
    try:
        reading = reader.read(document, model, book, canary)
        return writer.write(reading.claims, effects, model, canary).sentences if reading.claims else ()
    except reader.CanaryLeaked:
        return ()
