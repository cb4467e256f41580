"""The whole chain: the firmware under MicroPython, the rendered gateway, a provider with TLS."""

import smtplib
import subprocess
import sys
from email import message_from_bytes, policy

import pytest

from host_tools.gateway import trial
from host_tools.gateway.provider import USER
from tests.gateway.boards import FIRMWARE, Board
from tests.gateway.plant import REMOVE, gateway

TLS = {"gateway.provider.security": "tls", "gateway.provider.port": 465}


@pytest.mark.parametrize("changes", [{}, TLS], ids=["starttls", "tls"])
@pytest.mark.parametrize("bits", [64, 32])
def test_a_mail_arrives_as_it_was_sent(changes, bits):
    with trial.start(gateway(changes)) as chain:
        Board(chain.postfix.port, "whole", 1, bits=bits).finish()
        (mail,) = chain.provider.wait(1)
        log = chain.postfix.log
    read = message_from_bytes(mail.content, policy=policy.SMTP)
    assert (mail.sender, mail.recipients) == (USER, ["ops@example.com"])
    assert (read["From"], read["To"]) == (USER, "ops@example.com")
    assert read["Subject"] == "[PLANT high] PUMP_0 overload RAISED"
    assert read["Message-ID"] == "<whole.0@alarmpost.internal>"
    assert read["Date"] == "Sun, 22 Nov 2026 14:02:00 +0000"
    assert read["In-Reply-To"] == "<1.1.1@alarmpost.internal>"
    assert mail.content.endswith(
        b"\r\n\r\nReset the motor protection.\r\n.a line that begins with a dot\r\n"
    )
    assert chain.provider.logins == [True]
    assert "Verified TLS connection established to localhost" in log


def test_a_display_name_and_a_text_in_any_language_arrive(chain):
    text = "Grüße: Pumpe läuft heiß\n"
    board = send(chain, sender="Pumpe Süd <plc7@plant.lan>", text=text)
    assert board["From"] == f"Pumpe Süd <{USER}>"
    assert board.get_content().splitlines() == text.splitlines()


def test_a_mail_without_a_date_gets_one(chain):
    with smtplib.SMTP("127.0.0.1", chain.postfix.port) as client:
        client.sendmail("plc7@plant.lan", "ops@example.com", "From: plc7@plant.lan\n\nhello\n")
    (mail,) = chain.provider.wait(1)
    read = message_from_bytes(mail.content, policy=policy.SMTP)
    assert read["Date"]
    assert read["Message-ID"].endswith("@mail.plant.lan>")


def test_where_the_provider_takes_any_sender_none_is_rewritten():
    with trial.start(gateway({"gateway.provider.from": REMOVE})) as chain:
        Board(chain.postfix.port, "own", 1).finish()
        (mail,) = chain.provider.wait(1)
    assert mail.sender == "plc7@plant.lan"


def send(chain, sender, text):
    """Send a mail with the firmware's client under CPython; return what arrives."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from smtp_client import send_mail\n"
        "send_mail('127.0.0.1', int(sys.argv[2]), sys.argv[3], 'ops@example.com', 'x',"
        " sys.argv[4])"
    )
    words = [sys.executable, "-c", program, str(FIRMWARE), str(chain.postfix.port), sender, text]
    subprocess.run(words, check=True)
    return message_from_bytes(chain.provider.wait(1)[0].content, policy=policy.default)
