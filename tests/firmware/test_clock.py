"""Uptime over the wrap of the ticks, the calendar, and SNTP against a server that may lie."""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tools import micropython
from host_tools.mpy import compile_file

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware"
PROGRAMS = FIRMWARE.parent / "tests" / "bench" / "programs"
sys.path.insert(0, str(FIRMWARE))

import dates  # noqa: E402

UNIX = 2208988800  # seconds from 1900 to 1970
NOW = 1795356131  # 2026-11-22 14:02:11


# Uptime

WRAP = """
from clock import Clock
PERIOD = 1 << 30
ticks = START
clock = Clock(lambda: ticks, lambda a, b: (a - b + PERIOD // 2) % PERIOD - PERIOD // 2)
result = [clock.now()]
for passed in GAPS:
    ticks = (ticks + passed) % PERIOD
    result.append(clock.now())
    assert clock.now() == result[-1]
"""


@pytest.mark.parametrize("start", [0, 2**30 - 1, 2**29, 12345])
def test_uptime_does_not_wrap(device, start):
    gaps = [0, 1, 50, 2**29 - 1, 2**29 - 1, 2**29 - 1, 1000, 6 * 24 * 3600 * 1000, 1]
    source = WRAP.replace("START", str(start)).replace("GAPS", repr(gaps))
    expected = [sum(gaps[:at]) for at in range(len(gaps) + 1)]
    assert device.call("exec", source) == expected


def test_uptime_runs(device):
    source = """
from clock import Clock
clock = Clock()
result = clock.time
while clock.now() == 0:
    pass
"""
    assert device.call("exec", source) == 0


SECONDS = """
from clock import Clock
clock = Clock()
result = [clock.seconds(time) for time in TIMES]
clock.base = 400000
result += [clock.seconds(time) for time in TIMES]
"""


def test_the_uptime_at_a_time(device):
    source = SECONDS.replace("TIMES", "(0, 999, 1000, 2**30 - 1, -1, -400000)")
    found = [0, 0, 1, 1073741, -1, -400000]
    moved = [400000, 400000, 400001, 1473741, 399999, 0]
    assert device.call("exec", source) == found + moved


# The calendar

DAYS = [
    (0, (1970, 1, 1, 0, 0, 0, 3)),
    (68256000, (1972, 3, 1, 0, 0, 0, 2)),
    (68255999, (1972, 2, 29, 23, 59, 59, 1)),
    (946684799, (1999, 12, 31, 23, 59, 59, 4)),
    (951827696, (2000, 2, 29, 12, 34, 56, 1)),
    (NOW, (2026, 11, 22, 14, 2, 11, 6)),
    (1798761599, (2026, 12, 31, 23, 59, 59, 3)),
    (1798761600, (2027, 1, 1, 0, 0, 0, 4)),
    (1835481599, (2028, 2, 29, 23, 59, 59, 1)),
    (2085978496, (2036, 2, 7, 6, 28, 16, 3)),
    (2**31 - 1, (2038, 1, 19, 3, 14, 7, 1)),
    (2**31, (2038, 1, 19, 3, 14, 8, 1)),
    (4102444799, (2099, 12, 31, 23, 59, 59, 3)),
    (4107542399, (2100, 2, 28, 23, 59, 59, 6)),
]


@pytest.mark.parametrize(("seconds", "expected"), DAYS)
def test_utc(device, seconds, expected):
    assert device.call("exec", f"from dates import utc\nresult = utc({seconds})") == [*expected]
    assert time.gmtime(seconds)[:7] == expected


@settings(deadline=None)
@given(st.integers(0, 4107542399))
def test_utc_is_what_cpython_says(seconds):
    assert dates.utc(seconds) == time.gmtime(seconds)[:7]


