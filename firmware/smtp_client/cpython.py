"""What CPython calls otherwise than MicroPython; never imported on a board."""

import select
import socket as _socket
import ssl
from time import monotonic_ns


def const(value):
    """Return a constant: MicroPython's compiler puts it where its name is."""
    return value


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


class tls:  # noqa: N801
    """MicroPython's module tls."""

    PROTOCOL_TLS_CLIENT = ssl.PROTOCOL_TLS_CLIENT
    CERT_NONE = ssl.CERT_NONE
    CERT_REQUIRED = ssl.CERT_REQUIRED

    class SSLContext:
        """tls.SSLContext: what every handshake is made with."""

        def __init__(self, protocol):
            self.real = ssl.SSLContext(protocol)

        def __setattr__(self, name, value):
            if name == "verify_mode":
                self.real.check_hostname = value != ssl.CERT_NONE
                self.real.verify_mode = value
            else:
                super().__setattr__(name, value)

        def load_verify_locations(self, octets):
            """Trust a certificate, given as DER."""
            self.real.load_verify_locations(cadata=octets)

        def wrap_socket(self, tcp, **options):
            """Return the socket that speaks TLS."""
            return TLSStream(self.real.wrap_socket(tcp, **options))


class TLSStream:
    """MicroPython's tls.SSLSocket on a socket that does not block."""

    def __init__(self, real):
        self.real = real
        self.shaking = True
        self.fileno = real.fileno
        self.close = real.close

    def readline(self, size):
        """Return octets that are here, None when there are none, b"" at the end."""
        return self._now(lambda: self.real.recv(size))

    def write(self, octets, start, _length):
        """Write from `start` on; return how many octets went, None when none can go now."""
        with memoryview(octets) as view, view[start:] as rest:
            return self._now(lambda: self.real.send(rest))

    def _now(self, function):
        try:
            self._shake_hands()
            return function()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def _shake_hands(self):
        """Do it by itself: within recv() a failure may look like the end."""
        if self.shaking:
            self.real.do_handshake()
            self.shaking = False
