"""Send the sample mail by STARTTLS, with a password: `secure PORT CA`, CA the name of a file."""

import sys

from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import send_mail

send_mail(
    HOST,
    int(sys.argv[1]),
    SENDER,
    recipients(1),
    SUBJECT,
    BODY,
    tls="starttls",
    ca=sys.argv[2],
    username="plc7",
    password="secret",
)
