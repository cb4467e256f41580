"""Measure the heap that notices leave behind: `cycles FIRMWARE COUNT`; prints JSON."""

import gc
import json
import sys

sys.path.insert(0, sys.argv[1])

import flash
from borrow import borrow
from outbox import BUNDLE, Outbox, Record

LIMIT = 12
ROUNDS = 11
TAGS = ["TK-%d.LSHH" % number for number in range(8)]
USED = [0] * ROUNDS  # a list that grows would be taken for a leak


def cycle(box, number):
    """Let everything happen that happens to notices; the queue is as it was before."""
    tag = TAGS[number % len(TAGS)]
    one = box.append(Record(1, tag, 2, 3, number, number, 81.5, 3))
    box.remove(one, 1)
    box.remove(one)
    one = box.append(Record(1, tag, 2, 3, number, number, 81.5, 3))
    last = box.append(Record(2, tag, 1, 3, number, number, 81.5, 3, "", one, number))
    bundle = box.append(Record(BUNDLE, to=3, announced=last))
    for key in borrow("outbox.members").members(box, box.read(bundle)):
        box.read(key)
    box.remove(bundle, 1)
    box.remove(one, 2, 2)
    box.remove(last)
    box.remove(one)
    borrow("outbox.offsets").change(box, 1790000000 + number, again=True)
    if number % 16 == 0:
        for at in range(2 * LIMIT):
            box.append(Record(1, TAGS[at % len(TAGS)], 2, 3, number, number, 81.5, 1))
        while box.find():
            box.remove(box.find())


def cycles(box, count):
    """Do so with the queue empty and not."""
    waiting = box.append(Record(3, "", 0, 0, 0, 10, None, 4, "waits"))
    for number in range(count):
        cycle(box, number)
    box.remove(waiting)


def depth(count):
    """Write over old pointers on the stack."""
    return count and depth(count - 1)


def allocated():
    """Return the octets in use; the collector may take an old pointer on the stack for one."""
    least = 1 << 30
    for count in range(0, 120, 5):
        depth(count)
        gc.collect()
        gc.collect()
        least = min(least, gc.mem_alloc())
    return least


def main():
    """Measure after a warm-up: tags have their homes, dicts their size."""
    device = flash.Flash(flash.erased(32))
    flash.make(device.memory, "esp32")
    flash.mount(device, "esp32")
    box = Outbox(flash.PLACE + "/outbox", LIMIT)
    borrow("outbox.recovery").boot(box)
    cycles(box, 200)
    allocated()
    for at in range(ROUNDS):
        USED[at] = allocated()
        cycles(box, int(sys.argv[2]) // (ROUNDS - 1))
    print(json.dumps({"used": USED, "erases": device.erases}))


main()
