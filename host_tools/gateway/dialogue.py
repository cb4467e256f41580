"""A bare SMTP dialogue for probes: says what no mail program says, and reads what comes back."""

import socket
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

CRLF = b"\r\n"
LONGEST = 64 * 1024
"""Octets of a reply; whoever sends more is no mail server."""


class Reply(NamedTuple):
    """What the server said: the code, 0 for none, and the text with it."""

    code: int
    text: str

    def __str__(self) -> str:
        return self.text.splitlines()[-1] if self.text else "no reply, closed"


class Dialogue:
    """A connection; `banner` is what the server says first.

    source: the address to come from; "" for any
    timeout: seconds for each reply; raises `TimeoutError` where none comes
    """

    def __init__(self, host: str, port: int, source: str = "", timeout: float = 5.0):
        own = (source, 0) if source else None
        self.socket = socket.create_connection((host, port), timeout, source_address=own)
        self.source = self.socket.getsockname()[0]
        self.errors = 0
        self.pending = b""
        try:
            self.banner = self.read()
        except TimeoutError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, without a word."""
        self.socket.close()

    def say(self, line: str | bytes) -> Reply:
        """Send a line and return the reply."""
        octets = line.encode("ascii", "replace") if isinstance(line, str) else line
        self.send(octets + CRLF)
        reply = self.read()
        self.errors += reply.code >= 400
        return reply

    def send(self, octets: bytes) -> None:
        """Send octets as they are; a server that has closed shows in what is read."""
        try:
            self.socket.sendall(octets)
        except OSError:
            return

    def read(self) -> Reply:
        """Read one reply, with all its lines; raises `TimeoutError` where nothing comes."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            line = self.read_line()
            if line is None:
                return Reply(0, "\n".join(lines))
            lines.append(line)
        code = lines[-1][:3]
        return Reply(int(code) if code.isdigit() else 0, "\n".join(lines))

    def read_line(self) -> str | None:
        """Read a line; None where the connection ends. Raises `TimeoutError`."""
        while CRLF not in self.pending:
            octets = self.receive()
            if not octets or len(self.pending) > LONGEST:
                return None
            self.pending += octets
        line, self.pending = self.pending.split(CRLF, 1)
        return line.decode("utf-8", "replace")

    def receive(self) -> bytes:
        """Read what is there; nothing at the end. Raises `TimeoutError`."""
        try:
            return self.socket.recv(4096)
        except TimeoutError:
            seconds = self.socket.gettimeout()
            raise TimeoutError(f"connected, then silent for {seconds:g} s") from None
        except OSError:
            return b""

    def read_all(self) -> str:
        """Read until the server closes, or is silent for the time-out."""
        with suppress(TimeoutError):
            while len(self.pending) < LONGEST and (octets := self.receive()):
                self.pending += octets
        text, self.pending = self.pending, b""
        return text.decode("utf-8", "replace")
