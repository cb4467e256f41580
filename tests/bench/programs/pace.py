"""Run the whole notifier: `pace PORT FOLDER`; prints us of a turn, ms from an edge to its mail."""

# pyright: reportAttributeAccessIssue=false

import json
import sys
from time import ticks_diff, ticks_us

import app
from borrow import borrow
from stand_in import ALARM

TURNS = 200


def turn_until(sent):
    """Let the loop turn until so many mails are sent."""
    while notifier.sent < sent and not notifier.app.failures:
        notifier.app.turn()


notifier = app.start(ALARM, sys.argv[2]).notifier
borrow("outbox.offsets").change(notifier.outbox, 1795000000)
turn_until(1)
start = ticks_us()
for _ in range(TURNS):
    notifier.app.turn()
turn = ticks_diff(ticks_us(), start) // TURNS
start = ticks_us()
ALARM.level = 0
turn_until(2)
print(json.dumps([turn, ticks_diff(ticks_us(), start) // 1000]))
sys.exit(notifier.app.failures)
