"""What is mailed next, and together with what; borrowed when something may be due.

Rules
1. What may have been sent already, a mail of unknown outcome or a bundle, is mailed again as it
   was: alone, whatever the ceiling. It comes first, but where it is refused for now.
2. High ones go next and at once, others when a window has collected what belongs together; within
   these, and of one tag in any case, the oldest first.
3. Within 600 s an audience gets at most `ceiling` mails about one alarm each. What exceeds it, and
   what came together, goes in a digest: 300 s after the last one, 60 s when a high one waits.
4. Mails of the board itself, on its boot and its heartbeat, are no part of that.
5. A bundle ends before what must not be in it: what may have been sent, and what follows something
   of its tag that is not in it.
"""

from outbox import BUNDLE, BUNDLES, OVERFLOW, Record, boot_of

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

NEVER = 1 << 60

_HIGH = const(b"\4")  # ranks of the outbox
_OTHER = const(b"\1\2\3\5")
_EVERY = const(b"\1\2\3\4\5")
_SPAN = const(600000)  # ms, in which the ceiling holds
_SPACE = const(300000)  # between digests: Alertmanager's group_interval
_SPACE_HIGH = const(60000)
_CLOCK = const(30000)  # what is not high waits so long for the clock at first

# Kinds of records: indices into `outbox.KINDS`.
_QUIET = const(9)  # SHELVE, UNSHELVE, OUT ...
_QUIET_LAST = const(12)  # ... RETURN: in digests only
_LAST = const(14)  # FLOOD_END; what comes after it is always a mail of its own
_BESIDES = const(16)  # BOOT and HEARTBEAT


