"""What `outbox` of a board tells."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """A notice in the outbox; `firmware/listing.py` tells it.

    key: its number, hexadecimal; the mail's Message-ID has it, too
    time: in UTC, None where the clock of that boot was not set; then `uptime` counts, in seconds
    to, parked: who is to get it, and who refused it for good
    """

    model_config = ConfigDict(extra="ignore")

    key: str
    kind: str
    tag: str = ""
    occurrence: int = 0
    priority: str = ""
    time: str | None = None
    boot: int
    uptime: int
    value: float | None = None
    text: str = ""
    to: list[str] = []
    parked: list[str] = []


def entries(lines: list[tuple[str, Any]]) -> list[Entry]:
    """Return the notices that an answer tells."""
    return [Entry(key=key, **fields) for key, fields in lines]
