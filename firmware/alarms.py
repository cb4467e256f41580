"""The alarm states of ISA-18.2 / IEC 62682: (point, event, time) -> state, notices.

Pure: no clock, no pins, no files, no mail; whoever drives it passes the time and takes the notices
out of `Alarms.out`. ALARMS.md explains it for people and is drawn from `TABLE`.

Theory of operation. What is told (a condition, a command) and what time brings (a delay is over)
are the same: an event that `TABLE` looks up under the state of a point. A point knows the one next
event that time brings it, and when (`due`); it is found anew after each change. A poll therefore
is one comparison, and takes no heap.

Rules
1. What time brings happens at its own millisecond, however late the poll; at one millisecond in
   the order of `Alarms.schedule`, point by point, and all of it before what is told then.
2. An event that the table has no state for is ignored; so is one that it does not know.
3. A delay runs from the change of the condition, whatever the state is: an alarm that comes off
   the shelf is raised at once where its condition has been there for the on-delay.
4. Each raise is an occurrence of its point, with the next number. A fault belongs to the
   occurrence that it interrupts, and after it the point is in the state before; in NORM it is an
   occurrence of its own. Shelving and taking out of service end an occurrence.
5. Reminder and escalation count from the notice that announced the occurrence.
6. While a point chatters its raises and faults are counted, their ends too go without a notice.
7. A window is half open: what is 60 s old is no longer within 60 s.

Times are in milliseconds, since delays are exact to the millisecond, from any moment on. From 2^30
on, which is 12.4 days, such a number is an object of 32 octets on a board; so whoever drives this
may take as much off all times in here as off those that it passes. `rebase.py` does.
"""

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_MINUTE = const(60000)
_HOUR = const(3600000)

_CHATTER = const(60000)  # ISA-18.2: 3 raises within a minute
_QUIET = const(300000)
_FLOOD = const(600000)  # ISA-18.2: more than 10 raises in 10 minutes, until there are less than 5
_MANY = const(33)  # 11 raises in `Alarms.recent`
_FEW = const(15)  # 5 raises
_SHELF = const(28800000)  # 8 h, ours
_DAY = const(86400000)
NEVER = 1 << 60

_NORM = const(0)
STATES = "NORM UNACK ACKED RTNUN LATCHED SHLVD OOSRV FAULT"  # their names; a state is a number

# Under each state the initial of the one that follows; "." where the event is ignored, "B" for
# back to the state before. on: the condition has been there for the on-delay; off: it has been
# gone for the off-delay where an acknowledgement is required, where none is, where it is latched.
# A "-" in the place of the notice is none.
#
# NUARLSOF event notice
TABLE = """
U..UU... on RAISE
.RN..... off CLEAR
.NN..... off-noack CLEAR
.LL..... off-latch CLEAR
.A.N.... ack -
....N... reset -
FFFFF... bad FAULT
.......B good GOOD
SSSSSS.S shelve SHELVE
.....N.. unshelve UNSHELVE
OOOOOO.O out OUT
......N. return RETURN
.U...... late ESCALATE
.UA....F remind REMIND
NUARLSOF quiet CHATTER_END
"""


def look_up(state, event):
    """Return (the state that follows, the notice); the state is -1: ignored, 8: the one before."""
    at = TABLE.find(" %s " % event)
    if at < 0:
        return -1, ""
    kind = TABLE[at + len(event) + 2 : TABLE.find("\n", at)]
    return "NUARLSOFB".find(TABLE[at - 8 + state]), kind.strip("-")


