# SPDX-License-Identifier: Apache-2.0
"""Facts that other people publish and that policies and the agent both ask: tokens, by chain and address."""
