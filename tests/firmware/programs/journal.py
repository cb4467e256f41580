"""Cut the power while the journal is written, at every flash operation: `journal FIRMWARE GEOMETRY
clean|torn`; prints JSON: cuts, those that lost or made up a line, and the erases of 1000 lines.
"""

# A module of the firmware, not this file.
# pyright: reportAttributeAccessIssue=false

import json
import os
import sys

sys.path.insert(0, sys.argv[1])

import flash
import journal

GEOMETRY = sys.argv[2]
TORN = sys.argv[3] == "torn"
BLOCKS = 16
TEXT = "%d warning " + 400 * "x"
LINES = 22  # so many that both files fill up


class Box:
    """What the journal wants of an outbox: whether the time is known."""

    def offset(self):
        return 0


class App:
    """What it wants of an app."""

    folder = flash.PLACE + "/adopted/"
    outbox = Box()


def write(device, count):
    """Write lines until the power fails; return how many were."""
    for number in range(count):
        journal.keep(App(), TEXT % number)
        if device.dead:
            return number
    return count


def read():
    """Return the numbers of the lines that are there."""
    found = []
    journal.answer(App(), (), lambda _, text: found.append(int(text.split(" ")[0])))
    return found


def cut(memory, at):
    """Cut the power at an operation; tell whether it came to that, and whether all is well."""
    flash.make(memory, GEOMETRY)
    device = flash.Flash(memory, at, TORN)
    flash.mount(device, GEOMETRY)
    kept = write(device, LINES)
    dead = device.dead
    flash.unmount()
    flash.mount(flash.Flash(memory), GEOMETRY)
    found = read()
    flash.unmount()
    last = found[-1] + 1 if found else 0
    return dead, last in (kept, kept + 1) and found == list(range(last - len(found), last))


def main():
    """Print what came of it."""
    memory = flash.erased(BLOCKS)
    cuts = wrong = 0
    while True:
        flash.erase(memory)
        dead, well = cut(memory, cuts + 1)
        if not dead:
            break
        cuts += 1
        wrong += not well
    device = flash.Flash(flash.erased(flash.SIZES[GEOMETRY]))
    flash.make(device.memory, GEOMETRY)
    flash.mount(device, GEOMETRY)
    before = device.erases
    write(device, 1000)
    size = os.stat(flash.PLACE + "/logs/old")[6]
    print(json.dumps([cuts, wrong, device.erases - before, size]))


main()
