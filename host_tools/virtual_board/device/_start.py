"""Turn a MicroPython on a PC into the board that the environment names, and run it."""

import gc
import sys

gc.threshold(8192)  # so that what stays lies at the beginning of the heap
sys.path[:] = [sys.path[-1]]  # the folder of the stand-ins

import _page  # noqa: E402


def put(name):
    """Put a stand-in before the builtin module."""
    __import__("_" + name)
    sys.modules[name] = sys.modules.pop("_" + name)


def start():
    """Build the board."""
    _page.belong()
    import _flash
    import _stop  # noqa: F401
    import layout

    put("time")
    if _page.page.cause in (layout.POWER_ON,):
        sys.modules["time"]._begin()
    put("sys")
    put("os")
    put("micropython")
    import machine  # noqa: F401

    if _page.port == "esp32":
        put("errno")
    import network  # noqa: F401

    put("socket")
    import _repl

    _flash.mount()
    sys.path[:] = ["", ".frozen", "/lib"]
    gc.threshold(-1)
    _repl.loop()


start()
