"""The fault table: what the client makes of each fault at each stage, on each interpreter.

A row says what a fault leads to: the type of the error, the reply code, whether it is transient,
and who has the mail. Stages whose outcome differs have rows of their own below.
"""

from typing import NamedTuple

import pytest


class Expected(NamedTuple):
    """What `send_mail()` shall raise; `code` None where no reply decided."""

    type: str
    code: int | None
    transient: bool
    outcome: str = "refused"
    enhanced: str = ""


LOST = Expected("SMTPNetworkError", None, True)
JUNK = Expected("SMTPProtocolError", None, True)
OVERSIZED = r"250 " + "x" * 509

FAULTS = {
    # fault: (action of the server, what follows)
    "420": ("420 4.0.0 no", Expected("SMTPRefusedError", 420, True, enhanced="4.0.0")),
    "450": ("450 4.2.1 later", Expected("SMTPRefusedError", 450, True, enhanced="4.2.1")),
    "451": ("451 later", Expected("SMTPRefusedError", 451, True)),
    "452": ("452 4.3.1 full", Expected("SMTPRefusedError", 452, True, enhanced="4.3.1")),
    "421": ("421 4.3.2 closing", Expected("SMTPRefusedError", 421, True, enhanced="4.3.2")),
    "421 and drop": (
        "then-drop 421 4.3.2 closing",
        Expected("SMTPRefusedError", 421, True, enhanced="4.3.2"),
    ),
    "500": ("500 5.5.2 what", Expected("SMTPRefusedError", 500, False, enhanced="5.5.2")),
    "550": ("550 5.1.1 unknown", Expected("SMTPRefusedError", 550, False, enhanced="5.1.1")),
    "554": ("554 no", Expected("SMTPRefusedError", 554, False)),
    "554 in lines": (
        r"554-5.7.1 first\r\n554 5.7.1 second",
        Expected("SMTPRefusedError", 554, False, enhanced="5.7.1"),
    ),
    "554 and reset": ("then-reset 554 no", Expected("SMTPRefusedError", 554, False)),
    "enhanced of another class": ("550 4.1.1 odd", Expected("SMTPRefusedError", 550, False)),
    "other 2xx": ("214 help", Expected("SMTPProtocolError", 214, True)),
    "other 3xx": ("334 go on", Expected("SMTPProtocolError", 334, True)),
    "no code": ("say hello", JUNK),
    "two digits": (r"say 25\r\n", JUNK),
    "one octet": (r"\x32\r\n", JUNK),
    "code out of range": ("say 650 hm", JUNK),
    "code run into text": ("say 250x", JUNK),
    "empty line": (r"\r\n", JUNK),
    "octets": (r"\0\xff\x80\x01\r\n", JUNK),
    "oversized": (OVERSIZED, JUNK),
    "two codes": (r"250-one\r\n550 two", JUNK),
    "endless line": ("endless-line", JUNK),
    "endless lines": ("endless-lines", JUNK),
    "drop": ("drop", LOST),
    "reset": ("reset", LOST),
    "silence": ("silence", LOST),
    "drip": ("drip", LOST),
    "half a line": (r"then-drop 250 half\c", LOST),
}

STAGES = {
    # stage of the client: the server's
    "CONNECT": "BANNER",
    "EHLO": "EHLO",
    "MAIL": "MAIL",
    "RCPT": "RCPT",
    "DATA": "DATA",
    "BODY": "DOT",
}

FINE = None
SPECIAL = {
    # A refused EHLO is followed by HELO, and that is taken.
    **{
        ("EHLO", fault): FINE
        for fault in ("500", "550", "554", "554 in lines", "enhanced of another class")
    },
    ("EHLO", "554 and reset"): LOST,
}
HELO_FINDS_NOBODY = [("EHLO", "554 and reset")]


def expected(stage, fault):
    """Return what the fault leads to at the stage."""
    if (stage, fault) in SPECIAL:
        return SPECIAL[stage, fault]
    _, row = FAULTS[fault]
    if stage == "BODY" and not row.type.endswith("RefusedError"):
        row = row._replace(outcome="unknown")
    refusal_of_a_recipient = row.type == "SMTPRefusedError" and row.code != 421
    if stage == "RCPT" and refusal_of_a_recipient:
        row = row._replace(type="SMTPRecipientsError")
    return row


