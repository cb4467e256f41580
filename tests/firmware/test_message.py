"""The header: each field once, names and subjects readable, nothing longer than allowed."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

import pytest

FIELDS = [
    "From",
    "To",
    "Date",
    "Message-ID",
    "Subject",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]
DATE = [2026, 2, 3, 4, 5, 6, 1, 34]


def message(device, server, *args, **options):
    """Send a mail and return it as `email` reads it."""
    assert device.send(server, *args, **options)["refused"] == {}
    return server.mails[-1].message


def test_plain_header(device, server):
    found = message(device, server, subject="a Horse", text="cucumber")
    assert found.keys() == FIELDS
    assert found["From"] == "plc7@plant.lan"
    assert found["To"] == "ops@example.com"
    assert found["Subject"] == "a Horse"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Content-Type"] == 'text/plain; charset="utf-8"'
    assert found["MIME-Version"] == "1.0"


def test_header_octets(device):
    written = device.call("written", "x", {"message_id": "<1.2@plant.lan>", "date": DATE})
    assert written == (
        "From: a@b.lan\r\n"
        "To: c@d.lan\r\n"
        "Date: Tue, 03 Feb 2026 04:05:06 +0000\r\n"
        "Message-ID: <1.2@plant.lan>\r\n"
        "Subject: s\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "x\r\n"
    )


@pytest.mark.parametrize("month", range(1, 13))
def test_dates(device, month):
    date = [2000 + 8 * month, month, 28, 23, 59, 60 - month, (month + 1) % 7, 1]
    written = device.call("written", "x", {"date": date})
    field = re.search(r"Date: (.*)\r\n", written)[1]
    assert parsedate_to_datetime(field).timetuple()[:6] == tuple(date[:6])
    assert field[:3] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][date[6]]


def test_no_date_while_the_clock_is_not_set(device):
    source = """
import smtp_client.message as message
real = message.gmtime
message.gmtime = lambda: (2000, 1, 1, 0, 0, 5, 5, 1)
mail = message.Mail("a@b.lan", "c@d.lan", "s", "x")
message.gmtime = real
out = bytearray()
for _ in mail.write(out):
    pass
result = bytes(out).decode()
"""
    written = device.call("exec", source)
    assert "Date:" not in written
    assert "Message-ID:" in written


def test_message_ids_differ(device, server):
    ids = {message(device, server)["Message-ID"] for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"<[a-z]{15}\.plc7@plant\.lan>", one) for one in ids)


def test_cc_and_bcc(device, server):
    found = message(
        device,
        server,
        ["a@b.lan", "Chef <c@b.lan>"],
        cc=["d@b.lan", "c@b.lan"],
        bcc="hidden@b.lan",
    )
    assert found["To"] == "a@b.lan, Chef <c@b.lan>"
    assert found["Cc"] == "d@b.lan, c@b.lan"
    assert found["Bcc"] is None
    assert b"hidden" not in server.mails[0].data
    assert server.mails[0].recipients == ("a@b.lan", "c@b.lan", "d@b.lan", "hidden@b.lan")


def test_many_recipients_are_folded(device, server):
    many = [f"a-rather-long-name-{at}@some-department.plant.lan" for at in range(100)]
    found = message(device, server, many)
    assert [one.addr_spec for one in found["To"].addresses] == many
    assert max(map(len, server.mails[0].data.split(b"\r\n"))) <= 78


SUBJECTS = [
    "",
    "a Horse",
    " leading and trailing ",
    "two  blanks",
    "x" * 69,
    "word " * 60 + "end",
    "x" * 3000,
    "Überlauf im Behälter",
    "€" * 200,
    "𝄞" * 40,
    "a " * 30 + "ä",
    "=?utf-8?B?eA==?= is not encoded",
    "é" * 17 + "=?",
    '100 % of 5 °C \\ "quoted" (comment) <a@b>',
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject(device, server, subject):
    found = message(device, server, subject=subject)
    assert found["Subject"] == subject
    assert found["Subject"].defects == ()
    header = server.mails[0].data.split(b"\r\n\r\n")[0]
    longest = max(map(len, header.split(b"\r\n")))
    assert longest <= 78
    for word in re.findall(rb"=\?utf-8\?B\?[^?]*\?=", header):
        assert len(word) <= 75


NAMES = [
    "Chef",
    "PLC 7, hall 2",
    'Otto "the\\valve" Maier',
    "Jürgen Müller",
    "Ä" * 100,
    "x" * 100,
    "(comment)",
    "=?utf-8?B?eA==?=",
]


@pytest.mark.parametrize("name", NAMES)
def test_display_names(device, server, name):
    message(device, server, [f"{name} <a@b.lan>", "c@b.lan"])
    found = message_from_bytes(server.mails[0].data, policy=compat32)
    ((first, spec), (_, second)) = getaddresses([found["To"].replace("\r\n", "")])
    assert str(make_header(decode_header(first))) == name
    assert (spec, second) == ("a@b.lan", "c@b.lan")
    assert server.mails[0].recipients == ("a@b.lan", "c@b.lan")


def test_quoted_display_name(device, server):
    found = message(device, server, '"Maier, Otto" <a@b.lan>')
    assert found["To"].addresses[0].display_name == "Maier, Otto"


def test_extra_headers(device, server):
    headers = {
        "X-Plant": "hall 2",
        "References": " ".join(f"<{at}.alarm@plant.lan>" for at in range(20)),
        "Reply-To": "Müller <m@plant.lan>",
        "X-Note": "Käse",
    }
    found = message(device, server, headers=headers)
    assert {name: found[name] for name in headers} == headers
    assert max(map(len, server.mails[0].data.split(b"\r\n"))) <= 78


def test_unknown_is_repeated_with_the_same_id_and_date(device, server):
    server.scenario = "DOT@1=drop"
    error = device.send(server)["error"]
    assert error["outcome"] == "unknown"
    server.scenario = "default"
    device.send(server, message_id=error["message_id"], date=error["date"])
    first, second = (mail.message for mail in server.mails)
    assert first["Message-ID"] == second["Message-ID"] == error["message_id"]
    assert first["Date"] == second["Date"]
    assert first["Date"] is not None
