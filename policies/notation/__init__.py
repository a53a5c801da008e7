# SPDX-License-Identifier: Apache-2.0
"""How values are written and read: amounts, times, shares, addresses, and problems with their place in the text."""
