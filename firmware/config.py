"""config.json: checked against one table, compiled to what the notifier uses.

Borrowed at a boot with a changed configuration, and called by the host's tools as it is.

Theory of operation. `FIELDS` has a row for each field: where it may stand, the check that takes
it and what that check takes, and the default. A check returns what is kept (times in ms, lists of
recipients as a mask of addresses), or raises a ConfigError; `CHECKS` has what to do then, where
the error has nothing of its own. Whatever is wrong is noted and the check goes on, so all errors
are found at once, each one line: field, value, remedy.

A configuration is gone through once for its errors, and once more when the lines are asked for;
so no more than one compiled point is in memory.
"""

import json

from borrow import borrow

MUST = "!"
"""The default of a field that has none: it must be given."""

PRIORITIES = ("diagnostic", "low", "medium", "high")

# Where a field may stand: S the top level, d digital, a analog and s software points, y system
# points, b the input that acknowledges, t recipients of a point, ? a point of no known type. A
# default that begins with "~" depends on others, and on what it says.
FIELDS = (
    # where, field, check, what the check takes, default
    ("S", "plant", "text", (1, 32), MUST),
    ("S", "device", "text", (1, 32), MUST),
    ("S", "sender", "address", (64,), MUST),
    ("S", "recipients", "recipients", (30,), MUST),
    ("S", "gateways", "servers", (4,), MUST),
    ("S", "ntp", "clock", (123,), "~the first gateway"),
    ("S", "system", "lists", (1,), "~the only list of recipients"),
    ("S", "heartbeat", "daytime", (), "07:00"),
    ("S", "watchdog", "watchdog", (1, 8.3), 8),
    ("S", "log", "rank", ("error", "warning", "info", "debug"), "info"),
    ("S", "window", "seconds", (0, 600), 30),
    ("S", "ceiling", "count", (1, 100), 10),
    ("S", "acknowledge", "flag", (), "~true with an acknowledge_input, else false"),
    ("S", "acknowledge_input", "object", (), "~none"),
    ("S", "points", "list", (), "~none"),
    ("S", "system_points", "object", (), "~as below"),
    ("S", "texts", "object", (), "~as in texts.py"),
    ("das?", "tag", "tag", (32,), MUST),
    ("das?", "type", "choice", ("digital", "analog", "software"), "digital"),
    ("dasy", "description", "text", (0, 80), ""),
    ("dasy", "response", "text", (0, 400), ""),
    ("dasy", "priority", "rank", PRIORITIES, "medium"),
    ("dab", "input", "input", (99,), MUST),
    ("db", "normal", "choice", ("NO", "NC"), "NO"),
    ("db", "pull", "pull", ("up", "down", "none"), "up"),
    ("db", "debounce", "seconds", (0, 10), 0.02),
    ("d", "latch_pulses", "flag", (), "~true where on_delay is 0"),
    ("a", "source", "choice", ("u16", "uv"), "u16"),
    ("a", "scale", "scale", (), MUST),
    ("a", "unit", "text", (0, 16), ""),
    ("a", "high", "number", (), "~one of high and low"),
    ("a", "low", "number", (), "~one of high and low"),
    ("a", "deadband", "number", (), "~by kind, in % of the span"),
    ("a", "range", "pair", (), "~any raw value is good"),
    ("a", "kind", "choice", ("flow", "pressure", "level", "temperature"), "~none"),
    ("dasy", "on_delay", "seconds", (0, 86400), "~by type and kind"),
    ("dasy", "off_delay", "seconds", (0, 86400), "~by type and kind"),
    ("dasy", "latched", "flag", (), False),
    ("dasy", "ack_required", "flag", (), "~as acknowledge"),
    ("dasy", "re_alarm", "seconds", (0, 86400), 14400),
    ("dasy", "escalate", "seconds", (0, 86400), "~900 where it may be, else 0"),
    ("dasy", "to", "routes", (), "~as system"),
    ("t", "raise", "lists", (1,), "~as system"),
    ("t", "clear", "lists", (0,), "~as raise"),
    ("t", "fault", "lists", (0,), "~as raise"),
    ("t", "escalate", "lists", (0,), "~as raise"),
)

