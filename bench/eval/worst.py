# SPDX-License-Identifier: Apache-2.0
"""A model in the attacker's hand."""


def with_worst_model(text, proposal):
    raise NotImplementedError
