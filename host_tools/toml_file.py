"""The plant's TOML file, as its readers share it: octets to tables, and how faults are told."""

import re
import stat
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST = 1 << 20
"""Octets of a file; that of a plant with a hundred boards has fewer."""

LONG = 40
"""Characters of a key that are shown."""

BARE = re.compile(rf"[A-Za-z0-9_-]{{1,{LONG}}}")
PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

NO_PASSWORD = (
    "a password does not belong into this file: write it into a file of its own, chmod 600, and "
    "name that in password_file"
)


class BadFileError(Exception):
    """The file cannot be used; `lines` say why, one a fault: field, value, remedy."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = lines


def read_toml(path: Path, maker: str) -> dict[str, Any]:
    """Read a file.

    maker: the command that makes one, for those who have none

    Raises `BadFileError` with a line that names the place.
    """
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            octets = file.read(MOST + 1)
    except OSError as error:
        raise BadFileError([f"{name}: {error.strerror}: `{maker}` makes one"]) from None
    if len(octets) > MOST:
        raise BadFileError([f"{name}: more than {MOST} octets: this is no plant's file"])
    return parse(name, decode(name, octets))


def decode(name: str, octets: bytes) -> str:
    """Return the text of a file; editors on Windows put a mark before it."""
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = place(error.object[: error.start].decode())
        octet = error.object[error.start]
        raise BadFileError([f"{name}: {where}: octet 0x{octet:02x}: save it as UTF-8"]) from None


def parse(name: str, text: str) -> dict[str, Any]:
    """Return the tables of a text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = PLACE.search(str(error))
        where = f"line {found[1]}, column {found[2]}" if found and found[1] else place(text)
        what = PLACE.sub("", str(error))
        raise BadFileError([f"{name}: {where}: {what}: this is not TOML"]) from None
    except RecursionError:
        raise BadFileError([f"{name}: nested too deeply: this is no plant's file"]) from None


def place(before: str) -> str:
    """Return where a text ends."""
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def dotted(*steps: str) -> str:
    """Return the name of a field in its tables, as TOML writes it; what is long is cut."""
    return ".".join(step if BARE.fullmatch(step) else quoted(step) for step in steps)


def quoted(step: str) -> str:
    """Return a key that is no bare one."""
    cut = step if len(step) <= LONG else step[: LONG - 3] + "..."
    return f'"{printable(cut)}"'


def printable(text: str) -> str:
    """Return a text in one line, with ? for what cannot be shown."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def devices_of(data: Mapping[str, Any], name: str) -> Any:
    """Return the tables of the boards; a field that they lack comes from the top of the file."""
    devices = data["devices"]
    if name not in data or not isinstance(devices, dict):
        return devices
    return {
        device: {name: data[name], **own} if isinstance(own, dict) else own
        for device, own in devices.items()
    }


def complain(error: BadFileError, status: int) -> int:
    """Say what is wrong with the file; return the exit status."""
    for line in error.lines:
        print(f"alarmpost: {line}", file=sys.stderr)
    return status


def read_secret(path: Path, field: str) -> str:
    """Read the first line of a password file that nobody else can read; raises `BadFileError`."""
    name = printable(str(path))
    told = f"{field}: {name}"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:  # of ValueErrors, a NUL in the name is another one
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise BadFileError([f"{told}: {reason}: write the password into it, one line"]) from None
    if mode & 0o077:
        raise BadFileError([f"{told}: mode {mode:o}, others can read it: chmod 600 {name}"])
    return text.removesuffix("\n")
