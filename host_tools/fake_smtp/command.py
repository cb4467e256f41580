"""`alarmpost fake-smtp`: the fake server as an inbox for people."""

import asyncio
import errno
import ipaddress
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_tools.fake_smtp.scenarios import SCENARIOS, find_scenario
from host_tools.fake_smtp.script import Scenario
from host_tools.fake_smtp.server import FakeSMTP, make_folder
from host_tools.fake_smtp.session import Event
from host_tools.fake_smtp.show import event_view, mail_view, printable

REMEDIES = {
    # errno: (the option to change, what is wrong and what helps)
    errno.EADDRINUSE: ("--port", "{port} is in use; choose another one, or 0 for any free one"),
    errno.EACCES: ("--port", "{port} is for privileged users only; choose one from 1024, as 2525"),
    errno.EADDRNOTAVAIL: ("--host", "{host} is not an address of this computer"),
}
NO_SUCH_HOST = ("--host", "{host} is no address and no name that is known here")


def fake_smtp(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 2525,
    scenario: Annotated[
        str, typer.Option(help="What to do: a name from --list-scenarios, or STAGE=ACTION; ...")
    ] = "default",
    folder: Annotated[
        Path | None, typer.Option(help="Keep each mail there as .eml; else mails are only shown.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End after the first connection.")] = False,
    list_scenarios: Annotated[
        bool, typer.Option("--list-scenarios", help="Show the named scenarios and end.")
    ] = False,
) -> None:
    """Take mails from a board and show them; deliver nothing; misbehave on request."""
    console = Console(highlight=False, emoji=False)
    if list_scenarios:
        console.print(scenario_table())
        return
    server = FakeSMTP(read_scenario(scenario), host=host, port=port, folder=read_folder(folder))
    try:
        asyncio.run(serve(server, console, once))
    except KeyboardInterrupt:
        console.print("\nstopped")
    except (OSError, UnicodeError) as error:  # UnicodeError: a name such as "a..b"
        raise explained(error, host, port) from error


def read_scenario(scenario: str) -> Scenario:
    """Check --scenario."""
    try:
        return find_scenario(scenario)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None


def read_folder(folder: Path | None) -> Path | None:
    """Check --folder by writing into it."""
    try:
        if folder is not None:
            make_folder(folder)
    except OSError as error:
        message = f"{folder}: {error.strerror}; choose a folder that you may write to"
        raise typer.BadParameter(message, param_hint="--folder") from None
    return folder


def explained(error: OSError | UnicodeError, host: str, port: int) -> Exception:
    """Turn what went wrong with listening into one line that names the option and a remedy."""
    if isinstance(error, socket.gaierror | UnicodeError):
        option, remedy = NO_SUCH_HOST
    elif error.errno in REMEDIES:
        option, remedy = REMEDIES[error.errno]
    else:
        return error
    return typer.BadParameter(remedy.format(host=host, port=port), param_hint=option)


async def serve(server: FakeSMTP, console: Console, once: bool) -> None:
    """Run the server and show what happens, until Ctrl-C or the end of the first connection."""
    enough = asyncio.Event()

    def watch(event: Event) -> None:
        console.print(event_view(event), soft_wrap=True)
        if event.mail is not None:
            console.print(mail_view(event.mail), soft_wrap=True)
        if event.kind == "ended":
            server.sessions.clear()  # shown; a server that runs for days must not grow
            server.mails.clear()
            if once:
                enough.set()

    server.watch = watch
    async with server:
        announce(server, console)
        await enough.wait()


def announce(server: FakeSMTP, console: Console) -> None:
    """Say where the server listens, who can reach it, and how to use it."""
    scenario = server.scenario
    kept = f"kept in {server.folder}" if server.folder else "shown here, not kept (see --folder)"
    lines = [
        f"listening on {server.host} port {server.port}",
        f"scenario {scenario.name} ({scenario.description})",
        f"mails are {kept}; nothing is delivered",
        reach(server.host),
        f'on a board: send_mail("{board_address(server.host)}", {server.port}, ...)',
        "Ctrl-C ends",
    ]
    console.print(Text(printable("\n".join(lines), keep="\n")), soft_wrap=True)


def reach(host: str) -> str:
    """Say who can reach the server."""
    if ipaddress.ip_address(host).is_loopback:
        return "only programs on this computer can reach it; for a board give --host 0.0.0.0"
    return "WARNING: everybody on that network can reach it, without a password"


def board_address(host: str) -> str:
    """Return the address under which a board reaches us; for 0.0.0.0 that of the outward route."""
    if not ipaddress.ip_address(host).is_unspecified:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # looks up the route; a datagram socket sends nothing
        except OSError:
            return "address of this computer"
        return probe.getsockname()[0]


def scenario_table() -> Table:
    """Show the named scenarios."""
    table = Table("scenario", "the server ...", "script", title="alarmpost fake-smtp --scenario")
    for name, (description, script) in SCENARIOS.items():
        table.add_row(Text(name, "bold"), Text(description), Text(script, "dim"))
    return table
