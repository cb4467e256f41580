"""TLS between a `Stream` and its socket. Imported by the first connection that has it."""

from errno import EAGAIN

try:
    from micropython import const
except ImportError:
    from .cpython import const

_POLLIN = const(1)
_POLLOUT = const(4)


class TLSSocket:
    """What a `Stream` takes for its socket and for its poller.

    The handshake is part of the first reads and writes. A record that came may hold nothing for
    us, and one that was read may hold more than was asked for: so `ahead` is a line, or an error,
    that TLS gave before recv() wanted it.
    """

    ahead = None
    ready = False  # the handshake is over

    def __init__(self, context, stream, name, stage):
        self.name = name
        self.stage = stage
        self.stream = stream
        self.tcp = self.watched = stream.socket
        self.poller = stream.poller
        self.event = stream.event
        self.tls = self.call(wrap, context, self.tcp, name)
        if hasattr(self.tls, "fileno"):  # CPython's has taken the descriptor over
            self.watched = self.tls

    def call(self, function, *args):
        """Call into the library; its errors get names."""
        try:
            return function(*args)
        except (OSError, ValueError) as error:
            from .tls_errors import named

            raise named(error, self)

    def modify(self, _, event):
        """As poll.modify()."""
        self.event = event

    def ipoll(self, limit):
        """As poll.ipoll(), for what TLS lets through instead of what the network brings."""
        writing = self.event == _POLLOUT
        if not writing and self.look():
            return ((self, _POLLIN),)
        # while it shakes hands TLS waits for the server, also when it shall write
        self.poller.modify(self.watched, _POLLOUT if writing and self.ready else _POLLIN)
        for _ in self.poller.ipoll(limit):
            if writing or self.look():
                return ((self, self.event),)
        return ()

    def look(self):
        """Tell whether there is something for recv()."""
        if self.ahead is None:
            try:
                # a line at a time, for an error after it would take it along
                self.ahead = self.call(self.tls.readline, 512)
                self.ready = self.ready or bool(self.ahead)
            except Exception as error:
                self.ahead = error
        return self.ahead is not None

    def recv(self, _):
        """As socket.recv()."""
        if not self.look():
            raise OSError(EAGAIN)
        ahead = self.ahead
        if isinstance(ahead, Exception):
            raise ahead
        self.ahead = None
        return ahead

    def write(self, octets, start, length):
        """Write from `start` on; return how many octets went, None when none can go now."""
        went = self.call(self.tls.write, octets, start, length)
        self.ready = self.ready or bool(went)
        return went

    def close(self):
        """Close the connection, also one that the library has let go."""
        try:
            self.tls.close()
        finally:
            self.tcp.close()


def wrap(context, tcp, name):
    """Begin TLS; it blocks nowhere."""
    return context.wrap_socket(tcp, server_hostname=name, do_handshake_on_connect=False)
