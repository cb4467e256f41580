"""What `alarmpost flash` has the board do: this file is run there, by the raw REPL.

A watchdog is started, or taken over from the firmware, and fed by each order: when no more orders
come, because a cable was pulled, the board resets itself and watches its alarms again.
"""

import os
import sys
from binascii import a2b_base64, hexlify
from hashlib import sha256

import machine

dog = machine.WDT(timeout=8000)  # ms; an RP2040 takes 8388 at most
LARGE = 65536  # octets
block = memoryview(bytearray(512))
file = None


def facts(kind):
    """Print what the board is: a tuple; `kind` is the network class that it is to have."""
    try:
        there = hasattr(__import__("network"), kind)
    except ImportError:
        there = False
    implementation = sys.implementation
    sizes = os.statvfs("/")
    version = tuple(implementation.version[:3])
    mpy = implementation._mpy & 255
    print((sys.platform, version, mpy, implementation._machine, there, sizes[0], sizes[3]))


def survey(skip):
    """Print each file, as (path, size, SHA-256), but not what is in the folders `skip`.

    Large files are none of ours, and would take their time.
    """
    for path in files("", skip):
        size = os.stat(path)[6]
        print((path[1:], size, digest(path) if size < LARGE else ""), end=",")


def files(folder, skip):
    """Yield the paths of the files in a folder and below."""
    for entry in os.ilistdir(folder or "/"):
        path = folder + "/" + entry[0]
        if not entry[1] & 0x4000:
            yield path
        elif path not in skip:
            yield from files(path, skip)


def digest(path):
    """Return the SHA-256 of what flash has."""
    total = sha256()
    with open(path, "rb") as source:
        while True:
            dog.feed()
            count = source.readinto(block)
            if not count:
                return hexlify(total.digest()).decode()
            total.update(block[:count])


def show(path):
    """Print a text file, nothing where there is none."""
    dog.feed()
    try:
        with open(path) as source:
            print(source.read(), end="")
    except OSError:
        pass


def begin(path):
    """Open a new file, and make the folders that it is in."""
    global file  # noqa: PLW0603
    at = path.find("/", 1)
    while at > 0:
        attempt(os.mkdir, path[:at])
        at = path.find("/", at + 1)
    file = open(path, "wb")  # noqa: SIM115


def write(data):
    """Write octets, given as Base64."""
    dog.feed()
    file.write(a2b_base64(data))


def end(path):
    """Close the file, and print the SHA-256 of what flash has."""
    file.close()
    print(digest(path))


def remove(paths):
    """Remove files, and the folders that they leave empty."""
    for path in paths:
        dog.feed()
        os.remove(path)
        while path.count("/") > 1:
            path = path.rpartition("/")[0]
            attempt(os.rmdir, path)


def finish():
    """Finish the update that was committed."""
    import update

    for _ in update.steps():
        dog.feed()
        print(end=".")  # lest mpremote takes the board for dead


def commit():
    """Let the update in /new happen."""
    os.rename("/new/update.mpy", "/update.mpy")
    finish()


def swap(folder):
    """Put a folder of /new in the place of the one before, with one moment without any."""
    at = folder.rfind("/")
    attempt(os.mkdir, folder[:at])
    attempt(os.rename, folder, "/new/before")
    os.rename("/new" + folder, folder)


def clock(moment):
    """Set the clock, to UTC."""
    machine.RTC().datetime(moment)


def attempt(function, *paths):
    """Do what is perhaps done already, or cannot be done."""
    try:
        function(*paths)
    except OSError:
        pass
