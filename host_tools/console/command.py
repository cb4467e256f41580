"""`alarmpost monitor`, `status`, `send-test`, `outbox`, `ack`, `logs`: into a board and back."""

import contextlib
import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from host_tools.console.entries import entries
from host_tools.console.monitor import Monitor
from host_tools.console.protocol import Answer, ask, ask_when_free
from host_tools.console.show import entries_view, line_view, printable, status_view
from host_tools.console.status import Status, problems
from host_tools.serial_port import AUTO, PortError, connected

FINE = 0
WRONG = 1
"""Exit status where a board answers and something is wrong, or where it refuses."""

NO_ANSWER = 2
STOPPED = 130

Port = Annotated[
    str, typer.Option(help="The board's serial port; auto is the only one at the PC.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")]

console = Console(highlight=False, emoji=False, soft_wrap=True)
outbox = typer.Typer(no_args_is_help=True, help="What waits on the board to be mailed.")


def complain(text: str, status: int) -> int:
    """Say what is wrong; return the exit status."""
    print(f"alarmpost: {printable(text)}", file=sys.stderr)
    return status


def reports(command: Callable[..., int]) -> Callable[..., int]:
    """Let the errors of a command be one line and an exit status."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> int:
        try:
            return command(*args, **options)
        except PortError as error:
            return complain(str(error), NO_ANSWER)
        except ValidationError as error:
            first = error.errors()[0]
            what = ".".join(str(part) for part in first["loc"])
            return complain(f"the board's answer: {what}: {first['msg']}: flash it anew", WRONG)
        except KeyboardInterrupt:
            return STOPPED

    return run


def told(port: str, command: str) -> Answer:
    """Return what a board answers, a mail on its way or not."""
    with connected(port) as transport:
        return ask(transport, command)


def order(port: str, *words: str) -> Answer:
    """Ask a board something that must wait while a mail is on its way."""
    with connected(port) as transport:
        return ask_when_free(transport, " ".join(words), None, say_busy)


def say_busy() -> None:
    """Say why nothing happens."""
    print("a mail is on its way, waiting for its end", file=sys.stderr)


@reports
def monitor(port: Port = AUTO) -> int:
    """Show what the board says, until Ctrl-C; type help for what the board takes.

    When the board is reset or unplugged, this waits for it.
    """
    with contextlib.suppress(KeyboardInterrupt):
        Monitor(port, console).run()
    return FINE


@reports
def status(port: Port = AUTO, as_json: Json = False) -> int:
    """Show how the board does. Exit status 0: well, 1: something is wrong, 2: no answer."""
    answer = told(port, "status")
    if not answer.done:
        return complain(answer.text, WRONG)
    found = Status.model_validate(dict(answer.lines))
    wrong = problems(found)
    if as_json:
        print(json.dumps({**found.model_dump(), "problems": wrong}, ensure_ascii=False))
        return WRONG if wrong else FINE
    console.print(Text(f"{found.device}: {'well' if not wrong else 'something is wrong'}", "bold"))
    console.print(status_view(found))
    for line in wrong:
        console.print(Text(printable(line), "bold red"))
    return WRONG if wrong else FINE


@reports
def send_test(
    to: Annotated[
        list[str] | None,
        typer.Argument(help="Lists or addresses of the configuration; the list system if none."),
    ] = None,
    port: Port = AUTO,
) -> int:
    """Let the board send a test mail through each gateway, and show each stage with its time.

    Exit status 0: every gateway takes it, 1: some do not, 2: no answer.
    """
    failed = []

    def show(name: str, value: Any) -> None:
        console.print(stage_view(name, value))
        if name.endswith(" failed"):
            failed.append(name)

    with connected(port) as transport:
        answer = ask_when_free(transport, " ".join(["send-test", *(to or [])]), show, say_busy)
    if not answer.done:
        return complain(answer.text, WRONG)
    console.print(Text(printable(answer.text), "bold"))
    return WRONG if failed else FINE


def stage_view(name: str, value: Any) -> Text:
    """Return a line for a stage of a test mail: the time in ms, and what was said."""
    if name.endswith(" failed"):
        return Text(printable(f"{name}: {value}"), "bold red")
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], int):
        return Text(printable(f"{name:<32} {value[0]:>6} ms  {value[1]}"))
    shown = ", ".join(value) if isinstance(value, list) else str(value)
    return Text(printable(f"{name}: {shown}"))


@outbox.command("list")
@reports
def list_command(port: Port = AUTO) -> int:
    """Show what waits, and what was refused for good and is parked."""
    answer = told(port, "outbox")
    if not answer.done:
        return complain(answer.text, WRONG)
    if answer.lines:
        console.print(entries_view(entries(answer.lines)))
    console.print(printable(answer.text), markup=False)
    return FINE


@outbox.command()
@reports
def export(
    file: Annotated[Path | None, typer.Argument(help="The file; the terminal if none.")] = None,
    port: Port = AUTO,
) -> int:
    """Write all that is in the outbox as JSON; nothing is taken from it."""
    if file and file.exists():
        raise typer.BadParameter(f"{file} exists; choose another name", param_hint="FILE")
    answer = told(port, "outbox")
    if not answer.done:
        return complain(answer.text, WRONG)
    found = [one.model_dump() for one in entries(answer.lines)]
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if not file:
        print(text, end="")
        return FINE
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        message = f"{file}: {error.strerror}; choose a folder that you may write to"
        raise typer.BadParameter(message, param_hint="FILE") from None
    console.print(f"{file}: {len(found)} notices", markup=False)
    return FINE


@outbox.command()
@reports
def park(
    key: Annotated[str, typer.Argument(help="As outbox list shows it; its end is enough.")],
    port: Port = AUTO,
) -> int:
    """Mail a notice no more, but keep it on the board."""
    return carry_out(order(port, "outbox", "park", word(key, "KEY")))


@outbox.command()
@reports
def retry(
    key: Annotated[str, typer.Argument(help="As outbox list shows it, or all.")],
    port: Port = AUTO,
) -> int:
    """Mail again what is parked."""
    return carry_out(order(port, "outbox", "retry", word(key, "KEY")))


@reports
def ack(
    tag: Annotated[str, typer.Argument(help="The tag of an alarm, or all.")], port: Port = AUTO
) -> int:
    """Acknowledge an alarm."""
    return carry_out(told(port, f"ack {word(tag, 'TAG')}"))


@reports
def logs(port: Port = AUTO) -> int:
    """Show the last boots, warnings and errors, also from before the last reset."""
    answer = told(port, "logs")
    for _, line in answer.lines:
        console.print(line_view(str(line)))
    return FINE if answer.done else complain(answer.text, WRONG)


def word(text: str, hint: str) -> str:
    """Return an argument that is one word, as the board's command line needs it."""
    if len(text.split()) != 1 or not text.isprintable():
        raise typer.BadParameter(f"{text!r}: give one word", param_hint=hint)
    return text


def carry_out(answer: Answer) -> int:
    """Show what a board has done; return the exit status."""
    for name, value in answer.lines:
        console.print(f"{name}: {value}", markup=False)
    if not answer.done:
        return complain(answer.text, WRONG)
    console.print(printable(answer.text), markup=False)
    return FINE
