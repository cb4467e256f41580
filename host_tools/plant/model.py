"""The boards of a plant, each with the `config.json` that the tables of the file make.

Theory of operation. What stands at the top of the file is for all boards, what stands in
`[devices.NAME]` for that one; the latter goes before. `[defaults]` is for all points. Put together
they are what `firmware/config.py` takes, and its own check, run here, says what is wrong: there is
no second description of the fields. It names the place in `config.json`; `Source` finds where the
file has that. The board's own inputs are checked against `boards/`, and `[gateway]`, where there is
one, by its own reader.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_tools import boards
from host_tools.gateway.model import check_gateway
from host_tools.plant.schema import Fault, faults_of, nearest, point_fields
from host_tools.plant.source import ABOVE, BOARD, DEFAULTS, Source
from host_tools.toml_file import BadFileError, dotted, read_toml

MAKER = "alarmpost new"
TOP = [*ABOVE, DEFAULTS, "devices", "gateway"]
NO_POINT = ("tag",)
"""Fields of points that have no default."""


@dataclass(frozen=True)
class Device:
    """A board of the plant.

    name: what the file calls it, and its mails
    board: the folder in `boards/`
    config: what `config.json` has; with the password of the WiFi, if there is one
    """

    name: str
    board: str
    config: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Plant:
    """What a file describes: one board or more."""

    path: Path
    devices: dict[str, Device]


def read_plant(path: Path) -> Plant:
    """Read the plant's file and check it.

    Raises `BadFileError`, whose `lines` tell all that is wrong: field, value, remedy.
    """
    data = read_toml(path, MAKER)
    lines = list(dict.fromkeys(faults(data)))
    if lines:
        raise BadFileError(lines)
    return Plant(path, {name: device(Source(data, name)) for name in data["devices"]})


def config(plant: Plant, name: str) -> dict[str, Any]:
    """Return the content of the `config.json` of a board; write it with `ensure_ascii=False`.

    It may hold the password of the WiFi: do not show it. Raises `BadFileError` for a name that
    the file does not have.
    """
    if name not in plant.devices:
        raise BadFileError([f"--device: {name}: give one of {', '.join(plant.devices)}"])
    return plant.devices[name].config


def device(source: Source) -> Device:
    """Return a board of which nothing is wrong."""
    return Device(source.name, source.own["board"], source.config())


def faults(data: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each fault of the file."""
    yield from unknown("", data, TOP)
    yield from faults_of_defaults(data.get(DEFAULTS, {}))
    devices = data.get("devices")
    if not isinstance(devices, dict) or not devices:
        value = data.get("devices", ...)
        yield Fault("", value, "write a table [devices.NAME] for each board").line("devices")
        return
    for name, own in devices.items():
        where = dotted("devices", name)
        if isinstance(own, dict):
            yield from unknown(where + ".", own, BOARD)
            yield from faults_of_device(Source(data, name))
        else:
            yield Fault("", own, f"write a table [{where}]").line(where)


def unknown(path: str, table: dict[str, Any], known: list[str]) -> Iterator[str]:
    """Yield a line for each field that there is not."""
    for name, value in table.items():
        if name not in known:
            yield Fault("", value, nearest(name, known)).line(path + dotted(name))


def faults_of_defaults(table: Any) -> Iterator[str]:
    """Yield what is wrong with the defaults of points themselves."""
    if isinstance(table, dict):
        known = [name for name in point_fields(None) if name not in NO_POINT]
        yield from unknown(DEFAULTS + ".", table, known)
    else:
        yield Fault("", table, "write a table [defaults]").line(DEFAULTS)


def faults_of_device(source: Source) -> Iterator[str]:
    """Yield what is wrong with a board."""
    name = source.own.get("board", ...)
    if name not in boards.names():
        remedy = f"give a board: {nearest_board(name)}"
        yield Fault("", name, remedy).line(source.place("board"))
    for fault in faults_of(source.config()):
        yield fault.line(source.place(fault.where))


def nearest_board(name: Any) -> str:
    """Name the boards that may be meant."""
    return nearest(name if isinstance(name, str) else "", boards.names())
