"""Boards that send: the firmware's client under MicroPython, a process each."""

import json
import os
import subprocess
from pathlib import Path

from host_tools import micropython

PROGRAM = Path(__file__).parent / "programs" / "board.py"
FIRMWARE = micropython.ROOT / "firmware"
PATIENCE = 120


class Board:
    """A process that sends so many mails to a port; `finish()` returns what it counted."""

    def __init__(self, port: int, name: str, count: int, each: bool = False, bits: int = 64):
        words = [micropython.find(bits), PROGRAM, port, name, count, *(["each"] if each else [])]
        self.process = subprocess.Popen(
            [str(word) for word in words],
            env={**os.environ, "MICROPYPATH": str(FIRMWARE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> dict[str, int]:
        """Wait for its end; it must have sent everything."""
        try:
            output, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        assert self.process.returncode == 0, output
        return json.loads(output)
