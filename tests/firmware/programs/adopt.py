"""Adopt a configuration beside a freshly booted outbox: `adopt FIRMWARE FOLDER`; prints JSON.

FOLDER has a config.json. Run with a small heap it tells whether that is enough.
"""

import gc
import json
import sys

sys.path.insert(0, sys.argv[1])

from borrow import borrow
from outbox import Outbox


def in_use():
    """Return the octets in use."""
    gc.collect()
    return gc.mem_alloc()


def main():
    """Boot and adopt."""
    folder = sys.argv[2]
    box = Outbox(folder + "/outbox")
    borrow("outbox.recovery").boot(box)
    before = in_use()
    from settings import Settings

    imported = in_use()
    settings = Settings(folder + "/config")
    problem = settings.adopt(box.boots, box.boots, folder + "/config.json")
    after = in_use()
    points = 0
    for _ in settings.points():
        points += 1
    print(
        json.dumps(
            {
                "problem": problem,
                "points": points,
                "import": imported - before,
                "kept": after - imported,
            }
        )
    )


main()
