"""Network failures on the socket dialects of the ports, and time: virtual, so exact."""

import socket

import pytest

# errno by port: MicroPython on esp32 has newlib's numbers, on rp2 and unix Linux's
NUMBERS = {
    "esp32": {
        "ECONNREFUSED": 111, "ECONNRESET": 104, "ETIMEDOUT": 116, "ENOTCONN": 128,
        "ECONNABORTED": 113, "EHOSTUNREACH": 118,
    },
    "rp2": {
        "ECONNREFUSED": 111, "ECONNRESET": 104, "ETIMEDOUT": 110, "ENOTCONN": 107,
        "ECONNABORTED": 103, "EHOSTUNREACH": 113,
    },
}  # fmt: skip
CAUSES = {
    "ECONNREFUSED": "refused",
    "EHOSTUNREACH": "unreachable",
    "ETIMEDOUT": "time-out",
    "ECONNRESET": "closed",
    "ECONNABORTED": "closed",
    "ENOTCONN": "closed",
}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", CAUSES)
@pytest.mark.parametrize("port", NUMBERS)
def test_cause(device, port, name, sign):
    source = f"""
import smtp_client.errors as errors
class Numbers:
    pass
for name, number in {NUMBERS[port]}.items():
    setattr(Numbers, name, number)
real = errors.errno
errors.errno = Numbers
result = errors.network(OSError({sign * NUMBERS[port][name]}), 7).text
errors.errno = real
"""
    assert device.call("exec", source) == f"{CAUSES[name]}, 7 ms after the call began"


@pytest.mark.parametrize("args", ["()", "('odd',)", "(9999,)"])
def test_unknown_cause(device, args):
    source = f"import smtp_client.errors as e\nresult = e.network(OSError(*{args}), 7).text"
    assert device.call("exec", source).startswith("network error ")


def test_nobody_listens(device, server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
    error = device.send(server)["error"]
    assert (error["type"], error["stage"]) == ("SMTPNetworkError", "CONNECT")
    assert (error["transient"], error["outcome"]) == (True, "refused")
    assert error["text"].startswith("refused, ")
    assert error["text"].endswith(f"at 127.0.0.1 port {server.port}")


def test_a_name_that_nobody_has(device, server):
    server.host = "no-such-host.invalid"
    error = device.send(server)["error"]
    assert error["stage"] == "CONNECT"
    assert error["text"].startswith("name look-up: ")
    assert error["transient"]


def test_a_name_of_several_addresses(device, server):
    server.host = "localhost"  # ::1 comes first where there is one, and nobody listens there
    assert device.send(server)["refused"] == {}


VIRTUAL = """
import smtp_client
import smtp_client.stream as stream
from smtp_client.errors import SMTPError

class Poller:
    "A poll object for which time passes, and nothing else happens."
    waits = []
    def register(self, *_):
        pass
    modify = register
    def ipoll(self, limit):
        self.waits.append(limit)
        clock[0] += limit
        return ready.pop(0) if ready else ()

class Socket:
    def __init__(self, *_):
        pass
    def close(self, *_):
        pass
    setblocking = setsockopt = connect = close

clock = [{start}]
ready = [((None, 4),)]
idle = []
real = stream.ticks_ms, stream.poll, stream.socket
stream.ticks_ms, stream.poll, stream.socket = lambda: clock[0] & {mask}, Poller, Socket
try:
    client = smtp_client.SMTPClient("127.0.0.1", 25, {options}, idle=lambda: idle.append(clock[0]))
    client.send_mail("a@b.lan", "c@d.lan", "s", "x")
except SMTPError as error:
    text = str(error)
finally:
    stream.ticks_ms, stream.poll, stream.socket = real
gaps = [later - earlier for earlier, later in zip(idle, idle[1:])]
result = [text, clock[0] - {start}, max(Poller.waits), max(gaps), len(idle)]
"""


TICKS = {"cpython": None, "micropython": 2**62, "micropython32": 2**30}
"""Where the ticks of each interpreter wrap; a board's are those of the 32-bit one."""


@pytest.mark.parametrize("wrapping", [False, True])
@pytest.mark.parametrize(
    ("options", "took"),
    [("timeout=1, deadline=60", 1000), ("timeout=60, deadline=2", 2000), ("deadline=0.02", 20)],
)
def test_silence_ends_on_time_and_the_idle_hook_is_called(device, options, took, wrapping):
    period = TICKS[device.name]
    start = period - 700 if wrapping and period else 0
    source = VIRTUAL.replace("{options}", options).replace("{start}", str(start))
    source = source.replace("{mask}", str((period or 2**62) - 1))
    text, passed, longest, gap, calls = device.call("exec", source)
    assert text.startswith("CONNECT: time-out, ")
    assert text.endswith("at 127.0.0.1 port 25")
    assert passed - 50 <= took <= passed  # connecting took one wait of at most 50 ms
    assert longest <= 50
    assert gap <= 50
    assert calls >= took // 50


def test_a_reply_that_came_while_the_idle_hook_dawdled_is_taken(device, server):
    source = f"""
import time
import smtp_client
pause = getattr(time, "sleep_ms", None) or (lambda ms: time.sleep(ms / 1000))
server = "{server.host}", {server.port}
client = smtp_client.SMTPClient(*server, timeout=0.05, idle=lambda: pause(60))
client.send_mail("a@b.lan", "c@d.lan", "s", "x")
client.close()
result = True
"""
    assert device.call("exec", source)
    assert len(server.mails) == 1


def test_a_poll_that_fails_is_a_network_error(device, server):
    source = f"""
import smtp_client
import smtp_client.stream as stream
from smtp_client.errors import SMTPError
class Poller:
    def register(self, *_):
        pass
    modify = register
    def ipoll(self, limit):
        raise OSError(5)
real = stream.poll
stream.poll = Poller
try:
    smtp_client.send_mail("{server.host}", {server.port}, "a@b.lan", "c@d.lan", "s", "x")
except SMTPError as error:
    result = str(error)
finally:
    stream.poll = real
"""
    assert device.call("exec", source).startswith("CONNECT: network error 5, ")
