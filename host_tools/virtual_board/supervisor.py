"""The supervisor: it starts the board's process, passes its console on, and answers its end.

A board that resets ends its process, and the next one is told why. Ctrl-C is a signal while a
program runs, and an octet like others while the prompt reads; the hardware page tells which.
"""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from host_tools.virtual_board.device import layout
from host_tools.virtual_board.page import Page
from host_tools.virtual_board.terminal import Terminal, read, write

CTRL_C = 3
PENDING = 1  # ms between looks at what the board does, while something waits for it
IDLE = 20  # ms between looks whether a tool has opened the port
ASLEEP = 0.3  # seconds to wait for a moment at which a signal is harmless

PF_EXITING = 4

CAUSES = {
    layout.EXIT_HARD: layout.HARD,
    layout.EXIT_SOFT: layout.SOFT,
    layout.EXIT_SLEEP: layout.DEEP_SLEEP,
    -signal.SIGALRM: layout.WATCHDOG,
}
KEPT = {  # what a boot clears, by its cause
    layout.SOFT: (),
    layout.HARD: ("watchdog", "raw", "leaked", "made"),
    layout.WATCHDOG: ("watchdog", "raw", "leaked", "made"),
    layout.DEEP_SLEEP: ("watchdog", "raw", "leaked", "made"),
}
LOST = ("memory", "memory_length", "scratch", "operations", "programs", "erases", "wedged")


