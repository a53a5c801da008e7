# SPDX-License-Identifier: Apache-2.0
"""A policy in plain English: sentences, reasons, differences and worst cases."""
