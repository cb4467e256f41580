"""The client for asyncio: the outcomes of the blocking one, while other tasks run."""

import pytest

from host_tools.fake_smtp import FakeSMTP
from tests.firmware.test_faults import FAULTS, FINE, STAGES, Expected, expected, options_for
from tests.tls import ca, context

START = """
import asyncio
from smtp_client.aio import SMTPClient, send_mail
from smtp_client.errors import SMTPError
SERVER = {host!r}, {port}
OPTIONS = {options}

async def attempt(awaitable):
    try:
        return [await awaitable]
    except SMTPError as error:
        return [type(error).__name__, error.code, error.transient, error.outcome, error.enhanced]

def mail(subject="s", text="x", **more):
    return SERVER + ("a@b.lan", "c@d.lan", subject, text), dict(OPTIONS, **more)

async def send(*args, **more):
    args, more = mail(*args, **more)
    return await attempt(send_mail(*args, **more))
{program}
result = asyncio.run(main())
if hasattr(asyncio, "new_event_loop"):
    asyncio.new_event_loop()
"""


def run(device, server, program, **options):
    """Run a program with a coroutine main() and return what that returns."""
    source = START.format(
        host=server.host, port=server.port, options=repr(options), program=program
    )
    return device.call("exec", source)


ONE = """
async def main():
    return await send()
"""


def test_a_mail(device, server):
    assert run(device, server, ONE) == [{}]
    assert server.sessions[0].wait_closed() == "quit"
    assert server.sessions[0].turns == 4
    assert server.mails[0].message.get_content() == "x\r\n"


@pytest.mark.parametrize("keywords", ["PIPELINING", ""], ids=["pipelined", "one by one"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STAGES)
def test_fault(device, server, stage, fault, keywords):
    server.scenario = f"KEYWORDS={keywords}; " + f"{STAGES[stage]}={FAULTS[fault][0]}"
    found = run(device, server, ONE, **options_for(stage, fault))
    row = expected(stage, fault)
    assert found == [{}] if row is FINE else Expected(*found) == row


@pytest.mark.parametrize("implicit", [True, False])
def test_tls_and_password(device, implicit):
    with FakeSMTP(tls=context(), implicit=implicit, accounts={"plc": "geheim"}) as server:
        way = "implicit" if implicit else "starttls"
        options = {"tls": way, "ca": ca(), "username": "plc", "password": "geheim"}
        assert run(device, server, ONE, **options) == [{}]
        assert server.sessions[0].user == "plc"


def test_an_unverified_server(device):
    with FakeSMTP(tls=context("expired")) as server:
        found = run(device, server, ONE, tls="starttls", ca=ca())
    assert found[0] == "SMTPSecurityError"


def test_a_session(device, server):
    program = """
async def main():
    found = []
    async with SMTPClient(*SERVER) as client:
        for number in range(3):
            mail = client.send_mail("a@b", "c@d", "mail %d" % number, "x" * 3000)
            found.append(await attempt(mail))
        found.append(await attempt(client.verify("a@b", "c@d")))
    return [found[:3], found[3][0][0], [stage for stage, _ in found[3][0][1]]]
"""
    found = run(device, server, program)
    assert found == [[[{}]] * 3, {}, ["CONNECT", "EHLO", "MAIL", "RCPT", "RSET"]]
    assert [mail.message["Subject"] for mail in server.mails] == ["mail 0", "mail 1", "mail 2"]
    assert server.sessions[1].wait_closed() == "quit"


@pytest.mark.parametrize("scenario", ["BANNER=silence", "DOT=silence", "MAIL=drip"])
def test_other_tasks_run_meanwhile(device, server, scenario):
    server.scenario = scenario
    program = """
async def count():
    global number
    while True:
        number += 1
        await asyncio.sleep(0.01)

async def main():
    global number
    number = 0
    task = asyncio.create_task(count())
    found = await send()
    task.cancel()
    return [found[0], number >= 5]
"""
    found = run(device, server, program, timeout=0.3, deadline=0.5)
    assert found == ["SMTPNetworkError", True]


def test_a_long_mail_does_not_hold_others_up(device, server):
    program = """
async def count():
    global number
    while True:
        number += 1
        await asyncio.sleep(0)

def blocks():
    for _ in range(100):
        seen.append(number)
        yield "line of a long mail\\n" * 100

seen = []

async def main():
    global number
    number = 0
    task = asyncio.create_task(count())
    found = await send("s", blocks())
    task.cancel()
    return [found[0], len(set(seen))]
"""
    assert run(device, server, program) == [{}, 100]  # the other task ran after each block


def test_several_at_a_time(device, server):
    program = """
async def main():
    return await asyncio.gather(*[send("mail %d" % number) for number in range(5)])
"""
    assert run(device, server, program) == [[{}]] * 5
    assert len(server.mails) == len(server.sessions) == 5


def test_one_client_serves_one_task(device, server):
    server.scenario = "DOT=delay 100ms"
    program = """
async def main():
    client = SMTPClient(*SERVER)
    mails = [client.send_mail("a@b", "c@d", "s", "x") for _ in range(2)]
    found = await asyncio.gather(*[attempt(mail) for mail in mails])
    await client.close()
    return found
"""
    first, second = run(device, server, program)
    assert first == [{}]
    assert second[0] == "SMTPStateError"
    assert len(server.mails) == 1


def test_a_cancelled_mail_leaves_a_client_that_works(device, server):
    server.scenario = "MAIL@1=silence"
    program = """
async def main():
    client = SMTPClient(*SERVER)
    found = []
    try:
        await asyncio.wait_for(client.send_mail("a@b", "c@d", "one", "x"), 0.3)
    except asyncio.TimeoutError:
        found.append("cancelled")
    client.server = SERVER[0], OTHER
    found.append(await attempt(client.send_mail("a@b", "c@d", "two", "x")))
    await client.close()
    return found
"""
    with FakeSMTP() as other:
        found = run(device, server, f"OTHER = {other.port}\n{program}")
    assert found == ["cancelled", [{}]]
    assert len(other.mails) == 1


def test_a_list_of_servers_is_refused(device, server):
    program = """
async def main():
    try:
        await send_mail([SERVER], 25, "a@b", "c@d", "s", "x")
    except ValueError as error:
        return str(error)
"""
    assert run(device, server, program).endswith("for asyncio give one server")
