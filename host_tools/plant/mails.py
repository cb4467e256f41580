"""The mails that a board would send, rendered by the firmware's own `notices.py`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from host_tools.firmware import modules
from host_tools.plant.schema import OWN_TAGS

RAISED = 2
"""The state of a record whose alarm is active and not acknowledged, plus 1: see `outbox`."""


@dataclass(frozen=True)
class Mail:
    """A mail, as a reader gets it."""

    priority: int
    sender: str
    to: list[str]
    subject: str
    body: str


class Settings:
    """Stands for the configuration on flash."""

    def __init__(self, lines: dict[str, Any]):
        self.read = lines.get


class Outbox:
    """Stands for the outbox of a first boot, with nothing but the mail that is rendered.

    offset: Unix time of the boot
    """

    boots = 1

    def __init__(self, offset: int):
        self._offset = offset

    def offset(self, _key: bytes = b"") -> int:
        """Return the Unix time of the boot."""
        return self._offset

    def count(self, *parked: object) -> int:
        """Return how many wait, or are parked."""
        return 0 if parked else 1

    def find(self, *_after: object) -> None:
        """Find no other one."""


def mails(lines: dict[str, Any], board: str, when: datetime) -> list[Mail]:
    """Return one mail for each alarm point of the plant, that of the start, and the heartbeat.

    lines: the configuration, as the board has it
    board: its name
    when: the time that the mails tell
    """
    with modules() as load:
        notices, outbox = load("notices"), load("outbox")
        version = load("version").VERSION
        settings, box = Settings(lines), Outbox(int(when.timestamp()))
        site, found = lines["site"], []
        for kind, values in events(lines):
            record = outbox.Record(outbox.KINDS.split(" ").index(kind), **values)
            record.key = record.announced = bytes(7)
            context = state_of(board, version, lines)
            to, subject, body = notices.compose(record, (), settings, box, context)
            found.append(Mail(record.priority, site["sender"], to, subject, "".join(body)))
    return found


def events(lines: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind of each mail, and the values of its record."""
    for name, point in lines.items():
        if name.startswith("point ") and point["tag"] not in OWN_TAGS:
            values = {name: point[name] for name in ("tag", "priority")}
            limit = point.get("high", point.get("low"))
            more = {"state": RAISED, "value": limit, "to": point["to"][0], "text": "first"}
            yield "RAISE", values | more
    system = lines["site"]["system"]
    yield "BOOT", {"to": system, "priority": 1, "text": "power on"}
    if lines["site"]["heartbeat"] is not None:
        yield "HEARTBEAT", {"to": system}


def state_of(board: str, version: str, lines: dict[str, Any]) -> SimpleNamespace:
    """Return what holds while a mail is rendered; `notices.compose()` tells of it."""
    static = lines["network"].get("static")
    counts = dict.fromkeys(("flood", "sent", "deferred", "failures", "short", "uptime"), 0)
    return SimpleNamespace(
        **counts,
        active=[],
        shelved=[],
        firmware=version,
        board=board,
        address=static[0] if static else "",
        reset_cause="power on",
        heap=0,
        next=0,
    )
