"""Modules that are needed for a moment only: most of the heap of a board is code."""

import gc
import sys

tidy = gc.collect if hasattr(gc, "mem_free") else int
"""Collect what is let go, before what stays is made: so that finds a small gap at the low end of
the heap, and does not lie in the midst of what is free, for good. CPython needs none of this."""


def borrow(name):
    """Import a module and return it; it leaves the heap with the last who uses it.

    The next borrow() reads it from flash again, some 10 to 50 ms on a board.
    """
    tidy()
    __import__(name)
    module = sys.modules.pop(name)
    package, _, leaf = name.rpartition(".")
    if package:
        delattr(sys.modules[package], leaf)
    return module
