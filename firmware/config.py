"""config.json: checked against one table, compiled to what the notifier uses.

Borrowed at a boot with a changed configuration, and called by the host's tools as it is.

Theory of operation. `FIELDS` has a row for each field: where it may stand, the check that takes
it, and the default. A check is a method of `Checker`: it returns what is kept (times in ms, lists
of recipients as a mask of addresses), or refuses the value. Whatever is wrong is noted and the
check goes on, so all errors are found at once; `remedies.py` words them. The tables are text since
that takes least heap.

A configuration is gone through once for its errors, and once more when the lines are asked for;
so no more than one compiled point is in memory, and the default texts only when all else is gone.
"""

import json

from borrow import borrow

# A row is: where the field may stand, its name, the check that takes it with what the check takes,
# "=", and the default as JSON; "!" where it must be given, "~..." where it depends on others.
# Where: S the top level, d digital, a analog and s software points, ? those of no known type, y
# points of the board itself, b the input that acknowledges, t the recipients of a point, n the
# network, whose checks are in addresses.py.
FIELDS = """
S plant text 1 32 = !
S device text 1 32 = !
S sender address 64 = !
S recipients recipients 30 = !
S gateways servers 4 = !
S ntp clock 123 = ~the first gateway
S network object = ~by DHCP
S system lists 1 = ~the only list of recipients
S heartbeat daytime = "07:00"
S watchdog watchdog 1 8.3 = 8
S log rank error, warning, info, debug = "info"
S window seconds 0 600 = 30
S ceiling count 1 100 = 10
S acknowledge flag = ~true with an acknowledge_input, else false
S acknowledge_input object = ~none
S points list = ~none
S system_points object = ~as below
S texts object = ~as in texts.py
das? tag tag 32 = !
das? type choice digital, analog, software = "digital"
dasy description text 0 80 = ""
dasy response text 0 400 = ""
dasy priority rank diagnostic, low, medium, high = "medium"
dab input input 99 = !
db normal choice NO, NC = "NO"
db pull pull up, down, none = "up"
db debounce seconds 0 10 = 0.02
d latch_pulses flag = ~true where on_delay is 0
a source choice u16, uv = "u16"
a scale scale = !
a unit text 0 16 = ""
a high number = ~one of high and low
a low number = ~one of high and low
a deadband number = ~by kind
a range pair = ~any raw value is good
a kind choice flow, pressure, level, temperature = ~none
dasy on_delay seconds 0 86400 = ~by type and kind
dasy off_delay seconds 0 86400 = ~by type and kind
dasy latched flag = false
dasy ack_required flag = ~as acknowledge
dasy re_alarm seconds 0 86400 = 14400
dasy escalate seconds 0 86400 = ~900 where it may be, else 0
dasy to routes = ~as system
t raise lists 1 = ~as system
t clear lists 0 = ~as raise
t fault lists 0 = ~as raise
t escalate lists 0 = ~as raise
n address ipv4 = ~by DHCP
n netmask netmask = "255.255.255.0"
n gateway ipv4 = ~none
n dns ipv4 = ~as gateway
n hostname hostname 32 = ~device, where it may be one
n ssid text 1 32 = ~none
n password secret 8 64 = ~none
"""

# Points of the board itself: tag; priority; on-delay in s; description; response
SYSTEM = """
LINK;2;10;network link lost;Check cable and switch.
GATEWAY;2;600;no mail gateway reached;Check the gateway and the way to it.
OUTBOX;2;0;too many notices;Find out what repeats, or why no mail leaves.
WATCHDOG;3;0;restarted by the watchdog;Tell who looks after the board.
HEAP;1;10;memory nearly used up;Configure fewer points, or report it.
CLOCK;1;600;clock not set;Check the time server.
"""

# Analog: by the kind of process value, delay in s and deadband in % of the span (EEMUA 191)
KINDS = """
;15;2
flow;15;5
pressure;15;2
level;60;5
temperature;60;1
"""

