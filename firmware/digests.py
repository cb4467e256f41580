"""Mails of several notices; borrowed by notices.py, whose rules hold."""

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LINES = const(50)  # of a table
_TABLE = const(2400)  # octets of a table, about
_COUNTS = const(40)  # tags that are counted
_TAGS = const(6)  # tags for a subject, which has hardly room for more
_UNITS = const(8)  # engineering units kept, since each is read from flash


def bundle(letter, record, members):
    """Fill in a digest, or one occurrence of an alarm; return the name of the text."""
    fields = letter.fields
    table = Table(letter)
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


def overflow(letter, record, _):
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
        if letter.kinds[first.kind] == "RAISE" and letter.kinds[last.kind] == "CLEAR":
            fields["event"] = letter.say("event BOTH")
    letter.date(first)
    fields["since"] = ""
    return body


class Table:
    """A line an event, and counts by tag of those that find no room."""

    def __init__(self, letter):
        self.letter = letter
        self.lines = []
        self.room = _TABLE
        self.head = ""  # the day, or boot, of the last line
        self.units = {}  # by tag; a few
        self.counts = {}  # by tag, of what has no line
        self.priorities = [0, 0, 0, 0]  # how many events there are of each
        self.tags = []  # the first ones

    def add(self, record):
        """Add a notice."""
        if record.kind == 0:  # OVERFLOW
            self.priorities[record.priority] += record.occurrence
            for line in record.text.split("\n"):
                count, tag = line.split(" ", 1)
                self.count(tag, int(count))
            return
        self.priorities[record.priority] += 1
        line = self.line(record) if self.room and len(self.lines) < _LINES else ""
        if line and len(line) <= self.room:
            self.room -= len(line)
            self.lines.append(line)
            self.name(record.tag)
        else:
            self.room = 0  # so that no younger one comes before
            self.count(record.tag or "*", 1)

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

    def unit(self, tag):
        """Return the engineering unit of a tag."""
        if tag not in self.units:
            if len(self.units) >= _UNITS:
                self.units = {}
            self.units[tag] = (self.letter.settings.read("point " + tag) or {}).get("unit", "")
        return self.units[tag]

    def line(self, record):
        """Return the line of a notice, after that of its day where it is the first one."""
        letter = self.letter
        fields = letter.fields
        kind = letter.describe(record, "" if record.value is None else self.unit(record.tag))
        day, time = letter.moment(record.key, record.uptime)
        line = time + " " + letter.word(record.priority)[:1].upper()
        for word in (
            "%-8s" % record.tag if record.tag else "",
            fields["event"],
            fields["value"],
            fields["duration"],
            record.text.replace("\n", "\n  ") if kind == "TEXT" or kind == "BOOT" else "",
        ):
            if word:
                line += " " + word
        boot = {"boot": str(letter.boot(record.key))}
        head = day + " UTC\n" if day else letter.say("earlier", boot) + "\n"
        if head == self.head:
            return line + "\n"
        self.head = head
        return head + line + "\n"

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
            counts.append("%d %s\n" % (self.counts[tag], tag))
        if others:
            counts.append("%d %s\n" % (others, letter.say("others")))
        fields["table"] = self.lines
        fields["rest"] = str(rest) if rest else ""
        fields["count"] = str(sum(self.priorities))
