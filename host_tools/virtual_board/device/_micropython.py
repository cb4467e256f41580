"""The stand-in for `micropython`: Ctrl-C is the supervisor's business."""

from micropython import *

import layout
from _page import page


def kbd_intr(character):
    """Take Ctrl-C as an interrupt (3), or as data (-1); output is data then as well."""
    import _repl

    page.console = layout.BINARY if character < 0 else layout.PROGRAM
    _repl.newlines(character >= 0)
