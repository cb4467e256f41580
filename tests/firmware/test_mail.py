"""An alarm's mail as it arrives: header, thread and body; and what it takes of a board."""

import itertools
import re

import pytest

from tests.firmware.conftest import Device
from tests.firmware.test_notices import EXAMPLES, TEXTS, VALUES, play

ID = "e66141.00000c.00000a2b@alarmpost.internal"
FIRST = "e66141.00000c.00000a01@alarmpost.internal"
DATE = (2026, 2, 3, 14, 2, 11, 1)
SUBJECT = "[PLANT high] PUMP_2 overload RAISED 14:02:11"
FIELDS = [
    *("From", "To", "Date", "Message-ID", "Subject", "Auto-Submitted", "MIME-Version"),
    *("Content-Type", "Content-Transfer-Encoding"),
]

SEND = """
from mail import AlarmMail
from smtp_client import SMTPClient
import sys
loaded = list(sys.modules)
client = SMTPClient({host!r}, {port})
for mail in {mails!r}:
    refused = client.send(AlarmMail("plc7@plant.lan", *mail))
client.close()
more = [name for name in sys.modules if name not in loaded and name.startswith("smtp_client")]
result = [sorted(refused), sorted(more)]
"""


def send(device, server, *mails):
    """Send mails in one session; return the last one, as it arrived, and the modules it took."""
    source = SEND.format(host=server.host, port=server.port, mails=mails)
    refused, loaded = device.call("exec", source)
    assert refused == []
    assert len(server.mails) == len(mails)
    return server.mails[-1], loaded


def mail(subject=SUBJECT, body=("All is well.\n",), id=ID, date=DATE, thread=""):  # noqa: A002
    """Return what a mail is made of."""
    return ["ops@example.com"], subject, list(body), id, date, thread


def text_of(message):
    """Return the body of a mail as a reader gets it."""
    return message.get_content().replace("\r\n", "\n")


def no_defects(message):
    """Tell that `email` finds nothing wrong with a mail."""
    defects = [message[name].defects for name in message.keys()]  # noqa: SIM118
    return not message.defects and not any(defects)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_notice_arrives_as_it_was_rendered(device, server, name):
    recipients, subject, body = play(device, *EXAMPLES[name])
    got, _ = send(device, server, (recipients, subject, body, ID, DATE, FIRST))
    message = got.message
    assert message["Subject"] == subject
    assert text_of(message) == "".join(body)
    assert got.recipients == tuple(recipients)
    assert no_defects(message)
    assert got.bare_cr == got.bare_lf == 0


def test_header(device, server):
    message = send(device, server, mail())[0].message
    assert message.keys() == FIELDS
    assert message["Message-ID"] == f"<{ID}>"
    assert message["Date"] == "Tue, 03 Feb 2026 14:02:11 +0000"
    assert message["From"] == "plc7@plant.lan"
    assert message["To"] == "ops@example.com"
    assert message["Content-Transfer-Encoding"] == "7bit"


def test_thread(device, server):
    message = send(device, server, mail(thread=FIRST))[0].message
    assert message.keys() == [*FIELDS, "In-Reply-To", "References"]
    assert message["In-Reply-To"] == message["References"] == f"<{FIRST}>"
    assert no_defects(message)


def test_no_date_while_the_clock_is_not_set(device, server):
    message = send(device, server, mail(date=None))[0].message
    assert message.keys() == [field for field in FIELDS if field != "Date"]


@pytest.mark.parametrize("interpreter", ["cpython", "micropython", "micropython32"])
def test_a_long_mail_in_ascii_needs_no_further_module(interpreter, server):
    fresh = Device(interpreter)
    body = [f"{at:03} {'x' * (at % 90)}\n" for at in range(120)] + ["y" * 900 + "\n"]
    assert 5000 < len("".join(body)) < 7000
    try:
        got, loaded = send(fresh, server, mail(body=body, thread=FIRST))
    finally:
        fresh.close()
    assert loaded == []
    assert text_of(got.message) == "".join(body)


