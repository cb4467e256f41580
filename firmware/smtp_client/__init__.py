"""SMTP client for MicroPython and CPython: `send_mail()`, `SMTPClient`, `Mail` and the errors.

Usable alone: copy this folder to the board, or `mpremote mip install` its package.json.
"""

from .dialogue import ALL, QUIT, TABLE, Dialogue
from .message import BLOCK, Mail, plain
from .stream import Stream


def send_mail(host, port, sender, recipients, subject, body: object = "", **options):
    """Send one mail through the server at `host`, `port`; block until the server has it or not.

    host: as for `SMTPClient`, or a list of servers: hosts, or (host, port, a dict of options)
    Options: those of `SMTPClient` (timeout, deadline, local_hostname, idle, trace, and those of
    TLS and AUTH) and of `Mail` (cc, bcc, headers, message_id, date, and the further ones).

    Returns a dict of the recipients refused, {address: SMTPRefusedError}, empty when all took.
    Raises SMTPError with stage, code, enhanced, text, transient and outcome when the mail was not
    taken, or when that is unknown; ValueError, before a connection is made, naming an argument
    that cannot be sent.
    """
    client = SMTPClient(host, port)
    if options:
        from .checks import split

        options = split(client, options)
    return client.send(Mail(sender, recipients, subject, body, **options), last=True)


class SMTPClient(Dialogue):
    """A session with an SMTP server, opened by the first mail, and anew where it was lost.

    host: name or address of the server; an address needs no name look-up, which no time-out ends
    port: TCP port
    timeout: seconds to wait for each reply: a number for all stages of the dialogue, or a dict by
        stage ({"BODY": 120}) for those that shall differ from `dialogue.TABLE`
    deadline: seconds that one mail may take in all, connecting included; 120 where not given
    local_hostname: what EHLO says this host is called; [127.0.0.1] where not given
    idle: called at least every 50 ms while the client waits for the network
    trace: called with (stage, ">" sent or "<" received, line, milliseconds since the call began)
    tls: "starttls" or "implicit"
    ca: the certificate that proves the server: PEM, DER, or the name of a file
    server_hostname: the name in the server's certificate; `host` where not given
    tls_unverified: True takes any certificate, and so anybody for the server
    username, password: for AUTH, within TLS
    auth: the mechanism: PLAIN, LOGIN, CRAM-MD5 or XOAUTH2; the best one offered where not given
    auth_in_clear: True gives the password without TLS, too

    Raises ValueError naming the argument. Use it as a context manager, or call `close()`.
    """

    busy = False
    deadline = 120000  # ms
    timeout = None  # a list of ms by state, where it differs from the table

    def __init__(self, host, port=25, **options):
        if not hasattr(self, "out"):  # a class that was given one keeps it for its next client
            self.out = bytearray(BLOCK)
        self.reset()
        self.server = host, port
        self.stream = Stream()
        if options or not plain(host, 0) or not isinstance(port, int) or not 0 < port < 65536:
            from .checks import session

            session(self, options)

    def __enter__(self):
        return self

    def send_mail(self, sender, recipients, subject, body: object = "", **options):
        """Send one mail and keep the session open; the arguments are those of `Mail`.

        Returns a dict of the recipients refused, {address: SMTPRefusedError}, empty when all
        took. Raises SMTPError when none did, ValueError naming an argument that cannot be sent.
        """
        return self.send(Mail(sender, recipients, subject, body, **options))

    def send(self, mail, next=None, last=False):  # noqa: A002
        """Send a `Mail`, as send_mail() does; with PIPELINING a round trip each.

        next: the `Mail` to be sent next; its commands travel with the end of this one
        last: close the session; QUIT travels with the end of this mail
        """
        stream = self.stream
        self.start("send")
        try:
            stream.start(self.deadline)
            if (
                stream.socket
                and self.mail is not mail
                and (self.mail or self.data or stream.wait(True))
            ):
                self.stop()  # the server ended it or spoke unasked, or expects another mail
            for wait in self.run(mail, next, last):
                self.flush(wait)
        except BaseException as error:
            try:
                from .errors import explain

                raise explain(error, self, mail)
            finally:
                self.stop()
        finally:
            self.busy = False
        if last:
            self.close()
        if mail.error or not mail.taken:
            from .errors import refused

            raise refused(mail)
        return mail.refused

    def verify(self, sender, recipients):
        """Ask the server, without sending a mail, whether it would take one.

        Returns (refused, times): a dict as send_mail() does, and the milliseconds by stage. The
        rest is that of send_mail(); the session stays open.
        """
        from .verify import verify

        return verify(self, sender, recipients)

    def close(self, *_):
        """Say QUIT and close the session; no reply is waited for, none decides anything."""
        self.start("close")
        try:
            if self.stream.socket:
                if not self.pending:
                    self.command(QUIT)
                if not self.data:
                    self.flush(False)
                self.reply(None)
        except Exception:
            pass  # the mails are delivered; nothing that fails now may say otherwise
        finally:
            self.stop()
            self.busy = False

    __exit__ = close

    def start(self, event):
        """Begin a call, unless it comes from within another."""
        if self.busy:
            from .errors import busy

            raise busy(event, self)
        self.busy = True

    def flush(self, wait):
        """Send what is written, and hear what there is, waiting for it or not."""
        stream = self.stream
        state = self.pending[0] if self.pending else self.state
        stream.timeout = self.timeout[state] if self.timeout else TABLE[state * 4 + 3]
        if not stream.socket:
            self.data = stream.connect(*self.server)
            return
        if self.out:
            stream.write(self.out)
            self.out[ALL] = b""
        if wait or stream.wait(True):
            self.data += stream.read()

    def stop(self):
        """End the session without a word."""
        self.stream.close()
        self.reset()
