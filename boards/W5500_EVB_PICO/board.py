"""WIZnet W5500-EVB-Pico."""

import hardware
from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "W5500_EVB_PICO"
link = Link("Wiznet")
hardware.led = 25
