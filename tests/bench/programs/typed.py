"""Type on the console of the whole notifier: `typed PORT FOLDER`; prints what the console says.

The first commands come while a mail is on its way. The rest is as in `whole.py`.
"""

# pyright: reportAttributeAccessIssue=false

import sys

import app
from stand_in import ALARM

WITHIN = b"=1 status\r=2 outbox\r=3 logs\r=4 ack all\r=5 send-test\r"
AFTER = b"=6 status\r=7 outbox\r=8 logs\r=9 ack all\r=10 send-test\r=11 help\r"


class Keyboard:
    """Stands for `App.poller`, and for what that finds ready."""

    def __init__(self):
        self.left = [WITHIN, AFTER]

    def ipoll(self, _wait):
        """Tell whether there is an octet."""
        busy = notifier.client and notifier.client.busy
        return ((self, 1),) if self.left and bool(busy) == (len(self.left) == 2) else ()

    def read(self, count):
        """Return it."""
        octets = self.left[0][:count]
        self.left[0] = self.left[0][count:]
        if not self.left[0]:
            del self.left[0]
        return octets


notifier = app.start(ALARM, sys.argv[2]).notifier
keyboard = notifier.app.poller = Keyboard()
while keyboard.left:
    notifier.app.turn()
    if not notifier.client.busy:
        ALARM.level = 1 - ALARM.level  # so that there is a mail
