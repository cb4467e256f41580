"""A stand-in for the provider: TLS, a password, and the faults that providers have.

It is aiosmtpd in a thread of its own; it delivers nothing and keeps all mails.
"""

import asyncio
import logging
import ssl
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from host_tools.gateway.postfix import free_port

USER = "alarms@provider.example"
PASSWORD = "horse cucumber salad"

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's, about itself

OK = "250 2.0.0 taken"
"""What handlers answer to go on."""


@dataclass
class Mail:
    """A mail that arrived."""

    sender: str
    recipients: list[str]
    content: bytes


@dataclass
class Faults:
    """What the provider does wrong, or finds wrong; "" for nothing.

    mail, rcpt, data: the reply to each of them
    sender: the only sender that it takes; "" for any
    refused_recipient: an address that it does not take
    password: the one it accepts
    """

    mail: str = ""
    rcpt: str = ""
    data: str = ""
    sender: str = ""
    refused_recipient: str = ""
    password: str = PASSWORD


class Provider:
    """A provider on loopback, as a context manager.

    security: "starttls" or "tls", from the first octet
    context: its certificate
    port: 0 takes any free one
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        security: str = "starttls",
        host: str = "127.0.0.1",
        port: int = 0,
    ):
        self.context = context
        self.security = security
        self.host = host
        self.port = port or free_port()
        self.faults = Faults()
        self.mails: list[Mail] = []
        self.attempts = 0
        self.logins: list[bool] = []
        self.changed = threading.Condition()
        self.loop = asyncio.new_event_loop()
        self.thread: threading.Thread | None = None
        self.server: asyncio.Server | None = None
        self.transports: set[asyncio.Transport] = set()

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        if self.thread:
            self.thread.join()
        self.loop.close()

    def start(self) -> None:
        """Begin to listen, on the same port as before."""
        self.call(self.listen())

    def stop(self) -> None:
        """Stop listening and drop all connections: the provider is down."""
        self.call(self.shut())

    def call(self, coroutine: Any) -> Any:
        """Run something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def listen(self) -> None:
        """Open the port."""
        context = self.context if self.security == "tls" else None
        self.server = await self.loop.create_server(
            self.protocol, self.host, self.port, ssl=context
        )

    async def shut(self) -> None:
        """Close the port and what is connected."""
        if self.server is None:
            return
        self.server.close()
        for transport in list(self.transports):
            transport.abort()
        self.transports.clear()
        self.server = None
        for _ in range(3):  # let the connections' tasks see that they are closed
            await asyncio.sleep(0)

    def protocol(self) -> SMTP:
        """Make what serves one connection."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not know that "tls" is TLS, too
            return self.connection()

    def connection(self) -> SMTP:
        """Make it."""
        return Connection(
            self,
            hostname="provider.example",
            authenticator=self.authenticate,
            auth_required=True,
            auth_require_tls=self.security == "starttls",
            require_starttls=self.security == "starttls",
            tls_context=self.context if self.security == "starttls" else None,
            loop=self.loop,
        )

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ):
        """Check name and password."""
        good = (data.login.decode(), data.password.decode()) == (USER, self.faults.password)
        self.logins.append(good)
        return AuthResult(success=good, handled=False)  # so that it answers

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's name)
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Answer MAIL."""
        self.attempts += 1
        if self.faults.mail:
            return self.faults.mail
        if self.faults.sender and address != self.faults.sender:
            return f"553 5.7.1 <{address}>: you may not send as this sender"
        envelope.mail_from = address
        return OK

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Answer RCPT."""
        if self.faults.rcpt:
            return self.faults.rcpt
        if address == self.faults.refused_recipient:
            return f"550 5.1.1 <{address}>: no such user"
        envelope.rcpt_tos.append(address)
        return OK

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer the end of the mail."""
        if self.faults.data:
            return self.faults.data
        content = envelope.original_content or b""
        with self.changed:
            mail = Mail(envelope.mail_from or "", list(envelope.rcpt_tos), content)
            self.mails.append(mail)
            self.changed.notify_all()
        return OK

    def wait(self, count: int, timeout: float = 60) -> list[Mail]:
        """Wait until so many mails have arrived, and return all; raises TimeoutError."""
        return self.wait_for(lambda: len(self.mails) >= count, timeout)

    def wait_for(self, enough: Callable[[], bool], timeout: float = 60) -> list[Mail]:
        """Wait until what has arrived is enough, and return it; raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(enough, timeout):
                raise TimeoutError(f"only {len(self.mails)} mails arrived")
            return list(self.mails)


class Connection(SMTP):
    """A connection that its provider can drop."""

    def __init__(self, provider: Provider, **options: Any):
        super().__init__(provider, **options)
        self.provider = provider

    def connection_made(self, transport: Any) -> None:
        """Note the transport."""
        self.provider.transports.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self.provider.transports.discard(self.transport)
        super().connection_lost(error)
