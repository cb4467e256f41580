"""ESP32-S3 DevKit with a W5500 module."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "GENERIC_S3_W5500"
link = Link("Lan", "W5500", 0, (1, 12, 13, 14), {"cs": 10, "int": 11}, "")
