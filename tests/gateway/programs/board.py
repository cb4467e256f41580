"""A board that sends alarms until the gateway has them: board.py PORT NAME COUNT [each].

It does as the notifier does: what is refused for now, or lost on the way, is sent again with the
same Message-ID and Date. With `each` every mail has a connection of its own. It prints how many
mails were sent, how often it tried again, and how often it could not know.
"""

import sys
import time

from smtp_client import Mail, SMTPClient
from smtp_client.errors import SMTPError

HOST = "127.0.0.1"
PAUSE = 0.05  # seconds
MOST_TRIES = 1000  # of a mail


def mail_number(name, number):
    """Return a mail that is always the same."""
    return Mail(
        "plc7@plant.lan",
        "ops@example.com",
        "[PLANT high] PUMP_%d overload RAISED" % number,
        "Reset the motor protection.\n.a line that begins with a dot\n",
        message_id="<%s.%d@alarmpost.internal>" % (name, number),
        date=(2026, 11, 22, 14, 2, number % 60, 0, 0),
        headers={"In-Reply-To": "<1.1.1@alarmpost.internal>"},
    )


def send(client, mail, last):
    """Send a mail until the gateway has it; return the tries and those whose end is unknown."""
    unknown = 0
    for tries in range(1, MOST_TRIES):
        try:
            client.send(mail, last=last)
            return tries, unknown
        except SMTPError as error:
            if error.outcome == "unknown":
                unknown += 1
            elif not error.transient:
                raise
            time.sleep(PAUSE)
    raise OSError("the gateway does not take mail %s" % mail.id)


def main(port, name, count, last):
    """Send them all."""
    client = SMTPClient(HOST, port, local_hostname="plc7.plant.lan")
    total = unknown = 0
    for number in range(count):
        tries, lost = send(client, mail_number(name, number), last)
        total += tries
        unknown += lost
    client.close()
    print('{"sent": %d, "again": %d, "unknown": %d}' % (count, total - count, unknown))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), len(sys.argv) > 4)
