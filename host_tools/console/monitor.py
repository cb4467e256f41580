"""`alarmpost monitor`: the console of a board, line by line, as long as somebody watches."""

import queue
import sys
import threading
import time
from datetime import datetime
from typing import cast

from mpremote.transport_serial import SerialTransport
from rich.console import Console
from rich.text import Text
from serial import Serial

from host_tools.console.protocol import AT_PROMPT, PROMPT
from host_tools.console.show import line_view
from host_tools.serial_port import PortError, connected

GLANCE = 0.1  # seconds
RETRY = 0.5  # seconds between looks whether the board is back


class Monitor:
    """What a board says, with the time at the PC, and what is typed, to the board.

    port: a path, or "auto"
    """

    def __init__(self, port: str, console: Console):
        self.port = port
        self.console = console
        self.typed: queue.Queue[str] = queue.Queue()

    def run(self) -> None:
        """Go on until Ctrl-C; raises `PortError` where there is no board in the beginning."""
        threading.Thread(target=self._read_keys, daemon=True).start()
        lost = None  # nobody has met it yet
        while True:
            try:
                with connected(self.port) as transport:
                    self._note(f"{transport.device_name}: Ctrl-C leaves, help tells what to type")
                    lost = False
                    self._follow(transport)
            except PortError as error:
                if lost is None:
                    raise
                if not lost:
                    self._note(f"{error}; waiting for it")
                lost = True
                time.sleep(RETRY)

    def _read_keys(self) -> None:
        """Take lines from the keyboard, in a thread of its own."""
        for line in sys.stdin:
            self.typed.put(line.strip())

    def _follow(self, transport: SerialTransport) -> None:
        """Show what the board says, and tell it what is typed."""
        port = cast("Serial", transport.serial)
        port.timeout = GLANCE
        left = b""
        while True:
            data = port.read(max(1, port.in_waiting))
            *whole, left = (left + data).split(b"\n")
            for line in whole:
                self._show(line)
            if not data and left.startswith(PROMPT):
                self._note(AT_PROMPT.format(port=transport.device_name))
                left = b""
            while not self.typed.empty():
                port.write(f"= {self.typed.get()}\r".encode())  # with a mark, so it is not echoed

    def _show(self, line: bytes) -> None:
        """Show a line."""
        text = line.decode(errors="replace").rstrip("\r")
        self.console.print(stamp(), line_view(text))

    def _note(self, text: str) -> None:
        """Say something of our own."""
        self.console.print(stamp(), Text(f"-- {text}", "cyan"))


def stamp() -> Text:
    """Return the time at the PC."""
    return Text(f"{datetime.now().astimezone():%H:%M:%S}", "dim")
