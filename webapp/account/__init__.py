# SPDX-License-Identifier: Apache-2.0
"""Sign-in with Ethereum: who is at the browser."""
