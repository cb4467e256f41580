"""The record of one connection: what tests look at and people are shown."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from host_tools.fake_smtp.mail import Mail


@dataclass(frozen=True)
class Event:
    """Something that happened in a session.

    seconds: since the connection was accepted
    kind: a key of `KINDS`
    stage: a stage of `script.STAGES`, "" for an unknown command
    data: commands without, replies with their CRLF; mail texts as they were on the wire
    mail: that of a "mail" event
    """

    session: "Session"
    seconds: float
    kind: str
    stage: str
    data: bytes = b""
    mail: Mail | None = None


KINDS = {
    "opened": "the connection is accepted",
    "tls": "a TLS handshake is over; data is the version",
    ">": "a command line has come",
    "text": "a mail text has come",
    "mail": "the mail is taken",
    "<": "a reply goes out",
    "!": "the scenario acts; data is its action as written",
    "fault": "the client breaks a rule; data says which",
    "ended": "the connection is over; data is `Session.ended`",
}


class Session:
    """One connection as it was heard and answered.

    number: which connection of the server this is, from 1
    peer: the client's address
    segments: what each read from the socket gave, after TLS where there is one
    in_clear: all octets that came without TLS
    tls: the version of TLS, such as "TLSv1.3"; None without
    user: who has given the right password; None without
    writes: what each write to the socket was given; of an endless reply only the beginning
    commands: the command lines, without CRLF
    mails: the mails taken
    faults: the client's breaches of RFC 5321 and RFC 2920, in words
    turns: how often the server has spoken after it had heard something; the greeting counts one,
        and so does the reply to QUIT, whether or not the client waits for it
    events: all that happened, in order
    ended: None while the connection lives; then "quit", "eof" (the client left without QUIT),
        "tls" (the handshake failed), "reset" (the client reset it), "dropped" or "aborted" (the
        scenario ended it with FIN or RST), or "stopped" (the server was shut down)
    """

    def __init__(self, number: int, peer: str, watch: Callable[[Event], None]):
        self.number = number
        self.peer = peer
        self.segments: list[bytes] = []
        self.in_clear = b""
        self.tls: str | None = None
        self.user: str | None = None
        self.writes: list[bytes] = []
        self.commands: list[bytes] = []
        self.mails: list[Mail] = []
        self.faults: list[str] = []
        self.turns = 0
        self.events: list[Event] = []
        self.ended: str | None = None
        self._watch = watch
        self._start = time.perf_counter()
        self._closed = threading.Event()

    @property
    def received(self) -> bytes:
        """All octets from the client."""
        return b"".join(self.segments)

    @property
    def sent(self) -> bytes:
        """All octets to the client."""
        return b"".join(self.writes)

    def wait_closed(self, timeout: float = 10.0) -> str:
        """Block until both sides are done and nothing more is recorded; return `ended`.

        Raises `TimeoutError` after `timeout` seconds.
        """
        if not self._closed.wait(timeout):
            last = self.commands[-1:] or ["nothing"]
            raise TimeoutError(f"connection {self.number} still lives; last heard: {last[0]!r}")
        return str(self.ended)

    def note(
        self, kind: str, stage: str = "", data: bytes = b"", mail: Mail | None = None
    ) -> None:
        """Record an event and tell the watcher."""
        event = Event(self, time.perf_counter() - self._start, kind, stage, data, mail)
        self.events.append(event)
        self._watch(event)

    def close(self, ended: str) -> None:
        """Record the end and wake who waits for it."""
        self.ended = ended
        try:
            self.note("ended", data=ended.encode())
        finally:
            self._closed.set()
