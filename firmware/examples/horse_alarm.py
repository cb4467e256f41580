"""A small alarm program: it mails one alarm through the gateway and shows the dialogue.

On a board, set GATEWAY and start it; on a PC, `micropython horse_alarm.py HOST PORT`.
"""

import sys

from smtp_client import send_mail
from smtp_client.errors import SMTPError

GATEWAY = "192.168.1.1"
PORT = 25


def show(stage, direction, line, milliseconds):
    """Print a line of the dialogue."""
    print("%6d ms  %-7s %s %s" % (milliseconds, stage, direction, line))


def alarm(host, port):
    """Mail the alarm; return True when the gateway has it."""
    try:
        refused = send_mail(
            host,
            port,
            "PLC 7 <plc7@plant.lan>",
            "ops@example.com",
            "a Horse",
            "The horse does not eat cucumber salad",
            local_hostname="plc7.plant.lan",
            trace=show,
        )
    except SMTPError as error:
        print("NOT SENT:" if error.outcome == "refused" else "PERHAPS SENT:", error)
        print("later it may be taken" if error.transient else "it will never be taken like this")
        return False
    for address in refused:
        print("refused for", address, "-", refused[address])
    return True


if __name__ == "__main__":
    server = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else (GATEWAY, PORT)
    sys.exit(0 if alarm(*server) else 1)
