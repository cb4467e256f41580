"""The whole notifier, 20 points, in the first heap of an ESP32; and the names of a long life."""

import json
import re

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP
from tests.bench.board import FIRMWARE, run
from tests.bench.notifier import KILO, free_while_sending, make_folder

ANSWER = re.compile(r"=(\d+) (ok|error): (.*)")

LEAST = 12288
"""Octets that are free while a mail is sent: room for an error, and for what comes meanwhile."""

MOST_NAMES = 620
"""MicroPython keeps names in tables, each twice as large as the one before: 20, 40, 80, 160, 320.
One name more than they hold takes 4.5 kB in one piece, which a heap in use does not have."""

ELSEWHERE = {
    *("main", "update", "alarmpost", "expander"),  # in the place of others, or on few boards
    *("config", "addresses", "remedies", "texts"),  # the check: a reset follows
    *("hardware", "bringup", "link"),  # here the stand-in; much of them are names of the port
}
CLIENT = ("smtp_client.errors", "smtp_client.replies", "smtp_client.encode")
"""What the client needs besides, where its options are plain."""

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


def test_the_names_of_a_long_life_fit_their_tables(record_property):
    files = [*FIRMWARE.glob("*.py"), *(FIRMWARE / "outbox").glob("*.py")]
    modules = [".".join(file.relative_to(FIRMWARE).with_suffix("").parts) for file in files]
    borrowed = set(modules) - ELSEWHERE - {"outbox.__init__"}
    with FakeSMTP("default") as server, make_folder(server.port) as folder:
        words = ("-m", "names", server.port, folder / "flash", *sorted(borrowed), *CLIENT)
        told = run((micropython.find(32), *words), folder).checked().output
    (names,) = re.findall(r"n_qstr=(\d+)", told)
    record_property("figure", f"notifier: {names} names in a life in which all is needed once")
    assert int(names) <= MOST_NAMES
