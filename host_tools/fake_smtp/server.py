"""The server: it listens, holds a conversation with each client, and collects mails."""

import asyncio
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from host_tools.fake_smtp.conversation import Conversation
from host_tools.fake_smtp.mail import Mail, keep
from host_tools.fake_smtp.protocol import KEYWORDS
from host_tools.fake_smtp.scenarios import find_scenario
from host_tools.fake_smtp.script import Scenario
from host_tools.fake_smtp.session import Event, Session
from host_tools.fake_smtp.wire import Wire

Result = TypeVar("Result")


class FakeSMTP:
    """An SMTP server that delivers nothing and misbehaves on request.

    `async with` runs it in the running event loop; plain `with` runs it in a thread of its own.
    Leaving the block ends every connection at once.

    scenario: a name of `scenarios.SCENARIOS`, a script (see `script.py`) or a `Scenario`; may be
        set again at any time, for the connections to come
    keywords: what EHLO advertises, such as ("PIPELINING", "SIZE 1000")
    host, port: where to listen; port 0 takes a free one, and `port` then tells which
    folder: where each mail is kept as an .eml file, None for nowhere
    reply_delay: seconds before each write of replies, to play a network with latency
    tls: what TLS is done with, None for no TLS; STARTTLS is then offered
    implicit: TLS begins with the connection instead
    accounts: passwords, or tokens, by user; AUTH is then offered, with `tls` only after it
    watch: called with each `Event` as it happens, in the server's thread

    sessions: one `Session` a connection, in order
    mails: the mails taken, in order
    """

    def __init__(
        self,
        scenario: str | Scenario = "default",
        keywords: Iterable[str] = KEYWORDS,
        host: str = "127.0.0.1",
        port: int = 0,
        folder: Path | str | None = None,
        reply_delay: float = 0.0,
        watch: Callable[[Event], None] = lambda event: None,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        accounts: Mapping[str, str] | None = None,
    ):
        self.scenario = scenario
        self.keywords = tuple(keywords)
        self.host = host
        self.port = port
        self.folder = None if folder is None else Path(folder)
        self.reply_delay = reply_delay
        self.watch = watch
        self.tls = tls
        self.implicit = implicit
        self.accounts = accounts or {}
        self.sessions: list[Session] = []
        self.mails: list[Mail] = []
        self._connections = 0
        self._taken = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    @property
    def scenario(self) -> Scenario:
        """What the server does; any form that the constructor takes may be set."""
        return self._scenario

    @scenario.setter
    def scenario(self, scenario: str | Scenario) -> None:
        self._scenario = find_scenario(scenario)

    async def __aenter__(self) -> Self:
        if self.folder is not None:
            make_folder(self.folder)
        self._listener = listen(self.host, self.port)
        self.host, self.port = self._listener.getsockname()[:2]
        asyncio.get_running_loop().add_reader(self._listener, self._accept)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        await cancel(*self._tasks)
        if self._failures:
            raise self._failures[0]

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            return self._call(self.__aenter__)
        except BaseException:
            self._end_thread()
            raise

    def __exit__(self, *reason: object) -> None:
        try:
            self._call(self.__aexit__)
        finally:
            self._end_thread()

    def next_number(self) -> int:
        """Return the number that the next mail gets if it is taken."""
        return self._taken + 1

    def take(self, mail: Mail) -> None:
        """Keep the mail; raises `OSError` when its file cannot be written."""
        if self.folder is not None:
            keep(mail, self.folder)
        self.mails.append(mail)
        self._taken += 1

    def _accept(self) -> None:
        """Begin a conversation with the client that has come."""
        try:
            sock, peer = self._listener.accept()
        except OSError:  # it has left again
            return
        self._connections += 1
        session = Session(self._connections, peer[0], self.watch)
        self.sessions.append(session)
        wire = Wire(sock, session)
        conversation = Conversation(wire, self.scenario, self.keywords, self.reply_delay, self)
        conversation.guard(self.tls, self.implicit, self.accounts)
        task = asyncio.create_task(conversation.run())
        self._tasks.add(task)
        task.add_done_callback(partial(self._forget, wire))

    def _forget(self, wire: Wire, task: asyncio.Task[None]) -> None:
        """Let go of a conversation; what went wrong in it is raised when the server ends."""
        self._tasks.discard(task)
        if wire.session.ended is None:  # it was cancelled before it began
            wire.sock.close()
            wire.session.close("stopped")
        if not task.cancelled() and (failure := task.exception()):
            self._failures.append(failure)

    def _call(self, function: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run a coroutine in the server's thread and wait for it."""
        return asyncio.run_coroutine_threadsafe(function(), self._loop).result()

    def _end_thread(self) -> None:
        """Stop the thread's event loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; `host` is a name or an address, IPv4 or IPv6."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.create_server(address[:2], family=family, backlog=100)
    listener.setblocking(False)
    return listener


def make_folder(folder: Path) -> None:
    """Make the folder and try it out; raises `OSError` when no file can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


async def cancel(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have cleaned up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
