"""Send a mail by smtplib for each line of input, a port; print the microseconds it took.

The mail has the header that send_mail() writes. Host names are given, as looking one's own up can
take seconds.
"""

import smtplib
import sys
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from time import perf_counter_ns

from sample import BODY, HOST, SENDER, SUBJECT, recipients

TO = recipients(1)


def send(port):
    """Make the mail and send it, as send_mail() does."""
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = TO
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain="plant.lan")
    message["Subject"] = SUBJECT
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(BODY)
    server = smtplib.SMTP(HOST, port, local_hostname="[127.0.0.1]")
    server.send_message(message)
    server.quit()


for line in sys.stdin:
    start = perf_counter_ns()
    send(int(line))
    print((perf_counter_ns() - start) // 1000, flush=True)
