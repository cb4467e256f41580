"""What can go wrong while a mail is handed over: one root, one sentence a class.

Imported when the first error comes, or by the program that wants to catch one.
"""

import errno

from .message import put, write_header

try:
    from micropython import const
except ImportError:
    from .cpython import const

# In one string, for each would be a name, and names stay on the heap.
STAGES = "CONNECT EHLO HELO STARTTLS AUTH MAIL RCPT DATA BODY RSET QUIT".split(" ")  # noqa: SIM905
"""The states of the dialogue, in the order of `dialogue.TABLE`."""

# fmt: off
ELSE = (
    "session", "HELO", "session", "session", "session",
    "mail", "recipient", "mail", "unknown", "session", "nothing",
)
"""By state, what another reply than the one in `dialogue.TABLE` leads to, or none:"""
# fmt: on
#             4xx                 5xx                 421                 no reply
# session     session ends        session ends        session ends        session ends
# HELO        session ends        HELO is tried       session ends        session ends
# mail        mail refused        mail refused        session ends        session ends
# recipient   recipient refused   recipient refused   session ends        session ends
# unknown     mail refused        mail refused        session ends        ends, mail unknown
# nothing     nothing             nothing             nothing             nothing
#
# 334 to AUTH asks for more. When a session ends the mail is refused, but for "unknown".
_HELO = const(2)  # as in dialogue.py
_AUTH = const(4)
_MAIL = const(5)
_RCPT = const(6)


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
        cause = _cause(cause.args[0] if cause.args else 0)
    return SMTPNetworkError("%s, %d ms after the call began" % (cause, took))


def _cause(number):
    for words, names in _CAUSES:
        for name in names:
            if isinstance(number, int) and abs(number) == getattr(errno, name, None):
                return words
    return "network error " + str(number)


def stage(dialogue):
    """Return the name of the state that the next octets from the server belong to."""
    return STAGES[dialogue.pending[0] if dialogue.pending else dialogue.state]


def junk(dialogue):
    """Return the error for octets that no reply begins or goes on with, or that nothing asked for.

    A server may end the session unasked, with 421 and its kin: that is a refusal.
    """
    line = dialogue.data[dialogue.next :].split(b"\n")[0]
    if not dialogue.pending:
        if line[:1] in (b"4", b"5") and line[:3].isdigit():
            return refusal(stage(dialogue), int(line[:3]), line[4:])
        what = "a reply that no command asked for"
    elif len(line) > 511:
        what = "a reply line of more than 512 octets"
    elif dialogue.count > 99:
        what = "a reply of more than 100 lines"
    elif dialogue.count and line[:3].isdigit():
        what = "a reply with two codes, %d and then" % dialogue.code
    else:
        what = "no reply code"
    return SMTPProtocolError(what + ": " + printable(line[:60]))


def settle(dialogue, mail):
    """Draw the consequence of a reply whose code `dialogue.TABLE` does not take."""
    code = dialogue.code
    state = dialogue.pending[0]
    error = refusal(stage(dialogue), code, dialogue.said)
    dialogue.said = b""
    if code == 334 and state == _AUTH:
        end = dialogue.data.find(b"\n", dialogue.next)
        dialogue.challenge = dialogue.data[dialogue.next + 4 : end].strip()
        return
    refused = ELSE[state]
    if refused == "HELO" and code < 500:
        refused = "session"
    if code == 421 or code < 400 or refused == "session":
        raise error
    if refused == "mail" or refused == "unknown":
        mail.error = mail.error or error
    elif refused == "recipient":
        if not mail.error:
            written = min(dialogue.step - 1, len(mail.envelope))
            due = dialogue.pending.count(state)
            mail.refused[mail.envelope[written - due]] = error
    elif refused == "HELO":
        dialogue.state = _HELO
        dialogue.features = bytearray()  # what refused EHLO said was no list of keywords


def refusal(stage, code, said):
    """Return the error for a reply that the stage does not take; it said `said` (bytes)."""
    text = printable(said)
    if code < 400:
        return SMTPProtocolError("not a reply to this command: " + text, stage, code)
    enhanced = text.split(" ")[0]
    parts = enhanced.split(".")
    if len(parts) != 3 or parts[0] != str(code // 100) or not (parts[1] + parts[2]).isdigit():
        enhanced = ""
    text = text[len(enhanced) :].strip()
    return SMTPRefusedError(text, stage, code, enhanced, code < 500)


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


def too_big(size, limit):
    """Return the SMTPRefusedError for a mail beyond what EHLO's SIZE allows (RFC 1870)."""
    text = "the mail has about %d octets, the server takes %d" % (size, limit)
    return SMTPRefusedError(text, STAGES[_MAIL], 552, "5.3.4", False)


def explain(error, client, mail):
    """Return the error to raise for one that ended a session, completed where it is ours.

    It tells where it was, and who has the mail now. A mail refused before stays refused.
    """
    if not isinstance(error, SMTPError):
        return error  # from a hook or from the body
    begun = client.mail is mail or client.state > _MAIL
    if begun and _none_left(mail):
        return refused(mail)
    error.stage = error.stage or stage(client)
    if error.stage == "CONNECT" and isinstance(error, SMTPNetworkError):
        error.text += " at %s port %d" % client.server
    another = error.message_id  # the error of another mail, sent from the idle hook
    decided = isinstance(error, SMTPRefusedError) and not another
    if client.pending and ELSE[client.pending[0]] == "unknown" and not decided:
        error.outcome = "unknown"
    return identify(error, mail)


def _none_left(mail):
    """Tell whether the mail, or every recipient of it, was refused."""
    left = [one for one in mail.envelope if one not in mail.refused]
    return mail.error or not (mail.taken or left)


def identify(error, mail):
    """Let `error` tell how the mail can be recognised when it is repeated; return it."""
    out = bytearray()
    write_header(out, mail, "", (), put, put)
    header = bytes(out).split(b"Message-ID: ")[1]
    error.message_id = header.split(b"\r")[0].decode()
    error.date = mail.date
    return error


def insecure(text, stage=""):
    """Return the SMTPSecurityError for this cause."""
    return SMTPSecurityError(text, stage)


def busy(event, dialogue):
    """Return the SMTPStateError for a call from within a call, from the idle hook say."""
    text = event + "() is not legal in this state"
    return SMTPStateError(text, stage(dialogue), None, "", False)


def printable(octets):
    """Return octets as ASCII text with "?" for all that could upset a log or a terminal."""
    octets = octets.strip().replace(b"\r\n", b" ")
    # Not by chr(): MicroPython keeps each character as a name, for ever.
    return bytes([o if 32 <= o < 127 else 63 for o in octets]).decode()
