# SPDX-License-Identifier: Apache-2.0
"""The story: the whole product, played through the code paths that people use, each step with its evidence.

Wallets sign real transactions against the embedded chain; pages and the JSON API are read over HTTP; what the chain
says is asked from the node directly (`dao.local.wallet.Node`), never through the code under test. A step that sees
something else than it must raises `StepFailed` with what it saw. The steps stand in `story.py`.
"""
