"""Whatever a server says, and whatever a program gives: no crash, no hang, bounded memory.

Inputs that were found are kept as examples.
"""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SLOW = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

READER = """
from smtp_client import SMTPClient
from smtp_client.errors import STAGES, SMTPError

class Stream:
    "A stream whose server says what the test wants, in these pieces, and then no more."
    socket = poller = None
    time = 0
    def __init__(self, pieces):
        self.pieces = pieces
        self.taken = 0
    def start(self, deadline):
        pass
    def connect(self, host, port):
        self.socket = True
        return b""
    def close(self):
        self.socket = None
    def write(self, octets):
        written.extend(octets)
    def wait(self, poll=False):
        return 0
    def read(self):
        held.append(len(client.data) + len(client.said) + len(client.features))
        if self.taken == len(self.pieces):
            from smtp_client.errors import network
            raise network("closed", 0)
        self.taken += 1
        return self.pieces[self.taken - 1]

written = bytearray()
held = [0]
client = SMTPClient("host", 25, **{options})
client.stream = Stream([bytes([ord(c) for c in piece]) for piece in {pieces}])
try:
    result = [sorted(client.send_mail("a@b", ["c@d", "e@f"], "s", "x"))]
except SMTPError as error:
    result = [type(error).__name__, error.stage in STAGES, error.outcome, str(error)]
result += [max(held), bytes(written).decode()]
"""
LOGIN = {"username": "u", "password": "geheimnis", "auth_in_clear": True}
WORDS = [
    *("220 hi\r\n", "250-hi\r\n", "250-PIPELINING\r\n", "250-AUTH LOGIN CRAM-MD5\r\n"),
    *("250 ok\r\n", "235 ok\r\n", "354 go\r\n", "334 \r\n", "334 VXNlcjo=\r\n", "550 no\r\n"),
    *("451 later\r\n", "421 bye\r\n", "250", "-", " ", "\r", "\n", "\0", "\xff" * 40, "x" * 520),
]
SAID = st.lists(
    st.one_of(
        st.lists(st.sampled_from(WORDS), max_size=6).map("".join),
        st.binary(max_size=30).map(lambda octets: octets.decode("latin-1")),
    ).map(lambda said: said[:512]),  # as much as one read gives
    max_size=12,
)
COMMAND = re.compile(
    r"EHLO \[127\.0\.0\.1\]|HELO \[127\.0\.0\.1\]|MAIL FROM:<a@b>|RCPT TO:<(c@d|e@f)>|DATA|RSET"
    r"|QUIT|\.|AUTH [A-Z0-9-]+( [A-Za-z0-9+/=]+)?|[A-Za-z0-9+/=]*|\*"
)


@SLOW
@given(pieces=SAID, login=st.booleans())
@example(pieces=["220 hi\r\n", "250 PIPELINING\r\n" * 30, "250 ok\r\n"], login=False)
@example(pieces=["220 hi\r\n250 ok\r\n"], login=False)
@example(pieces=["220 x\r\n", "250-x\r\n250 AUTH LOGIN\r\n", *["334 \r\n"] * 9], login=True)
@example(pieces=["220 x\r\n", "250-x\r\n250 AUTH CRAM-MD5\r\n", "334 \xff\r\n"], login=True)
@example(pieces=["22", "0 hi\r", "\n250", "-x\r\n25", "0 ok\r\n"], login=False)
def test_a_server_that_says_anything(device, pieces, login):
    options = LOGIN if login else {}
    source = READER.replace("{options}", repr(options)).replace("{pieces}", repr(pieces))
    *outcome, held, written = device.call("exec", source)
    assert held <= 2 * 512 + 768 + 1536  # an unfinished line and a portion, `said`, `features`
    if len(outcome) > 1:
        name, known, who, text = outcome
        assert (known, who in ("refused", "unknown")) == (True, True)
        assert name.startswith("SMTP")
        assert text.isprintable()
        assert text.isascii()
        assert len(text) < 1024
    before = written.partition("From: a@b")[0]
    assert all(COMMAND.fullmatch(line) for line in before.split("\r\n"))
    if "From: a@b" in written:
        assert "DATA\r\n" in before


WRITER = """
from smtp_client import Mail
try:
    mail = Mail({sender!r}, {recipients!r}, {subject!r}, "x", headers={headers!r})
    mail.start(b"\\n8BITMIME\\r\\n\\nSMTPUTF8\\r\\n")
    out = bytearray()
    for _ in mail.write(out):
        pass
    result = [mail.sender, list(mail.envelope), bytes(out).decode()]
except ValueError as error:
    result = str(error)
"""
ODD = st.text(st.sampled_from("aB1@.<>\"' ,;:()\\=?\r\n\0\t\x7fäé€-_"), max_size=24)
ADDRESS = st.one_of(ODD, ODD.map(lambda odd: f"{odd} <a@b.lan>"), ODD.map(lambda o: f"a{o}@b"))


@SLOW
@given(
    sender=ADDRESS,
    recipients=st.lists(ADDRESS, min_size=1, max_size=3),
    subject=ODD,
    headers=st.dictionaries(ODD, ODD, max_size=2),
)
@example(sender='"> X=Y"@b', recipients=["a@b"], subject="", headers={})
@example(sender="a@b", recipients=["a@b> NOTIFY=NEVER"], subject="", headers={})
@example(sender="a@b", recipients=["a <b> <a@b>"], subject="\r\nBcc: x@y", headers={})
@example(sender="ä@b", recipients=["a@ö"], subject=" ", headers={"X-A": "=?"})
def test_a_program_that_gives_anything(device, sender, recipients, subject, headers):
    names = {
        "sender": sender,
        "recipients": recipients,
        "subject": subject,
        "headers": headers,
    }
    found = device.call("exec", WRITER.format(**names))
    if isinstance(found, str):
        assert "\n" not in found
        return
    sent, envelope, written = found
    for address in (sent, *envelope):
        assert not re.search(r"[\x00-\x20<>\x7f\"]", address)
        assert address.count("@") == 1
    assert not re.search(r"\r(?!\n)|(?<!\r)\n", written)
    header, _, body = written.partition("\r\n\r\n")
    assert body == "x\r\n"
    fields = re.split(r"\r\n(?![ \t])", header)
    assert all(re.fullmatch(r"[!-9;-~]+:(?s:.*)", field) for field in fields)
    known = {"From", "To", "Date", "Message-ID", "Subject", "Auto-Submitted", "MIME-Version"}
    known |= {"Content-Type", "Content-Transfer-Encoding", *headers}
    assert {field.split(":")[0] for field in fields} <= known
    assert len(fields) == len({field.split(":")[0].lower() for field in fields})


@pytest.mark.parametrize("length", [511, 512, 513, 1024, 1536])
def test_every_length_of_a_line_and_of_its_pieces(device, length):
    line = "220 " + "x" * (length - 6) + "\r\n"
    for size in (1, 2, 511, 512):
        pieces = [line[at : at + size] for at in range(0, len(line), size)]
        source = READER.replace("{options}", "{}").replace("{pieces}", repr(pieces))
        name, _, _, text, held, _ = device.call("exec", source)
        wanted = "SMTPNetworkError" if length <= 512 else "SMTPProtocolError"
        assert name == wanted, text
        assert held <= 1024
