"""Let a test on CPython drive a simulated plant: `world FIRMWARE`.

Reads a JSON array a line, [how, source]: "do" runs statements, "get" returns what an expression
is worth. An answer is a line of "=" and JSON: [true, value] or [false, error]; all other lines are
the firmware's console. Names that sources may use: `plant`, `app`, what this module defines, and
what they have assigned before.
"""

# pyright: reportAttributeAccessIssue=false, reportUnnecessaryComparison=false

import io
import json
import sys
import time
from struct import pack

sys.path.insert(0, sys.argv[1])

import alarmpost
import app as firmware
import flash
import notifier
import plant as world

SINCE_1900 = 2208988800
STEP = 5  # ms of a turn of the main loop
PROGRAM = 1  # ms of a page of 256 octets
ERASE = 50  # ms of a block
SETTLED = 200  # ms after an event in which nothing is skipped


class TimeServer:
    """An SNTP server, and the socket that asks it; one question at a time.

    utc: Unix ms of the plant's time 0
    wrong: how many ms its clock is wrong
    delay: ms until it answers; None: it does not
    questions: when it was asked
    """

    utc = 1795000000000
    wrong = 0
    delay = 2

    def __init__(self):
        self.questions = []

    def setblocking(self, _):
        pass

    def connect(self, _):
        self.answer = None

    def close(self):
        self.answer = None

    def send(self, data):
        now = self.plant.now
        self.questions.append(now)
        if self.delay is None:
            return
        time = self.utc + now + self.delay // 2 + self.wrong
        head = b"\x24\1" + bytes(22) + data[40:48] + bytes(8)
        stamp = pack(">II", time // 1000 + SINCE_1900, (time % 1000 << 32) // 1000)
        self.answer = now + self.delay, head + stamp

    def recv(self, _):
        if not self.answer or self.answer[0] > self.plant.now:
            raise OSError(11)
        return self.answer[1]


class Module:
    """A module of the system's, for what the firmware imports while it runs."""

    def __init__(self, **attributes):
        for name in attributes:
            setattr(self, name, attributes[name])


class SlowFlash(flash.Flash):
    """A flash whose operations take their time, as on an RP2; reading takes none."""

    def writeblocks(self, block, buffer, offset=0):
        names["plant"].now += PROGRAM
        return super().writeblocks(block, buffer, offset)

    def ioctl(self, operation, block):
        if operation == 6:
            names["plant"].now += ERASE
        return super().ioctl(operation, block)


def slow_flash():
    """Boot with such a flash."""
    flash.Flash = SlowFlash
    boot()


def make(config, **options):
    """Make a plant whose board has a configuration."""
    flash.Flash = FastFlash
    names["plant"] = plant = world.Plant(config, blocks=flash.SIZES["esp32"], **options)
    server.plant = plant
    return plant


def boot(cause="power on"):
    """Switch the power on; delays are not random here, so that stories repeat."""
    notifier.jitter = lambda delay: min(2 * delay, notifier.RETRY_MOST)
    try:
        app = names["plant"].boot(cause=cause)
    except world.Reset:  # it has checked another configuration
        app = names["plant"].boot(cause="soft reset")
    app.log.level = 3
    names["app"] = firmware._app = app


def run(until, every=0):
    """Let the main loop turn until a time; what is idle is skipped, but where `every` is given.

    every: ms from one turn to the next
    """
    plant = names["plant"]
    app = names["app"]
    busy = plant.now + SETTLED
    while plant.now < until:
        app.turn()
        if plant.device.dead:
            raise world.Reset
        soon = plant.now + (every or STEP)
        if not every and plant.now >= busy:
            soon = max(soon, due(plant, app))
        if plant.events:
            at = plant.events[0][0]
            if plant.now < at - STEP < soon:
                soon = at - STEP
            elif at <= soon:
                soon = max(at, plant.now)
                busy = soon + SETTLED
        plant.pass_until(min(soon, until))


def due(plant, app):
    """Return when the main loop has something to do next."""
    found = min(app.alarms.due, app.notifier.due, app.next_look)
    if app.sntp:
        found = 0 if app.sntp.query else min(found, app.sntp.due)
    return found + plant.now - app.clock.now()


def spy():
    """Let `kept` be what is put on flash from now on: time, kind and tag of each notice."""
    plant = names["plant"]
    app = names["app"]
    kept = names["kept"] = []
    real = app.outbox.append

    def append(record):
        key = real(record)
        kept.append((plant.now, KINDS[record.kind], record.tag))
        return key

    app.outbox.append = append


def take():
    """Return the mails that came since the last time: time, recipients, octets as text."""
    found = []
    for gateway in names["plant"].gateways.values():
        found += [(at, to, str(mail, "utf-8")) for at, to, mail in gateway.mails]
        gateway.mails = []
    return sorted(found)


def queue():
    """Return what waits in the outbox: kind, tag, state, occurrence, value, recipients, text."""
    box = names["app"].outbox
    found = []
    key = box.find()
    while key:
        one = box.read(key)
        kind = KINDS[one.kind]
        found.append((kind, one.tag, one.state, one.occurrence, one.value, one.to, one.text))
        key = box.find(key)
    return found


def answer(how, source):
    """Do what a line says."""
    if how == "get":
        return eval(source, names)
    exec(source, names)
    return None


def main():
    """Answer until the input ends."""
    for line in sys.stdin:
        try:
            said = True, answer(*json.loads(line))
        except (Exception, world.Reset) as error:
            text = io.StringIO()
            sys.print_exception(error, text)
            said = False, text.getvalue()
        print("=" + json.dumps(said))


Reset = world.Reset
command = alarmpost.command
KINDS = firmware.KINDS.split(" ")
FastFlash = flash.Flash
server = TimeServer()
sys.modules["socket"] = Module(
    SOCK_STREAM=1,
    SOCK_DGRAM=2,
    socket=lambda _, kind, *more: world.Socket() if kind == 1 else server,
    getaddrinfo=lambda host, port, _, kind: [(2, kind, 0, "", (host, port))],
)
sys.modules["select"] = Module(poll=world.Poll)
sys.modules["time"] = Module(
    gmtime=time.gmtime,
    sleep=time.sleep,
    ticks_ms=lambda: names["plant"].ticks(),  # noqa: PLW0108  (the plant may be another one)
    ticks_diff=lambda later, earlier: names["plant"].diff(later, earlier),  # noqa: PLW0108
)
names = globals()
main()
