"""Several mails in one session, round trips, re-entrance, and a session that was lost."""

import pytest


def mails(count):
    """Return the arguments of some mails."""
    return [
        ["plc7@plant.lan", "ops@example.com", f"mail {n}", f"text {n}", {}]
        for n in range(1, count + 1)
    ]


def session(device, server, count, look_ahead=True, until_ended=False):
    """Send some mails in one session and return the outcome of each."""
    args = (server.host, server.port, mails(count), look_ahead, until_ended)
    return device.call("session", *args)


@pytest.mark.parametrize("look_ahead", [True, False])
@pytest.mark.parametrize("keywords", ["PIPELINING", ""])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_mails_of_a_session(device, server, count, keywords, look_ahead):
    server.scenario = f"KEYWORDS={keywords}"
    assert session(device, server, count, look_ahead) == [{"refused": {}}] * count
    assert [mail.message["Subject"] for mail in server.mails] == [
        f"mail {n}" for n in range(1, count + 1)
    ]
    assert len(server.sessions) == 1
    assert server.sessions[0].wait_closed() == "quit"
    assert server.sessions[0].faults == []


def test_the_next_mail_travels_with_the_final_dot(device, server):
    session(device, server, 2)
    server.sessions[0].wait_closed()
    assert b"\r\n.\r\nMAIL FROM:<plc7@plant.lan>\r\nRCPT TO:<ops@example.com>\r\nDATA\r\n" in (
        server.sessions[0].received
    )
    assert server.sessions[0].received.endswith(b"\r\n.\r\nQUIT\r\n")


def test_one_write_a_group(device, server):
    assert device.send(server, ["a@b.lan", "c@b.lan", "d@b.lan"])["refused"] == {}
    server.sessions[0].wait_closed()
    ehlo, group, body = server.sessions[0].segments
    assert ehlo == b"EHLO [127.0.0.1]\r\n"
    assert group == (
        b"MAIL FROM:<plc7@plant.lan>\r\nRCPT TO:<a@b.lan>\r\nRCPT TO:<c@b.lan>\r\n"
        b"RCPT TO:<d@b.lan>\r\nDATA\r\n"
    )
    assert body.startswith(b"From: ")
    assert body.endswith(b"\r\nHello\r\n.\r\nQUIT\r\n")


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("keywords", ["PIPELINING", ""])
@pytest.mark.parametrize("look_ahead", [True, False])
def test_a_refused_mail_does_not_hurt_the_next(device, server, stage, keywords, look_ahead):
    server.scenario = f"KEYWORDS={keywords}; {stage}@2=550 5.7.1 no"
    first, second, third = session(device, server, 3, look_ahead)
    assert first == third == {"refused": {}}
    assert second["error"]["code"] == 550
    assert [mail.message["Subject"] for mail in server.mails] == ["mail 1", "mail 3"]
    assert len(server.sessions) == 1
    server.sessions[0].wait_closed()
    assert (b"RSET\r\n" in server.sessions[0].received) == (stage != "DOT")
    assert server.sessions[0].faults == []


@pytest.mark.parametrize("action", ["421 closing", "550 no", "drop", "say hm"])
def test_a_refused_rset_opens_a_new_session(device, server, action):
    server.scenario = f"RSET={action}; RCPT@1=550 no"
    first, second, third = session(device, server, 3, look_ahead=False)
    assert first["error"]["code"] == 550
    assert second["error"]["stage"] == "RSET"
    assert second["error"]["outcome"] == "refused"
    assert third["error"]["code"] == 550  # the first mail of a new session
    assert len(server.sessions) == 2


@pytest.mark.parametrize("look_ahead", [True, False])
@pytest.mark.parametrize("action", ["drop", "reset"])
def test_a_lost_session_is_opened_anew(device, server, action, look_ahead):
    server.scenario = f"DOT@2={action}"
    first, second, third = session(device, server, 3, look_ahead)
    assert first == third == {"refused": {}}
    assert second["error"]["outcome"] == "unknown"
    assert [mail.message["Subject"] for mail in server.mails] == ["mail 1", "mail 2", "mail 3"]


