"""Olimex ESP32-POE."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "OLIMEX_ESP32_POE"
link = Link("Lan", "LAN8720", 0, (), {"mdc": 23, "mdio": 18, "power": 12, "ref_clk": 17}, "OUT")
