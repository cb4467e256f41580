"""How what a board tells is shown to people."""

import re

from rich.table import Table
from rich.text import Text

from host_tools.console.entries import Entry
from host_tools.console.status import Status

LOG = re.compile(r"(?:[-\d]+ [:\d]+ UTC, )?\d+\.\d{3} (error|warning|info|debug) ")
STYLES = {"error": "bold red", "warning": "yellow", "info": "", "debug": "dim"}
ANSWER = re.compile(r"= (.+?): (.*)")
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def line_view(line: str) -> Text:
    """Colour a line of the console by its level; answers to what was typed are bold."""
    found = LOG.match(line)
    style = STYLES[found[1]] if found else "bold" if ANSWER.match(line) else ""
    return Text(printable(line), style)


def printable(text: str) -> str:
    """Return a text without what could upset a terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)


def span(seconds: int) -> str:
    """Return a duration in its two largest units."""
    words = []
    for size, unit in UNITS:
        if seconds >= size or (not words and size == 1):
            words.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(words[:2])


def status_view(status: Status) -> Table:
    """Return a table of how a board does."""
    last = status.last_mail_ago
    answers = "well" if status.gateway_answers else "does not answer"
    rows = (
        ("board", f"{status.board}, MicroPython {status.micropython}"),
        ("firmware", f"alarmpost {status.firmware}"),
        ("boot", f"{status.boot}, after {status.reset_cause}, {span(status.uptime)} ago"),
        (
            "time",
            status.time
            or (f"not known yet, {status.ntp} is asked" if status.ntp else "not asked for"),
        ),
        ("config.json", status.config),
        ("link", f"{status.link} {status.address}".strip()),
        (
            "gateway",
            f"{status.gateway}, {answers}",
        ),
        ("last mail", "none since the boot" if last is None else f"{span(last)} ago"),
        ("queue", f"{status.queue} waiting, {status.parked} parked"),
        ("mails", f"{status.sent} sent, {status.deferred} refused for now"),
        ("active alarms", ", ".join(status.active) or "none"),
        ("shelved", ", ".join(status.shelved) or "none"),
        ("failures", str(status.failures)),
        ("heap", f"{status.heap} octets free"),
        ("last trouble", status.trouble or "none"),
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, printable(value))
    return table


def entries_view(found: list[Entry]) -> Table:
    """Return a table of what is in the outbox."""
    table = Table("key", "when", "what", "to", "parked for", box=None, pad_edge=False)
    for one in found:
        when = one.time or f"boot {one.boot}, {span(one.uptime)}"
        what = " ".join(word for word in (one.priority, one.tag, one.kind, one.text) if word)
        cells = (one.key, when, what, " ".join(one.to), " ".join(one.parked))
        table.add_row(*(printable(cell) for cell in cells))
    return table
