"""Count what alarms cost the flash: `erases FIRMWARE GEOMETRY ALARMS TAGS`; prints JSON."""

import json
import sys

sys.path.insert(0, sys.argv[1])

import flash
from outbox import Outbox, Record


def alarm(box, tag, occurrence):
    """Let an alarm come and go, each reported at once."""
    raised = box.append(Record(1, tag, 2, 3, occurrence, 1000, 81.5, 3))
    box.remove(raised)
    box.remove(box.append(Record(2, tag, 1, 3, occurrence, 2000, 70.25, 3, "", raised, 1000)))


def main():
    """Count over many alarms, after enough of them that each block has had its turn."""
    geometry = sys.argv[2]
    alarms, tags = int(sys.argv[3]), int(sys.argv[4])
    device = flash.Flash(flash.erased(flash.SIZES[geometry]))
    flash.make(device.memory, geometry)
    flash.mount(device, geometry)
    box = Outbox(flash.PLACE + "/outbox")
    box.boot()
    for number in range(alarms):
        alarm(box, "TK-%03d.LSHH" % (number % tags), number)
    programs, erases = device.programs, device.erases
    for number in range(alarms):
        alarm(box, "TK-%03d.LSHH" % (number % tags), number)
    print(json.dumps({"programs": device.programs - programs, "erases": device.erases - erases}))


main()
