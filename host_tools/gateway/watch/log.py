"""Follows Postfix's log over rotations and restarts, and reads its lines."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINE = re.compile(
    r"(?P<date>\w{3} [ \d]\d \d\d:\d\d:\d\d) \S+ "
    r"postfix(?:/\w+)?/(?P<program>[\w-]+)\[\d+\]: (?P<text>.*)"
)
DAY = 86400
MOST = 4 * 1024 * 1024
"""Octets to read at a time, and what to skip to at the first look at a long log."""


@dataclass(frozen=True)
class Line:
    """A line of the log: when, in Unix seconds, which program, what it says."""

    time: float
    program: str
    text: str


class Log:
    """A log file; `read()` returns the lines since the last time.

    position: where a former process ended: [inode, offset]
    """

    def __init__(self, path: Path, position: Any = None):
        self.path = path
        self.inode, self.offset = position or (0, 0)
        self.file: Any = None

    def read(self, now: float) -> Iterator[Line]:
        """Return new lines; first the rest of a file that was put away."""
        if self.file is not None and not self.current():
            yield from self.rest(now)
            self.close()
        if self.file is None:
            self.open()
        if self.file is not None:
            yield from self.rest(now)

    def current(self) -> bool:
        """Tell whether the open file is still the log, and is not cut."""
        try:
            state = self.path.stat()
        except OSError:
            return False
        return state.st_ino == self.inode and state.st_size >= self.offset

    def open(self) -> None:
        """Open the log where we left it, or at its start."""
        try:
            self.file = self.path.open("rb")
            inode = self.path.stat().st_ino
        except OSError:
            self.file = None
            return
        size = self.file.seek(0, 2)
        known = inode == self.inode and self.offset <= size
        self.offset = self.offset if known else max(0, size - MOST)
        self.inode = inode

    def rest(self, now: float) -> Iterator[Line]:
        """Read the whole lines that are there."""
        self.file.seek(self.offset)
        octets = self.file.read(MOST)
        whole = octets.rfind(b"\n") + 1
        self.offset += whole
        for text in octets[:whole].decode("utf-8", "replace").splitlines():
            if line := parse(text, now):
                yield line

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()
            self.file = None

    @property
    def position(self) -> tuple[int, int]:
        """Where to go on."""
        return self.inode, self.offset


def parse(text: str, now: float) -> Line | None:
    """Read a line; None for one of another program."""
    found = LINE.match(text)
    if found is None:
        return None
    return Line(moment(found["date"], now), found["program"], found["text"])


def moment(date: str, now: float) -> float:
    """Turn "Nov 22 13:23:02", local time, into Unix seconds; the year is this one or the last."""
    year = time.localtime(now).tm_year
    for candidate in (year, year - 1):
        try:
            seconds = time.mktime(time.strptime(f"{candidate} {date}", "%Y %b %d %H:%M:%S"))
        except (ValueError, OverflowError):  # February 29th
            continue
        if seconds <= now + DAY:
            return seconds
    return now
