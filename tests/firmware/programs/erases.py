"""Count what notices cost the flash: `erases FIRMWARE GEOMETRY WHAT COUNT TAGS`; prints JSON.

WHAT: alarm, text, single, bundle, full
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

import flash
from borrow import borrow
from outbox import BUNDLE, Outbox, Record

RAISE, CLEAR, TEXT = 1, 2, 15
TOGETHER = 10


def alarm(box, tag, occurrence):
    """Let an alarm come and go, each reported at once."""
    raised = box.append(Record(RAISE, tag, 2, 3, occurrence, 1000, 81.5, 3))
    box.remove(raised)
    box.remove(box.append(Record(CLEAR, tag, 1, 3, occurrence, 2000, 70.25, 3, "", raised, 1000)))


def text(box, tag, occurrence):
    """Let the user's program say as much as it can."""
    box.remove(box.append(Record(TEXT, "", 0, 2, occurrence, 1000, text="x" * 500)))


def raises(box, tag, occurrence):
    """Let several alarms come; return their keys."""
    keys = []
    for number in range(TOGETHER):
        name = "%s.%d" % (tag, number)
        keys.append(box.append(Record(RAISE, name, 2, 2, occurrence, 1000, None, 3)))
    return keys


def single(box, tag, occurrence):
    """Report several alarms one by one."""
    for key in raises(box, tag, occurrence):
        box.remove(key)


def bundle(box, tag, occurrence):
    """Report several alarms in one mail."""
    last = raises(box, tag, occurrence)[-1]
    box.remove(box.append(Record(BUNDLE, to=3, announced=last)))


def full(box, tag, occurrence):
    """Let an alarm come while nothing can be delivered."""
    box.append(Record(RAISE, tag, 2, 2, occurrence, 1000, 81.5, 3))


ALL = {"alarm": alarm, "text": text, "single": single, "bundle": bundle, "full": full}


def main():
    """Count over many, after enough of them that each block has had its turn."""
    geometry, what = sys.argv[2:4]
    count, tags = int(sys.argv[4]), int(sys.argv[5])
    device = flash.Flash(flash.erased(flash.SIZES[geometry]))
    flash.make(device.memory, geometry)
    flash.mount(device, geometry)
    box = Outbox(flash.PLACE + "/outbox")
    borrow("outbox.recovery").boot(box)
    for number in range(count):
        ALL[what](box, "TK-%03d.LSHH" % (number % tags), number)
    programs, erases = device.programs, device.erases
    for number in range(count):
        ALL[what](box, "TK-%03d.LSHH" % (number % tags), number)
    print(json.dumps({"programs": device.programs - programs, "erases": device.erases - erases}))


main()
