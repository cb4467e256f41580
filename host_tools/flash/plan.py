"""What is to be done on a board: pure; from what it has and what it is to have.

The board keeps a record of what was installed, in `installed`: a line a file, as sha256sum(1)
prints it. So a later version removes what it needs no more, and nothing of anybody else.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from host_tools.flash.contents import CONFIG

NEW = "new/"
"""Where files wait for the commit."""

RECORD = "installed"
REMOVED = "removed"
NOT_OURS = ("/queue", "/adopted")
"""Folders that belong to the firmware: the outbox, and the configurations it has adopted."""

SPARE = 8
"""Blocks of flash that are left over, for the folders and for the outbox."""


class File(NamedTuple):
    """A file on the board: its size in octets, and its SHA-256 in hexadecimal."""

    size: int
    digest: str


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    files: how many differ from those on the board
    copy: content by path, of what is to be copied to /new; some may be there already
    remove: what the update removes
    drop: what is left over in /new
    foreign: what would be replaced or removed, and is not of alarmpost
    """

    files: int
    copy: dict[str, bytes]
    remove: list[str]
    drop: list[str]
    foreign: list[str]

    @property
    def pending(self) -> bool:
        """Whether anything is to be done, besides taking leftovers away."""
        return bool(self.copy or self.files or self.remove)

    @property
    def octets(self) -> int:
        """How many octets are to be copied."""
        return sum(len(data) for data in self.copy.values())

    def __str__(self) -> str:
        text = f"{counted(self.files)} copied"
        return f"{text}, {counted(len(self.remove))} removed" if self.remove else text


def make(
    wanted: Mapping[str, bytes],
    found: Mapping[str, File],
    record: Mapping[str, str],
    staying: Mapping[str, str] | None = None,
) -> Plan:
    """Return how a board that has `found` comes to have `wanted`.

    record: what the board has in its record
    staying: that part of it which stays as it is, and is not among what is wanted
    """
    staying = staying or {}
    here = {path: digest(data) for path, data in wanted.items()}
    gone = (path for path in record if path not in here and path not in staying)
    ours = (path for path in gone if digest_of(found, path) == record[path])
    remove = sorted({*hiding(wanted, found), *ours})
    lists = {RECORD: write_record({**staying, **here})}
    if remove:
        lists[REMOVED] = "".join(f"/{path}\n" for path in remove).encode()
    changed = differing({**wanted, **lists}, found)
    copy = differing(changed, found, NEW)
    touched = {*changed, *remove} & {*found} - {RECORD, CONFIG}
    return Plan(
        len(changed.keys() - lists.keys()),
        copy,
        remove,
        leftovers(found, changed.keys() - copy.keys()),
        sorted(path for path in touched if record.get(path) != found[path].digest),
    )


def make_folder(folder: str, wanted: Mapping[str, bytes], found: Mapping[str, File]) -> Plan:
    """Return how a board comes to have a folder that is replaced as a whole, as "lib/app/"."""
    there = {path for path in found if path.startswith(folder)}
    if there == {*wanted} and not differing(wanted, found):
        return Plan(0, {}, [], leftovers(found), [])
    copy = differing(wanted, found, NEW)
    return Plan(len(wanted), copy, [], leftovers(found, wanted.keys() - copy.keys()), [])


def differing(
    wanted: Mapping[str, bytes], found: Mapping[str, File], folder: str = ""
) -> dict[str, bytes]:
    """Return what a folder of the board does not have like this."""
    return {
        path: data
        for path, data in wanted.items()
        if digest_of(found, folder + path) != digest(data)
    }


def leftovers(found: Mapping[str, File], waiting: Collection[str] = ()) -> list[str]:
    """Return what an interrupted flash has left in /new, but for what waits there rightly."""
    new = (path for path in found if path.startswith(NEW))
    return [path for path in new if path.removeprefix(NEW) not in waiting]


def hiding(wanted: Mapping[str, bytes], found: Mapping[str, File]) -> Iterator[str]:
    """Yield what MicroPython imports in the place of a module: app/ and app.py for app.mpy."""
    stems = {path.removesuffix(".mpy") for path in wanted if path.endswith(".mpy")}
    for path in found:
        parts = path.split("/")
        folders = {"/".join(parts[:count]) for count in range(1, len(parts))}
        if folders & stems or (path.endswith(".py") and path.removesuffix(".py") in stems):
            yield path


def digest(data: bytes) -> str:
    """Return the SHA-256 of octets."""
    return hashlib.sha256(data).hexdigest()


def digest_of(found: Mapping[str, File], path: str) -> str:
    """Return the SHA-256 of a file on the board, "" where there is none."""
    return found[path].digest if path in found else ""


def write_record(digests: Mapping[str, str]) -> bytes:
    """Return the record of what is installed."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def read_record(text: str) -> dict[str, str]:
    """Return the SHA-256 of each file that was installed."""
    lines = (line.partition("  ") for line in text.splitlines())
    return {path: before for before, _, path in lines}


def missing(plan: Plan, found: Mapping[str, File], free: int, block: int) -> int:
    """Return how many octets of flash are missing for a plan, 0 where it fits.

    free: how many blocks are free
    block: octets of a block
    """
    need = sum(blocks(len(data), block) for data in plan.copy.values()) + SPARE
    gain = sum(blocks(found[path].size, block) for path in plan.drop)
    return max(0, need - gain - free) * block


def counted(files: int) -> str:
    """Say how many files."""
    return f"{files} file{'' if files == 1 else 's'}"


def blocks(size: int, block: int) -> int:
    """Return how many blocks a file takes."""
    return -(-size // block)
