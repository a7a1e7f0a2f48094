"""Carries letters to the mail server and to chat, and says whose fault a failure is."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from typing import Any, Protocol

from django.core.mail import EmailMessage, get_connection

from jitportal.operations import chat
from jitportal.operations.letters import Letter
from jitportal.operations.mails import mail_of
from jitportal.operations.patience import within
from jitportal.rules.notices import MAIL

#: One letter, from the look-up of the server's name to its last word.
LETTER_SECONDS = 15.0
CLOSING_SECONDS = 2.0
_LONGEST = 500
#: "Service not available, closing transmission channel": whatever it answers, it is about the server.
_CLOSING = 421


class LetterRefused(Exception):
    """This one letter isn't taken; others may be. ``final``: trying again can't help."""

    def __init__(self, sentence: str, *, final: bool = False) -> None:
        super().__init__(sentence[:_LONGEST])
        self.final = final


class ChannelDown(Exception):
    """Nothing gets through now. ``gone``: the channel says that it never will again."""

    def __init__(self, sentence: str, *, gone: bool = False) -> None:
        super().__init__(sentence[:_LONGEST])
        self.gone = gone


class Courier(Protocol):
    """Takes letters to one channel."""

    def carry(self, letter: Letter) -> None:
        """Raises ``LetterRefused`` or ``ChannelDown``, within ``LETTER_SECONDS``."""


@contextlib.contextmanager
def courier(channel: str) -> Iterator[Courier]:
    """The courier of a channel; a connection that it opens serves several letters."""
    if channel != MAIL:
        yield _ChatCourier(channel)
        return
    mail = _MailCourier()
    try:
        yield mail
    finally:
        mail.close()


class _MailCourier:
    def __init__(self) -> None:
        self._connection: Any = get_connection()

    def carry(self, letter: Letter) -> None:
        try:
            mail = mail_of(letter)
            within(LETTER_SECONDS, lambda: _hand_over(self._connection, mail))
        except (ValueError, smtplib.SMTPNotSupportedError) as error:  # an address or a header that can't be
            raise LetterRefused(_said(error), final=True) from error
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            if _CLOSING in _codes(error):
                self._forget()
                raise ChannelDown(_said(error)) from error
            raise LetterRefused(_said(error)) from error
        except OSError as error:  # smtplib's other errors and the time-outs are among them
            self._forget()
            raise ChannelDown(_said(error)) from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            within(CLOSING_SECONDS, self._connection.close)

    def _forget(self) -> None:
        """A thread may still be at the connection that hangs: the next letter gets a new one."""
        self._connection = get_connection()


class _ChatCourier:
    def __init__(self, channel: str) -> None:
        self._channel = channel
        chat.prepare()

    def carry(self, letter: Letter) -> None:
        try:
            within(LETTER_SECONDS, lambda: chat.post(self._channel, letter))
        except chat.NoSuchChannel as error:
            raise ChannelDown(str(error), gone=True) from None
        except chat.NotTaken as error:
            raise ChannelDown(str(error), gone=error.gone) from None
        except TimeoutError as error:
            raise ChannelDown(str(error)) from None
        except Exception as error:  # noqa: BLE001 - a service's own mistake; its words may hold the address
            raise ChannelDown(f"apprise failed: {type(error).__name__}.") from None


def _hand_over(connection: Any, mail: EmailMessage) -> None:
    connection.open()  # nothing, where it is open; otherwise it would be closed after this one
    connection.send_messages([mail])


def _codes(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> set[int]:
    if isinstance(error, smtplib.SMTPDataError):
        return {error.smtp_code}
    return {code for code, _ in error.recipients.values()}


def _said(error: Exception) -> str:
    """What the mail server answered, in words."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_decoded(text)}" for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_decoded(error.smtp_error)}"
    return str(error) or type(error).__name__


def _decoded(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
