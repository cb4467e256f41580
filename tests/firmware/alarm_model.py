"""The alarm states once more, slow and obvious: no table, no timers, no state but what happened.

Written from the specification, not from `firmware/alarms.py`. Time goes from one instant at which
anything might happen to the next; at each, every rule is asked whether it applies now.
"""

import bisect

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

ACTIVE = {"UNACK", "ACKED"}
ALARM_STATES = {"NORM", "UNACK", "ACKED", "RTNUN", "LATCHED"}


class ModelPoint:
    """What happened to a point."""

    def __init__(self, tag: str, options: dict):
        self.tag = tag
        self.on_delay = options.get("on_delay", 1 * SECOND)
        self.off_delay = options.get("off_delay", 5 * SECOND)
        self.latched = options.get("latched", False)
        self.ack_required = options.get("ack_required", True)
        self.re_alarm = options.get("re_alarm", 4 * HOUR)
        self.escalates = options.get("priority") == 3 and self.ack_required
        self.escalate = options.get("escalate", 15 * MINUTE)
        self.state = "NORM"
        self.interrupted = "NORM"  # by the fault
        self.occurrence = 0
        self.samples: list[tuple[int, object]] = []  # only those that differ from the last
        self.seen_active = True
        self.value = None
        self.shelved_until = 0
        self.raised: int | None = None
        self.announced: int | None = None
        self.escalated = False
        self.reminders = 0
        self.last_told = 0  # announced or reminded
        self.raises: list[int] = []
        self.chattering = False
        self.counted = 0
        self.last_noise = 0

    def held(self, condition, now: int, least: int) -> bool:
        """Tell whether the condition has been so for at least so long."""
        if not self.samples:
            return False
        since, last = self.samples[-1]
        return last is condition and now - since >= least

    def reminder_due(self, now: int) -> bool:
        """4 h after the announcement, 8 h after that, then 16 h and 24 h, always 24 h."""
        interval = min(self.re_alarm * 2**self.reminders, max(24 * HOUR, self.re_alarm))
        return self.re_alarm > 0 and now - self.last_told >= interval


