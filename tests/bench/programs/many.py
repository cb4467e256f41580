"""Tell the heap taken after the tenth of so many mails and after the last: `many PORT MAILS`."""

import gc
import json
import sys

from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import send_mail

port = int(sys.argv[1])
to = recipients(1)
taken = [0, 0]


def send(count):
    """Send so many mails and return the heap that is taken then."""
    for _ in range(count):
        send_mail(HOST, port, SENDER, to, SUBJECT, BODY)
    gc.collect()
    return gc.mem_alloc()


taken[0] = send(10)
taken[1] = send(int(sys.argv[2]) - 10)
print(json.dumps(taken))
