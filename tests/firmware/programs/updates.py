"""Cut the power at the operations of a flash that was recorded: `updates GEOMETRY STEP`.

Standard input has JSON: the board's `journal`, the `blocks` of its flash, the operations `first`
and `last` between which the power is cut, `marks` at which it is cut in any case, and the files
that it has `after`, SHA-256 by path; those that it had before are in the journal.
At every STEP-th operation, clean and torn, the flash is what the journal had brought by then.
Booted from it, main.py itself must come to run all of the old or all of the new; every third of
these boots has its own power cut, too, at every STEP-th operation. Prints JSON.
"""

import json
import os
import sys

GEOMETRY = sys.argv[1]
STEP = int(sys.argv[2])
HERE = __file__.rpartition("/")[0]
sys.path[:] = [HERE]

from binascii import hexlify  # noqa: E402
from hashlib import sha256  # noqa: E402

import flash  # noqa: E402
import vfs  # noqa: E402

SECOND = 3  # of so many recoveries one is cut as well
BOOTS = 4  # that a recovery may take
FRESH = ("update", "alarmpost", "borrow", "log")  # imported anew at each boot
UNSEEN = ("/new", "/adopted", "/logs", "/update.mpy")


class ResetError(Exception):
    """The board resets."""


class StartedError(Exception):
    """The program starts."""


def start():
    """Be app.run()."""
    raise StartedError


class Hardware:
    """The module hardware."""

    def reset(self):
        raise ResetError


class App:
    """The module app."""

    def __init__(self):
        self.run = start


class Time:
    """The module time; what is imported from it has to be an attribute of its own."""

    def __init__(self):
        self.sleep = lambda seconds: None


class Journal:
    """The operations of a flash, applied one by one."""

    def __init__(self, path, blocks):
        data = flash.erased(1 + os.stat(path)[6] // flash.BLOCK)
        with open(path, "rb") as file:
            file.readinto(data)
        self.data = memoryview(data)
        self.memory = flash.erased(blocks)
        self.at = self.count = 0

    def step(self, memory, torn=False):
        """Do the next operation to a memory; return how long its entry is."""
        place, size = (
            int.from_bytes(self.data[at : at + 4], "little") for at in (self.at, self.at + 4)
        )
        data = self.data[self.at + 8 : self.at + 8 + size]
        if not size:
            data = b"\xff" * flash.BLOCK
        length = len(data) // 2 if torn else len(data)
        memory[place : place + length] = data[:length]
        return 8 + size

    def advance(self, count):
        """Go on to so many operations."""
        while self.count < count:
            self.at += self.step(self.memory)
            self.count += 1


def mount(memory, cut=0):
    """Mount a flash as the root; return it."""
    vfs.umount("/")
    device = flash.Flash(memory, cut)
    vfs.mount(vfs.VfsLfs2(device, **flash.GEOMETRIES[GEOMETRY]), "/")
    os.chdir("/")
    return device


def boot(memory, cut=0):
    """Boot until the program starts or the power fails; return whether the power stayed."""
    for _ in range(BOOTS):
        device = mount(memory, cut)
        for name in FRESH:
            sys.modules.pop(name, None)
        try:
            with open("/main.py") as file:
                source = file.read()
            exec(source, {"__name__": "__main__"})
            return not device.dead  # another program, which ends
        except (StartedError, OSError):
            return not device.dead  # OSError: no main.py, the prompt comes
        except ResetError:
            if device.dead:
                return False
        cut = 0
    raise RuntimeError("it resets for ever")


def digests(folder=""):
    """Return the SHA-256 of each file, but of those that nobody runs.

    update.mpy is there for nobody as long as another program's main.py is.
    """
    found = {}
    for entry in os.ilistdir(folder or "/"):
        path = folder + "/" + entry[0]
        if path in UNSEEN:
            continue
        if entry[1] & 0x4000:
            found.update(digests(path))
        else:
            with open(path, "rb") as file:
                found[path[1:]] = hexlify(sha256(file.read()).digest()).decode()
    return found


def part(found, queue):
    """Return the files of the outbox, or all others."""
    return {path: found[path] for path in found if path.startswith("queue/") == queue}


def judge(order, found, why):
    """Return whether it is the new one; raise where it is a mixture."""
    if part(found, True) != part(order["before"], True):
        raise RuntimeError("%s: the outbox is not as it was" % why)
    for name in ("before", "after"):
        if part(found, False) == part(order[name], False):
            return name == "after"
    wrong = [
        path
        for path in sorted(set(found) | set(order["after"]))
        if found.get(path) != order["after"].get(path)
    ]
    raise RuntimeError("%s: a mixture: %s" % (why, wrong))


def recover(order, memory, scratch, second, why):
    """Boot from a memory; where `second`, cut that at each operation, too. Return what came."""
    flash.copy(scratch, memory)
    boot(scratch)
    new = judge(order, digests(), why)
    cut = 1
    while second:
        flash.copy(scratch, memory)
        if boot(scratch, cut):
            break
        boot(scratch)
        again = judge(order, digests(), "%s, and in the next boot at %d" % (why, cut))
        if new and not again:
            raise RuntimeError("%s: it goes back" % why)
        cut += STEP
    return new, cut // STEP


def run():
    """Do what standard input says."""
    order = json.loads(sys.stdin.readline())
    sys.modules["hardware"] = Hardware()
    sys.modules["app"] = App()
    sys.modules["time"] = Time()
    journal = Journal(order["journal"], order["blocks"])
    memory = flash.erased(order["blocks"])
    scratch = flash.erased(order["blocks"])
    sys.path[:] = [""]
    journal.advance(order["first"])
    mount(journal.memory)
    order["before"] = digests()
    counts = {"cuts": 0, "second": 0, "old": 0, "new": 0}
    counts["waiting"] = len(part(order["before"], True))
    steps = set(range(order["first"], order["last"], STEP))
    for at in sorted(steps | set(order["marks"])):
        journal.advance(at)
        for torn in (False, True) if at in steps else (False,):
            flash.copy(memory, journal.memory)
            if torn:
                journal.step(memory, True)
            why = "cut at %d%s" % (at, ", torn" if torn else "")
            second = torn and at // STEP % SECOND == 0
            new, cuts = recover(order, memory, scratch, second, why)
            if counts["new"] and not new:
                raise RuntimeError("%s: it goes back" % why)
            counts["new" if new else "old"] += 1
            counts["cuts"] += 1
            counts["second"] += cuts
    print(json.dumps(counts))


run()
