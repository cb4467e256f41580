"""The hardware page on the board's side, and the few functions of the C library it needs."""

import json
import os

import ffi
import uctypes

import layout

settings = json.loads(os.getenv("VIRTUAL_BOARD"))
port = settings["port"]

_libc = ffi.open(None)
open_file = _libc.func("i", "open", "si")
_mmap = _libc.func("p", "mmap", "piiiil")
_exit = _libc.func("v", "_exit", "i")
_kill = _libc.func("i", "kill", "ii")
_getpid = _libc.func("i", "getpid", "")

_SHARED = 1
_READ_WRITE = 3
_ITEM = {1: uctypes.UINT8, 2: uctypes.UINT16, 4: uctypes.UINT32, 8: uctypes.INT64}


def map_file(path, size, place):
    """Map a file into memory at a low address, which stays a small integer with 32 bits."""
    return _mmap(place, size, _READ_WRITE, _SHARED, open_file(path, 2), 0)


def fields():
    """Return the layout as uctypes wants it."""
    found = {}
    for name, octets, count, at in layout.offsets():
        item = _ITEM[octets]
        found[name] = at | item if count == 1 else (at | uctypes.ARRAY, item | count)
    return found


page = uctypes.struct(map_file(settings["page"], layout.SIZE, 0x20000000), fields())
driven = page.driven
pulls = page.pulls
levels = page.levels


def end(status):
    """End the process with a status that tells the supervisor why."""
    page.console = layout.BOOTING
    if status == layout.EXIT_SOFT:
        page.parted = page.boots
    _exit(status)


def die():
    """Lose the power."""
    _kill(_getpid(), 9)
