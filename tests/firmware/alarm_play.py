"""Plays a script to `alarms` on any interpreter; run by a `Device`, and by the property test."""

from alarms import STATES, Alarms, Point

NAMES = STATES.split()


def plain(notice):
    """Return a notice as plain data."""
    return [
        notice.kind,
        notice.tag,
        notice.occurrence,
        NAMES[notice.state],
        notice.time,
        notice.since,
        notice.value,
        notice.first,
        notice.unseen,
        notice.count,
    ]


def play(points, steps):
    """Return after each step the state and occurrence of each point, and the new notices.

    points: a dict of options each; the tags are P0, P1 ...
    steps: ["sample", point, now, condition, value], ["poll", now], ["step", point, now, event] and
        ["step", point, now, "shelve", duration],
        ["restore", point, now, state, occurrence, before, shelved]
    """
    points = [Point(f"P{at}", **options) for at, options in enumerate(points)]
    alarms = Alarms(points)
    played = []
    for what, *rest in steps:
        if what == "poll":
            alarms.poll(rest[0])
        else:
            point = points[rest[0]]
            now, argument, *more = rest[1:]
            if what == "sample":
                alarms.sample(point, argument, now, *more)
            elif what == "step":
                alarms.step(point, argument, now, *more)
            else:
                occurrence, before, shelved = more
                state, before = NAMES.index(argument), NAMES.index(before)
                alarms.restore(point, state, occurrence, now, before, shelved)
        notices = [plain(notice) for notice in alarms.out]
        alarms.out.clear()
        played.append([[[NAMES[p.state], p.occurrence] for p in points], notices])
    return played
