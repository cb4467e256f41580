"""Time: ms that neither wrap nor grow long, uptime, and UTC by asking an SNTP server."""

try:
    from time import ticks_diff, ticks_ms
except ImportError:
    from smtp_client.cpython import ticks_diff, ticks_ms

from borrow import borrow


class Clock:
    """Milliseconds since a moment that `rebase.py` moves now and then; at first it is the boot.

    The ticks of a board wrap every 12.4 days; now() must be called at least every 6.

    base: the uptime in s at that moment
    """

    time = 0

    def __init__(self, ticks=ticks_ms, diff=ticks_diff):
        self.ticks = ticks
        self.diff = diff
        self.last = ticks()
        self.base = 0

    def now(self):
        """Return the time in ms, which is less than 2^30: beyond, a number takes heap."""
        ticks = self.ticks()
        passed = self.diff(ticks, self.last)
        if passed:
            self.last = ticks
            self.time += passed
        return self.time

    def seconds(self, time):
        """Return the uptime in s at a time in ms; one below 0 is of before `base`, and in s."""
        return self.base + (time // 1000 if time >= 0 else time)


class Sntp:
    """Asks an SNTP server (RFC 4330): after 4 s, 8 s ... 1024 s until it answers, then hourly.

    host: an address; a name is looked up each time, which may block for seconds
    clock: a Clock
    due: the time in ms from which on it asks next; may be set, as when the network is back
    interval: ms until it asks once more
    heard: the time in ms of the last good answer, or None
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
