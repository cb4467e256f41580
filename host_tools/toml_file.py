"""The plant's TOML file, as its readers share it: octets to tables, and how faults are told."""

import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST = 1 << 20
"""Octets of a file; that of a plant with a hundred boards has fewer."""

BARE = re.compile(r"[A-Za-z0-9_-]+")
PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


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
    try:
        with path.open("rb") as file:
            octets = file.read(MOST + 1)
    except OSError as error:
        raise BadFileError([f"{path}: {error.strerror}: `{maker}` makes one"]) from None
    if len(octets) > MOST:
        raise BadFileError([f"{path}: more than {MOST} octets: this is no plant's file"])
    return parse(path, decode(path, octets))


def decode(path: Path, octets: bytes) -> str:
    """Return the text of a file; editors on Windows put a mark before it."""
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = place(error.object[: error.start].decode())
        octet = error.object[error.start]
        raise BadFileError([f"{path}: {where}: octet 0x{octet:02x}: save it as UTF-8"]) from None


def parse(path: Path, text: str) -> dict[str, Any]:
    """Return the tables of a text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = PLACE.search(str(error))
        where = f"line {found[1]}, column {found[2]}" if found and found[1] else place(text)
        what = PLACE.sub("", str(error))
        raise BadFileError([f"{path}: {where}: {what}: this is not TOML"]) from None
    except RecursionError:
        raise BadFileError([f"{path}: nested too deeply: this is no plant's file"]) from None


def place(before: str) -> str:
    """Return where a text ends."""
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def dotted(*steps: str) -> str:
    """Return the name of a field in its tables, as TOML writes it."""
    return ".".join(step if BARE.fullmatch(step) else f'"{step}"' for step in steps)


def devices_of(data: Mapping[str, Any], shared: tuple[str, ...]) -> Any:
    """Return the tables of the boards, each with what stands at the top for all of them.

    shared: the fields that a board takes from there
    """
    devices = data.get("devices")
    if not isinstance(devices, dict):
        return devices
    above = {name: data[name] for name in shared if name in data}
    return {
        name: {**above, **own} if isinstance(own, dict) else own for name, own in devices.items()
    }


def read_secret(path: Path, field: str) -> str:
    """Read the first line of a password file that nobody else can read; raises `BadFileError`."""
    told = f"{field}: {path}"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise BadFileError([f"{told}: {reason}: write the password into it, one line"]) from None
    if mode & 0o077:
        raise BadFileError([f"{told}: mode {mode:o}, others can read it: chmod 600 {path}"])
    return text.removesuffix("\n")
