# SPDX-License-Identifier: Apache-2.0
"""What a chain says of a proposal's accounts at the block in which it was made: the only room of understanding that
asks a node. Workers ask; pages read what was kept."""
