"""SMTP client for MicroPython and CPython: `send_mail()`, `SMTPClient`, `Mail` and the errors.

Usable alone: copy this folder to the board, or `mpremote mip install` its package.json.
"""

from .dialogue import READ, TABLE, Dialogue
from .message import BLOCK, FLUSH, Mail, plain
from .stream import Stream


def send_mail(host, port, sender, recipients, subject, body="", **options):
    """Send one mail through the server at `host`, `port`; block until the server has it or not.

    Options: those of `SMTPClient` (timeout, deadline, local_hostname, idle, trace) and of `Mail`
    (cc, bcc, headers, message_id, date).

    Returns a dict of the recipients refused, {address: SMTPRefusedError}, empty when all took.
    Raises SMTPError with stage, code, enhanced, text, transient and outcome when the mail was not
    taken, or when that is unknown; ValueError, before a connection is made, naming an argument
    that cannot be sent.
    """
    session = {}
    if options:
        from .checks import split

        session = split(options)
    mail = Mail(sender, recipients, subject, body, **options)
    return SMTPClient(host, port, **session).send(mail, last=True)


def __getattr__(name):
    """Import the errors with the first of them that is asked for (PEP 562)."""
    if name.startswith("SMTP"):
        from . import errors

        return getattr(errors, name)
    raise AttributeError(name)


class SMTPClient:
    """A session with an SMTP server, opened by the first mail, and anew where it was lost.

    host: name or address of the server; an address needs no name look-up, which no time-out ends
    port: TCP port
    timeout: seconds to wait for each reply: a number for all states of the dialogue, or a dict by
        state ({"BODY": 120}) for those that shall differ from `dialogue.TABLE`
    deadline: seconds that one mail may take in all, connecting included; 120 where not given
    local_hostname: what EHLO says this host is called; [127.0.0.1] where not given
    idle: called at least every 50 ms while the client waits for the network
    trace: called with (state, ">" sent or "<" received, line, milliseconds since the call began)

    Raises ValueError naming the argument. Use it as a context manager, or call `close()`.
    """

    def __init__(self, host, port=25, **options):
        self.server = host, port
        self.deadline = 120000
        self.host = "[127.0.0.1]"
        self.idle = self.trace = None
        self.timeout = {}
        if options or not isinstance(host, str) or not plain(host, 0) or not 0 < port < 65536:
            from .checks import session

            session(self, options)
        self.out = bytearray(BLOCK)
        self.out[:] = b""  # keeps its memory
        self.dialogue = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0]:
            self._drop()
        self.close()

    def send_mail(self, sender, recipients, subject, body="", **options):
        """Send one mail and keep the session open; the arguments are those of `Mail`.

        Returns a dict of the recipients refused, {address: SMTPRefusedError}, empty when all
        took. Raises SMTPError when none did, ValueError naming an argument that cannot be sent.
        """
        return self.send(Mail(sender, recipients, subject, body, **options))

    def send(self, mail, next=None, last=False):
        """Send a `Mail`, as send_mail() does; with PIPELINING a round trip each.

        next: the `Mail` to be sent next; its commands travel with the end of this one
        last: close the session; QUIT travels with the end of this mail
        """
        dialogue = self.dialogue
        if dialogue and dialogue.mail is not mail:
            self._between("send")
        try:
            self._ready(mail)
            self._run(self.dialogue.send(mail, next, last))
        except BaseException as error:
            if hasattr(error, "stage"):
                from .errors import explain

                explain(error, self.dialogue, mail, self.server)
            self._drop()
            raise
        if last:
            self._quit()
        if mail.error or not mail.taken:
            from .errors import refused

            raise refused(mail)
        return mail.refused

    def close(self):
        """Say QUIT and close the session; no reply is waited for, none decides anything."""
        if self.dialogue:
            self._between("close")
            self._quit()

    def _between(self, event):
        """Raise SMTPStateError unless the dialogue is between two mails."""
        if self.dialogue.stage() != "MAIL":
            from .errors import illegal

            raise illegal(event, self.dialogue.stage())

    def _ready(self, mail):
        """Open a session where there is none that is still good."""
        dialogue = self.dialogue
        if dialogue:
            self.stream.begin(self.deadline)
            if dialogue.mail is mail or not (dialogue.reader.waiting() or self.stream.readable()):
                return
            self._drop()  # the server ended it, or spoke unasked
        self.stream = Stream(self.idle)
        self.stream.begin(self.deadline)
        if self.trace:
            from .trace import TracedDialogue

            self.dialogue = TracedDialogue(self)
        else:
            self.dialogue = Dialogue(self.out, self.host)
        self.stream.connect(self.server, self._timeout())

    def _run(self, steps):
        for step in steps:
            if self.out:
                self.stream.write(self.out, self._timeout())
                self.out[:] = b""
            if step == READ or self.stream.readable():
                self.dialogue.reader.feed(self.stream.read(self._timeout()))

    def _timeout(self):
        """Return the milliseconds to wait in the state that the dialogue is in."""
        state = self.dialogue.stage()
        return self.timeout.get(state) or TABLE[state][6] * 1000

    def _quit(self):
        dialogue = self.dialogue
        try:
            if not dialogue.pending:
                dialogue.command("QUIT")
            self._run((FLUSH,))
            dialogue.reply(None)
        except Exception:
            pass  # the mails before are delivered; nothing that fails now may say otherwise
        self._drop()

    def _drop(self):
        if self.dialogue:
            self.stream.close()
        self.out[:] = b""
        self.dialogue = None
