"""Let the notifier run for days in simulated time: `soak IMAGE [DAYS]`; prints JSON.

Without DAYS it makes IMAGE, a flash with a configuration that is checked. With them it runs from
there: so the heap is that of a board after its reset. All of the heap is the firmware's but for
this program, which is a board, its flash, its network, a gateway and an operator, in few words.

Each day is like the others: some 3,400 alarms of twenty points, in floods and one by one, an hour
without a gateway, an hour without the network, shelved and latched points, texts of the program.
At the end of some, when nothing waits, the heap in use is measured, and what is on flash.
"""

import gc
import os
import sys
from errno import ECONNREFUSED, EINPROGRESS

import alarmpost
import app as firmware
import ffi
import vfs
from clock import Clock
from smtp_client import stream
from uctypes import addressof, bytearray_at

BLOCK = 4096
BLOCKS = 256
PLACE = "/flash"
HOUR = 3600000
ALARMS = 143  # an hour
POINTS = 20
WARM = 14  # days; after 12.4 of them times are objects, of which a point keeps some
WRAP = 1 << 30  # as of MicroPython's ticks

REPLIES = {
    b"EHLO": b"250 gateway\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


class Reset(BaseException):
    """The board was reset."""


class Flash:
    """A flash beside the heap."""

    def __init__(self):
        libc = ffi.open(None)
        self.copy = libc.func("v", "memcpy", "PPI")
        self.memory = bytearray_at(libc.func("P", "malloc", "I")(BLOCKS * BLOCK), BLOCKS * BLOCK)
        self.address = addressof(self.memory)

    def readblocks(self, block, buffer, offset=0):
        self.copy(addressof(buffer), self.address + block * BLOCK + offset, len(buffer))

    def writeblocks(self, block, buffer, offset=0):
        self.copy(self.address + block * BLOCK + offset, addressof(buffer), len(buffer))

    def ioctl(self, operation, _):
        return {4: BLOCKS, 5: BLOCK}.get(operation, 0)


class World:
    """The board, its link, its watchdog; a socket and its poll."""

    name = "SIMULATED"
    uid = b"12345678"
    address = "192.168.1.7"
    up = True  # the link
    refuses = False  # the gateway
    now = mails = 0
    data = None  # the last octets of a mail
    inbox = b""

    def ticks(self):
        return self.now & (WRAP - 1)

    def diff(self, later, earlier):
        return (later - earlier + WRAP // 2) % WRAP - WRAP // 2

    def watchdog(self, _):
        return self

    def feed(self):
        pass

    def poll(self, _=0):
        return self

    def reset_cause(self):
        return "power on"

    def reset(self):
        raise Reset

    # As a socket

    def setblocking(self, *_):
        pass

    setsockopt = setblocking

    def register(self, _, event):
        self.event = event

    modify = register

    def connect(self, _):
        if self.refuses:
            raise OSError(ECONNREFUSED)
        self.inbox = b"220 gateway\r\n"
        self.data = None
        raise OSError(EINPROGRESS)

    def ipoll(self, wait):
        if self.inbox or self.event == 4:
            return ((self, self.event),)
        self.now += wait
        return ()

    def write(self, data, start, length):
        if self.data is None:
            word = bytes(data[start : start + 4])
            self.inbox = REPLIES.get(word, b"250 ok\r\n")
            if word == b"DATA":
                self.data = b"\r\n"
        else:
            self.data = (self.data + bytes(data[max(start, length - 5) : length]))[-5:]
            if self.data == b"\r\n.\r\n":
                self.data = None
                self.inbox = b"250 taken\r\n"
                self.mails += 1
        return length - start

    def recv(self, _):
        data = self.inbox
        self.inbox = b""
        return data

    def close(self):
        self.inbox = b""


def run(until):
    """Let the main loop turn until a time; skip what is idle."""
    app = firmware._app
    while board.now < until:
        app.turn()
        due = min(app.alarms.due, app.next_look)
        if board.up:
            due = min(due, app.notifier.due)
        board.now = min(until, max(due, board.now + 5))


def hour(number):
    """Let an hour go by, with all its alarms: one by one, or in a flood."""
    app = firmware._app
    board.refuses = number == 3
    board.up = number != 7
    end = board.now + HOUR
    few, gap = (POINTS, 24000) if number == 12 else (4, 1400)
    for at in range(ALARMS):
        point = app.points[(number + at % few) % POINTS]
        point.set()
        run(board.now + 5)
        point.clear()
        run(board.now + gap)
    alarmpost.notify("The hour %d is over." % number, "low")
    for event in ("ack", "reset"):
        alarmpost.command("P%d" % (number % POINTS), event)
    run(end - 600000)
    alarmpost.command("P9", "unshelve" if number % 2 else "shelve")
    run(end)


def measure():
    """Return what is in use of the heap, and the files: how many, and octets."""
    gc.collect()
    gc.collect()
    used = gc.mem_alloc()
    files = octets = 0
    for entry in os.ilistdir(PLACE + "/queue"):
        files += 1
        octets += entry[3]
    return [used, files, octets]


def soak(days):
    """Run for some days."""
    import notifier

    notifier.jitter = lambda delay: min(2 * delay, notifier.RETRY_MOST)
    app = firmware.start(board, PLACE, Clock(board.ticks, board.diff))
    app.outbox.set_offset(1795000000)
    found = []
    for day in range(days):
        for number in range(24):
            hour(number)
        if day >= WARM:
            found.append([*measure(), app.outbox.count()])
        if 1:
            print(day, measure(), board.mails, app.failures, gc.mem_free(), file=sys.stderr)
    alarms = sum([point.occurrence for point in app.points])
    print(
        '{"alarms": %d, "mails": %d, "failures": %d, "lost": %d, "measured": %s}'
        % (alarms, board.mails, app.failures, app.lost, found)
    )


board = World()
board.link = board
stream.ticks_ms = board.ticks
stream.ticks_diff = board.diff
stream.socket = stream.poll = lambda *_: board
stream.getaddrinfo = lambda host, port, *_: ((2, 1, 6, "", (host, port)),)
flash = Flash()
if len(sys.argv) > 2:
    with open(sys.argv[1], "rb") as file:
        file.readinto(flash.memory)
else:
    vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), PLACE)
if len(sys.argv) > 2:
    soak(int(sys.argv[2]))
else:
    with open("config.json", "rb") as source, open(PLACE + "/config.json", "wb") as file:
        file.write(source.read())
    try:
        firmware.start(board, PLACE, Clock(board.ticks, board.diff))
    except Reset:
        vfs.umount(PLACE)
        with open(sys.argv[1], "wb") as file:
            file.write(flash.memory)
