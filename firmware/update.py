"""Finish an update: put the files of /new into their places, then start them.

`alarmpost flash` copies what changed to /new, and when all of it is there and verified, it renames
/new/update.mpy to /update.mpy: a single commit of LittleFS. From then on the update happens,
whatever the power does: main.py, or alarmpost.py in programs of users, begins with it at each boot
until it is done. Rules
1. Each step may be the last before the power fails, and may happen twice.
2. main.py is first: the one before may be another program, which would not go on here.
3. What is removed is removed before the list of it goes.
4. This file goes last.
"""

import os

_NEW = "/new"
_REMOVED = "/new/removed"


def run():
    """Do all that is left to do, and reset the board; main.py calls it."""
    from time import sleep

    try:
        for _ in steps():
            pass
    except OSError as error:  # the next boot tries again
        print("error: update: flash fails: %s" % error)
        sleep(10)
    try:
        import hardware as board  # not before, since it is one of the files
    except ImportError:  # it is not there yet
        import machine as board
    board.reset()


def steps():
    """Do it, and yield after each step."""
    attempt(os.rename, _NEW + "/main.py", "/main.py")
    for path in removed():
        attempt(os.remove, path)
        attempt(os.rmdir, path.rpartition("/")[0])
        yield
    attempt(os.remove, _REMOVED)
    yield from move("")
    os.remove("/update.mpy")


def removed():
    """Return the paths of what is to be removed."""
    try:
        with open(_REMOVED) as file:
            return file.read().split("\n")
    except OSError:
        return []


def move(folder):
    """Put what is in a folder of /new into its place."""
    attempt(os.mkdir, folder)
    try:
        entries = list(os.ilistdir(_NEW + folder))
    except OSError:  # it is done already
        return
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            yield from move(path)
        else:
            os.rename(_NEW + path, path)
        yield
    os.rmdir(_NEW + folder)


def attempt(function, *paths):
    """Do what is perhaps done already, or needs not be done."""
    try:
        function(*paths)
    except OSError:
        pass
