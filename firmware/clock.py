"""Time: uptime that does not wrap, and UTC by asking an SNTP server.

Unix seconds count from 1970 on every port; nothing here asks the port's calendar, whose epoch is
2000 on some and whose 32 bits end in 2038 on others.
"""

try:
    from time import ticks_diff, ticks_ms
except ImportError:
    from smtp_client.cpython import ticks_diff, ticks_ms

from borrow import borrow


class Clock:
    """Milliseconds of uptime, from 0 on.

    The ticks of a board wrap every 12.4 days; now() must be called at least every 6.
    """

    uptime = 0

    def __init__(self, ticks=ticks_ms, diff=ticks_diff):
        self.ticks = ticks
        self.diff = diff
        self.last = ticks()

    def now(self):
        """Return the uptime in ms."""
        ticks = self.ticks()
        passed = self.diff(ticks, self.last)
        if passed:
            self.last = ticks
            self.uptime += passed
        return self.uptime


class Sntp:
    """Asks an SNTP server (RFC 4330): after 4 s, 8 s ... 1024 s until it answers, then hourly.

    host: an address; a name is looked up each time, which may block for seconds
    clock: a Clock
    due: the uptime in ms from which on it asks next; may be set, as when the network is back
    interval: ms until it asks once more
    heard: the uptime in ms of the last good answer, or None
    """

    due = 0
    interval = 4000
    heard = query = None

    def __init__(self, host, port, clock):
        self.host = host
        self.port = port
        self.clock = clock

    def poll(self, now):
        """Return the Unix seconds of uptime 0 when an answer has come, else None; never raise."""
        if self.query:
            return self.query.poll(now)
        if now >= self.due:
            self.due = now + self.interval
            try:
                self.query = borrow("sntp").Query(self)
            except Exception:  # no network, no memory, whatever the port's resolver raises
                pass
        return None


def utc(seconds):
    """Return what time.gmtime() does for Unix seconds, less the day of the year; until 2100."""
    days = seconds // 86400
    seconds -= days * 86400
    day = days + 671  # since 1 March 1968, so that a leap day ends its year
    year = (4 * day + 3) // 1461
    day -= 1461 * year // 4
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 1968 + month // 10
    month = (month + 2) % 12 + 1
    return year, month, day + 1, seconds // 3600, seconds // 60 % 60, seconds % 60, (days + 3) % 7
