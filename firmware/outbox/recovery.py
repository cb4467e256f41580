"""What the outbox does at boot only; borrowed for that."""

import os

from borrow import borrow

from . import ANY, BUNDLE, BUNDLES, OVERFLOW, boot_of, decode, home_of, name_of, rank_of

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_OVERFLOW = const(5)
_ENTRY = const(8)
_PAGE = const(128)


def boot(box):
    """Clean up after whatever ended the last boot, and count this one; see `Outbox`."""
    try:
        os.mkdir(box.root[:-1])
    except OSError:
        pass  # it is there
    offsets = borrow("outbox.offsets")
    known = offsets.load(box)
    named = fill(box)
    finish(box)
    last = max([0] + list(known) + list(named))
    if not known:  # what was here before, a boot of another number may have had it
        last += offsets.anywhere()
    box.boots = last + 1
    box.offsets = {boot: known[boot] for boot in known if boot in named}
    offsets.save(box, 0)


def fill(box):
    """Fill the index, remove what is no record; return the set of boots whose time is told."""
    place = borrow("outbox.deliveries").place
    named = set()
    bad = []
    names = borrow("outbox.states").names
    for name in names(box):
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
        at_home = name.startswith("=")
        if record.to or record.parked or not at_home:
            insert(box.index, place(box, record.key), record)
            if at_home:
                box.homes[record.key] = record.tag
        named.add(boot_of(record.key))
        named.add(boot_of(record.announced))
    for name in bad:
        box.discard(name)
    return named


def insert(index, place, record):
    """Put a record into its place in the index, which is sorted; a full page becomes two."""
    page, at = place
    page[at:at] = record.key + bytes((rank_of(record),))
    if len(page) > _PAGE:
        at = at or _ENTRY
        index.insert(index.index(page) + 1, page[at:])
        page[at:] = b""


def finish(box):
    """Finish what a cut has left half done."""
    deliveries = borrow("outbox.deliveries")
    key = box.find(b"", ANY)
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
        key = box.find(key, ANY)
    if box.find(b"", BUNDLES):
        deliveries.tidy(box)
    deliveries.join(box.index)
