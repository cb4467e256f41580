"""The stand-in for `time`: the port's epoch, and a clock that starts at the port's first day."""

from utime import *
import utime as _utime

from _page import page, port

# from utime's epoch, 1970, to the port's; clocks begin at 2000 and 2021
_EPOCH = 946684800 if port == "esp32" else 0
_BEGIN = 946684800 if port == "esp32" else 1609459200


def time_ns():
    """Return nanoseconds since 1970, as far as the board knows."""
    return (_utime.time_ns() // 1000 + page.rtc) * 1000


def time():
    """Return seconds since the port's epoch."""
    return time_ns() // 1000000000 - _EPOCH


def gmtime(seconds=None):
    """Return the time as a tuple of 8."""
    return _utime.gmtime((time() if seconds is None else seconds) + _EPOCH)[:8]


localtime = gmtime  # boards know no zones


def mktime(moment):
    """Return seconds since the port's epoch."""
    moment = list(moment)
    days = _days(moment[0], moment[1]) + moment[2] - 1
    return ((days * 24 + moment[3]) * 60 + moment[4]) * 60 + moment[5] - _EPOCH


def _days(year, month):
    """Return the days from 1970 to a month."""
    year, month = year - (month < 3), (month + 9) % 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (month * 153 + 2) // 5 - 719468


def _set(moment, microseconds):
    """Set the clock."""
    wanted = (mktime(moment) + _EPOCH) * 1000000 + microseconds
    page.rtc = wanted - _utime.time_ns() // 1000


def _begin():
    """Start the clock where it starts without power."""
    page.rtc = _BEGIN * 1000000 - _utime.time_ns() // 1000
