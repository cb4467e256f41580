"""Send the sample mail and nothing else: `plain PORT`."""

import sys

from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import send_mail

send_mail(HOST, int(sys.argv[1]), SENDER, recipients(1), SUBJECT, BODY)
