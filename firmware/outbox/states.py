"""The states of tags, where no notice tells them; borrowed for that."""

import os

from borrow import borrow

from . import ANY, decode, encode, home_of


def keep(box, record):
    """Keep what a record tells of the state of its tag, without a notice."""
    record.to = 0
    box.refer(record)
    borrow("outbox.deliveries").vacate(box, record.tag)
    box.save(home_of(record.tag), encode(record, box.next_key()))


def forget(box, tag):
    """Remove the state of a tag that there is no more."""
    borrow("outbox.deliveries").vacate(box, tag)
    box.discard(home_of(tag))


def replay(box):
    """Yield the records that tell a state; of a tag's, the last tells the one that holds."""
    for name in names(box):
        home = name.startswith("=") and decode(box.load(name))
        if home:
            yield home
    deliveries = borrow("outbox.deliveries")
    key = box.find(b"", ANY)
    while key:
        notice = box.read(key)
        if notice and deliveries.tells(box, notice):
            yield notice
        key = box.find(key, ANY)


def names(box):
    """Yield the names of the files, on a board one at a time."""
    for entry in getattr(os, "ilistdir", os.listdir)(box.root[:-1]):
        yield entry if isinstance(entry, str) else entry[0]
