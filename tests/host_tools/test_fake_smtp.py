"""The fake SMTP server: a good server when asked to be, and exactly as bad as asked otherwise."""

import asyncio
import errno
import gc
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from host_tools.cli import one_line
from host_tools.fake_smtp import SCENARIOS, FakeSMTP, Mail, find_scenario
from host_tools.fake_smtp import wire as wire_module
from host_tools.fake_smtp.command import explained
from host_tools.fake_smtp.mail import end_of_text
from host_tools.fake_smtp.protocol import COMMANDS, take_line
from host_tools.fake_smtp.script import BEHAVIOURS, MANNERS
from host_tools.fake_smtp.show import event_view, mail_view, session_view

GUARD = 20.0
"""Seconds after which a test that hangs fails; none waits for it when all is well."""

TEXT = b"Subject: a Horse\r\n\r\nThe horse does not eat cucumber salad\r\n"
LONG_TEXT = TEXT + b"It does not eat any salad.\r\n" * 4
GROUP = b"MAIL FROM:<plc@plant.lan>\r\nRCPT TO:<ops@example.com>\r\nDATA\r\n"


class Client:
    """A client without manners of its own, for what `smtplib` would never send."""

    def __init__(self, server: FakeSMTP):
        self.sock = socket.create_connection((server.host, server.port), timeout=GUARD)
        self.buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, octets: bytes) -> None:
        self.sock.sendall(octets)

    def ask(self, line: bytes) -> bytes:
        """Send a command and return the whole reply."""
        self.send(line + b"\r\n")
        return self.reply()

    def more(self) -> bool:
        """Read once; tell whether something came."""
        chunk = self.sock.recv(65536)
        self.buffer += chunk
        return bool(chunk)

    def take(self, length: int) -> bytes:
        """Return exactly so many octets."""
        while len(self.buffer) < length:
            assert self.more(), f"end after {self.buffer!r}"
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def reply(self) -> bytes:
        """Return a reply of one or more lines, b"" when the server has ended the connection."""
        while not (match := re.match(rb"(?:\d{3}-.*\r\n)*(?!\d{3}-).*\r\n", self.buffer)):
            if not self.more():
                return b""
        self.buffer = self.buffer[match.end() :]
        return match[0]

    def rest(self) -> bytes:
        """Return all that comes until the server ends the connection."""
        while self.more():
            pass
        return self.buffer

    def end(self) -> None:
        """End our side, and only ours."""
        self.sock.shutdown(socket.SHUT_WR)

    def greet(self) -> "Client":
        """Do what comes before the first mail."""
        assert self.reply().startswith(b"220 ")
        assert self.ask(b"EHLO [127.0.0.1]").startswith(b"250-")
        return self

    def begin_text(self) -> "Client":
        """Do what comes before the first mail text."""
        self.greet()
        for line, code in zip(GROUP.splitlines(), (b"250 ", b"250 ", b"354 "), strict=True):
            assert self.ask(line).startswith(code)
        return self


def codes(reply: bytes) -> str:
    """Return "250" for a good reply, "250/550" for two codes in one, "eof" for none."""
    return "/".join(sorted({line[:3].decode() for line in reply.splitlines()})) or "eof"


class Play:
    """A client that goes through a session step by step and writes down what it gets."""

    def __init__(self, client: Client, expected: list[str]):
        self.client = client
        self.expected = expected
        self.seen: list[str] = []

    def hear(self) -> bool:
        """Write down the next reply; tell whether it is a good one."""
        if self.expected[len(self.seen) :][:1] == ["none"]:
            self.client.end()  # a server that is silent, and only such a one, now says nothing
        try:
            heard = codes(self.client.reply())
        except ConnectionResetError:
            heard = "reset"
        self.seen.append("none" if self.silent(heard) else heard)
        return self.seen[-1][0] in "23"

    def silent(self, heard: str) -> bool:
        return heard == "eof" and self.expected[len(self.seen) :][:1] == ["none"]

    def ask(self, line: bytes) -> bool:
        self.client.send(line + b"\r\n")
        return self.hear()

    def mail(self, text: bytes) -> bool:
        """Send a mail to a good and to a bad recipient; tell whether to go on."""
        if not self.ask(b"MAIL FROM:<plc@plant.lan>"):
            return False
        taken = [self.ask(b"RCPT TO:<%s@example.com>" % name) for name in (b"ops", b"bad.ops")]
        return any(taken) and self.ask(b"DATA") and self.ask(text + b".")

    def all(self, mails: int, text: bytes) -> list[str]:
        """Play a session and return what was heard."""
        alive = self.hear() and (self.ask(b"EHLO plc7") or self.ask(b"HELO plc7"))
        alive = alive and all(self.mail(text) for _ in range(mails))
        if self.seen[-1] not in ("eof", "reset", "none"):
            self.ask(b"QUIT")
        return self.seen


class Expected(NamedTuple):
    """What a client hears under a scenario, how many mails are taken, and how it ends."""

    heard: str
    mails: int
    ended: str
    tried: int = 1
    text: bytes = TEXT
    also: Callable[[FakeSMTP], None] = lambda server: None


def advertises(*keywords: bytes) -> Callable[[FakeSMTP], None]:
    """Expect exactly these keywords in the reply to EHLO."""

    def check(server: FakeSMTP) -> None:
        (reply,) = [write for write in server.sessions[0].writes if write.count(b"\r\n") > 1]
        assert tuple(line[4:] for line in reply.splitlines()[1:]) == keywords

    return check


def says(reply: bytes) -> Callable[[FakeSMTP], None]:
    """Expect this reply, whole."""

    def check(server: FakeSMTP) -> None:
        assert reply in server.sessions[0].writes

    return check


def octet_by_octet(server: FakeSMTP) -> None:
    assert {len(write) for write in server.sessions[0].writes} == {1}


def line_ends_apart(server: FakeSMTP) -> None:
    writes = server.sessions[0].writes
    assert all(b"\r\n" not in write for write in writes)
    assert writes[:3] == [b"220 fake.alarmpost ESMTP", b"\r", b"\n"]


