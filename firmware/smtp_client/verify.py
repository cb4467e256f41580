"""A dry run: would the server take a mail? Imported by the first `SMTPClient.verify()`."""

from .errors import STAGES, explain, refused
from .message import Mail
from .stream import ticks_diff, ticks_ms

_RSET = STAGES.index("RSET")


def verify(client, sender, recipients):
    """Go through a new session up to RCPT, then RSET; return (refused, times).

    times: a list of (stage, milliseconds until its reply), in order
    """
    mail = Mail(sender, recipients, "verify", "verify")
    client.start("verify")
    times = []
    try:
        client.stop()
        client.stream.start(client.deadline)
        for wait in _steps(client, mail, times):
            client.flush(wait)
    except BaseException as error:
        error = explain(error, client, mail)
        client.stop()
        raise error
    finally:
        client.busy = False
    if mail.error or not mail.taken:
        raise refused(mail)
    return mail.refused, times


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
