"""The configuration as it was at a boot, read from flash when it is asked for.

Theory of operation. A mail is made from its record and the configuration when it is sent, maybe
boots later, and always comes out the same. So the configuration of a boot is kept as long as a
record of that boot may be sent: a *generation*, a file named by the number of the boot from which
on it counts. A boot with an unchanged config.json writes none, and nothing else to flash.

A generation has lines of a name, a tab and JSON, defaults filled in, ready to be used; the first
has no name:

                [CRC-32 of config.json, firmware version]
    site        what concerns the whole board: see `site` in CONFIG.md
    lists       the masks of the lists of recipients, by name
    text NAME   a template
    acknowledge the input that acknowledges, or null
    point TAG   an alarm point
    end         the CRC-32 of all before

Only a whole one gets its name, and it gets it in a single commit of LittleFS. So a power cut
leaves the old one or the new one, and `generations.py`, borrowed once a boot, removes the rest.
"""

import json

from borrow import borrow

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_BLOCK = const(128)  # octets searched at once; a name is much shorter


class Settings:
    """The generations in a folder that has nothing else in it.

    generations: the names of those that are whole, the oldest first
    checked: config.json was checked in this boot; that has left its names, some 6 kB, on the
        heap until the next reset
    """

    checked = False
    path = ""

    def __init__(self, folder="/adopted"):
        self.folder = folder + "/"
        self.generations = []

    def adopt(self, boot, needed, source="/config.json"):
        """Let the configuration `source` count from this boot on, where it can be used.

        boot: the number of this boot
        needed: the number of the oldest boot of which there are records

        Returns "", or in one line what is wrong; then the last good one still counts. Call it
        before what fills the heap is imported: a check takes some 36 kB of it for a while.
        """
        return borrow("generations").adopt(self, boot, needed, source)

    def at(self, boot):
        """Read from now on what counted at a boot."""
        self.path = ""
        for name in self.generations:
            if not self.path or name <= "%06x" % boot:
                self.path = self.folder + name

    def read(self, name):
        """Return what is kept under a name, or None."""
        mark = b"\n" + name.encode() + b"\t"
        at = 0
        try:
            with open(self.path, "rb") as file:
                block = mark
                while block:
                    file.seek(at)
                    block = file.read(_BLOCK)
                    found = block.find(mark)
                    if found >= 0:
                        file.seek(at + found + len(mark))
                        return json.loads(file.readline())
                    at += _BLOCK - len(mark)
        except OSError:  # there is none, or flash has lost it
            return None

    def points(self):
        """Yield each alarm point as a dict; there is never more than one line in memory."""
        if self.path:
            with open(self.path, "rb") as file:
                for line in file:
                    if line.startswith(b"point "):
                        yield json.loads(line[line.find(b"\t") :])
