"""Makes the alarm points of a configuration; borrowed, since that is done once a boot."""

from inputs import Analog, Digital, Software

OPTIONS = (
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

_known = []


def make(board, spec):
    """Return the point that a dict of the configuration describes.

    What is as its class has it takes no heap; what an interrupt handler assigns to is there.
    """
    point = MAKERS[spec["type"]](board, spec)
    for name in OPTIONS:
        value = spec.get(name)
        if isinstance(value, list):
            value = shared(value)
        if value is not None and getattr(point, name, value) != value:
            setattr(point, name, value)
    if point.priority == 3:
        point.high = True
    return point


def button(board, spec):
    """Return the contact of a push button, to be asked for pressed()."""
    return make(board, dict(spec, tag="", type="digital", latch_pulses=True))


MAKERS = {"software": software, "digital": digital, "analog": analog}
