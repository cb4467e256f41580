"""Plays a script to `inputs` on any interpreter; run by a `Device`, and by the property test."""

import inputs
import wiring

try:
    from micropython import schedule  # pyright: ignore[reportMissingModuleSource]
except ImportError:  # CPython: run the handler at once
    schedule = lambda handler, argument: handler(argument)  # noqa: E731

WRAP = 1 << 30
SPEC = {"tag": "P", "type": "digital", "input": 1, "pull": "down"}


class Time:
    """Ticks as a board has them: they wrap. `inputs` goes by them within a `with`."""

    def __init__(self, now):
        self.now = now

    def __enter__(self):
        self.kept = inputs.ticks_ms, inputs.ticks_diff
        inputs.ticks_ms, inputs.ticks_diff = self.ms, self.diff
        return self

    def __exit__(self, *_):
        inputs.ticks_ms, inputs.ticks_diff = self.kept

    def ms(self):
        return self.now % WRAP

    def diff(self, later, earlier):
        return (later - earlier + WRAP // 2) % WRAP - WRAP // 2


class Wire:
    """A pin of an expander: it has no interrupts."""

    level: object = 0

    def value(self):
        """Return the level; an OSError where the bus fails."""
        if self.level is None:
            raise OSError(5)
        return self.level


class Pin(Wire):
    """A pin whose interrupts run at once, later, or never; later ones wait in a queue of 8."""

    def irq(self, handler):
        self.handler = handler
        self.queue = []

    def interrupt(self):
        """Run the handler as MicroPython does: by its scheduler."""
        self.over = False
        schedule(self.handler, self)
        schedule(self.end, None)
        while not self.over:
            pass

    def end(self, _):
        self.over = True


class Board:
    """Gives one pin and one converter."""

    def __init__(self, pin=None, converter=None):
        self.pin = pin
        self.converter = converter
        self.asked = []

    def digital(self, name, pull):
        self.asked.append([name, pull])
        return self.pin

    def analog(self, name):
        self.asked.append([name])
        return self.converter


def play(options, steps, start=0, irq=True):
    """Return what each "read" of the steps tells of a contact that closes to 1.

    steps: [ms since the step before, "read"], or [ms, level], whose interrupt comes at once, or
        [ms, level, "late"] or [ms, level, "lost"], or [ms, "run"] for the late ones to come
    start: the ticks at the beginning
    irq: whether the pin has interrupts
    """
    pin = Pin() if irq else Wire()
    with Time(start) as time:
        point = wiring.make(Board(pin), dict(SPEC, **options))
        return [told for told in step_by_step(point, pin, time, steps) if told != ""]


def step_by_step(point, pin, time, steps):
    """Yield what a read tells, "" for other steps."""
    for passed, what, *how in steps:
        time.now += passed
        if what == "read":
            yield point.read(0)
        elif what == "run":
            while pin.queue:
                pin.queue.pop()
                pin.interrupt()
        elif what != pin.level:
            pin.level = what
            if hasattr(pin, "handler") and not how:
                pin.interrupt()
            elif how == ["late"] and len(pin.queue) < 8:
                pin.queue.append(0)
        yield ""
