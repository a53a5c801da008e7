# SPDX-License-Identifier: Apache-2.0
"""The people of an instance stay who they are; the mailbox keeps each e-mail whole."""

import json
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest
from eth_account import Account

from dao.local import people
from dao.local.paths import ROOT
from embedded.process import die_with_parent, free_port


def test_people_are_made_once_and_their_secrets_are_for_the_owner_alone(tmp_path):
    first = people.load_or_create(tmp_path)
    again = people.load_or_create(tmp_path)
    assert first.addresses == again.addresses
    assert list(first.addresses)[:4] == ["deployer", "ada", "ben", "chloe"]
    assert len(set(first.addresses.values())) == 15
    assert first.mnemonic not in repr(first)
    facts = json.loads((tmp_path / "people.json").read_text())
    assert facts[1] == {"name": "ada", "address": first["ada"].address, "role": "member, 300,000 votes"}
    assert first.mnemonic not in (tmp_path / "people.json").read_text()
    for name in people.WITH_KEYSTORE:
        file, password = people.keystore(tmp_path, name)
        assert file.stat().st_mode & 0o077 == password.stat().st_mode & 0o077 == 0
        assert Account.decrypt(json.loads(file.read_text()), password.read_text()) == first[name].key
    assert (tmp_path / "mnemonic").stat().st_mode & 0o077 == 0


def test_two_instances_share_nobody(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    a, b = people.load_or_create(tmp_path / "a"), people.load_or_create(tmp_path / "b")
    assert not set(a.addresses.values()) & set(b.addresses.values())


@pytest.fixture
def mailbox(tmp_path):
    port = free_port()
    folder = tmp_path / "mail"
    process = subprocess.Popen(
        [sys.executable, "-m", "embedded.mailbox", "--port", str(port), "--folder", str(folder)],
        cwd=ROOT, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent(),
    )  # fmt: skip
    give_up = time.monotonic() + 60
    while True:
        try:
            smtplib.SMTP("127.0.0.1", port, timeout=5).quit()
            break
        except (ConnectionRefusedError, TimeoutError):
            assert time.monotonic() < give_up
            time.sleep(0.1)
    yield port, folder
    process.terminate()
    assert process.wait(60) == 0


def test_an_email_is_kept_as_it_came_with_its_envelope(mailbox):
    port, folder = mailbox
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Drei Vorschläge", "a@example.org", "dana@example.org"
    message.set_content("Text\n.\nnach dem Punkt\n")
    message.add_alternative("<p>Text</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(message, to_addrs=["dana@example.org", "ben@example.org"])
    (file,) = folder.iterdir()
    kept = BytesParser(policy=default).parsebytes(file.read_bytes())
    assert kept["Subject"] == "Drei Vorschläge"
    assert kept.get_all("X-Envelope-To") == ["dana@example.org", "ben@example.org"]
    assert ".\nnach dem Punkt" in kept.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert kept.get_body(("html",)) is not None
