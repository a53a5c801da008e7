#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Django's command line. Run with the project's own interpreter: .venv/bin/python manage.py <command>."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dao.settings")
    execute_from_command_line(sys.argv)
