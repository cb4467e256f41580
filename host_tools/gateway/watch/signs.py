"""When each board was heard last, and what the log tells besides.

A sign of life is a mail that the gateway took from a board's sender; the daily heartbeat is one.
The log has the connection and the sender in different lines, joined by the mail's name.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from host_tools.gateway.check import STRANGER
from host_tools.gateway.facts import Board, Facts
from host_tools.gateway.probes import NAME
from host_tools.gateway.watch.log import Line

TAKEN = re.compile(r"(\w+): client=")
SENDER = re.compile(r"(\w+): from=<([^>]*)>")
GIVEN_UP = re.compile(r"(\w+): from=<([^>]*)>, status=expired")
REFUSED = re.compile(r"NOQUEUE: reject: \w+ from \S*\[([\d.]+)\]: (.*)")
LIMIT = re.compile(r"warning: .*rate limit exceeded: \d+ from \S*\[([\d.]+)\]|"
                   r"warning: .*limit exceeded: \d+ from \S*\[([\d.]+)\]")  # fmt: skip
TROUBLE = ("fatal:", "panic:", "error:")
OWN_CHECK = (f"helo=<{NAME}>", f"[{STRANGER}]")
"""How our own probes show: being refused is what they are for."""

MOST_PENDING = 1000
SPARE = 15 * 60
"""Seconds: as long as a board may pause between two tries, and some."""


@dataclass
class Event:
    """Something that the log told: when first and last, how often, and what."""

    first: float
    last: float
    count: int
    text: str


@dataclass
class Signs:
    """What the log has told since `since`.

    heard: sender -> when its last mail was taken
    refused: address -> what it was refused
    given_up: mails that waited for too long and went back
    error: the last line that tells of trouble
    """

    since: float
    heard: dict[str, float] = field(default_factory=dict)
    refused: dict[str, Event] = field(default_factory=dict)
    given_up: Event | None = None
    error: Event | None = None
    pending: "OrderedDict[str, None]" = field(default_factory=OrderedDict)

    def follow(self, lines: Iterable[Line]) -> None:
        """Take in new lines of the log."""
        for line in lines:
            if reader := READERS.get(line.program):
                reader(self, line)
            if any(word in line.text for word in TROUBLE):
                self.error = again(self.error, line, f"{line.program}: {line.text}")

    def from_server(self, line: Line) -> None:
        """Read what the SMTP server says: a mail begins, or a client is refused."""
        if found := TAKEN.match(line.text):
            self.pending[found[1]] = None
            while len(self.pending) > MOST_PENDING:
                self.pending.popitem(last=False)
        elif any(own in line.text for own in OWN_CHECK):
            return
        elif found := REFUSED.match(line.text) or LIMIT.match(line.text):
            address = found[1] or found[2]
            reason = found[2] if "NOQUEUE" in line.text else "limit exceeded"
            self.refused[address] = again(self.refused.get(address), line, reason or "")

    def from_queue(self, line: Line) -> None:
        """Read what the queue manager says: a new mail, or one that is given up."""
        if found := GIVEN_UP.match(line.text):
            self.given_up = again(self.given_up, line, f"{found[1]} from {found[2] or '<>'}")
        elif (found := SENDER.match(line.text)) and found[1] in self.pending:
            del self.pending[found[1]]
            self.heard[found[2].lower()] = max(line.time, self.heard.get(found[2].lower(), 0))

    def silent(self, board: Board, now: float) -> float:
        """Return for how many seconds a board is silent that should not be, else 0.

        One that was never heard counts from the time when the watch began.
        """
        silence = now - self.heard.get(board.sender, self.since)
        due = board.heartbeat * 1.1 + SPARE
        return silence if board.heartbeat and silence > due else 0

    def forget(self, before: float) -> None:
        """Drop what is older."""
        self.refused = {who: event for who, event in self.refused.items() if event.last >= before}
        if self.given_up and self.given_up.last < before:
            self.given_up = None
        if self.error and self.error.last < before:
            self.error = None

    def dump(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "pending": list(self.pending)}


READERS = {"smtpd": Signs.from_server, "qmgr": Signs.from_queue}


def again(event: Event | None, line: Line, text: str) -> Event:
    """Count an event once more."""
    if event is None:
        return Event(line.time, line.time, 1, text)
    return Event(event.first, line.time, event.count + 1, text)


def load(data: dict[str, Any]) -> Signs:
    """Read what `dump` gave; raises KeyError and TypeError."""
    events = {name: Event(**data[name]) if data[name] else None for name in ("given_up", "error")}
    return Signs(
        since=data["since"],
        heard=data["heard"],
        refused={who: Event(**event) for who, event in data["refused"].items()},
        pending=OrderedDict.fromkeys(data["pending"]),
        **events,
    )


def boards(facts: Facts, signs: Signs, now: float) -> list[dict[str, Any]]:
    """Show each board: when it was heard, and whether it is silent."""
    return [
        {
            "name": board.name,
            "sender": board.sender,
            "heartbeat": board.heartbeat,
            "heard": signs.heard.get(board.sender),
            "silent": round(signs.silent(board, now)),
        }
        for board in facts.boards
    ]
