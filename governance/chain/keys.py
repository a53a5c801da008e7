# SPDX-License-Identifier: Apache-2.0
"""The keys that this site signs with: accounts opened from keystore files, each file once for the process."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from eth_account import Account

from governance.chain.address import checksum, to_bytes


class KeystoreProblem(Exception):
    """The keystore or its password can't be used; the message names the file and what to do, never its content."""


class Signer:
    """An account that signs. The private key is in no attribute dump, repr, pickle, message or log."""

    __slots__ = ("__account", "address")

    def __init__(self, account: Any):
        """`account` is an `eth_account` LocalAccount."""
        self.__account = account
        self.address: bytes = to_bytes(account.address)

    @classmethod
    def from_keystore(cls, path: str | Path, password_file: str | Path) -> "Signer":
        """An Ethereum keystore file (version 3), unlocked with the password in `password_file`.

        Raises:
            KeystoreProblem: with one line that says which file, and why.
        """
        problem, account = "", None
        try:
            stored = json.loads(Path(path).read_text())
        except OSError as error:
            problem = f"can't read the keystore {path}: {error.strerror}"
        except ValueError:
            problem = f"{path} is not a keystore file"
        if not problem:
            try:
                account = Account.from_key(Account.decrypt(stored, Path(password_file).read_text().rstrip("\r\n")))
            except OSError as error:
                problem = f"can't read the password file {password_file}: {error.strerror}"
            except ValueError:
                problem = f"the password in {password_file} does not open the keystore {path}"
            except (KeyError, TypeError, AttributeError, NotImplementedError):
                problem = f"{path} is not a keystore file"
        if problem:  # outside of the handlers, so that no chained traceback holds what was being decrypted
            raise KeystoreProblem(problem)
        return cls(account)

    def sign(self, fields: dict[str, Any]) -> tuple[bytes, bytes]:
        """(signed bytes, transaction hash) of a transaction given as eth_account takes it."""
        signed = self.__account.sign_transaction(fields)
        return bytes(signed.raw_transaction), bytes(signed.hash)

    def sign_typed_data(self, full_message: dict[str, Any]) -> bytes:
        """65-byte signature of an EIP-712 message (`types`, `primaryType`, `domain`, `message`)."""
        return bytes(self.__account.sign_typed_data(full_message=full_message).signature)

    def __repr__(self) -> str:
        return f"<Signer {checksum(self.address)}>"

    def __reduce__(self) -> Any:
        raise TypeError("a signer is never stored or passed on")


def address_in(keystore: str) -> bytes | None:
    """Return the address that a keystore file says it is of, without opening it; None where it says none, or can't be
    read. It is for looking at the account only: nothing proves it."""
    try:
        return to_bytes("0x" + str(json.loads(Path(keystore).read_text())["address"]).removeprefix("0x").lower())
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache  # opening a keystore takes a second on purpose
def signer_of(keystore: str, password_file: str) -> Signer:
    """Return the account of a keystore file, which is read and unlocked once. Raises KeystoreProblem."""
    return Signer.from_keystore(keystore, password_file)
