"""What `status` of a board tells, and what of it is wrong."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict


class Status(BaseModel):
    """How a board does; `firmware/overview.py` tells it.

    uptime: in seconds; heap: octets that are free
    time: in UTC, None where it is not known; ntp: who is asked for it, "" for nobody
    last_mail_ago: seconds since a gateway took one, None for not since the boot
    trouble: the last warning or error since the boot
    """

    model_config = ConfigDict(extra="ignore")

    device: str
    board: str
    firmware: str
    micropython: str
    boot: int
    reset_cause: str
    uptime: int
    time: str | None
    ntp: str
    config: str
    link: str
    address: str
    gateway: str
    gateway_answers: bool
    last_mail_ago: int | None
    trouble: str
    queue: int
    parked: int
    active: list[str]
    shelved: list[str]
    flood: int
    sent: int
    deferred: int
    failures: int
    heap: int


PROBLEMS: tuple[tuple[Callable[[Status], object], str], ...] = (
    (lambda one: one.link != "up", "{link}: look at the cable, the switch, and at DHCP"),
    (
        lambda one: not one.gateway_answers,
        "{gateway} does not answer: alarmpost send-test",
    ),
    (lambda one: one.config != "valid", "config.json: {config}"),
    (lambda one: one.parked, "refused for good: {parked}: alarmpost outbox list"),
    (lambda one: one.ntp and not one.time, "the clock is not set: {ntp} does not tell the time"),
    (lambda one: one.failures, "failures caught: {failures}: alarmpost logs"),
)
"""What is wrong, and what to do."""


def problems(status: Status) -> list[str]:
    """Return a line for each thing that is wrong with a board; alarms are not."""
    values = status.model_dump()
    return [text.format(**values) for is_wrong, text in PROBLEMS if is_wrong(status)]
