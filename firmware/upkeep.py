"""What the main loop does now and then, and on commands; borrowed for that."""

import gc

from app import TEXTS, number
from borrow import borrow
from log import ERROR, INFO
from outbox import Record, boot_of

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

_LOOK = const(60000)  # ms between looks at the board itself
_HEAP = const(4096)  # octets: the heap is low
_LATE = const(1 << 29)  # ms: 6.2 days, so what is due in a day is far from 2^30
_LOST = const(86400000)  # ms without an answer of a time server: the clock is lost
_DRIFT = const(2)  # s that the clock may be off
_RESET = const(60000)  # ms that WATCHDOG stays active after a reset by it
_FAILURES = const(10)  # in a row, and for so long, before the board is reset
_PATIENCE = const(60000)  # ms
_DAY = const(86400)  # s
_TEXT = const(500)  # octets
_OVERFLOWS = const(b"\5")  # a rank of the outbox

# In one string, for each would be a name, and names stay on the heap.
_POINTS = const("LINK GATEWAY OUTBOX WATCHDOG HEAP CLOCK")  # of the board itself
_COMMANDS = const("ack, reset, shelve, unshelve, out, return")


def look(app, now):
    """Look at the board itself, and at what it was told."""
    link = app.board.link
    if link.up and not app.linked:
        app.notifier.wake(True)
        if app.sntp:
            app.sntp.due = now
    app.linked = link.up
    app.failing = app.notifier.failing
    app.told = False
    if app.log.kept:
        borrow("journal").note(app)
    if app.line and now - app.line.since > _PATIENCE:
        app.line = None  # half a line of whoever went away
    take(app)
    if app.button and app.button.condition:
        for point in app.points:
            command(app, point.tag, "ack")
    if now >= app.next_heartbeat:
        beat(app, now)
    gc.collect()
    watch(app, now)
    app.next_look = min(now + _LOOK, app.next_heartbeat)
    if now >= _LATE and not app.alarms.out:
        borrow("rebase").run(app)  # what comes after it asks for the time again


def watch(app, now):
    """Tell the board's own points how it is."""
    sntp = app.sntp
    heard = sntp and sntp.heard
    states = (
        not app.linked,
        app.failing,
        app.outbox.find(b"", _OVERFLOWS) is not None,
        now < _RESET and app.board.reset_cause() == "watchdog",
        hasattr(gc, "mem_free") and gc.mem_free() < _HEAP,
        sntp and (heard is None or now - heard > _LOST),
    )
    for tag, active in zip(_POINTS.split(" "), states):
        point = app.find(tag)
        if active:
            point.set()
        else:
            point.clear()


def take(app):
    """Put the texts of notify() on flash."""
    texts = app.texts
    for at in range(0, 2 * TEXTS, 2):
        if texts[at] is not None:
            put(app, "TEXT", texts[at + 1], texts[at])
            texts[at] = None
            app.watch()


def put(app, kind, priority, text=""):
    """Put a notice that is of no point on flash; return its key."""
    now = app.clock.seconds(app.clock.now())
    while len(text.encode()) > _TEXT:
        text = text[: len(text) * _TEXT // len(text.encode()) - 1]
    return app.append(Record(number(kind), "", 0, priority, 0, now, None, app.system, text))


def beat(app, now):
    """Put a heartbeat on flash, where the last one is gone."""
    if not app.heartbeat or not app.outbox.read(app.heartbeat):
        app.heartbeat = put(app, "HEARTBEAT", 0)
    schedule(app, now)


def schedule(app, now):
    """Find when the next heartbeat is due: at its time of the day, or in a day."""
    app.next_heartbeat = 1 << 60
    if app.beat is not None:
        offset = app.outbox.offset()
        uptime = app.clock.seconds(now)
        wait = (app.beat - offset - uptime - 1) % _DAY + 1 if offset else _DAY
        app.next_heartbeat = now + 1000 * wait


def synchronize(app, now, offset):
    """Take what a time server says; the first answer dates all notices of this boot.

    offset: Unix seconds of uptime 0
    """
    borrow("sntp").set_rtc(offset + app.clock.seconds(now))
    known = app.outbox.offset()
    if known and abs(offset - known) < _DRIFT:
        return
    if not known and doubt(app):
        app.sntp.due = now + _LOOK  # the first answer is taken when nothing hangs on it
        return
    # It refuses while a notice waits that may be sent.
    borrow("outbox.offsets").change(app.outbox, offset, True)
    if app.outbox.offset() == offset:
        what = "clock corrected by %+d s" if known else "clock set, uptime 0 was Unix second %d"
        app.log(INFO, what, offset - known)
        if not known:
            borrow("journal").keep(app, "clock set in boot %d" % app.outbox.boots)
        schedule(app, now)
        app.notifier.wake()


def doubt(app):
    """Tell whether a mail of this boot waits that may have been sent, without a Date."""
    for key in app.notifier.doubt or ():
        record = app.outbox.read(key)
        if record and record.to and boot_of(key) == app.outbox.boots:
            return True
    return False


def command(app, tag, event, duration=28800000):
    """Give a command of an operator; see app.command()."""
    if event not in _COMMANDS.split(", "):
        raise ValueError("event: %s: give %s" % (event, _COMMANDS))
    point = app.find(tag)
    if not point:
        raise ValueError("tag: %s: there is no such point" % tag)
    before = point.state
    now = app.clock.now()
    app.alarms.step(point, event, now, duration)
    if point.state == before:
        return
    app.log(INFO, "%s %s", tag, event)
    if not [1 for notice in app.alarms.out if notice.tag == tag]:  # none tells the state
        record = app.record(point, "STATE", point.state, now, point.since)
        borrow("outbox.states").keep(app.outbox, record)


def failed(app, text):
    """Reset the board when it fails again and again."""
    now = app.clock.now()
    gc.collect()
    if app.in_a_row == 1:
        app.failing_since = now
    if app.in_a_row < _FAILURES or now - app.failing_since < _PATIENCE:
        return
    app.log(ERROR, "reset after %d failures in a row", app.in_a_row)
    borrow("journal").keep(app, app.log.kept)
    try:
        put(
            app,
            "TEXT",
            3,
            "The board resets itself, it has failed %d times: %s" % (app.in_a_row, text),
        )
    finally:
        app.board.reset()
