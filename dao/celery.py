# SPDX-License-Identifier: Apache-2.0
"""The Celery application. Messages only wake workers; what is due is said by rows (governance.work)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")

app = Celery("mandate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["governance", "agent", "webapp"])
