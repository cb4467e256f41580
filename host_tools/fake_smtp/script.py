r"""The language of misbehaviour: what the server does instead of its normal reply, and when.

A script is a row of parts separated by ";". A part is one of

    NAME                 a named scenario (`scenarios.py`), taken in whole
    KEYWORDS=A, B 1, C   what EHLO advertises; nothing after "=" advertises nothing
    STAGE=ACTION         at this stage do this; later parts and narrower stages win

STAGE is a word of `STAGES`, narrowed as wished:

    RCPT                 every recipient; ALL stands for every stage that has a reply
    RCPT#2               the second recipient of a mail
    RCPT bad*            the addresses that fit the pattern (also MAIL; case does not matter)
    MAIL@2               in the second mail of the session (MAIL RCPT DATA BODY DOT); for CONNECT
                         and BANNER in the second connection; else the second time in the session

ACTION is a reply or a behaviour of `BEHAVIOURS`. A reply begins with three digits or a backslash
and is sent as it stands, with \r \n \t \0 \\ and \xNN for octets (a ";" is \x3b). CRLF is added
unless the reply ends in a written \r or \n, or in \c, which stands for nothing. A time is written
20ms or 2s. The script speaks only to well-formed commands in sequence; the server itself answers
the others.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain, cycle, repeat
from typing import Any

STAGES = {
    "CONNECT": "the connection is accepted, nothing is said yet",
    "BANNER": "the greeting",
    "EHLO": "",
    "HELO": "",
    "STARTTLS": "502 where the server has no TLS, unless the script says otherwise",
    "TLS": "a record of the server's part of the handshake; TLS#2 is its second",
    "AUTH": "502 where the server has no accounts; also the answer to a challenge",
    "MAIL": "",
    "RCPT": "",
    "DATA": "",
    "BODY": "the first octets of the mail text are here; a reply given now stands for the mail",
    "DOT": "the mail text is complete",
    "RSET": "",
    "NOOP": "",
    "VRFY": "",
    "QUIT": "",
    "ALL": "every stage that has a reply: all but CONNECT, TLS and BODY",
}
OF_A_MAIL = ("MAIL", "RCPT", "DATA", "BODY", "DOT")
OF_A_CONNECTION = ("CONNECT", "BANNER", "TLS")
WITHOUT_REPLY = ("CONNECT", "TLS", "BODY")
COUNTED = ("RCPT", "TLS")
WITH_ADDRESS = ("MAIL", "RCPT")

PACE = 0.001
"""Seconds between the pieces of a split reply: enough for each to be a segment of its own."""


@dataclass(frozen=True)
class Action:
    """What the server does at a stage.

    text: the reply on the wire, or None for the normal one
    extra: an unsolicited reply sent with it
    manner: how the reply is sent, a key of `MANNERS`
    pace: seconds between the pieces that `manner` makes of it
    delay: seconds before it
    then: the end of the connection after it: "drop" (FIN), "reset" (RST) or "" for none
    words: the action as its author wrote it
    """

    text: bytes | None = None
    extra: bytes = b""
    manner: str = "whole"
    pace: float = PACE
    delay: float = 0.0
    then: str = ""
    words: str = ""

    def pieces(self, reply: bytes) -> Iterable[bytes]:
        """Cut the reply into what is sent at a time; may be endless."""
        return MANNERS[self.manner](reply)


def octets(reply: bytes) -> Iterator[bytes]:
    """Yield single octets."""
    return (bytes((octet,)) for octet in reply)


def line_ends_apart(reply: bytes) -> Iterator[bytes]:
    """Yield each CR and each LF by itself."""
    return iter(re.findall(rb"[^\r\n]+|[\r\n]", reply))


def dripping(reply: bytes) -> Iterator[bytes]:
    """Yield the octets of the reply for ever, but never its line end."""
    return cycle(octets(reply.rstrip(b"\r\n") or b" "))


def endless_line(reply: bytes) -> Iterator[bytes]:
    """Yield a reply line that never ends."""
    return chain((reply[:3] + b" ",), repeat(b"endless " * 125))


def endless_lines(reply: bytes) -> Iterator[bytes]:
    """Yield a multi-line reply that never ends."""
    return repeat(reply[:3] + b"-endless\r\n")


MANNERS: Mapping[str, Callable[[bytes], Iterable[bytes]]] = {
    "whole": lambda reply: (reply,),
    "nothing": lambda reply: (),
    "split": octets,
    "split-crlf": line_ends_apart,
    "silence": lambda reply: (),
    "deaf": lambda reply: (),
    "drip": dripping,
    "endless-line": endless_line,
    "endless-lines": endless_lines,
}
FOR_EVER = ("silence", "drip", "endless-line", "endless-lines")
"""The manners after which the server never gets to the next command, but still listens."""


@dataclass(frozen=True)
class Behaviour:
    """A word that an action may begin with, and what may follow it.

    gives: what it changes in an `Action`
    time: the field that a time sets
    text: the field that a reply sets
    takes: what follows the word, in square brackets when it may be left out
    """

    meaning: str
    gives: Mapping[str, Any]
    takes: str = ""
    time: str = ""
    text: str = ""


def behaviour(
    meaning: str, takes: str = "", time: str = "", text: str = "", **gives: Any
) -> Behaviour:
    """Write one row of `BEHAVIOURS`."""
    return Behaviour(meaning, gives, takes, time, text)


UNSOLICITED = b"250 2.0.0 unsolicited\r\n"
PACED = {"takes": "[TIME] [TEXT]", "time": "pace", "text": "text"}
BEHAVIOURS = {
    "say": behaviour("this text, whatever it is", "TEXT", text="text"),
    "drop": behaviour("end the connection (FIN) instead", manner="nothing", then="drop"),
    "drop-after": behaviour("the normal reply, then end the connection", then="drop"),
    "then-drop": behaviour("this text, then end it", "TEXT", text="text", then="drop"),
    "reset": behaviour("reset the connection (RST) instead", manner="nothing", then="reset"),
    "reset-after": behaviour("the normal reply, then reset the connection", then="reset"),
    "then-reset": behaviour("this text, then reset it", "TEXT", text="text", then="reset"),
    "silence": behaviour("never answer again, but listen", manner="silence"),
    "deaf": behaviour("never answer nor read again: the client's sends fill up", manner="deaf"),
    "drip": behaviour(
        "the reply, an octet every 20ms, again and again", **PACED, manner="drip", pace=0.02
    ),
    "split": behaviour("the reply, each octet in its own segment", **PACED, manner="split"),
    "split-crlf": behaviour("the reply, CR and LF in own segments", **PACED, manner="split-crlf"),
    "endless-line": behaviour("a reply line without end", manner="endless-line", pace=0.0),
    "endless-lines": behaviour("a reply of endless lines", manner="endless-lines", pace=0.0),
    "extra": behaviour(
        "the normal reply and one nobody asked for", "[TEXT]", text="extra", extra=UNSOLICITED
    ),
    "delay": behaviour("wait, then this", "TIME [ACTION]", time="delay", text="action"),
}


@dataclass(frozen=True)
class Moment:
    """Where a session is when the script is asked.

    time: which mail, connection or time this is, from 1 (see the module's docstring)
    recipient: which recipient of the mail, or record of the handshake, from 1; else 0
    address: the sender or recipient; "" at other stages
    """

    stage: str
    time: int = 1
    recipient: int = 0
    address: str = ""


@dataclass(frozen=True)
class Rule:
    """One STAGE=ACTION part; None means "any"."""

    stage: str
    recipient: int | None
    time: int | None
    pattern: str | None
    action: Action

    def fits(self, moment: Moment) -> bool:
        """Tell whether the rule speaks to this moment."""
        return (
            (self.stage == moment.stage or self.is_general(moment.stage))
            and self.recipient in (None, moment.recipient)
            and self.time in (None, moment.time)
            and (self.pattern is None or fnmatchcase(moment.address.lower(), self.pattern))
        )

    def is_general(self, stage: str) -> bool:
        """Tell whether this is a rule for ALL that includes the stage."""
        return self.stage == "ALL" and stage not in WITHOUT_REPLY

    def narrowness(self) -> int:
        """Count what the rule asks for; narrower rules win over wider ones."""
        narrowed = (self.recipient, self.time, self.pattern)
        return (self.stage != "ALL") + sum(condition is not None for condition in narrowed)


@dataclass(frozen=True)
class Scenario:
    """A script that has been read: `rules` with the winners first, `keywords` None if not set."""

    name: str
    description: str = ""
    script: str = ""
    rules: tuple[Rule, ...] = ()
    keywords: tuple[str, ...] | None = None

    def action(self, moment: Moment) -> Action | None:
        """Return what to do at this moment, None for the normal reply."""
        return next((rule.action for rule in self.rules if rule.fits(moment)), None)


def read_script(script: str, named: Mapping[str, tuple[str, str]]) -> Scenario:
    """Read a script; `named` maps a scenario's name to (description, script).

    Raises `ValueError` with one line that names the part and what is wrong with it.
    """
    script = script.strip()
    rules: list[Rule] = []
    keywords = None
    for part in list(parts_of(script, named)):
        if part.startswith("KEYWORDS="):
            keywords = read_keywords(part)
        else:
            rules.insert(0, read_rule(part))
    rules.sort(key=Rule.narrowness, reverse=True)
    description = named.get(script, ("given as a script",))[0]
    return Scenario(script, description, script, tuple(rules), keywords)


def parts_of(script: str, named: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Yield the parts with an "=", each name replaced by the parts of its scenario."""
    parts = [part.strip() for part in script.split(";") if part.strip()]
    if not parts:
        raise ValueError(f"the scenario is empty; scenarios: {', '.join(named)}")
    for part in parts:
        if "=" in part:
            yield part
        elif part not in named:
            raise ValueError(unknown("scenario", part, named, "scenarios") + ", or STAGE=ACTION")
        elif named[part][1]:
            yield from parts_of(named[part][1], named)


def unknown(kind: str, word: str, known: Iterable[str], title: str) -> str:
    """Say in one line that a word is not known, what comes close, and all that are known."""
    known = tuple(known)
    close = get_close_matches(word, known, n=1)
    hint = f", did you mean {close[0]!r}?" if close else ";"
    return f"unknown {kind} {word!r}{hint} {title}: {', '.join(known)}"


def read_keywords(part: str) -> tuple[str, ...]:
    """Read "KEYWORDS=A, B 1"."""
    words = (word.strip() for word in part.partition("=")[2].split(","))
    return tuple(word for word in words if word)


WHERE = re.compile(
    r"(?P<stage>[A-Za-z]+)(?:#(?P<recipient>\d+))?(?:@(?P<time>\d+))?(?: +(?P<pattern>\S+))?"
)


def read_rule(part: str) -> Rule:
    """Read "STAGE=ACTION"."""
    where, _, what = (piece.strip() for piece in part.partition("="))
    try:
        stage, recipient, time, pattern = read_stage(where)
        return Rule(stage, recipient, time, pattern, replace(read_action(what), words=what))
    except ValueError as error:
        raise ValueError(f"in {part!r}: {error}") from None


def read_stage(where: str) -> tuple[str, int | None, int | None, str | None]:
    """Read what stands before "=": the stage, #recipient, @time and address pattern."""
    match = WHERE.fullmatch(where)
    if match is None:
        raise ValueError(f"{where!r} is not of the form STAGE, STAGE@N, RCPT#N or RCPT address")
    stage = match["stage"].upper()
    if stage not in STAGES:
        raise ValueError(unknown("stage", stage, (*STAGES, "KEYWORDS"), "stages"))
    if match["recipient"] and stage not in COUNTED:
        raise ValueError(f"#N counts recipients, so only RCPT takes it; {stage} takes @N")
    if match["pattern"] and stage not in WITH_ADDRESS:
        raise ValueError(f"only {' and '.join(WITH_ADDRESS)} have an address, not {stage}")
    pattern = match["pattern"] and match["pattern"].strip("<>").lower()
    return stage, count(match["recipient"]), count(match["time"]), pattern


def count(digits: str | None) -> int | None:
    """Read a number that counts from 1."""
    if digits is not None and int(digits) == 0:
        raise ValueError("#N and @N count from 1")
    return None if digits is None else int(digits)


def read_action(what: str) -> Action:
    """Read what stands after "=": a reply or a behaviour."""
    if re.match(r"\d{3}(?!\d)|\\", what):
        return Action(text=reply_octets(what))
    word, _, rest = what.partition(" ")
    if word not in BEHAVIOURS:
        message = unknown("behaviour", word, BEHAVIOURS, "behaviours")
        raise ValueError(f"{message}; a reply begins with three digits")
    return read_behaviour(word, BEHAVIOURS[word], rest.strip())


def read_behaviour(word: str, row: Behaviour, rest: str) -> Action:
    """Read what follows a behaviour's word, as its row in the table tells."""
    seconds, text = read_time(rest) if row.time else (None, rest)
    check_takes(word, row, seconds, text)
    timing = {} if seconds is None else {row.time: seconds}
    if row.text == "action":
        return replace(read_action(text) if text else Action(), **timing)
    texts = {row.text: reply_octets(text)} if text else {}
    fields: dict[str, Any] = {**row.gives, **timing, **texts}
    return Action(**fields)


def check_takes(word: str, row: Behaviour, seconds: float | None, text: str) -> None:
    """Complain when a behaviour lacks what it needs or has what it does not take."""
    if text and not row.text:
        raise ValueError(f"{word!r} takes nothing after it, not {text!r}")
    if seconds is None and row.takes.startswith("TIME"):
        raise ValueError(f"{word!r} needs a time such as 500ms or 2s: {word} {row.takes}")
    if not text and row.takes.endswith("TEXT"):
        raise ValueError(f"{word!r} needs a text: {word} {row.takes}")


def read_time(text: str) -> tuple[float | None, str]:
    """Take a leading time such as 20ms off the text; return (seconds, the rest)."""
    match = re.match(r"(\d+)(ms|s)(?:\s+|$)", text)
    if match is None:
        return None, text
    return int(match[1]) * {"ms": 0.001, "s": 1.0}[match[2]], text[match.end() :]


ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def reply_octets(text: str) -> bytes:
    r"""Return a reply as it goes on the wire; a final \c keeps the line end away."""
    open_end = re.fullmatch(r"(?:[^\\]|\\.)*\\c", text) is not None
    octets = re.sub(
        rb"\\(x[0-9A-Fa-f]{2}|.?)", escaped, text.removesuffix("\\c" * open_end).encode()
    )
    return octets if open_end or octets.endswith((b"\r", b"\n")) else octets + b"\r\n"


def escaped(match: re.Match[bytes]) -> bytes:
    """Return the octet that one escape stands for."""
    code = match[1]
    if len(code) == 3:
        return bytes.fromhex(code[1:].decode())
    if code not in ESCAPES:
        known = r"\r \n \t \0 \\ \xNN, and \c at the end"
        raise ValueError(f"unknown escape {match[0].decode(errors='replace')!r}; escapes: {known}")
    return ESCAPES[code]
