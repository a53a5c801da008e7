# SPDX-License-Identifier: Apache-2.0
"""Facts about other people's contracts: functions by selector, deployments by address, tokens, names by their hash.

The facts are sorted TSV files beside this one; tokens.tsv lies in policies/known/, where policies ask it too.
`functions.tsv`, `addresses.tsv`, `labels.tsv` and `tokens.tsv` come from npm packages at pinned versions (`python -m
agent.understanding.functions.make` writes them again),
`*_by_hand.tsv` from the sources that each line names. Nothing is read before it is asked for. What an ABI calls view or
pure is left out.

A selector says little: anyone may write a contract with a function of any name. What is found here says how call data
may be read, never what the target's code does with it.
"""

from agent.understanding.functions.facts import Deployment, KnownToken, deployment, deployments, token, tokens
from agent.understanding.functions.labels import Names, names_by_hash
from agent.understanding.functions.lines import packages
from agent.understanding.functions.table import Fit, Function, Input, candidates, exact_fits

__all__ = [
    "Deployment",
    "Fit",
    "Function",
    "Input",
    "KnownToken",
    "Names",
    "candidates",
    "deployment",
    "deployments",
    "exact_fits",
    "names_by_hash",
    "packages",
    "token",
    "tokens",
]
