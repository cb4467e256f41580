"""What a well-behaved server answers: SMTP as of RFC 5321, without any I/O.

Theory of operation. `Protocol.answer()` judges one command line and returns an `Answer` with the
normal reply; the caller may send another reply instead. `Protocol.settle()` is then told what was
really sent and moves the state. So a scripted refusal and an own one have the same consequences.

Rules
1. A command line ends in CRLF only. A lone CR or LF inside one makes it wrong.
2. The phase decides which commands are in sequence (`COMMANDS`); others get 503.
3. Only a 2xx to MAIL or RCPT adds to the envelope; only a 3xx to DATA lets the mail text begin.
4. Replies bear enhanced status codes once EHLO has advertised them (RFC 2034), not before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from host_tools.fake_smtp.login import MECHANISMS, Login

HOSTNAME = "fake.alarmpost"
KEYWORDS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES")
"""What EHLO advertises unless told otherwise."""

LINE_LIMIT = 512  # octets of a command line with its CRLF, RFC 5321 section 4.5.3.1.4
AUTH_LIMIT = 12288  # octets of an AUTH line, RFC 4954 section 4
LOCAL_PART_LIMIT = 64  # octets, section 4.5.3.1.1
DOMAIN_LIMIT = 255  # octets, section 4.5.3.1.2

PRINTABLE = "[ -~\x80-\U0010ffff]*"
LETTER = r"[A-Za-z0-9\x80-\U0010ffff]"
LABEL = rf"{LETTER}(?:[A-Za-z0-9\x80-\U0010ffff-]*{LETTER})?"
DOMAIN = rf"(?:{LABEL}\.)*{LABEL}"
HOST = rf"(?:{DOMAIN}|\[[0-9A-Za-z:.]+\])"
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
MAILBOX = rf"(?:{ATOM}(?:\.{ATOM})*|{QUOTED})@{HOST}"
PARAMETERS_FORM = r"(?P<parameters>(?: [A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?)*)"

ANY = ("start", "idle", "mail", "rcpt")
"""All phases but "refused", the one after a refusal in the greeting."""

REASONS = {
    "refused": "after the refusal in the greeting",
    "start": "before EHLO",
    "idle": "outside of a mail",
    "mail": "right after MAIL",
    "rcpt": "after RCPT",
}


@dataclass(frozen=True)
class Command:
    """A row of `COMMANDS`.

    phases: where the command is in sequence
    usage: how it is written, for the 501
    argument: what follows the verb and a space; "" for nothing
    reply: the normal reply, where it is always the same
    """

    phases: tuple[str, ...]
    usage: str
    argument: str = ""
    reply: str = ""


NOT_HERE = "502 5.5.1 Not implemented"
COMMANDS = {
    "EHLO": Command(ANY, "EHLO name", HOST),
    "HELO": Command(ANY, "HELO name", HOST, f"250 {HOSTNAME}"),
    "STARTTLS": Command(("idle",), "STARTTLS", "", NOT_HERE),
    "AUTH": Command(("idle",), "AUTH mechanism", r"\S+(?: \S+)?", NOT_HERE),
    "MAIL": Command(
        ("idle",), "MAIL FROM:<address>", rf"FROM:<(?P<address>{MAILBOX}|)>{PARAMETERS_FORM}"
    ),
    "RCPT": Command(
        ("mail", "rcpt"),
        "RCPT TO:<address>",
        rf"TO:<(?P<address>{MAILBOX}|postmaster)>{PARAMETERS_FORM}",
        "250 2.1.5 OK",
    ),
    "DATA": Command(("rcpt",), "DATA"),
    "RSET": Command(ANY, "RSET", "", "250 2.0.0 OK"),
    "NOOP": Command(ANY, "NOOP", r"(?:[!-~][ -~]*)?", "250 2.0.0 OK"),
    "VRFY": Command(ANY, "VRFY name", r"[!-~][ -~]*", "252 2.1.5 Send it and see"),
    "QUIT": Command((*ANY, "refused"), "QUIT", "", "221 2.0.0 Bye"),
}
LAST_IN_GROUP = ("EHLO", "HELO", "STARTTLS", "AUTH", "DATA", "VRFY", "NOOP", "QUIT")
"""After these a client waits even when PIPELINING is offered (RFC 2920 section 3.1)."""

XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+"  # RFC 3461 section 4
PARAMETERS = {
    # parameter: (its command, the keyword that allows it, what its value looks like)
    "SIZE": ("MAIL", "SIZE", r"\d{1,20}"),
    "BODY": ("MAIL", "8BITMIME", r"7BIT|8BITMIME"),
    "SMTPUTF8": ("MAIL", "SMTPUTF8", ""),
    "RET": ("MAIL", "DSN", r"FULL|HDRS"),
    "ENVID": ("MAIL", "DSN", XTEXT),
    "NOTIFY": ("RCPT", "DSN", r"NEVER|(?:(?:SUCCESS|FAILURE|DELAY),?)+(?<!,)"),
    "ORCPT": ("RCPT", "DSN", rf"rfc822;{XTEXT}"),
}


class WrongError(Exception):
    """A command is wrong in itself; the argument is the reply that says so."""


@dataclass(frozen=True)
class Answer:
    """The normal reply to a command.

    stage: the command's verb, "" when it is not known
    reply: with its CRLF
    address, parameters: of MAIL and RCPT
    wrong: the command is ill-formed or out of sequence
    """

    stage: str
    reply: bytes
    address: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    wrong: bool = False


@dataclass
class Envelope:
    """What MAIL and RCPT have said so far; `asked` counts the recipients, refused ones too."""

    sender: str
    parameters: dict[str, str]
    recipients: list[str] = field(default_factory=list)
    asked: int = 0


class Protocol:
    """The state of one session.

    keywords: what EHLO advertises, "SIZE 1000" for one with a parameter
    """

    def __init__(self, keywords: tuple[str, ...] = KEYWORDS):
        self.keywords = keywords
        self.tls = False  # STARTTLS may be asked for
        self.secured = False  # TLS has begun
        self.accounts: Mapping[str, str] = {}
        self.login: Login | None = None  # an AUTH that is under way
        self.user: str | None = None
        self.extended = False
        self.envelope: Envelope | None = None
        self.base = "start"

    @property
    def phase(self) -> str:
        """Tell where the session is: a key of `REASONS`."""
        if self.envelope is None:
            return self.base
        return "rcpt" if self.envelope.asked else "mail"

    def offers(self, keyword: str) -> bool:
        """Tell whether EHLO has advertised the keyword."""
        return self.extended and self.parameter(keyword) is not None

    def parameter(self, keyword: str) -> str | None:
        """Return what follows an advertised keyword, None when it is not advertised."""
        words = (advertised.partition(" ") for advertised in self.advertised())
        return next((rest for word, _, rest in words if word.upper() == keyword), None)

    def advertised(self) -> tuple[str, ...]:
        """Return what EHLO advertises now."""
        found = self.keywords
        if self.tls and not self.secured:
            return (*found, "STARTTLS")
        return (*found, "AUTH " + " ".join(MECHANISMS)) if self.accounts else found

    def line_limit(self) -> int:
        """Return how long a line may be: where there are accounts it may be one of AUTH."""
        return AUTH_LIMIT if self.accounts else LINE_LIMIT

    def begin_tls(self) -> None:
        """Forget what was said before TLS (RFC 3207 section 4.2)."""
        self.secured = True
        self.extended = False
        self.base = "start"

    def size_limit(self) -> int | None:
        """Return the advertised limit in octets, None without one (RFC 1870: 0 is no limit)."""
        value = self.parameter("SIZE") if self.offers("SIZE") else None
        return int(value) if value and value.isdigit() and int(value) else None

    def banner(self) -> bytes:
        """Return the normal greeting."""
        return f"220 {HOSTNAME} ESMTP\r\n".encode()

    def answer(self, line: bytes) -> Answer:
        """Judge one command line, given without its CRLF."""
        if self.login is not None:
            return Answer("AUTH", self.dress(self.login.answer(line)))
        verb = line.partition(b" ")[0].decode("latin-1").upper()
        try:
            match = self.understand(verb, line)
            groups = match.groupdict()
            parameters = self.read_parameters(verb, groups.get("parameters") or "")
        except WrongError as wrong:
            stage = verb if verb in COMMANDS else ""
            return Answer(stage, self.dress(str(wrong)), wrong=True)
        reply = self.special(verb, line) or self.normal(verb, parameters)
        return Answer(verb, self.dress(reply), groups.get("address") or "", parameters)

    def understand(self, verb: str, line: bytes) -> re.Match[str]:
        """Check form and sequence of a command."""
        if len(line) + 2 > (AUTH_LIMIT if verb == "AUTH" else LINE_LIMIT):
            raise WrongError("500 5.5.2 Line too long")
        text = self.decode(line)
        if not re.fullmatch(PRINTABLE, text):
            raise WrongError("500 5.5.2 Control or 8-bit characters in the command")
        if verb not in COMMANDS:
            raise WrongError("500 5.5.1 Command unknown")
        command = COMMANDS[verb]
        argument = text.partition(" ")[2].rstrip(" ")
        match = re.fullmatch(command.argument, argument, re.IGNORECASE)
        if match is None or is_too_long(match.groupdict().get("address") or ""):
            raise WrongError(f"501 5.5.4 Syntax: {command.usage}")
        if self.phase not in command.phases:
            raise WrongError(f"503 5.5.1 Bad sequence: {verb} {REASONS[self.phase]}")
        return match

    def decode(self, line: bytes) -> str:
        """Return a line as text; UTF-8 is none where SMTPUTF8 is not offered (RFC 6531)."""
        try:
            return line.decode("utf-8" if self.offers("SMTPUTF8") else "ascii")
        except UnicodeError:
            return "\0"

    def read_parameters(self, verb: str, text: str) -> dict[str, str]:
        """Check the parameters of MAIL and RCPT, and return them by name."""
        pairs = (word.partition("=") for word in text.split())
        parameters = {name.upper(): value for name, _, value in pairs}
        for name, value in parameters.items():
            command, keyword, form = PARAMETERS.get(name, ("", "", ""))
            if verb != command or not self.offers(keyword):
                raise WrongError(f"555 5.5.4 Parameter {name} not offered for {verb}")
            if not re.fullmatch(form, value, re.IGNORECASE):
                raise WrongError(f"501 5.5.4 Syntax: {name}={form}")
        return parameters

    def special(self, verb: str, line: bytes) -> str:
        """Return the reply to STARTTLS and AUTH where they are to be had, else ""."""
        if verb == "STARTTLS" and self.tls and not self.secured:
            return "220 2.0.0 Go ahead"
        if verb == "AUTH":
            _, mechanism, response, *_ = [*line.decode().split(" "), ""]
            self.login = Login(mechanism, self.accounts)
            if self.accounts:
                return self.login.begin(response)
        return ""

    def normal(self, verb: str, parameters: dict[str, str]) -> str:
        """Return the reply to a command that is right."""
        if verb == "EHLO":
            lines = (HOSTNAME, *self.advertised())
            return "\r\n".join((*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"))
        if verb == "MAIL":
            limit = self.size_limit()
            too_big = limit and int(parameters.get("SIZE", 0)) > limit
            return f"552 5.3.4 More than {limit} octets" if too_big else "250 2.1.0 OK"
        if verb == "DATA":
            taken = self.envelope and self.envelope.recipients
            return (
                "354 End data with <CR><LF>.<CR><LF>" if taken else "554 5.5.1 No valid recipients"
            )
        return COMMANDS[verb].reply

    def verdict(self, size: int, number: int) -> bytes:
        """Return the normal reply to a mail text of `size` octets."""
        limit = self.size_limit()
        if not (self.envelope and self.envelope.recipients):
            return self.dress("554 5.5.1 No valid recipients")
        if limit and size > limit:
            return self.dress(f"552 5.3.4 More than {limit} octets")
        return self.dress(f"250 2.0.0 OK queued as {number}")

    def dress(self, reply: str) -> bytes:
        """Add the CRLF, and take the enhanced code away where it is not agreed on."""
        if not self.offers("ENHANCEDSTATUSCODES"):
            reply = re.sub(r"^(\d{3} )\d\.\d\.\d ", r"\1", reply)
        return reply.encode() + b"\r\n"

    def settle(self, answer: Answer, sent: bytes) -> None:
        """Move on after `sent` was the reply to a command that is right."""
        digit = severity(sent)
        if answer.stage == "AUTH" and digit != b"3":
            self.user = self.login.user if self.login else None
            self.login = None
        if answer.stage == "BANNER" and digit != b"2":
            self.base = "refused"
        elif answer.stage == "RCPT" and self.envelope:
            self.envelope.asked += 1
            if digit == b"2":
                self.envelope.recipients.append(answer.address)
        elif digit == b"2":
            self.go_on(answer)

    def go_on(self, answer: Answer) -> None:
        """Move on after a 2xx to anything but RCPT."""
        if answer.stage in ("EHLO", "HELO"):
            self.base = "idle"
            self.extended = answer.stage == "EHLO"
        if answer.stage in ("EHLO", "HELO", "RSET", "DOT"):
            self.envelope = None
        elif answer.stage == "MAIL":
            self.envelope = Envelope(answer.address, answer.parameters)


def take_line(buffer: bytearray, limit: int = LINE_LIMIT) -> bytes | None:
    """Take one command line off the buffer, without its CRLF; None when there is no whole one."""
    line, end, _ = buffer.partition(b"\r\n")
    if not end:
        # An endless line must not fill the memory; its last octet may be half of the CRLF.
        del buffer[limit:-1]
        return None
    del buffer[: len(line) + len(end)]
    return bytes(line)


def severity(reply: bytes) -> bytes:
    """Return the first digit of the last line of a reply, b"" when there is none."""
    return reply.rstrip(b"\r\n").rpartition(b"\n")[2][:1]


def is_too_long(address: str) -> bool:
    """Tell whether an address is beyond the limits of RFC 5321."""
    local, _, domain = address.rpartition("@")
    return len(local) > LOCAL_PART_LIMIT or len(domain) > DOMAIN_LIMIT
