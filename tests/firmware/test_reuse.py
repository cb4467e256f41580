"""Mails and clients used again: after a refusal, an interruption, a change behind their back."""

import socket

import pytest

START = """
import smtp_client
import smtp_client.stream as stream
from smtp_client import Mail, SMTPClient, send_mail
from smtp_client.errors import SMTPError

HOST, PORT = {host!r}, {port}

def attempt(function, *args, **kwargs):
    try:
        return [function(*args, **kwargs)]
    except SMTPError as error:
        return [type(error).__name__, error.stage, error.code, error.outcome]
    except Exception as error:
        return [type(error).__name__, str(error)]

"""


def run(device, server, source):
    """Run a program on the device; `result` is what it leaves."""
    return device.call("exec", START.format(host=server.host, port=server.port) + source)


def send_twice(device, server, body):
    """Send a mail with this body, written as in a program, and send it again."""
    source = f"""
mail = Mail("a@b.lan", "c@d.lan", "s", {body})
client = SMTPClient(HOST, PORT)
result = [attempt(client.send, mail), attempt(client.send, mail)]
client.close()
"""
    return run(device, server, source)


def test_an_iterator_that_was_read_is_not_sent_again(device, server):
    server.scenario = "DOT@1=451 later"
    first, second = send_twice(device, server, "iter(['PUMP 2 IS ON FIRE\\n'])")
    assert first == ["SMTPRefusedError", "BODY", 451, "refused"]
    assert second[0] == "ValueError"
    assert second[1].startswith("body None was read by the attempt before")
    assert server.mails == []


@pytest.mark.parametrize("body", ["['PUMP 2\\n']", "'PUMP 2\\n'", "b'PUMP 2\\n'"])
def test_other_bodies_are_sent_again(device, server, body):
    server.scenario = "DOT@1=451 later"
    assert send_twice(device, server, body)[1] == [{}]
    assert server.mails[0].message.get_payload(decode=True) == b"PUMP 2\r\n"


def test_an_iterator_that_was_not_read_is_sent_again(device, server):
    server.scenario = "MAIL@1=451 later"
    assert send_twice(device, server, "iter(['PUMP 2\\n'])")[1] == [{}]
    assert server.mails[0].message.get_payload(decode=True) == b"PUMP 2\r\n"


def test_a_retry_does_not_repeat_the_refusal_before(device, server):
    server.scenario = "RCPT=550 no"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    source = f"""
mail = Mail("a@b.lan", "c@d.lan", "s", "x")
client = SMTPClient(HOST, PORT)
result = [attempt(client.send, mail)]
client.close()
client.server = HOST, {nobody}
result.append(attempt(client.send, mail))
"""
    first, second = run(device, server, source)
    assert first == ["SMTPRecipientsError", "RCPT", 550, "refused"]
    assert second == ["SMTPNetworkError", "CONNECT", None, "refused"]


def test_a_recipient_given_twice_and_a_lost_reply(device, server):
    server.scenario = "RCPT#2=550 twice; DOT=drop"
    error = device.send(server, ["c@d.lan", "c@d.lan"])["error"]
    assert (error["type"], error["outcome"]) == ("SMTPNetworkError", "unknown")


def test_a_mail_that_announces_itself(device, server):
    source = """
mail = Mail("a@b.lan", "c@d.lan", "s", "x")
client = SMTPClient(HOST, PORT)
result = [attempt(client.send, mail, mail), attempt(client.send, mail)]
client.close()
"""
    assert run(device, server, source) == [[{}], [{}]]
    assert len(server.mails) == 2


def test_another_mail_than_the_announced_one(device, server):
    source = """
one, two, three = [Mail("a@b.lan", "c@d.lan", s, "x") for s in ("one", "two", "three")]
client = SMTPClient(HOST, PORT)
result = [attempt(client.send, one, two), attempt(client.send, three), attempt(client.send, two)]
client.close()
"""
    assert run(device, server, source) == [[{}]] * 3
    assert [mail.message["Subject"] for mail in server.mails] == ["one", "three", "two"]


def test_what_was_checked_cannot_be_changed(device, server):
    source = """
headers = {"X-A": "b"}
to = ["c@d.lan"]
cc = ["e@f.lan"]
plain = Mail("a@b.lan", to, "s", "x")
special = Mail("a@b.lan", to, "s", "x", headers=headers, cc=cc)
headers["X-B\\r\\nBcc"] = "evil@x.lan"
to[0] = cc[0] = "c@d.lan>\\r\\nRCPT TO:<evil@x.lan"
result = [attempt(SMTPClient(HOST, PORT).send, mail, None, True) for mail in (plain, special)]
"""
    assert run(device, server, source) == [[{}], [{}]]
    assert all(b"evil" not in session.received for session in server.sessions)


