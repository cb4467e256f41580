"""What CPython calls otherwise than MicroPython; never imported on a board."""

import select
import socket as _socket
from time import monotonic_ns

const = int


class socket(_socket.socket):  # noqa: N801
    """A socket with MicroPython's stream method write()."""

    def write(self, octets, start, _length):
        """Write from `start` on; return how many octets went, None when none can go now."""
        with memoryview(octets) as view:
            try:
                return self.send(view[start:])
            except BlockingIOError:
                return None


class poll:  # noqa: N801
    """select.poll() with MicroPython's method ipoll()."""

    def __init__(self):
        poller = select.poll()
        self.register = poller.register
        self.modify = poller.modify
        self.ipoll = poller.poll


def put(out, text):
    """Append a str or bytes to the bytearray `out`."""
    out += text.encode() if isinstance(text, str) else text


def ticks_ms():
    """Return milliseconds that never go back."""
    return monotonic_ns() // 1000000


def ticks_diff(later, earlier):
    """Return the milliseconds from one ticks_ms() to another."""
    return later - earlier
