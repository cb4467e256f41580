"""Folding the oldest notices of a full outbox into one that counts them; borrowed for that."""

from borrow import borrow

from . import BUNDLES, OVERFLOW, TEXT, Record

try:
    from micropython import const
except ImportError:  # CPython
    const = int

# A fold erases a block where the text is long, so fewer at once would wear the flash more; with a
# call of idle() after each file, many do not make the inputs wait either.
_BATCH = const(8)
_OTHERS = const(12)  # octets of the last line
_CHATTER_END = const(8)  # a kind: it counts for itself, and for the raises that it counts
_OVERFLOW = const(5)
_OVERFLOWS = b"\5"
_BUNDLE = const(7)
_KEY = const(7)
_ENTRY = const(8)


def fold(box, uptime):
    """Make room for a notice, where there is anything to fold."""
    if len(box.index) > box.limit * _ENTRY:
        finish(box)
    while len(box.index) >= box.limit * _ENTRY:
        lowest = min(box.index[at] for at in range(_KEY, len(box.index), _ENTRY))
        if lowest >= _OVERFLOW:
            break
        overflow = Record(OVERFLOW, "", lowest, 0, 0, uptime, None, 0)
        count(box, overflow, lowest)
        key = box.accept(overflow)
        fold_away(box, box.read(key), lowest)
    if box.find(b"", BUNDLES):
        borrow("outbox.deliveries").tidy(box)


def finish(box):
    """Take off the queue what is counted already, where flash or memory failed in the midst."""
    key = box.find(b"", _OVERFLOWS)
    while key:
        overflow = box.read(key)
        fold_away(box, overflow, overflow.state or _OVERFLOW)
        key = box.find(key, _OVERFLOWS)


def count(box, overflow, lowest):
    """Count the oldest of the lowest rank, and what the overflows count that there are already."""
    counts = {}
    left = _BATCH
    for at in range(0, len(box.index), _ENTRY):
        rank = box.index[at + _KEY]
        if is_overflow(rank) or (rank == lowest and left):
            box.idle()
            key = box.key_at(at)
            add(overflow, counts, box.read(key))
            if rank == lowest:
                left -= 1
                overflow.announced = key
    overflow.text = lines(counts)


def is_overflow(rank):
    """Tell whether a rank is that of an overflow, pending or parked."""
    return _OVERFLOW <= rank < _BUNDLE


def fold_away(box, overflow, lowest):
    """Take off the queue what an overflow counts: older ones, and a rank up to a key."""
    deliveries = borrow("outbox.deliveries")
    at = 0
    while at < len(box.index):
        key = box.key_at(at)
        rank = box.index[at + _KEY]
        last = overflow.announced if rank == lowest else b""
        if key <= last or (is_overflow(rank) and key < overflow.key):
            box.idle()
            deliveries.retire(box, key, box.read(key))
        else:
            at += _ENTRY


def add(overflow, counts, notice):
    """Count a notice, or those that an older overflow counts, into a new one."""
    notice = notice or Record(1, "*", to=0)
    overflow.priority = max(overflow.priority, notice.priority)
    overflow.to |= notice.to | notice.parked
    many = int(notice.value or 0) + 1 if notice.kind == _CHATTER_END else 1
    overflow.occurrence += notice.occurrence if notice.kind == OVERFLOW else many
    text = notice.text if notice.kind == OVERFLOW else "%d %s" % (many, notice.tag)
    for line in text.split("\n"):
        number, tag = line.split(" ", 1)
        counts[tag] = counts.get(tag, 0) + int(number)


def lines(counts):
    """Return the text of an overflow: lines of "COUNT TAG", in the end "COUNT *" for others."""
    found = ""
    others = counts.pop("*", 0)
    for tag in sorted(counts):
        line = "%d %s\n" % (counts[tag], tag)
        if len((found + line).encode()) > TEXT - _OTHERS:
            others += counts[tag]
        else:
            found += line
    return found + "%d *" % others if others else found[:-1]
