# SPDX-License-Identifier: Apache-2.0
from django.apps import AppConfig


class ReplayConfig(AppConfig):
    name = "replay"
