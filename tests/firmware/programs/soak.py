"""Let the notifier run for days in simulated time: `soak IMAGE [DAYS]`; prints JSON.

Without DAYS it makes IMAGE, a flash with a configuration that is checked. With them it runs from
there, so that the heap is that of a board after its reset. The rest is this program: a board with
its flash, network and gateway, which are one object with few names, and an operator.

Each day is like the others: some 3,400 alarms of twenty points, in floods and one by one, an hour
without a gateway, an hour without the network, shelved and latched points, texts of the program.
At its end, when nothing waits, the heap in use is measured, and what is on flash.
"""

# pyright: reportAttributeAccessIssue=false

import gc
import os
import sys
from array import array

import ffi
import vfs
from micropython import const
from uctypes import bytearray_at

_BLOCK = const(4096)
_BLOCKS = const(256)
_HOUR = const(3600000)
_PAUSE = const(600000)
_ALARMS = const(143)  # an hour
_POINTS = const(20)
_WRAP = const(0x3FFFFFFF)  # of MicroPython's ticks
_SIGN = const(0x20000000)
_POLLIN = const(1)

REPLIES = {b"EHLO": b"250 gateway\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Board:
    """All that is not the firmware. Methods that only wait are `register`."""

    name = "SIMULATED"
    uid = b"12345678"
    address = "192.168.1.7"
    up = True  # the link
    state = True  # the gateway's
    now = mails = 0
    data = None  # the last octets of a mail, while there is one
    line = b""  # a reply on its way
    memory = memoryview(
        bytearray_at(ffi.open(None).func("P", "malloc", "I")(_BLOCKS * _BLOCK), _BLOCKS * _BLOCK)
    )

    # The flash

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = self.memory[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        self.memory[start : start + len(buffer)] = buffer

    def ioctl(self, operation, _):
        return {4: _BLOCKS, 5: _BLOCK}.get(operation, 0)

    # The hardware

    def watchdog(self, _):
        return self

    def reset_cause(self):
        return "power on"

    def reset(self):
        raise KeyboardInterrupt  # which nothing catches

    # The network

    def register(self, *event):
        self.event = event and event[-1]

    feed = setblocking = setsockopt = modify = register

    def connect(self, _):
        self.data = None
        if not self.state:
            raise OSError(111)
        self.line = b"220 gateway\r\n"

    def ipoll(self, wait):
        if self.line or self.event != _POLLIN:
            return ((self, self.event),)
        self.now += wait
        return ()

    def write(self, data, start, length):
        if self.data is None:
            word = bytes(data[start : start + 4])
            self.line = REPLIES.get(word, b"250 ok\r\n")
            if word == b"DATA":
                self.data = b"\r\n"
        else:
            self.data = (self.data + bytes(data[max(start, length - 5) : length]))[-5:]
            if self.data == b"\r\n.\r\n":
                self.data = None
                self.line = b"250 taken\r\n"
                self.mails += 1
        return length - start

    def recv(self, _):
        data = self.line
        self.line = b""
        return data

    def close(self):
        self.line = b""


def run(app, until):
    """Let the main loop turn until a time; skip what is idle."""
    while board.now < until:
        app.turn()
        due = min(app.alarms.due, app.next_look)
        if board.up:
            due = min(due, app.notifier.due)
        board.now = min(until, max(due, board.now + 5))


def hour(app, number):
    """Let an hour go by, with all its alarms: one by one, or in a flood."""
    import alarmpost

    board.state = number != 3
    board.up = number != 7
    end = board.now + _HOUR
    for at in range(_ALARMS):
        point = app.points[(number + at % (_POINTS if number == 12 else 4)) % _POINTS]
        point.set()
        run(app, board.now + 5)
        point.clear()
        run(app, board.now + (24000 if number == 12 else 1400))
    alarmpost.notify("The hour %d is over." % number, "low")
    alarmpost.command("P%d" % (number % _POINTS), "ack")
    alarmpost.command("P%d" % (number % _POINTS), "reset")
    run(app, end - _PAUSE)
    alarmpost.command("P9", "unshelve" if number % 2 else "shelve")
    run(app, end)


def measure(app, found, at):
    """Note octets in use of the heap, files, octets in them, and records that wait."""
    gc.collect()
    gc.collect()
    found[at] = gc.mem_alloc()
    for entry in os.ilistdir("/flash/queue"):
        found[at + 1] += 1
        found[at + 2] += entry[3]
    found[at + 3] = app.outbox.count()


def start():
    """Boot the firmware."""
    import app as firmware
    from clock import Clock

    return firmware.start(board, "/flash", Clock(board.ticks_ms, board.ticks_diff))


def make(path):
    """Make a flash; it is that of a board whose first boot has checked its configuration."""
    vfs.VfsLfs2.mkfs(board)
    vfs.mount(vfs.VfsLfs2(board), "/flash")
    with open("config.json") as source, open("/flash/config.json", "w") as file:
        file.write(source.read())
    try:
        start()
    except KeyboardInterrupt:
        vfs.umount("/flash")
        with open(path, "wb") as file:
            file.write(board.memory)


def soak(path, days):
    """Let days go by from a flash on; return what was measured at the end of each."""
    with open(path, "rb") as file:
        file.readinto(board.memory)
    vfs.mount(vfs.VfsLfs2(board), "/flash")
    # MicroPython keeps names in tables, each twice the size of the one before. With those of this
    # program they just need one more, of 4.5 kB: let it be made where there is room for it.
    for name in range(200):
        hasattr(board, str(name))
    app = start()
    import notifier

    notifier.jitter = lambda delay: min(2 * delay, notifier.RETRY_MOST)
    app.outbox.set_offset(1795000000)
    found = array("i", [0] * (4 * days))
    for day in range(days):
        for number in range(24):
            hour(app, number)
        measure(app, found, 4 * day)
    raises = sum([point.occurrence for point in app.points])
    print("[%d, %d, %d, %s]" % (raises, board.mails, app.failures, list(found)))


board = Board()
board.link = board
board.poll = board.socket = lambda *_: board
board.ticks_ms = lambda: board.now & _WRAP
board.ticks_diff = lambda later, earlier: ((later - earlier + _SIGN) & _WRAP) - _SIGN
board.getaddrinfo = lambda host, port, *_: ((2, 1, 6, "", (host, port)),)
board.gmtime = board.sleep = None
board.SOCK_STREAM = 1
for name in ("socket", "select", "time"):
    sys.modules[name] = board

if len(sys.argv) > 2:
    soak(sys.argv[1], int(sys.argv[2]))
else:
    gc.collect()
    print(gc.mem_alloc())
    make(sys.argv[1])
