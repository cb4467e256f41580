"""What follows when a mail was offered to the gateways; borrowed for that."""

from log import WARNING
from notifier import RETRY, RETRY_MOST, jitter
from outbox import BUNDLE, KINDS, OVERFLOW

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_BESIDES = const(16)  # kinds from BOOT on, of the board itself
_IN_A_ROW = const(3)  # mails refused for now that are no accident
_LATER = const(16)  # mails that wait by themselves


class Outcome:
    """What came of a mail.

    record: the notice or bundle that was mailed
    to: its recipients
    """

    def __init__(self, notifier, record, to):
        self.notifier = notifier
        self.outbox = notifier.outbox
        self.record = record
        self.to = to
        self.now = notifier.clock.now()

    def settle(self, took, parked, unknown):
        """Let the outbox know, and find when to go on.

        took, parked: the recipients who have it, and whom every gateway refused for good
        unknown: whether nobody knows of the others
        """
        notifier = self.notifier
        doubt = notifier.doubt
        key = self.record.key
        left = self.to & ~took & ~parked
        if took or unknown:
            self.spend()
        if took:
            notifier.sent += 1
            notifier.taken = notifier.clock.seconds(self.now)
        if self.record.kind == BUNDLE and left and (unknown or key in doubt):
            doubt[key] = left, parked | doubt.get(key, (0, 0))[1]  # it must stay what it is
        else:
            self.close(took, parked)
            if unknown:
                doubt[key] = left, 0
        if unknown:
            notifier.again = key, left
            notifier.wait(self.now)
        elif not left:
            forget(notifier.later, key)
            notifier.delay = notifier.row = 0
        elif notifier.failing:
            notifier.wait(self.now)
        else:
            self.wait()

    def close(self, took, parked):
        """Let the outbox know of those who have it, and where nobody is left, be in no doubt."""
        record = self.record
        if not self.to & ~took & ~parked:
            before = forget(self.notifier.doubt, record.key)[1]
            if record.kind == BUNDLE:
                parked |= before
                took = record.to & ~parked
        self.tell(took, parked)

    def spend(self):
        """Note for the ceiling that a mail was sent."""
        record = self.record
        spent = self.now, self.to
        if record.kind == OVERFLOW or (record.kind == BUNDLE and not record.text):
            self.notifier.digests.extend(spent)
        elif record.kind < _BESIDES or record.kind == BUNDLE:
            self.notifier.single.extend(spent)

    def tell(self, took, parked):
        """Let the outbox know who has a mail, and who will never have it."""
        record = self.record
        if record.kind == BUNDLE and took:
            self.refer()
        if took or parked:
            self.outbox.remove(record.key, took | parked, parked)
        if parked:
            name = record.tag or KINDS.split(" ")[record.kind]
            self.notifier.log(WARNING, "parked, refused for good: %s", name)

    def refer(self):
        """Let what follows refer to the bundle that an occurrence was announced in."""
        bundle = self.record
        for point in self.notifier.app.points:
            key = point.announced
            if bundle.key[:3] == key[:3] and key <= bundle.announced:
                notice = self.outbox.read(key)
                if notice and notice.to == bundle.to and bundle.text in ("", notice.tag):
                    point.announced = bundle.key

    def wait(self):
        """Let a mail wait by itself, or all of them where it is not the only one."""
        notifier = self.notifier
        later = notifier.later
        key = self.record.key
        notifier.deferred += 1
        notifier.row += 1
        if notifier.row == _IN_A_ROW or len(later) == _LATER:
            later.clear()
            notifier.wait(self.now)
        elif self.outbox.read(key):  # a bundle that some took is gone; the others get a new one
            delay = min(2 * later[key][1], RETRY_MOST) if key in later else RETRY
            later[key] = self.now + jitter(delay), delay


def forget(known, key):
    """Take a key out of a dict; return what it had, if any, else zeros."""
    found = known.pop(key, (0, 0))
    if not known:
        known.clear()  # which gives back its heap, too
    return found
