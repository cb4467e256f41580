"""The whole notifier, 20 points, in the first heap of an ESP32; and the names of a long life."""

import re

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP
from tests.bench.board import FIRMWARE, run
from tests.bench.notifier import free_while_sending, make_folder

LEAST = 12672
"""Octets that are free while a mail is sent: room for an error, and for what comes meanwhile."""

MOST_NAMES = 620
"""MicroPython keeps names in tables, each twice as large as the one before: 20, 40, 80, 160, 320.
One name more than they hold takes 4.5 kB in one piece, which a heap in use does not have."""

ELSEWHERE = {
    *("main", "update", "alarmpost", "expander"),  # in the place of others, or on few boards
    *("config", "addresses", "remedies", "texts"),  # the check: a reset follows
    *("hardware", "bringup", "link"),  # here the stand-in; much of them are names of the port
}
CLIENT = ("smtp_client.errors", "smtp_client.encode")
"""What the client needs besides, where its options are plain."""


def test_it_fits_an_esp32(record_property):
    free = free_while_sending()
    record_property("figure", f"notifier: {free} octets of 56 KiB free while it sends")
    assert free >= LEAST


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
