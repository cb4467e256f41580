"""The notifier: where its parts are wired, the main loop, and what programs of a user call.

    import app

    pump = app.alarm("PUMP_2")  # a point of the type "software" in config.json
    Pin(4, Pin.IN).irq(lambda pin: pump.set())
    app.run()

Theory of operation. A turn of the loop samples the inputs, puts what follows on flash, and then
hands over one mail at most. A mail takes its time; whatever waits in it calls `watch()`, the first
half of a turn. The watchdog is fed there: after every input was read, and only as long as turns
come to an end.
"""

import gc
from time import sleep

from alarms import Alarms
from borrow import borrow
from clock import Clock, Sntp
from log import ERROR, INFO, Log
from notifier import NEVER, Notifier
from outbox import KINDS, OVERFLOWS, Outbox, Record, boot_of
from settings import Settings

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_TURN = const(5)  # ms to sleep
_STUCK = const(600000)  # ms that a turn may take: a mail to each of a few gateways
_LOOK = const(1000)  # ms between looks at the board itself
_COLLECT = const(60000)  # ms
_HEAP = const(4096)  # octets: the heap is low
_LOST = const(86400000)  # ms without an answer of a time server: the clock is lost
_DRIFT = const(2)  # s that the clock may be off
_RESET = const(60000)  # ms that WATCHDOG stays active after a reset by it
_SHELF = const(28800000)  # ms
_FAILURES = const(10)  # in a row, and for so long, before the board is reset
_PATIENCE = const(60000)  # ms
_KEPT = const(100)  # notices in RAM while flash fails
_TEXTS = const(8)  # of notify(), until the next turn
_TEXT = const(500)  # octets

_PRIORITIES = {"diagnostic": 0, "low": 1, "medium": 2, "high": 3}

# Which mask of Point.to a notice goes to; the others go to the first.
_TO = {"CLEAR": 1, "CHATTER_END": 1, "FAULT": 2, "GOOD": 2, "ESCALATE": 3}
_BEGINS = ("RAISE", "FAULT", "CHATTER")


