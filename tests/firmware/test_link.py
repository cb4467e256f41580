"""When the link starts its interface anew, and when it resets the board: to the millisecond.

`tests/board/test_boards.py` has the drivers' own behaviour.
"""

PRELUDE = """
import sys

class Hardware:
    kept = 0
    resets = []
    def recall(self): return self.kept
    def remember(self, number): self.kept = number
    def reset(self): self.resets.append(now)
    def reset_cause(self): return "power on"

class Interface:
    # a W5500 on an RP2040
    state = 2
    address = ""
    broken = False
    def __init__(self):
        self.calls = []
    def active(self, on):
        if self.broken: raise RuntimeError("No response from W5500")
        self.calls.append((now, "active", on))
        self.state = 2 if on else 1
    def status(self): return self.state
    def isconnected(self): return self.state == 2 and self.address != ""
    def ifconfig(self, quad=None):
        if quad: self.calls.append((now, "static", quad[0]))
        return (self.address,)
    def ipconfig(self, dhcp4): self.calls.append((now, "dhcp"))

class Network:
    def WIZNET5K(self): return nic
    def hostname(self, name): nic.calls.append((now, "name", name))

def run(until, step=50):
    global now
    while now < until:
        now += step
        link.poll(now)

now = 0
nic = Interface()
hardware = Hardware()
hardware.resets = []
lines = []
sys.modules["hardware"] = hardware
sys.modules["network"] = Network()
sys.modules.pop("link", None)
from link import Link
link = Link("Wiznet")
link.log = lambda level, text, *values: lines.append((now, level, text % values))
try:
"""

CLEANUP = """
finally:
    for name in ("hardware", "network", "link"):
        sys.modules.pop(name, None)
"""


def play(device, source):
    """Run a scene, whose last line sets `result`, on one of the interpreters."""
    body = "".join(f"    {line}\n" for line in source.strip().splitlines())
    return device.call("exec", PRELUDE + body + CLEANUP)


def test_comes_up_and_looks_every_quarter_of_a_second(device):
    scene = """
link.hostname = "plc7"
run(1000)
nic.address = "192.168.1.7"
run(3000)
result = [nic.calls, lines, link.up, link.address, link.work is None]
"""
    calls, lines, *rest = play(device, scene)
    assert calls == [[50, "name", "plc7"], [50, "active", True]]
    assert lines == [[1050, 2, "link: up, 192.168.1.7"]]
    assert rest == [True, "192.168.1.7", True]


def test_a_static_address_comes_after_the_start(device):
    scene = """
link.static = ("10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1")
run(500)
result = nic.calls
"""
    assert play(device, scene) == [[50, "active", True], [50, "static", "10.0.0.9"]]


def test_starts_anew_each_minute_then_resets_the_board(device):
    scene = """
run(200000)
result = [nic.calls, lines, hardware.resets[0], hardware.kept]
"""
    calls, lines, reset, kept = play(device, scene)
    starts = [call for call in calls if call[2:] == [True]]
    assert [at for at, *_ in starts] == [50, 60050, 120050]
    assert [text for _, _, text in lines] == [
        "link: no address, starting anew",
        "link: no address, starting anew",
        "link: no address, reset in 10 s",
    ]
    assert (lines[-1][0], reset, kept) == (180050, 190050, 1)


def test_each_reset_in_vain_doubles_the_wait_up_to_85_minutes(device):
    scene = """
nic.broken = True
waits = []
for _ in range(12):
    link.nic = link.work = None
    link.due = now
    before = now
    del hardware.resets[:]
    while not hardware.resets:
        run(now + 250, 250)
    waits.append((hardware.resets[0] - before) // 1000)
nic.broken = False
nic.address = "192.168.1.7"
link.nic = link.work = None
link.due = now
run(now + 1000)
result = [waits, hardware.kept]
"""
    waits, kept = play(device, scene)
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 5120, 5120]
    assert kept == 0


def test_an_unplugged_cable_is_waited_for_and_dhcp_asked_when_it_is_back(device):
    scene = """
nic.address = "192.168.1.7"
run(1000)
nic.state = 0
run(100000000, 10000)
nic.state = 2
nic.address = ""
run(now + 1000)
nic.address = "192.168.1.8"
run(now + 1000)
result = [[call[1:] for call in nic.calls], [line[1:] for line in lines], hardware.resets]
"""
    calls, lines, resets = play(device, scene)
    assert calls == [["active", True], ["dhcp"]]
    assert lines == [
        [2, "link: up, 192.168.1.7"],
        [1, "link: no link"],
        [2, "link: up, 192.168.1.8"],
    ]
    assert resets == []


def test_an_address_that_changes_is_told(device):
    scene = """
nic.address = "192.168.1.7"
run(1000)
nic.address = "192.168.1.8"
run(2000)
result = [line[1:] for line in lines]
"""
    assert play(device, scene) == [[2, "link: up, 192.168.1.7"], [2, "link: up, 192.168.1.8"]]
