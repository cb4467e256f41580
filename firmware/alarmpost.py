"""What programs of yours call, beside or in the place of main.py.

    import alarmpost

    pump = alarmpost.alarm("PUMP_2")  # a point of the type "software" in config.json
    Pin(4, Pin.IN).irq(lambda pin: pump.set())
    alarmpost.run()

Nothing here blocks but run(), and turn() while a mail is on its way. Import it first: it finishes
an update that was interrupted, as main.py does.
"""

import os

if "update.mpy" in os.listdir("/"):
    import update

    update.run()

import app
from app import run
from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

# `startup.py` gives an App most of what it has.
# pyright: reportAttributeAccessIssue=false

_TEXT = const(500)  # octets
_SHELF = const(28800000)  # ms

_PRIORITIES = {"diagnostic": 0, "low": 1, "medium": 2, "high": 3}

__all__ = ("alarm", "command", "notify", "run", "turn", "watch")


def alarm(tag):
    """Return the alarm point of a tag, which config.json has as of the type "software".

    Its methods set() and clear() may be called from a soft interrupt: they only note it, and
    allocate nothing. The next turn of the loop takes it from there.
    """
    point = app.start().find(tag)
    if not hasattr(point, "set") or hasattr(point, "pin"):
        raise ValueError('alarm: %s: give the tag of a point of the type "software"' % tag)
    return point


def notify(text, priority="medium"):
    """Mail a text of up to 500 octets (UTF-8) to the list "system".

    priority: high, medium, low or diagnostic

    May be called from a soft interrupt: it only notes the text, and allocates nothing where that
    has at most 125 characters. Returns False where 8 texts wait already for the next turn.
    Raises ValueError naming the argument.
    """
    if priority not in _PRIORITIES:
        raise ValueError("priority: %r: give high, medium, low or diagnostic" % (priority,))
    if len(text) > _TEXT // 4 and len(text.encode()) > _TEXT:
        raise ValueError("text: %d octets: give 500 at most" % len(text.encode()))
    board = app.start()
    texts = board.texts
    for at in range(0, 2 * app.TEXTS, 2):
        if texts[at] is None:
            texts[at + 1] = _PRIORITIES[priority]
            texts[at] = text
            board.told = True
            return True
    board.lost += 1
    return False


def command(tag, event, duration=_SHELF):
    """Give a command of an operator to the alarm of a tag.

    event: ack, reset, shelve, unshelve, out (of service) or return (to service)
    duration: of shelve, in ms; 8 h at most

    Raises ValueError naming the argument.
    """
    borrow("upkeep").command(app.start(), tag, event, duration)


def turn():
    """Do what is due, and return: for programs that have a loop of their own.

    It takes some ms, but as long as a mail takes where one is due. The watchdog is fed in it, so
    it is to be called several times a second.
    """
    app.start().turn()


def watch():
    """Sample the inputs and feed the watchdog; nothing is mailed.

    Give it as `idle` to a send_mail() of yours, lest alarms are missed while that waits.
    """
    app.start().watch()
