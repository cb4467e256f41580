"""ESP32 DevKit with a W5500 module."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "GENERIC_ESP32_W5500"
link = Link("Lan", "W5500", 0, (2, 18, 23, 19), {"cs": 5, "int": 4, "reset": 32}, "")
