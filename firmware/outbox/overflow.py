"""Folding the oldest notices of a full outbox into one that counts them; borrowed for that."""

from borrow import borrow

from . import ANY, BUNDLES, OVERFLOW, TEXT, Record

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

# A fold erases a block where the text is long, so fewer at once would wear the flash more; with a
# call of idle() after each file, many do not make the inputs wait either.
_BATCH = const(8)
_OTHERS = const(12)  # octets of the last line
_CHATTER_END = const(8)  # a kind: it counts for itself, and for the raises that it counts
_OVERFLOW = const(5)
_OVERFLOWS = const(b"\5\6")


def fold(box, uptime):
    """Make room for a notice, where there is anything to fold."""
    if box.count(ANY) > box.limit:
        finish(box)
    while box.count(ANY) >= box.limit:
        lowest = 0
        while not box.count(bytes((lowest,))):
            lowest += 1
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
    key = box.find(b"", b"\5")
    while key:
        overflow = box.read(key)
        fold_away(box, overflow, overflow.state or _OVERFLOW)
        key = box.find(key, b"\5")


def count(box, overflow, lowest):
    """Count the oldest of the lowest rank, and what the overflows count that there are already."""
    counts = {}
    left = _BATCH
    rank = bytes((lowest,))
    key = box.find(b"", rank)
    while key and left:
        box.idle()
        add(overflow, counts, box.read(key))
        overflow.announced = key
        left -= 1
        key = box.find(key, rank)
    key = box.find(b"", _OVERFLOWS)
    while key:
        box.idle()
        add(overflow, counts, box.read(key))
        key = box.find(key, _OVERFLOWS)
    overflow.text = lines(counts)


def fold_away(box, overflow, lowest):
    """Take off the queue what an overflow counts: older ones, and a rank up to a key."""
    retire = borrow("outbox.deliveries").retire
    for ranks, end in ((bytes((lowest,)), overflow.announced), (_OVERFLOWS, overflow.key)):
        key = box.find(b"", ranks)
        while key and key <= end and key != overflow.key:
            box.idle()
            retire(box, key, box.read(key))
            key = box.find(key, ranks)


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
        line = "%d %s" % (counts[tag], tag) + "\n"
        if len((found + line).encode()) > TEXT - _OTHERS:
            others += counts[tag]
        else:
            found += line
    return found + "%d %s" % (others, "*") if others else found[:-1]
