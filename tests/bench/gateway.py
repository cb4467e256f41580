"""What the gateway bears: mails a second taken and relayed, its memory, and how long a look takes.

The boards are the firmware's client under MicroPython, a process each; smtplib is there beside it.
Everything runs on this computer, provider included, so the figures are a lower bound.
"""

import contextlib
import os
import smtplib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools import micropython
from host_tools.gateway import trial
from host_tools.gateway.check import Target, check
from host_tools.gateway.model import Gateway, check_gateway
from host_tools.gateway.provider import USER
from host_tools.gateway.render import facts_of

LOADS = {1: 300, 20: 30, 200: 3}
"""Clients at a time, and how many mails each sends in one session."""

CROWD = 20
TRY, CHECK = 5.0, 6.0
"""Seconds that a trial and a check may take."""

PROGRAM = Path(__file__).parent.parent / "gateway" / "programs" / "board.py"
PATIENCE = 300
BANNER = 5.0
"""Seconds to wait for the banner."""

KIBIBYTE = 1024

PLANT: dict[str, Any] = {
    "recipients": ["ops@example.com"],
    "devices": {"plc7": {"sender": "plc7@plant.lan"}},
    "gateway": {
        "hostname": "mail.plant.lan",
        "listen": ["192.168.1.1"],
        "networks": ["192.168.1.0/24"],
        "operator": "operator@example.com",
        "provider": {"host": "smtp.example.com", "user": USER, "from": USER},
        "limits": {"connections": 50, "connections_per_minute": 10000, "mails_per_minute": 10000},
    },
}


@dataclass(frozen=True)
class Load:
    """What came of a load: mails a second until the last was taken, and was relayed."""

    sender: str
    clients: int
    taken: float
    relayed: float


@dataclass(frozen=True)
class Time:
    """Something that has a target in seconds."""

    name: str
    seconds: float
    target: float

    @property
    def kept(self) -> bool:
        """Tell whether the target is kept."""
        return self.seconds <= self.target


def gateway() -> Gateway:
    """Return a gateway whose limits leave room for 200 clients at one address."""
    model = check_gateway(PLANT)
    limits = model.limits.model_copy(update={"connections": 250, "processes": 20})
    return model.model_copy(update={"limits": limits})


def measure_loads() -> Iterator[Load]:
    """Send by either client, with so many of them."""
    for clients, mails in LOADS.items():
        for sender, send in SENDERS.items():
            with trial.start(gateway()) as chain:
                yield Load(sender, clients, *load(chain, send, clients, mails))


def load(chain: trial.Trial, send: Callable, clients: int, mails: int) -> tuple[float, float]:
    """Send and wait; return mails a second that were taken, and relayed."""
    began = time.monotonic()
    send(chain.postfix.port, clients, mails)
    taken = time.monotonic() - began
    chain.provider.wait(clients * mails, PATIENCE)
    relayed = time.monotonic() - began
    return clients * mails / taken, clients * mails / relayed


def send_by_boards(port: int, clients: int, mails: int) -> None:
    """Let as many boards send at once; the start of MicroPython counts, it takes 2 ms."""
    environment = {**os.environ, "MICROPYPATH": str(micropython.ROOT / "firmware")}
    boards = [
        subprocess.Popen(
            [str(micropython.find(64)), str(PROGRAM), str(port), f"load{number}", str(mails)],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        for number in range(clients)
    ]
    if any(board.wait(PATIENCE) for board in boards):
        raise OSError("a board could not send")


def send_by_smtplib(port: int, clients: int, mails: int) -> None:
    """Let as many threads send at once."""
    threads = [
        threading.Thread(target=session, args=(port, number, mails)) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def session(port: int, number: int, mails: int) -> None:
    """Send mails in one session."""
    with connect(port) as client:
        for mail in range(mails):
            text = (
                f"Subject: x\r\nMessage-ID: <{number}.{mail}@alarmpost.internal>\r\n\r\nhello\r\n"
            )
            client.sendmail("plc7@plant.lan", "ops@example.com", text)


def connect(port: int) -> smtplib.SMTP:
    """Connect; when too many come at a time the kernel loses some, who must come again."""
    while True:
        with contextlib.suppress(OSError):
            return smtplib.SMTP("127.0.0.1", port, "board.lan", timeout=BANNER)


SENDERS = {"firmware": send_by_boards, "smtplib": send_by_smtplib}


def measure_times() -> Iterator[Time]:
    """Take the time of a trial's start and first mail, and of a check."""
    began = time.monotonic()
    with trial.start(gateway()) as chain:
        trial.send(chain)
        known = facts_of(chain.postfix.gateway, chain.postfix.system, chain.postfix.port)
        middle = time.monotonic()
        results = list(check(Target("127.0.0.1", chain.postfix.port, here=True), known))
        took = time.monotonic() - middle
    yield Time("gateway try: start, a mail, check, stop", time.monotonic() - began, TRY)
    yield Time(f"gateway check: {len(results)} probes and looks", took, CHECK)


def measure_memory() -> dict[str, int]:
    """Return the octets of Postfix's processes, shared pages by parts: idle, and with clients."""
    with trial.start(gateway()) as chain:
        process = chain.postfix.process
        assert process is not None
        idle = memory(process.pid)
        clients = [smtplib.SMTP("127.0.0.1", chain.postfix.port, "b") for _ in range(CROWD)]
        for client in clients:
            client.sendmail("plc7@plant.lan", "ops@example.com", "Subject: x\r\n\r\nhello\r\n")
        crowded = memory(process.pid)
        for client in clients:
            client.quit()
    return {"idle": idle, f"{CROWD} clients": crowded}


def memory(master: int) -> int:
    """Add up what the processes of Postfix take: the proportional set size."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if master in (parent, int(folder.name)):
                rollup = (folder / "smaps_rollup").read_text()
                total += int(rollup.split("\nPss:")[1].split()[0]) * KIBIBYTE
        except (OSError, IndexError):
            continue  # it has ended
    return total
