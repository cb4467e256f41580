"""Modules that are needed for a moment only: most of the heap of a board is code."""

import gc
import sys

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LOW = const(10240)  # octets of heap: to fold a full queue takes most

tidy = gc.collect if hasattr(gc, "mem_free") else int
"""Collect what is let go, before what stays is made: so that finds a small gap at the low end of
the heap, and does not lie in the midst of what is free, for good. CPython needs none of this."""

room = []
"""Who makes room where heap is short, if he can: a function."""


def borrow(name):
    """Import a module and return it; it leaves the heap with the last who uses it.

    The next borrow() reads it from flash again, some 10 to 50 ms on a board.
    """
    tidy()
    if room and gc.mem_free() < _LOW:
        room[0]()
        tidy()
    __import__(name)
    module = sys.modules.pop(name)
    package, _, leaf = name.rpartition(".")
    if package:
        delattr(sys.modules[package], leaf)
    return module
