"""Attachments, HTML, inline parts, further fields, DSN and SMTPUTF8, read back by `email`."""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import munpack
from tests.firmware.test_body import check_wire, normal

OCTETS = bytes(range(256))


def octets(value):
    """Write octets so that JSON carries them and the worker reads them."""
    return {"bytes": value.decode("latin-1")}


def message(device, server, **options):
    """Send a mail and return it as `email` reads it, without a defect."""
    assert device.send(server, **options)["refused"] == {}
    server.sessions[-1].wait_closed()
    assert server.sessions[-1].faults == []
    mail = server.mails[-1]
    check_wire(mail.raw)
    assert mail.raw.isascii()
    assert [part.defects for part in mail.message.walk()] == [[]] * len(list(mail.message.walk()))
    return mail.message


def shape(part):
    """Return the tree of types."""
    if part.is_multipart():
        return [part.get_content_subtype(), *map(shape, part.iter_parts())]
    return part.get_content_type()


def test_html_beside_the_text(device, server):
    found = message(device, server, text="Käse\n", html="<p>Käse</p>\n.\n")
    assert shape(found) == ["alternative", "text/plain", "text/html"]
    assert found.get_body(("plain",)).get_content().strip() == "Käse"
    assert found.get_body(("html",)).get_content().replace("\r\n", "\n") == "<p>Käse</p>\n.\n"


def test_all_kinds_of_parts(device, server):
    found = message(
        device,
        server,
        text="text",
        html='<img src="cid:plan1@plant">',
        attachments=[
            ["plan.png", octets(b"\x89PNG"), "image/png", "plan1@plant"],
            ["log.csv", "1;2\n", "text/csv"],
        ],
    )
    assert shape(found) == [
        "mixed",
        ["alternative", "text/plain", ["related", "text/html", "image/png"]],
        "text/csv",
    ]
    image, log = (part for part in found.walk() if part.get_filename())
    assert (image["Content-ID"], image.get_content_disposition()) == ("<plan1@plant>", "inline")
    assert image.get_content() == b"\x89PNG"
    assert (log.get_filename(), log.get_content_disposition()) == ("log.csv", "attachment")
    assert log.get_payload(decode=True) == b"1;2\n"


def test_inline_parts_without_html(device, server):
    found = message(device, server, attachments=[["a.png", octets(b"x"), "image/png", "a1"]])
    assert shape(found) == ["mixed", "text/plain", "image/png"]


CONTENTS = {
    "empty": b"",
    "one octet": b"x",
    "a line": OCTETS[:57],
    "a line and one": OCTETS[:58],
    "all octets": OCTETS * 9,
    "dots and line ends": b".\r\n.\n\r.\r\n" * 40,
    "like an edge": b"\r\n--=_aaaaaaaaaaaaaaam--\r\n",
}


@pytest.mark.parametrize("content", CONTENTS)
def test_content(device, server, content):
    value = CONTENTS[content]
    middle = len(value) // 2
    pieces = [octets(value[:middle]), octets(b""), octets(value[middle:])]
    for source in (octets(value), pieces):
        found = message(device, server, attachments=[["a.bin", source]])
        assert next(found.iter_attachments()).get_payload(decode=True) == value


def test_files(device, server, tmp_path):
    path = tmp_path / "log 1.bin"
    path.write_bytes(OCTETS * 40)
    source = f"""
from smtp_client import Mail, SMTPClient
client = SMTPClient("{server.host}", {server.port})
with open({str(path)!r}, "rb") as file:
    mail = Mail("a@b", "c@d", "s", "x", attachments=[{str(path)!r}, ("b.bin", file),
        ("c.bin", lambda: open({str(path)!r}, "rb"))])
    result = [client.send(mail), client.send(mail)]
client.close()
"""
    assert device.call("exec", source) == [{}, {}]
    for mail in server.mails:
        parts = list(mail.message.iter_attachments())
        assert [part.get_filename() for part in parts] == ["log 1.bin", "b.bin", "c.bin"]
        assert all(part.get_content() == OCTETS * 40 for part in parts)


