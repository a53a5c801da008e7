# SPDX-License-Identifier: Apache-2.0
"""What the mirror holds, to be taken away as CSV or JSON: each row with the transaction that it was read from."""
