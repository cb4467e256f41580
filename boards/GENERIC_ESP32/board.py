"""ESP32 DevKit on WiFi."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Wifi

name = "GENERIC_ESP32"
link = Wifi()
