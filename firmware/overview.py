"""How the board does, on the console; borrowed to tell it. The mails have `status.py` for it."""

import gc
import sys

from borrow import borrow
from outbox import PARKED

# `status.py` fills a Context.
# pyright: reportAttributeAccessIssue=false


class Context:
    """What `status.py` tells."""


def answer(app, _, say):
    """Tell it: a name and a value each."""
    notifier = app.notifier
    valid = config(app)
    gc.collect()
    context = Context()
    borrow("status").fill(context, app)
    offset = app.outbox.offset()
    taken = getattr(notifier, "taken", None)
    say("device", notifier.name)
    say("board", context.board)
    say("firmware", context.firmware)
    say("micropython", ".".join(map(str, sys.implementation.version[:3])))
    say("boot", app.outbox.boots)
    say("reset_cause", context.reset_cause)
    say("uptime", context.uptime)
    say("time", borrow("dates").text(offset + context.uptime) if offset else None)
    say("ntp", app.sntp.host if app.sntp else "")
    say("config", valid)
    say("link", link(app.board.link))
    say("address", context.address)
    say("gateway", "%s:%d" % tuple(notifier.gateways[notifier.gateway]))
    say("gateway_answers", not notifier.failing)
    say("last_mail_ago", None if taken is None else context.uptime - taken)
    say("trouble", getattr(app, "trouble", ""))
    say("queue", app.outbox.count())
    say("parked", app.outbox.count(PARKED))
    for name in ("active", "shelved", "flood", "sent", "deferred", "failures", "heap"):
        say(name, getattr(context, name))
    return "alarms active: %d" % len(context.active)


def link(network):
    """Tell what is with the cable or the access point, and the address."""
    if network.up:
        return "up"
    return "no address" if getattr(network.work, "linked", False) else "no link"


def config(app):
    """Tell what is with config.json, "valid" or why it does not count."""
    generations = borrow("generations")
    folder = app.folder
    counts = generations.loaded(folder + app.generations[-1])
    rejected = generations.loaded(folder + "rejected") or counts
    try:
        found = generations.checksum(folder.rsplit("/", 2)[0] + "/config.json")
    except OSError:
        return "missing; what was adopted last counts"
    if found == counts[0]:
        return "valid"
    return rejected[2] if found == rejected[0] else "new; it counts from the next reset on"
