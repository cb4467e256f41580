"""One look at the gateway: what it sees, judged, with what to do."""

import os
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from host_tools.gateway.facts import Facts
from host_tools.gateway.local import read_queue
from host_tools.gateway.results import CRITICAL, OK, UNKNOWN, WARNING
from host_tools.gateway.watch.signs import Signs, boards

NAMES = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}
HOUR = 3600
RECENT = HOUR
"""Seconds for which a refusal or an error shows."""

MEMORY = 24 * HOUR
"""Seconds for which a lost mail shows."""

WAITING = "waiting for its next try"


@dataclass(frozen=True)
class Finding:
    """What is wrong, and what to do. `kind` stays the same while it lasts."""

    kind: str
    severity: int
    text: str
    remedy: str


@dataclass(frozen=True)
class Reason:
    """Why mail waits, as Postfix puts it; `severity` where no waiting helps."""

    pattern: re.Pattern
    severity: int
    text: str
    remedy: str


def reason(pattern: str, severity: int, text: str, remedy: str) -> Reason:
    """Write one line of `REASONS`."""
    return Reason(re.compile(pattern, re.IGNORECASE), severity, text, remedy)


REASONS = (
    reason(r"SASL authentication failed|said: 535|no mechanism", CRITICAL,
           "the provider refuses the password",
           "make a new app password there; render and install with it"),
    reason(r"certificate|not trusted|cannot verify|name mismatch", CRITICAL,
           "the provider's certificate is not the right one",
           "correct host or ca_file; somebody may be in between: do not switch the check off"),
    reason(r"TLS is required|must issue a STARTTLS|TLS handshake|lost connection.*handshake",
           CRITICAL, "there is no TLS to the provider", "correct port and security"),
    reason(r"(said|me): 55\d.*(sender|from|account|not own|send as)", CRITICAL,
           "the provider refuses the sender", "set from to the account's own address"),
    reason(r"(said|me): 5\d\d", CRITICAL, "the provider refuses the mail for good",
           "correct what it says, then: postqueue -f; or delete it: postsuper -d"),
    reason(r"(said|me): 4\d\d", OK, "the provider puts the mail off", "wait; it is tried again"),
    reason(r"not found|name service|host or domain", OK, "the provider's name is not found",
           "check the uplink and DNS"),
    reason(r"", OK, "the provider cannot be reached", "check the uplink"),
)  # fmt: skip
"""The first that fits counts. With OK it is the waiting time that decides."""


def classify(text: str) -> Reason:
    """Find what a delay's reason means."""
    return next(reason for reason in REASONS if reason.pattern.search(text))


@dataclass(frozen=True)
class Queue:
    """The queue: how many wait, for how long the oldest, and why; None where nobody can tell."""

    count: int
    oldest: float
    reasons: dict[str, int]
    trouble: str = ""


def see_queue(facts: Facts, now: float) -> Queue:
    """Look at the queue."""
    try:
        mails = read_queue(facts)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Queue(0, 0.0, {}, f"the queue cannot be read: {error}")
    oldest = max((now - mail["arrival_time"] for mail in mails), default=0.0)
    return Queue(len(mails), max(oldest, 0.0), reasons_of(mails))


def reasons_of(mails: list[dict[str, Any]]) -> dict[str, int]:
    """Count the reasons, the most frequent first."""
    count: Counter[str] = Counter()
    for mail in mails:
        said = {to.get("delay_reason", "") for to in mail.get("recipients", ())}
        count.update(text or WAITING for text in said)
    return dict(count.most_common(5))


def answers(facts: Facts) -> str:
    """Ask the SMTP server for its banner; return what is wrong, "" for nothing."""
    try:
        with socket.create_connection(("127.0.0.1", facts.port), 10) as connection:
            said = connection.recv(512)
            connection.sendall(b"QUIT\r\n")
    except OSError as error:
        return f"Postfix does not answer on port {facts.port}: {error.strerror or error}"
    return "" if said[:3] in (b"220", b"421") else f"Postfix says {said[:80]!r}"


def judge(facts: Facts, signs: Signs, queue: Queue, now: float) -> list[Finding]:
    """Return all findings, the worst first."""
    found = [finding for look in LOOKS for finding in look(facts, signs, queue, now)]
    return sorted(found, key=lambda finding: -finding.severity)


def of_server(facts: Facts, _signs: Signs, _queue: Queue, _now: float) -> Iterator[Finding]:
    """Boards get no answer."""
    if trouble := answers(facts):
        yield Finding("server", CRITICAL, trouble, "start it: postfix start; see the log")


