"""KinCony KC868-A16v3."""

from machine import I2C, Pin

import hardware
from expander import Expander, Input
from hardware import analog, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "KINCONY_A16V3"
link = Link("Lan", "W5500", 0, (1, 42, 43, 44), {"cs": 15, "int": 2, "reset": 1}, "")

_bus = I2C(0, scl=Pin(10), sda=Pin(9), freq=100000)
_low = Expander(_bus, 0x22)
_high = Expander(_bus, 0x21)


def digital(name, pull=""):
    """Return a digital input; DI01 to DI08 are on the expander 0x22, DI09 to DI16 on 0x21."""
    number = int(name[2:]) - 1 if name[:2] == "DI" else -1
    if 0 <= number < 16:
        return Input(_low if number < 8 else _high, number & 7)
    return hardware.digital(name, pull)
