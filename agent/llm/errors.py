# SPDX-License-Identifier: Apache-2.0
"""What can go wrong when the model is asked, each with the sentence that says so (agent.llm.words).

ModelError
  ModelDown               ask again later
    ModelMisconfigured    the server or the settings are wrong
  ModelRefused            an answer that can't be used
"""

from dataclasses import dataclass
from typing import Any

from agent.llm.trouble import Trouble
from agent.llm.words import say
from governance.sentences import Sentence


@dataclass(frozen=True)
class Usage:
    """What a completion cost. `cached_tokens` of the prompt came from the server's prefix cache. Sums over retries."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    duration_ms: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.duration_ms + other.duration_ms,
        )


class ModelError(Exception):
    """The model gave nothing that can be used.

    `after` is what was wrong with the first answer where the second try failed in another way; None where it was the
    first try that failed.
    """

    after: "ModelRefused | None" = None


class ModelDown(ModelError):
    """The model can't be asked now: ask again later.

    `why` is in our words and fit for everybody. `trouble` is None where nothing is wrong with a server (none is
    configured). `values` are for the operator: {"http_status", "names", "said", ...}; `names` and `said` are the
    server's own words, made printable and short, without our key.
    """

    def __init__(self, why: Sentence, trouble: Trouble | None = None, **values: Any) -> None:
        super().__init__(why)
        self.why = why
        self.trouble = trouble
        self.values = values


class ModelMisconfigured(ModelDown):
    """The server or our settings are set up wrongly: asking again helps only after somebody has changed that."""


class ModelRefused(ModelError):
    """The server answered with something that can't be used: twice, or it refused to answer.

    `problem` says what was wrong, in our words: never the model's own text. `text` and `usage` are the last answer's,
    for the record. `unanswered` tells a request that got no answer at all (refused, or empty) from a bad answer: it is
    the prompt's fault only if the server answers a plain prompt of the same shape.
    """

    def __init__(
        self,
        problem: Sentence,
        *,
        text: str = "",
        usage: Usage | None = None,
        model: str = "",
        unanswered: bool = False,
        http_status: int | None = None,
        said: str = "",
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.text = text
        self.usage = usage or Usage()
        self.model = model
        self.unanswered = unanswered
        self.http_status = http_status
        self.said = said

    def of_the_setup(self) -> ModelMisconfigured:
        """Return what this refusal means when even a plain prompt was refused so."""
        if self.http_status in (401, 403):
            return key_refused(self.http_status, self.said)
        if self.http_status is not None:
            return ModelMisconfigured(
                say("model_refuses", http_status=self.http_status),
                Trouble.REFUSES,
                http_status=self.http_status,
                said=self.said,
            )
        return ModelMisconfigured(
            say("model_disobeys", problem=self.problem), Trouble.DISOBEYS, problem=self.problem.as_json()
        )


def key_refused(http_status: int, said: str) -> ModelMisconfigured:
    """Return the error of a server that does not take our key; `said` are its own words."""
    return ModelMisconfigured(
        say("model_key", http_status=http_status), Trouble.KEY, http_status=http_status, said=said
    )
