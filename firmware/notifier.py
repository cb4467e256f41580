"""From the outbox to the gateways: a mail is rendered, offered, and what comes of it settled.

Theory of operation. `step()` is called each turn of the main loop and hands over one mail at most.
`choice.py` finds what may be mailed now; where nothing may, it finds when, so that a turn costs
nothing. A mail is one notice, or a bundle: a record of its own that covers the notices of one
audience up to a key, and is on flash before it is sent. So a mail has the same Message-ID and Date
however often it is sent, and whatever the power does.

Rules
1. The gateways are tried in order. The next one gets a mail after a network failure, 4xx or 5xx,
   but not after an unknown outcome; then the mail is repeated later, at that gateway first. What
   may have been sent keeps its Message-ID and Date whatever comes next: see `doubt`.
2. Recipients whom each gateway refuses with 5xx are parked.
3. A gateway that fails makes everything wait; a mail that is refused for now only itself and, for
   the same recipients, what comes after it of its tag.
4. A mail that fails for a fault of ours is parked after a few times; it must not stop others. But
   where a heap that is not new lacks memory for it, a reset comes first, which makes that whole.
"""

import gc
import sys
from os import urandom

from borrow import borrow, room
from log import DEBUG, ERROR, INFO, WARNING
from outbox import PENDING

try:
    from micropython import const
except ImportError:  # CPython
    const = int

# An error is known by what it has: its class would have to be imported.
# pyright: reportAttributeAccessIssue=false

RETRY = 30000
RETRY_MOST = 900000
"""How long to wait before a mail is repeated, in ms: times 1.5 to 2.5, doubling."""

_STAY = const(900000)  # ms with a gateway that works, before the first one is tried again
_IN_A_ROW = const(3)  # failures of a mail that are no accident
_OLD = const(3600000)  # ms of uptime after which a heap may have no place for what it held before
_SHORTEST = const(4)
_ROOM = const(24576)  # octets of heap: rendering a digest takes some 15 kB, and pieces are lost


