# SPDX-License-Identifier: Apache-2.0
"""Services that come as wheels and run as children of one process, on loopback. Imports nothing of ours."""
