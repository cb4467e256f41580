"""The SMTP dialogue of a client: which command, which reply, and what then; it does no I/O.

Theory of operation. `Dialogue.run()` is a generator: it writes commands and mails into `out` and
takes replies from `data`. Where it needs the driver it yields: True for "send what is in `out`,
then wait for octets and add them to `data`", False for "send it, and add what is here already".
The blocking driver is `SMTPClient.flush`.

Rules
1. `pending` holds the commands whose reply is still to come. Each reply is checked against the
   oldest of them, one by one.
2. A code that the table does not take for it is a refusal (4xx, 5xx) or else an error of the
   server. `errors.ELSE` has the consequences.
3. With PIPELINING the commands of a mail are one write (RFC 2920), and what follows a mail, the
   next one's commands or QUIT, is in the write that ends it. Without, each command waits for its
   reply.
4. Once the final dot is on its way, nobody knows until its reply who has the mail: a loss then is
   "unknown". At any other time, and after a refusal, the server does not have it.
5. 421, a lost connection and octets that are no reply end the session in every state.
6. Octets from the server are held one unfinished line and one portion at a time, whatever it sends
   (RFC 5321 sections 4.2 and 4.5.3.1.5).
"""

from .message import put

try:
    from micropython import const
except ImportError:
    from .cpython import const

_CONNECT = const(0)
_EHLO = const(1)
_HELO = const(2)
_STARTTLS = const(3)
_MAIL = const(5)
_RCPT = const(6)
_DATA = const(7)
_BODY = const(8)
_RSET = const(9)
QUIT = const(10)

# fmt: off
TABLE: tuple = (
    # command       code then           ms
    None,           220, _EHLO,      30000,  # CONNECT: the banner
    "EHLO ",        250, _MAIL,      30000,
    "HELO ",        250, _MAIL,      30000,
    "STARTTLS",     220, _STARTTLS,  30000,  # then the handshake, and EHLO again
    "",             235, _MAIL,      30000,  # AUTH, and each answer to a 334
    "MAIL FROM:<",  250, _RCPT,      30000,
    "RCPT TO:<",    250, _DATA,      30000,  # or 251: taken, and forwarded
    "DATA",         354, _BODY,      30000,
    ".",            250, _MAIL,      60000,  # BODY: the mail, then the final dot
    "RSET",         250, _MAIL,      30000,
    "QUIT",         221, _CONNECT,    2000,
)
# fmt: on
# Four items a state in one flat tuple: a tuple for each would take twice the heap. The reply code
# is taken and leads to "then"; `errors.ELSE` tells where any other leads. "ms" is how long to wait
# for a reply: RFC 5321 section 4.5.3.2 has minutes, an alarm and a gateway next door have not.


class _Key:
    def __getitem__(self, key):
        return key


ALL = _Key()[:]  # as in out[:], but without a new object each time
del _Key


class Dialogue:
    """One SMTP session after another with one server, each from its greeting on.

    out: a bytearray that commands and mails are written into; the driver empties it
    data: octets from the server that no reply() has taken; the driver adds to it
    name: what EHLO says this host is called
    """

    name = "[127.0.0.1]"
    out: bytearray

    def reset(self):
        """Begin a session: nothing said, nothing heard."""
        self.out[ALL] = b""  # keeps its memory
        self.state = _CONNECT
        self.pending = []
        self.features = bytearray()  # the lines of the reply to EHLO, in capitals
        self.mail = None  # the one whose commands have begun
        self.step = 0  # the next of its commands: -1 RSET, 0 MAIL, 1 ... RCPT, then DATA
        self.data = self.said = b""  # what came and is not taken; what a refusal says
        self.next = 0  # where in `data` the next line begins
        self.count = 0  # how many lines of a reply are taken; `code` is the last one's

    def run(self, mail, next, last):  # noqa: A002
        """Hand over `mail`; what was refused is in mail.error, mail.refused and mail.taken.

        next: the mail that will follow, or None where that is not known
        last: no mail will follow
        """
        while self.pending or self.write(mail):
            if not self.reply(mail):
                yield True
        self.mail = None
        self.step = -1
        if self.state != _BODY:
            self.state = _MAIL
            return
        yield False
        if mail.taken and not mail.error:
            for wait in mail.write(self.out):
                yield wait
                if self.data:
                    break  # the server speaks before its turn: command() will not go on
        self.command(_BODY)
        self.step = 0
        if b"\nPIPELINING" in self.features:
            if next and next is not mail:
                self.write(next)
            elif last:
                self.command(QUIT)
        count = len(self.pending)
        while count == len(self.pending):
            if not self.reply(mail):
                yield True

    def write(self, mail):
        """Write the next command, with PIPELINING all of a mail; tell whether a reply is due."""
        if self.state == _CONNECT:
            self.pending.append(_CONNECT)  # the banner is a reply to no command
        elif self.state < _MAIL:
            self.command(self.state, self.name)
        else:
            if self.mail is not mail:
                self.mail = mail
                mail.start(self.features)
            while not mail.error and self.step < len(mail.envelope) + 2:
                step = self.step
                self.step += 1
                if step < 0:
                    self.command(_RSET)
                elif step == 0:
                    self.command(_MAIL, mail.sender, mail.parameters)
                elif step <= len(mail.envelope):
                    self.command(_RCPT, mail.envelope[step - 1], mail.wish)
                elif mail.taken or self.pending:
                    self.command(_DATA)
                if b"\nPIPELINING" not in self.features:
                    break
        return self.pending

    def command(self, state, text="", end=""):
        """Write one command and expect its reply."""
        if self.data and not self.pending:
            from .replies import junk

            raise junk(self)
        put(self.out, TABLE[state * 4])
        put(self.out, text)
        put(self.out, end)
        put(self.out, "\r\n")
        self.pending.append(state)

    def reply(self, mail):
        """Take a line of the reply that is due and, after its last, do what the table says.

        Returns False when the line needs more octets.
        """
        data = self.data
        start = self.next
        end = data.find(b"\n", start) + 1
        if not end and len(data) - start <= 512:
            if start:
                self.data = data[start:]
                self.next = 0
            return False
        code = 0
        if 4 <= end - start <= 512:  # with CRLF
            for at in range(start, start + 3):
                digit = data[at] - 48
                code = code * 10 + digit if 0 <= digit <= 9 else 999
        if (
            not 200 <= code <= 599
            or data[start + 3] not in b" -\r\n"
            or (self.count and code != self.code)
            or self.count > 99  # ours: an EHLO reply has some twenty lines
        ):
            from .replies import junk

            raise junk(self)
        state = self.pending[0]
        self.code = code
        self.count += 1
        if code > 399 and len(self.said) < 256:  # ours: the first lines tell why
            self.said += data[start + 4 : end]
        if state == _EHLO and len(self.features) < 1024:  # ours: 300 octets are many
            put(self.features, data[start + 4 : end].upper())
        if data[start + 3] != 45:  # "-": the reply goes on
            self.count = 0
            row = state * 4
            if code == TABLE[row + 1] or (code == 251 and state == _RCPT):
                self.state = TABLE[row + 2]
                if state == _RCPT:
                    mail.taken += 1
            else:
                from .replies import settle

                settle(self, mail)
            self.pending.pop(0)
        self.next = end
        if end == len(data):
            self.data = b""
            self.next = 0
        return True
