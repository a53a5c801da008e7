#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Django's command line. Run with the project's own interpreter: .venv/bin/python manage.py <command>."""

import os
import sys


def main() -> int:
    """One line for what the user can mend: settings, the database, Ctrl-C. Commands tell their own errors."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError

        from governance.acting import Via, acting
    except KeyboardInterrupt:
        return 130
    try:
        # A command says itself what it waits for; that a node was asked again would clutter what it says.
        settings.LOGGING["loggers"]["stamina"] = {"level": "CRITICAL"}
        with acting(Via.COMMAND, sys.argv[1] if len(sys.argv) > 1 else ""):
            execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        return 130
    except ImproperlyConfigured as error:
        print(f"manage.py: {error}", file=sys.stderr)
    except OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        print(f"manage.py: the database does not answer: {reason} (start it, or set DATABASE_URL)", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
