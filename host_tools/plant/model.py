"""The boards of a plant, each with the `config.json` that the tables of the file make.

Theory of operation. What stands at the top of the file is for all boards, what stands in
`[devices.NAME]` for that one; the latter goes before. `[defaults]` is for all points. Put together
they are what `firmware/config.py` takes, and its own check, run here, says what is wrong: there is
no second description of the fields. It names the place in `config.json`; `Source` finds where the
file has that. Inputs are checked against `boards/`, `[gateway]` by its own reader.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_tools.gateway.model import INHERITED, SHARED, Gateway, check_gateway
from host_tools.plant.faults import faults_at_top, faults_between, faults_of_device, faults_of_way
from host_tools.plant.source import Source
from host_tools.toml_file import BadFileError, dotted, read_toml

MAKER = "alarmpost new"


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
    """What a file describes: one board or more, and maybe the mail gateway."""

    path: Path
    devices: dict[str, Device]
    gateway: Gateway | None = None


def read_plant(path: Path) -> Plant:
    """Read the plant's file and check it.

    Raises `BadFileError`, whose `lines` tell all that is wrong: field, value, remedy.
    """
    return check_plant(read_toml(path, MAKER), path)


def check_plant(data: dict[str, Any], path: Path) -> Plant:
    """Check the tables of the file at a path; raises `BadFileError`."""
    lines = list(faults_at_top(data))
    found = []
    for source in sources(data, path.parent):
        config = source.config()
        try:
            password = source.password()
        except BadFileError as error:
            lines += error.lines
        else:
            if password is not None:
                config["network"]["password"] = password
        lines += faults_of_device(source, config)
        found.append((source, config))
    lines += faults_between(found)
    gateway, more = read_gateway(data, lines)
    lines += more
    lines += faults_of_way(gateway, found) if gateway else ()
    if lines:
        raise BadFileError(list(dict.fromkeys(lines)))
    devices = [Device(source.name, source.own["board"], config) for source, config in found]
    return Plant(path, {device.name: device for device in devices}, gateway)


def read_gateway(data: dict[str, Any], told: list[str]) -> tuple[Gateway | None, list[str]]:
    """Return the gateway, where there is one, or what is wrong with it.

    told: lines about the rest; what it shares with the boards is told once
    """
    if "gateway" not in data:
        return None, []
    try:
        return check_gateway(data), []
    except BadFileError as error:
        again = SHARED if any(line.startswith((*SHARED, INHERITED)) for line in told) else ()
        return None, [line for line in error.lines if not line.startswith(again)]


def sources(data: dict[str, Any], folder: Path) -> Iterator[Source]:
    """Yield what the file has for each board."""
    devices = data.get("devices")
    for name, own in devices.items() if isinstance(devices, dict) else ():
        if isinstance(own, dict):
            yield Source(data, name, folder)


def find(plant: Plant, name: str) -> Device:
    """Return a board by its name; raises `BadFileError`."""
    if name not in plant.devices:
        near = ", ".join(dotted(known) for known in plant.devices)
        raise BadFileError([f"--device: {dotted(name)}: give one of {near}"])
    return plant.devices[name]


def config(plant: Plant, name: str) -> dict[str, Any]:
    """Return the content of the `config.json` of a board; write it with `ensure_ascii=False`.

    It may hold the password of the WiFi: do not show it. Raises `BadFileError` for a name that
    the file does not have.
    """
    return find(plant, name).config
