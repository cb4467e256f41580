"""Run the whole notifier: `whole PORT FOLDER heap`, or `times`; prints JSON.

heap: the least octets that are free while it sends; times: see times(). Its flash is FOLDER, where
config.json names a gateway. The stand-ins for the hardware are a few words: a board's own code is
no part of the figures.
"""

# pyright: reportAttributeAccessIssue=false

import gc
import json
import sys
from time import ticks_diff, ticks_us

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
        sys.exit(2)

    def feed(self):
        """Be fed."""

    def poll(self, _now):
        """Look after the link."""


QUIET = Hardware()
ALARM = Hardware()
ALARM.link = ALARM
free = []


def idle():
    """Watch, as the notifier does, and note how much heap is free."""
    notifier.app.watch()
    gc.collect()
    free.append(gc.mem_free())
    del free[: len(free) - 3]


def turn_until(sent):
    """Let the loop turn until so many mails are sent; return the least heap that was free."""
    lowest = 1 << 30
    while notifier.sent < sent and not notifier.app.failures:
        notifier.app.turn()
        lowest = min(lowest, *free) if free else lowest
    return lowest


def times():
    """Return the us that a turn takes with nothing to do, and the ms from an edge to its mail."""
    turn_until(1)
    start = ticks_us()
    for _ in range(200):
        notifier.app.turn()
    turn = ticks_diff(ticks_us(), start) // 200
    start = ticks_us()
    ALARM.level = 0
    turn_until(2)
    return turn, ticks_diff(ticks_us(), start) // 1000


notifier = app.start(ALARM, sys.argv[2]).notifier
notifier.outbox.set_offset(1795000000)
if sys.argv[3] == "times":
    print(json.dumps(times()))
else:
    notifier.idle = notifier.client.stream.idle = idle
    ALARM.level = 0
    print(json.dumps(turn_until(2) if not notifier.app.failures else 0))
if notifier.app.failures:
    sys.exit(1)