class Notifier:
    """Mails what is in the outbox.

    app: the board's `App`: its outbox, settings, clock, log, points and watch()
    site: the configuration of the board itself

    failing: whether the last attempt found no gateway that answers
    sent, deferred: how many mails were taken, how many were not for now
    short: how often the tables of digests are halved, since heap is short
    shared: whether a program of the user's has the client, too, and so the classes of its errors
    """

    failing = waiting = shared = False
    sent = deferred = 0
    due = delay = row = gateway = stay = failures = short = 0
    client = out = broken = None
    again = None  # key and recipients of a mail of unknown outcome
    doubt = None  # by key of what may have been sent: who may have it, and who refused it for good

    def __init__(self, app, site):
        self.app = app
        self.outbox = app.outbox
        self.clock = app.clock
        self.log = app.log
        self.idle = app.listen
        self.window = site["window"]
        self.ceiling = site["ceiling"]
        self.gateways = site["gateways"]
        self.name = site["device"]
        if "smtp_client" in sys.modules:
            self.shared = True
        self.connect()
        if hasattr(gc, "mem_free"):
            room[:] = [self.make_room]
        self.single = []  # time and recipients of each mail about one alarm, of `_SPAN`
        self.digests = []  # the same of digests, of `_SPACE`
        self.later = {}  # by key, until when a mail waits that was refused for now, and how long

    def wake(self, high=False):
        """Look again at what may be mailed.

        high: whether it is urgent, a high notice or a link that is back; it ends every wait
        """
        if high or not self.waiting:
            self.due = 0
        if high:
            self.delay = 0
            self.later.clear()

    def step(self, now):
        """Hand over one mail where one is due; tell whether one was."""
        if now < self.due:
            return False
        found = self.pick(now)
        if not found:
            if self.client:
                self.client.close()
            return False
        self.due = 0
        key, to = found
        try:
            self.mail(key, to)
        except Exception as error:
            if isinstance(error, MemoryError) and self.short < _SHORTEST:
                self.short += 1  # digests have shorter tables from now on
            self.wait(now)
            self.failures = self.failures + 1 if self.broken == key else 1
            self.broken = key
            if self.failures == _IN_A_ROW:
                if isinstance(error, MemoryError) and now >= _OLD:
                    self.log(ERROR, "reset, the heap is in pieces")
                    self.app.board.reset()
                self.outbox.remove(key, to, to)
                self.again = None
                self.due = 0
            raise
        return True

    def pick(self, now):
        """Return the key of what may be mailed now, and to whom; else None, and set `due`."""
        self.waiting = False
        self.due = now + RETRY_MOST
        choice = borrow("choice").Choice(self, now)
        found = choice.pick()
        self.due = min(self.due, choice.due)  # idle() may have found something urgent
        return found

    def mail(self, key, to):
        """Offer a mail to the gateways and do what follows."""
        gc.collect()
        record = self.outbox.read(key)
        if record:
            to &= record.to
            self.again = None
            dated = self.outbox.offset(key)
            parts, addresses = self.render(record, dated)
            self.connect()
            gc.collect()
            from mail import AlarmMail

            result = self.offer(AlarmMail(*parts), addresses, to)
            parts = None
            borrow("outcome").Outcome(self, record, to).settle(*result)
        else:  # flash has lost it, or an overflow counts it meanwhile
            self.outbox.remove(key)
            self.again = None

    def render(self, record, dated):
        """Return what AlarmMail takes, and the addresses."""
        gc.collect()
        if hasattr(gc, "mem_free") and gc.mem_free() < _ROOM:
            self.make_room()
            gc.collect()
            while self.short < 2 and gc.mem_free() < _ROOM - 2048 * self.short:
                self.short += 1
        try:
            return borrow("notices").render(self.app, record, dated)
        except MemoryError:
            if self.short == _SHORTEST:
                raise
        self.short += 1
        return self.render(record, dated)

    def make_room(self):
        """Let the client and its code go, which take some 11 kB, where it is not at work.

        The code may be there without a client: where memory was short in the midst of connect().
        """
        if self.client:
            if self.client.busy:
                return
            self.client.close()
        self.client = None
        for name in list(sys.modules):
            if name == "mail" or (name.startswith("smtp_client") and not self.shared):
                del sys.modules[name]

    def connect(self):
        """Have a client."""
        if not self.client:
            gc.collect()  # what rendered is gone: its place comes together again
            from smtp_client import SMTPClient

            if self.short and self.clock.now() >= _OLD:  # it may have no place when it fails
                import smtp_client.errors  # noqa: F401
            if self.out is not None:
                SMTPClient.out = self.out
            self.client = SMTPClient(*self.gateways[self.gateway])
            self.out = self.client.out
            self.client.name = self.name
            self.client.stream.idle = self.idle

    def offer(self, mail, addresses, to):
        """Offer a mail to one gateway after another.

        Returns who has it, whom each gateway refused for good, and whether nobody knows.
        """
        left = hard = to
        count = len(self.gateways)
        if self.clock.now() >= self.stay:
            self.use(0)
        first = self.gateway
        talked = False
        for number in range(count):
            self.use((first + number) % count)
            mail.envelope = [addresses[bit] for bit in bits(left)]
            refused, error = self.send(mail)
            if error and error.outcome == "unknown":
                return to & ~left, 0, True
            if error and no_word_on_mail(error):
                hard = 0
                continue
            talked = True
            for bit in bits(left):
                problem = error or refused.get(addresses[bit])
                if not problem:
                    left &= ~(1 << bit)
                elif problem.transient:
                    hard &= ~(1 << bit)
            if not left:
                break
        if not talked:
            self.use(first)
        self.failing = not talked
        return to & ~left, left & hard, False

    def use(self, number):
        """Talk to another gateway."""
        if number != self.gateway:
            self.client.close()
            self.gateway = number
            self.stay = self.clock.now() + _STAY
            self.client.server = tuple(self.gateways[number])

    def send(self, mail):
        """Offer a mail to one gateway; return the recipients refused, and what it failed of."""
        start = self.clock.now()
        try:
            refused = self.client.send(mail, None, self.outbox.count(PENDING) < 2)
        except Exception as error:
            if not hasattr(error, "outcome"):
                raise
            unknown = ", may have it" if error.outcome == "unknown" else ""
            self.tell(WARNING, mail, str(error) + unknown, start)
            if hasattr(error, "recipients"):
                return error.recipients, None
            return {}, error
        for address in refused:
            self.tell(WARNING, mail, address + ": " + str(refused[address]), start)
        self.tell(INFO, mail, "sent to %d" % (len(mail.envelope) - len(refused)), start)
        return refused, None

    def tell(self, level, mail, text, start):
        """Log what came of a mail."""
        host, port = self.client.server
        took = self.clock.now() - start
        self.log(level, "mail %s: %s, %s:%d, %d ms", mail.subject, text, host, port, took)

    def wait(self, now):
        """Let everything wait."""
        self.row = 0
        self.waiting = True
        self.delay = min(2 * self.delay, RETRY_MOST) or RETRY
        wait = jitter(self.delay)
        self.due = now + wait
        self.log(DEBUG, "next attempt in %d s", wait // 1000)


def no_word_on_mail(error):
    """Tell whether a gateway failed or refused before it knew of a mail."""
    return error.code is None or error.stage in ("CONNECT", "EHLO", "HELO") or error.code == 421


def bits(mask):
    """Return the numbers of the bits that are set."""
    return [bit for bit in range(30) if mask >> bit & 1]


def jitter(delay):
    """Return a delay times 1.5 to 2.5, 900 s at most; so boards do not come all at once."""
    return min(delay * (384 + urandom(1)[0]) // 256, RETRY_MOST)
