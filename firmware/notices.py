"""What a notice looks like as mail: the texts of the configuration with their fields filled in.

Borrowed (borrow.py) to render a mail and let go before that is sent, so what it returns is plain
lists and strings.

Rules
1. A mail tells what its record tells, in the texts of the configuration of its boot; but which
   alarms are active, and whether there is a flood, is what holds when it is rendered.
2. Times are UTC and say so. Where the clock of a boot was not set, its times are uptimes.
3. What is not known is empty, and a line of a text whose fields are all empty is dropped. So one
   text serves all notices, and a tag that is no longer configured has its mail, too.
4. Each event of a digest has a line, or is counted by its tag where there are too many.
"""

from binascii import hexlify

from borrow import borrow
from outbox import KINDS, boot_of

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

utc = borrow("dates").utc

_SUBJECT = const(68)  # octets: the longest that the client sends as it is
_PIECE = const(240)  # characters, so that it is found in a heap in use
_TAGS = const(10)  # tags that a line names

# Kinds: numbers take less heap than the names of which they are the indices.
_OVERFLOW = const(0)
_CLEAR = const(2)
_GOOD = const(4)
_ESCALATE = const(5)
_REMIND = const(6)
_CHATTER_END = const(8)
_SHELVE = const(9)
_FLOOD = const(13)
_FLOOD_END = const(14)
_TEXT = const(15)
_BOOT = const(16)
_HEARTBEAT = const(17)
_BUNDLE = const(18)

STATES = "NORM UNACK ACKED RTNUN LATCHED SHLVD OOSRV FAULT"  # as in alarms.py, which is large
_NORM = const(0)
_RTNUN = const(3)