# Points of the board's own: tag, priority, on-delay in s, description, response
SYSTEM = (
    ("LINK", "medium", 10, "network link lost", "Check cable and switch."),
    ("GATEWAY", "medium", 600, "no mail gateway reached", "Check the gateway and the way to it."),
    ("OUTBOX", "medium", 0, "too many notices", "Find out what repeats, or why no mail leaves."),
    ("WATCHDOG", "high", 0, "restarted by the watchdog", "Tell who looks after the board."),
    ("HEAP", "low", 10, "memory nearly used up", "Configure fewer points, or report it."),
    ("CLOCK", "low", 600, "clock not set", "Check the time server."),
)

# Analog: by the kind of process value, delay in s and deadband in % of the span (EEMUA 191)
KINDS = {
    "flow": (15, 5),
    "pressure": (15, 2),
    "level": (60, 5),
    "temperature": (60, 1),
    "": (15, 2),
}

_DIGITS = "0123456789"
_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_" + _DIGITS
_TEXT = 500  # octets
_LONG = 40  # characters of a value that are shown


class ConfigError(ValueError):
    """A value that cannot be used; the message is its remedy, where it is not the usual one."""


def check(data):
    r"""Check a configuration, as JSON gives it; return (lines, errors).

    lines: an iterator of "NAME\tJSON", which settings.py tells of; empty where there are errors
    errors: all there are, each a line "field: value: remedy"
    """
    checker = Checker(data)
    for _ in checker.entries():
        pass
    if checker.errors:
        return iter(()), checker.errors
    return lines(Checker(data)), []


def lines(checker):
    """Yield the lines of a configuration without errors."""
    for name, value in checker.entries():
        yield name + "\t" + json.dumps(value)


