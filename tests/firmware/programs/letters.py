"""Measure the heap that a mail takes while it is rendered: `letters CASE`; prints JSON.

The configuration is the file "generation". The records of a bundle are made when they are read, so
that they take no heap otherwise, as on flash.
"""

import gc
import json
import sys

from borrow import borrow
from dates import utc
from mail import AlarmMail
from outbox import KINDS, Record

ADDRESS = b"\0\0\x0c\0\0\0"


class Box:
    """An outbox whose records are all alike: 20 tags come and go."""

    boots = 12

    def offset(self, _):
        return 1770033600

    def read(self, key):
        number = key[6]
        record = Record(1 + number % 2, "TK-%d.PAHH" % (number // 2 % 20), 2, 3, number, 93731)
        record.value = 81.5
        record.key = record.announced = key
        return record


class Settings:
    """The configuration, read in blocks."""

    def read(self, name):
        """Return the value of a name."""
        mark = b"\n" + name.encode() + b"\t"
        at = 0
        with open("generation", "rb") as file:
            while True:
                block = file.read(256)
                found = block.find(mark)
                if found >= 0:
                    file.seek(at + found + len(mark))
                    return json.loads(file.readline())
                if len(block) < 256:
                    return None
                at += 256 - len(mark)
                file.seek(at)

    def points(self):
        """Yield the alarm points."""
        with open("generation", "rb") as file:
            for line in file:
                if line.startswith(b"point "):
                    yield json.loads(line[line.find(b"\t") :])


class Context:
    """What holds now."""

    active = ("TK-1.PAHH", "TK-2.PAHH", "PUMP_2")
    shelved = ()
    flood = 0
    firmware = "0.1.0"
    board = "W5500_EVB_PICO"
    address = "192.168.1.7"
    uptime = 93731
    short = 0

    def idle(self):
        """Nothing to do meanwhile."""


def bundle(count):
    """Return a bundle and the keys of its members."""
    record = Record(KINDS.split().index("BUNDLE"), "", 0, 3, 0, 93731)
    record.key = record.announced = ADDRESS + b"\xff"
    return record, (ADDRESS + bytes((number,)) for number in range(count))


def render(case):
    """Render a mail, make it ready to be sent, and let it go."""
    if case == "nothing":
        return 0
    record, members = bundle(int(case)) if case != "single" else (BOX.read(ADDRESS + b"\0"), ())
    notices = borrow("notices")
    recipients, subject, body = notices.compose(record, members, SETTINGS, BOX, CONTEXT)
    id = notices.message_id(b"\xe6\x61\x41\x03\xe7\x45\x2c\x2f", record.key)  # noqa: A001
    del notices
    mail = AlarmMail("plc7@plant.lan", recipients, subject, body, id, utc(1770127331))
    return sum([len(lines) for lines in mail.body])


def used():
    """Return the octets in use."""
    gc.collect()
    return gc.mem_alloc()


BOX = Box()
SETTINGS = Settings()
CONTEXT = Context()
start = used()
taken = []
octets = []
for _ in range(4):
    octets.append(render(sys.argv[1]))
    taken.append(used() - start)
print(json.dumps({"octets": octets, "taken": taken}))
