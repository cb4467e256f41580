"""Every file of the firmware can be imported: by CPython, and by MicroPython as source and .mpy.

An import in a function is not run here; the type checker knows which modules MicroPython has.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from host_tools import micropython
from host_tools.mpy import compile_file

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware"
FILES = sorted(path.relative_to(FIRMWARE) for path in FIRMWARE.rglob("*.py"))
FILES.remove(Path("main.py"))  # does not return
ON_A_BOARD = [path for path in FILES if path.name != "cpython.py"]


def module(path: Path) -> str:
    """Return the name by which the file at `path` is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def check(folder: Path, *command: object) -> None:
    """Run a command in `folder`; it must succeed and have nothing to say."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Path:
    """A folder with the firmware as .mpy files only."""
    folder = tmp_path_factory.mktemp("compiled")
    for path in ON_A_BOARD:
        target = folder / path.with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        compile_file(FIRMWARE / path, target)
    return folder


@pytest.mark.parametrize("path", FILES, ids=module)
def test_cpython(path):
    check(FIRMWARE, sys.executable, "-B", "-W", "error", "-c", f"import {module(path)}")


@pytest.mark.parametrize("path", ON_A_BOARD, ids=module)
@pytest.mark.parametrize("bits", [64, 32])
def test_micropython(path, bits):
    check(FIRMWARE, micropython.find(bits), "-c", f"import {module(path)}")


@pytest.mark.parametrize("path", ON_A_BOARD, ids=module)
@pytest.mark.parametrize("bits", [64, 32])
def test_micropython_compiled(compiled, path, bits):
    check(compiled, micropython.find(bits), "-c", f"import {module(path)}")
