"""The stand-in for `sys`: the port's name and the board's."""

import sys as _sys

from _page import port, settings
from sys import *


class _Implementation(tuple):
    """As sys.implementation, with names."""

    name = _sys.implementation.name
    version = tuple(settings["version"] or _sys.implementation.version[:3]) + ("",)
    _mpy = _sys.implementation._mpy
    _machine = settings["machine"]


path = _sys.path
modules = _sys.modules
platform = port
implementation = _Implementation((_Implementation.name, _Implementation.version))
argv = []
ps1 = ">>> "
ps2 = "... "
