"""Tells what happens on a workbench while it happens, and checks what it tells."""

import queue
import re
import textwrap
import time

from rich.console import Console
from rich.text import Text

from host_tools.fake_smtp import Event, Mail
from host_tools.fake_smtp.show import mail_view, printable
from host_tools.virtual_board import VirtualBoardError
from host_tools.workbench import Workbench
from host_tools.workbench.flash import Flash

PATIENCE = 15.0  # seconds that anything may take
PAUSE = 1.2  # seconds to read what is about to happen, where somebody reads
WIDEST = 99
SPEAKERS = {
    "you": "bold yellow",
    "board": "dim",
    "flash": "magenta",
    "gateway": "cyan",
    "ok": "bold green",
    "": "",
}
COLUMN = max(map(len, SPEAKERS)) + 1
TROUBLE = re.compile(r"^\d+\.\d+ (warning|error) ")


class StoryError(Exception):
    """What did not happen, in one line."""


class Story:
    """A story about a workbench; its ears are to be given to that.

    console: where it is told; somebody reads along where that is a terminal
    checked: what was seen to be true
    at_mail: what was on flash when the gateway was last asked to take a mail
    """

    def __init__(self, console: Console):
        console.width = min(console.width, WIDEST)
        self.console = console
        self.checked: list[str] = []
        self.at_mail = Flash()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._line = ""
        self._fatal = ""
        self.bench: Workbench

    # Its ears, called in other threads

    def heard(self, text: str) -> None:
        """Take what the board says."""
        *lines, self._line = (self._line + text).replace("\r", "").split("\n")
        for line in lines:
            self._lines.put(line)

    def watch(self, event: Event) -> None:
        """Look at the flash when the gateway is asked, and cut the power when that is wanted."""
        if (event.kind, event.stage) == (">", "MAIL"):
            self.at_mail = self.bench.flash()
        elif event.mail and self._fatal and self._fatal in subject(event.mail):
            self._fatal = ""
            self.bench.board.cut_power(1, torn=True)

    def cut_power_at(self, tag: str) -> None:
        """Let the power fail at the first write to flash after a mail about a tag was taken."""
        self._fatal = tag

    # What it tells

    def chapter(self, title: str, text: str) -> None:
        """Begin a chapter."""
        self.console.print(f"\n{title}", style="bold")
        self.console.print(textwrap.fill(text, self.console.width) + "\n", soft_wrap=True)
        self.pause()

    def tell(self, who: str, text: str) -> None:
        """Let somebody say a line: one of `SPEAKERS`."""
        style = SPEAKERS[who]
        label = who.ljust(COLUMN)
        for line in textwrap.wrap(printable(text), max(self.console.width - COLUMN, COLUMN)):
            words = (line, style if who == "board" else "")
            self.console.print(Text.assemble((label, style), words), soft_wrap=True)
            label = " " * COLUMN

    def act(self, text: str) -> None:
        """Tell what the reader would do now."""
        self.tell("you", text)
        self.pause()

    def show(self, mail: Mail) -> None:
        """Show a mail as its reader sees it."""
        self.console.print(mail_view(mail))
        self.pause()

    def pause(self) -> None:
        """Leave time to read."""
        if self.console.is_terminal:
            time.sleep(PAUSE)

    # What it finds out

    def hear(self, pattern: str, what: str) -> None:
        """Pass on what the board says until a line has a pattern.

        Raises `StoryError` where it does not come, or a warning instead; `what` is then missing.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise StoryError(f"{what} (not within {PATIENCE:g} s)") from None
            self.tell("board", line)
            if re.search(pattern, line):
                return
            if TROUBLE.match(line):
                raise StoryError(f"{what} (the board says: {line})")

    def check(self, what: str, true: bool) -> None:
        """Note that something is true; raises `StoryError` where it is not."""
        if not true:
            raise StoryError(what)
        self.checked.append(what)

    def check_delivered(self, tag: str) -> None:
        """Check that nothing about a tag waits on flash any more, or soon will not."""
        end = time.monotonic() + PATIENCE
        while self.bench.flash().waits(tag) and time.monotonic() < end:
            pass  # it looks at a moment of the board's; each look takes its time
        self.check(f"{tag}: nothing waits on flash any more", not self.bench.flash().waits(tag))

    def lose_power(self) -> None:
        """Wait until the board has lost its power."""
        try:
            self.tell("board", f"({self.bench.board.wait_off(PATIENCE)})")
        except VirtualBoardError:
            raise StoryError(f"the power fails (not within {PATIENCE:g} s)") from None

    def mail(self, tag: str) -> Mail:
        """Return the mail about a tag; raises `StoryError` where there is not just one."""
        mails = self.mails(tag)
        self.check(f"{tag}: the gateway has it once", len(mails) == 1)
        return mails[0]

    def mails(self, tag: str) -> list[Mail]:
        """Return the mails about a tag that the gateway has taken."""
        return [mail for mail in self.bench.gateway.mails if tag in subject(mail)]

    def summary(self) -> None:
        """Tell what was checked."""
        self.console.print("\nChecked while you watched", style="bold")
        for what in self.checked:
            self.tell("ok", what)


def subject(mail: Mail) -> str:
    """Return the subject of a mail."""
    return str(mail.message["Subject"])
