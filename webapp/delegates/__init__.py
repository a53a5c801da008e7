# SPDX-License-Identifier: Apache-2.0
"""Who holds voting power."""