_SPANS = const(((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")))


def message_id(uid, key):
    """Return the Message-ID of the mail that a record is, without <>.

    uid: the board's own number, as bytes
    key: that of the record, from which alone it comes: no configuration changes it
    """
    name = hexlify(uid) + b"." + hexlify(key[:3]) + b"." + hexlify(key[3:])
    return name.decode() + "@alarmpost.internal"


class Context:
    """What holds now; see compose()."""


def render(app, record, dated):
    """Return what `mail.AlarmMail` takes, and the addresses that recipients are bits of.

    app: the board's `App`
    dated: whether it has a Date, as at the first attempt
    """
    outbox = app.outbox
    settings = borrow("settings").Settings(app.folder[:-1])
    settings.generations = app.generations
    settings.at(boot_of(record.key))
    members = ()
    if record.kind == _BUNDLE:
        members = borrow("outbox.members").members(outbox, record)
    context = Context()
    borrow("status").fill(context, app)
    recipients, subject, body = compose(record, members, settings, outbox, context)
    site = settings.read("site")
    key = record.key
    uid = app.board.uid
    thread = record.announced if record.tag and record.announced != key else b""
    first = thread and outbox.read(thread)
    if first:  # it still waits for some; others had it in a bundle, maybe
        thread = first.announced
    parts = (
        site["sender"],
        recipients,
        subject,
        body,
        message_id(uid, key),
        utc(outbox.offset(key) + record.uptime) if dated else None,
        message_id(uid, thread) if thread else "",
    )
    return parts, site["addresses"]


def compose(record, members, settings, outbox, context):
    """Return the recipients of a mail, its subject, and its body as `mail.AlarmMail` takes it.

    record: what the mail is: a notice, or a BUNDLE of some
    members: the keys of a bundle's notices, oldest first
    settings: the configuration; settings.at() has chosen that of the record's boot
    outbox: where the members are, and the clock offsets
    context: what holds now
        active, shelved: tags; the active ones in the order of their raises
        flood: how many raises, while there is a flood; else 0
        firmware, board, address: its version, the board's name and network address
        uptime: s
        reset_cause: of this boot
        sent, deferred, failures: how many since boot
        heap: free octets
        short: how often the table of a digest is to be halved, since heap is short
        next: s until the next heartbeat, 0 where there is none
        idle: called between the members of a bundle, as those take a while
    """
    letter = Letter(record, settings, outbox, context)
    kind = record.kind
    if kind == _BUNDLE:
        name = borrow("digests").bundle(letter, record, members)
    elif kind == _OVERFLOW:
        name = borrow("digests").overflow(letter, record)
    elif kind == _BOOT:
        name = borrow("reports").boot(letter, record)
    elif kind == _HEARTBEAT:
        name = borrow("reports").heartbeat(letter, record)
    else:
        name = letter.notice(record)
    body = list(join(expand(letter.text(name), letter.fields)))
    return letter.recipients(record.to), letter.subject(), body


def join(lines):
    """Yield lines in pieces of a few, which take half the heap."""
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) > _PIECE:
            yield piece
            piece = ""
        piece += line
    if piece:
        yield piece


def expand(text, fields):
    """Yield the lines of a text with its fields filled in.

    A line whose fields are all empty is dropped, and of blank lines in a row all but one. An
    empty field takes the blank before it along. A field that is a list has lines of its own.
    {{ and }} are braces.
    """
    blank = True
    for line in text.split("\n"):
        parts = line.split("{")
        line = parts.pop(0).replace("}}", "}")
        filled = None  # no field, or whether any is not empty
        while parts:
            name, _, after = parts.pop(0).partition("}")
            if not name and not after and parts:  # {{
                line += "{" + parts.pop(0).replace("}}", "}")
                continue
            value = fields.get(name, "")
            if isinstance(value, list):
                yield from value
                blank = blank and not value
                value = ""
            filled = filled or value
            line = (line + value if value else line.rstrip()) + after.replace("}}", "}")
        line = line.strip()
        if filled or (filled is None and line):
            blank = False
            yield line + "\n"
        elif filled is None and not blank:
            blank = True
            yield "\n"


def running(seconds):
    """Return an uptime."""
    minutes = seconds // 60
    return "%d d %02d:%02d:%02d" % (
        minutes // 1440,
        minutes // 60 % 24,
        minutes % 60,
        seconds % 60,
    )


def span(seconds):
    """Return a duration in its two largest units."""
    for size, unit, part, small in _SPANS:
        if seconds >= size:
            rest = seconds % size // part
            told = "%d %s" % (seconds // size, unit)
            return told + " " + "%d %s" % (rest, small) if rest else told
    return "%d %s" % (seconds, "s")


def amount(value, unit, format):  # noqa: A002
    """Return a process value with its unit, without an exponent where it is large."""
    text = ("%.0f" if abs(value) >= 100000 else format) % value
    return text + " " + unit if unit else text


def name_of(kind):
    """Return the name of a kind."""
    return KINDS.split(" ", kind + 1)[kind]


def state_of(record):
    """Return which of the alarm states is from then on; FAULT where the record does not tell."""
    return record.state - 1 & 7


class Letter:
    """The fields of one mail, and what they are made of."""

    def __init__(self, record, settings, outbox, context):
        self.settings = settings
        self.outbox = outbox
        self.context = context
        self.texts = {}  # texts that a digest needs again
        self.site = site = settings.read("site") or {}
        self.words = self.text("priorities").split()
        self.fields = {
            "plant": site.get("plant", ""),
            "device": site.get("device", ""),
            "board": context.board,
            "firmware": context.firmware,
            "address": context.address,
            "boot": str(self.boot(record.key)),
            "flood": self.say("flood") if context.flood else "",
            "active": self.tags(context.active, record.tag or record.text),
            "shelved": self.tags(context.shelved),
            "priority": self.word(record.priority),
        }
        self.date(record)

    def text(self, name):
        """Return a text of the configuration."""
        if name not in self.texts:
            text = self.settings.read("text " + name) or ""
            if not name.startswith("event"):
                return text
            self.texts[name] = text
        return self.texts[name]

    def say(self, name, fields=None):
        """Return a text that is one line."""
        return "".join(expand(self.text(name), fields or {})).strip()

    def word(self, priority):
        """Return the word for a priority."""
        return self.words[priority] if priority < len(self.words) else ""

    def tags(self, found, without=""):
        """Return tags in one line: the first ones, and how many more."""
        found = [tag for tag in found if tag != without]
        line = ", ".join(found[:_TAGS])
        if len(found) > _TAGS:
            line += " " + self.say("more", {"count": str(len(found) - _TAGS)})
        return line

    def boot(self, key):
        """Return the boot that a key is of; b"" is of this one."""
        return boot_of(key) or self.outbox.boots

    def date(self, record):
        """Fill in when it was."""
        day, time = self.moment(record.key, record.uptime)
        self.fields["when"] = self.when(record.key, record.uptime)
        self.fields["time"] = time if day else ""

    def moment(self, key, uptime):
        """Return day and time in UTC; where the clock was not set, "" and the uptime.

        key: any of that boot
        """
        offset = self.outbox.offset(key)
        if not offset:
            return "", running(uptime)
        moment = utc(offset + uptime)
        return "%d-%02d-%02d" % moment[:3], "%02d:%02d:%02d" % moment[3:6]

    def when(self, key, uptime):
        """Return a time in full."""
        day, time = self.moment(key, uptime)
        if day:
            return day + " " + time + " UTC"
        boot = self.boot(key)
        name = "clock" if boot == self.outbox.boots else "earlier"
        return self.say(name, {"boot": str(boot), "uptime": time})

    def between(self, key, begin, later, end):
        """Return the time between two uptimes, each of the boot of a key; "" for unknown."""
        start = self.outbox.offset(key)
        stop = self.outbox.offset(later)
        if self.boot(key) == self.boot(later):
            start = stop
        elif not start or not stop:
            return ""
        seconds = stop + end - start - begin
        return span(seconds) if seconds >= 0 else ""

    def describe(self, record, unit):
        """Fill in what the value of a record means; return which text says what happened."""
        kind = record.kind
        fields = self.fields
        value = record.value
        fields["value"] = fields["duration"] = fields["count"] = ""
        if kind in (_CHATTER_END, _FLOOD, _FLOOD_END):
            fields["count"] = str(int(value or 0))
        elif kind == _SHELVE:
            fields["duration"] = span(int(value or 0))
        elif value is not None:
            fields["value"] = amount(value, unit, "%.5g")
        if record.text == "unseen":
            return "event unseen"
        # A fault that interrupted an alarm has no beginning of its own.
        fault = kind == _GOOD and state_of(record) == _NORM
        if fault or kind in (_CLEAR, _ESCALATE, _REMIND):
            fields["duration"] = self.between(
                record.announced, record.since, record.key, record.uptime
            )
        return "event " + name_of(kind)

    def notice(self, record):
        """Fill in a notice; return the name of its text."""
        fields = self.fields
        point = self.settings.read("point " + record.tag) or {}
        unit = point.get("unit", "")
        limit = point.get("high", point.get("low"))
        kind = record.kind
        fields["event"] = self.say(self.describe(record, unit), fields)
        fields["tag"] = record.tag
        fields["description"] = point.get("description", "")
        state = state_of(record)
        gone = state in (_NORM, _RTNUN)
        fields["response"] = "" if gone else point.get("response", "")
        if fields["value"] and limit is not None:
            fields["limit"] = amount(limit, unit, "%g")
        if record.announced != record.key:
            fields["since"] = self.when(record.announced, record.since)
        if record.state and kind in (_CLEAR, _GOOD, _REMIND, _CHATTER_END, _FLOOD_END):
            fields["state"] = self.say("state " + STATES.split()[state])
        if kind == _TEXT:
            fields["text"] = record.text
        else:
            note = self.say("note " + name_of(kind), fields)
            more = self.say("note " + record.text, fields) if record.text else ""
            fields["note"] = (note + "\n" + more).strip()
        if kind in (_FLOOD, _FLOOD_END):  # said first
            fields["flood"] = fields["event"]
            fields["event"] = ""
        return "body"

    def recipients(self, bits):
        """Return the addresses that bits stand for."""
        addresses = self.site.get("addresses", ())
        return [addresses[bit] for bit in range(len(addresses)) if bits >> bit & 1]

    def subject(self):
        """Return the subject: one line; a description that makes it too long is cut."""
        fields = self.fields
        told = fields.get("description") or fields.get("text", "")
        fields["description"] = told
        line = self.say("subject", fields)
        excess = len(line.encode()) - _SUBJECT
        if excess > 0:
            left = len(told) - excess - 2
            fields["description"] = told[:left].rstrip() + ".." if left > 3 else ""
            line = self.say("subject", fields)
        for octet in set(line.encode()):
            if octet < 32 or octet == 127:
                line = line.replace(chr(octet), " ")
        return " ".join(line.split())