ALL_WELL = "220 250 250 250 250 354 250 221"
PIPELINING, SIZE, EIGHT, CODES = KEYWORDS = (
    *(b"PIPELINING", b"SIZE 10485760", b"8BITMIME"),
    b"ENHANCEDSTATUSCODES",
)
EXPECTED = {
    "default": Expected(ALL_WELL, 1, "quit", also=advertises(*KEYWORDS)),
    "no-pipelining": Expected(ALL_WELL, 1, "quit", also=advertises(SIZE, EIGHT, CODES)),
    "no-8bitmime": Expected(ALL_WELL, 1, "quit", also=advertises(PIPELINING, SIZE, CODES)),
    "no-size": Expected(ALL_WELL, 1, "quit", also=advertises(PIPELINING, EIGHT, CODES)),
    "helo-only": Expected("220 502 250 250 250 250 354 250 221", 1, "quit"),
    "size-too-small": Expected(
        "220 250 250 250 250 354 552 221",
        *(0, "quit"),
        text=LONG_TEXT,
        also=advertises(PIPELINING, b"SIZE 100", EIGHT, CODES),
    ),
    "slow-accept": Expected(ALL_WELL, 1, "quit"),
    "busy": Expected("421 eof", 0, "dropped"),
    "go-away": Expected("554 221", 0, "quit"),
    "silent-banner": Expected("none", 0, "eof"),
    "reject-sender": Expected("220 250 550 221", 0, "quit"),
    "unknown-recipient": Expected("220 250 250 550 550 221", 0, "quit"),
    "one-refused": Expected("220 250 250 250 550 354 250 221", 1, "quit"),
    "greylist": Expected("220 250 250 450 450 221", 0, "quit"),
    "mailbox-full": Expected("220 250 250 452 452 221", 0, "quit"),
    "over-quota": Expected("220 250 250 552 552 221", 0, "quit"),
    "data-refused": Expected("220 250 250 250 250 554 221", 0, "quit"),
    "mail-refused": Expected("220 250 250 250 250 354 554 221", 0, "quit"),
    "try-later": Expected("220 250 250 250 250 354 451 221", 0, "quit"),
    "early-refusal": Expected("220 250 250 250 250 354 552 221", 0, "quit"),
    "lost-before-dot": Expected("220 250 250 250 250 354 eof", 0, "dropped"),
    "lost-after-dot": Expected("220 250 250 250 250 354 eof", 1, "dropped"),
    "reset-after-dot": Expected("220 250 250 250 250 354 reset", 1, "aborted"),
    "silent-dot": Expected("220 250 250 250 250 354 none", 1, "eof"),
    "shutting-down": Expected("220 250 421 eof", 0, "dropped"),
    "one-mail-only": Expected("220 250 250 250 250 354 250 421 eof", 1, "dropped", tried=2),
    "silent-quit": Expected("220 250 250 250 250 354 250 none", 1, "eof"),
    "malformed": Expected("220 250 OK, 221", 0, "quit", also=says(b"OK, go on\r\n")),
    "mixed-codes": Expected(
        "220 250 250 250/550 250/550 554 221",
        *(0, "quit"),
        also=says(b"250-2.1.5 OK\r\n550 5.1.1 No such user\r\n"),
    ),
    "split": Expected(ALL_WELL, 1, "quit", also=octet_by_octet),
    "split-crlf": Expected(ALL_WELL, 1, "quit", also=line_ends_apart),
}


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no `asyncio.sleep` take time; return the seconds that were asked for."""
    asked: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        asked.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", nap)
    return asked


# Scenarios


@pytest.mark.parametrize("name", EXPECTED)
def test_a_scenario_does_what_its_description_says(name: str, naps: list[float]) -> None:
    expected = EXPECTED[name]
    with FakeSMTP(name) as server:
        with Client(server) as client:
            play = Play(client, expected.heard.split())
            assert " ".join(play.all(expected.tried, expected.text)) == expected.heard
        assert server.sessions[0].wait_closed() == expected.ended
        assert len(server.mails) == expected.mails
        expected.also(server)
    if name == "slow-accept":
        assert 1.0 in naps


def test_drip_scenario() -> None:
    with FakeSMTP("drip") as server, Client(server) as client:
        client.greet().send(b"MAIL FROM:<plc@plant.lan>\r\n")
        assert client.take(26) == b"250 2.1.0 OK250 2.1.0 OK25"
        assert set(map(len, server.sessions[0].writes[2:])) == {1}


def test_endless_line_scenario() -> None:
    with FakeSMTP("endless-line") as server, Client(server) as client:
        client.greet().send(b"MAIL FROM:<plc@plant.lan>\r\n")
        line = client.take(100_000)
        assert line.startswith(b"250 endless ")
        assert b"\r" not in line
        assert b"\n" not in line


def test_endless_lines_scenario() -> None:
    with FakeSMTP("endless-lines") as server, Client(server) as client:
        client.reply()
        client.send(b"EHLO plc7\r\n")
        assert set(client.take(130_000).splitlines()) == {b"250-endless"}


def test_extra_reply_scenario() -> None:
    with FakeSMTP("extra-reply") as server, Client(server) as client:
        assert client.greet().ask(b"MAIL FROM:<plc@plant.lan>") == b"250 2.1.0 OK\r\n"
        assert client.reply() == b"250 2.0.0 unsolicited\r\n"
        assert client.ask(b"RCPT TO:<ops@example.com>") == b"250 2.1.5 OK\r\n"


def test_deaf_body_scenario() -> None:
    deaf = threading.Event()
    with FakeSMTP("deaf-body", watch=lambda e: deaf.set() if e.kind == "!" else None) as server:
        client = Client(server).begin_text()
        client.send(b"heard")
        assert deaf.wait(GUARD)
        client.send(b"not heard\r\n.\r\n")
        client.end()
    with client, suppress(ConnectionResetError):
        assert client.rest() == b""
    assert server.sessions[0].received.endswith(b"DATA\r\nheard")
    assert server.sessions[0].ended == "stopped"


def test_every_scenario_has_a_test() -> None:
    own = {name.removeprefix("test_").removesuffix("_scenario") for name in globals()}
    tested = EXPECTED.keys() | {name.replace("_", "-") for name in own}
    assert SCENARIOS.keys() <= tested


# Behaviours


def meet(script: str, client_does: Callable[[Client], object]) -> tuple[object, FakeSMTP]:
    """Let a client meet a script; return what it got, and the server after the session."""
    with FakeSMTP(script) as server:
        with Client(server) as client:
            got = client_does(client)
        server.sessions[0].wait_closed()
    return got, server


def after_noop(client: Client) -> bytes:
    """Return all that comes after a NOOP; a reset shows as its name at the end."""
    client.greet().send(b"NOOP\r\n")
    try:
        return client.rest()
    except ConnectionResetError:
        return client.buffer + b"(reset)"


ENDINGS = {
    "drop": (b"", "dropped"),
    "drop-after": (b"250 2.0.0 OK\r\n", "dropped"),
    "then-drop 421 bye": (b"421 bye\r\n", "dropped"),
    "reset": (b"(reset)", "aborted"),
    "reset-after": (b"250 2.0.0 OK\r\n(reset)", "aborted"),
    "then-reset 421 bye": (b"421 bye\r\n(reset)", "aborted"),
    "delay 1ms then-drop 421 bye": (b"421 bye\r\n", "dropped"),
}


@pytest.mark.parametrize("action", ENDINGS)
def test_actions_that_end_the_connection(action: str) -> None:
    got, server = meet(f"NOOP={action}", after_noop)
    assert (got, server.sessions[0].ended) == ENDINGS[action]


REPLIES = {
    "250 2.0.0 as given": b"250 2.0.0 as given\r\n",
    r"250-one\r\n250 two": b"250-one\r\n250 two\r\n",
    r"250 lone LF\n": b"250 lone LF\n",
    r"250 lone CR\r": b"250 lone CR\r",
    r"250 none\c": b"250 none",
    r"250 \0\x80\xfF\t\\": b"250 \0\x80\xff\t\\\r\n",
    r"\x00": b"\0\r\n",
    "250 Grüße": "250 Grüße\r\n".encode(),
    "250": b"250\r\n",
    "say 250": b"250\r\n",
    "say what": b"what\r\n",
    "split 250 in pieces": b"250 in pieces\r\n",
    "split": b"250 2.0.0 OK\r\n",
    "split 2ms 250 slow": b"250 slow\r\n",
    "split-crlf": b"250 2.0.0 OK\r\n",
    "extra": b"250 2.0.0 OK\r\n250 2.0.0 unsolicited\r\n",
    "extra 451 what": b"250 2.0.0 OK\r\n451 what\r\n",
    "delay 1ms": b"250 2.0.0 OK\r\n",
    "delay 1ms 451 later": b"451 later\r\n",
}


@pytest.mark.parametrize("action", REPLIES)
def test_actions_that_reply(action: str) -> None:
    def client_does(client: Client) -> bytes:
        client.greet().send(b"NOOP\r\n")
        got = client.take(len(REPLIES[action]))
        assert client.ask(b"QUIT") == b"221 2.0.0 Bye\r\n"
        return got

    got, server = meet(f"NOOP={action}", client_does)
    assert got == REPLIES[action]
    assert server.sessions[0].ended == "quit"


FOR_EVER = {
    "silence": b"",
    "drip": b"250 2.0.0 OK250",
    "drip 1ms": b"250 2.0.0 OK250",
    "drip 1ms 4": b"444",
    "endless-line": b"250 endless endless",
    "endless-lines": b"250-endless\r\n250-endless",
}


@pytest.mark.parametrize("action", FOR_EVER)
def test_actions_that_never_get_on_but_listen(action: str) -> None:
    def client_does(client: Client) -> bytes:
        client.greet().send(b"NOOP\r\n")
        got = client.take(len(FOR_EVER[action]))
        client.send(b"heard nevertheless")
        client.end()
        return got

    got, server = meet(f"NOOP={action}", client_does)
    assert got == FOR_EVER[action]
    if action == "silence":
        assert server.sessions[0].received.endswith(b"heard nevertheless")
        assert server.sessions[0].writes[-1].startswith(b"250-fake")


def test_every_behaviour_has_a_test() -> None:
    actions = " ".join((*ENDINGS, *REPLIES, *FOR_EVER, "deaf")).split()
    assert BEHAVIOURS.keys() <= set(actions)
    manners = {row.gives["manner"] for row in BEHAVIOURS.values() if "manner" in row.gives}
    assert manners | {"whole"} == MANNERS.keys()


def test_pace_and_delay_are_seconds(naps: list[float]) -> None:
    meet("NOOP=delay 3s split 7ms 250 x", lambda client: client.greet().ask(b"NOOP"))
    assert 3.0 in naps
    assert naps.count(0.007) == len(b"250 x\r\n")


def test_an_endless_reply_is_not_recorded_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "RECORDED", 5000)
    _, server = meet("BANNER=endless-line", lambda client: client.take(1_000_000))
    assert 5000 <= len(server.sessions[0].sent) < 7000


# Stages


@pytest.mark.parametrize("stage", [*COMMANDS, "DOT"])
def test_a_reply_can_be_set_for_every_stage(stage: str) -> None:
    lines = {
        "EHLO": b"EHLO plc7",
        "HELO": b"HELO plc7",
        "AUTH": b"AUTH PLAIN AGEAYg==",
        "VRFY": b"VRFY ops",
        **dict(zip(("MAIL", "RCPT", "DATA"), GROUP.splitlines(), strict=True)),
        "DOT": TEXT + b".",
    }
    before = {"MAIL": 0, "RCPT": 1, "DATA": 2, "DOT": 3}.get(stage, 0)
    with FakeSMTP() as server:
        server.scenario = f"{stage}=459 4.5.9 from the script"
        with Client(server) as client:
            client.reply()
            if stage != "EHLO":
                client.ask(b"EHLO plc7")
            for line in GROUP.splitlines()[:before]:
                assert client.ask(line)[:1] in b"23"
            got = client.ask(lines.get(stage, stage.encode()))
    assert got == b"459 4.5.9 from the script\r\n"


def answers(script: str, *lines: bytes) -> list[str]:
    """Return the codes that the lines get after EHLO."""
    with FakeSMTP(script) as server, Client(server) as client:
        client.greet()
        return [codes(client.ask(line)) for line in lines]


MAIL, RCPT, DATA = GROUP.splitlines()


def test_a_recipient_is_picked_by_number() -> None:
    lines = (MAIL, RCPT, RCPT, RCPT, DATA, b".")
    heard = ["250", "250", "550", "250", "354", "250"]
    assert answers("RCPT#2=550 no", *lines, *lines) == heard * 2


def test_a_recipient_is_picked_by_address() -> None:
    lines = (MAIL, b"RCPT TO:<Bad@Example.com>", b"RCPT TO:<bad@example.org>", RCPT)
    assert answers("RCPT bad@example.com=550 no", *lines) == ["250", "550", "250", "250"]
    assert answers("RCPT <bad@*>=550 no", *lines) == ["250", "550", "550", "250"]


def test_a_sender_is_picked_by_address() -> None:
    assert answers("MAIL plc@*=550 no", MAIL, b"MAIL FROM:<x@plant.lan>") == ["550", "250"]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_stage_is_picked_in_the_second_mail(stage: str) -> None:
    heard = answers(f"{stage}@2=450 no", MAIL, RCPT, RCPT, b"RSET", MAIL, RCPT, DATA, b".")
    assert heard[:5] == ["250"] * 4 + ["450" if stage == "MAIL" else "250"]
    assert heard.index("450") == {"MAIL": 4, "RCPT": 5, "DATA": 6, "DOT": 7}[stage]


def test_a_command_is_picked_by_its_occurrence() -> None:
    assert answers("NOOP@2=450 no", b"NOOP", b"NOOP", b"NOOP") == ["250", "450", "250"]


def test_a_connection_is_picked_by_its_number() -> None:
    with FakeSMTP("BANNER@2=then-drop 421 not now") as server:
        heard = []
        for _ in range(3):
            with Client(server) as client:
                heard.append(codes(client.reply()))
    assert heard == ["220", "421", "220"]


def test_narrow_parts_win_over_wide_ones_and_later_over_earlier() -> None:
    lines = (MAIL, RCPT, b"RCPT TO:<bad@example.com>", b"NOOP")
    script = "RCPT bad*=553 narrow; RCPT=551 earlier; RCPT=552 later; ALL=250 wide"
    assert answers(script + "; EHLO=250-x\\r\\n250 y; BANNER=220 x", *lines) == [
        *("250", "552", "553", "250"),
    ]


def test_scenarios_are_put_together() -> None:
    scenario = find_scenario(" no-size ; one-refused; DOT=451 later ")
    assert scenario.keywords == ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    assert [rule.stage for rule in scenario.rules] == ["RCPT", "DOT"]


def test_all_leaves_accept_and_mail_text_alone() -> None:
    _, server = meet("ALL=say 250 x", lambda client: client.take(7))
    assert server.sessions[0].sent == b"250 x\r\n"


def test_early_reply_stands_for_the_mail() -> None:
    with FakeSMTP("BODY=552 5.3.4 Enough") as server, Client(server) as client:
        client.begin_text().send(b"the first octets")
        assert client.reply() == b"552 5.3.4 Enough\r\n"
        client.send(b" and the others\r\n.\r\nQUIT\r\n")
        assert client.rest() == b"221 2.0.0 Bye\r\n"
        assert server.mails == []


def test_early_acceptance_counts_when_the_text_is_complete() -> None:
    _, server = meet(
        "BODY=250 early", lambda client: (client.begin_text().ask(TEXT + b"."), client.end())
    )
    assert [mail.data for mail in server.mails] == [TEXT]


def test_a_script_may_let_data_through_without_recipients() -> None:
    heard = answers("RCPT=550 no; DATA=354 go", MAIL, RCPT, DATA, b".")
    assert heard == ["250", "550", "354", "554"]


def test_wrong_commands_are_answered_by_the_server_not_by_the_script() -> None:
    assert answers("MAIL=250 yes; DATA=354 go", DATA, b"MAIL nonsense") == ["503", "501"]


BAD_SCRIPTS = {
    "bussy": r"unknown scenario 'bussy', did you mean 'busy'\? scenarios: default, ",
    "": r"the scenario is empty; scenarios: default, ",
    " ; ": r"the scenario is empty; scenarios: default, ",
    "busy; nonsense": r"unknown scenario 'nonsense'; scenarios: default, .* or STAGE=ACTION",
    "MIAL=drop": r"in 'MIAL=drop': unknown stage 'MIAL', did you mean 'MAIL'\? stages: CONNECT, ",
    "=drop": r"in '=drop': '' is not of the form STAGE, ",
    "MAIL#=drop": r"in 'MAIL#=drop': 'MAIL#' is not of the form STAGE, ",
    "MAIL=dorp": r"in 'MAIL=dorp': unknown behaviour 'dorp', did you mean 'drop'\? behaviours: .*"
    "a reply begins with three digits",
    "MAIL=": r"in 'MAIL=': unknown behaviour ''",
    "MAIL=2500 x": r"in 'MAIL=2500 x': unknown behaviour '2500'",
    "MAIL#2=drop": r"in 'MAIL#2=drop': #N counts recipients, so only RCPT takes it; MAIL takes @N",
    "RCPT#0=drop": r"in 'RCPT#0=drop': #N and @N count from 1",
    "DATA bad*=drop": r"in 'DATA bad\*=drop': only MAIL and RCPT have an address, not DATA",
    "MAIL=drop 421 bye": r"'drop' takes nothing after it, not '421 bye'",
    "MAIL=then-drop": r"'then-drop' needs a text: then-drop TEXT",
    "MAIL=say": r"'say' needs a text: say TEXT",
    "MAIL=delay 500": r"'delay' needs a time such as 500ms or 2s: delay TIME \[ACTION\]",
    "MAIL=delay 1s wait": r"in 'MAIL=delay 1s wait': unknown behaviour 'wait'",
    r"MAIL=250 \q": r"unknown escape '\\\\q'; escapes: \\r \\n ",
    r"MAIL=250 \x4": r"unknown escape '\\\\x'",
    r"MAIL=250 \c x": r"unknown escape '\\\\c'",
    "MAIL=250 \\": r"unknown escape '\\\\'",
}


@pytest.mark.parametrize("script", BAD_SCRIPTS)
def test_a_bad_script_is_explained_in_one_line(script: str) -> None:
    with pytest.raises(ValueError, match=BAD_SCRIPTS[script]) as caught:
        FakeSMTP(script)
    assert "\n" not in str(caught.value)


# Protocol


def test_plain_mail_from_smtplib() -> None:
    with FakeSMTP() as server:
        with smtplib.SMTP(server.host, server.port) as client:
            assert client.sendmail("plc@plant.lan", "ops@example.com", TEXT) == {}
        assert server.sessions[0].wait_closed() == "quit"
    (mail,) = server.mails
    assert (mail.sender, mail.recipients) == ("plc@plant.lan", ("ops@example.com",))
    assert (mail.data, mail.raw) == (TEXT, TEXT + b".\r\n")
    assert (mail.bare_cr, mail.bare_lf, mail.number) == (0, 0, 1)
    assert mail.parameters == {"SIZE": str(len(TEXT))}
    assert mail.message["Subject"] == "a Horse"
    assert server.sessions[0].mails == [mail]
    assert server.sessions[0].faults == []


def test_replies_of_the_default_scenario() -> None:
    _, server = meet(
        "default",
        lambda client: [client.begin_text().ask(TEXT + b"."), client.ask(b"QUIT")],
    )
    writes = server.sessions[0].writes
    assert writes[0] == b"220 fake.alarmpost ESMTP\r\n"
    assert writes[1].startswith(b"250-fake.alarmpost\r\n250-PIPELINING\r\n")
    assert writes[1].endswith(b"\r\n250 ENHANCEDSTATUSCODES\r\n")
    assert writes[2:] == [
        b"250 2.1.0 OK\r\n",
        b"250 2.1.5 OK\r\n",
        b"354 End data with <CR><LF>.<CR><LF>\r\n",
        b"250 2.0.0 OK queued as 1\r\n",
        b"221 2.0.0 Bye\r\n",
    ]


def test_several_mails_and_recipients_in_a_session() -> None:
    recipients = [f"ops{number}@example.com" for number in range(20)]
    with FakeSMTP() as server:
        with smtplib.SMTP(server.host, server.port) as client:
            for number in range(3):
                client.sendmail(f"plc{number}@plant.lan", recipients, TEXT)
        assert [mail.sender[:4] for mail in server.mails] == ["plc0", "plc1", "plc2"]
        assert {mail.recipients for mail in server.mails} == {tuple(recipients)}
        assert server.sessions[0].commands[1].lower() == b"mail from:<plc0@plant.lan> size=59"


def test_utf_8_and_8bitmime() -> None:
    message = EmailMessage()
    message["From"], message["To"] = "Anlage Süd <plc@plant.lan>", "ops@example.com"
    message["Subject"] = "Überdruck in Kessel 3: 12 bar > 10 bar"
    message.set_content("Kessel 3 hält nicht\n", cte="8bit")
    with FakeSMTP() as server, smtplib.SMTP(server.host, server.port) as client:
        client.send_message(message, mail_options=("BODY=8BITMIME",))
        (mail,) = server.mails
    assert mail.message["Subject"] == message["Subject"]
    assert mail.message.get_content() == "Kessel 3 hält nicht\r\n"
    assert mail.parameters["BODY"] == "8BITMIME"


@given(st.text(alphabet=".\r\na ", max_size=40))
def test_dot_stuffing_is_undone(text: str) -> None:
    data = re.sub(r"\r?\n|\r", "\r\n", text).encode() + b"\r\n"
    raw = re.sub(rb"(?m)^\.", b"..", data) + b".\r\n"
    assert Mail(1, "", (), raw).data == data
    assert end_of_text(raw + b"QUIT\r\n") == len(raw)


def test_dots_survive_the_wire() -> None:
    text = b".first\r\n\r\n.\r\n..\r\n...x\r\nlast.\r\n.\r\n"
    with FakeSMTP() as server, smtplib.SMTP(server.host, server.port) as client:
        client.sendmail("plc@plant.lan", "ops@example.com", text)
        assert server.mails[0].data == text


SMUGGLING = (
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r\n.\n",
    b"\r.\r\n",
    b"\n.\r",
    b"\0.\r\n",
)


@pytest.mark.parametrize("end", SMUGGLING)
def test_only_crlf_dot_crlf_ends_a_mail(end: bytes) -> None:
    raw = b"innocent" + end + b"MAIL FROM:<evil@example.com>\r\n.\r\n"
    _, server = meet("default", lambda c: (c.begin_text().send(raw + b"QUIT\r\n"), c.rest()))
    (mail,) = server.mails
    assert mail.raw == raw
    assert len(server.sessions[0].commands) == 5
    assert mail.bare_cr == len(re.findall(rb"\r(?!\n)", end))
    assert mail.bare_lf == len(re.findall(rb"(?<!\r)\n", end))


@pytest.mark.parametrize("raw", [b".\r\n", b"\r\n.\r\n", b"a\r\n.\r\n", b"a\r\r\n.\r\n"])
def test_the_end_of_a_mail_is_found_at_every_chunk_boundary(raw: bytes) -> None:
    for cut in range(1, len(raw)):
        assert end_of_text(raw[:cut]) == -1
        assert end_of_text(raw + b"NOOP\r\n.\r\n", start=cut) == len(raw)


def test_only_mails_that_are_taken_count() -> None:
    with FakeSMTP("DOT@1=451 later") as server, Client(server) as client:
        assert client.begin_text().ask(b".") == b"451 later\r\n"
        for line, code in zip(GROUP.splitlines(), ("250", "250", "354"), strict=True):
            assert codes(client.ask(line)) == code
        assert client.ask(b".") == b"250 2.0.0 OK queued as 1\r\n"
        assert [mail.number for mail in server.mails] == [1]


def test_empty_mail() -> None:
    _, server = meet("default", lambda client: client.begin_text().ask(b"."))
    assert (server.mails[0].raw, server.mails[0].data) == (b".\r\n", b"")


CONVERSATIONS = {
    "before EHLO": [(b"MAIL FROM:<a@b.c>", b"503 Bad"), (b"NOOP", b"250 OK")],
    "sequence": [
        (b"EHLO plc7", b"250-"),
        (b"RCPT TO:<a@b.c>", b"503 5.5.1"),
        (b"DATA", b"503 5.5.1"),
        (b"MAIL FROM:<a@b.c>", b"250 2.1.0"),
        (b"MAIL FROM:<a@b.c>", b"503 5.5.1"),
        (b"DATA", b"503 5.5.1"),
        (b"RSET", b"250 2.0.0"),
        (b"RCPT TO:<a@b.c>", b"503 5.5.1"),
        (b"MAIL FROM:<a@b.c>", b"250 2.1.0"),
        (b"EHLO plc7", b"250-"),
        (b"RCPT TO:<a@b.c>", b"503 5.5.1"),
    ],
    "syntax": [
        (b"EHLO", b"501 Syntax: EHLO name"),
        (b"EHLO plc@plant.lan", b"501"),
        (b"EHLO [192.0.2.1]", b"250-"),
        (b"EHLO [IPv6:2001:db8::1]", b"250-"),
        (b"MAIL FROM: <a@b.c>", b"501 5.5.4"),
        (b"MAIL FROM:a@b.c", b"501 5.5.4"),
        (b"MAIL FROM:<a>", b"501 5.5.4"),
        (b"MAIL FROM:<a b@c>", b"501 5.5.4"),
        (b"MAIL FROM:<%s@b.c>" % (b"l" * 65), b"501 5.5.4"),
        (b"MAIL FROM:<l@%s>" % b".".join([b"d" * 60] * 5), b"501 5.5.4"),
        (b"mail from:<%s@b.c>" % (b"l" * 64), b"250 2.1.0"),
        (b"RCPT TO:<>", b"501 5.5.4"),
        (b"RCPT TO:<a@b.c> SIZE=1", b"555 5.5.4"),
        (b"rcpt to:<Postmaster>", b"250 2.1.5"),
        (b'RCPT TO:<"a b"@[192.0.2.1]>', b"250 2.1.5"),
        (b"DATA now", b"501 5.5.4"),
        (b"QUIT now", b"501 5.5.4"),
        (b"QUIT ", b"221 2.0.0"),
    ],
    "no commands": [
        (b"EHLO plc7", b"250-"),
        (b"QUIT)", b"500 5.5.1"),
        (b"", b"500 5.5.1"),
        (b"NOOP\nNOOP", b"500 5.5.2"),
        (b"NOOP\rNOOP", b"500 5.5.2"),
        (b"NOOP \x80", b"500 5.5.2"),
        (b"NOOP \0", b"500 5.5.2"),
        (b"STARTTLS", b"502 5.5.1"),
        (b"AUTH PLAIN", b"502 5.5.1"),
    ],
    "length": [
        (b"EHLO plc7", b"250-"),
        (b"NOOP " + b"x" * 505, b"250 2.0.0"),
        (b"NOOP " + b"x" * 506, b"500 5.5.2 Line too long"),
        (b"NOOP " + b"x" * 200_000, b"500 5.5.2 Line too long"),
        (b"NOOP", b"250 2.0.0"),
    ],
    "parameters": [
        (b"EHLO plc7", b"250-"),
        (b"MAIL FROM:<> SIZE=10485761", b"552 5.3.4"),
        (b"MAIL FROM:<> SIZE=x", b"501 5.5.4"),
        (b"MAIL FROM:<> SIZE", b"501 5.5.4"),
        (b"MAIL FROM:<> BODY=BINARYMIME", b"501 5.5.4"),
        (b"MAIL FROM:<> RET=HDRS", b"555 5.5.4"),
        (b"MAIL FROM:<> SIZE=10485760 body=7bit", b"250 2.1.0"),
    ],
    "HELO": [
        (b"HELO plc7", b"250 fake.alarmpost"),
        (b"MAIL FROM:<> SIZE=1", b"555 Parameter"),
        (b"MAIL FROM:<>", b"250 OK"),
        (b"VRFY ops", b"252 "),
        (b"RSET", b"250 OK"),
    ],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name: str) -> None:
    with FakeSMTP() as server, Client(server) as client:
        client.reply()
        for line, start in CONVERSATIONS[name]:
            assert client.ask(line)[: len(start)] == start, line[:80]


@pytest.mark.parametrize("length", [600, 100_000])
def test_an_endless_line_is_cut_wherever_it_arrives_in_pieces(length: int) -> None:
    line = b"x" * length + b"\r\nNOOP"
    for cut in (0, 1, 511, 512, 513, 514, length, length + 1, length + 2):
        buffer = bytearray(line[:cut])
        first = take_line(buffer)
        assert len(buffer) <= 513
        buffer += line[cut:]
        assert len(first or take_line(buffer) or b"") > 510
        assert buffer == b"NOOP"


def test_parameters_need_their_keyword() -> None:
    mails = (b"MAIL FROM:<> SIZE=1", b"MAIL FROM:<> BODY=8BITMIME", b"MAIL FROM:<>")
    with FakeSMTP(keywords=("PIPELINING",)) as server, Client(server) as client:
        client.reply()
        assert client.ask(b"EHLO plc7") == b"250-fake.alarmpost\r\n250 PIPELINING\r\n"
        assert [codes(client.ask(line)) for line in mails] == ["555", "555", "250"]


def test_no_keywords_at_all() -> None:
    with FakeSMTP("KEYWORDS=") as server, Client(server) as client:
        client.reply()
        assert client.ask(b"EHLO plc7") == b"250 fake.alarmpost\r\n"
        assert client.ask(b"NOOP") == b"250 OK\r\n"


def test_no_valid_recipients() -> None:
    with FakeSMTP("unknown-recipient") as server, Client(server) as client:
        client.greet().send(GROUP)
        replies = [client.reply() for _ in range(3)]
        assert replies[2] == b"554 5.5.1 No valid recipients\r\n"


def test_after_a_refusing_banner_only_quit_is_in_sequence() -> None:
    with FakeSMTP("go-away") as server, Client(server) as client:
        client.reply()
        assert [codes(client.ask(line)) for line in (b"EHLO a", b"QUIT")] == ["503", "221"]


def test_the_size_limit_counts_unstuffed_octets() -> None:
    exactly = b"." * 48 + b"\r\n"
    script = "KEYWORDS=PIPELINING, SIZE 50, ENHANCEDSTATUSCODES"
    with FakeSMTP(script) as server, Client(server) as client:
        assert client.begin_text().ask(b"." + exactly + b".") == b"250 2.0.0 OK queued as 1\r\n"
        for line in GROUP.splitlines():
            client.ask(line)
        assert client.ask(b"x" + exactly + b".").startswith(b"552 5.3.4 ")
    assert len(server.mails) == 1


# The record


def test_turns_of_a_sequential_and_of_a_pipelined_client() -> None:
    with FakeSMTP() as server:
        with Client(server) as client:
            client.begin_text().ask(TEXT + b".")
            client.ask(b"QUIT")
        with Client(server) as client:
            client.greet().send(GROUP)
            assert [codes(client.reply()) for _ in range(3)] == ["250", "250", "354"]
            client.send(TEXT + b".\r\nQUIT\r\n")
            assert client.rest() == b"250 2.0.0 OK queued as 2\r\n221 2.0.0 Bye\r\n"
        one, two = server.sessions
        assert [session.wait_closed() for session in (one, two)] == ["quit", "quit"]
        assert [session.turns for session in (one, two)] == [7, 4]


def test_a_pipelined_group_is_answered_in_one_write() -> None:
    _, server = meet(
        "default", lambda client: (client.greet().send(GROUP), client.take(14 + 14 + 37))
    )
    session = server.sessions[0]
    assert len(session.writes) == 3
    assert session.writes[2].count(b"\r\n") == 3
    assert session.segments == [b"EHLO [127.0.0.1]\r\n", GROUP]
    assert session.received == b"EHLO [127.0.0.1]\r\n" + GROUP
    assert session.sent == b"".join(session.writes)
    assert session.ended == "eof"
    assert session.faults == []


def test_pieces_of_a_reply_are_one_turn() -> None:
    _, server = meet("ALL=split", lambda client: client.greet().ask(b"QUIT"))
    assert server.sessions[0].turns == 3


def test_a_reply_waits_for_the_whole_line() -> None:
    with FakeSMTP() as server, Client(server) as client:
        client.greet().send(b"NOOP\r")
        assert client.ask(b"\nNOOP") == b"250 2.0.0 OK\r\n"
        assert client.reply() == b"250 2.0.0 OK\r\n"
        assert server.sessions[0].commands[1:] == [b"NOOP", b"NOOP"]


FAULTS = {
    ("default", GROUP): [],
    ("no-pipelining", GROUP): [b"MAIL", b"RCPT"],
    ("default", GROUP + b"early text"): [b"DATA"],
    ("default", b"NOOP\r\nNOOP\r\n"): [b"NOOP"],
    ("default", GROUP + b"x\r\n.\r\nQUIT\r\n"): [b"DATA"],
    ("no-pipelining", GROUP + b"x\r\n.\r\nQUIT\r\n"): [b"MAIL", b"RCPT", b"DATA", b"DOT"],
}


@pytest.mark.parametrize(("script", "octets"), FAULTS)
def test_a_client_that_does_not_wait_is_found_out(script: str, octets: bytes) -> None:
    _, server = meet(script, lambda c: (c.greet().send(octets), c.end(), c.rest()))
    stages = [re.findall(r"the reply to (\w+)", fault)[0] for fault in server.sessions[0].faults]
    assert stages == [stage.decode() for stage in FAULTS[script, octets]]


def test_ended_tells_who_ended_it() -> None:
    def reset(client: Client) -> None:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sock.close()

    ways = {"eof": Client.end, "reset": reset, "quit": lambda client: client.ask(b"QUIT")}
    for ended, way in ways.items():
        _, server = meet("default", lambda client, way=way: way(client.greet()))
        assert server.sessions[0].ended == ended


def test_a_client_need_not_wait_for_the_reply_to_quit() -> None:
    _, server = meet("default", lambda client: client.greet().send(b"QUIT\r\n"))
    assert server.sessions[0].ended == "quit"


def test_the_last_reply_survives_a_client_that_still_sends() -> None:
    def client_does(client: Client) -> bytes:
        client.begin_text().send(b"x" * 1_000_000)
        return client.rest()

    got, _ = meet("BODY=then-drop 552 5.3.4 Enough", client_does)
    assert got == b"552 5.3.4 Enough\r\n"


def test_events_tell_the_whole_story() -> None:
    seen = []
    with FakeSMTP("NOOP=drop", watch=seen.append) as server, Client(server) as client:
        client.begin_text().ask(TEXT + b".")
        client.ask(b"NOOP")
        client.end()
        server.sessions[0].wait_closed()
    kinds = "opened < > < > < > < > < text mail < > ! ended"
    assert " ".join(event.kind for event in seen) == kinds
    assert server.sessions[0].events == seen
    assert [event.seconds for event in seen] == sorted(event.seconds for event in seen)
    assert seen[-2].data == b"drop"
    assert seen[-1].data == b"dropped"


def test_wait_closed_gives_up() -> None:
    with FakeSMTP() as server, Client(server) as client:
        client.greet()
        with pytest.raises(TimeoutError, match="connection 1 still lives; last heard: b'EHLO"):
            server.sessions[0].wait_closed(timeout=0)


# The server


@pytest.mark.parametrize(
    "script", ["default", "NOOP=silence", "NOOP=drip", "NOOP=deaf", "endless"]
)
def test_leaving_ends_every_connection_at_once(script: str) -> None:
    threads = threading.active_count()
    with FakeSMTP(script.replace("endless", "NOOP=endless-line")) as server:
        clients = [Client(server).greet() for _ in range(3)]
        clients[0].send(b"NOOP\r\n")
        if script not in ("default", "NOOP=silence", "NOOP=deaf"):
            clients[0].take(1)
    for client in clients:
        with client, suppress(ConnectionResetError):
            client.rest()
    assert [session.ended for session in server.sessions] == ["stopped"] * 3
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        Client(server)


def test_clients_are_served_at_the_same_time() -> None:
    with FakeSMTP("NOOP=endless-line") as server:
        with Client(server) as one, Client(server) as two:
            one.greet().send(b"NOOP\r\n")
            one.take(100_000)
            two.begin_text().ask(TEXT + b".")
        assert [session.number for session in server.sessions] == [1, 2]
        assert len(server.mails) == 1


def test_the_scenario_changes_between_connections() -> None:
    with FakeSMTP("busy") as server:
        with Client(server) as client:
            assert codes(client.reply()) == "421"
        server.scenario = "default"
        with Client(server) as client:
            client.greet()
        with pytest.raises(ValueError, match="unknown scenario"):
            server.scenario = "nonsense"
        assert server.scenario.name == "default"


def test_the_same_port_can_be_taken_again() -> None:
    with FakeSMTP() as server, Client(server) as client:
        client.greet()
        port = server.port
    with server, Client(server) as client:
        client.greet()
    assert server.port == port


def test_a_port_in_use_is_told_to_the_caller() -> None:
    with FakeSMTP() as server:
        threads = threading.active_count()
        with pytest.raises(OSError, match="in use"), FakeSMTP(port=server.port):
            pass
        assert threading.active_count() == threads


def test_loopback_is_the_default() -> None:
    with FakeSMTP() as server:
        assert server.host == "127.0.0.1"


def test_names_and_ipv6_are_taken_as_host() -> None:
    with FakeSMTP(host="localhost") as server, Client(server) as client:
        client.greet()
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        return
    with FakeSMTP(host="::1") as server, Client(server) as client:
        assert server.host == "::1"
        client.greet()


def test_use_within_asyncio() -> None:
    async def talk() -> FakeSMTP:
        async with FakeSMTP() as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(b"EHLO plc7\r\n" + GROUP)
            await reader.readuntil(b"354 End data with <CR><LF>.<CR><LF>\r\n")
            writer.write(TEXT + b".\r\nQUIT\r\n")
            await reader.read()
            writer.close()
            await writer.wait_closed()
            await asyncio.to_thread(server.sessions[0].wait_closed)
        return server

    server = asyncio.run(talk())
    assert (server.sessions[0].ended, server.mails[0].data) == ("quit", TEXT)


def test_a_failing_watcher_is_not_swallowed() -> None:
    def watch(event: object) -> None:
        raise ZeroDivisionError

    server = FakeSMTP(watch=watch).__enter__()
    with Client(server) as client:
        assert client.rest() == b""
    server.sessions[0].wait_closed()
    with pytest.raises(ZeroDivisionError):
        server.__exit__()


def test_reply_delay_comes_before_each_write(naps: list[float]) -> None:
    with FakeSMTP(reply_delay=0.02) as server, Client(server) as client:
        client.greet().send(GROUP)
        assert [codes(client.reply()) for _ in range(3)] == ["250", "250", "354"]
        assert naps == [0.02] * 3


def test_mails_are_kept_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "inbox"
    with FakeSMTP(folder=folder) as server, smtplib.SMTP(server.host, server.port) as client:
        for number in range(3):
            client.sendmail("plc@plant.lan", "ops@example.com", b"%d\r\n" % number)
    names = sorted(path.name for path in folder.iterdir())
    assert [(folder / name).read_bytes() for name in names] == [b"0\r\n", b"1\r\n", b"2\r\n"]
    assert names == [mail.file_name for mail in server.mails]
    assert all(re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-000\d\.eml", name) for name in names)


def test_a_mail_that_cannot_be_kept_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    with FakeSMTP(folder=folder) as server, Client(server) as client:
        client.begin_text()
        folder.rmdir()
        assert client.ask(TEXT + b".") == b"451 4.3.0 The mail could not be kept\r\n"
        assert server.mails == []
        assert "could not be kept" in server.sessions[0].faults[0]


# What people see


def shown(*views: object) -> str:
    """Return what rich makes of renderables, on a terminal with colours."""
    console = Console(force_terminal=True, color_system="truecolor", width=80, highlight=False)
    with console.capture() as capture:
        for view in views:
            console.print(view, soft_wrap=True)
    return capture.get()


def plain(*views: object) -> str:
    """Return the same without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown(*views))


