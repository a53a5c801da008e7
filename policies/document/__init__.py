# SPDX-License-Identifier: Apache-2.0
"""The policy as people write it: YAML read into a document, its JSON Schema, and code written back as YAML."""
