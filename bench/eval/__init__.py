# SPDX-License-Identifier: Apache-2.0
"""How right the verdict is, measured on proposals that others wrote and a person read: `make eval`."""
