"""The stand-in for `socket`: TCP and UDP through the board's interface, by the port's rules.

An address of the plant's network leads to a port of the PC where the supervisor has a route for
it; all others never answer.
"""

import io
import struct
from errno import EAGAIN, EHOSTUNREACH, EINPROGRESS, ETIMEDOUT

import usocket

import network
from _page import page, port

AF_INET = 2
AF_INET6 = 10
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
SOL_SOCKET = 1 if port == "rp2" else 0xFFF
SO_REUSEADDR = 4
SO_BROADCAST = 32
IPPROTO_TCP = 6
IPPROTO_UDP = 17
TCP_NODELAY = 1

_ESP32 = port == "esp32"
_NAMED = {11: EAGAIN, 110: ETIMEDOUT, 113: EHOSTUNREACH, 115: EINPROGRESS}
_UNKNOWN = -202 if _ESP32 else -2
_FILENO = 10  # a request of ioctl
_routes = page.routes


def _octets(host):
    """Return an address as its 4 octets, None where it is a name."""
    parts = host.split(".")
    if len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts):
        return bytes(int(part) for part in parts)
    return None


def _look_up(host):
    """Return the address of a name, by the supervisor's list."""
    if _octets(host):
        return host
    if network.reachable() and not page.silent:
        for line in bytes(page.hosts).split(b"\0")[0].decode().split("\n"):
            name, _, address = line.partition(" ")
            if name and name == host:
                return address
    raise OSError(_UNKNOWN)


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    """Return one address, IPv4."""
    kind = type or SOCK_STREAM
    return [(AF_INET, kind, proto, "" if _ESP32 else host, (_look_up(host), port))]


def _route(address):
    """Return the PC's port that an address leads to, the silent one where there is no route."""
    host, number = address
    wanted = _octets(host) + struct.pack("<H", number)
    for at in range(0, len(_routes), 8):
        if bytes(_routes[at : at + 6]) == wanted:
            return _routes[at + 6] | _routes[at + 7] << 8
    return 0


def _local(number):
    """Return a port of the PC as the builtin sockets want it."""
    return usocket.getaddrinfo("127.0.0.1", number)[0][-1]


class socket(io.IOBase):  # noqa: N801
    """A socket; errors have the port's numbers."""

    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, fileno=None):
        self._socket = usocket.socket(AF_INET, type)
        self._timeout = None
        self._peers = {}

    def _do(self, name, *args):
        """Call the builtin socket's method."""
        try:
            return getattr(self._socket, name)(*args)
        except OSError as error:
            number = error.args[0]
            if number == 11 and self._timeout:
                number = 110  # the PC does not tell a time-out from nothing to read
            raise OSError(_NAMED.get(number, number))

    def _check(self, address):
        """Raise where an address is none that the port takes, or leads nowhere."""
        if not isinstance(address, tuple) or len(address) < 2:
            raise TypeError("object 'tuple' expected" if _ESP32 else "expected a tuple")
        if not _octets(address[0]):
            if not _ESP32:
                raise ValueError("invalid arguments")  # addresses only
            address = (_look_up(address[0]), address[1])
        if not network.reachable() or network.send_failed():
            raise OSError(EHOSTUNREACH)
        return address

    def connect(self, address):
        """Connect; the rp2 takes an address only, the esp32 a name as well."""
        number = _route(self._check(address))
        self._do("connect", _local(page.hole if page.silent or not number else number))

    def sendto(self, data, address):
        """Send a datagram."""
        address = self._check(address)
        number = _route(address)
        if number and not page.silent:
            self._peers[number] = address
            self._do("sendto", data, _local(number))
        return len(data)

    def recvfrom(self, count):
        """Receive a datagram and who sent it."""
        data, sender = self._do("recvfrom", count)
        number = usocket.sockaddr(sender)[2]
        return data, self._peers.get(number, ("127.0.0.1", number))

    def send(self, data):
        """Send what can go."""
        self._sends()
        return self._do("send", data)

    def write(self, *args):
        """Send what can go; None where nothing can."""
        self._sends()
        return self._do("write", *args)

    def _sends(self):
        """Meet the send error that takes the interface down."""
        if network.send_failed():
            raise OSError(EHOSTUNREACH)

    def sendall(self, data):
        """Send all."""
        left = memoryview(data)
        while left:
            left = left[self.send(left) :]

    def recv(self, count):
        """Receive."""
        return self._do("recv", count)

    def read(self, *args):
        """Read."""
        return self._do("read", *args)

    def readinto(self, *args):
        """Read into a buffer."""
        return self._do("readinto", *args)

    def readline(self, *args):
        """Read a line."""
        return self._do("readline", *args)

    def settimeout(self, seconds):
        """Say how long the others may take."""
        self._timeout = seconds
        self._socket.settimeout(seconds)

    def setblocking(self, flag):
        """Let the others wait, or not."""
        self.settimeout(None if flag else 0)

    def setsockopt(self, level, option, value):
        """Take an option; none matters here."""

    def makefile(self, *args):
        """Return what reads and writes: itself."""
        return self

    def close(self):
        """Close."""
        self._socket.close()

    def ioctl(self, request, argument):
        """Let poll() and `tls` use the socket underneath."""
        if request == _FILENO:
            return self._socket.fileno()
        if request == 4:
            self.close()
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.close()
