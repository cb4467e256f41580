"""Run the whole notifier: `whole PORT FOLDER`; prints the least octets free while it sends.

Its flash is FOLDER, where config.json names a gateway. The stand-ins for the hardware are a few
words: a board's own code is no part of the figures.
"""

# pyright: reportAttributeAccessIssue=false

import gc
import sys

import app
from borrow import borrow
from stand_in import ALARM

lowest = 1 << 30


def idle():
    """Watch, as the notifier does, and note how much heap is free."""
    global lowest  # noqa: PLW0603
    notifier.app.watch()
    gc.collect()
    lowest = min(lowest, gc.mem_free())


notifier = app.start(ALARM, sys.argv[2]).notifier
borrow("outbox.offsets").change(notifier.outbox, 1795000000)
notifier.idle = notifier.client.stream.idle = idle
ALARM.level = 0
while notifier.sent < 2 and not notifier.app.failures:
    notifier.app.turn()
print(lowest)
sys.exit(notifier.app.failures)
