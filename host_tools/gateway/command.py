"""`alarmpost gateway`: new, render, check, try, watch."""

import getpass
import ipaddress
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_tools.gateway import facts
from host_tools.gateway.check import Target, check, report
from host_tools.gateway.model import (
    Gateway,
    check_password,
    read_gateway,
    read_password,
)
from host_tools.gateway.render import HERE, facts_of, render, write
from host_tools.gateway.results import FAIL, PASS, SKIP, UNKNOWN, Result, status
from host_tools.gateway.settings import SMTP
from host_tools.gateway.systems import SYSTEMS
from host_tools.toml_file import BadFileError, complain

FILE = Path("gateway.toml")
STYLES = {PASS: "green", FAIL: "bold red", SKIP: "yellow"}

gateway = typer.Typer(no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="The gateway's or the plant's TOML file.")]


@gateway.callback()
def group() -> None:
    """Make, prove and watch the mail gateway: a Postfix between boards and a provider."""


@gateway.command()
def new(file: File = FILE) -> None:
    """Write a TOML file with comments, to be filled in."""
    if file.exists():
        raise typer.BadParameter(f"{file} exists; choose another name", param_hint="FILE")
    try:
        write(file, (HERE / "files" / "gateway.toml").read_text("utf-8"), 0o644)
    except OSError as error:
        message = f"{file}: {error.strerror}; choose a folder that you may write to"
        raise typer.BadParameter(message, param_hint="FILE") from None
    print(f"{file}: fill it in, then: alarmpost gateway try {file}")


@gateway.command("render")
def render_command(
    system: Annotated[str, typer.Option("--for", help="debian (also Raspberry Pi) or openwrt.")],
    file: File = FILE,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("gateway"),
    password_file: Annotated[
        Path | None, typer.Option(help="Holds the provider's password; instead of the TOML's.")
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The gateway has it, or install.sh asks for it.")
    ] = False,
) -> int:
    """Write what the gateway needs into a folder: copy it there and run install.sh."""
    if system not in SYSTEMS:
        message = f"{system}: choose {' or '.join(SYSTEMS)}"
        raise typer.BadParameter(message, param_hint="--for")
    try:
        model = read_gateway(file)
        password = "" if no_password else find_password(model, file, password_file)
        written = render(model, SYSTEMS[system], password, out)
    except BadFileError as error:
        return complain(error, 1)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}; choose a folder that you may write to"
        raise typer.BadParameter(message, param_hint="--out") from None
    for path in written:
        print(path)
    print(f"\ncopy the folder and install: scp -r {out} root@GATEWAY: && ssh root@GATEWAY sh "
          f"{out.name}/install.sh")  # fmt: skip
    return 0


def find_password(model: Gateway, file: Path, given: Path | None) -> str:
    """Return the password from a file, or ask for it."""
    named = model.provider.password_file
    if given or named:
        return read_password(given or file.parent / str(named))
    if not sys.stdin.isatty():
        field = "gateway.provider.password_file"
        raise BadFileError(
            [f"{field}: missing: name one, or run this at a terminal, or give --no-password"]
        )
    provider = model.provider
    try:
        return check_password(getpass.getpass(f"Password of {provider.user} at {provider.host}: "))
    except ValueError as error:
        raise BadFileError([f"password: {error}"]) from None


