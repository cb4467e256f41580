"""What a mail asks of the server beyond the plain commands: DSN (RFC 3461), SMTPUTF8 (RFC 6531).

Imported by the first mail that needs one of them. REQUIRETLS is left out knowingly: a gateway on
the plant's network seldom has it, and an alarm that may not travel is no alarm.
"""

from .checks import bad, known, text

_NOTIFY = ("NEVER", "SUCCESS", "FAILURE", "DELAY")


def check(mail, dsn):
    """Check the option `dsn` and let each RCPT of the mail say what it wants."""
    if not isinstance(dsn, dict):
        raise bad("dsn", dsn, ' is no dict: give one like {"notify": "FAILURE"}')
    known(dsn, ("notify", "ret", "envid", "orcpt"))
    if dsn.get("ret") not in (None, "FULL", "HDRS"):
        raise bad("dsn: ret", dsn["ret"], " is neither: give FULL or HDRS")
    text("dsn: envid", dsn.get("envid", ""))
    if len(dsn.get("envid", "")) > 30:
        raise bad("dsn: envid", dsn["envid"], " is too long: give at most 30 letters")
    text("dsn: notify", dsn.get("notify", "NEVER"))
    words = dsn.get("notify", "NEVER").split(",")
    if [word for word in words if word not in _NOTIFY] or ("NEVER" in words and len(words) > 1):
        raise bad(
            "dsn: notify",
            dsn["notify"],
            " is none: give NEVER, or some of the others in " + ",".join(_NOTIFY),
        )
    mail.envelope = Recipients(mail, mail.envelope, dsn)
    mail.options["dsn"] = dsn.copy()


class Recipients:
    """The addresses of a mail; each that is taken sets what ends its command RCPT."""

    def __init__(self, mail, found, dsn):
        self.mail = mail
        self.found = found
        self.notify = dsn.get("notify")
        self.orcpt = dsn.get("orcpt")
        self.offered = False

    def __len__(self):
        return len(self.found)

    def __iter__(self):
        return iter(self.found)

    def __getitem__(self, at):
        address = self.found[at]
        self.mail.wish = self.wish(address) if self.offered else ">"
        return address

    def wish(self, address):
        """Return the parameters for one address (RFC 3461 section 4)."""
        found = ">"
        if self.notify:
            found += " NOTIFY=" + self.notify
        if self.orcpt and len(address) == len(address.encode()):
            found += " ORCPT=rfc822;" + xtext(address)
        return found


def xtext(value):
    """Return a text as a parameter may have it (RFC 3461 section 4)."""
    return "".join(
        [chr(o) if 32 < o < 127 and o not in b"+=" else "+%02X" % o for o in value.encode()]
    )


def start(mail, features):
    """Add what is wanted and offered to the parameters of MAIL; refuse what must be and is not."""
    dsn = mail.options.get("dsn")
    if dsn:
        mail.envelope.offered = b"\nDSN" in features
        if mail.envelope.offered and dsn.get("ret"):
            mail.parameters += " RET=" + dsn["ret"]
        if mail.envelope.offered and dsn.get("envid"):
            mail.parameters += " ENVID=" + xtext(dsn["envid"])
    if mail.options.get("utf8"):
        if b"\nSMTPUTF8" in features:
            mail.parameters += " SMTPUTF8"
        else:
            from .errors import SMTPRefusedError

            text = "an address is beyond ASCII, and the server does not offer SMTPUTF8"
            mail.error = SMTPRefusedError(text, "MAIL", 550, "5.6.7", False)
