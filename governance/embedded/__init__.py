# SPDX-License-Identifier: Apache-2.0
"""Services from wheels, run as plain children: low in the house, as the replay, the stack and the tests need them."""
