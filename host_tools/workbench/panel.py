"""The panel: a workbench in a terminal, with contacts to close, a cable to pull and an inbox.

Theory of operation. What board and gateway say comes in threads of theirs and becomes messages.
Whatever happens calls `look_soon()`, and one task then reads the flash and shows how things are;
so it is read as often as it takes, and no more.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import events, on, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Footer, Input, OptionList, RichLog, Static

from host_tools.fake_smtp import Event, Mail
from host_tools.fake_smtp.show import mail_text, printable
from host_tools.virtual_board import VirtualBoardError
from host_tools.workbench import ENDS, Workbench
from host_tools.workbench.flash import Flash
from host_tools.workbench.wiring import Contact, Value

LEAST = (80, 24)
"""Columns and lines that the panel needs."""

PULSE = 0.1  # seconds that a contact is the other way round
GLANCE = 0.25  # seconds between looks whether the board has written to flash
STEPS = 20  # of a measured value, from its lowest to its highest
KEYS = 9  # contacts that have a key
LINES = 2000  # of the console that are kept
LABEL = 15  # columns of a contact's button
NARROW = 32  # columns that its lines have at least, also while there is no room for them

WORDS = {
    # alarm state: (what is shown in up to 7 letters, style)
    "NORM": ("normal", "green"),
    "UNACK": ("ALARM", "bold red"),
    "ACKED": ("acked", "yellow"),
    "RTNUN": ("unacked", "cyan"),
    "LATCHED": ("latched", "yellow"),
    "SHLVD": ("shelved", "dim"),
    "OOSRV": ("out", "dim"),
    "FAULT": ("FAULT", "bold magenta"),
}
LEVELS = {"error": "bold red", "warning": "yellow", "info": "", "debug": "dim"}


class Heard(Message):
    """The board has said something."""

    def __init__(self, text: str):
        super().__init__()
        self.text = text


class Ended(Message):
    """The board has no power any more."""

    def __init__(self, why: str):
        super().__init__()
        self.why = why


class Took(Message):
    """The gateway has taken a mail."""

    def __init__(self, mail: Mail):
        super().__init__()
        self.mail = mail


@dataclass(frozen=True)
class Supply:
    """Something that the board lives on, with the key that takes it away and gives it back."""

    key: str
    action: str
    good: str
    bad: str


SUPPLIES = {
    "cable": Supply("c", "Cable", "c  cable in", "c  cable out"),
    "network": Supply("g", "Gateway", "g  gateway answers", "g  gateway silent"),
    "power": Supply("p", "Power", "p  power on", "p  power off"),
    "cut": Supply("x", "Cut", "x  cut at a write", "x  cut: waits"),
}


class ContactRow(Horizontal):
    """A contact: a button that closes and opens it, its point, a button for a pulse."""

    def __init__(self, contact: Contact, number: int):
        super().__init__()
        self.contact = contact
        self.key = str(number) if number <= KEYS else " "
        self.button = Button(compact=True, classes="contact")
        self.point = Static(classes="point")

    def compose(self) -> ComposeResult:
        """Put it together."""
        yield self.button
        yield self.point
        yield Button("pulse", compact=True, classes="pulse")

    def show(self, flash: Flash) -> None:
        """Show how it is."""
        closed = self.contact.closed
        label = f"{self.key} {self.contact.input} {position(closed)}"
        self.button.label = Text(label.ljust(LABEL))
        self.button.set_class(closed != self.contact.normally_closed, "closed")
        tag = self.contact.tag
        self.point.update(of_points(flash, (tag,)) if tag else Text(self.contact.text))

    @on(Button.Pressed, ".contact")
    def toggle(self) -> None:
        """Close or open it."""
        self.contact.set(not self.contact.closed)
        self.post_message(Touched())

    @on(Button.Pressed, ".pulse")
    def pulse(self) -> None:
        """Turn it for a moment."""
        self.toggle()
        self.set_timer(PULSE, self.toggle)


class ValueRow(Horizontal):
    """A measured value: a field to type it, buttons for less and more, its points."""

    def __init__(self, value: Value):
        super().__init__()
        self.value = value
        self.field = Input(compact=True, classes="value")
        self.point = Static(classes="point")

    def compose(self) -> ComposeResult:
        """Put it together."""
        yield Button("-", compact=True, classes="step", id="less")
        yield self.field
        yield Button("+", compact=True, classes="step", id="more")
        yield self.point

    def on_mount(self) -> None:
        """Show what it is at first."""
        self.field.value = f"{self.value.value:.4g}"

    def show(self, flash: Flash) -> None:
        """Show how its points are."""
        unit = f"{self.value.unit} " if self.value.unit else ""
        self.point.update(Text.assemble(unit, of_points(flash, self.value.tags)))

    @on(Button.Pressed, ".step")
    def step(self, event: Button.Pressed) -> None:
        """Let it be less or more."""
        step = (self.value.high - self.value.low) / STEPS
        self.set(self.value.value + (step if event.button.id == "more" else -step))

    @on(Input.Submitted)
    def read(self, event: Input.Submitted) -> None:
        """Take what was typed."""
        low, high = self.value.low, self.value.high
        try:
            wanted = float(event.value.replace(",", "."))
            if not low - 1e-9 <= wanted <= high + 1e-9:
                raise ValueError
        except ValueError:
            message = f"{event.value!r}: give a number from {low:.4g} to {high:.4g}"
            self.notify(message, title=self.value.tags[0], severity="warning", markup=False)
            return
        self.set(wanted)
        self.screen.set_focus(None)

    def set(self, value: float) -> None:
        """Let it be this."""
        self.value.set(value)
        self.field.value = f"{self.value.value:.4g}"
        self.post_message(Touched())


class Touched(Message):
    """Somebody has changed an input."""


class Panel(App[None]):
    """The panel of a board; its `bench` is to be entered around run().

    name: one of boards/
    configuration: what its config.json says
    """

    CSS_PATH = Path(__file__).with_name("panel.tcss")
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [  # noqa: RUF012
        *(Binding(one.key, f"supply('{name}')", one.action) for name, one in SUPPLIES.items()),
        Binding("1", "contact(1)", "Contact", key_display=f"1-{KEYS}"),
        *(Binding(f"{n}", f"contact({n})", show=False) for n in range(2, KEYS + 1)),
        Binding("f1", "pulse(1)", "Pulse", key_display=f"F1-F{KEYS}"),
        *(Binding(f"f{n}", f"pulse({n})", show=False) for n in range(2, KEYS + 1)),
        Binding("escape", "leave", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c,ctrl+q", "quit", show=False, priority=True),
    ]

    def __init__(self, name: str, configuration: dict[str, Any]):
        super().__init__()
        self.bench = Workbench(
            name,
            configuration,
            heard=lambda text: self.tell(Heard(text)),
            ended=lambda why: self.tell(Ended(why)),
            watch=self.watch_gateway,
        )
        self.flash = Flash()
        self.link = ""
        self.good = {"cable": True, "network": True, "power": False, "cut": True}
        self.mails: list[Mail] = []
        self.rows: list[ContactRow | ValueRow] = []
        # Kept, not asked for: what board and gateway say may come when the screen has gone.
        self.state = Static(id="state")
        self.small = Static(id="small")
        self.supplies = {
            name: Button(id=name, compact=True, classes="supply") for name in SUPPLIES
        }
        self.console_view = RichLog(id="console", max_lines=LINES, wrap=True, min_width=NARROW)
        self.inbox = OptionList(id="inbox")
        self.pane = VerticalScroll(id="mail")
        self.mail = Static("Mails appear on the left as the gateway takes them.", id="text")
        self._news = asyncio.Event()
        self._line = ""
        self._operations = 0

    # What happens elsewhere

    def tell(self, message: Message) -> None:
        """Take a message from any thread; there is nobody to tell when the panel ends."""
        with contextlib.suppress(RuntimeError):
            self.post_message(message)

    def watch_gateway(self, event: Event) -> None:
        """Take what happens at the gateway."""
        if event.mail:
            self.tell(Took(event.mail))

    # What is on the screen

    def compose(self) -> ComposeResult:
        """Put it together."""
        wiring = self.bench.wiring
        contacts = [ContactRow(one, number) for number, one in enumerate(wiring.contacts, 1)]
        self.rows = [*contacts, *(ValueRow(value) for value in wiring.values)]
        yield self.state
        yield self.small
        with Container(id="panes"):
            with VerticalScroll(id="plant") as plant:
                plant.border_title = "Plant"
                yield from self.rows
                for pair in (("cable", "network"), ("power", "cut")):
                    with Horizontal(classes="supplies"):
                        yield from (self.supplies[name] for name in pair)
            yield self.console_view
            yield self.inbox
            with self.pane:
                yield self.mail
        yield Footer()

    def on_mount(self) -> None:
        """Give the board power."""
        self.console_view.border_title = "Console of the board"
        self.inbox.border_title = "Inbox"
        self.pane.border_title = "Mail"
        if not self.is_headless:
            for number in ENDS:
                asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self.set_interval(GLANCE, self.glance)
        self.keep_looking()
        self.action_supply("power")

    def on_resize(self, event: events.Resize) -> None:
        """Say so where there is too little room."""
        text = too_small(*event.size)
        self.set_class(bool(text), "small")
        self.small.update(Text(text))

    def glance(self) -> None:
        """Look again where the board has written to flash."""
        operations = self.bench.board.operations
        if operations != self._operations:
            self._operations = operations
            self.look_soon()

    def look_soon(self) -> None:
        """Let the flash be read and everything be shown."""
        self._news.set()

    @work
    async def keep_looking(self) -> None:
        """Show how things are, again and again."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                self.flash = await asyncio.to_thread(self.bench.flash)
            except (VirtualBoardError, OSError) as error:
                self.write(Text(f"-- the flash cannot be read: {one_line(error)}", "bold red"))
            self.show()

    def show(self) -> None:
        """Show how things are."""
        for row in self.rows:
            row.show(self.flash)
        for name, supply in SUPPLIES.items():
            button = self.supplies[name]
            good = self.good[name]
            button.label = Text(supply.good if good else supply.bad)
            button.set_class(not good, "bad")
        board = self.bench.board
        parts = [board.name, self.bench.configuration["device"]]
        parts.append(f"link: {self.link or 'down'}" if self.good["power"] else "no power")
        parts.append(f"waiting on flash: {len(self.flash.waiting)}")
        if self.flash.parked:
            parts.append(f"parked: {self.flash.parked}")
        others = [tag for tag in self.active() if not self.is_wired(tag)]
        if others:
            parts.append(f"alarm: {', '.join(others)}")
        state = Text("  |  ".join(parts), "bold", no_wrap=True, overflow="ellipsis")
        port = Text(f"mpremote connect {board.port}", "dim", no_wrap=True)
        self.state.update(Text("\n").join((state, port)))

    def active(self) -> list[str]:
        """Return the tags that are in alarm."""
        states = self.flash.states
        return [tag for tag in states if states[tag] in ("UNACK", "ACKED", "LATCHED", "FAULT")]

    def is_wired(self, tag: str) -> bool:
        """Tell whether a tag has a row of its own."""
        wiring = self.bench.wiring
        tags = [one.tag for one in wiring.contacts]
        return tag in tags or any(tag in value.tags for value in wiring.values)

    def write(self, line: Text) -> None:
        """Write a line onto the console."""
        self.console_view.write(line)

    # What board and gateway say

    @on(Heard)
    def hear(self, message: Heard) -> None:
        """Show what the board says, line by line."""
        *lines, self._line = (self._line + message.text).replace("\r", "").split("\n")
        for line in lines:
            link = re.search(r" link: (.*)$", line)
            if link:
                self.link = link[1]
            words = line.split(maxsplit=2)
            style = LEVELS.get(words[1], "") if len(words) > 1 else ""
            self.write(Text(printable(line), style))
        self.look_soon()

    @on(Ended)
    def end(self, message: Ended) -> None:
        """Show that the board has no power any more."""
        self.good.update(power=False, cut=True)
        self.link = ""
        self._line = ""
        self.write(Text(f"-- {message.why}; p gives power", "bold red"))
        self.look_soon()

    @on(Took)
    def take(self, message: Took) -> None:
        """Put a mail into the inbox, and show it to whom looks at the newest one."""
        mail = message.mail
        inbox = self.inbox
        newest = inbox.highlighted in (None, len(self.mails) - 1)
        ids = [one.message["Message-ID"] for one in self.mails]
        again = mail.message["Message-ID"] in ids
        subject = printable(str(mail.message["Subject"]))
        note = (
            (f" (again: {ids.index(mail.message['Message-ID']) + 1})", "yellow") if again else ""
        )
        self.mails.append(mail)
        inbox.add_option(Text.assemble(f"{mail.number} {subject}", note, overflow="ellipsis"))
        if newest:
            inbox.highlighted = len(self.mails) - 1
        self.look_soon()

    @on(OptionList.OptionHighlighted, "#inbox")
    def read(self, event: OptionList.OptionHighlighted) -> None:
        """Show a mail."""
        mail = self.mails[event.option_index]
        self.pane.border_title = f"Mail {mail.number}"
        self.pane.scroll_home(animate=False)
        self.mail.update(mail_text(mail))

    # What the user does

    @on(Touched)
    def touched(self) -> None:
        """Show an input that was changed."""
        self.look_soon()

    @on(Button.Pressed, ".supply")
    def press(self, event: Button.Pressed) -> None:
        """Take a supply away, or give it back."""
        self.action_supply(str(event.button.id))

    def action_supply(self, name: str) -> None:
        """Take a supply away, or give it back."""
        good = self.good[name] = not self.good[name]
        board = self.bench.board
        if name == "cable":
            (board.cable.plug if good else board.cable.pull)()
        elif name == "network":
            (board.cable.answer if good else board.cable.silence)()
        elif name == "power":
            (board.power_on if good else board.power_off)()
        elif good:
            board.page.cut = 0
        else:
            board.cut_power(1, torn=True)
        self.look_soon()

    def action_contact(self, number: int) -> None:
        """Close or open a contact."""
        if row := self.row(number):
            row.toggle()

    def action_pulse(self, number: int) -> None:
        """Turn a contact for a moment."""
        if row := self.row(number):
            row.pulse()

    def row(self, number: int) -> ContactRow | None:
        """Return the row of a contact, from 1."""
        rows = [row for row in self.rows if isinstance(row, ContactRow)]
        return rows[number - 1] if number <= len(rows) else None

    def action_leave(self) -> None:
        """Leave the field that has the keys."""
        self.screen.set_focus(None)

    def _fatal_error(self) -> None:
        """End after an exception, without the traceback; the command says it in one line."""
        self._close_messages_no_wait()


def position(closed: bool) -> str:
    """Say how a contact is."""
    return "closed" if closed else "open"


def of_points(flash: Flash, tags: tuple[str, ...]) -> Text:
    """Show the alarm state of points."""
    shown = [(f"{tag} ", *WORDS[flash.state(tag)]) for tag in tags]
    return Text("  ").join(Text.assemble(tag, (word, style)) for tag, word, style in shown)


def too_small(width: int, height: int) -> str:
    """Say that a terminal is too small for the panel; "" where it is not."""
    if width >= LEAST[0] and height >= LEAST[1]:
        return ""
    return (
        f"the panel needs {LEAST[0]} columns and {LEAST[1]} lines, this terminal has {width} and "
        f"{height}: make it larger"
    )


def one_line(error: BaseException) -> str:
    """Say in one line what went wrong."""
    return " ".join(str(error).split())


def run(panel: Panel) -> str:
    """Run a panel in this terminal until the user leaves; return what went wrong, or ""."""
    with panel.bench:
        panel.run()
    error = panel._exception
    return f"{type(error).__name__}: {one_line(error)}" if error else ""


__all__ = ["LEAST", "Panel", "run", "too_small"]
