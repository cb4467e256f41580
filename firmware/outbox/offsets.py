"""The clock offsets of the boots, in the file "boots"; borrowed at boot and to set the clock."""

import os
from binascii import crc32
from struct import pack, unpack_from

from . import BUNDLES, PENDING

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

_VERSION = const(1)
_RESIDUE = const(0x2144DF1C)  # the CRC-32 of anything that ends with its own CRC-32
_BOOT = const(">II")  # boot number, clock offset


def load(box):
    """Return the offsets that are on flash, by boot number; {} where they are lost."""
    data = box.load("boots")
    known = {}
    if data and data[0] == _VERSION and crc32(data) == _RESIDUE:
        for at in range(1, len(data) - 4, 8):
            boot, offset = unpack_from(_BOOT, data, at)
            known[boot] = offset
    return known


def change(box, seconds, again=False):
    """Keep what to add to the uptime of this boot to have the time; the first counts.

    again: this one counts where no notice of this boot waits, which might have been sent
    """
    known = box.offset()
    if known and (not again or box.find(pack(_BOOT, box.boots, 0)[1:], PENDING + BUNDLES)):
        return
    if seconds != known:
        save(box, seconds)


def save(box, seconds):
    """Keep the offset of this boot, and so that there was this boot."""
    data = bytes((_VERSION,))
    offsets = dict(box.offsets)
    offsets[box.boots] = seconds
    for boot in offsets:
        data += pack(_BOOT, boot, offsets[boot])
    box.save("boots", data + pack("<I", crc32(data)))
    box.offsets = offsets


def anywhere():
    """Return a number of boots to skip, of 22 bits: other than after the last formatting."""
    return int.from_bytes(os.urandom(3), "big") >> 2