class Model:
    """All points; the methods are those of `Alarms`, with states by name and points by number."""

    def __init__(self, points: list[dict]):
        self.points = [ModelPoint(f"P{at}", options) for at, options in enumerate(points)]
        self.out: list[list] = []
        self.instants: list[int] = []
        self.announced: list[tuple[int, str, int]] = []  # raises and faults
        self.first_out: int | None = None  # in a flood: an index into `announced`

    # What is told

    def sample(self, point: int, now: int, condition, value=None) -> None:
        self.poll(now)
        p = self.points[point]
        p.value = value
        p.seen_active = p.seen_active or condition is True
        if not p.samples or p.samples[-1][1] is not condition:
            p.samples.append((now, condition))
        self.poll(now, again=True)

    def step(self, point: int, now: int, event: str, duration: int = 8 * HOUR) -> None:
        self.poll(now)
        p = self.points[point]
        if event == "ack" and p.state in ("UNACK", "RTNUN"):
            p.state = "ACKED" if p.state == "UNACK" else "NORM"
        elif event == "reset" and p.state == "LATCHED":
            p.state = "NORM"
        elif event == "shelve" and p.state != "OOSRV" and duration > 0:
            p.state = "SHLVD"
            p.shelved_until = now + min(duration, 8 * HOUR)
            self.instants.append(p.shelved_until)
            self.tell("SHELVE", p, now)
        elif event == "unshelve" and p.state == "SHLVD":
            p.state = "NORM"
            self.tell("UNSHELVE", p, now)
        elif event == "out" and p.state != "OOSRV":
            p.state = "OOSRV"
            self.tell("OUT", p, now)
        elif event == "return" and p.state == "OOSRV":
            p.state = "NORM"
            self.tell("RETURN", p, now)
        self.poll(now, again=True)

    def restore(self, point, now, state, occurrence, before, shelved) -> None:
        p = self.points[point]
        p.state = state
        p.interrupted = before
        p.occurrence = occurrence
        p.seen_active = False
        p.shelved_until = now + shelved
        p.announced = p.last_told = now
        self.poll(now, again=True)

    # Time

    def poll(self, now: int, again: bool = False) -> None:
        """Visit all instants up to `now`; `again`: something has changed right now."""
        if again:
            self.visit(now)
        while self.instants and min(self.instants) <= now:
            at = min(self.instants)
            self.instants = [instant for instant in self.instants if instant > at]
            self.visit(at)

    def visit(self, now: int) -> None:
        if self.first_out is not None and len(self.within(10 * MINUTE, now)) < 5:
            self.tell_flood("FLOOD_END", now, self.first_out)
            self.first_out = None
        for p in self.points:
            while self.happens(p, now):
                pass
            self.instants += [instant for instant in self.ahead(p) if instant > now]

    def ahead(self, p: ModelPoint):
        """Yield every instant at which anything might happen because of what did."""
        for since, _ in p.samples[-1:]:
            yield from (since + p.on_delay, since + p.off_delay)
        yield p.last_noise + 5 * MINUTE
        yield p.shelved_until
        yield p.last_told + min(p.re_alarm * 2**p.reminders, max(24 * HOUR, p.re_alarm))
        if p.announced is not None:
            yield p.announced + p.escalate
        for at, *_ in self.announced[-5:]:
            yield at + 10 * MINUTE

    # Rules, one at a time

    def happens(self, p: ModelPoint, now: int) -> bool:
        """Let the first rule that applies happen; tell whether one did."""
        if p.chattering and now - p.last_noise >= 5 * MINUTE:
            p.chattering = False
            self.tell("CHATTER_END", p, now, count=p.counted)
        elif p.state == "SHLVD" and now >= p.shelved_until:
            p.state = "NORM"
            self.tell("UNSHELVE", p, now)
        elif p.state in ALARM_STATES and p.held(None, now, 0):
            p.interrupted = p.state
            p.state = "FAULT"
            self.announce("FAULT", p, now, new=p.interrupted == "NORM")
        elif p.state == "FAULT" and (p.held(True, now, 0) or p.held(False, now, 0)):
            p.state = p.interrupted
            self.end("GOOD", p, now)
        elif p.state in ALARM_STATES - ACTIVE and p.held(True, now, p.on_delay):
            p.state = "UNACK"
            self.announce("RAISE", p, now, new=True)
        elif p.state in ACTIVE and p.held(False, now, p.off_delay):
            acked = p.state == "ACKED" or not p.ack_required
            p.state = "LATCHED" if p.latched else "NORM" if acked else "RTNUN"
            self.end("CLEAR", p, now)
        elif self.escalation_due(p, now):
            p.escalated = True
            self.tell("ESCALATE", p, now)
        elif p.state in ACTIVE | {"FAULT"} and p.reminder_due(now):
            p.reminders += 1
            p.last_told = now
            self.tell("REMIND", p, now)
        else:
            return False
        return True

    def escalation_due(self, p: ModelPoint, now: int) -> bool:
        return (
            p.state == "UNACK"
            and p.escalates
            and p.escalate > 0
            and not p.escalated
            and p.announced is not None
            and now - p.announced >= p.escalate
        )

    def announce(self, kind: str, p: ModelPoint, now: int, new: bool) -> None:
        """A raise or fault, unless it is only counted."""
        if new:
            p.occurrence += 1
            p.raised = now
        p.raises.append(now)
        if p.chattering:
            p.counted += 1
            p.last_noise = now
            return
        if len([at for at in p.raises if now - at < MINUTE]) >= 3:
            kind = "CHATTER"
            p.chattering = True
            p.counted = 0
            p.last_noise = now
        if new:
            p.announced = p.last_told = now
            p.escalated = False
            p.reminders = 0
        self.tell(kind, p, now, first=not self.within(10 * MINUTE, now))
        self.announced.append((now, p.tag, p.occurrence))
        if self.first_out is None and len(self.within(10 * MINUTE, now)) > 10:
            self.first_out = len(self.announced) - len(self.within(10 * MINUTE, now))
            self.tell_flood("FLOOD", now, self.first_out)

    def end(self, kind: str, p: ModelPoint, now: int) -> None:
        """A clear or a good value, unless the point chatters."""
        if p.chattering:
            p.last_noise = now
        else:
            self.tell(kind, p, now, unseen=kind == "CLEAR" and not p.seen_active)

    def within(self, window: int, now: int) -> list:
        """Return what was announced within a window of time."""
        return self.announced[bisect.bisect(self.announced, now - window, key=lambda a: a[0]) :]

    # Notices, as alarm_play.plain() writes them

    def tell(self, kind, p, now, first=False, unseen=False, count=0) -> None:
        about = [p.tag, p.occurrence, p.state, now, p.raised, p.value]
        self.out.append([kind, *about, first, unseen, count])

    def tell_flood(self, kind: str, now: int, first_out: int) -> None:
        at, tag, occurrence = self.announced[first_out]
        count = len(self.announced) - first_out
        self.out.append([kind, tag, occurrence, "NORM", now, at, None, True, False, count])


def play(points: list[dict], steps: list[list]) -> list:
    """Return what `alarm_play.play` must return."""
    model = Model(points)
    played = []
    for what, *rest in steps:
        getattr(model, what)(*rest)
        played.append([[[p.state, p.occurrence] for p in model.points], model.out])
        model.out = []
    return played
