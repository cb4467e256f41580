"""Measure the heap that notices leave behind: `cycles FIRMWARE COUNT`; prints JSON."""

import gc
import json
import sys

sys.path.insert(0, sys.argv[1])

import flash
from outbox import Outbox, Record


def cycles(box, count):
    """Accept and deliver so many notices of a few tags, the queue empty and not."""
    waiting = box.append(Record(3, "", 0, 0, 0, 10, None, 1, "waits"))
    for number in range(count):
        tag = TAGS[number % len(TAGS)]
        key = box.append(Record(1, tag, 2, 3, number, number, 81.5, 3))
        box.remove(key, 1)
        box.remove(key)
    box.remove(waiting)


TAGS = ["TK-%d.LSHH" % number for number in range(8)]


def allocated():
    """Return the octets in use."""
    gc.collect()
    return gc.mem_alloc()


def main():
    """Measure after a warm-up: tags have their homes, dicts their size."""
    device = flash.Flash(flash.erased(64))
    flash.make(device.memory, "esp32")
    flash.mount(device, "esp32")
    box = Outbox(flash.PLACE + "/outbox")
    box.boot()
    cycles(box, 200)
    used = [allocated()]
    for _ in range(10):
        cycles(box, int(sys.argv[2]) // 10)
        used.append(allocated())
    print(json.dumps({"used": used, "erases": device.erases}))


main()