@pytest.mark.parametrize("interpreter", ["cpython", "micropython", "micropython32"])
@pytest.mark.parametrize("keywords", ["PIPELINING, 8BITMIME", "PIPELINING"])
def test_a_mail_that_is_not_ascii_needs_one(interpreter, keywords, server):
    server.scenario = f"KEYWORDS={keywords}"
    fresh = Device(interpreter)
    subject = "[WERK hoch] FÜ-1 Überfüllung KOMMT 14:02:11"
    body = ["Füllstand über 4.2 m³\n", "\n", ".Ventil schließen \n"] * 40
    try:
        got, loaded = send(fresh, server, mail(subject, body, thread=FIRST))
    finally:
        fresh.close()
    assert loaded == ["smtp_client.encode"]
    message = got.message
    assert message["Subject"] == subject
    assert text_of(message) == "".join(body)
    eight = "8BITMIME" in keywords
    assert message["Content-Transfer-Encoding"] == ("8bit" if eight else "quoted-printable")
    assert got.parameters == ({"BODY": "8BITMIME"} if eight else {})
    assert eight or got.raw.isascii()
    assert message["In-Reply-To"] == f"<{FIRST}>"
    assert no_defects(message)


ODD = {
    "dots": [".\n", "..a\n", "\n", ".\n"],
    "no line at all": [],
    "no line end": ["a\n", "b"],
    "a line in two": ["a", ".b\n"],
    "several lines in one": ["a\nb\n\n.\n", "c\n"],
    "a line that is too long": ["x" * 1200 + "\n", "y\n"],
    "a control character": ["a\x00b\x1b[31m\n"],
    "a lone CR": ["a\rb\n"],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_bodies(device, server, name):
    got, _ = send(device, server, mail(body=ODD[name]))
    assert got.bare_cr == got.bare_lf == 0
    assert max(map(len, got.raw.split(b"\r\n"))) <= 999
    assert b"\0" not in got.raw
    expected = "".join(ODD[name]).replace("\r", "\n")
    assert text_of(got.message).rstrip("\n") == expected.rstrip("\n")


@pytest.mark.parametrize(
    "subject", ["x" * 69, "word " * 30 + "end", "a  b", " a", "=?utf-8?B?eA==?="]
)
def test_odd_subjects(device, server, subject):
    message = send(device, server, mail(subject))[0].message
    assert message["Subject"] == subject
    assert no_defects(message)


def test_a_mail_never_grows_the_buffer_that_it_is_written_into(device):
    """The client's buffer is 1460 octets; growing it would need so many in one piece."""
    source = """
from mail import AlarmMail
result = []
for count in (0, 75):
    lines = ["." * 79 + "\\n"] * count
    mail = AlarmMail("a@b.lan", ["c@d.lan"], "s", lines, "i@d", None, "t@d")
    mail.start(b"")
    out = bytearray()
    for wait in mail.write(out):
        result.append([wait, len(out)])
        out[:] = b""
    result.append([None, len(out)])
"""
    (_, header), *blocks = device.call("exec", source)
    assert [wait for wait, _ in blocks] == [False] * (len(blocks) - 1) + [None]
    assert max(length for _, length in blocks) <= 1460
    assert min(length for _, length in blocks[:-1]) > 1300
    assert sum(length for _, length in blocks) == header + 75 * 82  # one dot and a CR more


def test_mails_of_a_session(device, server):
    """The commands of a mail whose body is long leave with the end of the one before."""
    mails = [mail(body=["x" * 70 + "\n"] * 60, id=f"{at}@alarmpost.internal") for at in range(3)]
    send(device, server, *mails)
    found = [one.message["Message-ID"] for one in server.mails]
    assert found == [f"<{at}@alarmpost.internal>" for at in range(3)]


@pytest.mark.parametrize("kind", ["CLEAR", "digest"])
def test_the_same_record_is_the_same_mail(device, server, kind):
    rendered = [play(device, *EXAMPLES[kind]) for _ in range(2)]
    send(device, server, *((*one, ID, DATE, FIRST) for one in rendered))
    first, second = server.mails
    assert first.data == second.data


def test_a_german_plant(device, server):
    """Every text may be in any language; the mail is what the texts say."""
    values = VALUES | {
        f"text {name}": re.sub(r"\b[a-z]+\b(?![^{]*})", "äöü", default)
        for name, (default, _) in TEXTS.items()
        if "\n" in default or name.startswith("note")
    }
    for records, context in itertools.islice(EXAMPLES.values(), 3):
        recipients, subject, body = play(device, records, context, values)
        got, _ = send(device, server, (recipients, subject, body, ID, DATE, ""))
        server.mails.clear()
        assert "äöü" in "".join(body)
        assert text_of(got.message) == "".join(body)
