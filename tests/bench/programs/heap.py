"""Measure the heap that one mail takes, with the collector off: `heap PORT CASE`."""

import gc
import json
import sys

from sample import BODY, HOST, LINE, SENDER, SUBJECT, recipients
from smtp_client import SMTPClient

OCTETS = LINE.encode()
TO = recipients(1)


class Lines:
    """A body that is made while it is read, and takes no heap for that."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        for _ in range(self.count):
            yield OCTETS


def first(port):
    """Return the heap of the first mail and of the objects that it needs."""
    start = gc.mem_alloc()
    client = SMTPClient(HOST, port)
    client.send_mail(SENDER, TO, SUBJECT, BODY)
    return gc.mem_alloc() - start


def further(port, warm_up, body):
    """Return the heap of a mail after one with the body `warm_up` in the same session."""
    client = SMTPClient(HOST, port)
    client.send_mail(SENDER, TO, SUBJECT, warm_up)
    start = gc.mem_alloc()
    client.send_mail(SENDER, TO, SUBJECT, body)
    return gc.mem_alloc() - start


CASES = {
    "first": first,
    "further": lambda port: further(port, BODY, BODY),
    "small": lambda port: further(port, Lines(6), Lines(6)),
    "large": lambda port: further(port, Lines(6), Lines(2000)),  # 100 kB
}

gc.collect()
gc.disable()
taken = CASES[sys.argv[2]](int(sys.argv[1]))
print(json.dumps(taken))