class Checker:
    """One way through a configuration."""

    def __init__(self, data):
        self.data = data
        self.errors = []
        self.addresses = []
        self.masks = {}  # by name of a list of recipients
        self.inputs = {}  # those in use: "digital" or "analog"
        self.tags = []

    # The parts of a configuration

    def entries(self):
        """Yield the name and the value of each line."""
        site = self.site = self.fields("S", self.data, "")
        texts = site.pop("texts", None) or {}
        points = site.pop("points", None) or ()
        system_points = site.pop("system_points", None) or {}
        button = site.pop("acknowledge_input", None)
        site.pop("recipients", None)
        self.complete_site(site, button)
        yield "site", site
        yield from self.templates(texts)
        yield "acknowledge", self.button(button)
        yield from self.points(points)
        yield from self.system_points(system_points)

    def complete_site(self, site, button):
        """Fill in what depends on other fields."""
        site["addresses"] = self.addresses
        if "ntp" not in site and site.get("gateways"):
            site["ntp"] = [site["gateways"][0][0], 123]
        if "system" not in self.data and len(self.masks) > 1:
            self.note("system", "missing", "give " + " or ".join(sorted(self.masks)))
        site.setdefault("system", max(self.masks.values()) if self.masks else 0)
        if not site.setdefault("acknowledge", button is not None) and button is not None:
            self.bad("acknowledge", False, "there is an acknowledge_input: give true")

    def templates(self, given):
        """Yield the texts of mails."""
        texts = borrow("texts").TEXTS
        self.known(given, sorted(texts), "texts.")
        for name in sorted(texts):
            default, fields = texts[name]
            kind = "lines" if "\n" in default else "priorities" if name == "priorities" else "text"
            argument = (0, _TEXT) if kind == "text" else (_TEXT,)
            value = self.take("texts." + name, kind, argument, given.get(name, default))
            problem = value and fault_of(value, fields.split())
            if problem:
                self.bad("texts." + name, value, problem)
            yield "text " + name, value

    def button(self, given):
        """Return the input that acknowledges, or None."""
        if given is None:
            return None
        path = "acknowledge_input."
        found = self.fields("b", given, path)
        self.wire(found, "digital", path)
        return found

    def points(self, given):
        """Yield the alarm points."""
        for at in range(len(given)):
            spec = given[at]
            path = "points[%d]." % at
            if not isinstance(spec, dict):
                self.bad(path[:-1], spec, remedy_of("object", ()))
                continue
            if is_tag(spec.get("tag"), 32):
                path = "points." + spec["tag"] + "."
            kind = spec.get("type", "digital")
            known = kind in ("digital", "analog", "software")
            point = self.fields(kind[0] if known else "?", spec, path)
            self.own_tag(point.get("tag"), path)
            if known:
                self.complete(point, spec, path)
                yield "point " + point.get("tag", ""), point

    def own_tag(self, tag, path):
        """Check that a tag is no other point's."""
        if tag in [row[0] for row in SYSTEM]:
            self.bad(path + "tag", tag, "a point of the board itself: see system_points")
        elif tag in self.tags:
            self.bad(path + "tag", tag, "another point has it: give each one of its own")
        elif tag:
            self.tags.append(tag)

    def system_points(self, given):
        """Yield the points of the board itself."""
        self.known(given, [row[0] for row in SYSTEM], "system_points.")
        for tag, priority, delay, description, response in SYSTEM:
            spec = given.get(tag, {})
            path = "system_points." + tag + "."
            point = self.fields("y", spec, path)
            if isinstance(spec, dict):
                if "priority" not in spec:
                    point["priority"] = PRIORITIES.index(priority)
                point["description"] = point.get("description") or description
                point["response"] = point.get("response") or response
                point.setdefault("on_delay", delay * 1000)
                point.setdefault("off_delay", 5000)
                point["tag"] = tag
                point["type"] = "software"
                self.complete(point, spec, path)
                yield "point " + tag, point

    def complete(self, point, spec, path):
        """Fill in what depends on other fields, and check what must agree."""
        kind = point["type"]
        delays = 0, 0
        if kind != "software":
            self.wire(point, kind, path)
            delays = 1000, 5000
        if kind == "analog":
            delays = self.complete_analog(point, spec, path)
        point.setdefault("on_delay", delays[0])
        point.setdefault("off_delay", delays[1])
        if kind == "digital":
            point.setdefault("latch_pulses", point["on_delay"] == 0)
        point.setdefault("to", [self.site["system"]] * 4)
        self.complete_acknowledge(point, spec, path)

    def complete_analog(self, point, spec, path):
        """Do so for an analog point; return its delays."""
        delay, percent = KINDS[point.pop("kind", "")]
        if "high" not in spec and "low" not in spec:
            self.note(path + "high", "missing", "give high or low")
        elif "high" in spec and "low" in spec:
            self.bad(path + "high", spec["high"], "low is given, too: give one of them")
        if "scale" in point:
            span = abs(point["scale"][1][1] - point["scale"][0][1])
            deadband = point.setdefault("deadband", span * percent / 100)
            if not 0 <= deadband < span:
                remedy = "give 0 or more, less than the span of the scale, %s" % span
                self.bad(path + "deadband", deadband, remedy)
        return delay * 1000, delay * 1000

    def complete_acknowledge(self, point, spec, path):
        """Fill in and check what needs somebody who acknowledges."""
        somebody = self.site["acknowledge"]
        if point.setdefault("ack_required", somebody) and not somebody:
            self.bad(path + "ack_required", True, "nobody can: set acknowledge, or leave this out")
        may = somebody and point["ack_required"] and point.get("priority", 3) == 3
        if point.setdefault("escalate", 900000 if may else 0) and not may:
            remedy = "only a high alarm that requires acknowledgement escalates: leave it out"
            self.bad(path + "escalate", spec["escalate"], remedy)

    def wire(self, found, kind, path):
        """Check that no other point has the input; analog ones may have it together."""
        name = found.get("input")
        if name is None:
            return
        if name not in self.inputs:
            self.inputs[name] = kind
        elif kind == "digital" or self.inputs[name] == "digital":
            self.bad(path + "input", name, "in use: give a digital input to one point only")

    # Fields

    def fields(self, of, given, path):
        """Check the fields of an object; return what is kept of them and of defaults."""
        found = {}
        if not isinstance(given, dict):
            self.bad(path[:-1] or "configuration", given, remedy_of("object", ()))
            return found
        if of != "?":
            self.known(given, [row[1] for row in FIELDS if of in row[0]], path)
        for where, name, kind, argument, default in FIELDS:
            if of in where:
                errors = len(self.errors)
                value = given.get(name, default)
                if value == MUST and name not in given:
                    self.note(path + name, "missing", remedy_of(kind, argument))
                elif name in given or str(value)[:1] != "~":
                    value = self.take(path + name, kind, argument, value)
                    if len(self.errors) == errors:
                        found[name] = value
        return found

    def known(self, given, names, path):
        """Check that there are fields of these names only."""
        for name in sorted(given):
            if name not in names:
                remedy = "unknown: there is " + ", ".join(near(name, names))
                if path[:6] == "points" and name in [row[1] for row in FIELDS if row[0] < "t"]:
                    remedy = "not with this type of point: remove it"
                self.bad(path + label(name), given[name], remedy)

    def take(self, path, kind, argument, value):
        """Check a value; return what is kept of it, None where it cannot be used."""
        try:
            function = CHECKS[kind][0]
            if function:
                return function(value, *argument)
            return getattr(self, kind)(path, value, *argument)
        except ConfigError as error:
            self.bad(path, value, str(error) or remedy_of(kind, argument))
            return None

    def bad(self, path, value, remedy):
        """Note that a value cannot be used."""
        self.note(path, shown(value), remedy)

    def note(self, path, what, remedy):
        """Note an error."""
        self.errors.append(path + ": " + what + ": " + remedy)

    # Checks that give errors of their own, or need to know the recipients

    def recipients(self, path, value, most):
        """Take the lists of recipients."""
        need(isinstance(value, dict) and value)
        for name in sorted(value):
            if is_tag(name, 32):
                self.masks[name] = self.group(path + "." + name, value[name])
            else:
                self.bad(path, name, "no name of a list: " + remedy_of("tag", (32,)))
        need(len(self.addresses) <= most)

    def group(self, path, value):
        """Return the mask of a list of addresses."""
        if not isinstance(value, list) or not value:
            self.bad(path, value, 'give a list of addresses like ["ops@example.com"]')
            value = ()
        mask = 0
        for at in range(len(value)):
            address = self.take("%s[%d]" % (path, at), "address", (64,), value[at])
            if address and address not in self.addresses:
                self.addresses.append(address)
            if address:
                mask |= 1 << self.addresses.index(address)
        return mask

    def lists(self, path, value, least):
        """Return the mask of one list by name, or of several."""
        names = [value] if isinstance(value, str) else value
        need(isinstance(names, list) and len(names) >= least)
        mask = 0
        for name in names:
            need(isinstance(name, str))
            if self.masks and name not in self.masks:
                self.bad(path, name, "no such list: give " + " or ".join(sorted(self.masks)))
            mask |= self.masks.get(name, 0)
        return mask

    def routes(self, path, value):
        """Return the masks of a point: raise, clear, fault, escalate."""
        need(isinstance(value, (str, list, dict)))
        if isinstance(value, dict):
            masks = self.fields("t", value, path + ".")
        else:
            masks = {"raise": self.lists(path, value, 1)}
        first = masks.get("raise", self.site["system"])
        return [masks.get(name, first) for name in ("raise", "clear", "fault", "escalate")]

    def servers(self, path, value, most):
        """Return a list of [host, port]."""
        need(isinstance(value, list) and 0 < len(value) <= most)
        paths = ["%s[%d]" % (path, at) for at in range(len(value))]
        return [self.take(paths[at], "server", (25,), value[at]) for at in range(len(value))]


