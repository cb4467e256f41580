"""The modules of `firmware/` for tools on the PC: they run under CPython as they are."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from host_tools.micropython import ROOT

FOLDER = ROOT / "firmware"
NAMES = {path.stem for path in FOLDER.iterdir() if path.suffix in ("", ".py")}
"""What its modules and packages are called; other programs have modules of such names, too."""


@contextmanager
def modules() -> Iterator[Callable[[str], ModuleType]]:
    """Give what imports the firmware's modules by name; within `with` they also find each other.

    Afterwards the names are what they were before.
    """
    before = take()
    sys.path.insert(0, str(FOLDER))
    try:
        yield import_module
    finally:
        sys.path.remove(str(FOLDER))
        take()
        sys.modules.update(before)


def take() -> dict[str, ModuleType]:
    """Take the modules of such names out of those that are imported."""
    return {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name.partition(".")[0] in NAMES
    }
