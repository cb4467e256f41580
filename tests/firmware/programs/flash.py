"""A flash in memory whose power can be cut; for MicroPython's unix port, 64 bit.

The file system is MicroPython's own LittleFS, in the geometries of the boards' ports.
"""

import os

import ffi
import vfs
from uctypes import addressof, bytearray_at

BLOCK = 4096
PLACE = "/flash"

# progsize as ports/rp2/modules/_boot.py and ports/esp32/modules/inisetup.py have it
GEOMETRIES = {"esp32": {}, "rp2": {"progsize": 256}}
SIZES = {"esp32": 512, "rp2": 352}  # blocks

_libc = ffi.open(None)
_malloc = _libc.func("p", "malloc", "I")
_copy = _libc.func("v", "memcpy", "ppi")
_fill = _libc.func("v", "memset", "pii")

PROGRAM = 1
ERASE = 2

_EIO = -5  # returned, not raised: what is raised in a finaliser is lost


class Flash:
    """The flash of one power-on, as a block device.

    It allocates nothing, since finalisers of files call it while the heap is locked. Each power-on
    has an object of its own: one whose power was cut writes never again, whoever still holds it.
    """

    def __init__(self, memory, cut=0, torn=False):
        """Let the power fail at operation `cut`, before it or (`torn`) half way.

        dead: 0, or what was cut: PROGRAM or ERASE
        """
        self.memory = memory
        self.address = addressof(memory)
        self.cut = cut
        self.torn = torn
        self.dead = 0
        self.count = self.programs = self.erases = 0

    def length(self, octets, operation):
        """Count an operation and return how much of it happens."""
        self.count += 1
        if self.count == self.cut:
            self.dead = operation
            return octets // 2 if self.torn else 0
        return octets

    def readblocks(self, block, buffer, offset=0):
        """Read."""
        if self.dead:
            return _EIO
        return _copy(
            buffer, self.address + block * BLOCK + offset, len(buffer)
        )  # None: it went well

    def writeblocks(self, block, buffer, offset=0):
        """Program."""
        if self.dead:
            return _EIO
        self.programs += 1
        _copy(self.address + block * BLOCK + offset, buffer, self.length(len(buffer), PROGRAM))
        return _EIO if self.dead else 0

    def ioctl(self, operation, block):
        """Say what there is, or erase."""
        if operation == 4:
            return len(self.memory) // BLOCK
        if operation == 5:
            return BLOCK
        if operation == 6:
            if self.dead:
                return _EIO
            self.erases += 1
            _fill(self.address + block * BLOCK, 255, self.length(BLOCK, ERASE))
            return _EIO if self.dead else 0
        return 0


def erased(blocks):
    """Return the memory of a new flash; not on the heap, which is slow when it is large."""
    memory = bytearray_at(_malloc(blocks * BLOCK), blocks * BLOCK)
    erase(memory)
    return memory


def erase(memory):
    """Make memory that of a new flash."""
    _fill(addressof(memory), 255, len(memory))


def copy(target, source):
    """Copy one flash's memory over another's."""
    _copy(addressof(target), addressof(source), len(source))


def make(memory, geometry):
    """Make an empty file system."""
    vfs.VfsLfs2.mkfs(Flash(memory), **GEOMETRIES[geometry])


def mount(flash, geometry):
    """Mount the file system at `PLACE`."""
    vfs.mount(vfs.VfsLfs2(flash, **GEOMETRIES[geometry]), PLACE)


def unmount():
    """Take it off again, if it is there."""
    try:
        os.stat(PLACE)
        vfs.umount(PLACE)
    except OSError:
        pass
