# SPDX-License-Identifier: Apache-2.0
"""From a proposal's text and calls to effects, flags, a verdict and a summary."""