def test_a_session_that_the_server_ended_is_opened_anew(device, server):
    server.scenario = "DOT=then-drop 250 2.0.0 OK"
    found = session(device, server, 3, look_ahead=False, until_ended=True)
    assert found == [{"refused": {}}] * 3
    assert len(server.sessions) == 3


def test_a_session_that_the_server_ends_with_421(device, server):
    server.scenario = r"DOT@1=then-drop 250 2.0.0 OK\r\n421 4.4.2 idle"
    found = session(device, server, 3, look_ahead=False, until_ended=True)
    assert found == [{"refused": {}}] * 3
    assert len(server.sessions) == 3


@pytest.mark.parametrize("event", ["send", "close"])
def test_a_call_from_within_a_call(device, server, event):
    found = device.call("reenter", server.host, server.port, event)
    assert found["around"] == {"refused": {}}
    error = found["within"]["error"]
    assert (error["type"], error["transient"]) == ("SMTPStateError", False)
    assert error["text"] == f"{event}() is not legal in this state"
    assert error["stage"] == "CONNECT"
    assert found["count"] > 1
    assert len(server.mails) == 1


@pytest.mark.parametrize("where", ["idle", "body"])
def test_an_exception_of_the_program_passes_and_ends_the_session(device, server, where):
    first, second = device.call("interrupt", server.host, server.port, where)
    assert first["exception"].startswith("KeyError")
    assert second == {"refused": {}}
    assert [mail.message["Subject"] for mail in server.mails] == ["two"]


def test_size(device, server):
    server.scenario = "KEYWORDS=PIPELINING, SIZE 5000"
    text = "x" * 79 + "\n"
    error = device.send(server, text=text * 70)["error"]
    assert (error["stage"], error["code"], error["enhanced"]) == ("MAIL", 552, "5.3.4")
    assert not error["transient"]
    server.sessions[0].wait_closed()
    assert b"MAIL" not in server.sessions[0].received
    assert device.send(server, text=text * 40)["refused"] == {}
    assert int(server.mails[0].parameters["SIZE"]) >= 80 * 40


@pytest.mark.parametrize("keywords", ["SIZE", "SIZE 0", "SIZE lots", ""])
def test_size_without_a_limit(device, server, keywords):
    server.scenario = f"KEYWORDS={keywords}"
    assert device.send(server, text="x\n" * 2000)["refused"] == {}


def test_keywords_in_small_letters(device, server):
    server.scenario = r"EHLO=250-hi\r\n250-pipelining\r\n250 8bitmime"
    device.send(server, text="Käse")
    server.sessions[0].wait_closed()
    assert len(server.sessions[0].segments) == 3
    assert b"BODY=8BITMIME" in server.sessions[0].received


def test_a_greeting_is_no_keyword(device, server):
    server.scenario = r"EHLO=250-PIPELINING\r\n250-X-8BITMIME\r\n250 XSIZE 5"
    device.send(server, text="Käse\n" * 500)
    server.sessions[0].wait_closed()
    assert b"BODY=" not in server.sessions[0].received
    assert b"SIZE=" not in server.sessions[0].received
    assert len(server.sessions[0].segments) > 4


def test_trace(device, server):
    found = device.send(server, trace=True, local_hostname="plc7.plant.lan")
    lines = [tuple(line[:3]) for line in found["trace"]]
    assert lines[:3] == [
        ("CONNECT", "<", "220 fake.alarmpost ESMTP"),
        ("EHLO", ">", "EHLO plc7.plant.lan"),
        ("EHLO", "<", "250-fake.alarmpost"),
    ]
    assert ("MAIL", ">", "MAIL FROM:<plc7@plant.lan>") in lines
    assert ("RCPT", "<", "250 2.1.5 OK") in lines
    assert ("BODY", ">", ".") in lines
    assert ("BODY", "<", "250 2.0.0 OK queued as 1") in lines
    times = [line[3] for line in found["trace"]]
    assert times == sorted(times)
    assert all(isinstance(time, int) for time in times)


def test_trace_shows_what_is_no_reply(device, server):
    server.scenario = r"MAIL=say \x1b[31mhm"
    found = device.send(server, trace=True)
    assert found["trace"][-1][:3] == ["MAIL", "<", "?[31mhm"]
