"""What a flash takes: orders to the board, octets there; and the time from power to ready."""

import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from host_tools.flash.command import carry_out, prepared, started
from host_tools.flash.jobs import Firmware
from host_tools.flash.session import Session
from host_tools.plant import read_plant
from host_tools.serial_port import connected
from host_tools.virtual_board import VirtualBoard

BOARDS = ("VIRTUAL", "W5500_EVB_PICO")

PLANT = """
plant = "PLANT"
gateways = ["192.168.1.1"]
system = "operators"
recipients = {{operators = ["ops@example.com"]}}

[devices.plc7]
board = "{board}"
sender = "plc7@plant.lan"
points = [{points}]
"""
POINT = '{{tag = "PUMP_{number}", description = "overload", input = "GPIO{number}"}}'
POINTS = 3

Row = tuple[str, str]


def measure_flash() -> Iterator[Row]:
    """Yield names and figures."""
    for name in BOARDS:
        with VirtualBoard(name) as board:
            job = make_job(board)
            free, first = flash(board, job)
            left, second = flash(board, job)
            octets = sum(len(data) for data in job.wanted.values())
            yield f"{name}: files, and octets of them", f"{len(job.wanted)}, {octets}"
            yield f"{name}: flash that they take", f"{(free - left) // 1024} kB"
            yield f"{name}: orders, the first and the second time", f"{first}, {second}"
            yield f"{name}: from power to ready", f"{ready(board):.0f} ms"


def make_job(board: VirtualBoard) -> Firmware:
    """Return what is to be flashed."""
    points = ", ".join(POINT.format(number=number) for number in range(1, POINTS + 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plant.toml"
        path.write_text(PLANT.format(board=board.name, points=points))
        return Firmware(read_plant(path), "plc7")


def flash(board: VirtualBoard, job: Firmware) -> tuple[int, int]:
    """Flash a board; return the octets that were free before, and how many orders it took."""
    console = Console(file=io.StringIO())
    at = len(board.console)
    with connected(board.port) as transport, started(Session(transport), job) as session:
        facts = session.facts(job.network)
        carry_out(session, job, prepared(session, job, False, console), console)
    board.wait_for("ready: ", start=at)
    return facts.free * facts.block, session.orders


def ready(board: VirtualBoard) -> float:
    """Return the milliseconds from power to ready, on this computer."""
    board.power_off()
    at = len(board.console)
    begin = time.monotonic()
    board.power_on()
    board.wait_for("ready: ", start=at)
    return (time.monotonic() - begin) * 1000
