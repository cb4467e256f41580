"""The probes: what a closed gateway answers to whom, one line each.

None of them leaves a mail behind, but for smuggling, which is asked for. They share connections,
because a gateway counts those, but no more than a few errors each: a server slows down those who
make many.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from host_tools.gateway.dialogue import Dialogue, Reply
from host_tools.gateway.facts import Facts
from host_tools.gateway.results import Result, judged, skipped

NAME = "probe.alarmpost.invalid"
"""What a probe calls itself; RFC 2606: no such host can exist."""

FOREIGN = "stranger@example.net"
"""Of a domain that exists (RFC 2606), so that nobody refuses it for its name alone."""

ERRORS = 6
"""How many refusals to collect on one connection."""

LARGEST_TRIED = 8 * 1024 * 1024
UNKNOWN_SENDER = "no sender is known: give --config, or --sender and --recipient"
RATE = ("too many", "rate limit", "too much mail")


class Probe(NamedTuple):
    """A few commands after EHLO, the codes that the last one may get, and what to do otherwise."""

    name: str
    lines: tuple[str, ...]
    expect: tuple[int, ...]
    remedy: str


MAIL = "MAIL FROM:<{sender}>"
RCPT = "RCPT TO:<{recipient}>"

RECIPIENTS = "smtpd_recipient_restrictions must end with reject behind the list of recipients"
SENDERS = "smtpd_sender_restrictions must end with reject behind the list of senders"

REFUSED = (550, 551, 553, 554, 501, 504, 521)
"""For good. A 4xx is no refusal: the same may be taken a minute later."""


INSIDE = (
    Probe("allowed mail", (MAIL, RCPT), (250,), "add sender and recipient to the gateway's lists"),
    Probe("foreign recipient", (MAIL, f"RCPT TO:<{FOREIGN}>"), REFUSED, RECIPIENTS),
    Probe(
        "neighbour of a recipient", (MAIL, "RCPT TO:<alarmpost.probe@{domain}>"), REFUSED,
        RECIPIENTS,
    ),
    Probe("recipient a%b@host", (MAIL, "RCPT TO:<a%example.net@{host}>"), REFUSED, RECIPIENTS),
    Probe("recipient @host:a@b", (MAIL, f"RCPT TO:<@{{host}}:{FOREIGN}>"), REFUSED, RECIPIENTS),
    Probe("recipient root@[address]", (MAIL, "RCPT TO:<root@[{address}]>"), REFUSED, RECIPIENTS),
    Probe("recipient root", (MAIL, "RCPT TO:<root>"), REFUSED, RECIPIENTS),
    Probe("foreign sender", (f"MAIL FROM:<{FOREIGN}>", RCPT), (*REFUSED, 503), SENDERS),
    Probe("empty sender", ("MAIL FROM:<>", RCPT), (*REFUSED, 503), SENDERS),
    Probe("sender without domain", ("MAIL FROM:<plc7>", RCPT), (*REFUSED, 503), SENDERS),
    Probe("VRFY", ("VRFY {recipient}",), (502,), "set disable_vrfy_command = yes"),
    Probe("EXPN", ("EXPN staff",), (500, 502), "this is no Postfix: forbid EXPN"),
    Probe("ETRN", ("ETRN {host}",), (500, 502, 554), "set smtpd_etrn_restrictions = reject"),
    Probe("AUTH", ("AUTH PLAIN AGEAYg==",), (500, 502, 503), "set smtpd_sasl_auth_enable = no"),
    Probe("STARTTLS", ("STARTTLS",), (500, 502, 503, 454), "set smtpd_tls_security_level = none"),
    Probe("BDAT", (MAIL, RCPT, "BDAT 0"), (500, 502, 503, 521), "discard chunking"),
    Probe("HTTP", ("GET / HTTP/1.0",), (221, 0), "set smtpd_forbidden_commands to its default"),
    Probe(
        "announced size", ("MAIL FROM:<{sender}> SIZE=99999999",), (552,),
        "set message_size_limit; 0 means any size and fills the disk",
    ),
)  # fmt: skip

OUTSIDE = (
    Probe("outside: any command", ("NOOP",), (503, 554, 421, 0), "set smtpd_delay_reject = no"),
    Probe(
        "outside: RCPT TO:<postmaster>", ("MAIL FROM:<>", "RCPT TO:<postmaster>"),
        (503, 554, 421, 0), "set smtpd_client_restrictions = permit_mynetworks, reject",
    ),
    Probe(
        "outside: relaying", (MAIL, f"RCPT TO:<{FOREIGN}>"), (503, 554, 421, 0),
        "THIS IS AN OPEN RELAY: set smtpd_relay_restrictions = permit_mynetworks, reject",
    ),
)  # fmt: skip

KEYWORDS = ("VRFY", "ETRN", "CHUNKING", "DSN", "AUTH", "SMTPUTF8")

SMUGGLED = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CRLF": b"\r.\r\n",
    "CR.CR": b"\r.\r",
    "CRLF.CR": b"\r\n.\r",
}


@dataclass
class Place:
    """Where probes go to and come from, with a connection that they share."""

    facts: Facts
    host: str
    port: int
    source: str = ""
    timeout: float = 5.0
    shared: Dialogue | None = None
    words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        senders, recipients = self.facts.senders, self.facts.recipients
        self.words = {
            "sender": senders[0] if senders else "",
            "recipient": recipients[0] if recipients else "",
            "domain": recipients[0].partition("@")[2] if recipients else "",
            "host": self.facts.hostname,
            "address": self.host,
        }

    def connect(self) -> Dialogue:
        """Open a connection of its own; raises OSError."""
        return Dialogue(self.host, self.port, self.source, self.timeout)

    def greet(self) -> Dialogue:
        """Open a connection and say EHLO."""
        dialogue = self.connect()
        dialogue.say(f"EHLO {NAME}")
        return dialogue

    def line(self) -> Dialogue:
        """Return the shared connection, fresh after a few errors."""
        if self.shared is not None:
            if self.shared.errors < ERRORS and self.shared.say("RSET").code == 250:
                return self.shared
            self.shared.close()
        self.shared = self.greet()
        return self.shared

    def close(self) -> None:
        """Close the shared connection."""
        if self.shared is not None:
            self.shared.close()
            self.shared = None

    def fill(self, line: str) -> str:
        """Put addresses into a line."""
        return line.format_map(self.words)


def inside(place: Place, smuggling: bool = False) -> Iterator[Result]:
    """Probe from an address that may send."""
    yield banner(place, 220, "inside: connect", "add this address to mynetworks")
    yield keywords(place)
    for probe in INSIDE:
        yield run(place, probe)
    yield from sizes(place)
    yield pipelining(place)
    place.close()
    if smuggling:
        yield from (smuggle(place, name, end) for name, end in SMUGGLED.items())


def outside(place: Place) -> Iterator[Result]:
    """Probe from an address that may not."""
    yield banner(
        place, 554, "outside: connect",
        "set smtpd_client_restrictions = permit_mynetworks, reject; smtpd_delay_reject = no",
    )  # fmt: skip
    for probe in OUTSIDE:
        with place.greet() as dialogue:
            reply = dialogue.banner if dialogue.banner.code == 0 else talk(dialogue, place, probe)
        yield verdict(probe, reply)


def banner(place: Place, code: int, name: str, remedy: str) -> Result:
    """Probe what the server says first."""
    with place.connect() as dialogue:
        reply = dialogue.banner
    return judged(name, str(code), str(reply), reply.code == code, remedy)


def run(place: Place, probe: Probe) -> Result:
    """Run a probe on the shared connection."""
    if "{sender}" in "".join(probe.lines) and not place.words["sender"]:
        return skipped(probe.name, codes(probe), UNKNOWN_SENDER)
    return verdict(probe, talk(place.line(), place, probe))


def talk(dialogue: Dialogue, place: Place, probe: Probe) -> Reply:
    """Say the lines; the first that is refused decides, as the rest then means nothing."""
    reply = Reply(0, "")
    for line in probe.lines:
        reply = dialogue.say(place.fill(line))
        if reply.code != 250:
            break
    return reply


def verdict(probe: Probe, reply: Reply) -> Result:
    """Judge a reply; a limit that is reached says nothing about what was probed."""
    if reply.code in (421, 450) and any(words in reply.text.lower() for words in RATE):
        return skipped(probe.name, codes(probe), f"{reply}; wait a minute")
    return judged(probe.name, codes(probe), str(reply), reply.code in probe.expect, probe.remedy)


def codes(probe: Probe) -> str:
    """Show what is expected."""
    if probe.expect[: len(REFUSED)] == REFUSED:
        return "refused"
    return " or ".join("closed" if code == 0 else str(code) for code in probe.expect)


def keywords(place: Place) -> Result:
    """Probe what EHLO offers."""
    with place.connect() as dialogue:
        reply = dialogue.say(f"EHLO {NAME}")
    offered = [line[4:].split()[0].split("=")[0] for line in reply.text.splitlines() if line[4:]]
    found = [name for name in offered if name.upper() in KEYWORDS]
    return judged(
        "EHLO keywords",
        "none of " + ", ".join(KEYWORDS),
        ", ".join(found) or "none of them",
        reply.code == 250 and not found,
        "name them in smtpd_discard_ehlo_keywords; set disable_vrfy_command = yes",
    )


def sizes(place: Place) -> Iterator[Result]:
    """Probe one recipient too many, and a mail that is too large without saying so."""
    most, size = place.facts.most_recipients, place.facts.message_size
    lines = (MAIL, *(RCPT for _ in range(most + 1)))
    remedy = f"set smtpd_recipient_limit = {most}"
    yield run(place, Probe(f"recipient number {most + 1}", lines, (452, 552), remedy))
    yield large(place, size * 3 // 2)


def large(place: Place, octets: int) -> Result:
    """Probe a large mail, unless it would be taken."""
    probe = Probe("large mail", (MAIL, RCPT, "DATA"), (552,), "set message_size_limit")
    if not place.words["sender"]:
        return skipped(probe.name, codes(probe), UNKNOWN_SENDER)
    announced = place.line().say(place.fill("MAIL FROM:<{sender}> SIZE=99999999"))
    if announced.code == 250 or octets > LARGEST_TRIED:
        reason = (
            "not tried: it would be delivered" if announced.code == 250 else "not tried: large"
        )
        return skipped(probe.name, codes(probe), reason)
    dialogue = place.line()
    reply = talk(dialogue, place, probe)
    if reply.code != 354:
        return verdict(probe, reply)
    dialogue.send(b"Subject: too large\r\n\r\n" + (b"x" * 70 + b"\r\n") * (octets // 72))
    return verdict(probe, dialogue.say("."))


def pipelining(place: Place) -> Result:
    """Probe a dialogue in one write, as what cannot read replies sends it; it ends with RSET."""
    lines = (f"EHLO {NAME}", MAIL, RCPT, "RSET", "QUIT", "")
    with place.connect() as dialogue:
        dialogue.send("\r\n".join(place.fill(line) for line in lines).encode())
        text = dialogue.read_all()
    answer = next((line for line in text.splitlines() if line.startswith("554")), "all taken")
    return judged(
        "dialogue in one write", "554", answer, answer.startswith("554"),
        "set smtpd_forbid_unauth_pipelining = yes (Postfix 3.7.6, 3.8.1 and later)",
    )  # fmt: skip


def smuggle(place: Place, name: str, end: bytes) -> Result:
    """Probe whether a mail can hide in a mail: there must never be two."""
    hidden = "\r\n".join((MAIL, RCPT, "DATA", "Subject: smuggled", "", "second", ".", "QUIT", ""))
    with place.greet() as dialogue:
        replies = [dialogue.say(place.fill(line)).code for line in (MAIL, RCPT, "DATA")]
        if replies[-1] != 354:
            return skipped(f"smuggling {name}", "at most one mail", f"DATA: {replies[-1]}")
        head = f"Subject: alarmpost probe, {name}\r\n\r\nfirst".encode()
        dialogue.send(head + end + place.fill(hidden).encode())
        queued = dialogue.read_all().count(" queued as ")
    return judged(
        f"smuggling {name}", "at most one mail", f"{queued} queued", queued <= 1,
        "set smtpd_forbid_bare_newline = normalize and empty its exclusions (3.7.10, 3.8.5)",
    )  # fmt: skip
