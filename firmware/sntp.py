"""One question to an SNTP server (RFC 4330); borrowed, since it is asked once an hour."""

from os import urandom
from socket import SOCK_DGRAM, getaddrinfo, socket
from struct import unpack_from

from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LONGEST = const(1024000)  # ms between two questions until there is an answer
_HOUR = const(3600000)
_PATIENCE = const(2000)  # ms; half of it is the most by which a late answer may be wrong

_UNIX = const(2208988800)  # seconds from 1900 to 1970
_ERA = const(0x100000000)
_OLDEST = const(1735689600)  # 2025 in Unix seconds


class Query:
    """A question on its way. Making it raises what the network does when it cannot go.

    server: the Sntp that asks
    """

    def __init__(self, server):
        if server.heard is None:
            server.interval = min(2 * server.interval, _LONGEST)
        self.server = server
        address = getaddrinfo(server.host, server.port, 0, SOCK_DGRAM)[0]
        self.socket = socket(address[0], address[1], address[2])
        try:
            self.socket.setblocking(False)
            self.socket.connect(address[-1])  # so nobody else is heard
            self.key = urandom(8)  # for our time, which is nobody's business
            self.sent = server.clock.now()
            self.socket.send(b"\x23" + bytes(39) + self.key)  # version 4, mode client
        except BaseException:
            self.socket.close()
            raise

    def poll(self, now):
        """Return the Unix seconds of uptime 0, or None; end when answered or too late."""
        offset = self.hear()
        if offset is not None:
            self.server.heard = now
            self.server.interval = _HOUR
            self.server.due = now + _HOUR
        if offset is not None or now - self.sent >= _PATIENCE:
            self.socket.close()
            self.server.query = None
        return offset

    def hear(self):
        """Return the Unix seconds of uptime 0 where a good answer is here, else None."""
        try:
            data = self.socket.recv(48)
        except OSError:
            return None  # there is none, or the network is gone
        now = self.server.clock.now()
        time = told(data, self.key)
        if time is None or now - self.sent >= _PATIENCE:
            return None
        halfway = (self.sent + now) // 2  # when it was told
        return (time - halfway + 500) // 1000 - self.server.clock.base


def told(data, key):
    """Return the Unix ms that an answer tells, or None where it is no good answer to us.

    key: what we sent in the place of our time, which nobody else can know
    """
    if len(data) < 48 or data[24:32] != key:
        return None
    if data[0] & 7 != 4 or data[0] >> 6 == 3 or not 0 < data[1] < 16:
        return None  # no server, or one whose own clock is not set
    seconds, fraction = unpack_from(">II", data, 40)
    if seconds == 0:
        return None  # it is not known
    if seconds < _ERA // 2:  # section 3: it counts from 2036 on
        seconds += _ERA
    seconds -= _UNIX
    if seconds < _OLDEST:
        return None
    return seconds * 1000 + (fraction >> 16) * 1000 // 65536


def set_rtc(seconds):
    """Set the board's own clock, where it has one: it dates files and checks certificates."""
    try:
        from machine import RTC
    except ImportError:
        return
    year, month, day, hour, minute, second, weekday = borrow("dates").utc(seconds)
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
