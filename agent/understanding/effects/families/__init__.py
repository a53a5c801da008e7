# SPDX-License-Identifier: Apache-2.0
"""What functions do, one file a family: a table of handlers by signature, and the words of its sentences."""
