"""The stand-in for `os`: without what only PCs have, with what boards have besides."""

from uos import *
import vfs as _vfs

import sys as _sys

for _name in ("system", "getenv", "putenv", "unsetenv", "popen"):
    globals().pop(_name, None)

umount = _vfs.umount
mount = _vfs.mount


def uname():
    """Return names and versions."""
    release = ".".join(str(part) for part in _sys.implementation.version[:3])
    machine = _sys.implementation._machine
    return (_sys.platform, _sys.platform, release, "v" + release + " on 2025-01-01", machine)


def sync():
    """Write what is still to be written: nothing is."""


def dupterm(stream, index=0):
    """Take a second console: the virtual board has one only."""
    return