def test_every_day_until_2100():
    for day in range(4107542400 // 86400):
        assert dates.utc(day * 86400) == time.gmtime(day * 86400)[:7]


def test_a_mail_takes_it_for_its_date(device):
    source = f"""
from dates import utc
from smtp_client import Mail
mail = Mail("a@b.lan", "c@d.lan", "s", "x", date=utc({NOW}))
mail.start(b"")
out = bytearray()
for _ in mail.write(out):
    pass
result = "Date: Sun, 22 Nov 2026 14:02:11 +0000" in out.decode()
"""
    assert device.call("exec", source) is True


# The board's own clock

RTC = """
import sys
from sntp import set_rtc
told = []
class RTC:
    def datetime(self, date):
        told.append(date)
class Machine:
    pass
machine = Machine()
if HAS:
    machine.RTC = RTC
kept = sys.modules.get("machine")
sys.modules["machine"] = machine
try:
    set_rtc(NOW)
finally:
    del sys.modules["machine"]
    if kept:
        sys.modules["machine"] = kept
result = told
"""


@pytest.mark.parametrize(("has", "told"), [(True, [[2026, 11, 22, 6, 14, 2, 11, 0]]), (False, [])])
def test_the_board_s_own_clock_is_set_if_there_is_one(device, has, told):
    source = RTC.replace("HAS", str(has)).replace("NOW", str(NOW))
    assert device.call("exec", source) == told


def test_without_a_machine_nothing_is_set(device):
    assert device.call("exec", f"from sntp import set_rtc\nresult = set_rtc({NOW})") is None


# SNTP


def answer(request, seconds=NOW, fraction=0, **changes):
    """Return the good answer to a request, with changes: first, stratum, originate, cut."""
    first = changes.get("first", 0x24)
    originate = changes.get("originate", request[40:48])
    head = bytes((first, changes.get("stratum", 2), 0, 0xEC)) + bytes(20)
    transmit = struct.pack(">II", (seconds + UNIX) % 2**32, fraction)
    if "transmit" in changes:
        transmit = changes["transmit"]
    return (head + originate + transmit + transmit)[: changes.get("cut")]


class FakeSntp:
    """An SNTP server on loopback; `script` returns the answers to a request, and from where.

    An answer is octets, from the address that was asked, or a list of them: from another one.
    """

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.socket = new_socket()
        self.other = new_socket()
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.other.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
        self.other.close()

    def serve(self):
        while True:
            request, address = self.socket.recvfrom(512)
            if not request:
                return
            self.requests.append(request)
            for reply in self.script(request):
                if isinstance(reply, list):
                    self.other.sendto(reply[0], address)
                else:
                    self.socket.sendto(reply, address)


def new_socket():
    """Return a UDP socket on a free port of loopback."""
    new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    new.bind(("127.0.0.1", 0))
    return new


ASK = """
from clock import Clock, Sntp
class Time:
    now = 0
time = Time()
clock = Clock(lambda: time.now, lambda a, b: a - b)
sntp = Sntp("127.0.0.1", PORT, clock)
def ask(at, passed=0):
    time.now = at
    result = sntp.poll(clock.now())
    time.now += passed
    while sntp.query and result is None:
        result = sntp.poll(clock.now())
    return result
"""


def ask(device, server, source):
    """Run a piece of source beside an Sntp for a server; return its `result`."""
    return device.call("exec", ASK.replace("PORT", str(server.port)) + source)


def test_the_question(device):
    with FakeSntp(lambda request: [answer(request)]) as server:
        ask(device, server, "result = [ask(0), ask(3600000)]")
    one, two = server.requests
    assert len(one) == len(two) == 48
    assert one[:40] == two[:40] == b"\x23" + bytes(39)  # version 4, mode 3, and no more than that
    assert one[40:] != two[40:]
    assert bytes(8) not in (one[40:], two[40:])


@pytest.mark.parametrize(
    ("at", "passed", "fraction", "expected"),
    [
        (0, 0, 0, NOW),
        (10000, 0, 0, NOW - 10),
        (10000, 1000, 0, NOW - 10),  # it was told at 10.5 s
        (10000, 1002, 0, NOW - 11),
        (10000, 0, 2**31 - 2**20, NOW - 10),  # 0.4998
        (10000, 0, 2**31, NOW - 9),
        (10000, 0, 2**32 - 1, NOW - 9),
        (10000, 1999, 2**31 - 2**20, NOW - 10),  # 0.499 - 10.999
        (10000, 1999, 2**31 - 2**24, NOW - 11),
        (2**31 + 10000, 0, 0, NOW - 2147494),
    ],
)
def test_the_offset(device, at, passed, fraction, expected):
    with FakeSntp(lambda request: [answer(request, NOW, fraction)]) as server:
        assert ask(device, server, f"result = ask({at}, {passed})") == expected


def test_what_is_known_after_an_answer(device):
    with FakeSntp(lambda request: [answer(request)]) as server:
        source = "result = [sntp.heard, ask(7000, 100), sntp.heard, sntp.due, sntp.query]"
        told = ask(device, server, source)
    assert told == [None, NOW - 7, 7100, 7100 + 3600000, None]


@pytest.mark.parametrize("seconds", [2085978495, 2085978497, 2**31, 4107542399])
def test_the_era_that_begins_in_2036(device, seconds):
    with FakeSntp(lambda request: [answer(request, seconds)]) as server:
        assert ask(device, server, "result = ask(0)") == seconds


REFUSED = {
    "empty": {"cut": 0},
    "short": {"cut": 47},
    "a client": {"first": 0x23},
    "symmetric": {"first": 0x22},
    "broadcast": {"first": 0x25},
    "not synchronised": {"first": 0xE4},
    "kiss of death": {"stratum": 0},
    "stratum 16": {"stratum": 16},
    "stratum 255": {"stratum": 255},
    "no originate": {"originate": bytes(8)},
    "another's originate": {"originate": bytes(range(8))},
    "no time": {"transmit": bytes(8)},
    "before 2025": {"seconds": 1735689599},
    "1970": {"seconds": 0},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_answer_is_refused_and_a_good_one_awaited(device, name):
    forged = {"seconds": NOW + 999, **REFUSED[name]}
    with FakeSntp(lambda request: [answer(request, **forged), answer(request)]) as server:
        assert ask(device, server, "result = ask(0)") == NOW


@pytest.mark.parametrize("bit", range(0, 64, 7))
def test_one_wrong_bit_of_the_cookie_is_refused(device, bit):
    def script(request):
        cookie = int.from_bytes(request[40:48], "big") ^ 1 << bit
        return [answer(request, NOW + 9, originate=cookie.to_bytes(8, "big")), answer(request)]

    with FakeSntp(script) as server:
        assert ask(device, server, "result = ask(0)") == NOW


def test_an_answer_from_elsewhere_is_not_heard(device):
    with FakeSntp(lambda request: [[answer(request, NOW + 9)], answer(request)]) as server:
        assert ask(device, server, "result = ask(0)") == NOW


@pytest.mark.parametrize("first", [0x24, 0x1C, 0x64, 0xA4, 0x0C])
@pytest.mark.parametrize("stratum", [1, 15])
def test_good_answers(device, first, stratum):
    """Any version, and a second to leap or to leave out."""
    reply = {"first": first, "stratum": stratum}
    with FakeSntp(lambda request: [answer(request, **reply) + b"more"]) as server:
        assert ask(device, server, "result = ask(0)") == NOW


def test_an_answer_to_the_question_before_is_not_heard(device):
    held = []

    def script(request):
        held.append(request)
        return [answer(held[0], NOW + 9), answer(request)] if len(held) > 1 else []

    with FakeSntp(script) as server:
        assert ask(device, server, "result = [ask(0, 2000), ask(4000)]") == [None, NOW - 4]


def test_an_answer_that_is_late_is_not_heard(device):
    """Half of its way would be more than a second."""
    with FakeSntp(lambda request: [answer(request)]) as server:
        source = """
result = [sntp.poll(clock.now())]
from select import poll
poller = poll()
poller.register(sntp.query.socket, 1)
while not poller.poll(1000):
    pass
time.now = 2000
result += [sntp.poll(clock.now()), sntp.query, sntp.heard]
"""
        assert ask(device, server, source) == [None] * 4


# When it asks

SCHEDULE = """
def questions(start, end, step=1000):
    found = []
    for time.now in range(start, end, step):
        now = clock.now()
        before = sntp.query
        told = sntp.poll(now)
        if sntp.query and sntp.query is not before:
            found.append(now)
            while ANSWERED and sntp.query:
                told = sntp.poll(now)
    return found
"""


def test_it_asks_less_and_less_often_until_there_is_an_answer(device):
    with FakeSntp(lambda _: []) as server:
        source = SCHEDULE.replace("ANSWERED", "False") + "result = questions(0, 6000000)"
        told = ask(device, server, source)
    gaps = [4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024, 1024]
    assert told == [1000 * sum(gaps[:at]) for at in range(len(gaps) + 1)]
    assert len(server.requests) == len(told)


def test_it_asks_hourly_once_there_was_an_answer(device):
    answered = []

    def script(request):
        answered.append(request)
        return [answer(request)] if len(answered) == 3 else []

    with FakeSntp(script) as server:
        source = SCHEDULE.replace("ANSWERED", "found[-1] == 12000")
        told = ask(device, server, source + "result = questions(0, 12000000)")
    hour = 3600000
    assert told == [0, 4000, 12000, *range(12000 + hour, 12000000, hour)]


def test_a_late_question_delays_the_next(device):
    with FakeSntp(lambda _: []) as server:
        source = "result = []\nfor at in (0, 10000, 12000, 17999, 18000):\n"
        source += "    ask(at, 2000)\n    result.append(sntp.due)"
        assert ask(device, server, source) == [4000, 18000, 18000, 18000, 34000]


def test_it_asks_when_told_so(device):
    with FakeSntp(lambda request: [answer(request)]) as server:
        source = "result = [ask(0), ask(5000), setattr(sntp, 'due', 0), ask(6000)]"
        assert ask(device, server, source) == [NOW, None, None, NOW - 6]
    assert len(server.requests) == 2


# Whatever the network does

FAULTS = """
import sys
from clock import Clock, Sntp
log = []
class Socket:
    def __init__(self, *_):
        log.append("open")
        self.fail("socket")
    def fail(self, where):
        if where == WHERE:
            raise ERROR
    def setblocking(self, flag):
        self.fail("setblocking")
    def connect(self, address):
        self.fail("connect")
    def send(self, data):
        self.fail("send")
    def recv(self, size):
        self.fail("recv")
        raise OSError(11)
    def close(self):
        log.append("close")
        self.fail("close")
class Module:
    SOCK_DGRAM = 2
    socket = Socket
    @staticmethod
    def getaddrinfo(*_):
        if WHERE == "getaddrinfo":
            raise ERROR
        if WHERE == "nowhere":
            return []
        return [(2, 2, 0, "", ("10.0.0.1", 123))]
kept = sys.modules.get("socket")
sys.modules["socket"] = Module
now = 0
clock = Clock(lambda: now, lambda a, b: a - b)
sntp = Sntp("ntp.plant.lan", 123, clock)
try:
    told = []
    for now in range(0, 31000, 500):
        told.append(sntp.poll(clock.now()))
finally:
    del sys.modules["socket"]
    if kept:
        sys.modules["socket"] = kept
result = [any(told), log.count("open"), log.count("close"), sntp.due, sntp.heard]
"""


@pytest.mark.parametrize(
    ("where", "opened", "closed"),
    [
        ("getaddrinfo", 0, 0),
        ("nowhere", 0, 0),
        ("socket", 4, 0),
        ("setblocking", 4, 4),
        ("connect", 4, 4),
        ("send", 4, 4),
        ("recv", 4, 4),
        ("nothing", 4, 4),
    ],
)
@pytest.mark.parametrize("error", ["OSError(101)", "OSError('x')", "OSError(-2)", "OSError(-202)"])
def test_no_fault_of_the_network_is_raised(device, where, opened, closed, error):
    source = FAULTS.replace("WHERE", repr(where)).replace("ERROR", error)
    assert device.call("exec", source) == [False, opened, closed, 28000 + 32000, None]


@pytest.mark.parametrize("error", ["ValueError(1)", "MemoryError()", "TypeError()"])
def test_no_other_error_is_raised(device, error):
    source = FAULTS.replace("WHERE", "'getaddrinfo'").replace("ERROR", error)
    assert device.call("exec", source)[:3] == [False, 0, 0]


def test_nobody_listens(device):
    """Loopback says so at once: an error of the next call."""
    with contextlib.closing(new_socket()) as gone:
        port = gone.getsockname()[1]
    source = ASK.replace("PORT", str(port)) + "result = [ask(0, 2000), ask(4000, 2000)]"
    assert device.call("exec", source) == [None, None]


# What a board pays

HEAP = """
import gc, json, micropython
from clock import Clock, Sntp

gc.disable()
now = 0
clock = Clock(lambda: now, lambda a, b: a - b)
sntp = Sntp("127.0.0.1", PORT, clock)

def settled(depth=30):
    if depth:
        return settled(depth - 1)
    gc.collect()
    return gc.mem_alloc()

def query():
    global now
    now = sntp.due
    assert sntp.poll(clock.now()) is None and sntp.query
    flying = settled()
    now += 2000
    assert sntp.poll(clock.now()) is None and not sntp.query
    return flying

def idle():
    for _ in range(9):
        sntp.poll(clock.now())

query()
flying = [0] * 5
rest = settled()
for at in range(5):
    flying[at] = query() - rest
left = settled() - rest
micropython.heap_lock()
try:
    idle()
finally:
    micropython.heap_unlock()
print(json.dumps([max(flying), left]))
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A folder with the compiled modules."""
    folder = tmp_path_factory.mktemp("clock")
    names = ("borrow", "clock", "dates", "sntp")
    for source in (*(FIRMWARE / f"{name}.py" for name in names), PROGRAMS / "imports.py"):
        target = folder / source.with_suffix(".mpy").name
        compile_file(source, target)
    return folder


def on_board(folder, *words):
    """Run a program on the 32-bit MicroPython; return what it prints."""
    words = [str(micropython.find(32)), *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_heap_of_the_module(board, record_property):
    _, octets = on_board(board, "-m", "imports", "borrow", "clock")
    record_property("figure", f"clock: {octets} octets")
    assert 0 < octets <= 1300


def test_heap_of_a_question(board, record_property):
    with FakeSntp(lambda _: []) as server:
        (board / "heap.py").write_text(HEAP.replace("PORT", str(server.port)))
        flying, left = on_board(board, "heap.py")
    record_property("figure", f"sntp: {flying} octets while it asks, {left} afterwards")
    assert 0 < flying <= 1800
    assert left <= 0
