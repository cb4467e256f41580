"""Draws the alarm states out of `firmware/alarms.py`: `python -m host_tools.diagram`.

It puts a Mermaid diagram and a table into `firmware/ALARMS.md`, between two marks.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
DOCUMENT = FIRMWARE / "ALARMS.md"
BEGIN = "<!-- drawn by host_tools/diagram.py -->\n"
END = "<!-- end -->\n"

INSIDE = ("NORM", "UNACK", "ACKED", "RTNUN", "LATCHED")
"""The states of an alarm that is in service, drawn as one group."""

GROUP = "in_service"
BEFORE = "the state before"

WORDS = {
    "on": "condition there for the on-delay",
    "off": "condition gone for the off-delay",
    "off-noack": "condition gone, no acknowledgement required",
    "off-latch": "condition gone, latched alarm",
    "ack": "acknowledge",
    "reset": "reset",
    "bad": "bad process value",
    "good": "process value good again",
    "shelve": "shelve",
    "unshelve": "unshelve, or the time is over",
    "out": "out of service",
    "return": "return to service",
    "late": "unacknowledged for 15 min",
    "remind": "time for a reminder",
    "quiet": "chattering has ended",
}
"""What each event of the table is called in the text; one that is missing here is an error."""


@dataclass(frozen=True)
class Event:
    """A row of the table: its name, its notice or "", what follows each state that takes it."""

    name: str
    notice: str
    follows: dict[str, str]

    @property
    def label(self) -> str:
        """Return what stands on an arrow."""
        return WORDS[self.name] + (f" / {self.notice}" if self.notice else "")


def load() -> ModuleType:
    """Import `alarms` from the firmware, which is no package of ours."""
    spec = importlib.util.spec_from_file_location("alarms", FIRMWARE / "alarms.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def events() -> list[Event]:
    """Return the rows of the table, asked of the function that the board asks."""
    alarms = load()
    states = alarms.STATES.split()
    found = []
    for line in alarms.TABLE.split("\n")[1:-1]:
        name = line.split()[1]
        follows = {}
        notice = ""
        for at, state in enumerate(states):
            number, notice = alarms.look_up(at, name)
            if number >= 0:
                follows[state] = [*states, BEFORE][number]
        found.append(Event(name, notice, follows))
    return found


def arrows(event: Event) -> list[tuple[str, str]]:
    """Return the arrows of an event, from and to; none where it changes no state anywhere."""
    follows = dict(event.follows)
    if len(follows) > len(INSIDE) and all(state == then for state, then in follows.items()):
        return []
    drawn = []
    targets = {follows.get(state, "") for state in INSIDE}
    if len(targets) == 1 and "" not in targets:
        drawn.append((GROUP, targets.pop()))
        follows = {state: then for state, then in follows.items() if state not in INSIDE}
    drawn += [(state, GROUP if then == BEFORE else then) for state, then in follows.items()]
    return drawn


def mermaid() -> str:
    """Return the diagram."""
    lines = ["stateDiagram-v2", "    [*] --> NORM"]
    inside, outside = [], []
    for event in events():
        for state, then in arrows(event):
            within = state in INSIDE and then in INSIDE
            (inside if within else outside).append(f"{state} --> {then} : {event.label}")
    lines += [f'    state "in service" as {GROUP} {{', *("        " + line for line in inside)]
    lines += ["    }", *("    " + line for line in outside)]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def table() -> str:
    """Return the table in Markdown: a row an event, a column a state."""
    states = load().STATES.split()
    lines = ["| event | notice | " + " | ".join(states) + " |", "|---" * (len(states) + 2) + "|"]
    for event in events():
        cells = [event.follows.get(state, "") for state in states]
        lines.append("| " + " | ".join([WORDS[event.name], event.notice, *cells]) + " |")
    return "\n".join(lines) + "\n"


def update(text: str) -> str:
    """Return the text of a document with what is between the marks drawn anew."""
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    return f"{head}{BEGIN}\n{mermaid()}\n{table()}\n{END}{tail}"


def main() -> None:
    """Bring the document up to date."""
    DOCUMENT.write_text(update(DOCUMENT.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
