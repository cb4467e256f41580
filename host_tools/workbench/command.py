"""`alarmpost board`: a virtual board to work at, in a terminal."""

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from host_tools import boards, micropython
from host_tools.workbench.sample import sample

REAL = "it shows a virtual board: give --virtual; for a real one see alarmpost --help"
NO_TERMINAL = "it needs a terminal; without one alarmpost demo shows a board at work"


def board(
    name: Annotated[str, typer.Argument(help="One of the folder boards/.")] = "VIRTUAL",
    virtual: Annotated[
        bool, typer.Option("--virtual", help="Work at a virtual board; there is no other.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The config.json of its plant; a small one is made where none is given."
        ),
    ] = None,
) -> int:
    """Work at a virtual board: close contacts, pull its cable, cut its power, read its mails.

    It is the real MicroPython with the firmware; tools such as mpremote can connect to it
    meanwhile. Nothing leaves this computer.
    """
    if not virtual:
        raise typer.BadParameter(REAL, param_hint="board")
    from host_tools.workbench import panel  # not before: textual takes a while

    try:
        kind = boards.load(name)
        configuration = read(config) if config else sample(kind)
        check_terminal()
        micropython.find()
        trouble = panel.run(panel.Panel(name, configuration))
    except boards.BoardError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    except micropython.MissingError as error:
        raise typer.BadParameter(str(error), param_hint="MicroPython") from None
    except ConfigurationError as error:
        print("\n".join(f"alarmpost: {line}" for line in error.lines), file=sys.stderr)
        return 2
    if trouble:
        print(f"alarmpost: board: {trouble}", file=sys.stderr)
    return 1 if trouble else 0


class ConfigurationError(Exception):
    """A configuration is wrong; `lines` tell all that is."""

    def __init__(self, lines: list[str]):
        super().__init__(*lines)
        self.lines = lines


def read(path: Path) -> dict[str, Any]:
    """Return the configuration in a file; raises `ConfigurationError`."""
    importlib.import_module("host_tools.workbench.flash")  # lets the firmware be imported
    config = importlib.import_module("config")
    try:
        data = config.load(str(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError([f"{path}: {why}"]) from None
    _, errors = config.check(data)
    if errors:
        raise ConfigurationError([f"{path}: {error}" for error in errors])
    return data


def check_terminal() -> None:
    """See whether the panel can be shown."""
    from host_tools.workbench.panel import too_small

    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise typer.BadParameter(NO_TERMINAL, param_hint="board")
    if complaint := too_small(*os.get_terminal_size(sys.stdout.fileno())):
        raise typer.BadParameter(complaint, param_hint="board")
