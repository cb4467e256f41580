"""How the board does, for the mails; borrowed to render one."""

import gc

from borrow import borrow

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

# States, by their index in `alarms.STATES`.
_ACTIVE = const(b"\1\2\4\7")  # UNACK, ACKED, LATCHED, FAULT
_SHELVED = const(b"\5\6")  # SHLVD, OOSRV


def fill(context, app):
    """Give `context` what `notices.compose()` tells besides the record; see there.

    app: the `App`
    """
    board = app.board
    notifier = app.notifier
    now = app.clock.now()
    context.idle = app.watch
    context.firmware = borrow("version").VERSION
    context.board = board.name
    context.address = board.link.address
    context.reset_cause = board.reset_cause()
    context.uptime = app.clock.seconds(now)
    context.flood = app.alarms.flood
    context.sent = notifier.sent
    context.deferred = notifier.deferred
    context.short = notifier.short
    context.failures = app.failures + app.lost
    context.next = max(0, app.next_heartbeat - now) // 1000 if app.beat is not None else 0
    context.active = tags(app, _ACTIVE)
    context.shelved = tags(app, _SHELVED)
    context.heap = gc.mem_free() if hasattr(gc, "mem_free") else 0


def tags(app, states):
    """Return the tags of the points in some states, in the order of their raises."""
    found = [point for point in app.points if point.state in states]
    found.sort(key=raised)
    return [point.tag for point in found]


def raised(point):
    """Return what tells when the alarm of a point was raised, in this boot or before."""
    if point.since is None:
        return False, point.announced[:3], point.began, point.announced
    return True, b"", point.since, point.announced