def options_for(stage, fault):
    """Return a short time-out for the faulty stage alone, where nothing comes."""
    if fault == "silence":
        return {"timeout": {stage: 0.2}}
    return {"deadline": 1} if fault == "drip" else {}


@pytest.mark.parametrize("keywords", ["PIPELINING", ""], ids=["pipelined", "one by one"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STAGES)
def test_fault(device, server, stage, fault, keywords):
    server.scenario = f"KEYWORDS={keywords}; " + f"{STAGES[stage]}={FAULTS[fault][0]}"
    found = device.send(server, **options_for(stage, fault))
    row = expected(stage, fault)
    if row is FINE:
        assert found["refused"] == {}
        assert len(server.mails) == 1
        return
    error = found["error"]
    assert Expected(*(error[field] for field in Expected._fields)) == row
    assert error["stage"] == ("HELO" if (stage, fault) in HELO_FINDS_NOBODY else stage)
    assert error["message_id"].startswith("<")
    assert error["str"].startswith(error["stage"] + ": ")


def test_the_table_is_large():
    assert len(STAGES) * len(FAULTS) >= 150


# Faults on the way, where the outcome depends on more than the stage


def test_second_recipient_refused(device, server):
    server.scenario = "RCPT#2=550 5.1.1 unknown"
    found = device.send(server, ["a@b.lan", "bad@b.lan", "c@b.lan"])
    assert list(found["refused"]) == ["bad@b.lan"]
    assert found["refused"]["bad@b.lan"]["code"] == 550
    assert server.mails[0].recipients == ("a@b.lan", "c@b.lan")


@pytest.mark.parametrize("keywords", ["PIPELINING", ""])
def test_every_recipient_has_its_own_refusal(device, server, keywords):
    server.scenario = (
        f"KEYWORDS={keywords}; RCPT#1=550 5.1.1 one; RCPT#2=450 4.2.1 two; RCPT#3=551 three"
    )
    error = device.send(server, ["a@b.lan", "b@b.lan", "c@b.lan"])["error"]
    assert error["type"] == "SMTPRecipientsError"
    assert error["transient"]  # one of them may be taken later
    codes = {address: one["code"] for address, one in error["recipients"].items()}
    assert codes == {"a@b.lan": 550, "b@b.lan": 450, "c@b.lan": 551}
    assert server.mails == []


@pytest.mark.parametrize("keywords", ["PIPELINING", ""])
def test_the_same_recipient_twice(device, server, keywords):
    server.scenario = f"KEYWORDS={keywords}; RCPT a*=550 no"
    error = device.send(server, ["a@b.lan", "a@b.lan", "a2@b.lan"])["error"]
    assert sorted(error["recipients"]) == ["a2@b.lan", "a@b.lan"]


def test_354_for_a_refused_mail_is_ended_by_a_lone_dot(device, server):
    server.scenario = "RCPT=550 no; DATA=354 go on"
    error = device.send(server, text="secret")["error"]
    assert (error["stage"], error["code"], error["outcome"]) == ("RCPT", 550, "refused")
    session = server.sessions[0]
    session.wait_closed()
    assert b"secret" not in session.received
    assert session.received.endswith(b"DATA\r\n.\r\nQUIT\r\n")


@pytest.mark.parametrize("fault", ["extra", r"extra 421 4.3.2 closing", "extra 550 no"])
@pytest.mark.parametrize("stage", ["BANNER", "EHLO", "MAIL", "RCPT", "DATA"])
def test_an_unasked_reply_is_never_taken_for_the_next_one(device, server, stage, fault):
    server.scenario = f"{stage}={fault}; KEYWORDS="
    found = device.send(server)
    assert "error" in found
    assert found["error"]["outcome"] == "refused"
    assert server.mails == []


@pytest.mark.parametrize(
    ("action", "type_", "code"),
    [
        ("552 5.3.4 too much", "SMTPRefusedError", 552),
        ("421 closing", "SMTPRefusedError", 421),
        ("then-drop 421 closing", "SMTPRefusedError", 421),
        ("250 2.0.0 OK already", "SMTPProtocolError", None),
        ("say hm", "SMTPProtocolError", None),
    ],
)
def test_a_reply_before_the_final_dot(device, server, action, type_, code):
    server.scenario = f"BODY={action}"
    error = device.send(server, text={"repeat": ["line of a long mail\n", 50_000]})["error"]
    assert (error["type"], error["code"], error["outcome"]) == (type_, code, "refused")
    assert error["stage"] == "BODY"


@pytest.mark.parametrize("action", ["drop", "reset"])
def test_a_connection_lost_in_a_long_body(device, server, action):
    server.scenario = f"BODY={action}"
    error = device.send(server, text={"repeat": ["line of a long mail\n", 200_000]})["error"]
    assert (error["type"], error["stage"], error["outcome"]) == (
        "SMTPNetworkError",
        "BODY",
        "refused",
    )


def test_a_server_that_stops_reading(device, server):
    server.scenario = "BODY=deaf"
    text = {"repeat": ["line of a long mail\n", 300_000]}
    error = device.send(server, text=text, timeout={"BODY": 0.2})["error"]
    assert (error["type"], error["stage"], error["outcome"]) == (
        "SMTPNetworkError",
        "BODY",
        "refused",
    )
    assert error["text"].startswith("time-out")


@pytest.mark.parametrize("action", ["drop", "reset", "silence", "malformed", "drip", "554 no"])
@pytest.mark.parametrize("keywords", ["PIPELINING", ""])
def test_the_reply_to_quit_decides_nothing(device, server, action, keywords):
    server.scenario = f"KEYWORDS={keywords}; QUIT={action}".replace("malformed", "say hm")
    assert device.send(server)["refused"] == {}
    assert len(server.mails) == 1


@pytest.mark.parametrize("action", ["split", "split-crlf"])
def test_replies_in_pieces(device, server, action):
    server.scenario = f"ALL={action}"
    assert device.send(server, ["a@b.lan", "c@b.lan"])["refused"] == {}
    assert server.mails[0].recipients == ("a@b.lan", "c@b.lan")


def test_replies_that_end_in_lf_alone(device, server):
    server.scenario = r"EHLO=250-hi\n250-PIPELINING\n250 8BITMIME\n; MAIL=250 ok\n; DOT=250 ok\n"
    assert device.send(server)["refused"] == {}


def test_helo_only(device, server):
    server.scenario = "helo-only"
    assert device.send(server, ["a@b.lan", "c@b.lan"], text="Käse")["refused"] == {}
    session = server.sessions[0]
    session.wait_closed()
    assert b"EHLO [127.0.0.1]\r\nHELO [127.0.0.1]\r\nMAIL FROM:<plc7@plant.lan>\r\n" in (
        session.received
    )
    assert session.faults == []
    assert server.mails[0].message.get_content() == "Käse\r\n"


def test_helo_refused_too(device, server):
    server.scenario = "EHLO=500 what; HELO=550 5.7.1 not you"
    error = device.send(server)["error"]
    assert (error["stage"], error["code"], error["transient"]) == ("HELO", 550, False)


def test_slow_accept(device, server):
    server.scenario = "CONNECT=delay 200ms"
    assert device.send(server)["refused"] == {}


def test_a_drip_ends_at_the_deadline_not_at_the_time_out(device, server):
    server.scenario = "MAIL=drip 10ms"
    error = device.send(server, timeout=60, deadline=0.5)["error"]
    assert error["text"].startswith("time-out")
    assert error["stage"] == "MAIL"


def test_the_text_of_a_refusal_is_bounded_and_printable(device, server):
    lines = r"\r\n".join([rf"550-5.7.1 \x1b[31m{'y' * 80}"] * 60)
    server.scenario = rf"MAIL={lines}\r\n550 5.7.1 end"
    error = device.send(server)["error"]
    assert error["text"].isprintable()
    assert error["text"].isascii()
    assert 80 < len(error["text"]) < 512
    assert error["enhanced"] == "5.7.1"
