"""The whole notifier, 20 points, in the first heap of an ESP32."""

from tests.bench.notifier import free_while_sending

LEAST = 9984
"""Octets that are free while a mail is sent: room for an error, and for what comes meanwhile."""


def test_it_fits_an_esp32(record_property):
    free = free_while_sending()
    record_property("figure", f"notifier: {free} octets of 56 KiB free while it sends")
    assert free >= LEAST
