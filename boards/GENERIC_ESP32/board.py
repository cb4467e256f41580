"""ESP32 DevKit on WiFi."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "GENERIC_ESP32"
link = Link("Wifi")
