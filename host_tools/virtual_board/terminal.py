"""Two pseudo-terminals, the board's and the port that tools open, and what goes between them."""

import array
import contextlib
import fcntl
import os
import pty
import select
import termios
import tty
from pathlib import Path


class Terminal:
    """The board's console, on descriptors that never block.

    inner: the supervisor's end of the board's terminal; `slave` is the board's
    outer: the supervisor's end of the port, which `port` names
    """

    def __init__(self, port: Path):
        self.inner, self.slave = pty.openpty()
        tty.setraw(self.slave)
        modes = termios.tcgetattr(self.slave)
        modes[1] |= termios.OPOST | termios.ONLCR  # as a board ends its lines
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        os.set_blocking(self.inner, False)
        self.port = port
        self.outer = -1
        self.plug()

    def plug(self) -> None:
        """Let the port be there."""
        self.outer, client = pty.openpty()
        tty.setraw(client)
        self.port.symlink_to(os.ttyname(client))
        os.close(client)  # so that the kernel tells whether a tool has the port open
        os.set_blocking(self.outer, False)

    def unplug(self) -> None:
        """Take the port away from the tool that has it open."""
        self.port.unlink()
        os.close(self.outer)
        self.outer = -1

    def has_client(self) -> bool:
        """Tell whether a tool has the port open."""
        if self.outer < 0:
            return False
        poller = select.poll()
        poller.register(self.outer, 0)
        return not any(event & select.POLLHUP for _, event in poller.poll(0))

    def unread(self) -> int:
        """Return how many octets the board has not read yet."""
        count = array.array("i", [0])
        fcntl.ioctl(self.slave, termios.FIONREAD, count)
        return count[0]

    def forget(self) -> None:
        """Forget what the board has not read yet."""
        termios.tcflush(self.slave, termios.TCIFLUSH)

    def close(self) -> None:
        """Close all, and take the port away."""
        if self.outer >= 0:
            self.unplug()
        os.close(self.inner)
        os.close(self.slave)


def read(end: int) -> bytes:
    """Return what can be read now, b"" where nothing can."""
    with contextlib.suppress(BlockingIOError, OSError):
        return os.read(end, 4096)
    return b""


def write(end: int, data: bytes) -> int:
    """Write what can be written now; return how much."""
    with contextlib.suppress(BlockingIOError):
        return os.write(end, data)
    return 0
