# SPDX-License-Identifier: Apache-2.0
"""Founds a DAO on the local chain: deploys it with Ape, registers it in the mirror, and writes its first papers."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from eth_utils import keccak

from dao.local.paths import ROOT
from dao.local.people import CONTRIBUTORS, keystore
from dao.local.stack import Stack
from embedded.process import die_with_parent

TEMPLATE = ROOT / "policies" / "templates" / "payroll.yaml"
BUILT = ROOT / ".build" / "contracts"
OTHER_VERSION = (
    "The local DAO's contracts are of another version of Mandate: `make demo-reset` forgets them and begins anew."
)
MAND = 10**18  # base units of the votes token
USDC = 10**6  # base units of the test USDC
DAY_S = 86_400

# What the local DAO is, in seconds and whole tokens. `objection_delay_s` goes into the payroll policy.
PARAMETERS: dict[str, Any] = {
    "voting_delay_s": 3_600,
    "voting_period_s": 3 * DAY_S,
    "timelock_delay_s": DAY_S,
    "late_quorum_extension_s": DAY_S,
    "quorum_percent": 4,
    "supply_mand": 1_000_000,
    "holders_mand": {"ada": 300_000, "ben": 250_000, "chloe": 150_000, "treasury": 300_000},
    "proposal_threshold_mand": 10_000,
    "treasury_usdc": 100_000,
    "treasury_ether": 10,
    "objection_delay_s": 2 * DAY_S,
}


class FoundingError(Exception):
    """The DAO could not be founded; the text says why and what to do."""


def deploy(stack: Stack, slug: str, name: str) -> dict[str, Any]:
    """Deploy the DAO and register it in the mirror; returns the deployment (contracts/scripts/deploy_dao.py's output).

    What is done is not done again: the deployment's file appears when it is complete, and the chain still has it.
    """
    file = stack.state_dir / f"deployment-{slug}.json"
    deployment = _known(stack, file)
    if deployment is None:
        deployment = _deploy(stack, name, file)
    elif not same_contracts(file):
        raise FoundingError(OTHER_VERSION)
    register(stack, file, slug, name)
    return deployment


def same_contracts(file: Path) -> bool:
    """Whether the contracts of a deployment are those that this version of Mandate compiles to, byte for byte."""
    made = json.loads(file.read_text()).get("built")
    return bool(made) and made == _built(made)


def _built(contracts: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each contract's creation code, as compiled."""
    found = {}
    for name in sorted(contracts):
        artifact = BUILT / f"{name}.json"
        code = json.loads(artifact.read_text())["bytecode"] if artifact.exists() else ""
        found[name] = sha256(code.encode()).hexdigest()
    return found


def _known(stack: Stack, file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    deployment: dict[str, Any] = json.loads(file.read_text())
    for address in deployment["contracts"].values():
        if stack.rpc("eth_getCode", address, "latest") == "0x":
            return None
    return deployment


def _deploy(stack: Stack, name: str, file: Path) -> dict[str, Any]:
    people = stack.people
    holders = {
        who if who == "treasury" else people[who].address: str(votes * MAND)
        for who, votes in PARAMETERS["holders_mand"].items()
    }
    wanted = {
        "chain_id": int(stack.rpc("eth_chainId"), 16),
        "token": {"name": "Mandate", "symbol": "MAND", "holders": holders},
        "governor": {
            "name": name,
            "voting_delay_s": PARAMETERS["voting_delay_s"],
            "voting_period_s": PARAMETERS["voting_period_s"],
            "proposal_threshold": str(PARAMETERS["proposal_threshold_mand"] * MAND),
            "quorum_percent": PARAMETERS["quorum_percent"],
            "late_quorum_extension_s": PARAMETERS["late_quorum_extension_s"],
        },
        "timelock_delay_s": PARAMETERS["timelock_delay_s"],
        "guardian": people["gus"].address,
        "test_usdc": str(PARAMETERS["treasury_usdc"] * USDC),
        "treasury_wei": str(PARAMETERS["treasury_ether"] * 10**18),
    }
    parameters, half = file.with_suffix(".params.json"), file.with_suffix(".half")
    parameters.write_text(json.dumps(wanted, indent=1))
    half.unlink(missing_ok=True)
    key, password = keystore(stack.state_dir, "deployer")
    run = subprocess.run(
        [sys.executable, str(ROOT / "contracts" / "scripts" / "deploy_dao.py"), "--rpc", stack.rpc_url,
         "--keystore", str(key), "--password-file", str(password), "--params", str(parameters), "--out", str(half)],
        env=stack.environment, cwd=ROOT,
        capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),
    )  # fmt: skip
    if run.returncode != 0:
        said = [line for line in (run.stderr or run.stdout).splitlines() if line.strip()]
        raise FoundingError("the contracts could not be deployed: " + (said[-1] if said else "no output"))
    deployment: dict[str, Any] = json.loads(half.read_text())
    deployment["built"] = _built(creation["contract"] for creation in deployment["creations"].values())
    half.write_text(json.dumps(deployment, indent=1))
    stack.wait_chain_saved()  # the file must not outlive what it tells of
    half.replace(file)
    return deployment


def register(stack: Stack, deployment: Path, slug: str, name: str) -> None:
    """Point the mirror at the deployment (a second time changes nothing)."""
    stack.manage("add_dao", "--deployment", str(deployment), "--slug", slug, "--name", name, "--no-sync")


def sign_roster(
    stack: Stack, slug: str, contracts: Mapping[str, str], policy: str, entries: list[dict[str, str]], operator: Any
) -> None:
    """The operator signs a roster over the policy in force; waits up to two minutes for the mirror."""
    lines = json.dumps([entry | {"asset": contracts["usdc"]} for entry in entries])
    give_up = time.monotonic() + 120
    while True:
        with stack.database() as connection:
            mirrored = connection.execute(
                "select 1 from governance_policyversion p join governance_dao d on d.id = p.dao_id"
                " where d.slug = %s and p.policy_id = %s",
                [slug, keccak(text=policy)],
            ).fetchone()
        if mirrored is not None:
            break
        if time.monotonic() > give_up:
            raise FoundingError(f"the mirror does not see the policy {policy!r}: look into {stack.state_dir / 'logs'}")
        time.sleep(0.2)
    document = json.loads(stack.manage("sign_roster", slug, policy, given=lines))
    signed = {"typed_data": document, "signature": operator.sign_typed_data(document)}
    stack.manage("sign_roster", slug, policy, "--accept", given=json.dumps(signed))


def payroll_document(
    *, contracts: Mapping[str, str], addresses: Mapping[str, str], start_chain_s: int, end_chain_s: int
) -> str:
    """The shipped payroll template with this DAO's addresses and dates filled in (times in whole minutes)."""
    text = TEMPLATE.read_text()
    values = {
        "agent": f'"{addresses["agent"]}"',
        "operator": f'"{addresses["olga"]}"',
        "from": _minute(start_chain_s),
        "until": _minute(end_chain_s),
        "delay": f"{PARAMETERS['objection_delay_s'] // DAY_S} days",
    }
    values |= {name: f'"{addresses[name]}"' for name in CONTRIBUTORS}
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^(\s*{key}: ).*$", lambda match, value=value: match[1] + value, text)
        if count != 1:
            raise FoundingError(f"the payroll template has {count} lines `{key}:` and must have one")
    text, count = re.subn(r'(USDC: \{address: )"0x[0-9a-fA-F]{40}"', rf'\g<1>"{contracts["usdc"]}"', text)
    if count != 1:
        raise FoundingError("the payroll template must name the token USDC once")
    return text


def _minute(timestamp_s: int) -> str:
    return datetime.fromtimestamp(timestamp_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
