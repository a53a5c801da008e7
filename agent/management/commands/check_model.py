# SPDX-License-Identifier: Apache-2.0
"""`manage.py check_model`: ask the model server one plain question and say what is wrong with it, and what to do."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.llm import serving, trouble
from agent.llm.client import Completion, Model, ModelDown, ModelError, ModelRefused
from agent.models import ModelTrouble
from agent.understanding import summaries


class Command(BaseCommand):
    """Prints one line for each thing that was looked at; exit status 1 where the model can't be used."""

    help = "Ask the model server a plain question: is it reached, does it have the model, does it obey a schema?"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="if the model works, have it read again the proposals that it gave no usable answer to",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.MODEL_URL:
            raise CommandError("No model is configured: set MODEL_URL and MODEL_NAME.")
        try:
            model = Model.from_settings()
            answer = self._ask(model)
        except ModelDown as down:
            serving.note(down)
            raise CommandError(trouble.for_operator(_row(down))) from down
        serving.works()
        usage = answer.usage
        seconds = max(usage.duration_ms, 1) / 1000
        self._say("answers", f"yes, as {answer.model!r}")
        self._say("models", ", ".join(map(repr, _names(model))) or "it does not list them")
        self._say("schema", "obeyed")
        self._say("ended by", answer.finish_reason)
        self._say("extra fields", ", ".join(sorted(model.extra_body)) or "none")
        self._say(
            "speed", f"{usage.output_tokens} tokens in {seconds:.1f} s ({usage.output_tokens / seconds:.0f} a second)"
        )
        if options["again"]:
            self._say("read again", f"{summaries.read_again()} proposals")
        self.stdout.write("The model works.")

    def _ask(self, model: Model) -> Completion:
        """The answer to a plain question. Raises ModelDown for whatever is wrong."""
        try:
            return summaries.read_plain(model).completion
        except ModelRefused as refused:
            raise refused.of_the_setup() from refused

    def _say(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:>12}  {text}")


def _row(down: ModelDown) -> ModelTrouble:
    """What was just noted; a second process may have found the model at work since."""
    return trouble.standing() or ModelTrouble(trouble=down.trouble, values=down.values)


def _names(model: Model) -> list[str]:
    try:
        return model.names()
    except ModelError:
        return []  # not every server lists them, and it has just answered
