# SPDX-License-Identifier: Apache-2.0
"""Where the checkout lies. `dao/local/install.py` finds it by itself: it runs before anything can be imported."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