def test_a_mail_is_shown_as_a_mail_program_does() -> None:
    message = EmailMessage()
    message["From"], message["To"] = "Anlage Süd <plc@plant.lan>", "ops@example.com"
    message["Cc"], message["Date"] = "boss@example.com", "Sat, 22 Nov 2025 10:00:00 +0000"
    message["Subject"] = "[red]Überdruck[/red]"
    message.set_content("Kessel 3: 12\u00a0bar [bold]\n", cte="base64")
    message.add_alternative("<p>no</p>", subtype="html")
    message.add_attachment(b"12345", maintype="text", subtype="csv", filename="größe.csv")
    raw = message.as_bytes().replace(b"\n", b"\r\n") + b".\r\n"
    text = plain(mail_view(Mail(7, "plc@plant.lan", ("ops@example.com", "x@y.z"), raw)))
    for line in (
        "Envelope: <plc@plant.lan> to <ops@example.com>, <x@y.z>",
        "From: Anlage Süd <plc@plant.lan>",
        "To: ops@example.com",
        "Cc: boss@example.com",
        "Date: Sat, 22 Nov 2025 10:00:00 +0000",
        "Subject: [red]Überdruck[/red]",
        "Kessel 3: 12 bar [bold]",
        "Attachment: größe.csv, text/csv, 5 octets",
    ):
        assert line in text.splitlines()
    assert "mail 7" in text


