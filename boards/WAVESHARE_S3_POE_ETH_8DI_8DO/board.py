"""Waveshare ESP32-S3-POE-ETH-8DI-8DO."""

import hardware
from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "WAVESHARE_S3_POE_ETH_8DI_8DO"
link = Link("Lan", "W5500", 0, (1, 15, 13, 14), {"cs": 16, "int": 12, "reset": 39}, "")
hardware.inputs = {"DI%d" % (gpio - 3): gpio for gpio in range(4, 12)}
