"""One mail: its envelope, its header fields and its body (RFC 5321, RFC 5322, MIME), streaming.

Everything is written piecewise into one bytearray that the dialogue empties, so a mail needs no
memory of its own. The plain mail is checked and written here; others have themselves imported
`checks.py` (options, display names, whatever is not plain) and `encode.py` (what MIME is for).
"""

from os import urandom
from time import gmtime

FLUSH = 1  # what a writer yields when the block is full: "send what is written"
BLOCK = 1024  # octets; the usual alarm mail is one block, and so one write

# A Date field (RFC 5322 section 3.3) in UTC; octets below 7 stand for items of time.gmtime().
_DATE = b"\r\nDate: \6, \2 \1 20\0 \3:\4:\5 +0000"
_NAMES = b"MonTueWedThuFriSatSunJanFebMarAprMayJunJulAugSepOctNovDec"

put = bytearray.extend  # put(out, text) appends a str or bytes to a bytearray, without memory
if hasattr(bytearray, "isalnum"):  # CPython
    from .cpython import put


def plain(value, signs):
    """Tell whether `value` is, beyond doubt, a host name (signs 0) or an address (signs 1)."""
    before = 46  # "."
    for octet in value.encode():
        if octet == 64:  # "@"
            signs -= 1
            octet = 46
        if octet == 46:
            if before == 46:
                return False
        elif not (97 <= octet | 32 <= 122 or 48 <= octet <= 57 or octet in b"-_"):
            return False
        before = octet
    return signs == 0 and before != 46 and len(value) < 65


class Mail:
    """One mail, checked when it is made.

    sender: "user@host" or "Display name <user@host>"
    recipients: one address of that kind, or a list of them
    subject: one line of text
    body: str, bytes (UTF-8), or an iterable of either, read once, while the mail is sent
    cc, bcc: further recipients, shown and not shown in the header
    headers: a dict of further header fields
    message_id: "<unique@host>"; made up where it is not given
    date: UTC as time.gmtime() gives it; now where it is not given, and no Date field where the
        clock is not set

    Raises ValueError naming the argument. When it has been sent, `refused` maps each recipient
    that was refused to its SMTPRefusedError.
    """

    def __init__(self, sender, recipients, subject, body="", **options):
        self.sender = sender
        self.envelope = (recipients,) if isinstance(recipients, str) else recipients
        self.subject = subject
        self.body = body
        self.options = options  # stays empty for a plain mail only
        self.encoding = "7bit"
        self.unique = urandom(15)
        self.date = gmtime()
        if self.date[0] < 2025:  # a clock that nobody set begins in 2000 or 2021
            self.date = None
        try:
            special = options or not self._plain()
        except (AttributeError, TypeError, ValueError):  # no str, an empty one, half a character
            special = True
        if special:
            from .checks import check

            check(self)

    def _plain(self):
        """Tell whether nothing here needs a closer look or encoding."""
        for address in self.envelope:
            if not plain(address, 1) or self.envelope.count(address) > 1:
                return False
        subject = self.subject
        octets = subject.encode()
        if (
            not plain(self.sender, 1)
            or min(octets) < 32
            or max(octets) > 126
            or len(octets) > 68
            or subject.strip() != subject
            or "=?" in subject
        ):
            return False
        octets = self.body.encode() if isinstance(self.body, str) else self.body
        if max(octets) > 127:
            self.encoding = "8bit"
        self.size = 400 + len(octets)  # with the header, about
        return self.envelope and min(octets) > 8 and len(octets) < 999  # so no line is longer

    def write(self, out):
        """Append the mail to `out`; a generator that yields FLUSH whenever a block is full."""
        if self.options or self.encoding == "quoted-printable":
            from .encode import write

            return write(out, self)
        write_header(out, self, self.sender, self.envelope, put, put)
        return write_body(out, self.body)


def write_header(out, mail, sender, recipients, address, text):
    """Append the header of `mail`; `address` and `text` write values of these kinds."""
    put(out, "From: ")
    address(out, sender)
    before = "\r\nTo: "
    for recipient in recipients:
        put(out, before)
        address(out, recipient)
        before = ",\r\n "
    if mail.date:
        for octet in _DATE:
            if octet > 6:
                out.append(octet)
            elif octet == 1 or octet == 6:
                start = mail.date[octet] * 3 + (18 if octet == 1 else 0)
                for index in range(start, start + 3):
                    out.append(_NAMES[index])
            else:
                out.append(48 + mail.date[octet] // 10 % 10)
                out.append(48 + mail.date[octet] % 10)
    put(out, "\r\nMessage-ID: ")
    write_id(out, mail)
    put(out, "\r\nSubject: ")
    text(out, mail.subject)
    put(
        out,
        "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ",
    )
    put(out, mail.encoding)
    put(out, "\r\n")


def write_id(out, mail):
    """Append the Message-ID (RFC 5322 section 3.6.4): random letters and the sender, or as given."""
    put(out, "<")
    if isinstance(mail.unique, str):
        put(out, mail.unique)
    else:
        for octet in mail.unique:
            out.append(97 + octet % 26)
        put(out, ".")
        put(out, mail.sender)
    put(out, ">")


def write_body(out, body):
    """Append `body` as it travels (RFC 5321 section 4.5.2), yielding FLUSH when a block is full.

    Every CR, LF and CRLF of the body becomes one CRLF, so no bare one reaches the wire; a dot
    that begins a line is doubled; the last line is ended.
    """
    put(out, "\r\n")
    before = 10
    begins = True
    for octet in body.encode() if isinstance(body, str) else body:
        if octet == 13 or octet == 10:
            if octet == 13 or before != 13:
                put(out, "\r\n")
            begins = True
        else:
            if begins and octet == 46:
                out.append(46)
            begins = False
            out.append(octet)
        before = octet
        if len(out) >= BLOCK:
            yield FLUSH
    if not begins:
        put(out, "\r\n")
