"""The client under test: the same calls on CPython and on MicroPython, 64 and 32 bit."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP

HERE = Path(__file__).parent
FIRMWARE = HERE.parent.parent / "firmware"
PATIENCE = 60  # seconds after which a call counts as a hang

INTERPRETERS = {
    "cpython": lambda: sys.executable,
    "micropython": lambda: str(micropython.find(64)),
    "micropython32": lambda: str(micropython.find(32)),
}


class Device:
    """A worker process that makes calls of the client; `worker.py` says which there are."""

    def __init__(self, interpreter: str):
        self.name = interpreter
        self._command = [INTERPRETERS[interpreter](), str(HERE / "worker.py"), str(FIRMWARE)]
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self._answers: queue.Queue[str] = queue.Queue()
        args = (self._process.stdout, self._answers)
        threading.Thread(target=listen, args=args, daemon=True).start()

    def call(self, name: str, *args):
        """Make a call and return what came of it; a hang or a crash fails the test."""
        line = json.dumps([name, args], ensure_ascii=False)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        try:
            answer = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            self.close()
            self._start()
            pytest.fail(f"{self.name} hangs in {name}")
        if not answer:
            self.close()
            self._start()
            pytest.fail(f"{self.name} crashed in {name}")
        return json.loads(answer)

    def send(self, server, recipients="ops@example.com", text="Hello", subject="A", **options):
        """Call send_mail() against a fake server."""
        args = (server.host, server.port, "plc7@plant.lan", recipients, subject, text, options)
        return self.call("send", *args)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()


def listen(stream, answers: queue.Queue[str]) -> None:
    """Put each line of a stream into the queue, and "" at its end."""
    with stream:
        for line in stream:
            answers.put(line)
    answers.put("")


@pytest.fixture(scope="session", params=INTERPRETERS)
def device(request):
    """The client on one of the interpreters."""
    device = Device(request.param)
    yield device
    device.close()


@pytest.fixture
def server():
    """A fake server that takes every mail until told otherwise."""
    with FakeSMTP() as server:
        yield server


def pytest_terminal_summary(terminalreporter):
    """Print the figures that tests recorded."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "figure":
                terminalreporter.write_line(value)
