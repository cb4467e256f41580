"""Mails that the board sends of itself; borrowed by notices.py, whose rules hold."""

from outbox import PARKED


def boot(letter, record):
    """Fill in a start; return the name of the text."""
    itself(letter, "event BOOT")
    letter.fields["cause"], _, letter.fields["problems"] = record.text.partition("\n")
    return "boot"


def heartbeat(letter, record):
    """Fill in how the board does; return the name of the text."""
    fields = letter.fields
    context = letter.context
    itself(letter, "event HEARTBEAT")
    queue(letter, record)
    fields["uptime"] = letter.between(b"", 0, b"", context.uptime)
    fields["cause"] = context.reset_cause
    for name in ("sent", "deferred", "failures", "heap"):
        fields[name] = str(getattr(context, name))
    if context.next:
        fields["next"] = letter.when(b"", context.uptime + context.next)
    return "heartbeat"


def itself(letter, event):
    """Fill in what is of the board, not of an alarm."""
    fields = letter.fields
    fields["tag"] = fields["device"]
    fields["event"] = letter.say(event)
    fields["priority"] = ""
    for name in ("active", "shelved"):
        fields[name] = fields[name] or letter.say("none")


def queue(letter, record):
    """Fill in what waits besides this mail, and who refused mail for good."""
    outbox = letter.outbox
    fields = letter.fields
    fields["queued"] = str(outbox.count() - 1)
    fields["parked"] = str(outbox.count(PARKED))
    key = outbox.find()
    oldest = outbox.read(key) if key and key != record.key else None
    if oldest:
        age = letter.between(key, oldest.uptime, b"", letter.context.uptime)
        fields["oldest"] = age or letter.when(key, oldest.uptime)
    bits = 0
    key = outbox.find(b"", PARKED)
    while key:
        parked = outbox.read(key)
        bits |= parked.parked if parked else 0
        key = outbox.find(key, PARKED)
    fields["refused"] = ", ".join(letter.recipients(bits))