def need(condition):
    """Refuse a value where a condition does not hold."""
    if not condition:
        raise ConfigError


# Checks of single values: (value, what the check takes) -> what is kept


def _text(value, least, most):
    need(is_text(value) and least <= len(value.strip().encode()) <= most)
    return value


def _lines(value, most):
    need(isinstance(value, str))
    _text(value.replace("\n", " "), 0, most)
    return value


def _priorities(value, most):
    need(len(_text(value, 0, most).split()) == len(PRIORITIES))
    return value


def _tag(value, most):
    need(is_tag(value, most))
    return value


def _address(value, most):
    need(is_plain(value, 1, most))
    return value


def _server(value, port):
    need(isinstance(value, str))
    host, colon, number = value.partition(":")
    if colon:
        need(is_made_of(number, _DIGITS) and len(number) < 6)
        port = int(number)
    need(is_plain(host, 0, 64) and 0 < port < 65536)
    return [host, port]


def _clock(value, port):
    return None if value == "" else _server(value, port)


def _daytime(value):
    if value == "":
        return None
    need(isinstance(value, str) and len(value) == 5 and value[2] == ":")
    need(is_made_of(value[:2] + value[3:], _DIGITS))
    need(value[:2] < "24" and value[3] < "6")
    return int(value[:2]) * 3600 + int(value[3:]) * 60


