"""The firmware as a board has it: compiled, in a folder of its own, run by MicroPython there."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP, Session
from host_tools.mpy import compile_file
from tests import tls

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
FIRMWARE = HERE.parent.parent / "firmware"
CLIENT = FIRMWARE / "smtp_client"

NOT_ON_A_BOARD = ("cpython.py", "theirs.py")
PATIENCE = 60.0
"""Seconds after which a program counts as hung."""


class ProgramError(Exception):
    """A program failed, or the server did not get what it was to get."""


@dataclass(frozen=True)
class Outcome:
    """What came of a program: its exit status, what it printed, and the server's record."""

    status: int
    output: str
    complaint: str
    sessions: list[Session]

    def checked(self) -> "Outcome":
        """Raise `ProgramError` when the program failed."""
        if self.status:
            raise ProgramError(self.complaint or self.output or f"exit status {self.status}")
        return self


@dataclass(frozen=True)
class Board:
    """A folder with the compiled client and programs, and the MicroPython to run them.

    The folder is the current one while a program runs, so that no path takes heap.
    """

    folder: Path
    interpreter: Path

    @property
    def apart(self) -> Path:
        """A folder where each module of the client can be imported by itself.

        Its package `smtp_client` is empty; the real package's own code is the module `package`.
        """
        return self.folder / "apart"

    def run(self, program: str, *arguments: object, folder: Path | None = None) -> Any:
        """Run a program that needs no server; return what it printed, read as JSON."""
        words = (self.interpreter, "-m", program, *arguments)
        return json.loads(run(words, folder or self.folder).checked().output)

    def attempt(
        self, scenario: str, program: str, *arguments: object, heap: int = 0, secure: bool = False
    ) -> Outcome:
        """Run a program against a server; it may fail.

        heap: octets of heap that the program has, 0 for plenty
        secure: the server has TLS 1.3 and wants a password; the file `ca.pem` proves it
        """
        limit = ("-X", f"heapsize={heap}") if heap else ()
        if secure:
            (self.folder / "ca.pem").write_text(tls.ca())
        context = tls.context("TLS 1.3") if secure else None
        accounts = {"plc7": "secret"} if secure else None
        with FakeSMTP(scenario, tls=context, accounts=accounts) as server:
            words = (self.interpreter, *limit, "-m", program, server.port, *arguments)
            outcome = run(words, self.folder, server.sessions)
            for session in server.sessions:
                session.wait_closed()
        return outcome

    def send(self, scenario: str, program: str, *arguments: object, mails: int = 1) -> Outcome:
        """Run a program that sends so many mails in one session; they must arrive."""
        outcome = self.attempt(scenario, program, *arguments).checked()
        arrived = [len(session.mails) for session in outcome.sessions]
        faults = [fault for session in outcome.sessions for fault in session.faults]
        if arrived != [mails] or faults:
            raise ProgramError(f"{program}: mails by session {arrived}, faults {faults}")
        return outcome


@contextmanager
def make_board() -> Iterator[Board]:
    """Compile everything for a 32-bit board; raises `micropython.MissingError`."""
    interpreter = micropython.find(32)
    with tempfile.TemporaryDirectory(prefix="alarmpost-bench-") as folder:
        board = Board(Path(folder), interpreter)
        compile_all(PROGRAMS, board.folder)
        compile_all(CLIENT, board.folder / "smtp_client")
        take_apart(board)
        yield board


def compile_all(sources: Path, folder: Path) -> None:
    """Compile the files of a folder for a board.

    Each is called there, in a traceback say, what it is called when it is imported: a name less.
    """
    folder.mkdir(exist_ok=True)
    package = f"{folder.name}/" if (sources / "__init__.py").exists() else ""
    for source in sources.glob("*.py"):
        if source.name not in NOT_ON_A_BOARD:
            target = folder / source.with_suffix(".mpy").name
            compile_file(source, target, package + target.name)


def take_apart(board: Board) -> None:
    """Fill the folder `apart`."""
    package = board.apart / "smtp_client"
    shutil.copytree(board.folder / "smtp_client", package)
    (package / "__init__.mpy").rename(package / "package.mpy")
    (package / "__init__.py").touch()
    shutil.copy(board.folder / "imports.mpy", board.apart)


def run(words: tuple[object, ...], folder: Path, sessions: list[Session] | None = None) -> Outcome:
    """Run a command in a folder; `sessions` is what a server records meanwhile."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, sessions or [])
