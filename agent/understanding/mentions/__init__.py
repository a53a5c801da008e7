# SPDX-License-Identifier: Apache-2.0
"""What words mention: acts, quantities and parties, read out of one sentence at a time. Tables of words as data."""
