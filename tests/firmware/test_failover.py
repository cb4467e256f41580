"""A list of servers: who gets the mail when one fails; and the dry run."""

import socket

import pytest

from host_tools.fake_smtp import FakeSMTP
from tests.tls import ca, context


@pytest.fixture
def servers():
    """Two fake servers."""
    with FakeSMTP() as first, FakeSMTP() as second:
        yield first, second


def nobody():
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def send(device, servers, text: object = "x", **options):
    """Send a mail to the first server that takes it."""
    hosts = [[server.host, server.port] for server in servers]
    args = (hosts, 25, "plc7@plant.lan", "ops@example.com", "s", text, options)
    return device.call("send", *args)


def counts(servers):
    """Return how many mails each has."""
    return [len(server.mails) for server in servers]


def test_the_first_one_takes_it(device, servers):
    assert send(device, servers)["refused"] == {}
    assert counts(servers) == [1, 0]
    assert servers[1].sessions == []
    assert servers[0].sessions[0].wait_closed() == "quit"


GO_ON = {
    "451 at the end": "DOT=451 later",
    "450 for all": "RCPT=450 later",
    "421 at once": "busy",
    "lost before the end": "MAIL=drop",
    "no SMTP": "BANNER=say hm",
    "shutting down": "shutting-down",
}


@pytest.mark.parametrize("fault", GO_ON)
def test_the_next_one_takes_it(device, servers, fault):
    servers[0].scenario = GO_ON[fault]
    assert send(device, servers)["refused"] == {}
    assert counts(servers) == [0, 1]
    for server in servers:
        server.sessions[0].wait_closed()


def test_nobody_listens_there(device, servers):
    servers[0].port, port = nobody(), servers[0].port
    assert send(device, servers)["refused"] == {}
    servers[0].port = port
    assert counts(servers) == [0, 1]


STOP = {
    "550": ("DOT=550 no", 550, "refused"),
    "all refused": ("RCPT=550 no", 550, "refused"),
    "lost after the end": ("DOT=drop", None, "unknown"),
    "silent after the end": ("DOT=silence", None, "unknown"),
}


@pytest.mark.parametrize("fault", STOP)
def test_the_next_one_is_not_asked(device, servers, fault):
    servers[0].scenario, code, outcome = STOP[fault]
    error = send(device, servers, timeout={"BODY": 0.3})["error"]
    assert (error["code"], error["outcome"]) == (code, outcome)
    assert servers[1].sessions == []


def test_the_last_error_tells_what_each_said(device, servers):
    servers[0].scenario = "DOT=451 4.3.0 disk full"
    servers[1].scenario = "RCPT=450 4.2.0 greylisted"
    error = send(device, servers)["error"]
    assert (error["code"], error["stage"]) == (450, "RCPT")
    for words in (*(f"127.0.0.1 port {one.port}: " for one in servers), "disk full", "greylisted"):
        assert words in error["text"]


def test_a_body_that_was_read(device, servers):
    servers[0].scenario = "DOT=451 4.3.0 disk full"
    error = send(device, servers, ["a body ", "that is read once"])["error"]
    assert error["code"] == 451
    assert counts(servers) == [0, 0]


SESSION = """
from smtp_client import SMTPClient
from smtp_client.errors import SMTPError
result = []
with SMTPClient({hosts}, 25, timeout=5{more}) as client:
    for number in range(4):
        try:
            result.append(client.send_mail("a@b", "c@d", "mail %d" % number, "x"))
        except SMTPError as error:
            result.append(str(error))
"""


def test_a_session(device, servers):
    servers[0].scenario = "MAIL@3=451 later"
    hosts = [(server.host, server.port) for server in servers]
    assert device.call("exec", SESSION.format(hosts=hosts, more="")) == [{}] * 4
    assert counts(servers) == [2, 2]  # the second keeps the client, once it has taken a mail
    for server in servers:
        assert len(server.sessions) == 1
        assert server.sessions[0].wait_closed() == "quit"