def of_queue(facts: Facts, _signs: Signs, queue: Queue, _now: float) -> Iterator[Finding]:
    """Mail waits, for too long or for something that no waiting helps against."""
    if queue.trouble:
        yield Finding("queue", CRITICAL, queue.trouble, "start it: postfix start; see the log")
    kinds = {classify(text): text for text in reversed(queue.reasons) if text != WAITING}
    severity = by_age(queue.oldest, facts)
    for kind, text in kinds.items():
        if worst := max(kind.severity, severity):
            said = f"{kind.text}; {waits(queue)}; it said: {text}"
            yield Finding(f"delay: {kind.text}", worst, said, kind.remedy)
    if severity and not kinds:
        yield Finding("delay", severity, waits(queue), "see the log; postqueue -p; postqueue -f")


def by_age(age: float, facts: Facts) -> int:
    """Judge how long the oldest mail waits."""
    if age >= facts.watch.critical_after:
        return CRITICAL
    return WARNING if age >= facts.watch.warn_after else OK


def waits(queue: Queue) -> str:
    """Say what waits."""
    return f"{queue.count} waiting, the oldest for {duration(queue.oldest)}"


def of_disk(facts: Facts, _signs: Signs, _queue: Queue, _now: float) -> Iterator[Finding]:
    """The disk of the queue is nearly full."""
    try:
        state = os.statvfs(facts.paths.queue)
    except OSError as error:
        yield Finding("disk", CRITICAL, f"no queue folder: {error}", "install the gateway")
        return
    free = state.f_bavail * state.f_frsize
    if free < facts.watch.free_space:
        severity = CRITICAL if free < 4 * facts.message_size else WARNING
        text = f"{free // 2**20} MiB are free for the queue"
        yield Finding("disk", severity, text, f"free space on the disk of {facts.paths.queue}")


def of_boards(facts: Facts, signs: Signs, _queue: Queue, now: float) -> Iterator[Finding]:
    """A board is silent."""
    for board in facts.boards if facts.watch.heartbeats else ():
        if silence := signs.silent(board, now):
            since = "was heard last" if board.sender in signs.heard else "has not been heard for"
            text = f"{board.name} is silent: it {since} {duration(silence)}"
            ago = " ago" if board.sender in signs.heard else ""
            remedy = "look at the board: power, cable, its status; or at its other gateway"
            yield Finding(f"silent {board.name}", CRITICAL, text + ago, remedy)


def of_refusals(_facts: Facts, signs: Signs, _queue: Queue, now: float) -> Iterator[Finding]:
    """Somebody is refused: a board with a wrong address, or a stranger."""
    for address, event in signs.refused.items():
        if now - event.last < RECENT:
            text = f"{address} was refused {event.count} times, last: {event.text}"
            remedy = "a board: correct its sender, recipients or limits; else look who it is"
            yield Finding(f"refused {address}", WARNING, text, remedy)


def of_log(_facts: Facts, signs: Signs, _queue: Queue, now: float) -> Iterator[Finding]:
    """Mail was lost for the board, or Postfix has trouble of its own."""
    lost, error = signs.given_up, signs.error
    if lost and now - lost.last < MEMORY:
        text = f"{lost.count} mails were given up and sent to the operator, last {lost.text}"
        yield Finding(
            "given up", CRITICAL, text, "read them; correct what the queue's reason said"
        )
    if error and now - error.last < RECENT:
        yield Finding("error", WARNING, f"in the log: {error.text}", "see the lines around it")


Look = Callable[[Facts, Signs, Queue, float], Iterator[Finding]]
LOOKS: tuple[Look, ...] = (of_server, of_queue, of_disk, of_boards, of_refusals, of_log)


def status(facts: Facts, signs: Signs, now: float) -> dict[str, Any]:
    """Look at everything and return the status, as it is written and shown."""
    signs.forget(now - MEMORY)
    queue = see_queue(facts, now)
    findings = judge(facts, signs, queue, now)
    severity = max((finding.severity for finding in findings), default=OK)
    return {
        "gateway": facts.hostname,
        "time": now,
        "interval": facts.watch.interval,
        "status": severity,
        "name": NAMES[severity],
        "findings": [asdict(finding) for finding in findings],
        "queue": asdict(queue),
        "boards": boards(facts, signs, now),
        "last_error": asdict(signs.error) if signs.error else None,
    }


def summary(status: dict[str, Any]) -> str:
    """Say it in one line, as monitoring programs want it, with figures behind the bar."""
    texts = [finding["text"] for finding in status["findings"]]
    queue = status["queue"]
    said = "; ".join(texts) or f"{queue['count']} mails wait, all boards were heard"
    figures = f"queue={queue['count']} oldest={queue['oldest']:.0f}s"
    return f"{status['name']}: {' '.join(said.split()).replace('|', '/')} | {figures}"


def duration(seconds: float) -> str:
    """Show a time in its two largest units: 2 d 3 h."""
    rest, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
