"""What is mailed next, and together with what; borrowed when something may be due.

Rules
1. What may have been sent already, a mail of unknown outcome or a bundle, comes first, as it was.
2. High ones go next and at once, others when a window has collected what belongs together; within
   these, and of one tag in any case, the oldest first.
3. Within 600 s an audience gets at most `ceiling` mails about one alarm each. What exceeds it, and
   what came together, goes in a digest: 300 s after the last one, 60 s when a high one waits.
4. Mails of the board itself, on its boot and its heartbeat, are no part of that.
"""

from outbox import BUNDLE, BUNDLES, OVERFLOW, Record, boot_of

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
        self.now = now
        self.due = NEVER

    def pick(self):
        """Return the key of what may be mailed now, and to whom; else None."""
        if self.notifier.again:
            return self.notifier.again[:2]
        bundle = self.outbox.find(b"", BUNDLES)
        if bundle:
            return bundle, -1
        return self.search(_HIGH) or self.search(_OTHER)

    def search(self, ranks):
        """Return the oldest of these ranks that may be mailed now, and to whom."""
        later = self.notifier.later
        waiting = []  # audiences
        blocked = {}  # by tag: recipients who must get something else of it first
        for record in self.records(ranks):
            before = blocked.get(record.tag, 0)
            if record.to not in waiting and record.to & ~before:
                found = self.consider(record, record.to & ~before)
                if found:
                    return found
                if record.key not in later:
                    waiting.append(record.to)
            if record.tag:
                blocked[record.tag] = before | record.to
        return None

    def records(self, ranks=_HIGH + _OTHER):
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
        if _QUIET <= kind <= _QUIET_LAST:
            room = NEVER
        alone, tag = self.company(record)
        if room <= now and (alone or tag):
            return (record.key, to) if alone else self.bind(record, tag)
        if space <= now:
            return self.bind(record, "")
        return (record.key, to) if room <= now else self.later(min(room, space))

    def opens(self, record):
        """Return when a notice may be mailed, as far as it is up to itself."""
        later = self.notifier.later.get(record.key)
        if later:
            return later[0]
        if record.priority == 3:
            return self.now
        if not self.outbox.offset() and self.now < _CLOCK:
            return _CLOCK
        if record.kind >= _BESIDES or self.is_old(record):
            return self.now
        return record.uptime * 1000 + self.notifier.window

    def is_old(self, record):
        """Tell whether a notice is of an earlier boot; it may have been sent when that ended."""
        return boot_of(record.key) != self.outbox.boots

    def company(self, record):
        """Tell whether a notice is mailed alone, and of what tag all are that wait with it, or "".

        A high one is, and one that may have been sent alone before.
        """
        if record.priority == 3 or self.is_old(record):
            return True, ""
        count = 0
        tag = record.tag
        for other in self.records():
            if other.to == record.to and OVERFLOW < other.kind <= _LAST:
                count += 1
                if other.tag != tag or other.occurrence != record.occurrence:
                    tag = ""
                if count > 1 and not tag:
                    break
        return count == 1, tag

    def bind(self, record, tag):
        """Bundle what waits for the same recipients; return its key and them."""
        key = last = record.key
        while key:
            last = key
            key = self.outbox.find(key)
        time = self.now // 1000
        bundle = Record(BUNDLE, "", 0, record.priority, 0, time, None, record.to, tag, last)
        return self.outbox.append(bundle), record.to

    def room(self, to):
        """Return when these recipients may have a further mail about one alarm."""
        single = self.notifier.single
        while single and self.now - single[0] >= _SPAN:
            del single[:2]
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
        while digests and self.now - digests[0] >= _SPACE:
            del digests[:2]
        for at in range(len(digests) - 2, -1, -2):
            if digests[at + 1] & to:
                return digests[at] + space
        return 0
