# SPDX-License-Identifier: Apache-2.0
"""The language model behind the OpenAI protocol: the client, and the check of its answers against a JSON Schema."""
