"""The flash: a file mapped into memory, in the geometry of the port; its power can be cut.

Finalisers of files call the methods while the heap is locked, so they allocate nothing.

Where a journal is wanted, it gets each operation before that happens: where on the flash and how
many octets, both as 32 bits, the least significant octet first; then what is programmed. No octets
are an erased block.
"""

import ffi
import vfs

from _page import die, map_file, open_file, page, port, settings

BLOCK = 4096
GEOMETRY = {"esp32": {}, "rp2": {"progsize": 256}}[port]
BOOT_PY = "# This file runs at each boot, before main.py.\n"

_libc = ffi.open(None)
_copy = _libc.func("v", "memcpy", "ppi")
_fill = _libc.func("v", "memset", "pii")
_write = _libc.func("l", "write", "ipl")

_APPEND = 0o2001
_entry = bytearray(8)
_journal = open_file(settings["journal"], _APPEND) if settings["journal"] else None


def note(place, data):
    """Write an operation into the journal."""
    at = 0
    for number in (place, len(data)):
        for shift in (0, 8, 16, 24):
            _entry[at] = number >> shift & 255
            at += 1
    _write(_journal, _entry, 8)
    _write(_journal, data, len(data))


class Flash:
    """The block device."""

    def __init__(self):
        self.blocks = settings["blocks"]
        self.address = map_file(settings["flash"], self.blocks * BLOCK, 0x10000000)

    def readblocks(self, block, buffer, offset=0):
        """Read."""
        _copy(buffer, self.address + block * BLOCK + offset, len(buffer))
        return 0

    def writeblocks(self, block, buffer, offset=0):
        """Program."""
        page.programs += 1
        if _journal:
            note(block * BLOCK + offset, buffer)
        place = self.address + block * BLOCK + offset
        if self.cut():
            _copy(place, buffer, len(buffer) // 2 if page.torn else 0)
            die()
        _copy(place, buffer, len(buffer))
        return 0

    def ioctl(self, operation, block):
        """Say what there is, or erase."""
        if operation == 4:
            return self.blocks
        if operation == 5:
            return BLOCK
        if operation == 6:
            page.erases += 1
            if _journal:
                note(block * BLOCK, b"")
            place = self.address + block * BLOCK
            if self.cut():
                _fill(place, 255, BLOCK // 2 if page.torn else 0)
                die()
            _fill(place, 255, BLOCK)
        return 0

    def cut(self):
        """Count an operation and tell whether the power fails at it."""
        page.operations += 1
        return page.operations == page.cut


def mount():
    """Mount the file system in the place of the PC's; make it where there is none."""
    flash = Flash()
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsLfs2(flash, **GEOMETRY), "/")
    except OSError:
        vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
        vfs.mount(vfs.VfsLfs2(flash, **GEOMETRY), "/")
        if port == "esp32":
            with open("boot.py", "w") as file:
                file.write(BOOT_PY)
    return flash
