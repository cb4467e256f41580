"""Wireless-Tag WT32-ETH01."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "WT32_ETH01"
link = Link("Lan", "LAN8720", 1, (), {"mdc": 23, "mdio": 18, "power": 16, "ref_clk": 0}, "IN")
