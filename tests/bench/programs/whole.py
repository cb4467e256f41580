"""Run the whole notifier: `whole PORT FOLDER`; prints the least heap that is free while it sends.

Its flash is FOLDER, its gateway a server at PORT; an input is in alarm from the start. The
stand-ins for the hardware are a few words: a board's own code is not part of the figure.
"""

# pyright: reportAttributeAccessIssue=false

import gc
import sys

import app


class Hardware:
    """A board, its inputs, its link: whatever the notifier asks for."""

    name = "BENCH"
    uid = b"12345678"
    address = "192.168.1.7"
    up = True
    level = 1

    def digital(self, name, _pull):
        """Return an input; the first one is in alarm."""
        return self if name == "DI1" else QUIET

    def analog(self, _name):
        """Return a converter."""
        return self

    def watchdog(self, _limit):
        """Return a watchdog."""
        return self

    def value(self):
        """Return the level of an input."""
        return self.level

    def read_u16(self):
        """Return a raw value."""
        return 30000

    def reset_cause(self):
        """Return the reset cause."""
        return "power on"

    def reset(self):
        """Be reset: a new configuration was checked."""
        raise SystemExit

    def feed(self):
        """Be fed."""

    def poll(self, _now):
        """Look after the link."""


QUIET = Hardware()
ALARM = Hardware()
ALARM.level = 0
ALARM.link = ALARM
free = []


def idle():
    """Watch, as the notifier does, and note how much heap is free."""
    notifier.app.watch()
    gc.collect()
    free.append(gc.mem_free())
    del free[: len(free) - 3]


notifier = app.start(ALARM, sys.argv[2]).notifier
notifier.idle = notifier.client.stream.idle = idle
notifier.outbox.set_offset(1795000000)
lowest = 1 << 30
while notifier.sent < 2 and not notifier.app.failures:
    notifier.app.turn()
    if free:
        lowest = min(lowest, *free)
print(lowest, notifier.app.failures)
