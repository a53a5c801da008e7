# SPDX-License-Identifier: Apache-2.0
"""The local mailbox: takes every e-mail on loopback and writes it to a folder as an `.eml` file.

    python -m embedded.mailbox --port N --folder DIR

A file appears under its name only when it is complete. The envelope stands in the headers `X-Envelope-From` and `-To`.
"""

import argparse
import asyncio
import os
import secrets
import signal
import time
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAXIMUM_BYTES = 5_000_000


class Mailbox:
    """aiosmtpd's handler: one file a message, named by arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = BytesParser(_class=EmailMessage, policy=SMTP_POLICY).parsebytes(content)
        head = f"X-Envelope-From: {_one_line(envelope.mail_from)}\r\n"
        head += "".join(f"X-Envelope-To: {_one_line(receiver)}\r\n" for receiver in envelope.rcpt_tos)
        name = f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
        half = self._folder / f".{name}"
        with half.open("wb") as file:
            file.write(head.encode() + content)
            file.flush()
            os.fsync(file.fileno())
        half.rename(self._folder / name)
        print(f"{name} to {', '.join(map(_one_line, envelope.rcpt_tos))}: {_one_line(message['subject'])}", flush=True)
        return "250 OK"


def _one_line(text: object) -> str:
    return " ".join(str(text or "").split())


async def serve(port: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for half in folder.glob(".*.eml"):  # a killed run's
        half.unlink()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    mailbox = Mailbox(folder)
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mandate.local", data_size_limit=MAXIMUM_BYTES, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        port,
    )
    async with server:
        await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.folder))


if __name__ == "__main__":
    main()
