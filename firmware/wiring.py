"""Makes the alarm points of a configuration; borrowed, since that is done once a boot."""

from inputs import Analog, Digital, Software

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

_OPTIONS = const(
    (
        "priority",
        "on_delay",
        "off_delay",
        "latched",
        "ack_required",
        "re_alarm",
        "escalate",
        "debounce",
        "to",
    )
)

found = []


def make(board, fields):
    """Return the point that a dict of the configuration describes.

    What is as its class has it takes no heap; what an interrupt handler assigns to is there.
    """
    point = MAKERS[fields["type"]](board, fields)
    for name in _OPTIONS:
        value = fields.get(name)
        if isinstance(value, list):
            value = shared(value)
            Software.to = Software.to or value  # that of most: it takes no heap then, either
        if value is not None and getattr(point, name, value) != value:
            setattr(point, name, value)
    return point


def shared(values):
    """Return a list as a tuple, the same one for equal lists."""
    values = tuple(values)
    if values not in found:
        found.append(values)
    return found[found.index(values)]


def software(_, fields):
    """Return a point that the program sets."""
    return Software(fields["tag"], active=False, pulse=False)


def digital(board, fields):
    """Return a contact.

    It is closed where the pin is 0 against a pull-up, and else where it is 1. An NO contact is in
    alarm when closed, an NC contact when open.
    """
    pull = fields.get("pull", "")
    pin = board.digital(fields["input"], pull)
    point = Digital(fields["tag"], pin=pin, active=None, pulse=False, seen=None, at=0)
    if (pull == "up") == (fields.get("normal") == "NC"):
        point.alarm = 1
    if fields.get("latch_pulses") and hasattr(pin, "irq"):
        point.latch_pulses = True
        pin.irq(handler=point.edge)  # at both edges, where nothing else is said
    return point


def button(board, fields):
    """Return the contact of a push button, to be asked for pressed()."""
    return digital(board, dict(fields, latch_pulses=True))


def analog(board, fields):
    """Return an analog value with one limit."""
    source = fields.get("source", "u16")
    sample = getattr(board.analog(fields["input"]), "read_" + source, None)
    if not sample:
        raise ValueError("%s.source: %s: this board has u16 only" % (fields["tag"], source))
    (raw, units), (other, more) = fields["scale"]
    scale = shared((raw, units, (more - units) / (other - raw)))
    point = Analog(fields["tag"], sample=sample, scale=scale, next=0, active=False, reading=None)
    if fields.get("range"):
        point.valid = shared(fields["range"])
    deadband = fields.get("deadband", 0)
    point.limit = fields.get("high")
    if point.limit is None:
        point.rising = False
        point.limit = fields["low"]
        deadband = -deadband
    point.back = point.limit - deadband
    return point


MAKERS = {"software": software, "digital": digital, "button": button, "analog": analog}
