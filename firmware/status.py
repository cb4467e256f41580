"""How the board does, for the mails; borrowed to render one."""

import gc

from alarms import STATES
from settings import VERSION

ACTIVE = ("UNACK", "ACKED", "LATCHED", "FAULT")


class Status:
    """What `notices.compose()` tells besides the record; see there.

    app: the `App`
    """

    def __init__(self, app):
        board = app.board
        notifier = app.notifier
        now = app.clock.now()
        self.idle = app.watch
        self.firmware = VERSION
        self.board = board.name
        self.address = board.link.address
        self.reset_cause = board.reset_cause()
        self.uptime = now // 1000
        self.flood = app.alarms.flood
        self.sent = notifier.sent
        self.deferred = notifier.deferred
        self.short = notifier.short
        self.failures = app.failures + app.lost
        self.next = max(0, app.next_heartbeat - now) // 1000 if app.beat is not None else 0
        self.active = self.tags(app, ACTIVE)
        self.shelved = self.tags(app, ("SHLVD", "OOSRV"))
        self.heap = gc.mem_free() if hasattr(gc, "mem_free") else 0

    def tags(self, app, states):
        """Return the tags of the points in some states, in the order of their raises."""
        names = STATES.split(" ")
        found = [point for point in app.points if names[point.state] in states]
        found.sort(key=lambda point: (point.since is not None, point.since or 0))
        return [point.tag for point in found]
