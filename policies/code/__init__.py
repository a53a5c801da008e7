# SPDX-License-Identifier: Apache-2.0
"""The policy as the chain holds it: documents to bytes and back, signatures, calldata, units, a budget's ring."""
