"""The client against an independent server, aiosmtpd: what arrives is what was sent."""

import asyncio
import threading
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace

import pytest
from aiosmtpd.smtp import SMTP

from tests.firmware.test_body import PAYLOADS, normal


class Inbox:
    """Keeps what aiosmtpd took."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        """Take a mail."""
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def aiosmtpd():
    """An aiosmtpd on a free port of its own, in a thread."""
    inbox = Inbox()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        make = lambda: SMTP(inbox, enable_SMTPUTF8=False, hostname="theirs.lan")  # noqa: E731
        return await loop.create_server(make, "127.0.0.1", 0)

    async def stop():
        server.close()
        await server.wait_closed()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    host, port = server.sockets[0].getsockname()
    yield SimpleNamespace(host=host, port=port, envelopes=inbox.envelopes)
    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name != "NUL and controls"])
def test_payload(device, aiosmtpd, name):
    for body in (PAYLOADS[name], [PAYLOADS[name]]):
        found = device.send(aiosmtpd, ["a@b.lan", "c@b.lan"], text=body, subject="Käse")
        assert found["refused"] == {}
    for envelope in aiosmtpd.envelopes:
        assert envelope.mail_from == "plc7@plant.lan"
        assert envelope.rcpt_tos == ["a@b.lan", "c@b.lan"]
        message = message_from_bytes(envelope.content, policy=default)
        assert message.defects == []
        assert message["Subject"] == "Käse"
        assert message.get_payload(decode=True) == normal(PAYLOADS[name]).encode()


def test_session(device, aiosmtpd):
    mails = [["plc7@plant.lan", "ops@example.com", f"mail {n}", "x", {}] for n in range(3)]
    found = device.call("session", aiosmtpd.host, aiosmtpd.port, mails, True)
    assert found == [{"refused": {}}] * 3
    subjects = [message_from_bytes(one.content)["Subject"] for one in aiosmtpd.envelopes]
    assert subjects == ["mail 0", "mail 1", "mail 2"]
