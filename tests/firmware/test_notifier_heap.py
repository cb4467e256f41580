"""The whole notifier, 20 points, in the first heap of an ESP32."""

import json
import re

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP
from tests.bench.board import run
from tests.bench.notifier import KILO, free_while_sending, make_folder

ANSWER = re.compile(r"=(\d+) (ok|error): (.*)")

LEAST = 9984
"""Octets that are free while a mail is sent: room for an error, and for what comes meanwhile."""

CONSOLE = 64
"""KiB in which each command of the console works; an ESP32 adds to its first heap by itself."""


def test_it_fits_an_esp32(record_property):
    free = free_while_sending()
    record_property("figure", f"notifier: {free} octets of 56 KiB free while it sends")
    assert free >= LEAST


def test_the_console_answers_with_little_more():
    with FakeSMTP("CONNECT=delay 6s") as server, make_folder(server.port) as folder:
        limit = ("-X", f"heapsize={CONSOLE * KILO}")
        program = ("-m", "typed", server.port, folder / "flash")
        done = run((micropython.find(32), *limit, *program), folder).checked()
    found = [one for line in done.output.splitlines() if (one := ANSWER.fullmatch(line))]
    assert [int(one[1]) for one in found] == list(range(1, 12)), done.output
    refused = {one[1]: json.loads(one[3]) for one in found if one[2] == "error"}
    assert refused == {"5": "busy: a mail is on its way, try again in a minute"}
