"""What CPython calls otherwise than MicroPython."""

from time import perf_counter_ns


def ticks_us():
    """Return microseconds that never go back."""
    return perf_counter_ns() // 1000


def ticks_diff(later, earlier):
    """Return the microseconds between two ticks_us()."""
    return later - earlier
