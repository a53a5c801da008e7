# SPDX-License-Identifier: Apache-2.0
"""What a policy answers to an act: the module's answer with its reasons, what is permitted, and forms."""
