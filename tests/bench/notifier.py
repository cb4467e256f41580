"""What the whole notifier takes: heap while it sends, time of a turn, time from edge to mail."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP
from tests.bench.board import CLIENT, FIRMWARE, PROGRAMS, ProgramError, compile_all, run

KILO = 1024
HEAP = 56
"""Of an ESP32 at first, in KiB."""

MOST_HEAP = 80


@dataclass(frozen=True)
class Row:
    """A figure with its target."""

    name: str
    measured: int
    unit: str
    target: int
    kept: bool


@contextmanager
def make_folder(port: int) -> Iterator[Path]:
    """Make a folder with the notifier as a board has it, adopted configuration and all."""
    with tempfile.TemporaryDirectory(prefix="alarmpost-bench-") as name:
        folder = Path(name)
        compile_all(FIRMWARE, folder)
        compile_all(FIRMWARE / "outbox", folder / "outbox")
        compile_all(CLIENT, folder / "smtp_client")
        compile_all(PROGRAMS, folder)
        root = folder / "flash"
        root.mkdir()
        (root / "config.json").write_text(json.dumps(configuration(port)))
        attempt(folder, 2 * MOST_HEAP, port)  # checks it, and is reset
        yield folder


def configuration(port: int) -> dict:
    """Return a configuration of 20 points; the one that will be in alarm is fast."""
    points: list[dict] = [
        {
            "tag": f"PUMP_{number}",
            "description": "motor protection",
            "response": f"Reset the motor protection of pump {number}.",
            "input": f"DI{number}",
            "priority": "high" if number % 3 == 1 else "medium",
            **({"on_delay": 0, "debounce": 0} if number == 1 else {}),
        }
        for number in range(16)
    ]
    for number in range(4):
        analog = {"type": "analog", "input": f"AI{number}", "scale": [[0, 0], [65535, 100]]}
        points.append({"tag": f"TANK_{number}", **analog, "unit": "%", "high": 80})
    return {
        "plant": "PLANT",
        "device": "plc7",
        "sender": "plc7@plant.lan",
        "recipients": {"operators": ["ops@example.com"]},
        "gateways": [f"127.0.0.1:{port}"],
        "ntp": "",
        "log": "error",
        "points": points,
    }


def attempt(folder: Path, heap: int, port: int, program: str = "whole", bits: int = 32):
    """Run it with so many KiB of heap and an empty queue; return what it printed, None: failed."""
    shutil.rmtree(folder / "flash/queue", ignore_errors=True)
    limit = ("-X", f"heapsize={heap * KILO}")
    words = (micropython.find(bits), *limit, "-m", program, port, folder / "flash")
    outcome = run(words, folder)
    lines = outcome.output.splitlines()
    return json.loads(lines[-1]) if outcome.status == 0 and lines else None


def free_while_sending(heap: int = HEAP) -> int:
    """Return the least octets that are free while a mail is sent, 0 where it does not fit."""
    with FakeSMTP("default") as server, make_folder(server.port) as folder:
        return attempt(folder, heap, server.port) or 0


def measure_notifier() -> Iterator[Row]:
    """Measure everything."""
    with FakeSMTP("default") as server, make_folder(server.port) as folder:
        smallest = MOST_HEAP
        while attempt(folder, smallest - 1, server.port):
            smallest -= 1
        yield Row("smallest heap that sends, 20 points", smallest, "KiB", HEAP, smallest <= HEAP)
        free = attempt(folder, HEAP, server.port) or 0
        yield Row(f"free of {HEAP} KiB while it sends", free, "octets", 12288, free >= 12288)
        times = attempt(folder, 8 * KILO, server.port, "pace", 64)
        if not times:
            raise ProgramError("the notifier does not send")
        yield Row("a turn of the loop, 20 points", times[0], "us", 2000, times[0] <= 2000)
        yield Row("from an edge to its mail taken", times[1], "ms", 100, times[1] <= 100)
