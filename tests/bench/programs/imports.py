"""Measure the heap that imports keep: `imports MODULE ...`, one after another, in this order."""

import errno  # noqa: F401  (built in, as are the next: they are not the client's to pay)
import gc
import json
import os  # noqa: F401
import select  # noqa: F401
import socket  # noqa: F401
import sys
import time  # noqa: F401


def cost(module):
    """Return the octets that are left when `module` is imported."""
    gc.collect()
    start = gc.mem_alloc()
    __import__(module)
    gc.collect()
    return gc.mem_alloc() - start


gc.disable()
print(json.dumps([cost(module) for module in sys.argv[1:]]))
