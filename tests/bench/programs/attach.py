"""Send a mail with an attachment of so many octets: `attach PORT OCTETS`."""

import sys

from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import send_mail

PIECE = bytes(512)


class Source:
    """Octets that are made while they are read."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        for _ in range(self.count // len(PIECE)):
            yield PIECE


source = Source(int(sys.argv[2]))
attachments = [("log.bin", source)]
send_mail(HOST, int(sys.argv[1]), SENDER, recipients(1), SUBJECT, BODY, attachments=attachments)