def _number(value):
    need(is_number(value))
    return value


def _seconds(value, least, most):
    need(is_number(value) and least <= value <= most)
    return int(value * 1000 + 0.5)


def _watchdog(value, least, most):
    return 0 if _number(value) == 0 else _seconds(value, least, most)


def _count(value, least, most):
    need(isinstance(value, int) and is_number(value) and least <= value <= most)
    return value


def _flag(value):
    need(isinstance(value, bool))
    return value


def _choice(value, *words):
    need(value in words)
    return value


def _rank(value, *words):
    return words.index(_choice(value, *words))


def _pull(value, *words):
    return _choice(value, *words).replace("none", "")


def _input(value, most):
    return value if is_tag(value, 32) else _count(value, 0, most)


def _pair(value):
    need(is_pair(value) and value[0] < value[1])
    return value


def _scale(value):
    need(isinstance(value, list) and len(value) == 2)
    first, second = value
    need(is_pair(first) and is_pair(second))
    need(first[0] != second[0] and first[1] != second[1])
    return value


def _object(value):
    need(isinstance(value, dict))
    return value


def _list(value):
    need(isinstance(value, list))
    return value


CHECKS = {
    # check: (its function, None for a method of Checker; what to do about a value that it refuses)
    "text": (_text, "give one line of %d to %d octets"),
    "lines": (_lines, "give a text of %d octets at most"),
    "priorities": (_priorities, "give a word each for diagnostic, low, medium, high"),
    "tag": (_tag, "give 1 to %d letters, digits, or signs of _ - . /"),
    "address": (_address, 'give one like "ops@example.com": letters, digits, . _ -, %d at most'),
    "recipients": (None, "give lists by name, with %d different addresses in all at most"),
    "lists": (None, "give the name of a list of recipients, or a list of names"),
    "routes": (None, "give the name of a list of recipients, a list of names, or an object"),
    "servers": (None, 'give a list of 1 to %d hosts like "192.168.1.1" or "192.168.1.1:25"'),
    "server": (_server, 'give a host like "192.168.1.1" or "192.168.1.1:%d"'),
    "clock": (_clock, 'give a host like "192.168.1.1" or "192.168.1.1:%d", or "" for none'),
    "daytime": (_daytime, 'give a time of the day in UTC like "07:00", or "" for none'),
    "number": (_number, "give a number"),
    "seconds": (_seconds, "give seconds from %s to %s"),
    "watchdog": (_watchdog, "give seconds from %s to %s, the most that an RP2 has, or 0 for none"),
    "count": (_count, "give a whole number from %d to %d"),
    "flag": (_flag, "give true or false"),
    "choice": (_choice, "give one of %s"),
    "rank": (_rank, "give one of %s"),
    "pull": (_pull, "give one of %s"),
    "input": (_input, "give the name of an input of the board, or a GPIO number from 0 to %d"),
    "pair": (_pair, "give [lowest, highest], two raw values"),
    "scale": (_scale, "give [[raw, value], [raw, value]], two different points of the scale"),
    "object": (_object, "give an object {...}"),
    "list": (_list, "give a list [...]"),
}