@gateway.command("check")
def check_command(
    host: Annotated[str, typer.Argument(help="The gateway's address.")],
    file: Annotated[
        Path | None, typer.Option("--config", help="The TOML file, or gateway.json as rendered.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = SMTP,
    source: Annotated[str, typer.Option(help="The address to come from.")] = "",
    sender: Annotated[str, typer.Option(help="An allowed sender; without --config.")] = "",
    recipient: Annotated[str, typer.Option(help="An allowed recipient; without --config.")] = "",
    smuggling: Annotated[
        bool, typer.Option("--smuggling", help="Smuggling probes, too: they send mail.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Probe a gateway from here; exit status 0: all passed, 2: something failed, 3: no answer."""
    try:
        known = find_facts(file, sender, recipient, port)
    except BadFileError as error:
        return complain(error, UNKNOWN)
    check_source(source)
    console = Console(highlight=False, emoji=False)
    results = list(check(Target(host, port, source, smuggling), known))
    if as_json:
        print(report(host, results))
    else:
        show(results, console)
    return status(results)


def check_source(source: str) -> None:
    """Check --source."""
    try:
        ipaddress.ip_address(source or "127.0.0.1")
    except ValueError:
        message = f"{source}: give an IP address of this computer"
        raise typer.BadParameter(message, param_hint="--source") from None


def find_facts(file: Path | None, sender: str, recipient: str, port: int) -> facts.Facts:
    """Return what is known of the gateway: from a file, or from options."""
    if file is None and FILE.exists() and not (sender or recipient):
        file = FILE
    if file is None:
        senders, recipients = ([address] if address else [] for address in (sender, recipient))
        return facts.Facts(senders=senders, recipients=recipients, port=port)
    if file.suffix == ".json":
        try:
            return facts.load(file)
        except (OSError, ValueError) as error:
            raise BadFileError([f"{file}: {error}"]) from None
    return facts_of(read_gateway(file), port=port)


def show(results: list[Result], console: Console) -> None:
    """Show the results as a table, then what to do."""
    table = Table(box=SIMPLE_HEAD)
    for name, width in (("", 4), ("probe", 28), ("expected", 24), ("answer", None)):
        table.add_column(name, no_wrap=True, max_width=width)
    for result in results:
        table.add_row(
            Text(result.verdict, STYLES[result.verdict]),
            *(Text(printable(text)) for text in (result.name, result.expect, result.answer)),
        )
    console.print(table)
    for result in results:
        if result.verdict == FAIL:
            console.print(failure(result), soft_wrap=True)
    count = {name: sum(result.verdict == name for result in results) for name in STYLES}
    console.print(f"{count[PASS]} passed, {count[FAIL]} failed, {count[SKIP]} skipped")


def failure(result: Result) -> Text:
    """Show a failure in full."""
    return Text.assemble(
        (f"{result.name}\n", "bold red"),
        f"  expected: {printable(result.expect)}\n  answer: {printable(result.answer)}\n",
        (f"  {printable(result.remedy)}\n", "bold"),
    )


def printable(text: str) -> str:
    """Show control characters, which a server may send, as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@gateway.command("try")
def try_command(
    file: File = FILE,
    smuggling: Annotated[bool, typer.Option("--smuggling", help="Smuggling probes, too.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it running until Ctrl-C, to try it by hand.")
    ] = False,
) -> int:
    """Run the configuration on loopback with a stand-in provider, and check it; nothing stays."""
    from host_tools.gateway import trial

    try:
        model = read_gateway(file)
    except BadFileError as error:
        return complain(error, 1)
    for number in (signal.SIGTERM, signal.SIGHUP):  # else Postfix would be left behind
        signal.signal(number, signal.default_int_handler)
    return trial.run(model, Console(highlight=False, emoji=False), smuggling, keep)


@gateway.command("watch")
def watch_command(
    file: Annotated[Path, typer.Option("--facts", help="gateway.json, as rendered.")] = Path(
        "/usr/local/lib/alarmpost/gateway.json"
    ),
    once: Annotated[bool, typer.Option("--once", help="Look once, for monitoring.")] = False,
    last: Annotated[bool, typer.Option("--status", help="What the daemon saw last.")] = False,
) -> int:
    """Look after queue, log and boards; on the gateway itself."""
    from host_tools.gateway.watch import daemon

    try:
        known = facts.load(file)
    except (OSError, ValueError) as error:
        message = f"{error}; give the file that was rendered"
        raise typer.BadParameter(message, param_hint="--facts") from None
    if last:
        return daemon.last(known)
    return daemon.once(known) if once else daemon.run(known)
