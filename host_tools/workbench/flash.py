"""What the outbox of a board has on flash, read by the firmware's own code."""

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from host_tools.micropython import ROOT

FOLDER = "queue/"

sys.path.append(str(ROOT / "firmware"))  # last, so that it hides nothing
outbox = importlib.import_module("outbox")
STATES: list[str] = importlib.import_module("alarms").STATES.split()
NORMAL = STATES[0]


@dataclass(frozen=True)
class Waiting:
    """A notice that somebody is still to get.

    path, octets: its file
    tag, kind: as the console has them; without a tag where it is of the board itself
    """

    path: str
    octets: int
    tag: str
    kind: str

    def __str__(self) -> str:
        return f"{self.path}, {self.octets} octets: {f'{self.tag} {self.kind}'.strip()}"


@dataclass(frozen=True)
class Flash:
    """What is on flash.

    waiting: the notices that wait, the oldest first
    parked: how many somebody has refused for good
    states: the alarm state of each tag that was ever in another one than NORM
    """

    waiting: tuple[Waiting, ...] = ()
    parked: int = 0
    states: Mapping[str, str] = field(default_factory=dict)

    def waits(self, tag: str) -> Waiting | None:
        """Return the oldest notice of a tag that waits, if there is one."""
        return next((one for one in self.waiting if one.tag == tag), None)

    def state(self, tag: str) -> str:
        """Return the alarm state of a tag, as ISA-18.2 has it."""
        return self.states.get(tag, NORMAL)


def read_flash(files: Mapping[str, bytes]) -> Flash:
    """Return what the files of the outbox tell."""
    found = [(outbox.decode(data), path) for path, data in files.items() if path != "queue/boots"]
    records = sorted((one for one in found if one[0]), key=lambda one: one[0].key)
    kinds = outbox.KINDS.split()
    waiting = [
        Waiting(path, len(files[path]), record.tag, kinds[record.kind])
        for record, path in records
        if record.to and record.kind != outbox.BUNDLE
    ]
    states = {
        record.tag: STATES[record.state - 1 & 7]
        for record, _ in records
        if record.tag and record.state
    }
    return Flash(tuple(waiting), sum(bool(record.parked) for record, _ in records), states)
