"""What is watched: contacts, analog values, and what the program sets; each is an alarm point.

read(now) of a point tells its condition: True (alarm), False, None (bad process value); `reading`
is its value in engineering units, or None. `wiring` makes the points.

Theory of operation of a contact. It bounces, so a change counts when it has been there for
`debounce` ms, from the first time that it was seen. read() looks at the pin; with `latch_pulses`
an interrupt looks as well, at each edge, so that a pulse that is over before the next read() is
noticed. Where it has lasted for `debounce` ms, read() says True once.

Rules
1. The first look counts at once, lest each boot clears an alarm and raises it again.
2. An interrupt that finds the pin as it was seen before comes too late: in between it was the
   other way. A pulse that nobody saw counts if it may have lasted long enough, since the last look
   before it: better an alarm too many than one too few. It is for the circuit to filter spikes.
3. Interrupts come late, and of those that wait 8 are kept. A late one makes a pulse look shorter,
   so `debounce` is to be well below the shortest pulse that shall count.
4. After a fault (OSError: an expander on a bus) nothing is known of the pin but what was settled.

Interrupt handlers take no heap: they assign to attributes that are there. They run between two
steps of read(), which therefore clears a flag only where it has just seen it set.
"""

try:
    from time import ticks_diff, ticks_ms

    from micropython import const
except ImportError:
    from smtp_client.cpython import const, ticks_diff, ticks_ms

from alarms import Point

# `wiring` gives points their wires, which have no type.
# pyright: reportAttributeAccessIssue=false

_PERIOD = const(100)  # ms between two samples of an analog value


class Software(Point):
    """A point that the program sets, in an interrupt handler, too; the others are set by wires.

    to: bit masks of who gets raises, clears, faults, escalations
    announced: key of the mail that announced the occurrence
    began: where that was before this boot, when the occurrence began, in s of its boot
    reading: the value in engineering units, or None
    active: what read() tells: True, False, None
    pulse: it was active since read() told it last
    """

    ack_required = False  # as it is where nobody can acknowledge
    escalate = 0
    to = ()
    announced = b""
    began = 0
    reading = None
    active = pulse = False

    def read(self, now):  # noqa: ARG002
        """Return the condition; True at least once after each set()."""
        if self.pulse:
            self.pulse = False
            return True
        return self.active

    def set(self):
        """Be in alarm."""
        self.active = self.pulse = True

    def clear(self):
        """Be in alarm no more."""
        self.active = False

    def fault(self):
        """Have no good process value: what would tell is broken."""
        self.active = None


class Digital(Software):
    """A contact.

    pin: has value(), and irq() if it shall latch pulses
    alarm: what value() is in alarm
    debounce: in ms
    latch_pulses: interrupts are handled by edge()
    """

    alarm = 0
    debounce = 20
    latch_pulses = False
    active = None  # settled; None until the first look
    seen = None  # whether it was in alarm when last looked at
    at = 0  # ticks_ms() since when, or, where that is settled, of the last look

    def read(self, now):
        """Return whether the contact is in alarm, or was since the last time."""
        level = self.look()
        ticks = ticks_ms()
        if level is None:
            self.seen = None
            return None
        if level != self.seen:
            self.turn(level, ticks)
        if level == self.active:
            self.at = ticks
        elif self.active is None or ticks_diff(ticks, self.at) >= self.debounce:
            self.active = level
        return Software.read(self, now)

    def look(self):
        """Return whether the pin is in alarm; None where it cannot be read."""
        try:
            return self.pin.value() == self.alarm
        except OSError:
            return None

    def edge(self, _):
        """Handle an interrupt."""
        level = self.look()
        ticks = ticks_ms()
        if level is None:
            return
        if level == self.seen:
            self.seen = True  # in between, perhaps since the last look
        self.turn(level, ticks)

    def turn(self, level, ticks):
        """Note that the pin is otherwise now."""
        lasted = ticks_diff(ticks, self.at) >= self.debounce
        if lasted and self.seen and not self.active and self.latch_pulses:
            self.pulse = True
        self.seen = level
        self.at = ticks

    def pressed(self, now):
        """Return True once each time that this, a push button, is pressed; not by being so."""
        was = self.condition
        self.condition = self.read(now)
        return self.condition is True and was is False


class Analog(Software):
    """A value of a converter.

    sample: returns a raw value
    scale: a raw value, it in engineering units, units for each step of the raw value
    valid: least and most of raw values that are none of a broken wire, of a short
    limit, back: where an alarm begins, and where it ends, which is past the deadband
    rising: whether it is a high alarm or a low one
    next: when it samples again
    """

    limit: float
    back: float
    valid = (0, 1 << 29)
    rising = True
    next = 0

    def read(self, now):
        """Return whether the value is beyond its limit; look at it every 100 ms."""
        if now >= self.next:
            self.next = now + _PERIOD
            self.active = self.measure()
        return self.active

    def measure(self):
        """Return whether the value is beyond its limit, None where there is no good one."""
        self.reading = None
        try:
            a = self.sample()
            b = self.sample()
            c = self.sample()
        except OSError:
            return None
        raw = max(min(a, b), min(max(a, b), c))  # the median: one may be a spike
        if not self.valid[0] <= raw <= self.valid[1]:
            return None
        start, units, gain = self.scale
        self.reading = (raw - start) * gain + units
        return beyond(self.reading, self.limit, self.back, self.rising, self.active)


def beyond(value, limit, back, high, before):
    """Tell whether an analog value is in alarm; None: it is no number, a bad process value.

    limit: where the alarm begins, in engineering units
    back: the limit less (high) or plus (low) the deadband, made once since floats take heap
    high: whether it is a high alarm or a low one
    before: what this function said last; stays between `limit` and `back`
    """
    if value != value:  # not a number
        return None
    if value >= limit if high else value <= limit:
        return True
    if value < back if high else value > back:
        return False
    return bool(before)
