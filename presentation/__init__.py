# SPDX-License-Identifier: Apache-2.0
"""What pages and mails both show of a DAO: rows read from the projections, and the words for them."""
