# SPDX-License-Identifier: Apache-2.0
import gc

from django.apps import AppConfig

_OBJECTS = 50_000  # that are made before the youngest are looked through


class AgentConfig(AppConfig):
    """Reading a text makes many small objects that live as long as the reading, and none that only rings keep alive: to
    look through them after every 700, as Python does, takes half the time of a long text."""

    name = "agent"

    def ready(self) -> None:
        gc.set_threshold(max(_OBJECTS, gc.get_threshold()[0]), *gc.get_threshold()[1:])
