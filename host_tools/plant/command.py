"""`alarmpost new` and `alarmpost check`: the plant's file, made and checked."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from host_tools import boards
from host_tools.plant.model import find, read_plant
from host_tools.plant.show import show
from host_tools.plant.template import render
from host_tools.toml_file import BadFileError, complain

FILE = Path("plant.toml")
WRONG = 2
"""Exit status where something is wrong with the file."""


def new(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = FILE,
    board: Annotated[
        list[str] | None, typer.Option(help="A folder of boards/; give it again for more boards.")
    ] = None,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="With the mail gateway, for `alarmpost gateway`.")
    ] = False,
) -> None:
    """Write a plant's TOML file with comments, to be filled in; no file is overwritten."""
    for name in board or ["missing"]:
        if name not in boards.names():
            message = f"{name}: give one of {', '.join(boards.names())}"
            raise typer.BadParameter(message, param_hint="--board")
    text = render([boards.load(name) for name in board or ()], file.name, gateway)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise typer.BadParameter(
            f"{file} exists; choose another name", param_hint="FILE"
        ) from None
    except OSError as error:
        message = f"{file}: {error.strerror}; choose a folder that you may write to"
        raise typer.BadParameter(message, param_hint="FILE") from None
    print(f"{file}: fill it in, then: alarmpost check {file}")


def check(
    file: Annotated[Path, typer.Argument(help="The plant's TOML file.")] = FILE,
    device: Annotated[str, typer.Option(help="Show this board only: its name in the file.")] = "",
) -> int:
    """Tell all that is wrong with a plant's TOML file (exit status 2), or what boards will do."""
    try:
        plant = read_plant(file)
        devices = [find(plant, device)] if device else [*plant.devices.values()]
    except BadFileError as error:
        return complain(error, WRONG)
    show(plant, devices, Console(highlight=False, emoji=False), datetime.now(UTC))
    return 0
