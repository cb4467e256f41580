"""Time of one mail, a connection each, against CPython's smtplib.

Each sender is one process that sends a mail for each line of input and takes the time itself, so
no start of an interpreter counts. They take turns, mail by mail, so that whatever else the machine
does hits all of them; the medians are compared.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import IO

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP
from tests.bench.board import FIRMWARE, PROGRAMS, Board, ProgramError

MICROPYTHON, CPYTHON, SMTPLIB = "on MicroPython", "on CPython", "smtplib"
SENDERS = (MICROPYTHON, CPYTHON, SMTPLIB)

DELAYS = {0: 100, 1: 60, 20: 25}
"""Milliseconds before each reply, and how many mails each sender then sends."""

TARGETS = {
    # (sender, delay): the most that its time may be, in times of smtplib
    (MICROPYTHON, 1): 1.0,
    (CPYTHON, 1): 1.0,
    (MICROPYTHON, 20): 0.6,
    (CPYTHON, 20): 1.0,
}


@dataclass(frozen=True)
class Pace:
    """Milliseconds that a mail takes, at a delay, by one of our senders and by smtplib."""

    sender: str
    delay: int
    ours: float
    smtplib: float

    @property
    def ratio(self) -> float:
        """Return ours in times of smtplib."""
        return self.ours / self.smtplib

    @property
    def target(self) -> float | None:
        """Return the most that the ratio should be, None for no matter."""
        return TARGETS.get((self.sender, self.delay))

    @property
    def kept(self) -> bool:
        """Tell whether the target is kept."""
        return self.target is None or self.ratio <= self.target


@dataclass(frozen=True)
class Sender:
    """A process that sends a mail for each line of input.

    ask, answer: its input and its output
    """

    name: str
    ask: IO[str]
    answer: IO[str]

    def send(self, port: int) -> float:
        """Let it send one mail; return the milliseconds that it took."""
        self.ask.write(f"{port}\n")
        self.ask.flush()
        answer = self.answer.readline()
        if not answer:
            raise ProgramError(f"the sender {self.name} has ended")
        return int(answer) / 1000


@contextmanager
def start(name: str, board: Board) -> Iterator[Sender]:
    """Start a sender; it ends with its input."""
    command, folder = {
        MICROPYTHON: ((micropython.find(64), "-m", "ours"), board.folder),
        CPYTHON: ((sys.executable, "-B", PROGRAMS / "ours.py"), PROGRAMS),
        SMTPLIB: ((sys.executable, "-B", PROGRAMS / "theirs.py"), PROGRAMS),
    }[name]
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(FIRMWARE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin and process.stdout:
            yield Sender(name, process.stdin, process.stdout)


def measure_pace(board: Board) -> Iterator[Pace]:
    """Measure all senders at all delays."""
    with ExitStack() as stack:
        senders = [stack.enter_context(start(name, board)) for name in SENDERS]
        for delay, mails in DELAYS.items():
            times = interleaved(senders, delay, mails)
            for name in (MICROPYTHON, CPYTHON):
                yield Pace(name, delay, times[name], times[SMTPLIB])


def interleaved(senders: list[Sender], delay: int, mails: int) -> dict[str, float]:
    """Let the senders send in turn; return the median of each in milliseconds."""
    times: dict[str, list[float]] = {sender.name: [] for sender in senders}
    with FakeSMTP(reply_delay=delay / 1000) as server:
        for _ in range(1 + mails):
            for sender in senders:
                times[sender.name].append(sender.send(server.port))
        if len(server.mails) != (1 + mails) * len(senders):
            raise ProgramError(f"{len(server.mails)} mails arrived")
    return {name: median(taken[1:]) for name, taken in times.items()}  # the first warms up
