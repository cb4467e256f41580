"""Virtual board on a PC."""

import hardware
from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "VIRTUAL"
link = Link("Lan", "W5500", 0, (1, 12, 13, 14), {"cs": 10, "int": 11, "reset": 9}, "")
hardware.inputs = {"DI%d" % gpio: gpio for gpio in range(1, 9)}
hardware.led = 21