_DIGITS = "0123456789"
_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_0123456789"


def check(data, spend=False):
    r"""Check a configuration, as JSON gives it; return (lines, errors).

    lines: an iterator of "NAME\tJSON", which settings.py tells of; empty where there are errors
    errors: all there are, each a line "field: value: remedy"
    spend: let the lines empty `data` when they are done with it; a small board has not room in
        its heap for it and for the default texts
    """
    errors = Checker(data).check()
    return (iter(()), errors) if errors else (lines(data, spend), errors)


def load(path):
    """Return what JSON a file has, after the mark that some editors put before it."""
    for name, _, _ in fields_of(""):
        hasattr(Checker, name)  # MicroPython keeps a name that it knows once, not in each point
    with open(path, "rb") as file:
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        try:
            return json.load(file)
        except ValueError as error:
            raise ValueError("no JSON (%s): python3 -m json.tool tells the line" % error)


def lines(data, spend):
    """Yield the lines of a configuration without errors."""
    checker = Checker(data)
    for name, value in checker.entries():
        yield name + "\t" + json.dumps(value)
    given = checker.texts
    if spend:
        data.clear()
    for name, text in texts(given):
        yield "text " + name + "\t" + json.dumps(text)


def texts(given):
    """Yield the name and the wording of each text."""
    known = borrow("texts").TEXTS
    for name in sorted(known):
        yield name, given.get(name, known[name][0])


