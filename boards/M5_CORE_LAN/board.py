"""M5Stack Core with LAN Base V12."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "M5_CORE_LAN"
link = Link("Lan", "W5500", 0, (2, 18, 23, 19), {"cs": 26, "int": 34, "reset": 13}, "")