def test_an_iterator_that_was_read_is_not_sent_again(device, server):
    source = f"""
from smtp_client import Mail, SMTPClient
client = SMTPClient("{server.host}", {server.port})
mail = Mail("a@b", "c@d", "s", "x", attachments=[("a", iter([b"x"]))])
result = [client.send(mail)]
try:
    client.send(mail)
except ValueError as error:
    result.append(str(error))
"""
    first, second = device.call("exec", source)
    assert first == {}
    assert second.startswith("attachments None was read by the attempt before: give a new Mail")


NAMES = [
    "a.txt",
    "two words.txt",
    'quo"te\\s.txt',
    "Übersicht.csv",
    "=?utf-8?B?eA==?=",
    "x" * 255,
    "𝄞" * 40,
    "semi;colon=.txt",
    "100%.txt",
    "it's.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_names(device, server, name):
    found = message(device, server, attachments=[[name, "x"]])
    assert next(found.iter_attachments()).get_filename() == name
    assert max(map(len, server.mails[0].data.split(b"\r\n"))) <= 78


BAD = [
    ({"attachments": 5}, "attachments 5"),
    ({"attachments": "a.txt"}, "attachments 'a.txt'"),
    ({"attachments": [["a.txt"]]}, "attachments ["),
    ({"attachments": [["a", "b", "c/d", "e", "f"]]}, "attachments ["),
    ({"attachments": [["", "x"]]}, "attachments ["),
    ({"attachments": [[5, "x"]]}, "attachments 5"),
    ({"attachments": [["a\rb", "x"]]}, "attachments 'a"),
    ({"attachments": [["a\nb", "x"]]}, "attachments 'a"),
    ({"attachments": [["a\0b", "x"]]}, "attachments 'a"),
    ({"attachments": [["x" * 256, "x"]]}, "attachments ["),
    ({"attachments": [["a", None]]}, "attachments ["),
    ({"attachments": [["a", 5]]}, "attachments ["),
    ({"attachments": [["a", "x", "text"]]}, "attachments ["),
    ({"attachments": [["a", "x", "text/"]]}, "attachments ["),
    ({"attachments": [["a", "x", "/csv"]]}, "attachments ["),
    ({"attachments": [["a", "x", "text/c/v"]]}, "attachments ["),
    ({"attachments": [["a", "x", "text/csv; x=y"]]}, "attachments ["),
    ({"attachments": [["a", "x", "text/csv\r\nX: y"]]}, "attachments 'text"),
    ({"attachments": [["a", "x", "text/csv", "a b"]]}, "attachments ["),
    ({"attachments": [["a", "x", "text/csv", "a>\r\nX: y"]]}, "attachments 'a>"),
    ({"html": 5}, "html 5"),
    ({"html": "a\0b"}, "html 'a"),
    ({"reply_to": "x"}, "reply_to 'x'"),
    ({"reply_to": "a@b\r\nX: y"}, "reply_to 'a@b"),
    ({"priority": "urgent"}, "priority 'urgent'"),
    ({"priority": "high", "headers": {"X-Priority": "1"}}, "headers 'X-Priority'"),
    ({"reply_to": "a@b", "headers": {"reply-to": "c@d"}}, "headers 'Reply-To'"),
    ({"in_reply_to": "1.2@plant.lan"}, "in_reply_to '1.2"),
    ({"in_reply_to": "<a b@c>"}, "in_reply_to '<a b"),
    ({"in_reply_to": "<a@b> <c@d>"}, "in_reply_to '<a@b>"),
    ({"in_reply_to": "<a\r\n@b>"}, "in_reply_to '<a"),
    ({"in_reply_to": 5}, "in_reply_to 5"),
    ({"references": ["<1@b>", "x"]}, "references 'x'"),
    ({"dsn": 5}, "dsn 5"),
    ({"dsn": {"x": 5}}, "option 'x'"),
    ({"dsn": {"ret": "SOME"}}, "dsn: ret 'SOME'"),
    ({"dsn": {"notify": "NEVER,DELAY"}}, "dsn: notify 'NEVER,DELAY'"),
    ({"dsn": {"notify": "SOON"}}, "dsn: notify 'SOON'"),
    ({"dsn": {"notify": "FAILURE> X=Y"}}, "dsn: notify 'FAILURE>"),
    ({"dsn": {"envid": "a\r\nDATA"}}, "dsn: envid 'a"),
    ({"dsn": {"envid": "x" * 31}}, "dsn: envid 'xxx"),
    ({"dsn": {"envid": 5}}, "dsn: envid 5"),
]


@pytest.mark.parametrize(("options", "begins"), BAD)
def test_bad_options(device, server, options, begins):
    found = device.send(server, **options)
    said = found.get("value_error", str(found))
    assert said.startswith(begins)
    assert "give" in said or "there are" in said
    assert "\n" not in said
    assert server.sessions == []


@pytest.mark.parametrize("chunk", [None, 5, [5]])
def test_a_piece_that_is_no_octets(device, server, chunk):
    found = device.send(server, attachments=[["a", [octets(b"x"), chunk]]])
    assert found.get("value_error", str(found)).startswith("attachments: content ")
    assert server.mails == []


def test_fields(device, server):
    found = message(
        device,
        server,
        reply_to="Müller <m@plant.lan>",
        priority="high",
        in_reply_to="<1.2@plant.lan>",
        references=[f"<{at}.alarm@plant.lan>" for at in range(12)],
    )
    assert found["Reply-To"].addresses[0].display_name == "Müller"
    assert (found["X-Priority"], found["Importance"]) == ("1 (Highest)", "high")
    assert found["In-Reply-To"] == "<1.2@plant.lan>"
    assert found["References"].split() == [f"<{at}.alarm@plant.lan>" for at in range(12)]


# What the server must offer

DSN = {"notify": "FAILURE,DELAY", "ret": "HDRS", "envid": "a+b=c", "orcpt": True}


@pytest.mark.parametrize("keywords", ["PIPELINING, DSN", "DSN"])
def test_dsn(device, server, keywords):
    server.scenario = f"KEYWORDS={keywords}"
    assert device.send(server, ["a+1@b.lan", "c@d.lan"], dsn=DSN)["refused"] == {}
    session = server.sessions[0]
    session.wait_closed()
    assert session.faults == []
    assert session.commands[1:4] == [
        b"MAIL FROM:<plc7@plant.lan> RET=HDRS ENVID=a+2Bb+3Dc",
        b"RCPT TO:<a+1@b.lan> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2B1@b.lan",
        b"RCPT TO:<c@d.lan> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@d.lan",
    ]


def test_dsn_is_not_asked_for_where_it_is_not_offered(device, server):
    assert device.send(server, ["a@b.lan", "c@d.lan"], dsn=DSN)["refused"] == {}
    server.sessions[0].wait_closed()
    assert b"NOTIFY" not in server.sessions[0].received
    assert b"RET=" not in server.sessions[0].received


def test_each_recipient_with_dsn_has_its_own_refusal(device, server):
    server.scenario = "KEYWORDS=PIPELINING, DSN; RCPT bad*=550 no"
    found = device.send(server, ["a@b.lan", "bad@d.lan", "e@f.lan"], dsn={"notify": "NEVER"})
    assert list(found["refused"]) == ["bad@d.lan"]
    assert server.mails[0].recipients == ("a@b.lan", "e@f.lan")


UTF8 = ["jürgen@plant.lan", "用户@例子.广告", "plc7@plänt.lan"]


@pytest.mark.parametrize("address", UTF8)
def test_smtputf8(device, server, address):
    server.scenario = "KEYWORDS=PIPELINING, 8BITMIME, SMTPUTF8"
    assert device.send(server, [f"Jürgen <{address}>"])["refused"] == {}
    assert server.mails[0].recipients == (address,)
    assert "SMTPUTF8" in server.mails[0].parameters
    assert f" <{address}>\r\n" in server.mails[0].data.decode()
    assert server.sessions[0].faults == []
    args = (server.host, server.port, address, "c@d.lan", "s", "x")
    assert device.call("send", *args, {})["refused"] == {}
    assert server.mails[1].sender == address
    assert server.mails[1].message["Message-ID"].isascii()


@pytest.mark.parametrize("address", UTF8)
def test_smtputf8_is_not_offered(device, server, address):
    error = device.send(server, [address, "c@d.lan"])["error"]
    assert (error["type"], error["stage"], error["code"]) == ("SMTPRefusedError", "MAIL", 550)
    assert (error["enhanced"], error["transient"]) == ("5.6.7", False)
    server.sessions[0].wait_closed()
    assert b"MAIL" not in server.sessions[0].received


def test_ascii_addresses_do_not_need_smtputf8(device, server):
    server.scenario = "KEYWORDS=PIPELINING, SMTPUTF8"
    assert device.send(server, ["Jürgen <j@plant.lan>"])["refused"] == {}
    assert "SMTPUTF8" not in server.mails[0].parameters


# Anything


def test_another_reader_reads_it_too(device, server, tmp_path):
    """Munpack writes LF into text; it does not know file names beyond ASCII."""
    files = {f"{at}.bin": content for at, content in enumerate(CONTENTS.values())}
    message(
        device,
        server,
        text="Käse =\n.\n..\n",
        html="<p>Käse</p>\n",
        attachments=[
            *([name, octets(content)] for name, content in files.items()),
            ["plan.png", octets(OCTETS), "image/png", "plan1"],
            ["a (b).csv", "1;2\r\n" * 99, "text/csv"],
        ],
    )
    data = server.mails[0].data.replace(b"\r\n", b"\n")  # as a mailbox on Unix has it
    assert munpack.unpack(data, tmp_path / "parts") == {
        **files,
        "part1": "Käse =\n.\n..\n".encode(),
        "part2": "<p>Käse</p>\n".encode(),
        "plan.png": OCTETS,
        "aXXbX.csv": b"1;2\n" * 99,  # what munpack makes of blanks and brackets
    }


SLOW = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(
    lambda name: name == name.strip()
)
CONTENT = st.binary(max_size=300)


@SLOW
@given(name=NAME, pieces=st.lists(CONTENT, max_size=4), text=st.text("a.\r\n =-_ä", max_size=60))
def test_any_attachment_comes_back(device, server, name, pieces, text):
    found = message(
        device,
        server,
        text=text,
        attachments=[[name, [octets(piece) for piece in pieces]]],
    )
    part = next(found.iter_attachments())
    assert part.get_filename() == name
    assert part.get_payload(decode=True) == b"".join(pieces)
    body = found.get_body(("plain",)).get_payload(decode=True).decode()
    assert body.removesuffix("\r\n") == normal(text).removesuffix("\r\n")


def test_base64_lines(device):
    source = """
from smtp_client.mime import base64
out = bytearray()
for _ in base64(out, [bytes(range(256))]):
    pass
result = bytes(out).decode()
"""
    lines = device.call("exec", source).split("\r\n")
    assert "".join(lines) == base64.b64encode(OCTETS).decode()
    assert {len(line) for line in lines[:-2]} == {76}


def test_how_large_a_mail_with_attachments_is_the_server_finds_out(device, server):
    server.scenario = "size-too-small"
    error = device.send(server, attachments=[["a", octets(b"x" * 5000)]])["error"]
    assert (error["stage"], error["code"]) == ("BODY", 552)
