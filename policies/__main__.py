# SPDX-License-Identifier: Apache-2.0
"""`python -m policies check|compile|explain|diff`: without Django, a network or a database."""

import sys

from policies.command import main

if __name__ == "__main__":
    sys.exit(main())