class Checker:
    """One way through a configuration."""

    remedies = None

    def __init__(self, data):
        self.data = data
        self.errors = []
        self.addresses = []
        self.masks = {}  # by name of a list of recipients
        self.inputs = {}  # those in use: "digital" or "analog"
        self.tags = [row[0] for row in rows(SYSTEM)]

    def check(self):
        """Go through it; return the errors."""
        for _ in self.entries():
            pass
        if self.texts:
            self.check_texts(borrow("texts").TEXTS)
        return self.errors

    # The parts of a configuration

    def entries(self):
        """Yield the name and the value of each line."""
        site = self.site = self.fields("S", self.data, "")
        self.texts = site.pop("texts", None) or {}
        points = site.pop("points", None) or ()
        system_points = site.pop("system_points", None) or {}
        button = site.pop("acknowledge_input", None)
        network = site.pop("network", None)
        site.pop("recipients", None)
        self.complete_site(site, button)
        yield "site", site
        yield "network", self.network(network)
        yield "acknowledge", self.button(button)
        yield from self.points(points)
        yield from self.system_points(system_points)

    def complete_site(self, site, button):
        """Fill in what depends on other fields."""
        site["addresses"] = self.addresses
        if "ntp" not in site and site.get("gateways"):
            site["ntp"] = [site["gateways"][0][0], 123]
        if len(self.masks) > 1 and "system" not in self.data:
            self.refuse("system", ..., "one_of", " or ".join(sorted(self.masks)))
        site.setdefault("system", max(self.masks.values()) if self.masks else 0)
        if not site.setdefault("acknowledge", button is not None) and button is not None:
            self.refuse("acknowledge", False, "button")

    def network(self, given):
        """Return what the link is to know."""
        site = self.site
        device = site.get("device", "")
        found = {}
        if given is not None:
            servers = site.get("gateways", []) + [site.get("ntp") or []]
            hosts = [server[0] for server in servers if server]
            found = borrow("addresses").Network(self, given).compiled(hosts)
        if "hostname" not in found and is_made_of(device, _SIGNS.replace("_", "")):
            found["hostname"] = device
        return found

    def check_texts(self, texts):
        """Check the texts of mails that are given."""
        self.known(self.texts, sorted(texts), "texts.")
        for name in sorted(self.texts):
            if name in texts:
                default, fields = texts[name]
                takes = "lines 500" if "\n" in default else "text 0 500"
                takes = "words 500" if name == "priorities" else takes
                value = self.take("texts." + name, takes, self.texts[name])
                fault = value and fault_of(value, fields.split())
                if fault:
                    self.refuse("texts." + name, value, *fault)

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
                self.refuse(path[:-1], spec, "object")
                continue
            path = self.place(path, spec)
            kind = spec.get("type", "digital")
            known = kind in ("digital", "analog", "software")
            point = self.fields(kind[0] if known else "?", spec, path)
            self.own_tag(point.get("tag"), path)
            if known:
                self.complete(point, spec, path)
                yield "point " + point.get("tag", ""), point

    def place(self, path, spec):
        """Return what errors call a point: its tag, where it has one that can be shown."""
        return "points." + spec["tag"] + "." if is_tag(spec.get("tag")) else path

    def own_tag(self, tag, path):
        """Check that a tag is no other point's."""
        if tag in self.tags:
            own = "reserved" if row_of(SYSTEM, tag) else "taken"
            self.refuse(path + "tag", tag, own)
        elif tag:
            self.tags.append(tag)

    def system_points(self, given):
        """Yield the points of the board itself."""
        self.known(given, [row[0] for row in rows(SYSTEM)], "system_points.")
        for row in rows(SYSTEM):
            tag = row[0]
            spec = given.get(tag, {})
            path = "system_points." + tag + "."
            point = self.fields("y", spec, path)
            if isinstance(spec, dict):
                point["tag"] = tag
                point["type"] = "software"
                self.complete_system(point, spec, row)
                self.complete(point, spec, path)
                yield "point " + tag, point

    def complete_system(self, point, spec, row):
        """Fill in what a point of the board itself has of its own."""
        if "priority" not in spec:
            point["priority"] = int(row[1])
        point.setdefault("on_delay", int(row[2]) * 1000)
        point.setdefault("off_delay", 5000)
        point["description"] = point.get("description") or row[3]
        point["response"] = point.get("response") or row[4]

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
        row = row_of(KINDS, point.pop("kind", ""))
        if "high" not in spec and "low" not in spec:
            self.refuse(path + "high", ..., "one_of", "high or low")
        elif "high" in spec and "low" in spec:
            self.refuse(path + "high", spec["high"], "both")
        if "scale" in point:
            span = abs(point["scale"][1][1] - point["scale"][0][1])
            deadband = point.setdefault("deadband", span * int(row[2]) / 100)
            if not 0 <= deadband < span:
                self.refuse(path + "deadband", deadband, "deadband", span)
        return [int(row[1]) * 1000] * 2

    def complete_acknowledge(self, point, spec, path):
        """Fill in and check what needs somebody who acknowledges."""
        somebody = self.site["acknowledge"]
        if point.setdefault("ack_required", somebody) and not somebody:
            self.refuse(path + "ack_required", True, "nobody")
        may = somebody and point["ack_required"] and point.get("priority", 3) == 3
        if point.setdefault("escalate", 900000 if may else 0) and not may:
            self.refuse(path + "escalate", spec["escalate"], "never")

    def wire(self, found, kind, path):
        """Check that no other point has the input; analog ones may have it together."""
        name = found.get("input")
        if name is None:
            return
        if name not in self.inputs:
            self.inputs[name] = kind
        elif kind == "digital" or self.inputs[name] == "digital":
            self.refuse(path + "input", name, "in_use")

    # Fields

    def fields(self, of, given, path, checks=None):
        """Check the fields of an object; return what is kept of them and of defaults.

        checks: what has checks of its own, besides those here
        """
        found = {}
        if not isinstance(given, dict):
            self.refuse(path[:-1] or "configuration", given, "object")
            return found
        count = 0
        for name, takes, default in fields_of(of):
            errors = len(self.errors)
            if name in given:
                count += 1
                value = self.take(path + name, takes, given[name], checks)
            elif default == "!":
                value = self.refuse(path + name, ..., *split(takes))
            elif default[0] == "~":
                continue
            else:
                value = self.take(path + name, takes, json.loads(default), checks)
            if len(self.errors) == errors:
                found[name] = value
        if count < len(given) and of != "?":
            self.known(given, [row[0] for row in fields_of(of)], path)
        return found

    def known(self, given, names, path):
        """Check that there are fields of these names only."""
        for name in sorted(given):
            if name not in names:
                points = [row[0] for of in "das" for row in fields_of(of)]
                elsewhere = path[:6] == "points" and name in points
                words = self.words()
                self.errors.append(words.unknown(path, name, given[name], names, elsewhere))

    def take(self, path, takes, value, checks=None):
        """Check a value; return what is kept of it, None where it cannot be used."""
        name, *argument = split(takes)
        self.path = path
        try:
            check = getattr(checks, "_" + name, None) or getattr(self, "_" + name)
            return check(value, *argument)
        except ValueError:
            return self.refuse(path, value, name, *argument)

    def refuse(self, path, value, name, *argument):
        """Note an error; its name is a check's, or another one of remedies.py."""
        self.errors.append(self.words().error(path, value, name, argument))

    def words(self):
        """Return what words errors."""
        self.remedies = self.remedies or borrow("remedies")
        return self.remedies

    # Checks: (value, what the check takes) -> what is kept

    def _recipients(self, value, most):
        path = self.path
        need(isinstance(value, dict) and value)
        for name in sorted(value):
            if self.take(path + "." + name, "tag 32", name):
                self.masks[name] = self.group(path + "." + name, value[name])
        need(len(self.addresses) <= int(most))

    def group(self, path, value):
        """Return the mask of a list of addresses."""
        if not isinstance(value, list) or not value:
            self.refuse(path, value, "group")
            value = ()
        mask = 0
        for at in range(len(value)):
            address = self.take("%s[%d]" % (path, at), "address 64", value[at])
            if address and address not in self.addresses:
                self.addresses.append(address)
            if address:
                mask |= 1 << self.addresses.index(address)
        return mask

    def _lists(self, value, least):
        names = [value] if isinstance(value, str) else value
        need(isinstance(names, list) and len(names) >= int(least))
        mask = 0
        for name in names:
            need(isinstance(name, str))
            if self.masks and name not in self.masks:
                self.refuse(self.path, name, "no_list", " or ".join(sorted(self.masks)))
            mask |= self.masks.get(name, 0)
        return mask

    def _routes(self, value):
        need(isinstance(value, (str, list, dict)))
        if isinstance(value, dict):
            masks = self.fields("t", value, self.path + ".")
        else:
            masks = {"raise": self._lists(value, 1)}
        first = masks.get("raise", self.site["system"])
        return [masks.get(name, first) for name in ("raise", "clear", "fault", "escalate")]

    def _servers(self, value, most):
        need(isinstance(value, list) and 0 < len(value) <= int(most))
        paths = ["%s[%d]" % (self.path, at) for at in range(len(value))]
        return [self.take(paths[at], "server 25", value[at]) for at in range(len(value))]

    def _server(self, value, port):
        need(isinstance(value, str))
        host, colon, number = value.partition(":")
        if colon:
            need(is_made_of(number, _DIGITS) and len(number) < 6)
            port = number
        need(is_plain(host, 0) and 0 < int(port) < 65536)
        return [host, int(port)]

    def _clock(self, value, port):
        return None if value == "" else self._server(value, port)

    def _text(self, value, least, most):
        need(isinstance(value, str))
        for sign in value:
            code = ord(sign)  # no control character, no half one
            need(code >= 32 and not 127 <= code < 160 and not 0xD800 <= code < 0xE000)
        need(int(least) <= len(value.strip().encode()) <= int(most))
        return value

    def _lines(self, value, most):
        need(isinstance(value, str))
        self._text(value.replace("\n", " "), 0, most)
        return value

    def _words(self, value, most):
        need(len(self._text(value, 0, most).split()) == 4)
        return value

    def _tag(self, value, most):
        need(is_tag(value, int(most)))
        return value

    def _address(self, value, most):
        need(is_plain(value, 1, int(most)))
        return value

    def _daytime(self, value):
        if value == "":
            return None
        need(isinstance(value, str) and len(value) == 5 and value[2] == ":")
        need(is_made_of(value[:2] + value[3:], _DIGITS))
        need(value[:2] < "24" and value[3] < "6")
        return int(value[:2]) * 3600 + int(value[3:]) * 60

    def _number(self, value):
        need(is_number(value))
        return value

    def _seconds(self, value, least, most):
        need(is_number(value) and float(least) <= value <= float(most))
        return int(value * 1000 + 0.5)

    def _watchdog(self, value, least, most):
        return 0 if self._number(value) == 0 else self._seconds(value, least, most)

    def _count(self, value, least, most):
        need(isinstance(value, int) and is_number(value) and int(least) <= value <= int(most))
        return value

    def _flag(self, value):
        need(isinstance(value, bool))
        return value

    def _choice(self, value, words):
        need(value in words.split(", "))
        return value

    def _rank(self, value, words):
        return words.split(", ").index(self._choice(value, words))

    def _pull(self, value, words):
        return self._choice(value, words).replace("none", "")

    def _input(self, value, most):
        return value if is_tag(value) else self._count(value, 0, most)

    def _pair(self, value):
        need(is_pair(value) and value[0] < value[1])
        return value

    def _scale(self, value):
        need(isinstance(value, list) and len(value) == 2)
        first, second = value
        need(is_pair(first) and is_pair(second))
        need(first[0] != second[0] and first[1] != second[1])
        return value

    def _object(self, value):
        need(isinstance(value, dict))
        return value

    def _list(self, value):
        need(isinstance(value, list))
        return value