class Choice:
    """One look at what waits in the outbox of a notifier.

    due: when to look again, where there was nothing to mail
    """

    def __init__(self, notifier, now):
        self.notifier = notifier
        self.outbox = notifier.outbox
        self.clock = notifier.clock
        self.now = now
        self.due = NEVER
        self.bundles = []  # that wait since they were refused for now

    def pick(self):
        """Return the key of what may be mailed now, and to whom; else None."""
        notifier = self.notifier
        if notifier.again:
            return notifier.again
        if notifier.doubt is None:
            notifier.doubt = self.interrupted()
        for bundle in self.waiting(BUNDLES):
            opens = notifier.later.get(bundle.key)
            if not opens or opens[0] <= self.now:
                return bundle.key, notifier.doubt.get(bundle.key, (-1,))[0]
            self.later(opens[0])
            self.bundles.append(bundle)
        found = self.doubtful() if notifier.doubt else None
        return found or self.search(_HIGH) or self.search(_OTHER)

    def doubtful(self):
        """Return the oldest notice that may have been sent, and to whom."""
        for record, to in self.free():
            maybe = self.notifier.doubt.get(record.key, (0,))[0] & to
            if maybe:
                opens = self.opens(record)
                if opens <= self.now:
                    return record.key, maybe
                self.later(opens)
        return None

    def interrupted(self):
        """Return what may have been sent when the last boot ended: keys, and to whom.

        It was a bundle, or the oldest for its audience, of high or of other ones.
        """
        found = {bundle.key: (bundle.to, 0) for bundle in self.waiting(BUNDLES)}
        for ranks in (_HIGH, _OTHER):
            audiences = []
            for record, to in self.free(ranks):
                if record.to not in audiences and self.old(record):
                    audiences.append(record.to)
                    if OVERFLOW < record.kind <= _LAST and not quiet(record):
                        found[record.key] = to, 0
        return found

    def free(self, ranks=_EVERY):
        """Yield the records, and who of their recipients need not get something else before."""
        blocked = {}  # by tag: recipients who must get something else of it first
        for record in self.waiting(ranks):
            before = blocked.get(record.tag, 0) & record.to
            if record.tag:
                blocked[record.tag] = blocked.get(record.tag, 0) | record.to
            if (before and quiet(record)) or before == record.to or self.covered(record):
                continue
            yield record, record.to & ~before

    def covered(self, record):
        """Tell whether a bundle that waits covers a notice."""
        for bundle in self.bundles:
            if record.key <= bundle.announced and fits(record, bundle.to, bundle.text):
                return True
        return False

    def search(self, ranks):
        """Return the oldest of these ranks that may be mailed now, and to whom."""
        notifier = self.notifier
        waiting = []  # audiences
        for record, to in self.free(ranks):
            if record.to not in waiting and not notifier.doubt.get(record.key, (0,))[0] & to:
                found = self.consider(record, to)
                if found:
                    return found
                if record.key not in notifier.later:
                    waiting.append(record.to)
        return None

    def waiting(self, ranks=_EVERY):
        """Yield what waits, the oldest first."""
        key = self.outbox.find(b"", ranks)
        while key:
            record = self.outbox.read(key)
            if record:
                yield record
            else:
                self.outbox.remove(key)  # flash has lost it
            self.notifier.idle()
            key = self.outbox.find(key, ranks)

    def later(self, time):
        """Look again at this time, or before."""
        self.due = min(self.due, time)

    def consider(self, record, to):
        """Return what is to be mailed to some for the sake of a notice; None: it must wait."""
        now = self.now
        opens = self.opens(record)
        if opens > now:
            return self.later(opens)
        space = self.space(to, _SPACE_HIGH if record.priority == 3 else _SPACE)
        kind = record.kind
        room = now if kind >= _BESIDES else space if kind == OVERFLOW else self.room(to)
        if not OVERFLOW < kind <= _LAST or to != record.to:  # no part of a bundle
            return (record.key, to) if room <= now else self.later(room)
        if quiet(record):
            room = NEVER
        alone, tag = self.company(record)
        if alone and room <= now:
            return record.key, to
        bundle = None
        if tag and room <= now:
            bundle = self.bind(record, tag)
        elif space <= now:
            bundle = self.bind(record, "")
        if bundle or room <= now:
            return bundle or (record.key, to)
        return self.later(room if space <= now else min(room, space))

    def opens(self, record):
        """Return when a notice may be mailed, as far as it is up to itself."""
        later = self.notifier.later.get(record.key)
        if later:
            return later[0]
        if record.priority == 3:
            return self.now
        if not self.outbox.offset() and self.now < _CLOCK:
            return _CLOCK
        if record.kind >= _BESIDES or self.old(record):
            return self.now
        return (record.uptime - self.clock.base) * 1000 + self.notifier.window

    def old(self, record):
        """Tell whether a notice is of an earlier boot; it may have been sent when that ended."""
        return boot_of(record.key) != self.outbox.boots

    def company(self, record):
        """Tell whether a notice is mailed alone, and of what tag all are that wait with it, or "".

        A high one is, and one that may have been sent alone before.
        """
        if record.priority == 3 or self.old(record):
            return True, ""
        count = 0
        tag = record.tag
        for other in self.waiting():
            if fits(other, record.to, ""):
                count += 1
                if other.tag != tag or other.occurrence != record.occurrence:
                    tag = ""
                if count > 1 and not tag:
                    break
        return count == 1, tag

    def bind(self, record, tag):
        """Bundle what waits for the same recipients; return its key and them, None: impossible."""
        last = self.last(record.to, tag)
        if last < record.key:
            return None
        time = self.clock.seconds(self.now)
        bundle = Record(BUNDLE, "", 0, record.priority, 0, time, None, record.to, tag, last)
        return self.outbox.append(bundle), record.to

    def last(self, to, tag):
        """Return the key of the last notice that a bundle may cover, b"" for none."""
        last = b""
        blocked = {}
        for record in self.waiting():
            if not fits(record, to, tag):
                if record.tag:
                    blocked[record.tag] = blocked.get(record.tag, 0) | record.to
            elif (
                blocked.get(record.tag, 0) & to
                or record.key in self.notifier.doubt
                or self.covered(record)
            ):
                break
            else:
                last = record.key
        return last

    def room(self, to):
        """Return when these recipients may have a further mail about one alarm."""
        single = self.notifier.single
        self.forget(single, _SPAN)
        count = 0
        for at in range(len(single) - 2, -1, -2):
            if single[at + 1] & to:
                count += 1
                if count == self.notifier.ceiling:
                    return single[at] + _SPAN
        return self.now

    def space(self, to, space):
        """Return when these recipients may have a further digest."""
        digests = self.notifier.digests
        self.forget(digests, _SPACE)
        for at in range(len(digests) - 2, -1, -2):
            if digests[at + 1] & to:
                return digests[at] + space
        return 0

    def forget(self, times, span):
        """Take off a list what is older than a span in ms."""
        if times and self.now - times[-2] >= span:
            times.clear()  # which gives back its heap, too
        while times and self.now - times[0] >= span:
            del times[:2]


def fits(record, to, tag):
    """Tell whether a bundle for some recipients, of one tag or of any (""), takes a notice."""
    return record.to == to and OVERFLOW < record.kind <= _LAST and tag in ("", record.tag)


def quiet(record):
    """Tell whether a notice is told in digests only."""
    return _QUIET <= record.kind <= _QUIET_LAST