class App:
    """The notifier of a board.

    board: the hardware, as boards/README.md tells
    root: the folder of config.json and of what the notifier keeps

    Raises ValueError, in one line, where there is no configuration that could be used.
    """

    failures = in_a_row = lost = 0
    failing_since = next_look = next_collect = next_accept = turned = 0
    next_heartbeat = NEVER
    watching = False
    linked = True
    dog = button = None
    failure = ""
    heartbeat = b""  # key of the last one

    def __init__(self, board, root="", clock=None):
        self.board = board
        self.clock = clock or Clock()
        self.log = Log(self.clock)
        self.texts = [None] * (2 * _TEXTS)  # a text and its priority, and so on
        self.outbox = Outbox(root + "/outbox")
        self.outbox.boot()
        self.settings = Settings(root + "/config")
        site = self.configure(root + "/config.json")
        self.wire()
        self.alarms = Alarms(self.points)
        self.restore()
        self.system = site["system"]
        self.beat = site["heartbeat"]
        host = site["ntp"]
        self.sntp = Sntp(host[0], host[1], self.clock) if host else None
        self.notifier = Notifier(self, site)
        self.dog = board.watchdog(site["watchdog"])
        self.outbox.idle = self.sample
        self.put("BOOT", 1, self.why())
        self.schedule_heartbeat(self.clock.now())
        self.log(INFO, "ready: %s, boot %d, %s", site["device"], self.outbox.boots, board.name)

    # Boot

    def configure(self, path):
        """Adopt the configuration; return what it says of the board itself."""
        boots = self.outbox.boots
        oldest = self.outbox.find()
        needed = boot_of(oldest) if oldest else boots
        self.problem = self.settings.adopt(boots, needed, path)
        if self.problem:
            self.log(ERROR, "%s", self.problem)
        site = self.settings.read("site")
        if not site:
            raise ValueError(self.problem)
        self.log.level = site["log"]
        return site

    def wire(self):
        """Make the points, and the button that acknowledges, if there is one."""
        make = borrow("wiring").make
        self.points = [make(self.board, point) for point in self.settings.points()]
        button = self.settings.read("acknowledge")
        if button:
            self.button = make(self.board, button)

    def restore(self):
        """Put the points where they were before the boot."""
        gone = []
        now = self.clock.now()
        for record in self.outbox.replay():
            point = self.find(record.tag)
            if not point:
                gone.append(record.tag)
                continue
            state = record.state - 1
            point.announced = record.announced
            point.began = record.since
            shelved = int(1000 * (record.value or 0)) if name(record) == "SHELVE" else 0
            self.alarms.restore(point, state & 7, record.occurrence, now, state >> 3, shelved)
        for tag in gone:
            self.outbox.forget(tag)

    def why(self):
        """Return what the boot mail tells of this boot."""
        text = self.board.reset_cause()
        if self.outbox.damaged:
            text += "\n%d files of the outbox were damaged" % self.outbox.damaged
        if self.problem:
            text += "\n" + self.problem
        return shorten(text)

    # What comes in

    def find(self, tag):
        """Return the point of a tag, or None."""
        for point in self.points:
            if point.tag == tag:
                return point
        return None

    def watch(self):
        """Sample the inputs, put what follows on flash, feed the watchdog.

        Also what a send_mail() of the user's is given as `idle`. Raises nothing.
        """
        if self.watching:
            return  # called from an interrupt in the midst of it
        self.watching = True
        try:
            self.accept(self.sample())
        except Exception as error:
            self.fail(error)
        finally:
            self.watching = False

    def sample(self):
        """Sample the inputs, feed the watchdog; return the time."""
        now = self.clock.now()
        alarms = self.alarms
        for point in self.points:
            alarms.sample(point, point.read(now), now, point.reading)
        alarms.poll(now)
        if self.dog and now - self.turned < _STUCK:
            self.dog.feed()
        return now

    def accept(self, now):
        """Put the notices on flash, the oldest first; where flash fails they wait in RAM."""
        out = self.alarms.out
        while out and now >= self.next_accept:
            try:
                self.keep(out[0])
            except OSError:
                self.next_accept = now + _LOOK
                raise
            del out[0]
        if len(out) > _KEPT:
            del out[0]
            self.lost += 1

    def keep(self, notice):
        """Put a notice on flash, and with it the state of its point."""
        point = self.find(notice.tag)
        kind = notice.kind
        record = self.record(point, kind, notice.state, notice.time, notice.since)
        record.occurrence = notice.occurrence
        record.value = notice.count or notice.value
        record.to = point.to[_TO.get(kind, 0)]
        record.text = "first" if notice.first else "unseen" if notice.unseen else ""
        if kind == "FLOOD":
            record.priority = 3
        begins = kind in _BEGINS and notice.since == notice.time
        if begins:
            record.announced = b""
        key = self.append(record)
        if begins:
            point.announced = key
        self.log(INFO, "%s %s, occurrence %d", notice.tag, kind, notice.occurrence)

    def record(self, point, kind, state, time, since):
        """Return the record of a point; `since` is None where it was before this boot."""
        return Record(
            number(kind),
            point.tag,
            1 + state + 8 * point.before,
            point.priority,
            point.occurrence,
            time // 1000,
            announced=point.announced,
            since=point.began if since is None else since // 1000,
        )

    def put(self, kind, priority, text=""):
        """Put a notice that is of no point on flash; return its key."""
        now = self.clock.now() // 1000
        return self.append(
            Record(number(kind), "", 0, priority, 0, now, None, self.system, text)
        )

    def append(self, record):
        """Put a record on flash; return its key."""
        key = self.outbox.append(record)
        self.notifier.wake(record.priority == 3)
        return key

    def command(self, tag, event, duration=_SHELF):
        """Give a command of an operator: ack, reset, shelve, unshelve, out, return.

        duration: of shelve, in ms
        """
        point = self.find(tag)
        if not point:
            raise ValueError("tag: %s: no such point" % tag)
        before = point.state
        now = self.clock.now()
        self.alarms.step(point, event, now, duration)
        if point.state == before:
            return
        self.log(INFO, "%s %s", tag, event)
        if not self.alarms.out:
            self.outbox.set_state(self.record(point, "STATE", point.state, now, point.since))

    def acknowledge(self):
        """Acknowledge all that is to be acknowledged."""
        for point in self.points:
            self.command(point.tag, "ack")

    def say(self, text, priority):
        """Take a text of notify(), for the next turn; tell whether there was room."""
        texts = self.texts
        for at in range(0, 2 * _TEXTS, 2):
            if texts[at] is None:
                texts[at + 1] = priority
                texts[at] = text
                return True
        self.lost += 1
        return False

    # The main loop

    def turn(self):
        """Do what is due; raises nothing but what ends a program."""
        now = self.clock.now()
        self.turned = now
        self.watch()
        try:
            self.board.link.poll(now)
            self.take_texts()
            self.synchronize(now)
            if self.button and self.button.pressed(now):
                self.acknowledge()
            if now >= self.next_look:
                self.next_look = now + _LOOK
                self.look(now)
            if self.board.link.up:
                self.notifier.step(now)
            self.in_a_row = 0
        except Exception as error:
            self.fail(error)

    def take_texts(self):
        """Put the texts of notify() on flash."""
        texts = self.texts
        for at in range(0, 2 * _TEXTS, 2):
            if texts[at] is not None:
                self.put("TEXT", texts[at + 1], texts[at])
                texts[at] = None

    def synchronize(self, now):
        """Ask for the time; the first answer dates all notices of this boot."""
        offset = self.sntp and self.sntp.poll(now)
        if not offset:
            return
        borrow("sntp").set_rtc(offset + now // 1000)
        known = self.outbox.offset()
        if abs(offset - known) < _DRIFT:
            return
        if known and self.outbox.find():
            return  # what waits must keep its Date
        self.outbox.set_offset(offset, True)
        self.log(INFO, "clock set, %+d s", offset - known if known else 0)
        self.schedule_heartbeat(now)
        self.notifier.wake()

    def look(self, now):
        """Look at the board itself, once a second."""
        link = self.board.link
        if link.up and not self.linked:
            self.notifier.wake(True)
        self.linked = link.up
        sntp = self.sntp
        heard = sntp and sntp.heard
        self.set("LINK", not link.up)
        self.set("GATEWAY", self.notifier.failing)
        self.set("OUTBOX", self.outbox.find(b"", OVERFLOWS) is not None)
        self.set("WATCHDOG", now < _RESET and self.board.reset_cause() == "watchdog")
        self.set("CLOCK", sntp and (heard is None or now - heard > _LOST))
        if now >= self.next_collect:
            self.next_collect = now + _COLLECT
            gc.collect()
            self.set("HEAP", free() < _HEAP)
        if now >= self.next_heartbeat:
            if not (self.heartbeat and self.outbox.read(self.heartbeat)):
                self.heartbeat = self.put("HEARTBEAT", 0)
            self.schedule_heartbeat(now)

    def set(self, tag, active):
        """Tell a system point whether its alarm is there."""
        point = self.find(tag)
        if active:
            point.set()
        else:
            point.clear()

    def schedule_heartbeat(self, now):
        """Find when the next heartbeat is due: at its time of the day, or in a day."""
        if self.beat is not None:
            offset = self.outbox.offset()
            wait = (self.beat - offset - now // 1000 - 1) % 86400 + 1 if offset else 86400
            self.next_heartbeat = now + 1000 * wait

    def fail(self, error):
        """Count a failure of ours; after too many in a row reset the board."""
        now = self.clock.now()
        self.failures += 1
        self.in_a_row += 1
        if self.in_a_row == 1:
            self.failing_since = now
        self.failure = shorten("%s: %s" % (type(error).__name__, error))
        self.log(ERROR, "failure %d: %s", self.failures, self.failure)
        gc.collect()
        if self.in_a_row >= _FAILURES and now - self.failing_since >= _PATIENCE:
            self.log(ERROR, "reset after %d failures in a row", self.in_a_row)
            try:
                self.put("TEXT", 3, "reset after repeated failure: " + self.failure)
            finally:
                self.board.reset()


def name(record):
    """Return the name of the kind of a record."""
    return KINDS.split(" ")[record.kind]


def number(kind):
    """Return the number of a kind of records."""
    return KINDS.split(" ").index(kind)


def shorten(text):
    """Return a text that fits in a record."""
    while len(text.encode()) > _TEXT:
        text = text[: len(text) * _TEXT // len(text.encode()) - 1]
    return text


def free():
    """Return the octets of heap that are free; CPython has enough."""
    return gc.mem_free() if hasattr(gc, "mem_free") else _HEAP


# What programs of a user call

_app = None


def start(board=None, root="", clock=None):
    """Boot the notifier where that has not happened, and return the `App`.

    board: the hardware; the module `board` where it is not given
    """
    global _app  # noqa: PLW0603
    if not _app:
        if not board:
            import board
        _app = App(board, root, clock)
    return _app


def alarm(tag):
    """Return the alarm point of a tag, which config.json has as of the type "software".

    Its methods set() and clear() may be called from a soft interrupt: they only note it, and
    allocate nothing. The next turn of the loop takes it from there.
    """
    point = start().find(tag)
    if not hasattr(point, "set"):
        raise ValueError('alarm: %s: give the tag of a point of the type "software"' % tag)
    return point


def notify(text, priority="medium"):
    """Mail a text of up to 500 octets (UTF-8) to the list "system".

    priority: high, medium, low or diagnostic

    May be called from a soft interrupt: it only notes the text, and allocates nothing where that
    has at most 125 characters. Returns False where 8 texts wait already for the next turn.
    Raises ValueError naming the argument.
    """
    if priority not in _PRIORITIES:
        raise ValueError("priority: %r: give high, medium, low or diagnostic" % (priority,))
    if len(text) > _TEXT // 4 and len(text.encode()) > _TEXT:
        raise ValueError("text: %d octets: give 500 at most" % len(text.encode()))
    return start().say(text, _PRIORITIES[priority])


def acknowledge(tag):
    """Acknowledge the alarm of a tag."""
    start().command(tag, "ack")


def run(board=None):
    """Run the notifier for ever; where it cannot boot, say why and reset the board in a minute."""
    try:
        app = start(board)
    except Exception as error:
        print("error: cannot boot: %s: %s" % (type(error).__name__, error))
        sleep(60)
        if not board:
            import board
        board.reset()
        return
    while True:
        app.turn()
        sleep(_TURN / 1000)
