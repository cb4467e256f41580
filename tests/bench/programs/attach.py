"""Send an attachment of 1 MB; print the heap taken early in it and late: `attach PORT`."""

import gc
import json
import sys

from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import send_mail

PIECE = bytes(512)
PIECES = 2048
LOOKS = (57 * 5, 57 * 35)  # there the lines of base64 are as far as the pieces


class Source:
    """Octets that are made while they are read."""

    def __init__(self):
        self.taken = []

    def __iter__(self):
        for at in range(PIECES):
            if at in LOOKS:
                gc.collect()
                self.taken.append(gc.mem_alloc())
            yield PIECE


source = Source()
attachments = [("log.bin", source)]
send_mail(HOST, int(sys.argv[1]), SENDER, recipients(1), SUBJECT, BODY, attachments=attachments)
print(json.dumps(source.taken))
