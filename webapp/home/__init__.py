# SPDX-License-Identifier: Apache-2.0
"""The list of DAOs, and a DAO's first page."""
