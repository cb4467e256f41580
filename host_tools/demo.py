"""`alarmpost demo`: an alarm program under the real MicroPython, its dialogue and its mail."""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP, find_scenario
from host_tools.fake_smtp.show import mail_view, printable

FIRMWARE = micropython.ROOT / "firmware"
PROGRAM = FIRMWARE / "examples" / "horse_alarm.py"
PATIENCE = 180  # seconds; the program's own deadline is 120

STYLES = {">": "cyan", "<": "green"}


def demo(
    scenario: Annotated[
        str, typer.Option(help="What the server does; see alarmpost fake-smtp --list-scenarios.")
    ] = "default",
) -> int:
    """Run a small alarm program under MicroPython and show its dialogue and its mail."""
    console = Console(highlight=False, emoji=False)
    try:
        interpreter = micropython.find()
        server = FakeSMTP(find_scenario(scenario))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None
    except micropython.MissingError as error:
        raise typer.BadParameter(str(error), param_hint="MicroPython") from None
    with server:
        program = PROGRAM.relative_to(micropython.ROOT)
        console.print(f"a fake mail gateway listens on {server.host} port {server.port}")
        console.print(f"{program} runs under {version(interpreter)}\n")
        status = run(interpreter, server, console)
        for mail in server.mails:
            console.print()
            console.print(mail_view(mail), soft_wrap=True)
    if not server.mails:
        console.print("\nno mail arrived", style="bold yellow")
    return status


def version(interpreter: Path) -> str:
    """Return the interpreter's name and version."""
    ask = "import sys; print('MicroPython', '.'.join(map(str, sys.implementation.version[:3])))"
    answer = subprocess.run([interpreter, "-c", ask], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def run(interpreter: Path, server: FakeSMTP, console: Console) -> int:
    """Run the program, print what it prints as it prints it, and return its exit status."""
    program = subprocess.Popen(
        [interpreter, PROGRAM, server.host, str(server.port)],
        env={**os.environ, "MICROPYPATH": str(FIRMWARE)},
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert program.stdout is not None
    with program.stdout as lines:
        for line in lines:
            console.print(line_view(line.rstrip("\n")), soft_wrap=True)
    return program.wait(PATIENCE)


def line_view(line: str) -> Text:
    """Show a line of the program: times dim, what is sent and received in its colour."""
    words = line.split(maxsplit=4)
    style = STYLES.get(words[3], "") if len(words) > 3 else ""
    left = line.index(words[3]) if style else 0
    return Text.assemble((printable(line[:left]), "dim"), (printable(line[left:]), style))
