"""The cable of a board, and the network at its other end: TCP through a proxy, to ports of the PC.

A fallen link alone would not stop what goes over loopback, so the proxy holds it back.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from functools import partial

from host_tools.virtual_board.page import Page

CHUNK = 65536
NUMBER = 8  # octets of a route on the page
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Cable:
    """The cable, plugged in at first.

    pull(), plug(): the link falls, comes back
    silence(), answer(): the link stays, but nothing comes from the network any more, then again
    reset(): every connection is reset

    gone: tells whether a boot has lost its power; its peers hear nothing then
    """

    def __init__(self, page: Page):
        self._page = page
        self.gone: Callable[[int], bool] = lambda boot: False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._flow = asyncio.Event()
        self._flow.set()
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._routes: dict[tuple[str, int], int] = {}
        self._hole = Hole()
        page.hole = self._hole.port
        page.link = 1

    def pull(self) -> None:
        """Pull the cable out."""
        self._link(0)

    def plug(self) -> None:
        """Put it back."""
        self._link(1)

    def silence(self) -> None:
        """Let nothing come from the network, and nothing arrive there."""
        self._page.silent = 1
        self._set_flow()

    def answer(self) -> None:
        """End the silence; what was sent meanwhile arrives."""
        self._page.silent = 0
        self._set_flow()

    def reset(self) -> None:
        """Reset every connection."""
        self._call(self._reset())

    def route(self, address: str, port: int, target: int, host: str = "127.0.0.1") -> None:
        """Let a TCP port of the plant's network be a port of the PC."""
        local = self._call(self._listen(host, target))
        self._enter(address, port, local)

    def route_udp(self, address: str, port: int, target: int) -> None:
        """Let a UDP port of the plant's network be a port of the PC."""
        self._enter(address, port, target)

    def name(self, hosts: dict[str, str]) -> None:
        """Let names have addresses, in the place of those before."""
        text = "".join(f"{name} {ipaddress.ip_address(hosts[name])}\n" for name in hosts)
        self._page.put("hosts", text.encode())

    def close(self) -> None:
        """End all connections and listeners."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._hole.close()

    def _link(self, link: int) -> None:
        if self._page.link != link:
            self._page.link = link
            self._page.changes += 1
        self._set_flow()

    def _set_flow(self) -> None:
        flowing = self._page.link and not self._page.silent
        self._loop.call_soon_threadsafe(self._flow.set if flowing else self._flow.clear)

    def _enter(self, address: str, port: int, local: int) -> None:
        """Write the routes onto the page."""
        ipaddress.IPv4Address(address)
        self._routes[address, port] = local
        data = b"".join(
            ipaddress.IPv4Address(host).packed + struct.pack("<HH", number, target)
            for (host, number), target in self._routes.items()
        )
        if len(data) > len(self._page.routes):
            raise ValueError(f"{len(self._routes)} routes: a board has {64} at most")
        self._page.put("routes", data)

    def _call(self, coroutine: Coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self, host: str, target: int) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.CancelledError):  # CPython 3.11 would print it
                await self._serve(reader, writer, host, target)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer, host: str, target: int) -> None:
        """Connect the board with its target until one of them ends it."""
        gone = partial(self.gone, self._page.boots)
        self._writers.add(writer)
        await self._flow.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(host, target)
        except OSError:
            abort(writer)
            self._writers.discard(writer)
            return
        self._writers.add(far_writer)
        there = self._copy(reader, far_writer, gone)
        await asyncio.gather(there, self._copy(far_reader, writer, lambda: False))
        for end in (writer,) if gone() else (writer, far_writer):
            self._writers.discard(end)
            end.close()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: Callable[[], bool]
    ) -> None:
        """Pass on what comes, while the cable passes anything; an end as well, unless `gone`."""
        try:
            while data := await reader.read(CHUNK):
                await self._flow.wait()
                writer.write(data)
                await writer.drain()
            await self._flow.wait()
            if not gone():
                writer.write_eof()
        except OSError:
            if not gone():
                abort(writer)

    async def _reset(self) -> None:
        for writer in tuple(self._writers):
            abort(writer)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        self._flow.set()
        await self._reset()
        await asyncio.sleep(0)  # who was cancelled before he began would not close his socket
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)


def abort(writer: asyncio.StreamWriter) -> None:
    """Reset a connection."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    writer.transport.abort()


class Hole:
    """A port that never answers: its queue is full, so the kernel drops what comes."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self._listener.getsockname()[1]
        self._fillers = []
        while True:
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)
            if filler.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\x01":
                return  # not ESTABLISHED: the queue is full

    def close(self) -> None:
        """Let go of it."""
        for end in (*self._fillers, self._listener):
            end.close()
