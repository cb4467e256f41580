"""Work on the flash from outside: write files, read those of a folder; orders are JSON."""

import json
import os
import sys

import _flash


def make_folders(path):
    """Make the folders that a file lies in."""
    parts = path.strip("/").split("/")[:-1]
    for count in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:count])
        if parts[count - 1] not in os.listdir(folder.rpartition("/")[0] or "/"):
            os.mkdir(folder)


def put(path, data):
    """Write a file."""
    make_folders(path)
    with open(path, "wb") as file:
        file.write(bytes.fromhex(data))


def every(folder=""):
    """Yield the path of each file."""
    for entry in os.ilistdir(folder or "/"):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            yield from every(path)
        else:
            yield path


def inside(name):
    """Yield the path of each file of a folder at the top, "" for all; none where it is not."""
    there = not name or name in os.listdir("/")
    yield from every(name and "/" + name) if there else ()


def run():
    """Do what standard input says."""
    order = json.loads(sys.stdin.readline())
    _flash.mount()
    for path in order.get("write", ()):
        put("/" + path.lstrip("/"), order["write"][path])
    found = {}
    for path in inside(order["read"]) if "read" in order else ():
        with open(path, "rb") as file:
            found[path[1:]] = file.read().hex()
    print(json.dumps(found))


run()
