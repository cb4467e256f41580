"""A time server (SNTP, RFC 4330) that tells this computer's time, on a free port of loopback."""

import socketserver
import struct
import threading
import time
from typing import Self

UNIX = 2208988800  # seconds from 1900 to 1970
FORM = ">BBBb11I"
FIRST = 0x24  # no warning, version 4, a server


class Answer(socketserver.BaseRequestHandler):
    """Answers one question."""

    def handle(self) -> None:
        """Tell the time, and repeat what the client sent in the place of its own."""
        question, sock = self.request
        seconds, fraction = divmod(time.time_ns(), 1_000_000_000)
        now = (seconds + UNIX) & 0xFFFFFFFF, (fraction << 32) // 1_000_000_000
        asked = struct.unpack(">II", question[40:48].ljust(8, b"\0"))
        answer = struct.pack(FORM, FIRST, 1, 0, -20, 0, 0, 0, *now, *asked, *now, *now)
        sock.sendto(answer, self.client_address)


class TimeServer(socketserver.UDPServer):
    """The server; `with` runs it in a thread of its own.

    port: where it listens
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
