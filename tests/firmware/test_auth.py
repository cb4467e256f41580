"""AUTH: each mechanism, never in clear unasked, no end without an end, no secret to be seen."""

import base64

import pytest

from host_tools.fake_smtp import FakeSMTP
from tests.tls import HOST, ca, context

USER = "plc7"
PASSWORD = "geheim & ümläutig"
MECHANISMS = {"PLAIN": 0, "LOGIN": 2, "CRAM-MD5": 1, "XOAUTH2": 0}
"""How many further round trips each takes."""


def serve(scenario="default", tls=True, accounts=None):
    """Return a server that knows the user."""
    accounts = {USER: PASSWORD} if accounts is None else accounts
    return FakeSMTP(scenario, tls=context() if tls else None, accounts=accounts)


def send(device, server, **options):
    """Send a mail with the password."""
    more = {"tls": "starttls", "ca": ca()} if server.tls else {}
    return device.send(server, **{"username": USER, "password": PASSWORD, **more, **options})


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_mechanism(device, mechanism):
    with serve() as server:
        found = send(device, server, auth=mechanism)
        session = server.sessions[0]
        session.wait_closed()
    assert found["refused"] == {}
    assert session.user == USER
    assert session.faults == []
    assert session.turns == 8 + MECHANISMS[mechanism]
    assert sum(line.startswith(f"AUTH {mechanism}".encode()) for line in session.commands) == 1


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ("PLAIN LOGIN CRAM-MD5 XOAUTH2", "PLAIN"),
        ("XOAUTH2 CRAM-MD5 LOGIN", "LOGIN"),
        ("cram-md5", "CRAM-MD5"),
        ("GSSAPI PLAINER CRAM-MD5", "CRAM-MD5"),
    ],
)
def test_the_best_one_offered_is_taken(device, offered, taken):
    with serve(rf"EHLO=250-hi\r\n250 AUTH {offered}") as server:
        server.scenario = rf"EHLO@1=250-hi\r\n250 STARTTLS; EHLO@2=250-hi\r\n250 AUTH {offered}"
        assert send(device, server)["refused"] == {}
        assert server.sessions[0].user == USER
    assert any(line.startswith(f"AUTH {taken}".encode()) for line in server.sessions[0].commands)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_permanent(device, mechanism):
    with serve(accounts={USER: "another"}) as server:
        error = send(device, server, auth=mechanism)["error"]
        server.sessions[0].wait_closed()
    assert (error["type"], error["stage"], error["code"]) == ("SMTPRefusedError", "AUTH", 535)
    assert (error["enhanced"], error["transient"]) == ("5.7.8", False)
    assert b"MAIL" not in server.sessions[0].received


def test_454_is_transient(device):
    with serve("AUTH=454 4.7.0 Temporary authentication failure") as server:
        error = send(device, server)["error"]
    assert (error["stage"], error["code"], error["transient"]) == ("AUTH", 454, True)


@pytest.mark.parametrize(
    ("keywords", "options", "text"),
    [
        ("AUTH", {}, "the server offers no AUTH"),
        ("PIPELINING", {}, "the server offers no AUTH"),
        ("AUTH GSSAPI SCRAM-SHA-256", {}, "the server offers GSSAPI SCRAM-SHA-256"),
        ("AUTH XOAUTH2", {}, "the server offers XOAUTH2"),
        ("AUTH PLAIN", {"auth": "LOGIN"}, "the server offers PLAIN"),
    ],
)
def test_no_mechanism_in_common(device, keywords, options, text):
    with serve(accounts={}) as server:
        server.scenario = f"KEYWORDS={keywords}"
        error = send(device, server, **options)["error"]
        server.sessions[0].wait_closed()
    assert (error["type"], error["stage"], error["text"]) == ("SMTPSecurityError", "AUTH", text)
    assert b"AUTH" not in server.sessions[0].received


def test_auth_with_an_equals_sign(device):
    with serve() as server:
        server.scenario = r"EHLO@1=250-hi\r\n250 STARTTLS; EHLO@2=250-hi\r\n250 AUTH=LOGIN PLAIN"
        assert send(device, server)["refused"] == {}


# In clear


@pytest.mark.parametrize("mechanism", [None, *MECHANISMS])
def test_no_password_in_clear(device, mechanism):
    with serve(tls=False) as server:
        error = send(device, server, auth=mechanism)["error"]
        server.sessions[0].wait_closed()
    assert (error["type"], error["stage"]) == ("SMTPSecurityError", "AUTH")
    assert error["text"].startswith("no password without TLS")
    assert server.sessions[0].in_clear == b"EHLO [127.0.0.1]\r\n"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_in_clear_by_name(device, mechanism):
    with serve(tls=False) as server:
        assert send(device, server, auth=mechanism, auth_in_clear=True)["refused"] == {}
        assert server.sessions[0].user == USER


