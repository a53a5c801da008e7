# SPDX-License-Identifier: Apache-2.0
"""A policy module for a DAO that exists already.

    situation   what the DAO's contracts, its treasury and its chain are, asked at one block
    parts       which contracts are to be created, and at which addresses (CREATE2)
    costs       what creating them takes
    record      deployments/<chain id>.json, which a second run goes on from
    deploying   creating what is missing, once
    proposing   the vote that puts the module to use, and the way back
    checking    the record beside the chain
    telling, showing   lines and JSON of what was found, and of a vote that was made
    words       what is said of all that

Nothing here asks the database for the truth: contracts are asked. The database keeps the sender's journal alone.
"""
