# SPDX-License-Identifier: Apache-2.0
"""The people of a local instance: accounts of a random mnemonic, in fixed order (m/44'/60'/0'/0/i).

They exist on the local chain only. The mnemonic lies in the state folder (mode 600) and is given to anvil, which signs
for the browser's test wallet.
"""

import json
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from policies.notation.hexadecimal import hex_bytes

ROLES = {
    "deployer": "deploys the contracts and keeps no role",
    "ada": "member, 300,000 votes",
    "ben": "member, 250,000 votes",
    "chloe": "member, 150,000 votes, delegated to dana",
    "dana": "delegate",
    "gus": "guardian: may pause and veto",
    "olga": "operator: runs the agent, signs rosters",
    "agent": "the agent's key",
    "relayer": "pays for votes by signature",
    "ines": "contributor",
    "jon": "contributor",
    "kim": "contributor",
    "lea": "contributor",
    "max": "contributor",
    "mallory": "stranger",
}
NAMES = tuple(ROLES)
CONTRIBUTORS = ("ines", "jon", "kim", "lea", "max")
WITH_KEYSTORE = ("deployer", "agent", "relayer")
# Light: these keys hold test money on a chain that ends with the folder they lie in.
KEYSTORE_ITERATIONS = 2_000

Account.enable_unaudited_hdwallet_features()


@dataclass(frozen=True)
class People:
    """`people["ada"]` is her account (address and key)."""

    mnemonic: str

    @cached_property
    def _accounts(self) -> dict[str, LocalAccount]:
        return {
            name: Account.from_mnemonic(self.mnemonic, account_path=f"m/44'/60'/0'/0/{index}")
            for index, name in enumerate(NAMES)
        }

    def __getitem__(self, name: str) -> LocalAccount:
        return self._accounts[name]

    def address(self, name: str) -> bytes:
        """The person's address, 20 bytes."""
        return hex_bytes(self._accounts[name].address)

    @property
    def addresses(self) -> dict[str, str]:
        """Checksummed addresses by name."""
        return {name: account.address for name, account in self._accounts.items()}

    def __repr__(self) -> str:
        return "People(...)"  # never the mnemonic


def load_or_create(state_dir: Path) -> People:
    """The instance's people; on first use makes the mnemonic, the keystores and `people.json` (names and addresses)."""
    path = state_dir / "mnemonic"
    if not path.exists():
        _, mnemonic = Account.create_with_mnemonic(num_words=12)
        write_secret(path, mnemonic)
    people = People(path.read_text().strip())
    public = state_dir / "people.json"
    if not public.exists():
        for name in WITH_KEYSTORE:
            _write_keystore(state_dir, name, people[name])
        facts = [{"name": name, "address": people[name].address, "role": ROLES[name]} for name in NAMES]
        half = public.with_suffix(".half")
        half.write_text(json.dumps(facts, indent=1))
        half.replace(public)
    return people


def keystore(state_dir: Path, name: str) -> tuple[Path, Path]:
    """The keystore file and the password file of `deployer`, `agent` or `relayer`."""
    return state_dir / "keys" / f"{name}.json", state_dir / "keys" / f"{name}.password"


def _write_keystore(state_dir: Path, name: str, account: LocalAccount) -> None:
    file, password_file = keystore(state_dir, name)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    password = secrets.token_urlsafe(24)
    write_secret(password_file, password)
    write_secret(file, json.dumps(Account.encrypt(account.key, password, kdf="pbkdf2", iterations=KEYSTORE_ITERATIONS)))


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    half = path.with_name(f".{path.name}.half")
    half.unlink(missing_ok=True)
    with open(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