class Supervisor:
    """A thread that looks after one board.

    heard: called with each piece of the console's output
    ended: called with words when the board's power has failed or its process has crashed
    """

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        page: Page,
        port: Path,
        heard: Callable[[bytes], None],
        ended: Callable[[str], None],
    ):
        self.page = page
        self.terminal = Terminal(port)
        self._command = command
        self._environment = environment
        self._heard = heard
        self._ended = ended
        self._process: subprocess.Popen | None = None
        self._pidfd = -1
        self._lock = threading.RLock()
        self._typed = bytearray()  # for the board
        self._shown = bytearray()  # for the tool
        self._checks = False  # whether a Ctrl-C given as an octet may have come too late
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        self._calls: list[Callable[[], None]] = []  # for the thread
        self._going = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def start(self, cause: int) -> None:
        """Start the board's process."""
        with self._lock:
            page = self.page
            names = KEPT.get(cause)
            for name in (*KEPT[layout.HARD], *LOST) if names is None else names:
                page.fill(name)
            page.fill("armed")
            page.fill("stops")
            if cause != layout.SOFT:
                page.fill("driven", layout.MISSING)
                page.fill("pulls", layout.MISSING)
                page.origin = cause
            page.console = layout.BOOTING
            page.cause = cause
            page.boots += 1
            slave = self.terminal.slave
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
            )
            self._pidfd = os.pidfd_open(self._process.pid)
        self._wake()

    def kill(self) -> None:
        """End the board's process at once."""
        with self._lock:
            if self._process:
                self._process.kill()
                self._process.wait()
                self._reap()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the board stand still for a moment; its watchdog does not."""
        with self._lock:
            process = self._process
            if not process:
                yield
                return
            process.send_signal(signal.SIGSTOP)
            try:
                while status(process.pid)[0] not in "TZX":
                    time.sleep(0.0001)
                yield
            finally:
                process.send_signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether there is a process, or will be once its reset is done."""
        with self._lock:
            return self._process is not None

    def gone(self, boot: int) -> bool:
        """Tell whether a boot has ended without a word to those it was connected with."""
        if self.page.parted == boot:
            return False
        process = self._process
        return self.page.boots != boot or process is None or exiting(process.pid)

    def type(self, data: bytes) -> None:
        """Type on the console."""
        with self._lock:
            self._typed += data
        self._wake()

    def plug(self, there: bool) -> None:
        """Let the port be there or not; returns when it is so."""
        done = threading.Event()
        change = self.terminal.plug if there else self.terminal.unplug
        self._calls += (change, done.set)
        self._wake()
        done.wait()

    def interrupt_pin(self) -> None:
        """Tell the board that a pin has had an edge."""
        with self._lock:
            if self._process:
                self._process.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        """End everything."""
        self.kill()
        self._going = False
        self._wake()
        self._thread.join()
        self.terminal.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _wake(self) -> None:
        os.write(self._wake_in, b"w")

    def _reap(self) -> None:
        """Forget the process that has ended."""
        self._process = None
        os.close(self._pidfd)
        self._pidfd = -1

    def _run(self) -> None:
        """Look after the board until close()."""
        while self._going:
            self._wait()
            read(self._wake_out)
            while self._calls:
                self._calls.pop(0)()
            self._listen()
            with self._lock:
                self._deliver()
                if self._process and self._process.poll() is not None:
                    self._answer_end()

    def _wait(self) -> None:
        """Sleep until something happens."""
        poller = select.poll()
        poller.register(self._wake_out, select.POLLIN)
        if self._pidfd >= 0:
            poller.register(self._pidfd, select.POLLIN)
        if not self._shown:
            poller.register(self.terminal.inner, select.POLLIN)
        client = self.terminal.has_client()
        if client:
            events = select.POLLIN | (select.POLLOUT if self._shown else 0)
            poller.register(self.terminal.outer, events)
        poller.poll(PENDING if self._typed or self._checks else None if client else IDLE)

    def _listen(self) -> None:
        """Take what the board and the tool say."""
        if not self._shown and (data := read(self.terminal.inner)):
            self._heard(data)
            self._shown += data
        if not self.terminal.has_client():
            self._shown.clear()  # like a wire that nobody listens to
            return
        if self._shown:
            del self._shown[: write(self.terminal.outer, bytes(self._shown))]
        if data := read(self.terminal.outer):
            with self._lock:
                self._typed += data

    def _deliver(self) -> None:
        """Give the board what was typed."""
        if not self._process:
            self._typed.clear()
            return
        console = self.page.console
        if self._checks:
            self._check(console)
        elif console == layout.PROGRAM and CTRL_C in self._typed:
            self._typed.remove(CTRL_C)
            self._interrupt()
        elif self._typed and console != layout.BOOTING:
            end = self._typed.find(CTRL_C) + 1 if console == layout.PROMPT else 0
            went = write(self.terminal.inner, bytes(self._typed[: end or None]))
            self._checks = bool(end) and went == end
            del self._typed[:went]

    def _check(self, console: int) -> None:
        """Find out whether the prompt has taken a Ctrl-C, or a program began before."""
        if not self.terminal.unread():
            self._checks = False
        elif console == layout.PROGRAM:
            self._checks = False
            self.terminal.forget()
            self._interrupt()

    def _interrupt(self) -> None:
        """Stop the program by a signal.

        An interpreter in which the board did not find where to put it raises the exception out of
        its signal handler, which may do harm unless the process sleeps.
        """
        assert self._process
        if self.page.stops:
            self.page.interrupts = (self.page.interrupts + 1) & 255
            self._process.send_signal(signal.SIGUSR1)
            return
        end = time.monotonic() + ASLEEP
        while not asleep(self._process.pid) and time.monotonic() < end:
            time.sleep(0.001)
        if self.page.console == layout.PROGRAM:
            self._process.send_signal(signal.SIGINT)

    def _answer_end(self) -> None:
        """Start the board again, unless its power has failed."""
        assert self._process
        status = self._process.returncode
        self._reap()
        while data := read(self.terminal.inner):
            self._heard(data)
            self._shown += data
        cause = CAUSES.get(status)
        if cause:
            self.start(cause)
        elif status == -signal.SIGKILL:
            self.page.cut = 0
            self._ended("power cut")
        else:
            self._ended(f"crashed with status {status}")


def asleep(pid: int) -> bool:
    """Tell whether a process waits for something."""
    return status(pid)[0] == "S"


def exiting(pid: int) -> bool:
    """Tell whether a process is at its end, at which the kernel closes its connections."""
    state, flags = status(pid)
    return state in "ZX" or bool(flags & PF_EXITING)


def status(pid: int) -> tuple[str, int]:
    """Return the state of a process and its flags, as proc_pid_stat(5) has them."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return fields[0], int(fields[6])
