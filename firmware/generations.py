"""Adopt a configuration: write the generation of a boot, remove those that no record needs.

Borrowed by settings.py, which tells what a generation is, at each boot. Rules
1. A generation is written as "new" and renamed when it is whole, which is a single commit.
2. The last whole one is removed only when there is a newer one that is whole.
3. What cannot be read now may be read at the next boot: it stays.
4. A configuration is checked once: of one with errors "rejected" keeps the first of them.
"""

import gc
import json
import os
from binascii import crc32
from errno import ENOENT

from borrow import borrow

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

_END = const(13)  # octets of the last line
_BLOCK = const(128)
_REJECTED = const("rejected")
_SHOWN = const(300)  # characters of a problem: the mail about the boot has room for that


def adopt(settings, boot, needed, source):
    """Do what Settings.adopt() says."""
    folder = settings.folder
    good, bad = survey(folder)
    try:
        rename(folder, good, "%06x" % boot)
        problem = renew(settings, boot, source, good)
    except Exception as error:  # whatever it is, the alarms go on as they were configured last
        problem = describe(error)
    settings.generations = good
    settings.at(needed)
    while good and folder + good[0] < settings.path:
        bad.append(good.pop(0))
    for name in bad:
        discard(folder + name)
    settings.at(boot)
    if not problem:
        return ""
    counts = "that of boot %d counts" % int(good[-1], 16) if good else "no alarm is watched"
    return "%s: %s; %s" % (source, problem, counts)


def renew(settings, boot, source, good):
    """Write a generation where the configuration is another one; return what is wrong with it."""
    folder = settings.folder
    head = [checksum(source), borrow("version").VERSION]
    rejected = loaded(folder + _REJECTED)
    if good and head == loaded(folder + good[-1]):
        problem = ""
    elif rejected and head == rejected[:2]:
        return rejected[2]
    else:
        settings.checked = True
        problem = replace(folder, "%06x" % boot, source, head, good)
    if rejected and not problem:
        discard(folder + _REJECTED)
    return problem


def replace(folder, name, source, head, good):
    """Write a generation, or what is wrong with the configuration; return the latter."""
    try:
        write(folder, name, head, compiled(source))
        if name not in good:
            good.append(name)
        return ""
    except ValueError as error:
        problem = describe(error)
    make(folder)
    with open(folder + _REJECTED, "wb") as file:
        put(file, json.dumps(head + [problem]), 0)
    return problem


def survey(folder):
    """Return the names of whole generations, the oldest first, and of what is to be removed."""
    found = {True: [], False: [], None: []}
    try:
        names = os.listdir(folder[:-1])
    except OSError:
        names = ()  # there is no folder yet
    for name in names:
        if name != _REJECTED:
            found[len(name) == 6 and whole(folder + name)].append(name)
    return sorted(found[True]), found[False]


def whole(path):
    """Tell whether a file ends with the CRC of what is before; None: it cannot be read now."""
    crc = 0
    try:
        left = os.stat(path)[6] - _END
        with open(path, "rb") as file:
            while left > 0:
                block = file.read(min(left, _BLOCK))
                left -= len(block) or left
                crc = crc32(block, crc)
            return file.read() == end(crc)
    except OSError:
        return None


def end(crc):
    """Return the last line of a generation."""
    return b"end\t%08x\n" % crc


def rename(folder, good, name):
    """Let the newest generation be of this boot where it is of a later one.

    Boots are counted anew after the outbox was lost; no record needs the generations then.
    """
    later = [one for one in good if one > name]
    if later:
        for one in later[:-1]:
            discard(folder + one)
        os.rename(folder + later[-1], folder + name)
        good[:] = [one for one in good if one < name] + [name]


def checksum(path):
    """Return the CRC-32 of a file as 8 hexadecimal digits."""
    crc = 0
    with open(path, "rb") as file:
        while True:
            block = file.read(_BLOCK)
            if not block:
                return "%08x" % crc
            crc = crc32(block, crc)


def loaded(path):
    """Return the JSON that a file begins with, None where there is none."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.readline())
    except (OSError, ValueError):
        return None


def compiled(source):
    """Return the lines of a configuration; raise ValueError where it has errors."""
    gc.collect()  # what comes now takes most of the heap of a small board: leave no holes
    config = borrow("config")
    data = config.load(source)
    gc.collect()
    lines, errors = config.check(data, spend=True)
    if errors:
        more = len(errors) - 1
        raise ValueError(errors[0] + ("; errors besides: %d" % more if more else ""))
    gc.collect()
    return lines


def write(folder, name, head, lines):
    """Write a generation."""
    make(folder)
    try:
        with open(folder + "new", "wb") as file:
            crc = put(file, json.dumps(head), 0)
            for line in lines:
                crc = put(file, line, crc)
            file.write(end(crc))
    except BaseException:
        discard(folder + "new")
        raise
    os.rename(folder + "new", folder + name)


def put(file, line, crc):
    """Write a line; return the CRC of all up to it."""
    data = line.encode() + b"\n"
    file.write(data)
    return crc32(data, crc)


def describe(error):
    """Return in one line what is wrong."""
    what = str(error) or repr(error)
    if isinstance(error, OSError):
        if error.errno == ENOENT:
            what = "missing: copy one to the board, CONFIG.md says what is in it"
        else:
            what = "cannot be read, or kept on flash (%s): free some flash" % what
    return what if len(what) <= _SHOWN else what[:_SHOWN] + "..."


def make(folder):
    """Make a folder where there is none."""
    try:
        os.mkdir(folder[:-1])
    except OSError:
        pass  # it is there


def discard(path):
    """Remove a file where that is possible."""
    try:
        os.remove(path)
    except OSError:
        pass
