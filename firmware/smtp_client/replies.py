"""What replies lead to that `dialogue.TABLE` does not take; imported by the first of them."""

from .errors import STAGES, SMTPProtocolError, SMTPRefusedError, stage

try:
    from micropython import const
except ImportError:
    from .cpython import const

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


def too_big(size, limit):
    """Return the SMTPRefusedError for a mail beyond what EHLO's SIZE allows (RFC 1870)."""
    text = "the mail has about %d octets, the server takes %d" % (size, limit)
    return SMTPRefusedError(text, STAGES[_MAIL], 552, "5.3.4", False)


def printable(octets):
    """Return octets as ASCII text with "?" for all that could upset a log or a terminal."""
    octets = octets.strip().replace(b"\r\n", b" ")
    # Not by chr(): MicroPython keeps each character as a name, for ever.
    return bytes([o if 32 <= o < 127 else 63 for o in octets]).decode()
