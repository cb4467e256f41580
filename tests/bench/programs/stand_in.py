"""A board of a few words, for the whole notifier: its inputs, its link, its watchdog."""

import sys


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
ALARM.link = ALARM  # pyright: ignore[reportAttributeAccessIssue]
