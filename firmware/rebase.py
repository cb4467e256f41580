"""Takes time off the clock, and off all times that are kept, so that no board counts too far.

A number of 2^30 and more is an object on the heap of a 32-bit board: from 12.4 days of uptime on,
each time that is kept would be one. So `Clock.now()` counts from a moment that moves. Borrowed by
`upkeep.look()`, which the main loop calls, and no mail: where no function on the way holds a time.
Whoever keeps a time in ms from one turn to the next has it in the table here.

Rules
1. What was before the new moment, which is 38 h ago at least, becomes 0: no delay, no reminder and
   no window is longer than a day, so it is long ago all the same.
2. `since` is told in mails, so it stays exact: below 0 it is in s.
3. Once it has begun nothing takes heap, so no failure leaves some times where they were; and what
   an interrupt calls meanwhile finds nothing to watch.
4. The names of functions are some that there are: a new one would stay in the heap for good.
"""

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

_SPAN = const(400000)  # s, of the 536,870 that upkeep.py waits for
_MS = const(400000000)  # the same
NEVER = 1 << 60

_POINT = const(("changed", "due", "until", "late", "remind", "quiet", "latest", "earlier", "next"))


def run(app):
    """Let all times count from a moment that is 400,000 s later."""
    notifier = app.notifier
    alarms = app.alarms
    found = find(app)
    first = getattr(alarms, "first", None)
    later = {}
    for key in notifier.later:
        opens, delay = notifier.later[key]
        later[key] = opens - _MS, delay
    app.watching = True
    app.clock.time -= _MS
    app.clock.base += _SPAN
    notifier.later = later
    for one, names in found:
        move(one, names)
    take(alarms.recent, 3)
    take(notifier.single, 2)
    take(notifier.digests, 2)
    for point in app.points:
        move(point, _POINT)
        begin(point)
    if first:
        begin(first)
    app.watching = False


def find(app):
    """Return what keeps times, but for the points, with the names of these; some may be absent."""
    link = app.board.link
    sntp = app.sntp
    return (
        (app, ("turned", "next_look", "next_heartbeat", "next_accept", "failing_since", "noted")),
        (app.line, ("since",)),
        (app.alarms, ("due", "flood_end")),
        (app.notifier, ("due", "stay")),
        (sntp, ("due", "heard")),
        (sntp and sntp.query, ("sent",)),
        (link, ("due",)),
        (getattr(link, "work", None), ("since", "reset_at")),
    )


def move(one, names):
    """Move times; what is absent, NEVER, or long ago stays as it is."""
    for name in names:
        time = getattr(one, name, None)
        if time and 0 < time < NEVER:
            setattr(one, name, max(time - _MS, 0))


def take(times, step):
    """Move the times in a list: each item of so many."""
    at = 0
    while at < len(times):  # a range() of such a step would take heap
        times[at] = max(times[at] - _MS, 0)
        at += step


def begin(point):
    """Move when an occurrence began; see Clock.seconds()."""
    since = point.since
    if since is None:
        return
    if since < 0:
        since -= _SPAN
    elif since < _MS:
        since = (since - _MS) // 1000
    else:
        since -= _MS
    point.since = since
