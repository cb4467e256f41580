"""What is wired to the inputs of a board, as its configuration has it: contacts and values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from host_tools.boards import BoardError
from host_tools.virtual_board import VirtualBoard
from host_tools.virtual_board.board import ANALOG

U16 = 65535
MICRO = 1_000_000
PINS = 49
ACKNOWLEDGES = "acknowledges all"


class Contact:
    """A contact at an input.

    input: as the board calls it, such as "DI1" or "GPIO4"
    tag: of its point; "" for the button that acknowledges
    text: what it is
    normally_closed: whether it is closed as long as all is well
    closed: whether it is now
    """

    def __init__(self, board: VirtualBoard, point: dict[str, Any]):
        self.input = input_of(board, point)
        self.tag: str = point.get("tag", "")
        self.text: str = point.get("description", "") if self.tag else ACKNOWLEDGES
        self.normally_closed = point.get("normal") == "NC"
        self._board = board
        self._on = point.get("pull", "up") == "up"  # board inputs are on while low
        self.set(self.normally_closed)

    def set(self, closed: bool) -> None:
        """Close or open it."""
        self.closed = closed
        (self._board.press if closed == self._on else self._board.release)(self.input)


class Value:
    """A measured value at an analog input.

    input: as the board calls it
    tags: of its points; it may have a limit above and one below
    text: what it is
    unit: that of `value`
    low, high: the values that the input can measure
    value: what it is now; at first halfway to the limit
    """

    def __init__(self, board: VirtualBoard, points: list[dict[str, Any]]):
        point = points[0]
        self.input = input_of(board, point)
        self.tags = tuple(one["tag"] for one in points)
        self.text: str = point.get("description", "")
        self.unit: str = point.get("unit", "")
        self._board = board
        self._gpio = gpio_of(board, self.input)
        self._scale = point["scale"]
        self._volt = MICRO if point.get("source") == "uv" else U16 / ANALOG  # raw values
        self.low, self.high = sorted((self._value(0), self._value(ANALOG)))
        self.set(self._rest(points))

    def set(self, value: float) -> None:
        """Let it be this, or what comes next to it that the input can measure."""
        self.value = min(max(value, self.low), self.high)
        (raw, unit), (other, more) = self._scale
        volts = (raw + (self.value - unit) * (other - raw) / (more - unit)) / self._volt
        self._board.set_volts(self._gpio, min(max(volts, 0.0), ANALOG))

    def _value(self, volts: float) -> float:
        (raw, unit), (other, more) = self._scale
        return unit + (volts * self._volt - raw) * (more - unit) / (other - raw)

    def _rest(self, points: list[dict[str, Any]]) -> float:
        """Return a value at which all is well."""
        below = min((one["high"] for one in points if "high" in one), default=self.high)
        above = max((one["low"] for one in points if "low" in one), default=self.low)
        return (below + above) / 2


@dataclass(frozen=True)
class Wiring:
    """All that is wired to the inputs of a board."""

    contacts: tuple[Contact, ...]
    values: tuple[Value, ...]

    def contact(self, tag: str) -> Contact:
        """Return the contact of a tag."""
        return next(one for one in self.contacts if one.tag == tag)


def wire(board: VirtualBoard, configuration: dict[str, Any]) -> Wiring:
    """Wire the inputs and let all be well; raises `BoardError` where the board has not one."""
    values: dict[str, list[dict[str, Any]]] = {}
    for point in configuration.get("points", ()):
        if point.get("type") == "analog":
            values.setdefault(input_of(board, point), []).append(point)
    return Wiring(
        tuple(Contact(board, point) for point in digital(configuration)),
        tuple(Value(board, points) for points in values.values()),
    )


def digital(configuration: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a configuration tells of each contact."""
    for point in configuration.get("points", ()):
        if point.get("type", "digital") == "digital":
            yield point
    if button := configuration.get("acknowledge_input"):
        yield button


def input_of(board: VirtualBoard, point: dict[str, Any]) -> str:
    """Return the name of an input."""
    name = str(point["input"])
    if name in board.board.inputs:
        return name
    number = re.fullmatch(r"(?:GPIO|GP)?(\d{1,2})", name)
    if number and int(number[1]) < PINS:
        return f"GPIO{int(number[1])}"
    field = f"points.{point['tag']}.input" if "tag" in point else "acknowledge_input.input"
    choice = ", ".join(board.board.inputs) or "no names for inputs"
    raise BoardError(f"{field}: {name}: {board.name} has {choice}; or give GPIO4")


def gpio_of(board: VirtualBoard, name: str) -> int:
    """Return the GPIO of an analog input."""
    known = board.board.inputs.get(name)
    gpio = known.gpio if known else int(name.removeprefix("GPIO"))
    if gpio is None:
        raise BoardError(f"input {name}: {board.name} cannot measure there: give a GPIO")
    return gpio
