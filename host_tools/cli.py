"""`alarmpost`: the commands that run on a PC, one module a group."""

import sys

import typer

from host_tools.fake_smtp.command import fake_smtp

COMMANDS = {
    "fake-smtp": fake_smtp,
}

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def alarmpost() -> None:
    """Alarm e-mail from MicroPython boards."""


for name, function in COMMANDS.items():
    app.command(name)(function)


def main() -> int:
    """Run the command line and return the exit status; what goes wrong becomes one line."""
    sys.stdout.reconfigure(
        errors="backslashreplace"
    )  # a terminal without UTF-8 is no reason to end
    try:
        return app(standalone_mode=False) or 0
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user
        print(f"alarmpost: {one_line(error)}", file=sys.stderr)
        return getattr(error, "exit_code", 1)


def one_line(error: Exception) -> str:
    """Say in one line what went wrong; typer's errors have a text made for users."""
    if hasattr(error, "format_message"):
        return " ".join(error.format_message().split())
    return " ".join(f"{type(error).__name__}: {error}".split())


if __name__ == "__main__":
    sys.exit(main())
