"""What a board is to have on its flash: the firmware, compiled, and its configuration."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from host_tools import boards
from host_tools.mpy import compile_file
from host_tools.plant import Plant, config

APP = "app.mpy"
CONFIG = "config.json"
MAIN = "main.py"
UPDATE = "update.mpy"
CLIENT = "smtp_client/"
LIBRARY = "lib/"


def firmware(plant: Plant, name: str) -> dict[str, bytes]:
    """Return all files of a board of the plant by their paths there."""
    sources = boards.paths(plant.devices[name].board)
    main = {MAIN: sources.pop(MAIN).read_bytes()}  # MicroPython starts no main.mpy
    return {**compiled(sources), **main, **configuration(plant, name)}


def configuration(plant: Plant, name: str) -> dict[str, bytes]:
    """Return the configuration alone."""
    return {CONFIG: json.dumps(config(plant, name), ensure_ascii=False).encode()}


def client() -> dict[str, bytes]:
    """Return the SMTP client alone, where programs of users find it."""
    sources = {
        LIBRARY + path: source
        for path, source in boards.firmware().items()
        if path.startswith(CLIENT)
    }
    return compiled(sources)


def update() -> bytes:
    """Return what finishes an update on the board."""
    path = Path(UPDATE).with_suffix(".py")
    return compiled({str(path): boards.FIRMWARE / path})[UPDATE]


def compiled(sources: Mapping[str, Path]) -> dict[str, bytes]:
    """Compile files; raises `CompileError`."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="alarmpost-") as folder:
        target = Path(folder) / "compiled.mpy"
        for path, source in sources.items():
            name = path.removesuffix(".py") + ".mpy"
            compile_file(source, target, name)
            found[name] = target.read_bytes()
    return found
