"""The loop of the watch: look, write, tell; and what it keeps over a restart."""

import json
import os
import signal
import sys
import syslog
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from host_tools.gateway.facts import Facts
from host_tools.gateway.results import CRITICAL, OK, UNKNOWN, WARNING
from host_tools.gateway.watch.log import Log
from host_tools.gateway.watch.look import HOUR, NAMES, duration, status, summary
from host_tools.gateway.watch.page import serve
from host_tools.gateway.watch.signs import Signs, load

PRIORITIES = {
    OK: syslog.LOG_NOTICE,
    WARNING: syslog.LOG_WARNING,
    CRITICAL: syslog.LOG_CRIT,
    UNKNOWN: syslog.LOG_ERR,
}
REPEAT = HOUR
"""Seconds after which syslog is told again of what is still wrong."""

Tell = Callable[[int, str], None]


def tell_syslog(severity: int, text: str) -> None:
    """Write a line to syslog."""
    syslog.openlog("alarmpost-gateway", 0, syslog.LOG_DAEMON)
    syslog.syslog(PRIORITIES[severity], text)


class Watch:
    """The watch of a gateway; `look()` does it once.

    tell: called with severity and text when something changes
    """

    def __init__(self, facts: Facts, tell: Tell = tell_syslog):
        self.facts = facts
        self.tell = tell
        self.state = Path(facts.paths.state, "watch.json")
        self.told: dict[str, float] = {}
        self.status: dict[str, Any] = {}
        self.signs, self.log = self.remember()

    def remember(self) -> tuple[Signs, Log]:
        """Go on where a former process ended, or begin."""
        path = Path(self.facts.paths.log)
        try:
            data = json.loads(self.state.read_text("utf-8"))
            return load(data["signs"]), Log(path, data["log"])
        except (OSError, ValueError, KeyError, TypeError):
            return Signs(time.time()), Log(path)

    def look(self, now: float | None = None) -> dict[str, Any]:
        """Look, write the status, tell what is new; return the status."""
        now = time.time() if now is None else now
        self.signs.follow(self.log.read(now))
        self.status = status(self.facts, self.signs, now)
        self.keep()
        self.report(now)
        return self.status

    def keep(self) -> None:
        """Write the status, and what the next process needs."""
        write(Path(self.facts.paths.status), self.status)
        write(self.state, {"signs": self.signs.dump(), "log": self.log.position})

    def report(self, now: float) -> None:
        """Tell what has come, what has gone, and every hour what is still there."""
        current = {finding["kind"]: finding for finding in self.status["findings"]}
        for kind, finding in current.items():
            if now - self.told.get(kind, 0) >= REPEAT:
                self.tell(finding["severity"], f"{finding['text']}. {finding['remedy']}")
                self.told[kind] = now
        for kind in [kind for kind in self.told if kind not in current]:
            self.tell(OK, f"over: {kind}")
            del self.told[kind]

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop; the page shows the last look."""
        self.look()
        server = serve(lambda: self.status, self.facts.watch.port)
        try:
            while not stop.wait(self.facts.watch.interval):
                self.look()
        finally:
            server.shutdown()
            server.server_close()

    def close(self) -> None:
        """Close the log."""
        self.log.close()


def write(path: Path, data: Any) -> None:
    """Replace a file by another one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("w") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def run(facts: Facts) -> int:
    """Run the daemon until SIGTERM or Ctrl-C; return the exit status."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(f"http://127.0.0.1:{facts.watch.port}/, status in {facts.paths.status}", flush=True)
    try:
        with closing(Watch(facts)) as watch:
            watch.run(stop)
    except OSError as error:
        print(f"alarmpost: {error}: is the watch running already?", file=sys.stderr)
        return UNKNOWN
    return OK


def once(facts: Facts) -> int:
    """Look once, print one line, return the exit status for a monitoring program."""
    with closing(Watch(facts, tell=lambda *_: None)) as watch:
        seen = watch.look()
    print(summary(seen))
    return seen["status"]


def last(facts: Facts) -> int:
    """Print what the daemon saw last and return its status; critical where it does not run."""
    try:
        seen = json.loads(Path(facts.paths.status).read_text("utf-8"))
        age = time.time() - seen["time"]
    except (OSError, ValueError, KeyError) as error:
        print(f"UNKNOWN: no status of the watch ({error}): is it running?")
        return UNKNOWN
    if age > 3 * seen["interval"] + 60:
        print(f"{NAMES[CRITICAL]}: the watch has not looked for {duration(age)}: is it running?")
        return CRITICAL
    print(summary(seen))
    return seen["status"]
