"""Commands of an operator on the console: ack, reset, shelve, unshelve, out and return."""

from alarms import STATES
from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_SHELF = const(480)  # minutes
_MINUTE = const(60000)  # ms


def answer(app, words, say):
    """Give a command to one alarm, or to all; tell the states of those that it changes."""
    event = words[0]
    tag = words[1] if len(words) > 1 else ""
    if not tag:
        raise ValueError("%s: give the tag of an alarm" % event)
    duration = words[2] if len(words) > 2 else "480"
    if not duration.isdigit() or not 0 < int(duration) <= _SHELF:
        raise ValueError("%s: give minutes from 1 to %d" % (duration, _SHELF))
    names = STATES.split(" ")
    every = tag == "all" and event in ("ack", "reset")  # all others need a thought each
    changed = 0
    for one in [point.tag for point in app.points] if every else [tag]:
        point = app.find(one)
        before = point and point.state
        borrow("upkeep").command(app, one, event, int(duration) * _MINUTE)
        if point.state != before:
            changed += 1
            say(one, names[point.state])
        elif not every:
            raise ValueError("%s: it is %s, where %s does nothing" % (one, names[before], event))
    return "changed: %d" % changed