def need(condition):
    """Refuse a value where a condition does not hold."""
    if not condition:
        raise ValueError


def rows(table):
    """Yield the rows of a table, each a list of its cells."""
    start = 1
    while start < len(table):
        end = table.find("\n", start)
        yield table[start:end].split(";")
        start = end + 1


def row_of(table, name):
    """Return the row of a name, [] where there is none."""
    for row in rows(table):
        if row[0] == name:
            return row
    return []


def fields_of(of):
    """Yield the fields that may stand somewhere: name, check and what it takes, default.

    of: the letter of the place; "" for all of them
    """
    for row in rows(FIELDS):
        where, name, takes = row[0].split(" ", 2)
        if of in where:
            takes, default = takes.split(" = ")
            yield name, takes, default


def split(takes):
    """Return a list of the name of a check and what it takes: numbers, as text, or words."""
    return takes.split(" ", 1 if "," in takes else -1)


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


def is_tag(value, most=32):
    """Tell whether a value is a name as plants have them."""
    return isinstance(value, str) and len(value) <= most and is_made_of(value, _SIGNS + "./")


def is_plain(value, ats, most=64):
    """Tell whether a value is a host name (ats: 0) or an address (1) that is sent as it is."""
    if not isinstance(value, str) or len(value) > most or value.count("@") != ats:
        return False
    return not [1 for word in value.replace("@", ".").split(".") if not is_made_of(word, _SIGNS)]


def fault_of(template, fields):
    """Return the error of a template that may have these fields; () where there is none."""
    parts = template.split("{")
    text = parts.pop(0)
    while "}" not in text.replace("}}", ""):
        if not parts:
            return ()
        part = parts.pop(0)
        if part == "" and parts:  # {{
            text = parts.pop(0)
            continue
        name, brace, text = part.partition("}")
        if not brace:
            break
        if name not in fields:
            return "no_field", name, ", ".join(fields) or "none"
    return ("brace",)
