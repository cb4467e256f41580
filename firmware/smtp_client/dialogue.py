"""The SMTP dialogue of a client: which command, which reply, and what then; it does no I/O.

Theory of operation. `greet()` and `deliver()` are generators: they write commands and mails into
`out` and take replies from `reader`. Where they need the driver they yield FLUSH ("send what is in
`out`, feed what is here already") or READ ("send it, then wait for octets and feed them"). The
blocking driver is `SMTPClient._drive`.

Rules
1. `pending` holds the commands whose reply is still to come. Each reply is checked against the
   oldest of them, one by one.
2. A code that the table does not take for it is a refusal (4xx, 5xx; the table says of what) or
   else an error of the server.
3. With PIPELINING the commands of a mail are one write (RFC 2920), and what follows a mail, the
   next one's commands or QUIT, is in the write that ends it. Without, each command waits for its
   reply.
4. Once the final dot is on its way, nobody knows until its reply who has the mail: a loss then is
   "unknown". At any other time, and after a refusal, the server does not have it.
5. 421, a lost connection and octets that are no reply end the session in every state.
"""

from .message import FLUSH, put
from .replies import ReplyReader

READ = 2

# The column "then" is the state after a reply that is taken; "4xx" and "5xx" tell what is refused:
# the session, the mail, a recipient, or nothing that matters; HELO is what follows a refused EHLO.
# "lost" is the outcome when the connection is lost, 421 included; "s" the time-out for the reply.
# RFC 5321 section 4.5.3.2 has minutes: an alarm cannot wait that long for a gateway next door.
TABLE = {
    # state     command        takes       then       4xx          5xx          lost       s
    "CONNECT": (None, (220,), "EHLO", "session", "session", "refused", 30),
    "EHLO": ("EHLO ", (250,), "MAIL", "session", "HELO", "refused", 30),
    "HELO": ("HELO ", (250,), "MAIL", "session", "session", "refused", 30),
    "MAIL": ("MAIL FROM:<", (250,), "RCPT", "mail", "mail", "refused", 30),
    "RCPT": ("RCPT TO:<", (250, 251), "DATA", "recipient", "recipient", "refused", 30),
    "DATA": ("DATA", (354,), "BODY", "mail", "mail", "refused", 30),
    "BODY": (".", (250,), "MAIL", "mail", "mail", "unknown", 60),
    "RSET": ("RSET", (250,), "MAIL", "session", "session", "refused", 30),
    "QUIT": ("QUIT", (221,), "CONNECT", "nothing", "nothing", "refused", 2),
}

KEYWORDS = (b"PIPELINING", b"8BITMIME", b"SIZE")  # those of EHLO's that change what is sent


class Dialogue:
    """One SMTP session with one server, from its greeting on.

    out: the bytearray that commands and mails are written into; the driver empties it
    host: what EHLO says this host is called
    """

    def __init__(self, out, host):
        self.out = out
        self.host = host
        self.reader = ReplyReader()
        self.state = "CONNECT"
        self.pending = []
        self.features = {}
        self.mail = None  # the one whose commands have begun
        self.step = 0  # the next of its commands: -1 RSET, 0 MAIL, 1 ... RCPT, then DATA

    def stage(self):
        """Return the state that the next octets from the server belong to."""
        return self.pending[0] if self.pending else self.state

    def send(self, mail, next=None, last=False):
        """Hand over `mail`; what was refused is in mail.error, mail.refused and mail.taken.

        next: the mail that will follow, if that is known
        last: no mail will follow
        """
        while self.pending or self._write(mail):
            if not self.reply(mail):
                yield READ
        self.mail = None
        self.step = -1
        if self.state != "BODY":
            self.state = "MAIL"
            return
        yield FLUSH
        if mail.taken and not mail.error:
            for _ in mail.write(self.out):
                self._unasked()
                yield FLUSH
        self._unasked()
        self.command("BODY")
        self.step = 0
        if b"PIPELINING" in self.features:
            if next:
                self._write(next)
            elif last:
                self.command("QUIT")
        count = len(self.pending)
        while count == len(self.pending):
            if not self.reply(mail):
                yield READ

    def _write(self, mail):
        """Write the next command, with PIPELINING all of a mail; return False where none is left."""
        if self.state == "CONNECT":
            self.pending.append("CONNECT")  # the banner is a reply to no command
        elif self.state == "EHLO" or self.state == "HELO":
            self.command(self.state, self.host)
        else:
            if self.mail is not mail:
                self._begin(mail)
            while self._next(mail) and b"PIPELINING" in self.features:
                pass
        return self.pending

    def _begin(self, mail):
        self.mail = mail
        mail.error = None
        mail.refused = {}
        mail.taken = 0
        self._unasked()
        if mail.encoding == "8bit" and b"8BITMIME" not in self.features:
            mail.encoding = "quoted-printable"
        if 0 < self.features.get(b"SIZE", 0) < mail.size:
            from .errors import too_big

            mail.error = too_big(mail.size, self.features[b"SIZE"])

    def _next(self, mail):
        """Write the next command of `mail`; return False where none is left."""
        step = self.step
        if mail.error or step > len(mail.envelope) + 1:
            return False
        self.step = step + 1
        if step < 0:
            self.command("RSET")
        elif step == 0:
            self.command("MAIL", mail.sender, mail)
        elif step <= len(mail.envelope):
            self.command("RCPT", mail.envelope[step - 1])
        elif mail.taken or self.pending:
            self.command("DATA")
        return True

    def command(self, state, text="", mail=None):
        """Write one command and expect its reply."""
        out = self.out
        put(out, TABLE[state][0])
        put(out, text)
        if state == "MAIL" or state == "RCPT":
            put(out, ">")
        if mail:
            if mail.encoding == "8bit":
                put(out, " BODY=8BITMIME")
            if mail.size and b"SIZE" in self.features:
                put(out, " SIZE=")
                put(out, str(mail.size))
        put(out, "\r\n")
        self.pending.append(state)

    def reply(self, mail):
        """Take a line of the reply that is due and, after its last, do what the table says.

        Returns False when the line needs more octets.
        """
        reader = self.reader
        if not reader.line():
            return False
        state = self.pending[0]
        if state == "EHLO" and reader.count > 1:  # the first one is a greeting
            words = reader.data[reader.text : reader.next].upper().split()
            if words and words[0] in KEYWORDS:
                self.features[words[0]] = int(words[1]) if words[1:] and words[1].isdigit() else 0
        if not reader.more:
            row = TABLE[state]
            if reader.code in row[1]:
                self.state = row[2]
                if state == "RCPT":
                    mail.taken += 1
            else:
                from .errors import settle

                settle(self, row, mail)
            self.pending.pop(0)
        return True

    def _unasked(self):
        """Check that the server said nothing unasked."""
        if self.reader.waiting():
            from .errors import unasked

            raise unasked(self.reader, self.state)
