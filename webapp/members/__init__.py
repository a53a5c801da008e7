# SPDX-License-Identifier: Apache-2.0
"""One account among the votes of a DAO."""
