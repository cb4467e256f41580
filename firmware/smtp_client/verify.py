"""A dry run: would the server take a mail? Imported by the first `SMTPClient.verify()`."""

from .errors import STAGES, explain, refused
from .message import Mail
from .stream import ticks_diff, ticks_ms

_RSET = STAGES.index("RSET")


def verify(client, sender, recipients):
    """Go through a new session up to RCPT, then RSET; return (refused, times).

    times: a list of (stage, milliseconds until its reply), in order
    """
    trial = Trial(client, sender, recipients)
    try:
        for wait in trial.steps():
            client.flush(wait)
    except BaseException as error:
        trial.failed(error)
    return trial.end()


class Trial:
    """One dry run; its driver takes the steps of `steps()`."""

    def __init__(self, client, sender, recipients):
        self.mail = Mail(sender, recipients, "verify", "verify")
        self.client = client
        self.times = []
        client.start("verify")

    def steps(self):
        """Run the dialogue; a generator as `Dialogue.run`."""
        client = self.client
        client.stop()
        client.stream.start(client.deadline)
        return _steps(client, self.mail, self.times)

    def failed(self, error):
        """Raise what is to be raised for an error."""
        client = self.client
        error = explain(error, client, self.mail)
        client.stop()
        client.busy = False
        raise error

    def end(self):
        """Return or raise what came of it."""
        self.client.busy = False
        if self.mail.error or not self.mail.taken:
            raise refused(self.mail)
        return self.mail.refused, self.times


def _steps(client, mail, times):
    """Run the dialogue one command at a time; a generator as `Dialogue.run`."""
    while client.mail is not mail or (client.step <= len(mail.envelope) and not mail.error):
        _write(client, mail)
        yield from _reply(client, mail, times)
    client.command(_RSET)
    yield from _reply(client, mail, times)
    client.mail = None
    client.step = 0


def _write(client, mail):
    """Write the next command, and only one, whatever the server offers."""
    offered = client.features
    client.features = single = bytearray(bytes(offered).replace(b"\nPIPELINING", b"\n"))
    client.write(mail)
    if client.features is single:
        client.features = offered


def _reply(client, mail, times):
    """Take the reply, if one is due, and write down how long it took."""
    start = ticks_ms()
    while client.pending:
        stage = client.pending[0]
        while client.pending and not client.reply(mail):
            yield True
        if not client.pending:
            times.append((STAGES[stage], ticks_diff(ticks_ms(), start)))
