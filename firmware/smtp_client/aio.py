"""The client for asyncio: the same dialogue, with waits that let other tasks run.

    from smtp_client.aio import send_mail

    await send_mail("192.168.1.1", 25, "plc7@plant.lan", "ops@example.com", "a Horse", "cucumber")

The state machine, the reply reader, the mails, TLS and AUTH are those of `smtp_client`; only the
driver is another. While it waits it looks at the connection after 1 ms, then after twice that and
so on up to 20 ms, and asks no more of the event loop than asyncio.sleep(). Name look-up and the
steps of a handshake are single calls here, too. A list of servers is for the blocking client.
"""

import asyncio
from socket import SOCK_STREAM, getaddrinfo

from . import SMTPClient as _SMTPClient
from .checks import bad, split
from .dialogue import ALL, QUIT, TABLE
from .errors import explain, refused
from .message import Mail
from .stream import Stream as _Stream
from .stream import ticks_diff, ticks_ms

try:
    from micropython import const
except ImportError:
    from .cpython import const

# pyright: reportIncompatibleMethodOverride=false
_POLLIN = const(1)
_POLLOUT = const(4)


class Stream(_Stream):
    """`stream.Stream` with methods to await."""

    async def until(self, event=_POLLIN):
        """Wait for `event` and return what came."""
        start = ticks_ms()
        pause = 1
        while True:
            came = self.wait(True, event)
            if came:
                return came
            if ticks_diff(ticks_ms(), start) >= self.timeout:
                self.throw("time-out")
            await asyncio.sleep(pause / 1000)
            pause = min(pause * 2, 20)

    async def connect(self, host, port):
        """As Stream.connect()."""
        value = "closed"
        try:
            found = getaddrinfo(host, port, 0, SOCK_STREAM)
        except Exception as error:
            self.throw("name look-up: " + str(error.args[-1]))
        for address in found:
            try:
                self.open(address)
                if await self.until(_POLLOUT) == _POLLOUT:
                    return b""
                return self.socket.recv(512)
            except OSError as error:  # noqa: PERF203
                value = error
        return self.throw(value)

    async def read(self):
        """As Stream.read()."""
        await self.until()
        return super().read()

    async def write(self, data):
        """As Stream.write()."""
        start = 0
        while True:
            try:
                went = self.socket.write(data, start, len(data))  # pyright: ignore[reportCallIssue]
                start += went or 0
            except OSError as error:
                if self.wait(True):
                    return
                self.throw(error)
            if start == len(data):
                return
            await self.until(_POLLOUT)


async def send_mail(host, port, sender, recipients, subject, body: object = "", **options):
    """Send one mail, as `smtp_client.send_mail` does."""
    client = SMTPClient(host, port)
    options = split(client, options)
    return await client.send(Mail(sender, recipients, subject, body, **options), last=True)


class SMTPClient(_SMTPClient):
    """`smtp_client.SMTPClient` with methods to await; use it by `async with`, or call close()."""

    def __init__(self, host, port=25, **options):
        if not isinstance(host, str):
            raise bad("host", host, " is no name or address: for asyncio give one server")
        super().__init__(host, port, **options)
        idle = self.stream.idle
        self.stream = Stream()
        self.stream.idle = idle

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def send_mail(self, sender, recipients, subject, body: object = "", **options):
        """As SMTPClient.send_mail()."""
        return await self.send(Mail(sender, recipients, subject, body, **options))

    async def send(self, mail, next=None, last=False):  # noqa: A002
        """As SMTPClient.send()."""
        self.start("send")
        try:
            stream = self.stream
            stream.start(self.deadline)
            if (
                stream.socket
                and self.mail is not mail
                and (self.mail or self.data or stream.wait(True))
            ):
                self.stop()  # as there
            for wait in self.run(mail, next, last):
                await self.flush(wait)
        except BaseException as error:
            error = explain(error, self, mail)
            self.stop()
            raise error
        finally:
            self.busy = False
        if last:
            await self.close()
        if mail.error or not mail.taken:
            raise refused(mail)
        return mail.refused

    async def verify(self, sender, recipients):
        """As SMTPClient.verify()."""
        from .verify import Trial

        trial = Trial(self, sender, recipients)
        try:
            for wait in trial.steps():
                await self.flush(wait)
        except BaseException as error:
            trial.failed(error)
        return trial.end()

    async def close(self, *_):
        """As SMTPClient.close()."""
        self.start("close")
        try:
            if self.stream.socket:
                if not self.pending:
                    self.command(QUIT)
                if not self.data:
                    await self.flush(False)
                self.reply(None)
        except Exception:
            pass  # as there
        finally:
            self.stop()
            self.busy = False

    async def flush(self, wait):
        """As SMTPClient.flush()."""
        stream = self.stream
        state = self.pending[0] if self.pending else self.state
        stream.timeout = self.timeout[state] if self.timeout else TABLE[state * 4 + 3]
        if not stream.socket:
            self.data = await stream.connect(*self.server)
            return
        if self.out:
            await stream.write(self.out)
            self.out[ALL] = b""
        if wait or stream.wait(True):
            self.data += await stream.read()
        await asyncio.sleep(0)  # a long mail to a willing server is no reason to hold others up
