"""What is done once, at boot; borrowed for that.

The outbox comes first, since its number of this boot names everything; then the configuration,
whose check needs room that is still there; then the points, as they were before the boot.
"""

import gc
import sys
from select import poll

from app import TEXTS, number
from borrow import borrow
from clock import Clock, Sntp
from log import ERROR, INFO, Log
from outbox import Outbox, boot_of

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

_GARBAGE = const(2048)  # octets of heap; it is collected so often while the board boots
_ROOM = const(20480)  # octets of heap that are free, of which the points may have some

# What an occurrence changes in a point; until then its class has it.
_CHANGING = const(
    (
        "announced",
        "changed",
        "chatter",
        "condition",
        "due",
        "earlier",
        "latest",
        "occurrence",
        "quiet",
        "remind",
        "since",
        "state",
    )
)


def boot(app, board, root, clock):
    """Make an `App` what it is."""
    threshold = getattr(gc, "threshold", int)  # CPython has none
    threshold(_GARBAGE)  # what stays lies close together then, at the low end of the heap
    app.board = board
    app.heartbeat = b""
    app.clock = clock or Clock()
    app.log = board.link.log = Log(app.clock)
    app.poller = poll()
    app.poller.register(sys.stdin.buffer, 1)
    app.texts = [None] * (2 * TEXTS)
    app.told = False  # a store to what is there takes no heap: in an interrupt there is none
    app.failures = app.in_a_row = app.lost = 0
    app.outbox = Outbox(root + "/queue")
    borrow("outbox.recovery").boot(app.outbox)
    settings = borrow("settings").Settings(root + "/adopted")
    problem = adopt(app, settings, root + "/config.json")
    app.folder = settings.folder
    borrow("journal").begin(app)
    site = settings.read("site")
    if not site:
        raise ValueError(problem)
    connect(board.link, settings)
    app.generations = settings.generations
    app.log.level = site["log"]
    app.system = site["system"]
    app.beat = site["heartbeat"]
    ntp = site["ntp"]
    app.sntp = Sntp(ntp[0], ntp[1], app.clock) if ntp else None
    from notifier import Notifier  # not before: the check of a configuration takes much heap

    app.notifier = Notifier(app, site)
    wire(app, settings)
    restore(app)
    app.dog = board.watchdog(site["watchdog"])
    app.outbox.idle = app.sample
    upkeep = borrow("upkeep")
    upkeep.put(app, "BOOT", 1, why(app, problem))
    upkeep.schedule(app, app.clock.now())
    threshold(-1)
    app.log(INFO, "ready: %s, boot %d, %s", site["device"], app.outbox.boots, board.name)


def adopt(app, settings, path):
    """Adopt the configuration; return what is wrong with it.

    To check a new one takes much heap, and leaves its names there until the next reset. So there
    is one, unless the next boot would have to check again.
    """
    boots = app.outbox.boots
    oldest = app.outbox.find()
    needed = boot_of(oldest) if oldest else boots
    problem = settings.adopt(boots, needed, path)
    if settings.checked:
        settings.checked = False
        settings.adopt(boots, needed, path)
        if not settings.checked:
            app.log(INFO, "configuration checked, reset")
            app.board.reset()
    if problem:
        app.log(ERROR, "%s", problem)
    return problem


def connect(link, settings):
    """Tell the link what the configuration has of the network."""
    network = settings.read("network") or {}
    for name in network:
        setattr(link, name, network[name])


def wire(app, settings):
    """Make the points, and the button that acknowledges, if there is one."""
    from alarms import Alarms

    make = borrow("wiring").make
    app.points = []
    for spec in settings.points():
        app.points.append(make(app.board, spec))
        gc.collect()  # or what is left over of it lies between this point and the next, for ever
    button = settings.read("acknowledge")
    if button:
        button["tag"] = ""
        button["type"] = "button"
        app.button = make(app.board, button)
    app.alarms = Alarms(app.points)
    settle(app.points)


def settle(points):
    """Give points now what an alarm would give them, where there is room for it.

    So it lies at the low end of the heap for good, and not where it happened to be allocated in
    the midst of an alarm flood, between pieces of what is borrowed.
    """
    if not hasattr(gc, "mem_free") or gc.mem_free() < _ROOM:
        return
    for point in points:
        for name in _CHANGING:
            setattr(point, name, getattr(point, name))
        gc.collect()


def restore(app):
    """Put the points where they were before the boot."""
    gone = []
    now = app.clock.now()
    states = borrow("outbox.states")
    for record in states.replay(app.outbox):
        point = app.find(record.tag)
        if not point:
            gone.append(record.tag)
            continue
        state = record.state - 1
        shelved = int(1000 * (record.value or 0)) if record.kind == number("SHELVE") else 0
        app.alarms.restore(point, state & 7, record.occurrence, now, state >> 3, shelved)
        point.announced = record.announced
        point.began = record.since
    for tag in gone:
        states.forget(app.outbox, tag)


def why(app, trouble):
    """Return what the boot mail tells of this boot."""
    text = app.board.reset_cause()
    if app.outbox.damaged:
        text += "\n%d files of the outbox were damaged" % app.outbox.damaged
    if trouble:
        text += "\n" + trouble
    return text
