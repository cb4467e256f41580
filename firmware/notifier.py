"""From the outbox to the gateways: what is mailed when, together with what, and what then.

Theory of operation. `step()` is called each turn of the main loop and hands over one mail at most.
`pick()` finds what may be mailed now; where nothing may, it finds when, so that a turn costs
nothing. A mail is one notice, or a bundle: a record of its own that covers the notices of one
audience up to a key, and is on flash before it is sent. So a mail has the same Message-ID and Date
however often it is sent, and whatever the power does.

Rules
1. High ones go first and at once, others when a window has collected what belongs together; within
   these, and of one tag in any case, the oldest first.
2. Within 600 s an audience gets at most `ceiling` mails about one alarm each. What exceeds it, and
   what came together, goes in a digest: 300 s after the last one, 60 s when a high one waits.
3. A mail whose outcome is unknown comes first, alone, with the same Message-ID and Date. Only what
   a definite answer freed may be mailed in another company.
4. The gateways are tried in order. The next one gets a mail after a network failure, 4xx or 5xx,
   but not after "unknown". Recipients whom each of them refuses with 5xx are parked.
5. A gateway that fails makes everything wait; a mail that is refused for now only itself and, for
   the same recipients, what comes after it of its tag.
"""

from os import urandom

from borrow import borrow
from clock import utc
from log import DEBUG, INFO, WARNING
from mail import AlarmMail
from outbox import BUNDLE, BUNDLES, KINDS, OVERFLOW, PENDING, Record, boot_of
from smtp_client import SMTPClient

try:
    from micropython import const
except ImportError:  # CPython
    const = int

NEVER = 1 << 60

_HIGH = b"\4"  # ranks of the outbox
_OTHER = b"\1\2\3\5"
_SPAN = const(600000)  # ms, in which the ceiling holds
_SPACE = const(300000)  # between digests: Alertmanager's group_interval
_SPACE_HIGH = const(60000)
_CLOCK = const(30000)  # what is not high waits so long for the clock at first
_RETRY = const(30000)  # times 1.5 to 2.5, doubling
_RETRY_MOST = const(900000)
_STAY = const(900000)  # with a gateway that works, before the first one is tried again
_IN_A_ROW = const(3)  # mails refused for now, or failures of one, that are no accident
_LATER = const(16)  # mails that wait by themselves

# Kinds of records: indices into `outbox.KINDS`.
_QUIET = const(9)  # SHELVE, UNSHELVE, OUT ...
_QUIET_LAST = const(12)  # ... RETURN: in digests only
_TEXT = const(15)
_BESIDES = const(16)  # from BOOT and HEARTBEAT on: at once, and no part of the ceiling


