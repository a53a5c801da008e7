# SPDX-License-Identifier: Apache-2.0
"""Write the fact files again from npm packages. A tool for developers: the product imports nothing of it."""