class Point:
    """An alarm point: what it is set to, and where it is now. Times in ms.

    tag: its name in the plant
    on_delay, off_delay: how long the condition must be there, or be gone
    latched: keep a cleared alarm until it is reset
    ack_required: keep a cleared alarm until it is acknowledged
    re_alarm: the first reminder; each further one after twice the time, up to a day; 0 for none
    priority: 0 diagnostic, 1 low, 2 medium, 3 high; a high one escalates where it needs an ack
    escalate: after how long; 0 for never, for where nobody can acknowledge
    """

    on_delay = 1000
    off_delay = 5000
    latched = False
    priority = 2
    ack_required = True
    re_alarm = 4 * _HOUR
    escalate = 15 * _MINUTE

    state = before = _NORM
    occurrence = 0
    condition = ""  # True, False, None for a bad process value; "" until the first is known
    value = since = None  # the last value; when the occurrence began, None: before this boot
    changed = due = until = late = remind = quiet = NEVER  # until: shelved; due: the next of all
    latest = earlier = -_CHATTER  # the last two raises, if within a minute
    interval = 0  # between the last two reminders
    chatter = -1  # raises counted while it chatters
    unseen = False  # restored as active and not seen so since

    def __init__(self, tag, **options):
        self.tag = tag
        for name in options:
            setattr(self, name, options[name])


class Notice:
    """What is to be told of a point.

    kind: RAISE CLEAR FAULT GOOD SHELVE UNSHELVE OUT RETURN ESCALATE REMIND CHATTER CHATTER_END, or
        of the plant FLOOD FLOOD_END, which name the first-out alarm
    tag, occurrence: which alarm
    state: the state of the point from then on; a CLEAR with LATCHED waits for a reset
    time: when, in ms
    since: when the occurrence was raised; None: before this boot
    value: the last value known then
    first: the raise had none before it for 600 s: the first-out alarm of those that follow
    unseen: it cleared between the last time alive and this boot
    count: CHATTER_END: raises since CHATTER; FLOOD, FLOOD_END: raises since the first-out
    """

    first = unseen = False
    count = 0

    def __init__(self, kind, point, time):
        self.kind = kind
        self.tag = point.tag
        self.occurrence = point.occurrence
        self.state = point.state
        self.time = time
        self.since = point.since
        self.value = point.value


