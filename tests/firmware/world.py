"""A board with its plant, its gateways and its time server, in simulated time, for tests to drive.

The firmware runs unchanged under MicroPython, in `programs/world.py`; times are in ms.
"""

import atexit
import contextlib
import json
import queue
import re
import subprocess
import threading
from email import message_from_string
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from host_tools import micropython
from tests.bench.board import CLIENT, FIRMWARE, compile_all
from tests.firmware.conftest import listen

HERE = Path(__file__).resolve().parent
PATIENCE = 300  # seconds after which a call counts as a hang

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

UTC = 1795000000
"""Unix seconds of the plant's time 0: 2026-11-18 11:06:40."""

OPERATORS = "ops@example.com"
MANAGERS = "boss@example.com"

SITE = {
    "plant": "PLANT",
    "device": "plc7",
    "sender": "plc7@plant.lan",
    "recipients": {"operators": [OPERATORS], "managers": [MANAGERS]},
    "gateways": ["192.168.1.1:25"],
    "system": "operators",
    "ntp": "192.168.1.2",
    "heartbeat": "",
    "watchdog": 8,
}


def configuration(*points, **site):
    """Return a configuration; a value of None leaves a field out."""
    found = {**SITE, "points": list(points), **site}
    return {name: value for name, value in found.items() if value is not None}


def software(tag, **fields):
    """Return the configuration of a point that the program sets, without delays."""
    return {"tag": tag, "type": "software", "on_delay": 0, "off_delay": 0, **fields}


@cache
def compiled():
    """Return a folder of this process with the firmware as a board has it."""
    folder = Path(mkdtemp(prefix="alarmpost-"))
    atexit.register(rmtree, folder)
    compile_all(FIRMWARE, folder)
    compile_all(FIRMWARE / "outbox", folder / "outbox")
    compile_all(CLIENT, folder / "smtp_client")
    return folder


TIME = re.compile(r" \d\d:\d\d:\d\d$")


class FailedError(Exception):
    """What was to be done in the simulation failed; the message is its traceback."""


class Mail:
    """A mail as it arrived.

    time: when, in ms
    to: the addresses of its envelope
    text: its octets; `body` is what comes after the header
    """

    def __init__(self, time, to, text):
        self.time = time
        self.to = to
        self.text = text
        self.message = message_from_string(text)
        self.body = text.partition("\r\n\r\n")[2].replace("\r\n", "\n")

    def __getitem__(self, field):
        return self.message[field]

    @property
    def subject(self):
        return self["Subject"]

    @property
    def words(self):
        """The subject without the plant, and without the time of day at its end."""
        words = self.subject.partition("] ")[2]
        return words[:-9] if TIME.search(words) else words

    def __repr__(self):
        return f"{self.time} {self.subject}"


class World:
    """A plant; `console` has the lines that the firmware has printed."""

    def __init__(self, bits=64, heap="1m"):
        words = [micropython.find(bits), "-X", f"heapsize={heap}"]
        words += [HERE / "programs" / "world.py", compiled()]
        self._process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        args = (self._process.stdout, self._lines)
        threading.Thread(target=listen, args=args, daemon=True).start()
        self.console = []

    def _call(self, how, source):
        self._process.stdin.write(json.dumps([how, source]) + "\n")
        self._process.stdin.flush()
        while True:
            line = self._lines.get(timeout=PATIENCE)
            if not line:
                raise FailedError("the interpreter has ended")
            if line[:2] == "=[":
                done, value = json.loads(line[1:])
                if not done:
                    raise FailedError(value)
                return value
            self.console.append(line.rstrip())

    def do(self, source):
        """Run statements in the simulation."""
        self._call("do", source)

    def get(self, source):
        """Return what an expression is worth in the simulation."""
        return self._call("get", source)

    def make(self, *points, **site):
        """Make a plant whose board has these points."""
        self.do(f"make({json.dumps(configuration(*points, **site))!r})")

    def start(self, *points, time=0, **site):
        """Make a plant, switch its power on at a time, and take the mails that tell of it."""
        self.make(*points, **site)
        self.do(f"plant.now = {time}")
        self.boot()
        return self.run(time + SECOND)

    def boot(self, cause="power on"):
        """Switch the power off, if it is on, and on."""
        self.do(f"boot({cause!r})")

    def run(self, until, every=0):
        """Let time go on until a moment; return the mails that came."""
        self.do(f"run({until}, {every})")
        return self.mails()

    def mails(self):
        """Return the mails that came since the last time."""
        return [Mail(*mail) for mail in self.get("take()")]

    def at(self, time, source):
        """Let statements run at a time."""
        self.do(f"plant.at({time}, exec, {source!r}, names)")

    def drive(self, name, level):
        """Let a contact be at a level: 0 is closed."""
        self.do(f"plant.board.digital({name!r}).drive({level})")

    def point(self, tag, call):
        """Call a method of a point."""
        self.do(f"app.find({tag!r}).{call}")

    def failures(self):
        """Return how many failures the firmware has caught."""
        return self.get("app.failures")

    def close(self):
        """End the process."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