def test_what_is_missing_or_damaged_is_said() -> None:
    text = plain(mail_view(Mail(1, "", (), b"Subject: x\r\n\r\na\nb\rc\r\n.\r\n")))
    assert "From: (missing)" in text
    assert "Date: (missing)" in text
    assert "To: " not in text
    assert "1 CR and 1 LF stand alone" in text
    assert r"b\x0dc" in text


def test_plain_text_is_preferred_and_attached_text_is_not_taken_for_it() -> None:
    message = EmailMessage()
    message.add_attachment("of the attachment\n", filename="log.txt")
    message.add_attachment("<p>HTML</p>\n", subtype="html", disposition="inline")
    message.add_attachment("to be read\n", disposition="inline")
    raw = message.as_bytes().replace(b"\n", b"\r\n") + b".\r\n"
    lines = plain(mail_view(Mail(1, "", (), raw))).splitlines()
    assert "to be read" in lines
    assert "Attachment: log.txt, text/plain, 19 octets" in lines
    assert "Attachment: (no name), text/html, 13 octets" in lines
    assert "of the attachment" not in lines


@pytest.mark.parametrize("header", [b"To: <", b"From: x@[  ", b"Content-Type: ';.*"])
def test_a_mail_that_email_cannot_read_is_shown_as_it_came(
    header: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:  # which headers it cannot read depends on Python's version
        raise ValueError

    monkeypatch.setattr("host_tools.fake_smtp.show.message_lines", fail)
    text = plain(mail_view(Mail(1, "", (), header + b"\r\n\r\nthe text \x1b\r\n.\r\n")))
    assert f"{header.decode()}\n\nthe text \\x1b\n" in text


def test_unknown_charsets_and_wrong_octets_are_shown() -> None:
    head = b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    for charset, expected in ((b"x-none", r"\xe9"), (b"utf-8", r"\xe9"), (b"latin-1", "é")):
        raw = head % charset + b"caf\xe9\r\n.\r\n"
        assert f"Date: (missing)\n\ncaf{expected}\n" in plain(mail_view(Mail(1, "", (), raw)))


@given(st.binary(max_size=200), st.sampled_from([b"", b"Subject: ", b"From: =?utf-8?q?"]))
def test_no_control_character_reaches_the_terminal(octets: bytes, start: bytes) -> None:
    text = plain(mail_view(Mail(1, "a\x1b@b.c", ("\x9b",), start + octets + b".\r\n")))
    assert all(c.isprintable() or c in "\n\t" for c in text)


def test_no_control_character_of_a_dialogue_reaches_the_terminal() -> None:
    _, server = meet(
        r"NOOP=250 \x1b[2J\x9b\r\n", lambda c: c.greet().ask(b"NOOP") + c.ask(b"\x1b]0;x\a [b]")
    )
    text = plain(session_view(server.sessions[0]))
    assert r"< 250 \x1b[2J\x9b" in text
    assert r"> \x1b]0;x\x07 [b]" in text
    assert text.isascii()
    assert all(c.isprintable() or c == "\n" for c in text)


def test_a_dialogue_line() -> None:
    _, server = meet("one-refused", lambda c: (c.begin_text().ask(TEXT + b"."), c.ask(b"NOPE")))
    text = plain(*(event_view(event) for event in server.sessions[0].events))
    patterns = (
        r"#1 +\d+\.\d ms  CONNECT  \* connection from 127\.0\.0\.1",
        r"#1 +\d+\.\d ms  MAIL     > MAIL FROM:<plc@plant\.lan>",
        r"#1 +\d+\.\d ms  EHLO     < 250-SIZE 10485760",
        r"#1 +\d+\.\d ms  DOT      > \(mail text, 62 octets\)",
        r"#1 +\d+\.\d ms  DOT      \* mail 1, 59 octets: <plc@plant\.lan> to <ops@example\.com>",
        r"#1 +\d+\.\d ms           > NOPE",
        r"#1 +\d+\.\d ms           \* ended: eof",
    )
    for pattern in patterns:
        assert re.search(f"^{pattern}$", text, re.MULTILINE), pattern


# The command


class Command:
    """`alarmpost fake-smtp` in a process of its own; reads its output line by line."""

    def __init__(self, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "host_tools.cli", "fake-smtp", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "200"},
        )
        self.guard = threading.Timer(GUARD, self.process.kill)
        self.guard.start()
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.guard.cancel()
        self.process.kill()
        self.process.communicate()

    def until(self, text: str) -> str:
        """Read lines up to and with the first that has the text in it; return that line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return line
        raise AssertionError(f"{text!r} is not in {self.output!r}")

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit status, all output, and the errors."""
        output, errors = self.process.communicate(timeout=GUARD)
        return self.process.returncode, self.output + output, errors

    def address(self) -> tuple[str, int]:
        """Return where it listens, once it does."""
        host, port = re.findall(r"listening on (\S+) port (\d+)", self.until("listening on"))[0]
        self.until("Ctrl-C ends")
        return host, int(port)


