"""TCP with a deadline and an idle hook: the only file that touches a socket.

The socket never blocks. Every wait is polls of at most 50 ms, each after a call of the idle hook,
so a board's inputs are read and its watchdog is fed whatever the server does. Name look-up is the
exception: it is one call into the network stack (some 7 s for each dead name server); a literal
address needs none.
"""

from errno import EAGAIN, EINPROGRESS
from select import POLLIN, POLLOUT
from socket import SOCK_STREAM, getaddrinfo

try:
    from select import poll
    from socket import socket
    from time import ticks_diff, ticks_ms
except ImportError:
    from .cpython import poll, socket, ticks_diff, ticks_ms


class Stream:
    """One TCP connection, and the time that the call it serves may still take.

    idle: called before every wait, or None
    Every method that waits takes `timeout`, the milliseconds without progress that it may wait,
    and raises SMTPNetworkError.
    """

    def __init__(self, idle):
        self.idle = idle
        self.socket = None

    def begin(self, deadline):
        """Start a call that may take `deadline` milliseconds in all."""
        self.start = ticks_ms()
        self.deadline = deadline

    def connect(self, server, timeout):
        """Connect to the first address of `server` (host, port) that answers."""
        try:
            found = getaddrinfo(server[0], server[1], 0, SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._fail("name look-up: " + str(error.args[-1]))
        for address in found:
            try:
                return self._connect(address, timeout)
            except Exception as error:
                self.close()
                if address is found[-1] or not hasattr(error, "stage"):
                    raise

    def _connect(self, address, timeout):
        self.socket = tcp = socket(address[0], address[1], address[2])
        tcp.setblocking(False)
        self.poll = poll()
        self.poll.register(tcp, POLLOUT)
        try:
            tcp.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY; a port that lacks it is slower
        except OSError:
            pass
        try:
            tcp.connect(address[-1])
        except OSError as error:
            if error.args[0] != EINPROGRESS:
                self._fail(error)
        if self._wait(POLLOUT, timeout) != POLLOUT:
            self.read(timeout)  # raises the reason

    def _wait(self, event, timeout):
        self.poll.modify(self.socket, event)
        begun = ticks_ms()
        while True:
            if self.idle:
                self.idle()
            now = ticks_ms()
            left = min(timeout - ticks_diff(now, begun), self.deadline - ticks_diff(now, self.start))
            for address in self.poll.ipoll(max(0, min(left, 50))):
                return address[1]
            if left <= 0:
                self._fail("time-out")

    def readable(self):
        """Tell, without waiting, whether there is something to read, be it the end."""
        self.poll.modify(self.socket, POLLIN)
        for _ in self.poll.ipoll(0):
            return True

    def read(self, timeout):
        """Return the octets that are here, waiting for the first; the end is an error."""
        while True:
            self._wait(POLLIN, timeout)
            try:
                data = self.socket.recv(512)
            except OSError as error:
                if error.args[0] == EAGAIN:
                    continue
                self._fail(error)
            if not data:
                self._fail("closed")
            return data

    def write(self, data, timeout):
        """Send all `data`."""
        start = 0
        while True:
            try:
                start += self.socket.write(data, start, len(data)) or 0
            except OSError as error:
                if self.readable():
                    return  # the server's last words may say why: let them be read
                self._fail(error)
            if start == len(data):
                return
            self._wait(POLLOUT, timeout)

    def close(self):
        """Close the connection."""
        if self.socket:
            self.socket.close()
        self.socket = None

    def _fail(self, what):
        from .errors import network

        raise network(what, ticks_diff(ticks_ms(), self.start))
