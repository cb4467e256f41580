"""One mail: its envelope, its header fields and its body (RFC 5321, RFC 5322, MIME), streaming.

Everything is written piecewise into one bytearray that the dialogue empties, so a mail needs no
memory of its own. The plain mail is checked and written here; others have themselves imported
`checks.py` (options, display names, whatever is not plain) and `encode.py` (what MIME is for).
"""

from os import urandom
from time import gmtime

BLOCK = 1460  # octets of a TCP segment on Ethernet: a plain mail is one block, and so one write

# MicroPython extends a bytearray by a str, too, which its stubs do not know.
# pyright: reportArgumentType=false
put = bytearray.extend  # put(out, text) appends a str or bytes to a bytearray, without memory
if hasattr(bytearray, "pop"):  # CPython
    from .cpython import put


def plain(value, count):
    """Tell whether `value` is, beyond doubt, a host name (count of @ 0) or an address (1)."""
    before = 46  # "."
    for octet in value.encode() if isinstance(value, str) else b".":
        if octet == 64:  # "@"
            count -= 1
            octet = 46
        if octet == 46:
            if before == 46:
                return False
        elif not (97 <= octet | 32 <= 122 or 48 <= octet <= 57 or octet in b"-_"):
            return False
        before = octet
    return count == 0 and before != 46 and len(value) < 65


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
    reply_to: an address; priority: "high", "normal" or "low"
    in_reply_to, references: a Message-ID, or a list of them
    html: the body once more, as HTML
    attachments: a list of file names or (name, content, type, content ID), the last two as wished
    dsn: a dict with some of notify, ret, envid and orcpt (RFC 3461)

    Raises ValueError naming the argument. When it has been sent, `refused` maps each recipient
    that was refused to its SMTPRefusedError. A mail may be sent again, but one whose body is an
    iterator only as long as that has not been read; else sending it raises ValueError.
    """

    content = "text/plain; charset=utf-8"
    encoding = "7bit"
    options = ()  # what checks.check() found in a mail that is not plain
    parameters = ">"  # what ends the command MAIL
    wish = ">"  # what ends a command RCPT

    def __init__(self, sender, recipients, subject, body: object = "", **options):
        self.sender = sender
        self.envelope = recipients
        self.subject = subject
        self.body = body
        self.id = urandom(15)
        self.date = gmtime()
        if self.date[0] < 2025:  # a clock that nobody set begins in 2000 or 2021
            self.date = None
        try:
            if not options and self._plain():
                return
        except (AttributeError, TypeError, ValueError):
            pass  # an empty argument or one of another type, half a character
        from .checks import check

        check(self, options)

    def _plain(self):
        """Tell whether nothing here needs a closer look or encoding."""
        recipients = self.envelope
        self.envelope = (recipients,) if isinstance(recipients, str) else tuple(recipients)
        for address in self.envelope:
            if not plain(address, 1):
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
        octets = self.body.encode()  # pyright: ignore[reportAttributeAccessIssue]
        if max(octets) > 127:
            self.encoding = "8bit"
        return self.envelope and min(octets) > 8 and len(octets) < 999  # so no line is longer

    def start(self, features):
        """Forget what was refused before, and fit the mail to the lines of the EHLO reply."""
        self.refused = {}
        self.taken = 0
        self.error = None
        if self.options or self.encoding != "7bit":
            from .encode import fit

            fit(self, features)

    def write(self, out):
        """Append the mail to `out`; return an iterator that yields False when a block is full."""
        if self.options or self.encoding == "quoted-printable":
            from .encode import write

            return write(out, self)
        write_header(out, self, self.sender, self.envelope, put, put)
        put(out, "\r\n")
        body = self.body.encode()  # pyright: ignore[reportAttributeAccessIssue]
        if write_text(out, body) not in b"\r\n":
            put(out, "\r\n")
        return ()


def write_header(out, mail, sender, recipients, name, text):
    """Append the header of `mail`; `name` writes an address, `text` the subject."""
    put(out, "From: ")
    name(out, sender)
    before = "\r\nTo: "
    for recipient in recipients:
        put(out, before)
        name(out, recipient)
        before = ",\r\n "
    if mail.date:  # RFC 5322 section 3.3, in UTC; octets below 7 are items of time.gmtime()
        for octet in b"\r\nDate: \6, \2 \1 20\0 \3:\4:\5 +0000":
            if octet > 6:
                out.append(octet)
                continue
            item = mail.date[octet]
            if octet == 1 or octet == 6:
                item = item * 3 + 18 * (octet == 1)
                for at in range(item, item + 3):
                    out.append(b"MonTueWedThuFriSatSunJanFebMarAprMayJunJulAugSepOctNovDec"[at])
            else:
                out.append(48 + item // 10 % 10)
                out.append(48 + item % 10)
    put(out, "\r\nMessage-ID: ")
    write_id(out, mail)
    put(out, "\r\nSubject: ")
    text(out, mail.subject)
    put(
        out,
        "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: ",
    )
    put(out, mail.content)
    put(out, "\r\nContent-Transfer-Encoding: ")
    put(out, mail.encoding)
    put(out, "\r\n")


def write_id(out, mail):
    """Append the Message-ID of `mail`."""
    put(out, "<")
    if isinstance(mail.id, str):
        put(out, mail.id)
    else:
        for octet in mail.id:
            out.append(97 + octet % 26)
        put(out, ".")
        put(out, mail.sender)
    put(out, ">")


def write_text(out, data, last=10):
    """Append `data` as it travels (RFC 5321 section 4.5.2) and return its last octet.

    last: the octet before it

    Every CR, LF and CRLF becomes one CRLF, so no bare one reaches the wire; a dot that begins a
    line is doubled.
    """
    for octet in data:
        if octet == 13 or octet == 10:
            if octet == 13 or last != 13:
                put(out, "\r\n")
        else:
            if octet == 46 and (last == 10 or last == 13):
                out.append(46)
            out.append(octet)
        last = octet
    return last