def remedy_of(kind, argument):
    """Return what to do about a value that a check refuses."""
    remedy = CHECKS[kind][1]
    if "%" not in remedy:
        return remedy
    return remedy % (", ".join(argument) if remedy == "give one of %s" else argument)


def is_number(value):
    """Tell whether a value is a number that a board can reckon with; true and false are none."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and -1e30 <= value <= 1e30
    )


def is_pair(value):
    """Tell whether a value is a list of two numbers."""
    return (
        isinstance(value, list) and len(value) == 2 and is_number(value[0]) and is_number(value[1])
    )


def is_made_of(value, signs):
    """Tell whether a str has at least one character, and none but these."""
    return value != "" and not [1 for sign in value if sign not in signs]


def is_tag(value, most):
    """Tell whether a value is a name as plants have them."""
    return isinstance(value, str) and len(value) <= most and is_made_of(value, _SIGNS + "./")


def is_plain(value, ats, most):
    """Tell whether a value is a host name (ats: 0) or an address (1) that is sent as it is."""
    if not isinstance(value, str) or len(value) > most or value.count("@") != ats:
        return False
    return not [1 for word in value.replace("@", ".").split(".") if not is_made_of(word, _SIGNS)]


def is_text(value):
    """Tell whether a value is a str of whole characters that can be shown."""
    if not isinstance(value, str):
        return False
    for sign in value:
        code = ord(sign)
        if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000:
            return False
    return True


def label(name):
    """Return the name of a field as it is shown, whatever it is."""
    return name if is_text(name) and len(name) < _LONG else shown(name)


def shown(value):
    """Return in one line as much of a value, as JSON has it, as says which one it is."""
    text = written(value, 2)
    return text if len(text) <= _LONG else text[: _LONG - 3] + "..."


def written(value, depth):
    """Return a value as JSON has it, without what is deep or long."""
    if isinstance(value, str):
        return '"' + "".join([sign if is_text(sign) else "?" for sign in value[:_LONG]]) + '"'
    if isinstance(value, dict):
        return "{...}"
    if isinstance(value, list):
        if depth == 0 or len(value) > 4:
            return "[...]"
        return "[" + ", ".join([written(one, depth - 1) for one in value]) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return repr(value)


def near(name, names):
    """Return those names that share most with a name that is unknown."""
    best = 0
    found = []
    for one in names:
        score = likeness(name[:_LONG].lower(), one.lower())
        if score > best:
            best = score
            found = []
        if score == best:
            found.append(one)
    return found


def likeness(one, other):
    """Return how many pairs of letters of a name another one has, against their lengths."""
    pairs = 0
    for at in range(len(one) - 1):
        pairs += one[at : at + 2] in other
    return pairs * 1000 // (len(one) + len(other) + 1)


def fault_of(template, fields):
    """Return what is wrong with a template that may have these fields; "" where nothing is."""
    parts = template.replace("{{", "").replace("}}", "").split("{")
    if "}" in parts[0]:
        return "a lone }: write }} where it is meant as text"
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        if not brace or "}" in rest:
            return "a lone brace: write {{ or }} where it is meant as text"
        if name not in fields:
            return "no field {%s}: there is %s" % (name[:_LONG], ", ".join(fields) or "none")
    return ""
