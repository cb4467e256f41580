"""What a bundle covers; borrowed to render it, and when it is delivered."""

from . import OVERFLOW

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LAST = const(14)  # FLOOD_END; what comes after it, a user's text say, is always a mail of its own


def members(box, bundle):
    """Yield the keys of the notices that a bundle covers, oldest first."""
    for notice in covered(box, bundle):
        yield notice.key


def covered(box, bundle):
    """Yield the notices that a bundle covers; not the overflows, each is a table of its own."""
    to = bundle.since or bundle.to
    key = box.find()
    while key and key <= bundle.announced:
        box.idle()
        notice = box.read(key)
        if (
            notice
            and notice.to == to
            and OVERFLOW < notice.kind <= _LAST
            and bundle.text in ("", notice.tag)
        ):
            yield notice
        key = box.find(key)
