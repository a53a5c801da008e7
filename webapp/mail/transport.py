# SPDX-License-Identifier: Apache-2.0
"""Handing a message to the mail server, and what its answer means: taken, try again, or never.

Addresses of people stand in no log and no error.
"""

from __future__ import annotations

import logging
import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)


class MailNotSent(Exception):
    """The mail server did not take a message now. The text names no person."""


class MailRefused(Exception):
    """The mail server refused a message for good (5xx). `is_address`: it is the address that it does not know."""

    def __init__(self, text: str, *, is_address: bool):
        self.is_address = is_address
        super().__init__(text)


_open: ContextVar[list[BaseEmailBackend] | None] = ContextVar("open", default=None)


@contextmanager
def one_connection() -> Iterator[None]:
    """Hand over the messages in here by one connection to the mail server; after a failure, by another one."""
    held: list[BaseEmailBackend] = []
    token = _open.set(held)
    try:
        yield
    finally:
        _open.reset(token)
        _close(held)


def _close(held: list[BaseEmailBackend]) -> None:
    while held:
        try:
            held.pop().close()
        except (OSError, smtplib.SMTPException) as error:  # what was handed over was answered already
            logger.info("the connection to the mail server did not end well: %s", type(error).__name__)


def _send(message: EmailMultiAlternatives) -> None:
    """Hand a message to the connection that is held, or to one of its own."""
    held = _open.get()
    if held is None:
        message.send()
        return
    if not held:
        made = get_connection()
        made.open()
        held.append(made)
    message.connection = held[0]
    try:
        message.send()
    except (OSError, smtplib.SMTPException):
        _close(held)
        raise


def deliver(to: str, subject: str, text: str, html: str | None, headers: dict[str, str]) -> None:
    """Hand over one message. Raises MailNotSent, where trying again later may help, and MailRefused."""
    message = EmailMultiAlternatives(subject=subject, body=text, to=[to], headers=headers)
    if html:
        message.attach_alternative(html, "text/html")
    problem: MailNotSent | MailRefused | None = None
    try:
        _send(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (0, b""))
        problem = _answered(code, said, "the mail server refused the recipient", of_recipient=True)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused, smtplib.SMTPHeloError) as error:
        # What the server has against this site is for its operator to mend: the message waits.
        problem = MailNotSent(f"the mail server answered {error.smtp_code}")
    except smtplib.SMTPDataError as error:
        text_of = f"the mail server answered {error.smtp_code}"
        problem = _answered(error.smtp_code, error.smtp_error, text_of, of_recipient=False)
    except smtplib.SMTPResponseException as error:
        problem = MailNotSent(f"the mail server answered {error.smtp_code}")
    except smtplib.SMTPException as error:
        problem = MailNotSent(f"the mail server failed: {type(error).__name__}")
    except OSError as error:
        problem = MailNotSent(f"the mail server can't be reached: {type(error).__name__}")
    if problem is not None:
        raise problem  # outside the except: the cause would carry the address into the log


def _answered(code: int, said: bytes | str, text: str, *, of_recipient: bool) -> MailNotSent | MailRefused:
    """What a reply means (RFC 5321: 4xx may change, 5xx won't; RFC 3463: 5.1.x is about the address, the sender's at 7
    and 8). A code alone says nothing of the address: a relay that takes nothing of ours answers 550 too."""
    if not 500 <= code <= 599:
        return MailNotSent(text)
    words = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    detail = re.match(r"\s*5\.(\d{1,3})\.(\d{1,3})\b", words)
    unknown = detail is not None and detail.group(1) == "1" and detail.group(2) not in ("7", "8")
    return MailRefused(f"{text} for good ({code})", is_address=of_recipient and unknown)
