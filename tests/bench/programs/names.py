"""Run the whole notifier, then what else may be needed: `names PORT FOLDER MODULE ...`.

Prints how many names there are then. A name, once it is known, stays until the next reset.
"""

# pyright: reportAttributeAccessIssue=false

import sys

import app
import micropython
from borrow import borrow
from stand_in import ALARM

notifier = app.start(ALARM, sys.argv[2]).notifier
ALARM.level = 0
while notifier.sent < 2 and not notifier.app.failures:
    notifier.app.turn()
for name in sys.argv[3:]:
    if name not in sys.modules:
        borrow(name)
micropython.qstr_info()
sys.exit(notifier.app.failures)
