"""WIZnet W5500-EVB-Pico."""

import hardware
from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Wiznet

name = "W5500_EVB_PICO"
link = Wiznet()
hardware.led = 25