class Alarms:
    """The alarm points of a board, and the flood of alarms that they may be in together.

    points: all of them
    out: notices, oldest first; the driver takes them out
    flood: raises since the first-out alarm while there is a flood, else 0
    due: when `poll` has something to do
    """

    due = flood_end = NEVER
    flood = 0

    def __init__(self, points):
        self.points = points
        self.out = []
        self.recent = []  # time, tag, occurrence of the last raises, 11 at most

    def restore(self, point, state, occurrence, now, before=_NORM, shelved=0):
        """Put a point, before its first sample, where it was before the boot.

        before: where the state is FAULT, `Point.before`
        shelved: how many ms the point stays shelved
        """
        point.state = state
        point.before = before
        point.occurrence = occurrence
        point.unseen = True
        point.until = now + shelved
        self.start(point, now)
        self.settle(point, now)

    def sample(self, point, condition, now, value=None):
        """Tell whether the condition is there: True, False, or None for a bad process value."""
        if now >= self.due:
            self.poll(now)
        if value != point.value:  # an attribute takes heap, even to say nothing new
            point.value = value
        if condition != point.condition:
            point.condition = condition
            point.changed = now
            if condition and point.unseen:
                point.unseen = False
            self.settle(point, now)

    def step(self, point, event, now, duration=_SHELF):
        """Give a command: ack, reset, shelve, unshelve, out (of service), return (to service).

        duration: of shelve, in ms; 8 h at most
        """
        self.poll(now)
        if event == "shelve":
            if duration <= 0:
                return
            point.until = now + min(duration, _SHELF)
        self.take(point, event, now)
        self.settle(point, now)

    def poll(self, now):
        """Do what time has brought."""
        while now >= self.due:
            at = self.due
            if self.flood_end == at:
                self.tell_flood("FLOOD_END", at)
                self.flood = 0
                self.flood_end = NEVER
            else:
                for point in self.points:
                    if point.due == at:
                        self.take(point, self.schedule(point, at), at)
                        self.schedule(point, at)
                        break
            self.look()

    def settle(self, point, now):
        """Do all that follows at once from a change."""
        self.schedule(point, now)
        self.look()
        self.poll(now)

    def look(self):
        """Find when time next brings anything."""
        self.due = self.flood_end
        for point in self.points:
            if point.due < self.due:
                self.due = point.due

    def schedule(self, point, now):
        """Find when time next brings a point anything; return what."""
        condition = point.condition
        off = "off-latch" if point.latched else "off" if point.ack_required else "off-noack"
        due = NEVER
        brings = ""
        for event, at in (
            ("quiet", point.quiet),
            ("unshelve", point.until),
            ("bad" if condition is None else "good", point.changed),
            ("on", point.changed + point.on_delay if condition else NEVER),
            (off, point.changed + point.off_delay if condition is False else NEVER),
            ("late", point.late),
            ("remind", point.remind),
        ):
            at = max(at, now)
            if at < due and look_up(point.state, event)[0] >= 0:
                due = at
                brings = event
        if due != point.due:
            point.due = due
        return brings

    def take(self, point, event, at):
        """Do what the table says of an event."""
        state, kind = look_up(point.state, event)
        if state < 0:
            return
        before = point.state
        point.state = state if state < 8 else point.before
        if event == "late":
            point.late = NEVER
        elif event == "remind":
            last = point.interval or point.re_alarm
            point.interval = max(last, min(2 * last, _DAY))
            point.remind = at + point.interval
        elif event in ("on", "bad"):
            if event == "bad":
                point.before = before
            begins = event == "on" or before == _NORM
            if begins:
                point.occurrence += 1
                point.since = at
            kind = self.count(point, kind, at)
            if kind and begins:
                self.start(point, at)
        elif kind in ("CLEAR", "GOOD") and point.chatter >= 0:
            point.quiet = at + _QUIET
            kind = ""
        if kind:
            self.tell(point, event, kind, at)

    def start(self, point, at):
        """Begin to count for reminder and escalation."""
        if point.interval:
            point.interval = 0
        point.remind = at + point.re_alarm if point.re_alarm else NEVER
        if point.priority == 3 and point.ack_required and point.escalate:
            point.late = at + point.escalate

    def count(self, point, kind, at):
        """Return the kind of notice of a raise or fault; "" where it is only counted."""
        if point.chatter >= 0:
            point.chatter += 1
            kind = ""
        elif at - point.earlier < _CHATTER:
            point.chatter = 0
            kind = "CHATTER"
        if point.chatter >= 0:
            point.quiet = at + _QUIET
        if at - point.latest < _CHATTER:  # else it is of no use
            point.earlier = point.latest
        point.latest = at
        return kind

    def tell(self, point, event, kind, at):
        """Give a notice; a raise or fault may begin a flood."""
        notice = Notice(kind, point, at)
        self.out.append(notice)
        if event == "quiet":
            notice.count = point.chatter
            point.chatter = -1
            point.quiet = NEVER
        elif kind == "CLEAR":
            notice.unseen = point.unseen
        elif event in ("on", "bad"):
            notice.first = self.join(point, at)

    def join(self, point, at):
        """Add to the last raises; tell whether it is the first of them."""
        recent = self.recent
        while recent and at - recent[0] >= _FLOOD:
            del recent[:3]
        first = not recent
        recent.extend((at, point.tag, point.occurrence))
        if self.flood:
            self.flood += 1
        elif len(recent) == _MANY:
            self.flood = _MANY // 3
            self.first = Point(recent[1], occurrence=recent[2], since=recent[0])
            self.tell_flood("FLOOD", at)
        if self.flood:
            self.flood_end = recent[-_FEW] + _FLOOD
            if len(recent) == _MANY:
                del recent[:3]  # its part is played
        return first

    def tell_flood(self, kind, at):
        """Give a notice of the flood; it names the first-out alarm."""
        notice = Notice(kind, self.first, at)
        notice.first = True
        notice.count = self.flood
        self.out.append(notice)
