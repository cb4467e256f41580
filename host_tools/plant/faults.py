"""What is wrong with the tables of the file, each fault one line: field, value, remedy."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from host_tools import boards
from host_tools.gateway.model import Gateway
from host_tools.plant.inputs import faults_of_inputs
from host_tools.plant.schema import FILED, Fault, faults_of, nearest, point_fields
from host_tools.plant.source import ABOVE, BOARD, COMMON, DEFAULTS, OWN, Source
from host_tools.toml_file import dotted

TOP = [*ABOVE, DEFAULTS, "devices", "gateway"]
ON_TOP = dict.fromkeys(COMMON, "one for all boards: write it at the top of the file")
BELOW = dict.fromkeys(OWN, "each board has its own: write it into its table [devices.NAME]")
DEVICES = "write a table [devices.NAME] for each board"
UNIQUE = ("sender", "network.address", "network.hostname")
"""What no two boards may have in common."""


def faults_at_top(data: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong before there is a look at any board."""
    yield from unknown("", data, TOP, BELOW)
    defaults = data.get(DEFAULTS, {})
    if isinstance(defaults, dict):
        known = [name for name in point_fields(None) if name != "tag"]
        yield from unknown(DEFAULTS + ".", defaults, known, {})
    else:
        yield Fault("", defaults, "write a table [defaults]").line(DEFAULTS)
    devices = data.get("devices", ...)
    if not isinstance(devices, dict) or not devices:
        yield Fault("", devices, DEVICES).line("devices")
        return
    for name, own in devices.items():
        where = dotted("devices", name)
        if isinstance(own, dict):
            yield from unknown(where + ".", own, BOARD, ON_TOP)
        else:
            yield Fault("", own, DEVICES).line(where)


def unknown(
    path: str, table: dict[str, Any], known: list[str], elsewhere: dict[str, str]
) -> Iterator[str]:
    """Yield a line for each field that there is not, or not there."""
    for name, value in table.items():
        if name not in known:
            remedy = elsewhere.get(name) or nearest(name, known)
            yield Fault("", value, remedy).line(path + dotted(name))


def faults_of_device(source: Source, config: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a board; `config` is its configuration."""
    board = source.board
    if board is None:
        yield fault_of_board(source.own.get("board", ...)).line(source.place("board"))
    found = list(faults_of(config))
    if board:  # which knows more of its inputs
        found = [fault for fault in found if fault.check != "input"]
        found += [*faults_of_wifi(board, config), *faults_of_inputs(board, config)]
    for fault in found:
        yield fault.line(source.place(FILED.get(fault.where, fault.where)))


def fault_of_board(name: Any) -> Fault:
    """Say which board may be meant."""
    if isinstance(name, str):
        return Fault("board", name, nearest(name, boards.names()))
    return Fault("board", name, f"give one of {', '.join(boards.names())}")


def faults_of_wifi(board: boards.Board, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield what does not go with the interface of a board."""
    network = config.get("network", {})
    ssid = network.get("ssid", ...) if isinstance(network, dict) else None
    if board.wifi and ssid is ...:
        yield Fault("network.ssid", ..., f"{board.name} has no cable: give the name of the WiFi")
    if not board.wifi and isinstance(ssid, str):
        yield Fault("network.ssid", ssid, f"{board.name} has a cable: leave it out")


def faults_between(found: list[tuple[Source, dict[str, Any]]]) -> Iterator[str]:
    """Yield what boards have in common and may not."""
    for where in UNIQUE:
        first: dict[str, Source] = {}
        for source, value in texts_at(found, where):
            other = first.setdefault(value.lower(), source)
            if other is not source:
                remedy = f"{dotted('devices', other.name)} has it: give each board its own"
                yield Fault(where, value, remedy).line(source.place(where))


def faults_of_way(gateway: Gateway, found: list[tuple[Source, dict[str, Any]]]) -> Iterator[str]:
    """Yield which boards the mail gateway would not listen to."""
    where = "network.address"
    networks = [IPv4Network(network) for network in gateway.networks]
    for source, value in texts_at(found, where):
        try:
            heard = any(IPv4Address(value) in network for network in networks)
        except ValueError:
            continue  # told already
        if not heard:
            remedy = f"not in gateway.networks, {', '.join(gateway.networks)}: mend one of them"
            yield Fault(where, value, remedy).line(source.place(where))


def texts_at(
    found: list[tuple[Source, dict[str, Any]]], where: str
) -> Iterator[tuple[Source, str]]:
    """Yield what boards have at a place in their configuration, where it is a text."""
    for source, config in found:
        value: Any = config
        for step in where.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield source, value
