"""The socket of one connection: every octet that passes is recorded in its `Session`."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from host_tools.fake_smtp.session import Session
from host_tools.fake_smtp.tls import Cipher

CHUNK = 65536
"""Octets that one read takes at most."""

RECORDED = 1 << 20
"""Octets of replies recorded at most: an endless reply must not fill the memory."""

LINGER = 2.0
"""Seconds in which the client may still send after our FIN. Closing at once would turn the FIN
into an RST when the client is still sending, and destroy the reply that is on its way to it."""


class Wire:
    """A connected, non-blocking socket, and the record of it."""

    def __init__(self, sock: socket.socket, session: Session):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.session = session
        self.cipher: Cipher | None = None  # set when the handshake is over
        self.heard = True  # the connection itself counts: the greeting answers it
        self.recorded = 0

    async def hear(self) -> bytes:
        """Return what has come, b"" when the client has ended its side."""
        chunk = await self.hear_raw() if self.cipher is None else await self.decipher(self.cipher)
        if chunk:
            self.session.segments.append(chunk)
            if self.cipher is None:
                self.session.in_clear += chunk
        return chunk

    async def hear_raw(self) -> bytes:
        """Return what has come from the network."""
        chunk = await asyncio.get_running_loop().sock_recv(self.sock, CHUNK)
        self.heard = self.heard or bool(chunk)
        return chunk

    async def decipher(self, cipher: Cipher) -> bytes:
        """Return what has come through TLS."""
        while (chunk := cipher.decrypt()) is None:
            if not (raw := await self.hear_raw()):
                return b""
            cipher.feed(raw)
        return chunk

    async def say(self, octets: bytes) -> None:
        """Send octets in one write."""
        self.session.turns += self.heard
        self.heard = False
        if self.recorded < RECORDED:
            self.session.writes.append(octets)
            self.recorded += len(octets)
        if self.cipher is not None:
            octets = self.cipher.encrypt(octets)
        await asyncio.get_running_loop().sock_sendall(self.sock, octets)

    async def pour(self, pieces: Iterable[bytes], pace: float) -> None:
        """Send each piece in a write of its own, `pace` seconds apart."""
        for piece in pieces:
            await self.say(piece)
            await asyncio.sleep(pace)

    async def pour_for_ever(self, pieces: Iterable[bytes], pace: float) -> None:
        """Send the pieces and listen, until the client ends the connection."""
        pouring = asyncio.create_task(self.pour(pieces, pace))
        try:
            while await self.hear():
                pass
        finally:
            pouring.cancel()
            await asyncio.gather(pouring, return_exceptions=True)

    async def be_deaf(self) -> None:
        """Read no more, with as small a receive buffer as there is, until cancelled."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        await asyncio.Event().wait()

    async def finish(self) -> None:
        """Send a FIN and listen to what still comes before the client's."""
        with suppress(OSError, TimeoutError):
            if self.cipher is not None:
                farewell = self.cipher.farewell()
                await asyncio.get_running_loop().sock_sendall(self.sock, farewell)
            self.sock.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(LINGER):
                while await self.hear_raw():
                    pass

    def abort(self) -> None:
        """Make the coming close an RST: lingering for zero seconds discards the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
