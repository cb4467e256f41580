"""Send a mail by send_mail() for each line of input, a port; print the microseconds it took."""

import sys

from sample import BODY, HOST, SENDER, SUBJECT, recipients
from smtp_client import send_mail

try:
    from time import ticks_diff, ticks_us
except ImportError:
    from cpython import ticks_diff, ticks_us

TO = recipients(1)

while True:
    line = sys.stdin.readline()
    if not line:
        break
    start = ticks_us()
    send_mail(HOST, int(line), SENDER, TO, SUBJECT, BODY)
    print(ticks_diff(ticks_us(), start))