def test_an_interrupted_close_leaves_a_client_that_works(device, server):
    source = """
def interrupt():
    raise KeyboardInterrupt
client = SMTPClient(HOST, PORT)
result = [attempt(client.send_mail, "a@b.lan", "c@d.lan", "one", "x")]
client.stream.idle = interrupt
try:
    client.close()
except KeyboardInterrupt:
    result.append("interrupted")
client.stream.idle = None
result.append(attempt(client.send_mail, "a@b.lan", "c@d.lan", "two", "x"))
client.close()
"""
    assert run(device, server, source) == [[{}], "interrupted", [{}]]


def test_a_hook_that_fails_to_send_a_mail_of_its_own(device, server):
    server.scenario = "MAIL bad@*=550 no"
    source = """
def hook():
    if not client.pending or client.mail is not None or len(client.pending) != 2:
        return  # not between the final dot and its reply
    client.stream.idle = None
    send_mail(HOST, PORT, "bad@b.lan", "c@d.lan", "within", "x")
client = SMTPClient(HOST, PORT, idle=hook)
result = attempt(client.send, Mail("a@b.lan", "c@d.lan", "around", "x"), None, True)
"""
    assert run(device, server, source)[3] == "unknown"


def test_an_address_for_which_there_is_no_socket(device, server):
    source = """
import errno
def no_socket(family, *more):
    if family is None:
        raise OSError(errno.ENOMEM)
    return real[0](family, *more)
real = stream.socket, stream.getaddrinfo
stream.socket = no_socket
stream.getaddrinfo = lambda *args: [(None, 0, 0, "", None)] + list(real[1](*args))
result = [attempt(send_mail, HOST, PORT, "a@b.lan", "c@d.lan", "s", "x")]
stream.getaddrinfo = lambda *args: [(None, 0, 0, "", None)]
result.append(attempt(send_mail, HOST, PORT, "a@b.lan", "c@d.lan", "s", "x"))
stream.socket, stream.getaddrinfo = real
"""
    first, second = run(device, server, source)
    assert first == [{}]
    assert second == ["SMTPNetworkError", "CONNECT", None, "refused"]


def test_a_close_that_fails_changes_nothing(device, server):
    source = """
class Tcp:
    def close(self):
        raise OSError(12)
client = SMTPClient(HOST, PORT)
result = [attempt(client.send_mail, "a@b.lan", "c@d.lan", "one", "x")]
real = client.stream.socket
client.stream.socket = Tcp()
client.stream.close()
real.close()
client.reset()
result.append(attempt(client.send_mail, "a@b.lan", "c@d.lan", "two", "x"))
client.close()
"""
    assert run(device, server, source) == [[{}], [{}]]


SLOW_BODY = """
import time
pause = getattr(time, "sleep_ms", None) or (lambda ms: time.sleep(ms / 1000))
def slow():
    for _ in range(20):
        pause(20)
        yield "line of a mail that comes slowly\\n" * 60
result = attempt(send_mail, HOST, PORT, "a@b.lan", "c@d.lan", "s", slow(), deadline=0.1)
"""


def test_the_deadline_counts_while_a_willing_server_takes_the_mail(device, server):
    assert run(device, server, SLOW_BODY) == ["SMTPNetworkError", "BODY", None, "refused"]
    assert server.mails == []


def test_a_body_that_yields_nothing_ends_at_the_deadline(device, server):
    source = """
calls = [0]
def idle():
    calls[0] += 1
def empty():
    while True:
        yield b""
args = HOST, PORT, "a@b.lan", "c@d.lan", "s", empty()
result = attempt(send_mail, *args, deadline=0.1, idle=idle) + [calls[0] > 3]
"""
    assert run(device, server, source) == ["SMTPNetworkError", "BODY", None, "refused", True]


def test_a_refused_ehlo_offers_nothing(device, server):
    server.scenario = r"EHLO=502-no\r\n502-PIPELINING\r\n502 8BITMIME"
    assert device.send(server, text="Käse")["refused"] == {}
    server.sessions[0].wait_closed()
    assert server.sessions[0].faults == []
    assert b"BODY=" not in server.sessions[0].received


def test_the_message_id_of_a_long_sender_can_be_given_back(device, server):
    server.scenario = "DOT=drop"
    args = (server.host, server.port, "x" * 64 + "@plant.lan", "c@d.lan", "s", "x")
    error = device.call("send", *args, {})["error"]
    server.scenario = "default"
    again = {"message_id": error["message_id"], "date": error["date"]}
    assert device.call("send", *args, again)["refused"] == {}
    assert server.mails[0].message["Message-ID"] == server.mails[1].message["Message-ID"]
