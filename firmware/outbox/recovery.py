"""What the outbox does at boot only; borrowed once."""

import os

from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

from . import (
    BUNDLE,
    BUNDLES,
    OVERFLOW,
    PARKED,
    PENDING,
    boot_of,
    decode,
    home_of,
    name_of,
    rank_of,
)

_OVERFLOW = const(5)
_ANY = PENDING + PARKED + BUNDLES


def boot(box):
    """Clean up after whatever ended the last boot, and count this one."""
    try:
        os.mkdir(box.root[:-1])
    except OSError:
        pass  # it is there
    offsets = borrow("outbox.offsets")
    known = offsets.load(box)
    named = scan(box)
    finish(box)
    last = max([0] + list(known) + list(named))
    if not known:  # what was here before, a boot of another number may have had it
        last += offsets.anywhere()
    box.boots = last + 1
    box.offsets = {boot: known[boot] for boot in known if boot in named}
    offsets.save(box, 0)


def scan(box):
    """Fill the index, remove what is no record; return the set of boots whose time is told."""
    named = set()
    bad = []
    for name in names(box.root[:-1]):
        box.idle()
        if name == "boots":
            continue
        data = box.load(name)
        record = decode(data)
        if not record or name not in (name_of(record.key), home_of(record.tag)):
            box.damaged += data != b""
            if data is not None:  # what cannot be read now may be read at the next boot
                bad.append(name)
            continue
        if record.to or record.parked or name[0] != "=":
            enter(box, record)
            if name[0] == "=":
                box.homes[record.key] = record.tag
        named.add(boot_of(record.key))
        named.add(boot_of(record.announced))
    for name in bad:
        box.discard(name)
    return named


def enter(box, record):
    """Put a record into the index, which is sorted."""
    at = box.seek(record.key)
    box.index[at:at] = record.key + bytes((rank_of(record),))


def finish(box):
    """Finish what a cut has left half done."""
    deliveries = borrow("outbox.deliveries")
    key = box.find(b"", _ANY)
    while key:
        box.idle()
        notice = box.read(key)
        if not notice:
            box.damaged += 1
        elif notice.kind == OVERFLOW:
            # Notices may have been parked since, so those that were then cannot be told.
            borrow("outbox.overflow").fold_away(box, notice, notice.state or _OVERFLOW)
        elif notice.kind != BUNDLE and not notice.to and not notice.parked:  # delivered
            deliveries.retire(box, key, notice)
        key = box.find(key, _ANY)
    if box.find(b"", BUNDLES):
        deliveries.tidy(box)


def replay(box):
    """Yield the records that tell a state; of a tag's, the last tells the one that holds."""
    for name in names(box.root[:-1]):
        home = name[0] == "=" and decode(box.load(name))
        if home:
            yield home
    deliveries = borrow("outbox.deliveries")
    key = box.find(b"", _ANY)
    while key:
        notice = box.read(key)
        if notice and deliveries.tells(box, notice):
            yield notice
        key = box.find(key, _ANY)


def names(folder):
    """Yield the names of the files in a folder, on a board one at a time."""
    for entry in getattr(os, "ilistdir", os.listdir)(folder):
        yield entry if isinstance(entry, str) else entry[0]
