"""The raw REPL as a tool sees it, over the console of a virtual board."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host_tools.virtual_board.board import VirtualBoard

READY = "raw REPL; CTRL-B to exit\r\n>"


class RawREPL:
    """One conversation; the console's text is what it reads."""

    def __init__(self, board: "VirtualBoard", timeout: float):
        self._board = board
        self._timeout = timeout
        self._at = len(board._heard)

    def run(self, source: str, soft_reset: bool) -> tuple[str, str]:
        """Run a program; return what it printed, and the traceback where it failed."""
        self._say("\r\x03", None)
        self._say("\r\x01", READY)
        if soft_reset:
            self._say("\x04", "soft reboot\r\n")
            self._wait(READY)
        self._say(source, None)
        self._say("\x04", "OK")
        output = self._until("\x04")
        failure = self._until("\x04")
        self._wait(">")
        return output.replace("\r\n", "\n"), failure.replace("\r\n", "\n")

    def _say(self, text: str, answer: str | None) -> None:
        self._board.type(text)
        if answer is not None:
            self._wait(answer)

    def _wait(self, text: str) -> None:
        self._at = self._board.wait_for(text, self._timeout, self._at)

    def _until(self, mark: str) -> str:
        start = self._at
        self._wait(mark)
        return self._board._heard[start : self._at - len(mark)].decode(errors="replace")
