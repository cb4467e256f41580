"""The virtual board: the real MicroPython as one of the boards, on a PC."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from host_tools import boards, micropython
from host_tools.virtual_board.cable import Cable
from host_tools.virtual_board.device import layout
from host_tools.virtual_board.page import Page
from host_tools.virtual_board.repl import RawREPL
from host_tools.virtual_board.supervisor import Supervisor

DEVICE = Path(__file__).parent / "device"
BLOCK = 4096
PATIENCE = 30.0  # seconds that a wait may take where nothing else is said
CLASSES = {"ESP32": ("LAN", "WLAN"), "ESP32-S3": ("LAN", "WLAN"), "RP2040": ("WIZNET5K",)}
OWN_HEAP = 256  # kilobytes, more than enough for the stand-ins
PLENTY = 1024  # kilobytes
LEASE = "192.168.1.50"
ANALOG = 3.3  # volts that read_u16() gives 65535 for
DISK = "import _disk"


class VirtualBoardError(Exception):
    """The virtual board cannot do that, or did not do what was waited for."""


class VirtualBoard:
    """A board; `with` gives it power, and takes it away with all its files.

    name: one of boards/, such as "W5500_EVB_PICO"
    files: what is on its flash at first: text or octets by path, such as {"main.py": "..."}
    bits: the width of MicroPython's pointers: 32, as on a board, takes as much memory as there
    heap: kilobytes that are free when boot.py starts; 0 for plenty
    lease: the address that DHCP gives, "" where nobody answers
    dhcp: seconds until DHCP has answered
    wifi: name and key of the access point
    version: what MicroPython says it is, in the place of what it really is
    power: whether it is on at once
    journal: whether all that happens to its flash is written down
    heard: called with each piece of what it says on its console, in a thread of the board's
    ended: called in words, in any thread, when it has no power any more

    port: the path that tools open, as in `mpremote connect PORT`
    journal: the file with all operations of the flash; `_flash.py` tells its format
    cable: its `Cable`
    """

    def __init__(
        self,
        name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        bits: int = 64,
        heap: int = 0,
        lease: str = LEASE,
        dhcp: float = 0.02,
        wifi: tuple[str, str] = ("plant", "secret"),
        version: tuple[int, int, int] | None = None,
        power: bool = True,
        journal: bool = False,
        heard: Callable[[str], None] = lambda text: None,
        ended: Callable[[str], None] = lambda why: None,
    ):
        self.board = boards.load(name)
        self.name = name
        self._files = files or {}
        self._bits = bits
        self._heap = heap
        self._lease = lease
        self._dhcp = dhcp
        self._wifi = wifi
        self._version = version
        self._power = power
        self._writes_journal = journal
        self._tell_heard = heard
        self._tell_ended = ended
        self._heard = bytearray()
        self._news = threading.Condition()
        self._end = "off"

    def __enter__(self) -> Self:
        interpreter = str(micropython.find(self._bits))
        self._folder = Path(tempfile.mkdtemp(prefix="virtual_board-"))
        self._image = self._folder / "flash"
        self._image.write_bytes(b"\xff" * (self.board.blocks * BLOCK))
        self.journal = self._folder / "journal"
        self.journal.touch()
        self.page = Page(self._folder / "page")
        self.page.chip = self.page.station = 1
        for field in ("levels", "driven", "pulls"):
            self.page.fill(field, layout.MISSING)
        self._wire_expanders()
        self.set_lease(self._lease)
        self.cable = Cable(self.page)
        self.port = str(self._folder / "tty")
        size = self._heap + OWN_HEAP if self._heap else PLENTY
        self._command = [interpreter, "-X", f"heapsize={size}k", "-c", "import _start"]
        self._environment = {
            **os.environ,
            "MICROPYPATH": str(DEVICE),
            "VIRTUAL_BOARD": json.dumps(self._settings()),
        }
        self._supervisor = Supervisor(
            self._command,
            self._environment,
            self.page,
            Path(self.port),
            self._hear,
            self._stop,
        )
        self.cable.gone = self._supervisor.gone
        try:
            if self._files:
                self.write(self._files)
            if self._power:
                self.power_on()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self._supervisor.close()
        self.cable.close()
        self.page.close()
        shutil.rmtree(self._folder)

    def _settings(self) -> dict[str, object]:
        """Return what the stand-ins need to know."""
        board = self.board
        return {
            "port": board.port,
            "mcu": board.mcu,
            "machine": board.machine,
            "uid": hashlib.sha256(self._folder.name.encode()).hexdigest()[:16],
            "page": str(self._folder / "page"),
            "flash": str(self._image),
            "journal": str(self.journal) if self._writes_journal else "",
            "blocks": board.blocks,
            "network": board.network.model_dump(by_alias=True),
            "classes": CLASSES[board.mcu],
            "version": self._version,
            "heap": self._heap * 1024,
            "i2c": board.i2c and board.i2c.model_dump(),
            "led": board.led.gpio if board.led else -1,
            "dhcp": round(self._dhcp * 1000),
            "start": 5,  # ms; a W5500 on the rp2 takes 412
            "patience": 1000,  # ms; the rp2 waits 10 s for DHCP
            "ssid": self._wifi[0],
            "key": self._wifi[1],
        }

    def _wire_expanders(self) -> None:
        """Put the expanders on the bus, with all inputs off."""
        for one in self.board.inputs.values():
            if one.expander is not None:
                self.page.present[one.expander] = 1
                self.page.expanders[one.expander] = 255

    # Power

    @property
    def on(self) -> bool:
        """Whether the board has power."""
        return self._supervisor.running

    def power_on(self) -> None:
        """Give it power; what is on flash stays, all else begins anew."""
        if self.on:
            raise VirtualBoardError(f"{self.name} is on already")
        self._end = ""
        self._supervisor.start(layout.POWER_ON)

    def power_off(self) -> None:
        """Take the power away, in the middle of whatever it does."""
        self._supervisor.kill()
        self._stop("off")

    def cut_power(self, at: int, torn: bool = False) -> None:
        """Let the power fail at the flash operation `at` from now on, before it or half way.

        While the board is off: at that operation after power on.
        """
        if at < 1:
            raise VirtualBoardError(f"cut at operation {at}: give 1 for the next one")
        self.page.torn = torn
        self.page.cut = at + (self.page.operations if self.on else 0)

    def press_reset(self) -> None:
        """Press the button that resets the microcontroller."""
        self._need_power("press_reset")
        self._supervisor.kill()
        cause = layout.POWER_ON  # both ports take the line for a power-on
        self._supervisor.start(cause)

    @property
    def operations(self) -> int:
        """Operations of the flash since power on, programs and erases."""
        return self.page.operations

    @property
    def boots(self) -> int:
        """How often it has booted."""
        return self.page.boots

    # Inputs and outputs

    def press(self, *inputs: str) -> None:
        """Let inputs be on: those that the board names, or "GPIO4", which is on while low."""
        for name in inputs:
            self._set_input(name, True)

    def release(self, *inputs: str) -> None:
        """Let inputs be off."""
        for name in inputs:
            self._set_input(name, False)

    def pulse(self, name: str) -> None:
        """Let an input be on for less time than any program can read it."""
        self.press(name)
        self.release(name)

    def set_level(self, gpio: int, level: int | None) -> None:
        """Drive a pin to 0 or 1, or with None leave it open."""
        levels = self.page.levels
        before = self._level(gpio)
        levels[gpio] = layout.MISSING if level is None else level
        edge = self._level(gpio) - before
        wanted = self.page.armed[gpio]
        if (edge > 0 and wanted & 1) or (edge < 0 and wanted & 2):
            self.page.edges[gpio] = (self.page.edges[gpio] + 1) & 255
            self._supervisor.interrupt_pin()

    def set_volts(self, gpio: int, volts: float) -> None:
        """Put a voltage on an analog input."""
        if not 0 <= volts <= ANALOG:
            raise VirtualBoardError(f"{volts} V on GPIO{gpio}: give 0 to {ANALOG}")
        self.page.analog[gpio] = round(volts / ANALOG * 65535)

    def output(self, gpio: int) -> int | None:
        """Return the level that the board drives a pin to, None for an input."""
        level = self.page.driven[gpio]
        return None if level == layout.MISSING else level

    @property
    def led(self) -> bool:
        """Whether the LED is on."""
        if not self.board.led:
            raise VirtualBoardError(f"{self.name} has no LED that is known")
        return self.output(self.board.led.gpio) == (self.board.led.active == "high")

    def remove_expander(self, address: int) -> None:
        """Let an expander on I2C answer no more."""
        self.page.present[address] = 0

    def _set_input(self, name: str, on: bool) -> None:
        """Let an input be on or off."""
        known = self.board.inputs.get(name)
        gpio = re.fullmatch(r"(?:GPIO|GP)(\d{1,2})", name)
        if known is None and gpio and int(gpio[1]) < layout.PINS:
            self.set_level(int(gpio[1]), 0 if on else 1)
        elif known is None:
            choice = ", ".join(self.board.inputs) or "none of its own"
            raise VirtualBoardError(f"input {name!r}: {self.name} has {choice}; or give GPIO4")
        elif known.gpio is not None:
            self.set_level(known.gpio, on == (known.active == "high"))
        elif known.expander is not None and known.bit is not None:
            level = on == (known.active == "high")
            bits = self.page.expanders
            mask = 1 << known.bit
            bits[known.expander] = (bits[known.expander] & ~mask) | (mask if level else 0)

    def _level(self, gpio: int) -> int:
        """Return the level that a pin has."""
        page = self.page
        for level in (page.driven[gpio], page.levels[gpio], page.pulls[gpio]):
            if level != layout.MISSING:
                return level
        return 0

    # Network

    def set_lease(self, address: str) -> None:
        """Let DHCP give this address from now on; "" lets it not answer."""
        self.page.put("lease", bytes(int(part) for part in (address or "0.0.0.0").split(".")))

    def break_chip(self, broken: bool = True) -> None:
        """Let the network chip answer no more, or again."""
        self.page.chip = not broken

    def wedge(self) -> None:
        """Let the next send fail and take the interface down, as the rp2's driver does."""
        self.page.wedged = 1

    def access_point(self, there: bool) -> None:
        """Let the WiFi be in reach or not."""
        self.page.station = there
        self.page.changes += 1

    # Console

    def unplug(self) -> None:
        """Pull the cable between the PC and the console; the board keeps its power."""
        self._supervisor.plug(False)

    def plug(self) -> None:
        """Put the cable in again."""
        self._supervisor.plug(True)

    @property
    def console(self) -> str:
        """What the board has said since it was made."""
        return self._heard.decode(errors="replace")

    def type(self, text: str) -> None:
        """Type on the console; chr(3) is Ctrl-C."""
        self._need_power("type")
        self._supervisor.type(text.encode())

    def wait_for(self, text: str, timeout: float = PATIENCE, start: int = 0) -> int:
        """Wait until the console has said something; return the place behind it.

        start: where in what it said to begin to look, such as the place returned before
        """
        wanted = text.encode()
        end = time.monotonic() + timeout
        with self._news:
            while (at := self._heard.find(wanted, start)) < 0:
                left = end - time.monotonic()
                if self._end or left <= 0 or not self._news.wait(left):
                    why = self._end or f"nothing in {timeout:g} s"
                    raise VirtualBoardError(self._complaint(f"waited for {text!r}", why))
        return at + len(wanted)

    def wait_off(self, timeout: float = PATIENCE) -> str:
        """Wait until the board has lost its power, and say how."""
        end = time.monotonic() + timeout
        with self._news:
            while not self._end:
                left = end - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    raise VirtualBoardError(self._complaint("waited for the power to fail", "on"))
        return self._end

    def run(self, source: str, timeout: float = PATIENCE, soft_reset: bool = True) -> str:
        """Run a program by the raw REPL and return what it printed; main.py is stopped for it.

        The board stays in the raw REPL until it is reset. Raises `VirtualBoardError` with the
        traceback where the program fails.
        """
        self._need_power("run")
        output, failure = RawREPL(self, timeout).run(source, soft_reset)
        if failure:
            raise VirtualBoardError(failure.strip())
        return output

    def _complaint(self, what: str, why: str) -> str:
        last = self.console[-2000:].replace("\r", "")
        return f"{self.name}: {what}: {why}; the console's end:\n{last}"

    def _need_power(self, what: str) -> None:
        if not self.on:
            raise VirtualBoardError(f"{what}: {self.name} has no power: power_on() gives it")

    def _hear(self, data: bytes) -> None:
        with self._news:
            self._heard += data
            self._news.notify_all()
        self._tell_heard(data.decode(errors="replace"))

    def _stop(self, why: str) -> None:
        with self._news:
            self._end = why
            self._news.notify_all()
        self._tell_ended(why)

    # Flash

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files onto the flash of a board without power."""
        wanted = {
            path: (data.encode() if isinstance(data, str) else data).hex()
            for path, data in files.items()
        }
        self._need_none("write")
        self._disk(self._image, {"write": wanted})

    def files(self, folder: str = "") -> dict[str, bytes]:
        """Return the files on its flash, or those of a folder at the top, by their paths.

        Of a board with power, what a power cut at this moment would leave.
        """
        with self._snapshot() as image:
            found = self._disk(image, {"read": folder})
        return {path: bytes.fromhex(data) for path, data in found.items()}

    def copy_flash(self, other: "VirtualBoard") -> None:
        """Let the flash be as another board's is; this one has no power."""
        self._need_none("copy_flash")
        with other._snapshot() as image:
            shutil.copyfile(image, self._image)

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[Path]:
        """Yield a copy of the flash as it is at one moment."""
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="flash-") as copy:
            with self._supervisor.frozen():
                shutil.copyfile(self._image, copy.name)
            yield Path(copy.name)

    def _disk(self, image: Path, order: dict) -> dict[str, str]:
        """Let the board's MicroPython work on a flash, on a hardware page of its own."""
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="page-") as page:
            page.truncate(layout.SIZE)
            settings = {**self._settings(), "flash": str(image), "page": page.name}
            done = subprocess.run(
                [self._command[0], "-X", "heapsize=16m", "-c", DISK],
                env={**self._environment, "VIRTUAL_BOARD": json.dumps(settings)},
                input=json.dumps(order) + "\n",
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise VirtualBoardError(f"{self.name}: flash: {(done.stdout + done.stderr).strip()}")
        return json.loads(done.stdout)

    def _need_none(self, what: str) -> None:
        if self.on:
            raise VirtualBoardError(f"{what}: {self.name} has power: power_off() first")


@contextlib.contextmanager
def several(*names: str, **options):
    """Give power to several boards, and take it away from all of them."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(VirtualBoard(name, **options)) for name in names]
