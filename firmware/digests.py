"""Mails of several notices; borrowed by notices.py, whose rules hold."""

import gc

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LINES = const(40)  # of a table
_TABLE = const(2000)  # octets of a table, about
_PIECE = const(200)  # octets of a piece of it, at least
_COUNTS = const(24)  # tags that are counted
_TAGS = const(6)  # tags for a subject, which has hardly room for more

# Kinds, by their index in `outbox.KINDS`
_OVERFLOW = const(0)
_RAISE = const(1)
_CLEAR = const(2)
_CHATTER_END = const(8)  # is an event, and the raises that it counts
_TEXT = const(15)
_BOOT = const(16)


def bundle(letter, record, members):
    """Fill in a digest, or one occurrence of an alarm; return the name of the text."""
    fields = letter.fields
    letter.text("event BUNDLE")  # kept for later, when there is less heap
    table = Table(letter)
    table.units = units(letter.settings)
    first = last = None
    for key in members:
        letter.context.idle()
        notice = letter.outbox.read(key)
        if notice:  # else an overflow counts it meanwhile
            first = first or notice
            last = notice
            table.add(notice)
    table.fill(fields)
    if first:
        fields["first"] = letter.when(first.key, first.uptime)
        fields["last"] = letter.when(last.key, last.uptime)
        if record.text:
            return occurrence(letter, first, last)
    fields["event"] = fields["time"] = ""
    name(letter, "BUNDLE", table)
    return "digest"


def units(settings):
    """Return the tags by their engineering unit, between blanks; a dict by tag takes more heap."""
    found = {}
    for point in settings.points():
        unit = point.get("unit")
        if unit:
            found[unit] = found.get(unit, " ") + point["tag"] + " "
    return found


def overflow(letter, record):
    """Fill in the counts of what the outbox had no room for; return the name of the text."""
    table = Table(letter)
    table.add(record)
    table.fill(letter.fields)
    name(letter, "OVERFLOW", table)
    return "overflow"


def name(letter, kind, table):
    """Fill in what a subject says of many."""
    fields = letter.fields
    fields["tag"] = letter.say("event " + kind, fields)
    fields["description"] = ", ".join(table.tags)


def occurrence(letter, first, last):
    """Fill in what is of one occurrence: its first notice, and what its last one adds."""
    fields = letter.fields
    body = letter.notice(first)
    if first is not last:
        value, event, note = fields["value"], fields["event"], fields["note"]
        letter.notice(last)
        fields["value"] = value or fields["value"]
        fields["note"] = (note + "\n" + fields["note"]).strip()
        fields["event"] = event + ", " + fields["event"]
        if first.kind == _RAISE and last.kind == _CLEAR:
            fields["event"] = letter.say("event BOTH")
    letter.date(first)
    fields["since"] = ""
    return body


class Table:
    """A line an event, and counts by tag of those that find no room."""

    def __init__(self, letter):
        self.letter = letter
        self.lines = []  # several lines in a piece, which takes less heap
        self.many = 0
        self.room = _TABLE >> letter.context.short
        self.day = ""  # of the last line; or the number of its boot
        self.units = {}
        self.counts = {}  # by tag, of what has no line
        self.priorities = [0, 0, 0, 0]  # how many events there are of each
        self.tags = []  # the first ones

    def add(self, record):
        """Add a notice."""
        if record.kind == _OVERFLOW:
            self.priorities[record.priority] += record.occurrence
            for line in record.text.split("\n"):
                count, tag = line.split(" ", 1)
                self.count(tag, int(count))
            return
        line = self.line(record) if self.room else ""
        if line and len(line) <= self.room and self.many < _LINES:
            self.priorities[record.priority] += 1
            self.room -= len(line)
            self.many += 1
            self.name(record.tag)
            if not self.lines or len(self.lines[-1]) > _PIECE:
                gc.collect()  # before that what was left over lies between the pieces
                self.lines.append("")
            self.lines[-1] += line
        else:
            self.room = 0  # so that no younger one comes before
            many = int(record.value or 0) + 1 if record.kind == _CHATTER_END else 1
            self.priorities[record.priority] += many
            self.count(record.tag or "*", many)

    def count(self, tag, many):
        """Count what has no line."""
        if tag not in self.counts and len(self.counts) >= _COUNTS:
            tag = "*"
        self.counts[tag] = self.counts.get(tag, 0) + many
        self.name(tag)

    def name(self, tag):
        """Keep a tag for the subject."""
        if tag not in self.tags and tag not in ("", "*") and len(self.tags) < _TAGS:
            self.tags.append(tag)

    def line(self, record):
        """Return the line of a notice, after that of its day where it is the first one."""
        letter = self.letter
        fields = letter.fields
        event = letter.describe(record, self.unit(record.tag))
        day, time = letter.moment(record.key, record.uptime)
        words = [time, letter.word(record.priority)[:1].upper()]
        if record.tag:
            words.append("%-8s" % record.tag)
        words += letter.say(event, fields), fields["value"], fields["duration"]
        if record.kind == _TEXT or record.kind == _BOOT:
            words.append(record.text.replace("\n", "\n  "))
        line = " ".join([word for word in words if word]) + "\n"
        day = day or letter.boot(record.key)
        if day != self.day:
            self.day = day
            return self.before(day) + "\n" + line
        return line

    def unit(self, tag):
        """Return the engineering unit of a tag."""
        for unit in self.units:
            if " " + tag + " " in self.units[unit]:
                return unit
        return ""

    def before(self, day):
        """Return the line before those of a day, or of a boot whose clock was not set."""
        if isinstance(day, str):
            return day + " UTC"
        return self.letter.say("earlier", {"boot": str(day)})

    def fill(self, fields):
        """Fill in the table, and what is counted."""
        letter = self.letter
        fields["priorities"] = ""
        for priority, count in enumerate(self.priorities):
            if count:
                fields["priority"] = letter.word(priority)
                before = ", " + fields["priorities"] if fields["priorities"] else ""
                fields["priorities"] = "%d %s" % (count, fields["priority"]) + before
        others = self.counts.pop("*", 0)
        rest = others
        counts = fields["counts"] = []
        for tag in sorted(self.counts):
            rest += self.counts[tag]
            counts.append("%d %s" % (self.counts[tag], tag) + "\n")
        if others:
            counts.append("%d %s" % (others, letter.say("others")) + "\n")
        fields["table"] = self.lines
        fields["rest"] = str(rest) if rest else ""
        fields["count"] = str(sum(self.priorities))