class Notifier:
    """Mails what is in the outbox.

    app: the board's `App`: its outbox, settings, clock, log, points and watch()
    site: the configuration of the board itself

    failing: whether the last attempt found no gateway that answers
    sent, deferred: how many mails were taken, how many were not for now
    """

    failing = waiting = False
    sent = deferred = 0
    due = delay = row = gateway = stay = faults = 0
    again = broken = None  # again: key, recipients, whether it had a Date

    def __init__(self, app, site):
        self.app = app
        self.outbox = app.outbox
        self.settings = app.settings
        self.clock = app.clock
        self.log = app.log
        self.idle = app.watch
        self.window = site["window"]
        self.ceiling = site["ceiling"]
        self.gateways = site["gateways"]
        self.client = SMTPClient(*self.gateways[0])
        self.client.hostname = site["device"]
        self.client.stream.idle = self.idle
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
        self.waiting = False
        found = self.pick(now)
        if not found:
            self.client.close()
            return False
        key, to = found
        try:
            self.mail(key, to)
        except Exception:  # a fault of ours: it must not stop the mails behind it
            self.wait(now)
            self.faults = self.faults + 1 if self.broken == key else 1
            self.broken = key
            if self.faults == _IN_A_ROW:
                self.settle(self.outbox.read(key), 0, to)
                self.forget(key)
            raise
        return True

    # What is due

    def pick(self, now):
        """Return the key of what may be mailed now, and to whom; else None, and set `due`."""
        self.due = NEVER
        if self.again:
            return self.again[:2]
        bundle = self.outbox.find(b"", BUNDLES)
        if bundle:
            return bundle, -1
        return self.search(_HIGH, now) or self.search(_OTHER, now)

    def search(self, ranks, now):
        """Return the oldest of these ranks that may be mailed now, and to whom."""
        outbox = self.outbox
        waiting = []  # audiences
        blocked = {}  # by tag: recipients who must get something else of it first
        key = outbox.find(b"", ranks)
        while key:
            record = outbox.read(key)
            if record:
                first = blocked.get(record.tag, 0)
                found = record.to not in waiting and self.consider(record, first, now)
                if found:
                    return found
                if record.tag:
                    blocked[record.tag] = first | record.to
                if key not in self.later and record.to not in waiting:
                    waiting.append(record.to)
            else:
                outbox.remove(key)
            self.idle()
            key = outbox.find(key, ranks)
        return None

    def look_at(self, time):
        """Look again at this time, or before."""
        if time < self.due:
            self.due = time

    def consider(self, record, blocked, now):
        """Return what is to be mailed for the sake of a notice, and to whom; None: it must wait."""
        to = record.to & ~blocked
        opens = self.opens(record, now)
        if opens > now or not to:
            return self.look_at(opens) if to else None
        kind = record.kind
        besides = kind >= _BESIDES
        high = record.priority == 3
        room = now if besides else self.room(to, now)
        space = self.spaced(to, _SPACE_HIGH if high else _SPACE)
        if besides or kind == OVERFLOW or to != record.to:  # no part of a bundle
            at = space if kind == OVERFLOW else room
            return (record.key, to) if at <= now else self.look_at(at)
        if _QUIET <= kind <= _QUIET_LAST:
            room = NEVER
        # One of an earlier boot may have been on its way when that ended.
        alone = high or boot_of(record.key) != self.outbox.boots
        tag = ""
        if not alone:
            alone, tag = self.company(record)
        if room <= now and (alone or tag):
            return (record.key, to) if alone else self.bind(record, tag, now)
        if space <= now:
            return self.bind(record, "", now)
        return (record.key, to) if room <= now else self.look_at(min(room, space))

    def opens(self, record, now):
        """Return when a notice may be mailed, as far as it is up to itself."""
        later = self.later.get(record.key)
        if later:
            return later[0]
        if record.priority == 3:
            return now
        if not self.outbox.offset() and now < _CLOCK:
            return _CLOCK
        if record.kind >= _BESIDES or boot_of(record.key) != self.outbox.boots:
            return now
        return record.uptime * 1000 + self.window

    def company(self, record):
        """Tell whether a notice is alone with its recipients, and of what tag all are, or ""."""
        count = 0
        tag = record.tag
        key = self.outbox.find()
        while key:
            other = self.outbox.read(key)
            if other and other.to == record.to and OVERFLOW < other.kind <= _TEXT:
                count += 1
                if other.tag != tag or other.occurrence != record.occurrence:
                    tag = ""
                if count > 1 and not tag:
                    break
            self.idle()
            key = self.outbox.find(key)
        return count == 1, tag

    def bind(self, record, tag, now):
        """Bundle what waits for the same recipients; return its key and them."""
        key = last = record.key
        while key:
            last = key
            key = self.outbox.find(key)
        bundle = Record(BUNDLE, "", 0, record.priority, 0, now // 1000, None, record.to, tag, last)
        return self.outbox.append(bundle), record.to

    def room(self, to, now):
        """Return when these recipients may have a further mail about one alarm."""
        single = self.single
        while single and now - single[0] >= _SPAN:
            del single[:2]
        count = 0
        for at in range(len(single) - 2, -1, -2):
            if single[at + 1] & to:
                count += 1
                if count == self.ceiling:
                    return single[at] + _SPAN
        return now

    def spaced(self, to, space):
        """Return when these recipients may have a further digest."""
        digests = self.digests
        for at in range(len(digests) - 2, -1, -2):
            if digests[at + 1] & to:
                return digests[at] + space
        return 0

    # One mail

    def mail(self, key, to):
        """Offer a mail to the gateways and do what follows."""
        outbox = self.outbox
        record = outbox.read(key)
        if not record:  # flash has lost it, or an overflow counts it meanwhile
            outbox.remove(key)
            self.forget(key)
            return
        to &= record.to
        dated = outbox.offset(key) and (not self.again or self.again[2])
        mail, addresses = self.render(record, dated)
        took, parked, unknown = self.offer(mail, addresses, to)
        now = self.clock.now()
        self.again = (key, to, dated) if unknown else None
        if took or unknown:
            self.spend(record, to, now)
        if unknown:
            self.wait(now)
            return
        self.settle(record, took, parked)
        if took:
            self.sent += 1
        if to == took | parked:
            self.forget(key)
            self.delay = self.row = 0
        elif self.failing:
            self.wait(now)
        else:
            self.defer(record, now)

    def spend(self, record, to, now):
        """Note for the ceiling that a mail was sent."""
        kind = record.kind
        if kind == OVERFLOW or (kind == BUNDLE and not record.text):
            digests = self.digests
            while digests and now - digests[0] >= _SPACE:
                del digests[:2]
            digests.extend((now, to))
        elif kind < _BESIDES or kind == BUNDLE:
            self.single.extend((now, to))

    def render(self, record, dated):
        """Return a mail, and the addresses that recipients are bits of."""
        outbox = self.outbox
        settings = self.settings
        settings.at(boot_of(record.key))
        notices = borrow("notices")
        context = borrow("status").Status(self.app)
        members = outbox.members(record) if record.kind == BUNDLE else ()
        recipients, subject, body = notices.compose(record, members, settings, outbox, context)
        site = settings.read("site")
        settings.at(outbox.boots)
        key = record.key
        uid = self.app.board.uid
        thread = record.announced if record.tag and record.announced != key else b""
        return AlarmMail(
            site["sender"],
            recipients,
            subject,
            body,
            notices.message_id(uid, key),
            utc(outbox.offset(key) + record.uptime) if dated else None,
            thread and notices.message_id(uid, thread),
        ), site["addresses"]

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
            self.tell(WARNING, mail, str(error) + " (" + error.outcome + ")", start)
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

    # What then

    def settle(self, record, took, parked):
        """Let the outbox know who has a mail, and who will never have it."""
        key = record.key
        if record.kind == BUNDLE:
            if took:
                self.announce(record)
            self.outbox.remove(key, took | parked, parked)  # with 0 it is dissolved
        elif took or parked:
            self.outbox.remove(key, took | parked, parked)
        if parked:
            self.log(WARNING, "parked: %s", record.tag or KINDS[record.kind])

    def announce(self, bundle):
        """Let what follows refer to the bundle that an occurrence was announced in."""
        for point in self.app.points:
            if bundle.key[:3] == point.announced[:3] and point.announced <= bundle.announced:
                notice = self.outbox.read(point.announced)
                if notice and notice.to == bundle.to and bundle.text in ("", notice.tag):
                    point.announced = bundle.key

    def forget(self, key):
        """Do not think of a mail any more."""
        self.later.pop(key, None)
        self.again = self.broken = None

    def defer(self, record, now):
        """Let a mail wait by itself, or all of them where it is not the only one."""
        self.deferred += 1
        self.row += 1
        if self.row == _IN_A_ROW or len(self.later) == _LATER:
            self.later.clear()
            self.wait(now)
        elif record.kind != BUNDLE:  # a bundle is gone, what it had in it is bundled anew
            key = record.key
            delay = min(2 * self.later[key][1], _RETRY_MOST) if key in self.later else _RETRY
            self.later[key] = now + jitter(delay), delay

    def wait(self, now):
        """Let everything wait."""
        self.row = 0
        self.waiting = True
        self.delay = min(2 * self.delay, _RETRY_MOST) or _RETRY
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
    return min(delay * (384 + urandom(1)[0]) // 256, _RETRY_MOST)
