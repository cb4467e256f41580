"""What is kept of the console for the time after a reset: boots, warnings and errors.

It is in `/logs/new`, and in `/logs/old` what that was before it was full: lines of text, for
whoever has the board in hand. Borrowed to write a line, and to read them. A cut of the power
leaves a line or not, since LittleFS commits what was appended when the file is closed. A line
begins with the time once a time server has answered in that boot, and a line tells when it did.

Each line costs an erase of a block of flash. So there is one a minute, and five at once at most;
the next one tells how many were left out.
"""

import os

from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_FULL = const(4096)  # octets of a file: a block of flash
_SPACE = const(60000)  # ms
_AHEAD = const(240000)  # ms, worth four lines

# What only this module wants of an `App` is not there before it is wanted: heap is short.
# pyright: reportAttributeAccessIssue=false


def begin(app):
    """Keep that there was a boot, and what is wrong with the configuration."""
    keep(app, "boot %d: %s" % (app.outbox.boots, app.board.reset_cause()))
    if app.log.kept:
        note(app)


def note(app):
    """Keep the last warning or error, which is the trouble that the console tells of."""
    app.trouble = app.log.kept
    app.log.kept = ""
    now = app.clock.now()
    full = getattr(app, "noted", 0)  # when there would be one a minute
    if full > now + _AHEAD:
        app.unnoted = getattr(app, "unnoted", 0) + 1
        return
    app.noted = max(full, now) + _SPACE
    left_out = getattr(app, "unnoted", 0)
    app.unnoted = 0
    keep(app, app.trouble + (", %d before it left out" % left_out if left_out else ""))


def keep(app, text):
    """Append a line; a flash that fails is not told here, or there would be one more line."""
    folder = place(app)
    offset = app.outbox.offset()
    if offset:
        now = app.clock.seconds(app.clock.now())
        text = borrow("dates").text(offset + now) + ", " + text
    try:
        make(folder)
        with open(folder + "new", "ab") as file:
            file.write(text.encode() + b"\n")
        if os.stat(folder + "new")[6] >= _FULL:
            os.rename(folder + "new", folder + "old")
    except OSError:
        pass


def make(folder):
    """Make a folder where there is none."""
    try:
        os.mkdir(folder[:-1])
    except OSError:
        pass  # it is there


def place(app):
    """Return the folder of the journal, beside that of the configurations."""
    return app.folder.rsplit("/", 2)[0] + "/logs/"


def answer(app, _, say):
    """Tell what is kept, the oldest first; a command of the console."""
    count = 0
    for name in ("old", "new"):
        for line in lines(place(app) + name):
            say("log", str(line, "utf-8").rstrip())
            count += 1
    return "%d lines" % count


def lines(path):
    """Yield the lines of a file, none where there is none."""
    try:
        with open(path, "rb") as file:
            yield from file
    except OSError:
        pass