def test_each_server_may_have_options_of_its_own(device):
    with (
        FakeSMTP("busy") as first,
        FakeSMTP(tls=context(), accounts={"plc": "geheim"}) as second,
    ):
        own = {"tls": "starttls", "ca": ca(), "username": "plc", "password": "geheim"}
        hosts = [(first.host, first.port), (second.host, second.port, own)]
        more = ", local_hostname='plc7.lan'"
        assert device.call("exec", SESSION.format(hosts=hosts, more=more)) == [{}] * 4
        assert second.sessions[0].user == "plc"
        assert second.sessions[0].commands[0] == b"EHLO plc7.lan"
    assert len(first.sessions) == 1


@pytest.mark.parametrize(
    ("hosts", "begins"),
    [
        ([], "host []"),
        ([5], "host 5"),
        ([[]], "host []"),
        ([["a", 25, {}, 5]], "host ['a', 25, {}, 5]"),
        ([["a", 25, 5]], "host ['a', 25, 5]"),
        ([["a", 0]], "port 0"),
        ([["a b"]], "host 'a b'"),
        ([["a", 25, {"x": 5}]], "option 'x'"),
    ],
)
def test_bad_servers(device, hosts, begins):
    args = (hosts, 25, "plc7@plant.lan", "ops@example.com", "s", "x", {})
    found = device.call("send", *args)
    assert found.get("value_error", str(found)).startswith(begins)


# The dry run

VERIFY = """
from smtp_client import SMTPClient
from smtp_client.errors import SMTPError
with SMTPClient({hosts}, {port}{more}) as client:
    try:
        refused, times = client.verify("plc7@plant.lan", {recipients})
        result = [sorted(refused), [stage for stage, _ in times], min(ms for _, ms in times) >= 0]
        client.send_mail("a@b", "c@d", "s", "x")
    except SMTPError as error:
        result = [error.stage, error.code, error.outcome]
"""
OPEN = ["CONNECT", "EHLO"]
SECURE = [*OPEN, "STARTTLS", "EHLO", "AUTH"]


def verify(device, server, recipients=("a@b.lan", "c@d.lan"), more="", hosts=None):
    """Go through a dry run, and then send a mail in the same session."""
    names = {"hosts": hosts or repr(server.host), "port": server.port, "more": more}
    return device.call("exec", VERIFY.format(recipients=list(recipients), **names))


@pytest.mark.parametrize("keywords", ["PIPELINING", ""])
def test_verify(device, server, keywords):
    server.scenario = f"KEYWORDS={keywords}"
    found = verify(device, server)
    assert found == [[], [*OPEN, "MAIL", "RCPT", "RCPT", "RSET"], True]
    session = server.sessions[0]
    session.wait_closed()
    assert len(server.sessions) == len(server.mails) == 1  # the mail that followed
    assert session.faults == []
    names = [line.split(b" ")[0] for line in session.commands]
    assert names == b"EHLO MAIL RCPT RCPT RSET MAIL RCPT DATA QUIT".split()


def test_verify_with_tls_and_password(device):
    with FakeSMTP(tls=context(), accounts={"plc": "geheim"}) as server:
        more = f", tls='starttls', ca={ca()!r}, username='plc', password='geheim'"
        found = verify(device, server, more=more)
    assert found == [[], [*SECURE, "MAIL", "RCPT", "RCPT", "RSET"], True]
    assert server.sessions[0].faults == []


def test_verify_tells_who_is_refused(device, server):
    server.scenario = "RCPT bad*=550 no"
    assert verify(device, server, ["a@b.lan", "bad@b.lan"])[0] == ["bad@b.lan"]


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("MAIL=550 no", ["MAIL", 550, "refused"]),
        ("RCPT=550 no", ["RCPT", 550, "refused"]),
        ("RSET=drop", ["RSET", None, "refused"]),
        ("BANNER=554 no", ["CONNECT", 554, "refused"]),
        ("EHLO=drop", ["EHLO", None, "refused"]),
    ],
)
def test_verify_that_fails(device, server, scenario, expected):
    server.scenario = scenario
    assert verify(device, server) == expected
    assert server.mails == []


def test_verify_asks_the_next_server(device, servers):
    servers[0].scenario = "busy"
    hosts = repr([(server.host, server.port) for server in servers])
    found = verify(device, servers[1], hosts=hosts)
    assert found == [[], [*OPEN, "MAIL", "RCPT", "RCPT", "RSET"], True]
    assert len(servers[1].mails) == 1
