"""The outbox on the console: what is in it, what to park, what to try again."""

from collections import OrderedDict

from borrow import borrow
from outbox import ANY, BUNDLE, KINDS, boot_of, name_of


def answer(app, words, say):
    """Tell what is in the outbox, the oldest first, or change what is to become of a notice."""
    if len(words) == 1:
        return tell(app, say)
    if len(words) != 3 or words[1] not in ("park", "retry"):
        raise ValueError("outbox: give nothing, or park KEY, or retry KEY, or retry all")
    notifier = app.notifier
    if notifier.client and notifier.client.busy:
        raise ValueError("busy: a mail is on its way, try again in a minute")
    park = words[1] == "park"
    found = list(keys(app)) if words[2] == "all" and not park else [find(app, words[2])]
    changed = 0
    for key in found:
        app.watch()
        if (shelve if park else borrow("outbox.deliveries").restore)(app.outbox, key):
            changed += 1
            say(name_of(key), "parked" if park else "is tried again")
    if not changed and words[2] != "all":
        raise ValueError("%s: %s" % (words[2], "nobody is to get it" if park else "is not parked"))
    notifier.again = None  # it may be parked; what is in doubt keeps its Message-ID all the same
    notifier.wake(True)
    return "changed: %d" % changed


def keys(app):
    """Yield the keys of all that is in the outbox."""
    key = b""
    while key is not None:
        key = app.outbox.find(key, ANY)
        if key:
            yield key


def find(app, word):
    """Return the key that ends with what was typed."""
    found = [key for key in keys(app) if name_of(key).endswith(word)]
    if len(found) == 1:
        return found[0]
    what = "%d keys end so: give more of it" % len(found) if found else "outbox lists the keys"
    raise ValueError("%s: no such key: %s" % (word, what))


def shelve(box, key):
    """Park a notice for all who are to get it, and dissolve what covers it; tell whether any."""
    record = box.read(key)
    if not record or not record.to:
        return False
    if record.kind != BUNDLE:
        borrow("outbox.deliveries").part(box, key, record.to)
    box.remove(key, record.to, record.to)
    return True


def tell(app, say):
    """Tell what there is."""
    settings = borrow("settings").Settings(app.folder[:-1])
    settings.generations = app.generations
    date = borrow("dates").text
    boot = addresses = None
    waiting = count = 0
    for key in keys(app):
        record = app.outbox.read(key)
        if not record:
            continue
        if boot != boot_of(key):
            boot = boot_of(key)
            settings.at(boot)
            addresses = (settings.read("site") or {}).get("addresses", ())
        say(name_of(key), describe(app, record, addresses, date))
        count += 1
        waiting += bool(record.to)
    return "%d wait, %d are parked" % (waiting, count - waiting)


def describe(app, record, addresses, date):
    """Return what a record tells, without what is empty."""
    offset = app.outbox.offset(record.key)
    words = "diagnostic low medium high".split(" ")  # noqa: SIM905  (each would be a name)
    found = OrderedDict()
    for name, value in (
        ("kind", KINDS.split(" ")[record.kind]),
        ("tag", record.tag),
        ("occurrence", record.occurrence),
        ("priority", words[record.priority]),
        ("time", date(offset + record.uptime) if offset else None),
        ("boot", boot_of(record.key)),
        ("uptime", record.uptime),
        ("value", record.value),
        ("text", record.text),
        ("to", names(record.to, addresses)),
        ("parked", names(record.parked, addresses)),
    ):
        if value not in (None, "", []):
            found[name] = value
    return found


def names(mask, addresses):
    """Return the addresses that bits stand for."""
    return [addresses[bit] for bit in range(len(addresses)) if mask >> bit & 1]
