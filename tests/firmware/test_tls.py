"""TLS: verified or nothing, nothing in clear, every failure named; on raw octets, real TLS."""

import pytest

from host_tools.fake_smtp import FakeSMTP
from tests.tls import HOST, ca, context

WAYS = {"starttls": False, "implicit": True}
STAGE = {"starttls": "STARTTLS", "implicit": "CONNECT"}


@pytest.fixture(params=WAYS)
def way(request):
    """How TLS begins."""
    return request.param


def serve(kind, way, scenario="default", **options):
    """Return a server with a certificate of this kind."""
    return FakeSMTP(scenario, tls=context(kind), implicit=WAYS[way], **options)


def send(device, server, way, **options):
    """Send a mail by TLS."""
    return device.send(server, text="secret text", tls=way, **{"ca": ca(), **options})


@pytest.mark.parametrize("kind", ["good", "TLS 1.2", "TLS 1.3"])
def test_a_mail(device, way, kind):
    with serve(kind, way) as server:
        assert send(device, server, way)["refused"] == {}
        session = server.sessions[0]
        assert session.wait_closed() == "quit"
    assert session.tls
    assert session.faults == []
    clear = b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n" if way == "starttls" else b""
    assert session.in_clear == clear
    assert server.mails[0].message.get_content() == "secret text\r\n"


