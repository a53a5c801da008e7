# SPDX-License-Identifier: Apache-2.0
"""What an act costs on chain, by our module and by others, in one run: `make bench-gas` (see README.md here)."""
