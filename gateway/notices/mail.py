"""A notice as a mail, to those whom it concerns and to whoever gets all of them."""

from __future__ import annotations

import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from config.notices import Mail
from gateway.audit.visible import visible
from gateway.notices.notice import Notice, lines
from gateway.notices.sink import TRY_SECONDS, Refused, Unsure


class MailSink:
    """One mail server."""

    def __init__(self, settings: Mail, password: str | None, tls: ssl.SSLContext) -> None:
        self._settings = settings
        self._password = password
        self._tls = tls

    async def send(self, notice: Notice, *, delivery: str, now: datetime) -> None:
        """Hand it to the server; with nobody to send it to, it is done. Raises Refused, Unsure."""
        settings = self._settings
        recipients = self.recipients(notice)
        if not recipients:
            return
        try:
            # Recipients that the server does not take are its own affair: to send it again would
            # send it twice to those it took.
            await aiosmtplib.send(
                letter(notice, settings.sender, recipients, delivery, now),
                recipients=list(recipients),
                hostname=settings.host,
                port=settings.port,
                username=settings.user,
                password=self._password,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                tls_context=None if settings.security == "none" else self._tls,
                timeout=TRY_SECONDS,
            )
        except (aiosmtplib.SMTPReadTimeoutError, aiosmtplib.SMTPServerDisconnected) as error:
            raise Unsure(f"no answer: {type(error).__name__}") from None
        except aiosmtplib.SMTPResponseException as error:
            raise Refused(f"answered {error.code}") from None
        except aiosmtplib.SMTPRecipientsRefused:
            raise Refused("no recipient was taken") from None
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
            raise Refused(f"not reached: {type(error).__name__}") from None

    def recipients(self, notice: Notice) -> tuple[str, ...]:
        """The addresses, each once."""
        pattern = self._settings.people
        people = () if pattern is None else tuple(pattern.replace("{user}", name) for name in notice.people)
        return tuple(dict.fromkeys((*people, *self._settings.always)))


def letter(notice: Notice, sender: str, recipients: tuple[str, ...], delivery: str, now: datetime) -> EmailMessage:
    """The mail. Its Message-ID is the delivery's name, so one that comes twice is known as the same."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = sender
    mail["Subject"] = visible(f"[pgcurfew] {notice.title}")[:200]
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{delivery}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    listed = "\n".join(f"{name + ':':<10} {value}" for name, value in lines(notice))
    mail.set_content(f"{visible(notice.title)}\n\n{listed}\n")
    if len(recipients) == 1:
        mail.replace_header("To", recipients[0])
    return mail