KINDS = {
    "wrong host": "the certificate is not for 127.0.0.1",
    "expired": "the certificate has expired, or the clock is wrong",
    "not yet valid": "the certificate is not valid yet, or the clock is wrong",
    "unknown authority": "the certificate is signed by none of ca",
    "self-signed": "the certificate is signed by none of ca",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_proves_nothing(device, way, kind):
    with serve(kind, way) as server:
        error = send(device, server, way)["error"]
        server.sessions[0].wait_closed()
    assert error["type"] == "SMTPSecurityError"
    assert error["stage"] == STAGE[way]
    assert error["text"].startswith(f"TLS: {KINDS[kind]}")
    assert (error["transient"], error["outcome"]) == (True, "refused")
    assert b"MAIL" not in server.sessions[0].received


@pytest.mark.parametrize("kind", KINDS)
def test_unverified_takes_any(device, way, kind):
    with serve(kind, way) as server:
        found = send(device, server, way, ca=None, tls_unverified=True)
    assert found["refused"] == {}


def test_another_name_for_the_certificate(device, way):
    with serve("wrong host", way) as server:
        assert send(device, server, way, server_hostname="mail.example.com")["refused"] == {}


def test_der(device, way):
    source = f"""
from binascii import a2b_base64
from smtp_client import send_mail
pem = {ca()!r}
der = a2b_base64("".join(pem.split("\\n")[1:-2]))
"""
    with serve("good", way) as server:
        args = f'"{HOST}", {server.port}, "a@b", "c@d", "s", "x", tls="{way}", ca=der'
        source += f"result = send_mail({args})"
        assert device.call("exec", source) == {}


def test_a_file(device, way, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("an authority\n" + ca() + ca())
    with serve("good", way) as server:
        assert send(device, server, way, ca=str(path))["refused"] == {}


BAD = [
    ({"tls": "ssl"}, "tls 'ssl'"),
    ({"tls": True}, "tls True"),
    ({"ca": "x"}, "tls None"),
    ({"tls": "starttls"}, "ca None"),
    ({"tls": "starttls", "ca": ""}, "ca ''"),
    ({"tls": "starttls", "ca": 5}, "ca 5"),
    ({"tls": "starttls", "ca": "no certificate\n"}, "ca "),
    (
        {
            "tls": "implicit",
            "ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        },
        "ca ",
    ),
    (
        {"tls": "implicit", "ca": "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"},
        "ca ",
    ),
    ({"tls": "implicit", "ca": "/no/such/file"}, "ca '/no/such/file'"),
    ({"tls": "implicit", "ca": "x\n", "server_hostname": "a\rb"}, "server_hostname 'a"),
    ({"tls": "implicit", "ca": "x\n", "server_hostname": 5}, "server_hostname 5"),
]


@pytest.mark.parametrize(("options", "begins"), BAD)
def test_bad_options(device, server, options, begins):
    found = device.send(server, **options)
    assert found.get("value_error", found).startswith(begins)
    assert "give" in found["value_error"]
    assert server.sessions == []


CLOCK = """
import smtp_client.secure as secure
from smtp_client import send_mail
real = secure.gmtime
secure.gmtime = lambda: (2000, 1, 1, 0, 0, 5, 5, 1)
try:
    result = send_mail("{host}", {port}, "a@b", "c@d", "s", "x", tls="{way}", ca={ca!r}{more})
except Exception as error:
    result = str(error)
finally:
    secure.gmtime = real
"""


def test_a_clock_that_nobody_set(device, way):
    with serve("good", way) as server:
        names = {"host": HOST, "port": server.port, "way": way, "ca": ca()}
        said = device.call("exec", CLOCK.format(**names, more=""))
        assert said == f"{STAGE[way]}: TLS: set the clock first: certificates have dates"
        assert device.call("exec", CLOCK.format(**names, more=", tls_unverified=True")) == {}


# What is not TLS, and what is no longer


def test_plaintext_where_tls_is_expected(device, server):
    error = send(device, server, "implicit")["error"]
    assert (error["type"], error["stage"]) == ("SMTPSecurityError", "CONNECT")
    assert error["text"].startswith("TLS: the server does not speak TLS here")
    assert server.mails == []


def test_tls_where_plaintext_is_expected(device):
    with serve("good", "implicit") as server:
        error = device.send(server, timeout=0.3)["error"]
    assert (error["type"], error["stage"]) == ("SMTPNetworkError", "CONNECT")
    assert error["text"].startswith("time-out")


@pytest.mark.parametrize("keywords", ["PIPELINING", "X-STARTTLS", ""])
def test_starttls_is_not_offered(device, server, keywords):
    server.scenario = f"KEYWORDS={keywords}"
    error = send(device, server, "starttls", **CREDENTIALS)["error"]
    assert (error["type"], error["stage"]) == ("SMTPSecurityError", "STARTTLS")
    assert error["text"] == "the server does not offer STARTTLS"
    server.sessions[0].wait_closed()
    assert server.sessions[0].received == b"EHLO [127.0.0.1]\r\n"


CREDENTIALS = {"username": "plc7", "password": "geheim"}


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "502 no", "554 no", "250 ok", "say hm"])
def test_starttls_is_refused(device, reply):
    with serve("good", "starttls", f"STARTTLS={reply}") as server:
        error = send(device, server, "starttls", **CREDENTIALS)["error"]
        server.sessions[0].wait_closed()
    assert error["stage"] == "STARTTLS"
    assert error["code"] == (int(reply[:3]) if reply[0].isdigit() else None)
    assert error["transient"] == (reply[0] not in "5")
    assert server.sessions[0].received == b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n"


def test_no_starttls_after_helo(device):
    with serve("good", "starttls", "EHLO=502 what") as server:
        error = send(device, server, "starttls")["error"]
        server.sessions[0].wait_closed()
    assert error["text"] == "the server does not offer STARTTLS"
    assert b"MAIL" not in server.sessions[0].received


@pytest.mark.parametrize("injected", [r"250 evil\r\n", r"250 evil\c", r"250-evil\r\n250 x", r"\n"])
def test_nothing_that_came_before_tls_counts_after_it(device, injected):
    with serve("good", "starttls", rf"STARTTLS=220 ok\r\n{injected}") as server:
        error = send(device, server, "starttls")["error"]
        server.sessions[0].wait_closed()
    assert (error["type"], error["stage"]) == ("SMTPProtocolError", "STARTTLS")
    assert server.sessions[0].in_clear == b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n"
    assert server.sessions[0].ended == "eof"  # not an octet more, no handshake


def test_what_ehlo_said_before_tls_is_forgotten(device):
    before = r"EHLO@1=250-hi\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 STARTTLS"
    with serve("good", "starttls", before + r"; EHLO@2=250 hi") as server:
        found = device.send(server, text="Käse", tls="starttls", ca=ca())
        session = server.sessions[0]
        session.wait_closed()
    assert found["refused"] == {}
    assert b"BODY=" not in session.received
    assert b"MAIL FROM:<plc7@plant.lan>\r\n" in session.segments
    error = None
    with serve("good", "starttls", before + r"; EHLO@2=250 hi") as server:
        error = send(device, server, "starttls", **CREDENTIALS)["error"]
    assert error["text"] == "the server offers no AUTH"


# A handshake that goes wrong, record by record

RECORDS = range(1, 6)


@pytest.mark.parametrize("kind", ["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("record", RECORDS)
def test_a_handshake_that_stalls(device, way, kind, record):
    with serve(kind, way, f"TLS#{record}=silence") as server:
        error = send(device, server, way, timeout=0.3)["error"]
    assert (error["type"], error["outcome"]) == ("SMTPNetworkError", "refused")
    assert error["text"].startswith("time-out")
    assert server.mails == []


@pytest.mark.parametrize("action", ["drop", "reset"])
@pytest.mark.parametrize("record", RECORDS)
def test_a_handshake_that_ends(device, way, record, action):
    with serve("TLS 1.2", way, f"TLS#{record}={action}") as server:
        error = send(device, server, way)["error"]
    assert error["type"] in ("SMTPSecurityError", "SMTPNetworkError")
    if error["type"] == "SMTPSecurityError":
        assert error["text"].startswith("TLS: the server ended the handshake")
    else:
        assert error["text"].startswith("closed")
    assert server.mails == []


@pytest.mark.parametrize("kind", ["TLS 1.2", "TLS 1.3"])
def test_a_handshake_octet_by_octet(device, way, kind):
    with serve(kind, way, "TLS=split") as server:
        assert send(device, server, way)["refused"] == {}


def test_a_handshake_that_drips_ends_at_the_deadline(device, way):
    with serve("TLS 1.2", way, "TLS#2=drip 10ms") as server:
        error = send(device, server, way, timeout=60, deadline=0.5)["error"]
    assert error["text"].startswith("time-out")


@pytest.mark.parametrize(
    "words", [r"220 hello", r"\x16\x03\x03\xff\xff\c", r"\x15\x03\x03\x00\x02\x02\x28\c"]
)
def test_something_else_than_a_handshake(device, way, words):
    with serve("TLS 1.2", way, f"TLS#1=then-drop {words}") as server:
        error = send(device, server, way)["error"]
    assert error["type"] == "SMTPSecurityError"
    assert error["text"].startswith("TLS: the server ")
    assert server.mails == []


def test_the_idle_hook_is_called_while_a_handshake_stalls(device, way):
    with serve("TLS 1.2", way, "TLS#2=silence") as server:
        source = f"""
from smtp_client import send_mail
calls = []
try:
    send_mail("{HOST}", {server.port}, "a@b", "c@d", "s", "x", tls="{way}", ca={ca()!r},
        timeout=0.5, idle=lambda: calls.append(1))
except Exception as error:
    result = [type(error).__name__, len(calls)]
"""
        name, calls = device.call("exec", source)
    assert name == "SMTPNetworkError"
    assert calls >= 10


# Within TLS a session is as any other


def session(device, server, way, count, **options):
    """Send some mails in one session and return the outcome of each."""
    source = f"""
from smtp_client import SMTPClient
from smtp_client.errors import SMTPError
result = []
with SMTPClient("{HOST}", {server.port}, tls="{way}", ca={ca()!r}, **{options}) as client:
    for at in range({count}):
        try:
            result.append(client.send_mail("a@b", "c@d", "mail %d" % at, "x" * 400))
        except SMTPError as error:
            result.append([error.stage, error.code, error.outcome])
"""
    return device.call("exec", source)


def test_several_mails(device, way):
    with serve("good", way) as server:
        assert session(device, server, way, 3) == [{}] * 3
    assert len(server.sessions) == 1


@pytest.mark.parametrize("action", ["drop", "reset"])
def test_a_lost_session_is_opened_anew(device, way, action):
    with serve("good", way, f"DOT@2={action}") as server:
        first, second, third = session(device, server, way, 3)
    assert first == third == {}
    assert second == ["BODY", None, "unknown"]


def test_a_reply_and_the_end_in_one(device, way):
    with serve("good", way, "DOT=then-reset 250 2.0.0 OK") as server:
        assert send(device, server, way)["refused"] == {}
    with serve("good", way, "MAIL=then-drop 421 4.3.2 closing") as server:
        assert send(device, server, way)["error"]["code"] == 421


@pytest.mark.parametrize("action", ["split", "split-crlf"])
def test_replies_in_pieces(device, way, action):
    with serve("good", way, f"ALL={action}") as server:
        assert send(device, server, way)["refused"] == {}


def test_a_long_mail(device, way):
    line = "line of a long mail\n"
    with serve("good", way) as server:
        found = device.send(server, text={"repeat": [line, 20_000]}, tls=way, ca=ca(), timeout=20)
        assert found["refused"] == {}
    assert server.mails[0].message.get_content() == line.replace("\n", "\r\n") * 20_000


def test_a_server_that_stops_reading(device, way):
    with serve("good", way, "BODY=deaf") as server:
        text = {"repeat": ["line of a long mail\n", 300_000]}
        error = device.send(server, text=text, tls=way, ca=ca(), timeout={"BODY": 0.2})["error"]
    assert (error["type"], error["stage"], error["outcome"]) == (
        "SMTPNetworkError",
        "BODY",
        "refused",
    )
    assert error["text"].startswith("time-out")
