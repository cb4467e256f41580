r"""The body on the wire: no lone CR or LF, one CRLF.CRLF, and the text comes back as it was.

Each payload goes through whole, and cut in two at every place where a chunk could end.
"""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAYLOADS = {
    # SMTP smuggling (CVE-2023-51764, -51765, -51766)
    "LF.LF": "a\n.\nMAIL FROM:<x@y>",
    "LF.CRLF": "a\n.\r\nb",
    "CRLF.LF": "a\r\n.\nb",
    "CR.CR": "a\r.\rb",
    "CR.CRLF": "a\r.\r\nb",
    "CRLF.CR": "a\r\n.\rb",
    "CR CR LF": "a\r\r\nb",
    "LF CR": "a\n\rb",
    "CRLF.CRLF": "a\r\n.\r\nMAIL FROM:<x@y>\r\nDATA\r\n",
    # dots (RUSTSEC-2021-0069)
    "dot first": ".a",
    "dot alone": ".",
    "two dots": "..",
    "dot after a blank line": "a\n\n.b\n",
    "dots": "\n.\n..\n...\n....",
    "dot last": "a\n.",
    # line ends
    "empty": "",
    "line end": "\n",
    "lone CR": "\r",
    "CRLF": "\r\n",
    "no line end": "a",
    "blank lines": "\n\n\r\n\r\ra\n\n",
    "blanks at line ends": "a \nb\t\n \n",
    # content
    "UTF-8": "Käse für 12 € – ☃ 𝄞\n",
    "like an encoded word": "=?utf-8?B?eA==?=",
    "like quoted-printable": "a=3D=\n=",
    "From at the begin": "From me\n>From you\n",
    "998": "x" * 998,
    "999": "x" * 999 + "\n" + "y" * 2000,
    "NUL and controls": "a\0b\x01\x1b[31m\x7f\x0b\x0c",
}


def normal(text):
    """Return the text with CRLF for every line end, and one at the end of its last line."""
    text = re.sub("\r\n|\r|\n", "\r\n", text)
    return text if not text or text.endswith("\r\n") else text + "\r\n"


def chunkings(text):
    """Yield the text whole and as an iterable cut at each place, in characters and in octets."""
    yield text
    octets = text.encode().decode("latin-1")
    yield {"bytes": octets}
    cuts = (1, 997, 998, 999, len(text) - 1) if len(text) > 100 else range(len(text) + 1)
    for cut in cuts:
        yield [text[:cut], text[cut:]]
    for cut in cuts if text.isascii() else range(len(octets) + 1):
        yield [{"bytes": octets[:cut]}, {"bytes": octets[cut:]}]
    yield [text[at : at + 1] for at in range(min(len(text), 300))] + [text[300:]]


def check_wire(raw):
    """Check what the server read between the 354 and the end of the mail."""
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", raw) is None
    assert raw.count(b"\r\n.\r\n") == 1
    assert raw.endswith(b"\r\n.\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 999  # a stuffed dot counts apart


@pytest.mark.parametrize("keywords", ["PIPELINING, 8BITMIME", "PIPELINING"], ids=["8bit", "7bit"])
@pytest.mark.parametrize("name", PAYLOADS)
def test_payload(device, server, name, keywords):
    server.scenario = f"KEYWORDS={keywords}"
    bodies = list(chunkings(PAYLOADS[name]))
    for body in bodies:
        assert device.send(server, text=body)["refused"] == {}
    assert len(server.mails) == len(bodies)
    for mail in server.mails:
        check_wire(mail.raw)
        assert mail.message.defects == []
        octets = mail.message.get_payload(decode=True)
        assert octets.decode() == normal(PAYLOADS[name])
        assert "8BITMIME" in keywords or mail.raw.isascii()


@pytest.mark.parametrize(
    ("text", "keywords", "encoding"),
    [
        ("plain", "8BITMIME", "7bit"),
        ("Käse", "8BITMIME", "8bit"),
        ("Käse", "", "quoted-printable"),
        ("x" * 999, "8BITMIME", "quoted-printable"),
        ("x\n" * 5000, "", "7bit"),
        ("ä\n" * 5000, "8BITMIME", "8bit"),
        ("\x01", "8BITMIME", "quoted-printable"),
        (["streamed"], "8BITMIME", "quoted-printable"),
    ],
)
def test_the_encoding_is_the_simplest(device, server, text, keywords, encoding):
    server.scenario = f"KEYWORDS={keywords}"
    device.send(server, text=text)
    message = server.mails[0].message
    assert message["Content-Transfer-Encoding"] == encoding
    declared = b"BODY=8BITMIME" in server.sessions[0].received
    assert declared == (encoding == "8bit")


def test_a_long_body_is_streamed_in_blocks(device, server):
    device.send(server, text={"repeat": ["0123456789" * 7 + "\n", 3000]})
    assert server.mails[0].message.get_payload(decode=True) == (b"0123456789" * 7 + b"\r\n") * 3000


@pytest.mark.parametrize("body", [None, 5, [5], ["a", None]])
def test_a_body_that_is_no_text(device, server, body):
    found = device.send(server, text=body)
    assert found["value_error"].startswith("body ")
    assert server.mails == []


SLOW = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
LINES = st.text(st.sampled_from("a.\r\n =\tä€\x00"), max_size=40)
SUBJECT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=150)


@SLOW
@given(text=st.one_of(TEXT, LINES), subject=SUBJECT, whole=st.booleans(), eight=st.booleans())
def test_any_mail_comes_back(device, server, text, subject, whole, eight):
    server.scenario = "KEYWORDS=PIPELINING, 8BITMIME" if eight else "KEYWORDS=PIPELINING"
    body = text if whole else [text[:7], text[7:]]
    assert device.send(server, text=body, subject=subject)["refused"] == {}
    mail = server.mails[-1]
    check_wire(mail.raw)
    message = mail.message
    assert message.defects == []
    assert message["Subject"].defects == ()
    assert str(message["Subject"]) == subject
    assert message.get_payload(decode=True).decode() == normal(text)
