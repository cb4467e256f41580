"""The inputs of a board: which there are, and whether a configuration uses them as it can.

`hardware.py` and the drivers find out when the board starts; here it is told before.
"""

import re
from collections.abc import Iterator
from typing import Any

from host_tools.boards import Board
from host_tools.plant.schema import Fault
from host_tools.virtual_board.device._chips import CHIPS

GPIO = re.compile(r"(?:GPIO|GP)?(\d{1,2})")
UNFIT = {
    "ESP32": {0, 1, 3, 9, 10, 12},
    "ESP32-S3": {0, 3, 19, 20, 26, *range(33, 38), *range(43, 47)},
    "RP2040": set(),
}
"""GPIOs that decide how the chip boots, or are its console, USB, flash or PSRAM (Espressif's data
sheets): a contact there can keep a board from starting.
"""

Terminal = tuple[int, int] | int
"""Where an input is wired: expander and bit, or GPIO."""


def faults_of_inputs(board: Board, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the inputs, besides what the firmware's check finds."""
    used: dict[Terminal, str] = {}
    for where, spec in specs(config):
        kind, name = spec.get("type", "digital"), spec.get("input", ...)
        if kind not in ("digital", "analog"):
            continue
        place = terminal(board, name)
        if place is None or place not in terminals(board, kind):
            yield Fault(f"{where}.input", name, f"give {choice(board, kind)}")
        elif used.setdefault(place, str(name)) != str(name):
            yield Fault(f"{where}.input", name, f"in use: {used[place]} is the same one")
        yield from faults_of_options(board, where, spec, place)


def faults_of_options(
    board: Board, where: str, spec: dict[str, Any], place: Terminal | None
) -> Iterator[Fault]:
    """Yield what a board cannot do with an input."""
    pull = spec.get("pull", "up")
    digital = spec.get("type", "digital") == "digital"
    if digital and pull != "none" and place in CHIPS[board.mcu].inputs:
        remedy = f'GPIO{place} has no such resistor: wire one, and give "none"'
        yield Fault(f"{where}.pull", spec.get("pull", ...), remedy)
    if spec.get("source") == "uv" and board.port == "rp2":
        yield Fault(f"{where}.source", "uv", f'{board.name} has no microvolts: give "u16"')


def specs(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each table with an input, after its place in the configuration."""
    button = config.get("acknowledge_input")
    if isinstance(button, dict):
        yield "acknowledge_input", button
    points = config.get("points")
    for at, spec in enumerate(points if isinstance(points, list) else ()):
        if isinstance(spec, dict):
            yield f"points[{at}]", spec


def terminal(board: Board, name: Any) -> Terminal | None:
    """Return where an input is wired: one that the board names, or a GPIO; None for none."""
    if not isinstance(name, str | int) or isinstance(name, bool):
        return None
    known = board.inputs.get(str(name))
    if known and known.expander is not None and known.bit is not None:
        return known.expander, known.bit
    if known:
        return known.gpio
    number = GPIO.fullmatch(str(name))
    return int(number[1]) if number else None


def wiring(board: Board, name: str | int) -> str:
    """Tell an input with where it is wired."""
    place = terminal(board, name)
    if isinstance(place, tuple):
        return f"{name} (expander 0x{place[0]:02x}, bit {place[1]})"
    return f"{name} (GPIO{place})" if name in board.inputs else f"GPIO{place}"


def terminals(board: Board, kind: str) -> list[Terminal]:
    """Return what may be an input of a kind: digital, as those with names are, or analog."""
    if kind == "analog":
        chip = CHIPS[board.mcu]
        analog = chip.analog - chip.shared if board.wifi else chip.analog
        return [pin for pin in gpios(board) if pin in analog]
    named = [terminal(board, name) for name in board.inputs]
    return [place for place in [*named, *gpios(board)] if place is not None]


def gpios(board: Board) -> list[int]:
    """Return the GPIOs that may be inputs besides the named ones.

    Where a board's description does not say which are free, all that its chip can spare.
    """
    if board.free or board.inputs:
        return board.free
    taken = set(board.network.pins.values()) | ({board.led.gpio} if board.led else set())
    return sorted(CHIPS[board.mcu].pins - taken - UNFIT[board.mcu])


def names(board: Board, kind: str) -> list[str]:
    """Name the inputs of a kind, those that the board has names for first."""
    own = [] if kind == "analog" else [*board.inputs]
    found = terminals(board, kind)
    return own + [f"GPIO{pin}" for pin in gpios(board) if pin in found]


def choice(board: Board, kind: str) -> str:
    """Name the inputs of a kind in a few words: DI1 to DI8, GPIO15 or GPIO17."""
    spans = runs(names(board, kind))
    if not spans:
        return f"no {kind} input: {board.name} has none"
    return " or ".join(part for part in (", ".join(spans[:-1]), spans[-1]) if part)


def runs(found: list[str]) -> list[str]:
    """Put names whose numbers follow each other together."""
    spans: list[list[str]] = []
    for name in found:
        if spans and follows(spans[-1][-1], name):
            spans[-1].append(name)
        else:
            spans.append([name])
    return [
        f"{span[0]} to {span[-1]}" if len(span) > 2 else part
        for span in spans
        for part in (span[:1] if len(span) > 2 else span)
    ]


def follows(before: str, name: str) -> bool:
    """Tell whether a name is the next one after another."""
    one, two = (re.fullmatch(r"(\D+)(\d+)", text) for text in (before, name))
    return bool(one and two and one[1] == two[1] and int(two[2]) == int(one[2]) + 1)
