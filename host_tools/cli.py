"""`alarmpost`: the commands that run on a PC, one module a group."""

import io
import sys

import typer

from host_tools.demo import demo
from host_tools.fake_smtp.command import fake_smtp
from host_tools.flash.command import flash
from host_tools.gateway.command import gateway
from host_tools.plant.command import check, new
from host_tools.workbench.command import board

COMMANDS = {
    "demo": demo,
    "board": board,
    "new": new,
    "check": check,
    "flash": flash,
    "fake-smtp": fake_smtp,
}
GROUPS = {
    "gateway": gateway,
}

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def alarmpost() -> None:
    """Alarm e-mail from MicroPython boards."""


for name, function in COMMANDS.items():
    app.command(name)(function)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


def main() -> int:
    """Run the command line and return the exit status; what goes wrong becomes one line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals without UTF-8
    try:
        return app(standalone_mode=False) or 0
    except Exception as error:
        if message := one_line(error):  # empty after the help that a bare `alarmpost` prints
            print(f"alarmpost: {message}", file=sys.stderr)
        return getattr(error, "exit_code", 1)


def one_line(error: Exception) -> str:
    """Say in one line what went wrong; typer's errors have a text made for users."""
    made_for_users = getattr(error, "format_message", None)
    message = made_for_users() if made_for_users else f"{type(error).__name__}: {error}"
    return " ".join(message.split())


if __name__ == "__main__":
    sys.exit(main())
