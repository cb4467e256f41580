"""LilyGO T-ETH-Lite S3."""

from hardware import analog, digital, indicate, reset, reset_cause, uid, watchdog
from link import Link

name = "LILYGO_T_ETH_LITE_S3"
link = Link("Lan", "W5500", 0, (1, 10, 12, 11), {"cs": 9, "int": 13, "reset": 14}, "")
