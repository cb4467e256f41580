"""Modules that are needed for a moment only: most of the heap of a board is code."""

import sys


def borrow(name):
    """Import a module and return it; it leaves the heap with the last who uses it.

    The next borrow() reads it from flash again, some 10 to 50 ms on a board.
    """
    __import__(name)
    module = sys.modules.pop(name)
    package, _, leaf = name.rpartition(".")
    if package:
        delattr(sys.modules[package], leaf)
    return module
