"""KinCony KC868-A16v3."""

import hardware
from expander import Expander, Input
from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link
from machine import I2C, Pin

name = "KINCONY_A16V3"
link = Link("Lan", "W5500", 0, (1, 42, 43, 44), {"cs": 15, "int": 2, "reset": 1}, "")

_bus = I2C(0, scl=Pin(10), sda=Pin(9), freq=100000)
_low = Expander(_bus, 0x22)
_high = Expander(_bus, 0x21)


def _expand(number):
    """Return an input: 0 to 7 are DI01 to DI08, at 0x22; 8 to 15 are DI09 to DI16, at 0x21."""
    return Input(_low if number < 8 else _high, number & 7)


hardware.inputs = {"DI%02d" % (number + 1): (number,) for number in range(16)}
hardware.expander = _expand