def test_command_shows_dialogue_and_mail_and_keeps_it(tmp_path: Path) -> None:
    with Command("--port", "0", "--folder", str(tmp_path), "--scenario", "one-refused") as command:
        host, port = command.address()
        assert host == "127.0.0.1"
        assert "only programs on this computer can reach it" in command.output
        assert f'send_mail("127.0.0.1", {port}, ' in command.output
        with smtplib.SMTP(host, port) as client:
            client.sendmail("plc@plant.lan", ["ops@example.com", "bad@example.com"], TEXT)
        command.until("ended: quit")
        command.process.send_signal(signal.SIGINT)
        status, output, errors = command.end()
    assert (status, errors) == (0, "")
    assert "Subject: a Horse\n" in output
    assert "\nThe horse does not eat cucumber salad\n" in output
    assert "< 550 5.1.1 No such user\n" in output
    assert output.endswith("stopped\n")
    assert [path.read_bytes() for path in tmp_path.glob("*.eml")] == [TEXT]


def test_command_ends_after_one_connection() -> None:
    with Command("--port", "0", "--once") as command:
        with smtplib.SMTP(*command.address()) as client:
            client.noop()
        assert command.end()[0] == 0


def test_command_warns_when_others_can_reach_it() -> None:
    with Command("--port", "0", "--host", "0.0.0.0") as command:
        command.address()
        assert "WARNING: everybody on that network can reach it" in command.output


