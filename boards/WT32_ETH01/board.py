"""Wireless-Tag WT32-ETH01."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Lan

name = "WT32_ETH01"
link = Lan("LAN8720", 1, clock="IN", mdc=23, mdio=18, power=16, ref_clk=0)