def test_in_clear_the_password_itself_is_not_sent_where_it_can_be_helped(device):
    with serve(tls=False) as server:
        send(device, server, auth_in_clear=True)
        server.sessions[0].wait_closed()
    assert b"AUTH CRAM-MD5\r\n" in server.sessions[0].in_clear


# Challenges


@pytest.mark.parametrize("challenge", ["334 ", "334 VXNlcm5hbWU6", "334 !", r"334-a\r\n334 b"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_server_that_asks_on_and_on(device, mechanism, challenge):
    with serve(f"AUTH={challenge}") as server:
        error = send(device, server, auth=mechanism)["error"]
        session = server.sessions[0]
        session.wait_closed()
    assert (error["type"], error["stage"]) == ("SMTPSecurityError", "AUTH")
    assert error["text"] == "the server asks without end"
    asked = session.received.count(b"\r\n") - 3  # EHLO, STARTTLS, EHLO
    assert 2 <= asked <= 4
    assert session.received.endswith(b"\r\n*\r\n")


def test_a_cancelled_login(device):
    with serve("AUTH@1=334 !; AUTH@2=501 5.7.0 cancelled") as server:
        error = send(device, server, auth="LOGIN")["error"]
    assert (error["stage"], error["code"], error["transient"]) == ("AUTH", 501, False)


@pytest.mark.parametrize("reply", ["235-hm", "334", "250 ok", "say hm", "drop", "reset"])
def test_odd_replies(device, reply):
    with serve(f"AUTH={reply}") as server:
        error = send(device, server, auth="PLAIN", timeout=0.3)["error"]
    assert error["stage"] == "AUTH"
    assert server.mails == []


def test_a_long_token_does_not_travel_with_the_command(device):
    token = "t" * 1500
    with serve(accounts={USER: token}) as server:
        assert send(device, server, auth="XOAUTH2", password=token)["refused"] == {}
    assert b"AUTH XOAUTH2" in server.sessions[0].commands


def test_each_session_says_who_it_is(device):
    with serve("DOT=drop-after") as server:
        source = f"""
from smtp_client import SMTPClient
client = SMTPClient("{HOST}", {server.port}, tls="starttls", ca={ca()!r},
    username={USER!r}, password={PASSWORD!r})
result = []
for at in range(3):
    result.append(client.send_mail("a@b", "c@d", "s", "x"))
    client.stream.timeout = 5000
    try:
        client.stream.wait()
    except Exception as error:
        pass
client.close()
"""
        assert device.call("exec", source) == [{}] * 3
    assert [session.user for session in server.sessions] == [USER] * 3


# Secrets

ECHO = (
    "535 5.7.8 {plain} is wrong",
    "535 5.7.8 you said {base64}",
    r"535-5.7.8 {plain}\r\n535 5.7.8 {base64}",
)


@pytest.mark.parametrize("echo", ECHO)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_no_secret_shows(device, mechanism, echo):
    secret = "pass-word_17"
    answers = {
        "PLAIN": f"\0{USER}\0{secret}",
        "LOGIN": secret,
        "XOAUTH2": f"user={USER}\1auth=Bearer {secret}\1\1",
    }
    coded = base64.b64encode(answers[mechanism].encode()).decode()
    reply = echo.format(plain=secret, base64=coded)
    time = {"PLAIN": 1, "LOGIN": 3, "XOAUTH2": 1}[mechanism]
    with serve(f"AUTH@{time}={reply}") as server:
        found = send(device, server, password=secret, auth=mechanism, trace=True)
        server.sessions[0].wait_closed()
    shown = repr(found)
    assert found["error"]["code"] == 535
    assert "***" in found["error"]["text"]
    assert coded.encode() in server.sessions[0].received  # it was really sent
    assert secret not in shown
    assert coded not in shown
    assert base64.b64encode(secret.encode()).decode() not in shown
    assert f"AUTH {mechanism}" in shown


def test_no_secret_shows_in_a_trace_that_went_well(device):
    with serve() as server:
        found = send(device, server, trace=True)
    assert found["refused"] == {}
    coded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    assert coded.encode() in server.sessions[0].received
    assert coded not in repr(found)
    assert ["AUTH", ">", "AUTH PLAIN ***"] in [line[:3] for line in found["trace"]]


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({"username": ""}, "username ''"),
        ({"username": 5}, "username '...'"),
        ({"username": None}, "username None"),
        ({"password": ""}, "password ''"),
        ({"password": None}, "password None"),
        ({"password": "a\0secret"}, "password '...'"),
        ({"password": ["secret"]}, "password '...'"),
        ({"auth": "SCRAM-SHA-256"}, "auth 'SCRAM-SHA-256'"),
    ],
)
def test_bad_options(device, options, begins):
    with serve() as server:
        found = send(device, server, **options)
    assert found.get("value_error", found).startswith(begins)
    assert "secret" not in found["value_error"]
    assert server.sessions == []
