# SPDX-License-Identifier: Apache-2.0
"""The WSGI entry point that gunicorn serves."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
if not os.environ.get("MANDATE_SECRET_KEY_FILE"):
    raise SystemExit("dao.wsgi: MANDATE_SECRET_KEY_FILE is not set: name a file that holds a long random text")
try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    raise SystemExit(f"dao.wsgi: {error}") from None
