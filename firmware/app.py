"""The notifier of a board: its state, and the main loop; `alarmpost.py` is for programs of users.

Theory of operation. A turn of the loop samples the inputs, puts what follows on flash, and then
hands over one mail at most. A mail takes its time; whatever waits in it calls `watch()`, the first
half of a turn. The watchdog is fed there: after every input was read, and only as long as turns
come to an end.
"""

from time import sleep

from borrow import borrow, tidy
from log import ERROR, INFO
from outbox import KINDS, Record

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

# `startup.py` gives an App most of what it has; `board` is one of the folder boards/.
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

_TURN = const(5)  # ms to sleep
_STUCK = const(600000)  # ms that a turn may take: a mail to each of a few gateways
_RETRY = const(1000)  # ms, where flash fails
_HOPELESS = const(1000)  # failures in a row, of which upkeep.py could not take care
_KEPT = const(100)  # notices in RAM while it does

TEXTS = 8
"""How many texts of notify() wait until the next turn."""

# Of each kind of notice in the order of `KINDS`, which mask of `Input.to` it goes to.
_TO = const(b"\0\0\1\2\2\3\0\0\1\0\0\0\0\0\0")
_BEGINS = const(b"\1\3\7")  # RAISE, FAULT, CHATTER: an occurrence


class App:
    """The notifier of a board.

    board: the hardware, as boards/README.md tells
    root: the folder of config.json and of what the notifier keeps

    Raises ValueError, in one line, where there is no configuration that could be used.
    """

    failures = in_a_row = lost = 0
    failing_since = next_look = next_accept = turned = 0
    watching = told = False
    linked = True  # what upkeep.py has seen: whether the link was up, a gateway failing
    failing = False
    dog = button = line = None

    def __init__(self, board, root="", clock=None):
        borrow("startup").boot(self, board, root, clock)

    # From the inputs to flash

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

    def listen(self):
        """Watch, and take what is typed on the console, an octet each time; raises nothing."""
        self.watch()
        try:
            for stdin, _ in self.poller.ipoll(0):
                key = stdin.read(1)
                line = self.line or borrow("console").Line(self)
                self.line = line.take(stdin, key)
        except Exception:  # no memory for it, say; the next octet tries again
            self.lost += 1

    def sample(self):
        """Sample the inputs, feed the watchdog; return the time."""
        now = self.clock.now()
        alarms = self.alarms
        alarms.poll(now)
        for point in self.points:
            condition = point.read(now)
            if condition != point.condition:
                tidy()
                alarms.sample(point, condition, now, point.reading)
            elif point.value is not point.reading:
                point.value = point.reading
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
                self.next_accept = now + _RETRY
                raise
            del out[0]
            if out:
                self.sample()  # each takes its time where flash has to be erased
        if len(out) > _KEPT:
            del out[0]
            self.lost += 1

    def keep(self, notice):
        """Put a notice on flash, and with it the state of its point."""
        tidy()
        point = self.find(notice.tag)
        kind = notice.kind
        record = self.record(point, kind, notice.state, notice.time, notice.since)
        record.occurrence = notice.occurrence
        record.value = notice.count or notice.value
        if kind == "SHELVE":
            record.value = (point.until - notice.time) // 1000
        record.to = point.to[_TO[record.kind]]
        record.text = "first" if notice.first else "unseen" if notice.unseen else ""
        if kind == "FLOOD":
            record.priority = 3
        begins = record.kind in _BEGINS and notice.since == notice.time
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
            self.clock.seconds(time),
            announced=point.announced,
            since=point.began if since is None else self.clock.seconds(since),
        )

    def append(self, record):
        """Put a record on flash; return its key, b"" where nobody is to get it."""
        if not record.to:
            borrow("outbox.states").keep(self.outbox, record)
            return b""
        key = self.outbox.append(record)
        self.notifier.wake(record.priority == 3)
        return key

    # The main loop

    def turn(self):
        """Do what is due; raises nothing but what ends a program."""
        self.turned = now = self.clock.now()
        failures = self.failures
        self.listen()
        try:
            link = self.board.link
            link.poll(now)
            offset = self.sntp and self.sntp.poll(now)
            if offset:
                borrow("upkeep").synchronize(self, now, offset)
            if (
                now >= self.next_look
                or self.told
                or self.log.kept
                or link.up != self.linked
                or self.notifier.failing != self.failing
                or (self.button and self.button.pressed(now))
            ):
                borrow("upkeep").look(self, now)
            if link.up:
                self.notifier.step(self.clock.now())
            if self.failures == failures:
                self.in_a_row = 0
        except Exception as error:
            self.fail(error)

    def fail(self, error):
        """Count a failure of ours; too many in a row reset the board."""
        self.failures += 1
        self.in_a_row += 1
        try:
            if isinstance(error, MemoryError):
                self.notifier.make_room()
            text = "%s: %s" % (type(error).__name__, error)
            self.log(ERROR, "failure %d: %s", self.failures, text)
            borrow("upkeep").failed(self, text)
        except Exception:  # no memory even for that; the next failure tries again
            if self.in_a_row >= _HOPELESS:
                self.board.reset()


def number(kind):
    """Return the number of a kind of records."""
    return KINDS.split(" ").index(kind)


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
