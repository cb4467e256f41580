"""What can go wrong while a mail is handed over: one root, one sentence a class.

Imported when the first error comes, or by the program that wants to catch one. What a reply leads
to that the dialogue does not take is in `replies.py`: where the network fails there is none.
"""

import errno

from .message import write_id

try:
    from micropython import const
except ImportError:
    from .cpython import const

# In one string, for each would be a name, and names stay on the heap.
STAGES = "CONNECT EHLO HELO STARTTLS AUTH MAIL RCPT DATA BODY RSET QUIT".split(" ")  # noqa: SIM905
"""The states of the dialogue, in the order of `dialogue.TABLE`."""

_MAIL = const(5)  # as in dialogue.py
_RCPT = const(6)
_BODY = const(8)


class SMTPError(Exception):
    """The mail was not handed over, or nobody can tell whether it was.

    stage: the state of the dialogue, one of `STAGES`
    code: the reply code, or None where no reply decided
    enhanced: the enhanced status code (RFC 3463) as "5.1.1", or ""
    text: what the server said, or what happened, in printable ASCII
    transient: True where the same mail may well be taken later (RFC 5321 section 4.2.1)
    outcome: "refused", the server does not have the mail; or "unknown", it may have it
    message_id, date: what to give again when the mail is repeated, so that a duplicate shows
    """

    def __init__(self, text, stage="", code=None, enhanced="", transient=True):
        super().__init__(text)
        self.text = text
        self.stage = stage
        self.code = code
        self.enhanced = enhanced
        self.transient = transient
        self.outcome = "refused"
        self.message_id = self.date = None

    def __str__(self):
        words = [str(word) for word in (self.code, self.enhanced, self.text) if word]
        return self.stage + ": " + " ".join(words)


class SMTPNetworkError(SMTPError):
    """The network failed; the text begins with what: name look-up, refused, unreachable ..."""


class SMTPProtocolError(SMTPError):
    """The server's octets are not a reply that SMTP has for this command."""


class SMTPSecurityError(SMTPError):
    """TLS or the password cannot be used as asked for; the text names the cause."""


class SMTPRefusedError(SMTPError):
    """The server refused with a 4xx or 5xx reply."""


class SMTPRecipientsError(SMTPRefusedError):
    """Every recipient was refused; `recipients` maps each address to its SMTPRefusedError."""

    recipients: dict


class SMTPStateError(SMTPError):
    """The call is not legal in the state that the dialogue is in."""


# errno's names are the same on every port, its numbers are not.
_CAUSES = const(
    (
        ("refused", ("ECONNREFUSED",)),
        ("unreachable", ("EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EHOSTDOWN")),
        ("time-out", ("ETIMEDOUT",)),
        ("closed", ("ECONNRESET", "ECONNABORTED", "ENOTCONN", "EPIPE")),
    )
)


def network(cause, took):
    """Return the SMTPNetworkError for an OSError of any port, or for a cause in words."""
    if isinstance(cause, OSError):
        number = cause.args[0] if cause.args else 0
        cause = "network error " + str(number)
        for words, names in _CAUSES:
            for name in names:
                if isinstance(number, int) and abs(number) == getattr(errno, name, None):
                    cause = words
    return SMTPNetworkError("%s, %d ms after the call began" % (cause, took))


def stage(dialogue):
    """Return the name of the state that the next octets from the server belong to."""
    return STAGES[dialogue.pending[0] if dialogue.pending else dialogue.state]


def refused(mail):
    """Return the error for a mail that was refused, or all of whose recipients were."""
    error = mail.error
    if not mail.taken and mail.refused:
        found = [mail.refused[address] for address in mail.envelope]
        first = found[0]
        error = SMTPRecipientsError(first.text, STAGES[_RCPT], first.code, first.enhanced)
        error.transient = any(one.transient for one in found)
        error.recipients = mail.refused
    return identify(error, mail)


def explain(error, client, mail):
    """Return the error to raise for one that ended a session, completed where it is ours.

    It tells where it was, and who has the mail now. A mail refused before stays refused.
    """
    if not isinstance(error, SMTPError):
        return error  # from a hook or from the body
    if client.mail is mail or client.state > _MAIL:
        left = [one for one in mail.envelope if one not in mail.refused]
        if mail.error or not (mail.taken or left):
            return refused(mail)
    error.stage = error.stage or stage(client)
    if error.stage == "CONNECT" and isinstance(error, SMTPNetworkError):
        error.text += " at %s port %d" % client.server
    another = error.message_id  # the error of another mail, sent from the idle hook
    decided = isinstance(error, SMTPRefusedError) and not another
    if client.pending and client.pending[0] == _BODY and not decided:
        error.outcome = "unknown"
    return identify(error, mail)


def identify(error, mail):
    """Let `error` tell how the mail can be recognised when it is repeated; return it."""
    out = bytearray()
    write_id(out, mail)
    error.message_id = out.decode()
    error.date = mail.date
    return error


def insecure(text, stage=""):
    """Return the SMTPSecurityError for this cause."""
    return SMTPSecurityError(text, stage)


def busy(event, dialogue):
    """Return the SMTPStateError for a call from within a call, from the idle hook say."""
    text = event + "() is not legal in this state"
    return SMTPStateError(text, stage(dialogue), None, "", False)