def test_command_lists_the_scenarios() -> None:
    with Command("--list-scenarios") as command:
        status, output, _ = command.end()
    assert status == 0
    assert all(f" {name} " in output for name in SCENARIOS)


BAD_OPTIONS = {
    ("--host", "nowhere.invalid"): "nowhere.invalid is no address and no name that is known here",
    ("--host", "a..b"): "a..b is no address and no name that is known here",
    ("--host", "192.0.2.77"): "192.0.2.77 is not an address of this computer",
    ("--scenario", "bussy"): "unknown scenario 'bussy', did you mean 'busy'?",
    ("--folder", "/dev/null/inbox"): "/dev/null/inbox: Not a directory; choose a folder",
    ("--port", "70000"): "65535",
}


@pytest.mark.parametrize(("option", "value"), BAD_OPTIONS)
def test_command_explains_a_bad_option_in_one_line(option: str, value: str) -> None:
    with Command(option, value) as command:
        status, output, errors = command.end()
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert option in errors
    assert BAD_OPTIONS[option, value] in errors


def test_command_explains_a_port_in_use() -> None:
    with FakeSMTP() as server, Command("--port", str(server.port)) as command:
        status, _, errors = command.end()
        assert status == 2
        assert errors == (
            f"alarmpost: Invalid value for --port: {server.port} is in use; "
            "choose another one, or 0 for any free one\n"
        )


def test_command_explains_a_privileged_port() -> None:
    refusal = PermissionError(errno.EACCES, "Permission denied")
    assert "--port: 25 is for privileged users only; choose one from 1024" in one_line(
        explained(refusal, "127.0.0.1", 25)
    )


def test_connections_at_the_moment_of_the_end_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    left_open: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", left_open.append)
    for _ in range(50):
        with FakeSMTP() as server:
            socks = [socket.create_connection((server.host, server.port)) for _ in range(3)]
        assert {session.wait_closed() for session in server.sessions} <= {"stopped"}
        for sock in socks:
            sock.close()
    gc.collect()
    assert left_open == []
