"""TCP with a deadline and an idle hook: the only file that touches a socket.

The socket never blocks. Every wait is polls of at most 50 ms, each after a call of the idle hook,
so a board's inputs are read and its watchdog is fed whatever the server does. Name look-up is the
exception: it is one call into the network stack (some 7 s for each dead name server); a literal
address needs none.
"""

from errno import EAGAIN, EINPROGRESS
from socket import SOCK_STREAM, getaddrinfo

try:
    from select import poll
    from socket import socket
    from time import ticks_diff, ticks_ms

    from micropython import const
except ImportError:
    from .cpython import const, poll, socket, ticks_diff, ticks_ms

_POLLIN = const(1)  # as in select, on every port
_POLLOUT = const(4)


class Stream:
    """One TCP connection at a time, and the time that the call it serves may still take.

    idle: called before every wait, or None
    timeout: milliseconds without progress that a method may wait

    The methods raise SMTPNetworkError.
    """

    socket = idle = None
    timeout: int

    def start(self, deadline):
        """Start a call that may take `deadline` milliseconds in all."""
        self.time = ticks_ms()
        self.deadline = deadline

    def connect(self, host, port):
        """Connect to the first address of `host` that does not refuse; return what it said."""
        value = "closed"
        try:
            found = getaddrinfo(host, port, 0, SOCK_STREAM)
        except Exception as error:  # whatever the port's resolver raises
            self.throw("name look-up: " + str(error.args[-1]))
        for address in found:
            try:
                self.open(address)
                if self.wait(False, _POLLOUT) == _POLLOUT:
                    return b""
                return self.socket.recv(512)  # raises what the connection failed of
            except OSError as error:  # noqa: PERF203
                value = error
        return self.throw(value)

    def open(self, address):
        """Begin to connect to an address; raises OSError."""
        self.close()
        self.socket = tcp = socket(address[0], address[1], address[2])
        tcp.setblocking(False)
        self.poller = poll()
        self.poller.register(tcp, _POLLOUT)
        self.event = _POLLOUT
        try:
            tcp.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY
        except OSError:
            pass  # a port that lacks it is slower
        try:
            tcp.connect(address[-1])
        except OSError as error:
            if error.args[0] != EINPROGRESS:
                raise

    def wait(self, poll=False, event=_POLLIN):
        """Wait for `event` and return what came; with `poll`, return at once, 0 for nothing."""
        if event != self.event:
            self.event = event
            self.poller.modify(self.socket, event)
        start = ticks_ms()
        while True:
            if self.idle:
                self.idle()
            now = ticks_ms()
            left = self.deadline - ticks_diff(now, self.time)
            if left > 0:  # else even what is here comes too late
                left = min(left, self.timeout - ticks_diff(now, start), 50)
                try:
                    for ready in self.poller.ipoll(0 if poll or left < 0 else left):
                        return ready[1]
                except OSError as error:  # esp32: the socket is gone with its interface
                    self.throw(error)
                if poll:
                    return 0
            if left <= 0:
                self.throw("time-out")

    def read(self):
        """Return the octets that are here, waiting for the first; the end is an error."""
        self.wait()
        try:
            data = self.socket.recv(512)
        except OSError as error:
            if error.args[0] == EAGAIN:
                return b""
            self.throw(error)
        if not data:
            self.throw("closed")
        return data

    def write(self, data):
        """Send all `data`."""
        start = 0
        while True:
            try:
                went = self.socket.write(data, start, len(data))  # pyright: ignore[reportCallIssue]
                start += went or 0
            except OSError as error:
                if self.wait(True):
                    return  # the server's last words may say why: let them be read
                self.throw(error)
            if start == len(data):
                return
            self.wait(False, _POLLOUT)

    def close(self):
        """Close the connection."""
        try:
            self.socket.close()
        except Exception:
            pass  # none is open, or the port fails to close it: it is let go all the same
        self.socket = None

    def throw(self, value):
        """Raise the error for an OSError, or for what happened in words."""
        from .errors import network

        raise network(value, ticks_diff(ticks_ms(), self.time))
