"""The mail of a notice: longer than the client's plain one, in a thread, and as cheap."""

from smtp_client.message import BLOCK, Mail, put, write_header, write_text


class AlarmMail(Mail):
    """A `Mail` that takes little heap: what is ASCII needs neither `checks` nor `encode`.

    sender, recipients: plain addresses, which the configuration has checked
    subject: one line of text
    body: a list of str, each of whole lines with their ends
    id: the Message-ID, without <>; the same at each attempt
    date: UTC as time.gmtime() gives it, the same at each attempt; None for no Date field
    thread: the Message-ID, without <>, of the mail that this one belongs to; "" for none
    """

    def __init__(self, sender, recipients, subject, body, id, date=None, thread=""):  # noqa: A002
        self.sender = sender
        self.envelope = recipients
        self.subject = subject or "-"
        self.body = "-"  # the own one is looked at below
        self.coded = not self._plain()  # the subject needs encoded words, or folding
        self.body = body
        self.id = id
        self.date = date
        self.thread = thread
        for lines in body:
            octets = lines.encode()
            if octets and (min(octets) < 9 or len(octets) > 998):
                self.encoding = "quoted-printable"
                break
            if octets and max(octets) > 127:
                self.encoding = "8bit"

    def write(self, out):
        """Append the mail to `out`, yielding False when a block is full."""
        subject = put
        if self.coded:
            from smtp_client.encode import subject
        write_header(out, self, self.sender, self.envelope, put, subject)
        if self.thread:  # RFC 5322 section 3.6.4
            for name in ("In-Reply-To: <", "References: <"):
                put(out, name)
                put(out, self.thread)
                put(out, ">\r\n")
        put(out, "\r\n")
        if self.encoding == "quoted-printable":
            from smtp_client.encode import quoted_printable

            yield from quoted_printable(out, self.body)
            return
        last = 10
        for lines in self.body:
            octets = lines.encode()
            if len(out) + len(octets) > BLOCK - 16:  # room for dots and the end
                yield False
            last = write_text(out, octets, last)
        if last != 10:
            put(out, "\r\n")
