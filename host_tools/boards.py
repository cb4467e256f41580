"""The boards that the firmware runs on: the folders of `boards/`, checked."""

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from host_tools.micropython import ROOT

FOLDER = ROOT / "boards"
FIRMWARE = ROOT / "firmware"
FILE = "board.json"
NOT_INSTALLED = ("cpython.py", "update.py")
"""Files of the firmware for PCs, and for the moment of an update."""

GPIO = Annotated[int, Field(ge=0, le=48)]
PINS = {
    "W5500": {"sck", "mosi", "miso", "cs", "int"},
    "LAN8720": {"mdc", "mdio", "ref_clk"},
    "WiFi": set(),
}
OPTIONAL = {"W5500": {"reset"}, "LAN8720": {"power", "reset"}, "WiFi": set()}
PORTS = {"ESP32": "esp32", "ESP32-S3": "esp32", "RP2040": "rp2"}


class BoardError(Exception):
    """There is no such board, or its description is wrong; one line a fault."""


class Part(BaseModel):
    """A part of a description; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Flashing(Part):
    """How MicroPython itself gets onto the board.

    tool: esptool with the offset of the image, or uf2 for a drive that the image is copied to
    """

    tool: Literal["esptool", "uf2"]
    offset: str = ""


class Network(Part):
    """The network class and chip, and the pins that the chip is wired to.

    clock: the direction of ref_clk, seen from the ESP32
    """

    kind: Literal["LAN", "WIZNET5K", "WLAN"] = Field(alias="class")
    chip: Literal["W5500", "LAN8720", "WiFi"]
    spi: int | None = None
    phy_addr: int | None = Field(None, ge=0, le=31)
    clock: Literal["in", "out"] | None = None
    pins: dict[str, GPIO]
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self):
        names = set(self.pins)
        if missing := PINS[self.chip] - names:
            raise ValueError(f"{self.chip} needs {', '.join(sorted(missing))}: add the pins")
        if unknown := names - PINS[self.chip] - OPTIONAL[self.chip]:
            raise ValueError(f"{self.chip} has no {', '.join(sorted(unknown))}: remove them")
        for name, chip in (("spi", "W5500"), ("phy_addr", "LAN8720"), ("clock", "LAN8720")):
            if (getattr(self, name) is None) == (self.chip == chip):
                raise ValueError(f"{name} is for {chip} and nothing else: mend it")
        return self


class Input(Part):
    """A digital input: a GPIO, or a bit of an expander on I2C, and the level while it is on."""

    gpio: GPIO | None = None
    expander: int | None = Field(None, ge=8, le=119)
    bit: int | None = Field(None, ge=0, le=7)
    active: Literal["low", "high"] = "low"

    @model_validator(mode="after")
    def _one(self):
        if (self.gpio is None) == (self.expander is None) or (
            (self.expander is None) != (self.bit is None)
        ):
            raise ValueError("give either gpio, or expander and bit")
        return self


class Led(Part):
    """The LED that shows the state, and the level at which it is on."""

    gpio: GPIO
    active: Literal["low", "high"] = "high"


class I2C(Part):
    """The bus of the expanders."""

    scl: GPIO
    sda: GPIO


class Board(Part):
    """A board.

    image: what MicroPython's download page calls it; machine: what the image says it is
    blocks: of 4096 octets that the file system has
    free: GPIOs that may be inputs besides the named ones
    """

    name: str = Field(pattern=r"^[A-Z0-9_]{1,32}$")
    title: str = Field(min_length=1, max_length=80)
    mcu: Literal["ESP32", "ESP32-S3", "RP2040"]
    image: str = Field(pattern=r"^[A-Z0-9_]+(-[A-Z0-9_]+)?$")
    machine: str = Field(min_length=1)
    flashing: Flashing
    blocks: int = Field(ge=64, le=4096)
    network: Network
    inputs: dict[str, Input] = {}
    inputs_source: str = ""
    i2c: I2C | None = None
    led: Led | None = None
    free: list[GPIO] = []

    @model_validator(mode="after")
    def _consistent(self):
        used: dict[int, str] = {}
        named = [(f"network.pins.{name}", pin) for name, pin in self.network.pins.items()]
        named += [(f"inputs.{name}", one.gpio) for name, one in self.inputs.items()]
        named += [("i2c.scl", self.i2c.scl), ("i2c.sda", self.i2c.sda)] if self.i2c else []
        named += [("led", self.led.gpio)] if self.led else []
        named += [("free", pin) for pin in self.free]
        for name, pin in named:
            if pin is not None and used.setdefault(pin, name) != name:
                raise ValueError(f"GPIO {pin} is {used[pin]} and {name}: give each its own")
        if self.inputs and not self.inputs_source:
            raise ValueError("inputs need inputs_source: say where their pins are written")
        if any(one.expander is not None for one in self.inputs.values()) and not self.i2c:
            raise ValueError("inputs on an expander need i2c: add its pins")
        if (self.network.kind == "WIZNET5K") != (self.port == "rp2"):
            raise ValueError(f"network.class {self.network.kind} is not of {self.port}")
        return self

    @property
    def port(self) -> str:
        """MicroPython's port: esp32 or rp2."""
        return PORTS[self.mcu]

    @property
    def wifi(self) -> bool:
        """Whether it has WiFi in the place of a cable."""
        return self.network.kind == "WLAN"

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return FOLDER / self.name


def names() -> list[str]:
    """Return the boards' names."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE}"))


@cache
def load(name: str) -> Board:
    """Return a board's description; raises `BoardError`."""
    path = FOLDER / name / FILE
    if name not in names():
        raise BoardError(f"no board is called {name!r}: choose one of {', '.join(names())}")
    return read(path)


def read(path: Path) -> Board:
    """Return the description in a file; raises `BoardError`."""
    try:
        board = Board.model_validate(json.loads(path.read_text()))
    except ValidationError as error:
        lines = [fault(path, one["loc"], one["msg"], one["input"]) for one in error.errors()]
        raise BoardError("\n".join(lines)) from None
    except ValueError as error:
        raise BoardError(f"{path}: {error}") from None
    if board.name != path.parent.name:
        raise BoardError(f"{path}: name: {board.name!r}: call it as its folder")
    return board


def fault(path: Path, place: tuple[int | str, ...], message: str, value: object) -> str:
    """Say in one line what is wrong with a field."""
    shown = "" if isinstance(value, dict) else f" {value!r}:"
    field = ".".join(str(part) for part in place) or "board"
    return f"{path}: {field}:{shown} {message.removeprefix('Value error, ')}"


def firmware() -> dict[str, Path]:
    """Return the files of the firmware that belong on any board, by their names there."""
    return {
        str(path.relative_to(FIRMWARE)): path
        for path in sorted(FIRMWARE.rglob("*.py"))
        if "examples" not in path.parts and path.name not in NOT_INSTALLED
    }


def paths(name: str) -> dict[str, Path]:
    """Return the files that belong on a board: the firmware and its board.py."""
    return {**firmware(), "board.py": load(name).folder / "board.py"}


def sources(name: str) -> dict[str, bytes]:
    """Return what belongs on the flash of a board, as source."""
    return {path: source.read_bytes() for path, source in paths(name).items()}
