"""What a virtual board takes until its firmware is ready, and while it waits for alarms."""

import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from host_tools import boards
from host_tools.virtual_board import VirtualBoard
from host_tools.workbench.sample import sample
from tests.bench.board import CLIENT, FIRMWARE, compile_all

NAMES = ("VIRTUAL", "W5500_EVB_PICO")
BOOTS = 5
ALLOCATED = "import gc; gc.collect(); print(gc.mem_alloc())"


@dataclass(frozen=True)
class Figures:
    """The figures of a board.

    ready: milliseconds from power on to the firmware's "ready", the median
    heap: octets of heap that the firmware holds then, on 32 bits
    process: octets of memory that the process holds in all
    """

    name: str
    ready: float
    heap: int
    process: int


def measure_boards() -> Iterator[Figures]:
    """Measure each of `NAMES`."""
    for name in NAMES:
        with VirtualBoard(name, bits=32) as empty:
            own = allocated(empty)
        with VirtualBoard(name, firmware(name), bits=32, power=False) as board:
            board.power_on()  # checks the configuration, and is reset
            board.wait_for("link: up")
            ready = statistics.median(boot(board) for _ in range(BOOTS))
            process = memory(board)
            yield Figures(name, ready, allocated(board) - own, process)


def firmware(name: str) -> dict[str, bytes]:
    """Return the firmware as a board has it, compiled, and a small plant."""
    with tempfile.TemporaryDirectory(prefix="alarmpost-bench-") as folder:
        root = Path(folder)
        compile_all(FIRMWARE, root)
        compile_all(FIRMWARE / "outbox", root / "outbox")
        compile_all(CLIENT, root / "smtp_client")
        (root / "main.mpy").unlink()
        files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.mpy")}
    source = boards.sources(name)
    plant = json.dumps(sample(boards.load(name))).encode()
    return {
        **files,
        "main.py": source["main.py"],
        "board.py": source["board.py"],
        "config.json": plant,
    }


def boot(board: VirtualBoard) -> float:
    """Switch a board off and on; return the milliseconds until it is ready."""
    board.power_off()
    at = len(board.console.encode())
    start = time.perf_counter()
    board.power_on()
    at = board.wait_for("ready: ", start=at)
    took = 1000 * (time.perf_counter() - start)
    board.wait_for("link: up", start=at)
    return took


def allocated(board: VirtualBoard) -> int:
    """Return the octets of heap in use."""
    return int(board.run(ALLOCATED, soft_reset=False))


def memory(board: VirtualBoard) -> int:
    """Return the octets of memory that a board's process holds."""
    assert board._supervisor._process
    status = Path(f"/proc/{board._supervisor._process.pid}/status").read_text()
    (kilobytes,) = re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return 1024 * int(kilobytes)
