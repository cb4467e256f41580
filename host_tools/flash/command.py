"""`alarmpost flash`: a board of the plant's file gets the firmware and its configuration."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from host_tools.flash.check import RefusedError
from host_tools.flash.contents import MAIN, UPDATE
from host_tools.flash.jobs import Client, Configuration, Firmware
from host_tools.flash.plan import NOT_OURS, File, Plan, digest, digest_of, missing
from host_tools.flash.restart import NotReadyError, wait_ready, words
from host_tools.flash.session import Facts, Session
from host_tools.mpy import CompileError
from host_tools.plant import BadFileError, Plant, read_plant
from host_tools.serial_port import AUTO, PortError, connected

FILE = Path("plant.toml")
LISTED = 3
"""How many files a message names."""

OWN = "import alarmpost"
"""What a user's program in the place of main.py has in it."""

WRONG = 2
STOPPED = 130
"""Exit statuses: something is wrong with the file; Ctrl-C."""

Job = Firmware | Client


def flash(
    file: Annotated[Path, typer.Argument(help="The plant's TOML file.")] = FILE,
    device: Annotated[
        str, typer.Option(help="Which board of the file; the only one if not given.")
    ] = "",
    port: Annotated[
        str, typer.Option(help="The board's serial port; auto is the only board at the PC.")
    ] = AUTO,
    only_config: Annotated[
        bool, typer.Option("--only-config", help="Leave the firmware as it is.")
    ] = False,
    only_client: Annotated[
        bool,
        typer.Option("--only-client", help="Put smtp_client into /lib, for programs of yours."),
    ] = False,
    replace_main: Annotated[
        bool, typer.Option("--replace-main", help="Replace another program on the board.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; the board is restarted.")
    ] = False,
) -> int:
    """Put the firmware and a configuration onto a board that has MicroPython.

    Only what differs is copied. Wherever cable or power fail meanwhile, the
    board runs all of the old or all of the new; alarms that wait stay.

    Exit status 0: the board is ready.
    """
    console = Console(highlight=False, emoji=False, markup=False, soft_wrap=True)
    try:
        job = chosen(file, device, only_config, only_client)
        return run(job, port, replace_main, dry_run, console)
    except BadFileError as error:
        complain(*error.lines)
        return WRONG
    except (CompileError, NotReadyError, PortError, RefusedError) as error:
        return complain(str(error))
    except KeyboardInterrupt:
        complain("stopped; the board runs all of the old, or all of the new")
        return STOPPED


def complain(*lines: str) -> int:
    """Say what is wrong."""
    for line in lines:
        print(f"alarmpost: {line}", file=sys.stderr)
    return 1


def chosen(file: Path, device: str, only_config: bool, only_client: bool) -> Job:
    """Return what is to be flashed."""
    if only_config and only_client:
        raise typer.BadParameter("give one of them", param_hint="--only-config, --only-client")
    if only_client:
        return Client()
    plant = read_plant(file)
    return (Configuration if only_config else Firmware)(plant, named(plant, device))


def named(plant: Plant, device: str) -> str:
    """Return the name of the board that is meant."""
    names = list(plant.devices)
    if not device and len(names) == 1:
        return names[0]
    if device not in names:
        what = f"{device}: not in {plant.path}" if device else f"{plant.path} has {len(names)}"
        raise typer.BadParameter(f"{what}: give {' or '.join(names)}", param_hint="--device")
    return device


def run(job: Job, port: str, replace_main: bool, dry_run: bool, console: Console) -> int:
    """Flash a board; return the exit status."""
    with connected(port) as transport:
        with started(Session(transport), job) as session:
            made = prepared(session, job, replace_main, console)
            if dry_run:
                show(made, console)
            else:
                carry_out(session, job, made, console)
        if dry_run or isinstance(job, Client):
            return 0
        with console.status("waiting until the board is ready"):
            heard = wait_ready(transport)
    trouble, ready = words(heard)
    for line in (*trouble, ready):
        console.print(f"{job.name}: {line}")
    return int(any(" warning " not in line for line in trouble))


@contextlib.contextmanager
def started(session: Session, job: Job) -> Iterator[Session]:
    """Stop the program on the board for a while; afterwards the board starts what it has.

    Where the board cannot be told so, its watchdog does it after 8 s.
    """
    try:
        session.start()
    except PortError as error:
        raise PortError(f"{error}: {job.remedy}") from None
    try:
        yield session
        session.reset()
    except BaseException:
        session.give_up()
        raise


def prepared(session: Session, job: Job, replace_main: bool, console: Console) -> Plan:
    """Look at a board and refuse it, or return what is to be done; nothing is written yet."""
    facts = session.facts(job.network)
    version = ".".join(str(part) for part in facts.version)
    console.print(f"{job.name}: {facts.machine}, MicroPython {version}, {session.port}")
    job.check(facts)
    files = session.files(NOT_OURS)
    if UPDATE in files:  # one that the power has interrupted
        session.order(("finish",))
        files = session.files(NOT_OURS)
    record = session.record()
    made = job.plan(files, record)
    if MAIN in made.foreign and not replace_main and OWN in session.text(MAIN):
        console.print(f"{job.name}: main.py is a program of yours, it stays")
        job.leave_main()
        made = job.plan(files, record)
    if made.foreign and not replace_main:
        raise RefusedError(
            f"{listed(made.foreign)} on the board: not put there by alarmpost; "
            "--replace-main overwrites what is in the way"
        )
    refuse_full(made, files, facts)
    return made


def refuse_full(made: Plan, files: dict[str, File], facts: Facts) -> None:
    """Refuse a board whose flash has too little room."""
    lack = missing(made, files, facts.free, facts.block)
    if lack:
        sizes = sorted(((file.size, path) for path, file in files.items()), reverse=True)
        largest = listed([path for _, path in sizes])
        raise RefusedError(
            f"the board's flash is full, {kilobytes(lack)} are missing: "
            f"remove files of yours; the largest are {largest}"
        )


def show(made: Plan, console: Console) -> None:
    """Say what would be done."""
    for path, data in made.copy.items():
        console.print(f"would copy {path}, {len(data)} octets")
    for path in made.remove:
        console.print(f"would remove {path}")
    if not made.copy:
        console.print("nothing to copy")


def carry_out(session: Session, job: Job, made: Plan, console: Console) -> None:
    """Do what was planned."""
    session.set_clock()
    session.remove(made.drop)
    if not made.pending:
        console.print(f"{job.name}: nothing to copy, the board has it all")
        return
    columns = (TextColumn("copying"), BarColumn(), DownloadColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=made.octets)
        session.copy(made.copy, lambda octets: progress.advance(task, octets))
    job.commit(session)
    verify(session, job)
    console.print(f"{job.name}: {made}, all verified")


def verify(session: Session, job: Job) -> None:
    """Look at all of the files once more, in their places."""
    files = session.files(NOT_OURS)
    wrong = [path for path, data in job.wanted.items() if digest_of(files, path) != digest(data)]
    if wrong:
        raise PortError(f"{session.port}: {listed(wrong)} on flash: not as copied; flash again")
    session.remove([path for path in files if path.startswith("new/")])


def listed(paths: list[str]) -> str:
    """Name some files, and count the others."""
    more = len(paths) - LISTED
    return ", ".join(paths[:LISTED]) + (f" and {more} more" if more > 0 else "")


def kilobytes(octets: int) -> str:
    """Return a size in words."""
    return f"{-(-octets // 1024)} kB"
