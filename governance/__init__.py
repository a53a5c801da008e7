# SPDX-License-Identifier: Apache-2.0
"""The mirror: raw logs of a Governor and what is around it, and the projections derived from them."""
