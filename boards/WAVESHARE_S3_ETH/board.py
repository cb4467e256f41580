"""Waveshare ESP32-S3-ETH."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "WAVESHARE_S3_ETH"
link = Link("Lan", "W5500", 0, (1, 13, 11, 12), {"cs": 14, "int": 10, "reset": 9}, "")
