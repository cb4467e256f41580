"""What config.py says of an error: one line of the field, its value, and what to do.

Borrowed by the first error of a configuration.
"""

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_LONG = const(40)  # characters of a value or a name that are shown

# By check, what to do about a value that it refuses; then what else may be wrong.
REMEDIES = """
text give one line of %s to %s octets
lines give a text of %s octets at most
words give a word each for diagnostic, low, medium, high
tag give 1 to %s letters, digits, or signs of _ - . /
address give one like "ops@example.com": letters, digits, . _ -, %s at most
recipients give lists by name, with %s different addresses in all at most
group give a list of addresses like ["ops@example.com"]
lists give the name of a list of recipients, or a list of names
routes give the name of a list of recipients, a list of names, or an object
servers give a list of 1 to %s hosts like "192.168.1.1" or "192.168.1.1:25"
server give a host like "192.168.1.1" or "192.168.1.1:%s"
clock give a host like "192.168.1.1" or "192.168.1.1:%s", or "" for none
daytime give a time of the day in UTC like "07:00", or "" for none
number give a number
seconds give seconds from %s to %s
watchdog give seconds from %s to %s, the most that an RP2 has, or 0 for none
count give a whole number from %s to %s
flag give true or false
choice give one of %s
rank give one of %s
pull give one of %s
input give the name of an input of the board, or a GPIO number from 0 to %s
pair give [lowest, highest], two raw values
scale give [[raw, value], [raw, value]], two different points of the scale
ipv4 give an IPv4 address like "192.168.1.50"
netmask give one like "255.255.255.0", from 255.0.0.0 to 255.255.255.252
hostname give 1 to %s letters, digits, or - between them
secret give %s to %s characters of ASCII
object give an object {...}
list give a list [...]
- ---
unknown unknown: there is %s
elsewhere not with this type of point: remove it
one_of give %s
no_list no such list: give %s
button there is an acknowledge_input: give true
reserved a point of the board itself: see system_points
taken another point has it: give each one of its own
in_use in use: give a digital input to one point only
both low is given, too: give one of them
deadband give 0 or more, less than the span of the scale, %s
nobody nobody can: set acknowledge, or leave this out
never only a high alarm that requires acknowledgement escalates: leave it out
needs only with %s: give that, too, or leave this out
subnet give another address from %s to %s, or another netmask
outside give the router: %s is outside of the subnet
a_name give a name server: %s is a name
brace a lone brace: write {{ or }} where it is meant as text
no_field no field {%s}: there is %s
"""


def error(path, value, check, argument):
    """Return the line about a value that a check refused; `...` is the value of a missing one."""
    told = "***" if value is not ... and is_secret(path, check) else shown(value)
    return "%s: %s: %s" % (printable(path), told, remedy_of(check, argument))


def unknown(path, name, value, names, elsewhere):
    """Return the line about a field that there is not.

    names: those that there are
    elsewhere: whether others like this have it
    """
    if not is_text(name) or len(name) > _LONG:
        name = shown(name)
    if elsewhere:
        return error(path + name, value, "elsewhere", ())
    return error(path + name, value, "unknown", (", ".join(near(name, names)),))


def is_secret(path, check):
    """Tell whether a value may be a password, or one in the wrong place."""
    return ("pass" in path) + (path[:8] == "network.") + (check == "unknown") > 1


def remedy_of(check, argument=()):
    """Return what to do about a value that a check refuses."""
    start = REMEDIES.find("\n" + check + " ") + len(check) + 2
    remedy = REMEDIES[start : REMEDIES.find("\n", start)]
    return remedy % tuple(argument) if "%" in remedy else remedy


def is_text(value):
    """Tell whether all characters of a str can be shown in one line."""
    for sign in value:
        code = ord(sign)
        if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000:
            return False
    return True


def printable(text):
    """Return a text in one line: other signs than those of texts as "?"."""
    return text if is_text(text) else "".join([sign if is_text(sign) else "?" for sign in text])


def shown(value):
    """Return in one line as much of a value, as JSON has it, as says which one it is."""
    text = written(value, 2)
    return text if len(text) <= _LONG else text[: _LONG - 3] + "..."


def written(value, depth):
    """Return a value as JSON has it, without what is deep or long."""
    if isinstance(value, str):
        return '"' + printable(value[:_LONG]) + '"'
    if isinstance(value, dict):
        return "{...}"
    if isinstance(value, list):
        if depth == 0 or len(value) > 4:
            return "[...]"
        return "[" + ", ".join([written(one, depth - 1) for one in value]) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "missing" if value is ... else "null" if value is None else repr(value)


def near(name, names):
    """Return those names that share most with one that is unknown."""
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
