"""The fake server's TLS and AUTH against smtplib, which shares no code with our client."""

import smtplib
import socket
import ssl

import pytest

from host_tools.fake_smtp import FakeSMTP
from tests.tls import ca, context

ACCOUNTS = {"plc7": "geheim"}


def trusting() -> ssl.SSLContext:
    """Return a client's context that trusts the tests' authority."""
    return ssl.create_default_context(cadata=ca())


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_starttls_and_auth(mechanism):
    with FakeSMTP(tls=context(), accounts=ACCOUNTS) as server:
        with smtplib.SMTP(server.host, server.port, local_hostname="pc") as client:
            client.ehlo()
            assert client.has_extn("starttls")
            assert not client.has_extn("auth")
            client.starttls(context=trusting())
            client.ehlo()
            assert not client.has_extn("starttls")
            client.user, client.password = "plc7", "geheim"
            name = "auth_" + mechanism.lower().replace("-", "_")
            client.auth(mechanism, getattr(client, name))
            client.sendmail("a@b", ["c@d"], "Subject: s\r\n\r\nx\r\n")
        session = server.sessions[0]
        session.wait_closed()
    assert (session.user, session.faults, len(session.mails)) == ("plc7", [], 1)
    assert session.tls == "TLSv1.3"
    assert session.in_clear == b"ehlo pc\r\nSTARTTLS\r\n"


def test_implicit_tls_and_a_wrong_password():
    with FakeSMTP(tls=context(), implicit=True, accounts=ACCOUNTS) as server:
        with smtplib.SMTP_SSL(
            server.host, server.port, local_hostname="pc", context=trusting()
        ) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                client.login("plc7", "falsch")
            assert caught.value.smtp_code == 535
        server.sessions[0].wait_closed()
    assert (server.sessions[0].user, server.sessions[0].in_clear) == (None, b"")


def test_commands_that_come_with_starttls_are_a_fault():
    with FakeSMTP(tls=context()) as server:
        with socket.create_connection((server.host, server.port)) as client:
            assert client.recv(999).startswith(b"220 ")
            client.sendall(b"EHLO pc\r\n")
            assert client.recv(999).startswith(b"250-")
            client.sendall(b"STARTTLS\r\nMAIL FROM:<evil@x>\r\n")
            assert client.recv(999).startswith(b"220 ")
        session = server.sessions[0]
        session.wait_closed()
    assert "did not wait for the reply to STARTTLS, which ends a group" in session.faults[0]
    assert b"MAIL" not in session.commands


@pytest.mark.parametrize("script", ["TLS#2=silence", "TLS=split", "TLS@2=drop"])
def test_the_handshake_is_a_stage(script):
    FakeSMTP(script)
