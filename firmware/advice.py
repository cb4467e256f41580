"""What to do where a test mail fails; borrowed to tell it."""

try:
    from micropython import const
except ImportError:
    from smtp_client.cpython import const

LINK = {
    "no link": "plug the cable in, and see whether the lamp of the switch is on",
    "no address": "let DHCP answer: look at the router, and at the port of the switch",
}

# Stages; how the error begins, a code or what happened; what to do. The first that fits counts.
_REMEDIES = const(
    """\
CONNECT;name look-up;give the address in "gateways", or let the router know the name
CONNECT;refused;nothing listens there: start Postfix, or correct the port in "gateways"
CONNECT;unreachable;no way leads there: correct "gateways", or mask and router of the board
CONNECT;time-out;nobody answers: is the gateway on, its address right, no firewall between?
CONNECT EHLO HELO;5;it does not talk to the board: allow the address of the board there
MAIL;5;it does not take this sender: allow it there, or correct "sender"
RCPT;5;it does not take mail from the board to there: allow that, or correct "recipients\""""
)


def explain(error):
    """Return what to do about an SMTPError."""
    cause = str(error.code) if error.code else error.text
    for row in _REMEDIES.split("\n"):
        stages, begin, text = row.split(";")
        if error.stage in stages.split(" ") and cause.startswith(begin):
            return text
    return "the log of the gateway tells more"
